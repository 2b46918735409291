"""How many changes come a minute: of a log with a past, and of one that has just begun."""

from __future__ import annotations

import numpy as np

from zhicheng.hub.catalogue import flow
from zhicheng.kernel.columns import Coded
from zhicheng.storage.tally import MINUTE, Tally

NOW = 1_000 * MINUTE + MINUTE // 2


def tally(counts: dict[int, int], source: str = "feed:a") -> Tally:
    """So many changes in each of some minutes."""
    start = np.array(sorted(counts), np.int64) * MINUTE
    count = np.array([counts[one] for one in sorted(counts)], np.int64)
    return Tally(np.zeros(len(start), np.int64), Coded.of([source] * len(start)), start, count)


def test_now_is_the_last_five_whole_minutes() -> None:
    found = flow.flow(tally({900: 7, 994: 1_000, 995: 10, 999: 20, 1_000: 5_000}), NOW)
    assert found.per_minute == 30 / 5 and found.recent == (995 * MINUTE, 1_000 * MINUTE)


def test_of_a_young_log_it_is_all_that_there_is() -> None:
    assert flow.flow(tally({1_000: 60}), NOW).per_minute == 60, "half a minute is not made larger than it is"
    found = flow.flow(tally({998: 10, 1_000: 40}), NOW)
    assert found.per_minute == 50 / 2.5 and found.recent == (998 * MINUTE, NOW)
    assert flow.of_source(tally({998: 10}), "feed:b", NOW).per_minute == 0
    assert flow.flow(tally({}), NOW).per_minute == 0
