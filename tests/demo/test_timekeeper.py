"""The clock and the sender, with time and the network handed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhicheng.demo.live import last_told
from zhicheng.demo.sender import Sender, Stopped
from zhicheng.demo.timekeeper import Timekeeper


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def test_real_time_is_the_clocks() -> None:
    hand = Hand()
    clock = Timekeeper(hand)
    hand.at += 17
    assert clock.now() == hand.at and not clock.behind()


def test_faster_time_catches_up_and_then_keeps_pace() -> None:
    hand = Hand()
    clock = Timekeeper(hand, 60.0, hand.at - 3600)
    hand.at += 10
    assert clock.now() == hand.at - 10 - 3600 + 600 and clock.behind()
    hand.at += 100
    assert clock.now() == hand.at and not clock.behind()


def test_a_sender_that_is_told_to_stop_gives_up() -> None:
    asked = iter([False, False, True])
    sender = Sender("http://127.0.0.1:9", "", lambda: next(asked), sleep=lambda _: None)
    with pytest.raises(Stopped):
        sender.push("bus", b"x")
    sender.close()


def test_where_nothing_was_told_it_begins_at_nothing(tmp_path: Path) -> None:
    assert last_told(tmp_path / "told") == 0.0
    (tmp_path / "told").write_text("nonsense", "ascii")
    assert last_told(tmp_path / "told") == 0.0
