from __future__ import annotations

import numpy as np

from tests.compute.moving import rows
from zhicheng.compute.silence import Clock
from zhicheng.compute.state import pack, unpack
from zhicheng.kernel.instants import ABSENT, SECOND


def test_time_is_the_newest_event_and_never_later_than_it_was_recorded() -> None:
    clock = Clock()
    clock.hear(rows((50, "a", "x", 1, 40), (50, "b", "x", 1, 90)))
    clock.hear(rows((60, "a", "x", 1, 10)))
    clock.hear(rows())
    assert clock.now == 50


def test_all_are_looked_at_every_so_many_seconds() -> None:
    clock = Clock()
    due = []
    for second in (0, 10, 29, 30, 31, 100):
        clock.now = second * SECOND
        due.append(clock.due(30))
    assert due == [True, False, False, True, False, True]


def test_those_of_which_nothing_is_heard_are_silent_and_those_never_heard_of_are_not() -> None:
    newest = np.array([95, 20, ABSENT // SECOND]) * SECOND
    newest[2] = ABSENT
    assert Clock(now=100 * SECOND).silent(newest, 60).tolist() == [1]


def test_it_can_be_part_of_a_state() -> None:
    assert unpack(pack(Clock(5, 3)), Clock()) == Clock(5, 3)
