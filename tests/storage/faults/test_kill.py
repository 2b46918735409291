"""A few kill -9 trials; `python -m tests.storage.faults.kill --trials 200` runs many."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.storage.faults import kill


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    seed = int(os.environ.get("ZHICHENG_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    print(f"replay with ZHICHENG_FAULT_SEED={seed}")
    outcomes = kill.trials(14, seed, tmp_path)
    assert sum(outcome.acknowledged for outcome in outcomes) > 100
