"""Killed in the middle, again and again: nothing that an application writes repeats or is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.compute import killed
from tests.compute.test_runner import stored
from tests.compute.windowed import MEANS, QUARTERS
from zhicheng.compute import law
from zhicheng.storage.engines.embedded.store import EmbeddedStore


def lived(folder: Path, seed: int, commits: int) -> bool:
    """Let it run and kill it after so many new commits; whether it came through before."""
    command = [sys.executable, "-m", "tests.compute.killed", str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [line for _, line in zip(range(commits), child.stdout, strict=False)]
        child.kill()
    return said[-1:] == ["through\n"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again(seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    kills = 0
    while not lived(tmp_path / "tenant", seed, int(draw.integers(5, 50))):
        kills += 1
        assert kills < 60
    assert kills > 0
    app = (MEANS, QUARTERS)[seed % 2]
    store = EmbeddedStore(tmp_path / "tenant")
    found = stored(store, app)
    store.close()
    expected, _ = law.run(app, [killed.log_of(seed)])
    assert found == expected and sum(map(len, found.values())) > 50
