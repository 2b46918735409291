"""Data folders of every released format open in this version and say what they said then."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tools.make_golden import said
from zhicheng.storage.engines.embedded.database import FORMAT
from zhicheng.storage.engines.embedded.store import EmbeddedStore

GOLDEN = Path(__file__).parent / "golden"
FORMATS = sorted(int(path.stem.removeprefix("format-")) for path in GOLDEN.glob("format-*.json"))


def unpacked(number: int, target: Path) -> EmbeddedStore:
    with tarfile.open(GOLDEN / f"format-{number}.tar.xz") as archive:
        archive.extractall(target, filter="data")
    return EmbeddedStore(target)


def test_every_format_has_its_golden_folder() -> None:
    assert list(range(1, FORMAT + 1)) == FORMATS
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 200_000 * FORMAT


@pytest.mark.parametrize("number", FORMATS)
def test_an_older_folder_says_what_it_said(number: int, tmp_path: Path) -> None:
    wanted = json.loads((GOLDEN / f"format-{number}.json").read_text("utf-8"))
    store = unpacked(number, tmp_path)
    assert store.verify() == []
    for view, content in json.loads(json.dumps(said(store))).items():
        assert content == wanted[view], view
    store.close()
    shutil.rmtree(tmp_path / "snapshots")
    store = EmbeddedStore(tmp_path)
    assert json.loads(json.dumps(said(store))) == wanted, "folded anew from segments and blocks"
    store.close()
