"""Some power cuts; `python -m tests.storage.faults.power --cuts 1000` tries many."""

from __future__ import annotations

import subprocess
import sys

from tests.storage.faults import disk


def test_nothing_acknowledged_is_lost_when_the_power_goes() -> None:
    program = [sys.executable, "-m", "tests.storage.faults.power", "--cuts", "60"]
    done = subprocess.run(program, cwd=disk.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
