"""Some bit flips in every kind of file; `python -m tests.storage.faults.flips --count 2000` tries many."""

from __future__ import annotations

import os
import random

import pytest

from tests.storage.faults import flips


def test_a_flipped_bit_in_the_write_ahead_log_does_not_hide_what_follows_it() -> None:
    counts = flips.wal_trials(120, 3)
    assert set(counts) <= {"found", "harmless", "last commit lost"}, counts
    assert counts["found"] > 90


@pytest.mark.slow
def test_a_flipped_bit_is_found_or_harmless(caplog: pytest.LogCaptureFixture) -> None:
    seed = int(os.environ.get("ZHICHENG_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    print(f"replay with ZHICHENG_FAULT_SEED={seed}")
    counts = flips.trials(320, seed)
    wrong = {kind: found for kind, found in counts.items() if set(found) - {"found", "harmless"}}
    assert not wrong, (seed, wrong)
    for kind in ("segment", "segment footer", "blob", "table", "block"):
        assert counts[kind]["harmless"] == 0, (seed, kind, counts[kind])
    assert counts["snapshot"]["found"] == 0, "a start falls back on an older snapshot or the log"
    assert "an older snapshot or the log itself is used" in caplog.text
