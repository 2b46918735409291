"""The city's telling, tick by tick, with a platform that only listens."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from zhicheng.demo import city
from zhicheng.demo.days import HOUR
from zhicheng.demo.live import Life, live
from zhicheng.demo.plan import Plan
from zhicheng.demo.sender import Sender
from zhicheng.demo.shelf import Shelf
from zhicheng.demo.timekeeper import Timekeeper
from zhicheng.standards.gtfs import realtime

NOW = 1_795_743_600.0


class Heard(Sender):
    """What was pushed, in order."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []

    def wait(self) -> None: ...

    def push(self, feed: str, body: bytes | str, kind: str = "") -> dict[str, object]:
        self.got.append((feed, body.encode() if isinstance(body, str) else body))
        return {}

    def readings(self, feed: str) -> list[tuple[str, int]]:
        tables = [csv.DictReader(io.StringIO(body.decode())) for name, body in self.got if name == feed]
        return [(row["id"], int(row["at"])) for table in tables for row in table]


class Hand:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture(scope="module")
def living() -> city.Living:
    return city.make(Plan(seed=3, buildings=1000)).living


def test_a_first_start_tells_every_things_newest_reading_and_all_buses(living: city.Living, tmp_path: Path) -> None:
    heard = Heard()
    Life(living, heard, Timekeeper(Hand(NOW)), tmp_path / "told").begin(NOW)
    assert len({name for name, _ in heard.readings("air")}) == 220
    assert len({name for name, _ in heard.readings("parking")}) == 200
    feed = realtime.decode(next(body for name, body in heard.got if name == "bus"))
    assert sum(one.vehicle is not None for one in feed.entity) == 600


def test_after_a_break_what_was_missed_is_told_once(living: city.Living, tmp_path: Path) -> None:
    notes = tmp_path / "told"
    before, after = Heard(), Heard()
    one = Life(living, before, Timekeeper(Hand(NOW)), notes)
    one.begin(NOW)
    for tick in range(1, 40):
        one.tick(NOW + 10 * tick)
    end = NOW + 390
    again = Life(living, after, Timekeeper(Hand(end + 1500)), notes)
    again.begin(end + 1500)
    told = [reading for reading in before.readings("noise") if reading[1] > NOW] + after.readings("noise")
    whole = Heard()
    late = Life(living, whole, Timekeeper(Hand(NOW)), tmp_path / "other")
    late.fresh = False
    late.until = NOW
    late.tick(end + 1500)
    assert len(told) == len(set(told))
    assert set(told) == set(whole.readings("noise"))


def test_no_more_than_an_hour_is_made_up_for(living: city.Living, tmp_path: Path) -> None:
    (tmp_path / "told").write_text(f"{NOW - 30 * HOUR:.0f}\n", "ascii")
    heard = Heard()
    Life(living, heard, Timekeeper(Hand(NOW)), tmp_path / "told").begin(NOW)
    assert min(at for _, at in heard.readings("weather")) > NOW - HOUR - 1


def test_at_speed_it_tells_the_past_in_order_and_never_the_future(tmp_path: Path) -> None:
    hand, heard = Hand(NOW), Heard()
    clock = Timekeeper(hand, 60.0, NOW - 600)
    shelf = Shelf(tmp_path, Plan(seed=3, buildings=300, registered=300))
    live(shelf, heard, clock, tmp_path, lambda: hand.at > NOW + 40, hand.sleep)
    issued = [realtime.decode(body).issued_at for name, body in heard.got if name == "bus"]
    assert issued == sorted(issued) and issued[0] <= NOW - 590 and NOW <= issued[-1] <= hand.at
    assert [name for name, _ in heard.got][:1] == ["timetable"]
    records = [json.loads(line) for name, body in heard.got if name == "register-fire" for line in body.splitlines()]
    assert records and all("observedAt" in one["name"] for one in records)


def test_what_stands_still_is_handed_over_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Plan(seed=3, buildings=300, registered=300))
    counts = []
    for _ in range(2):
        hand, heard = Hand(NOW), Heard()
        live(shelf, heard, Timekeeper(hand), tmp_path, lambda hand=hand: hand.at > NOW + 15, hand.sleep)  # type: ignore[misc]  # mypy cannot see the default
        counts.append([name for name, _ in heard.got].count("basemap"))
    assert counts == [1, 0]
