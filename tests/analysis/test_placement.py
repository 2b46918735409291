"""Vehicles on their lines: known places on a small timetable, and all forty real feeds."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.standards.gtfs.timetables import zipped
from zhicheng.analysis.patterns import Patterns, along_line, find_patterns
from zhicheng.analysis.placement import By, Report, place
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.transit import Reading
from zhicheng.standards.gtfs import realtime, static
from zhicheng.standards.gtfs.static import Shape, metres_between


@pytest.fixture(scope="module")
def small() -> Patterns:
    return find_patterns(static.read(zipped()))


def test_patterns_of_a_timetable(small: Patterns) -> None:
    main = small.by_route[0]
    assert sorted(len(one.stops) for one in main) == [3, 3, 3]
    assert small.of_trip["t1"].legs[1:].tolist() == [120.0, 240.0]
    assert np.isnan(small.of_trip["t3"].legs).all()  # no time at the stop between


@pytest.mark.parametrize(
    ("report", "lon", "by"),
    [
        (Report("t1", "1", "B", "STOPPED_AT"), 0.01, By.SHAPE),
        (Report("t1", "1", "C", "IN_TRANSIT_TO", seconds_left=240), 0.01, By.SHAPE),
        (Report("t1", "1", "C", "IN_TRANSIT_TO", seconds_left=9999), 0.01, By.SHAPE),
        (Report("t1", "1", "C", "IN_TRANSIT_TO", seconds_left=120), 0.02, By.SHAPE),
        (Report("t1", "1", "C", "IN_TRANSIT_TO", seconds_left=-5), 0.03, By.SHAPE),
        (Report("t1", "1", "C", "IN_TRANSIT_TO"), 0.02, By.SHAPE),
        (Report("t1", "1", "C", "INCOMING_AT"), 0.0291, By.SHAPE),
        (Report("t1", "1", "A", "IN_TRANSIT_TO", seconds_left=500), 0.0, By.SHAPE),
        (Report("?", "1", "B", "IN_TRANSIT_TO", ahead=["B", "A"], seconds_left=120), 0.02, By.SHAPE),  # t2's way
        (Report("?", "1", "B", "IN_TRANSIT_TO", ahead=["B", "C"], seconds_left=60), 0.005, By.SHAPE),  # t1's way
        (Report("?", "?", "B", "IN_TRANSIT_TO", ahead=["B", "C"], seconds_left=60), 0.005, By.SHAPE),
        (Report("t3", "2", "C", "IN_TRANSIT_TO"), 0.02, By.LINE),
        (Report("t1", "1", "D", "IN_TRANSIT_TO"), 0.5, By.STOP),
        (Report("?", "?", "D", "STOPPED_AT"), 0.5, By.STOP),
        (Report("t1", "1", "Z", "STOPPED_AT"), np.nan, By.NOTHING),
        (Report("t1", "1", None, "STOPPED_AT"), np.nan, By.NOTHING),
        (Report(None, None, "", "IN_TRANSIT_TO"), np.nan, By.NOTHING),
        (Report("loop", "1", "A", "IN_TRANSIT_TO", stop_sequence=3), 0.005, By.LINE),
        (Report("loop", "1", "A", "IN_TRANSIT_TO", stop_sequence=1), 0.0, By.LINE),
    ],
)
def test_known_places(small: Patterns, report: Report, lon: float, by: By) -> None:
    placed = place([report], small)
    assert placed.by.tolist() == [by]
    assert placed.lon[0] == pytest.approx(lon, abs=3e-5, nan_ok=True)
    assert np.isnan(placed.lon[0]) == np.isnan(placed.lat[0])


def test_bearing_follows_the_line(small: Patterns) -> None:
    placed = place([Report("t1", "1", "C", "IN_TRANSIT_TO"), Report("t2", "1", "A", "IN_TRANSIT_TO")], small)
    assert placed.bearing[0] == pytest.approx(95.7, abs=0.1)
    assert placed.bearing[1] == pytest.approx(270, abs=0.1)


@given(st.lists(st.floats(0, 0.02), min_size=1, max_size=12), st.integers(0, 99))
def test_places_along_a_line_come_in_order(lons: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    lon = np.linspace(0, 0.02, 9)
    lat = random.normal(0, 0.001, 9)
    shape = Shape(lon, lat, np.concatenate([[0.0], np.cumsum(metres_between(lon[:-1], lat[:-1], lon[1:], lat[1:]))]))
    along = along_line(shape, np.array(sorted(lons)), np.zeros(len(lons)))
    assert (np.diff(along) >= 0).all()
    assert along[0] >= 0
    assert along[-1] <= shape.metres[-1] + 1e-6


def test_a_line_over_itself_keeps_the_order_of_stops() -> None:
    """Out and back on one street: the last stop is on the way back, though the way out is as near."""
    lon = np.array([0.0, 0.01, 0.0])
    shape = Shape(lon, np.zeros(3), np.array([0.0, 1111.95, 2223.9]))
    assert along_line(shape, np.array([0.002, 0.01, 0.002]), np.zeros(3)).round().tolist() == [222.0, 1112.0, 2002.0]


def test_forty_feeds_of_the_subway(data_folder: Path) -> None:
    folder = data_folder / "gtfs_rt/nyct_ace_20240208"
    if not folder.exists():
        pytest.skip(f"no {folder}")
    timetable = static.read((folder / "mtasbwy_static_cut.zip").read_bytes())
    patterns = find_patterns(timetable)
    how = Counter[int]()
    seconds = []
    for path in sorted(folder.glob("*.pb")):
        feed = realtime.decode(path.read_bytes())
        reading = Reading(feed, DecodeSettings("ace", static=timetable))
        reports = [reading.report(one.vehicle) for one in feed.entity if one.vehicle is not None]
        started = time.process_time()
        placed = place(reports, patterns)
        seconds.append(time.process_time() - started)
        how.update(placed.by.tolist())
        for row, report in enumerate(reports):
            assert (placed.by[row] == By.NOTHING) == (report.stop_id not in timetable.stop_rows)
        stopped = np.array([one.status == "STOPPED_AT" for one in reports]) & (placed.by > By.STOP)
        stops = np.array([timetable.stop_rows.get(one.stop_id or "", 0) for one in reports])[stopped]
        lon, lat = timetable.stops.stop_lon[stops], timetable.stops.stop_lat[stops]
        assert metres_between(placed.lon[stopped], placed.lat[stopped], lon, lat).max() < 5
    # 74 % on their route's shape, 7 % on another's, 11 % at the stop, 8 % report a stop the cut does not have
    assert how == {By.SHAPE: 4657, By.OTHER: 423, By.STOP: 674, By.NOTHING: 512}
    assert float(np.median(seconds)) < 0.02, "160 vehicles in under 20 ms"
