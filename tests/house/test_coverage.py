"""docs/seeds.toml cannot promise more than the tests show."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tools import coverage

ROW = coverage.System(id="C7", zh="停车", en="Parking", words=(("000", "停车传感器"),), state="planned")


def changed(**values: str) -> coverage.System:
    return msgspec.structs.replace(ROW, **values)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_parking.py").write_text("async def test_free_places() -> None: ...\n", "utf-8")
    return tmp_path


def test_the_project_itself_is_sound_and_its_page_up_to_date() -> None:
    rows = coverage.systems()
    assert list(coverage.faults(rows)) == []
    assert coverage.TABLE.read_text("utf-8") == coverage.table(rows)
    assert len(rows) == 122


@pytest.mark.parametrize(
    "row",
    [
        changed(state="works", page="/parking"),
        changed(state="works", page="/parking", test="tests/test_nowhere.py"),
        changed(state="works", page="/parking", test="tests/test_parking.py::test_free"),
        changed(state="works", page="/parking", test="/etc/hostname"),
        changed(state="works", test="tests/test_parking.py"),
        changed(state="partial"),
        changed(state="done"),
        changed(id="X1"),
        changed(en=""),
    ],
    ids=str,
)
def test_a_promise_without_its_proof_is_a_fault(row: coverage.System, root: Path) -> None:
    assert list(coverage.faults([row], root)) != []


@pytest.mark.parametrize("test", ["tests/test_parking.py", "tests/test_parking.py::test_free_places"])
def test_a_promise_with_its_proof_is_none(test: str, root: Path) -> None:
    assert list(coverage.faults([changed(state="works", interface="/api/v1/parking", test=test)], root)) == []


def test_an_id_stands_once() -> None:
    assert list(coverage.faults([ROW, ROW])) == ["C7 stands 2 times"]


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seeds.toml"
    path.write_text(
        '[[system]]\nid = "C7"\nzh = "停车"\nen = "Parking"\nwords = []\nstate = "planned"\npages = "/"\n', "utf-8"
    )
    with pytest.raises(msgspec.ValidationError, match="pages"):
        coverage.systems(path)
