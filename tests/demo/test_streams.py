"""Readings: functions of seed and time, so that past and present are of one piece, and plausible."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from zhicheng.demo import climate, parks
from zhicheng.demo.city import City
from zhicheng.demo.days import DAY, HOUR, midnight, works
from zhicheng.demo.streams import BY_NAME, STREAMS, Stream, instants, table
from zhicheng.kernel.columns import F8
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check_value
from zhicheng.standards.ngsild.model import Attribute, Kind

NOW = midnight(date(2026, 11, 27)) + 9.3 * HOUR
MODELS = Catalogue.builtin()


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_reading_is_the_same_whenever_it_is_asked_for(made: City, stream: Stream) -> None:
    row, at = stream.due(made.living, NOW - 2 * stream.every, NOW)
    assert len(row) >= len(stream.things(made.living).ids)
    together = stream.values(made.living, row, at)
    half = np.arange(len(row)) % 3 == 1
    apart = stream.values(made.living, row[half], at[half])
    for name in stream.columns:
        np.testing.assert_array_equal(together[name][half], apart[name])


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_what_was_told_then_is_among_what_is_told_now(made: City, stream: Stream) -> None:
    then = instants(stream.phases(made.living), stream.past, NOW - 3600, NOW)
    now = instants(stream.phases(made.living), stream.every, NOW - 3600, NOW)
    assert set(zip(*map(np.ndarray.tolist, then), strict=True)) <= set(zip(*map(np.ndarray.tolist, now), strict=True))


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_value_lies_within_its_model(made: City, stream: Stream) -> None:
    model = next(one for one in MODELS.models() if one.iri.endswith(f"/{stream.type}"))
    for start in np.arange(NOW - 360 * DAY, NOW, 7.3 * DAY):
        row, at = stream.due(made.living, start, start + stream.every)
        for name, column in stream.values(made.living, row, at).items():
            attribute, unit = stream.columns[name]
            known = next(one for one in model.attributes.values() if one.name == attribute)
            assert known.unit == unit and np.isfinite(column).all()
            for extreme in (float(column.min()), float(column.max())):
                assert check_value(Attribute(Kind.PROPERTY, extreme, unit=unit), known, model) == []


def test_a_table_holds_a_line_for_each_reading(made: City) -> None:
    stream = BY_NAME["weather"]
    row, at = stream.due(made.living, NOW - 300, NOW)
    lines = table(stream, made.living, row, at, stream.values(made.living, row, at)).splitlines()
    assert len(lines) == 1 + len(row)
    assert lines[0] == "id,at," + ",".join(stream.columns)


def test_car_parks_keep_their_hours(made: City) -> None:
    lots = made.living.parks
    offices = np.flatnonzero(lots.kind == parks.OFFICE)
    homes = np.flatnonzero(lots.kind == parks.HOUSING)

    def full(rows: np.ndarray[tuple[int], np.dtype[np.int64]], at: float) -> float:
        free = parks.free(7, lots, rows, np.full(len(rows), at))["free"]
        return float((1 - free / lots.places[rows]).mean())

    day, weekend = midnight(date(2026, 11, 27)), midnight(date(2026, 11, 29))
    assert works(date(2026, 11, 27)) and not works(date(2026, 11, 29))
    assert full(offices, day + 10.5 * HOUR) > 0.5 > full(offices, weekend + 10.5 * HOUR)
    assert full(homes, day + 3 * HOUR) > full(homes, day + 11 * HOUR) + 0.2


def test_the_weather_has_seasons_and_rain_raises_the_river() -> None:
    hours: F8 = midnight(date(2026, 1, 1)) + np.arange(0.0, 365 * DAY, HOUR)
    warm, wet, high = climate.temperature(7, hours), climate.rain(7, hours), climate.level(7, hours)
    assert warm[:1000].mean() + 8 < warm[4300:5300].mean()
    assert 700 < wet.sum() < 2600
    week = np.convolve(wet, np.ones(72), "same")
    assert np.corrcoef(np.roll(week, 30), high)[0, 1] > 0.4
