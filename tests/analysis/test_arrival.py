from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.analysis import bologna
from zhicheng.analysis.along import locate, points, progress
from zhicheng.analysis.eta_accuracy import accuracy
from zhicheng.analysis.tracking import Told, settle, starts
from zhicheng.analysis.travel_times import Hops
from zhicheng.analysis.ways import Schedule, Ways, onward, schedule, tidy, unscheduled, way_of, went
from zhicheng.kernel.columns import F8
from zhicheng.kernel.instants import ABSENT, MINUTE, SECOND
from zhicheng.kernel.zones import zone
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.gtfs.messages import TripUpdate
from zhicheng.standards.gtfs.static import EARTH, Shape, read

Data = Callable[[str], Path]
PLAN = unscheduled(zone("Asia/Shanghai"))


def test_trips_past_midnight_start_on_their_service_day(data: Data) -> None:
    folder = data("gtfs_rt/wmata_service_day_4")
    plan = schedule(read((folder / "1" / "cut.zip").read_bytes()))
    compared = late = 0
    for name in ("23:45.wmata.pb", "23:54.wmata.pb", "00:04.wmata.pb", "00:09.wmata.pb"):
        feed = realtime.decode((folder / name).read_bytes())
        for update in (one.trip_update for one in feed.entity if one.trip_update is not None):
            trip, leaves = update.trip.trip_id or "", _leaves(plan, update)
            if leaves is None:
                continue
            for date in (update.trip.start_date or "", ""):
                start = starts(plan, trip, date, "", feed.issued_at * SECOND)
                assert abs(start / SECOND - leaves) < 3600
            compared += 1
            late += plan.departs(trip) >= 24 * 3600
    assert compared > 10
    assert late > 0


def _leaves(plan: Schedule, update: TripUpdate) -> int | None:
    """When a trip leaves its first stop by its prediction, if that is still to come."""
    stops = plan.trip(update.trip.trip_id or "")
    first = update.stop_time_update[0] if update.stop_time_update else None
    if first is None or stops is None or stops[0] != first.stop_id:
        return None
    event = first.departure or first.arrival
    return event.time if event is not None else None


def test_ways_follow_what_vehicles_did_and_leave_out_what_they_pass() -> None:
    ways = Ways()
    for _ in range(4):
        for one, other in (("a", "b"), ("b", "c"), ("c", "d")):
            went(ways, "7", one, other)
    went(ways, "7", "a", "c")  # b was not seen: the report came later
    assert onward(ways, PLAN, "7", "a", []) == ["a", "b", "c", "d"]
    for _ in range(20):
        went(ways, "8", "a", "c")
    went(ways, "8", "a", "b")
    assert onward(ways, PLAN, "8", "a", [])[:2] == ["a", "c"]


def test_a_way_is_kept_as_long_as_others_go_the_same() -> None:
    ways, hops = Ways(), Hops()
    for stop, following in (("a", "b"), ("b", "c")):
        went(ways, "7", stop, following)
    first = settle(ways, hops, PLAN, Told("t", "7", "a"), -1, -1)
    assert ways.names(first.way) == ["a", "b", "c"]
    same = settle(ways, hops, PLAN, Told("t", "7", "b"), first.way, 0)
    assert (same.way, same.place) == (first.way, 1)
    other = settle(ways, hops, PLAN, Told("t", "7", "x"), first.way, 1)
    assert ways.names(other.way) == ["a", "b", "x"]
    assert (other.place, other.kept) == (2, 2)


def test_ways_that_nobody_takes_are_let_go() -> None:
    ways, hops = Ways(), Hops()
    for number in range(1200):
        way_of(ways, hops, PLAN, "7", [f"a{number}", f"b{number}"])
    used = np.array([1199, -1, 3], np.int64)
    assert tidy(ways, used)
    assert [ways.names(way) for way in used[[0, 2]].tolist()] == [["a1199", "b1199"], ["a3", "b3"]]
    assert used[1] == -1
    assert len(ways.way) == 2


@pytest.mark.parametrize(("date", "time"), [("", "soon"), ("tomorrow", "10:00:00"), ("", "")])
def test_starts_that_cannot_be_read_are_not_known(date: str, time: str) -> None:
    assert starts(PLAN, "t", date, time, 10**15) == ABSENT


def test_a_line_that_comes_back_is_followed() -> None:
    degree = float(np.degrees(1 / EARTH))
    there, back = np.linspace(0, 1000, 11), np.linspace(900, 0, 10)
    lon: F8 = np.concatenate([there, back]) * degree
    line = Shape(lon, np.zeros(len(lon)), np.arange(0.0, 100.0 * len(lon), 100.0))
    before = np.nan
    places = []
    for second in range(0, 200, 10):
        metres = second * 10.0
        lon_now = (metres if metres <= 1000 else 2000 - metres) * degree
        before, off = locate(line, lon_now, 5 * degree, before, 10.0)
        places.append((before, off))
    assert np.allclose(np.array(places), [(second * 10.0, 5.0) for second in range(0, 200, 10)], atol=0.1)


def test_progress_says_when_a_place_was_passed() -> None:
    found = points(np.array([120.0, 400.0]))
    place, since, share = progress(found, 150.0, 10 * SECOND, 100.0, 0)
    assert (place, since, share) == (2, 10 * SECOND, 0.0)
    assert progress(found, -5.0, MINUTE, np.nan, 0)[0] == -1


def test_buses_of_bologna(data: Data) -> None:
    why = "no simulator: `make .venv/.simulator` brings it; it needs the system's libGL and libX11"
    sumo = pytest.importorskip("libsumo", reason=why, exc_type=ImportError)
    announced, low, high, actual = bologna.follow(bologna.simulate(data(bologna.SCENARIO), sumo))
    assert accuracy(announced, actual).score > 0.85
    soon = actual < 900
    assert 0.7 < ((actual >= low) & (actual <= high))[soon].mean() < 0.9
