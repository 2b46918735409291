"""Killed in the middle, again and again: nothing that an application writes repeats or is missing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.compute import killed
from tests.compute.test_runner import stored
from tests.compute.windowed import MEANS, QUARTERS
from zhicheng.compute import law
from zhicheng.storage.engines.embedded.store import EmbeddedStore


def lived(folder: Path, seed: int, seconds: float) -> bool:
    """Let it run and kill it so long after it opened its store; whether it came through."""
    command = [sys.executable, "-m", "tests.compute.killed", str(folder), str(seed)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    time.sleep(seconds)
    child.kill()
    out, _ = child.communicate()
    return "through" in out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again(seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    kills = 0
    while not lived(tmp_path / "tenant", seed, 0.1 + float(draw.random()) * 0.4):
        kills += 1
        assert kills < 60
    assert kills > 0
    app = (MEANS, QUARTERS)[seed % 2]
    store = EmbeddedStore(tmp_path / "tenant")
    found = stored(store, app)
    store.close()
    expected, _ = law.run(app, [killed.log_of(seed)])
    assert found == expected and sum(map(len, found.values())) > 50
