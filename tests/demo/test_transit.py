"""Buses: a valid timetable, buses where their trips say, radios that fail, a feed that the platform reads."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from zhicheng.demo import climate, fleet, gtfs, realtime
from zhicheng.demo.city import City
from zhicheng.demo.days import HOUR, midnight, works
from zhicheng.demo.runs import Runs, runs
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.transit import decode_realtime
from zhicheng.standards.gtfs import static
from zhicheng.standards.gtfs.static import Static

DAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def read(made: City) -> Static:
    return static.read(gtfs.archive(made.ground, made.living.buses, made.living.tables, 2026))


@pytest.fixture(scope="module")
def days(made: City) -> list[Runs]:
    return [
        runs(7, made.living.tables["working"], day, 600, climate.hourly_rain(7, midnight(day)))
        for day in (DAY - timedelta(days=1), DAY)
    ]


def test_the_platforms_own_reader_finds_nothing_amiss(read: Static) -> None:
    assert read.dangling == {}
    assert (len(read.routes), len(read.trips) > 9_000, read.zone.key) == (60, True, "Asia/Shanghai")
    arrival, first = read.visits.arrival, read.visits.first
    inner = np.ones(len(arrival) - 1, bool)
    inner[first[1:-1] - 1] = False
    assert (np.diff(arrival)[inner] > 0).all()


def test_the_calendar_knows_holidays_and_make_up_days(read: Static) -> None:
    for day in (date(2026, 2, 14), date(2026, 2, 17), date(2026, 10, 1), date(2026, 10, 10), date(2026, 11, 29)):
        assert read.services_on(day) == {"working" if works(day) else "resting"}


def test_no_bus_is_on_two_trips_at_once(made: City, days: list[Runs]) -> None:
    one = days[1]
    for bus in range(0, 600, 7):
        trips = one.by_bus[one.starts[bus] : one.starts[bus + 1]]
        assert (one.first[trips][1:] > one.last[trips][:-1]).all()


def test_a_day_is_the_same_when_it_is_asked_for_again(made: City, days: list[Runs]) -> None:
    again = runs(7, made.living.tables["working"], DAY, 600, climate.hourly_rain(7, midnight(DAY)))
    np.testing.assert_array_equal(again.arrives, days[1].arrives)


def test_most_buses_run_in_the_rush_and_few_at_night(days: list[Runs]) -> None:
    rush, night = (fleet.moving(days, midnight(DAY) + hour * HOUR, 600).sum() for hour in (8.0, 3.0))
    assert rush > 480 and 0 < night < 60


def test_buses_move_no_faster_than_buses_and_stay_on_their_line(made: City, days: list[Runs]) -> None:
    bus = np.arange(600)
    at = np.full(600, midnight(DAY) + 8.0 * HOUR)
    before, after = (fleet.report(7, made.living.tracks, days, at + more, bus) for more in (0, 10))
    same = (before.trip == after.trip) & (before.run >= 0)
    assert same.sum() > 400
    assert np.hypot(*(after.places - before.places)[same].T).max() < 10 * 25 + 40


def test_radios_are_silent_repeat_themselves_and_come_late() -> None:
    heard = np.array(
        [fleet.heard(7, midnight(DAY) + 8.0 * HOUR + 10 * turn, 600, np.ones(600, int)) for turn in range(90)]
    )
    steps = np.diff(heard, axis=0)
    assert (steps == 10).mean() > 0.95
    assert (steps == 0).any() and (steps < 0).any()
    assert (midnight(DAY) + 8.0 * HOUR - heard[0]).max() > 30


def test_the_platform_reads_every_bus_and_the_notices(made: City, read: Static, days: list[Runs]) -> None:
    now = midnight(DAY) + 8.2 * HOUR
    at = fleet.heard(7, now, 600, fleet.moving(days, now, 600))
    said = fleet.report(7, made.living.tracks, days, at, np.arange(600))
    body = realtime.feed(7, made.ground, made.living.buses, days, said, now)
    decoded = decode_realtime(body, DecodeSettings("bus", made.plan.network, read))
    kinds = [entity.types[0].rsplit("/", 1)[-1] for entity in decoded.entities]
    assert kinds.count("Vehicle") == 600 and 3 <= kinds.count("Alert") <= 6
    assert decoded.refused == ()
    trips = {row for row in range(600) if said.run[row] >= 0}
    assert len(trips) > 480
