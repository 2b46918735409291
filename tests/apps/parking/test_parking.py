from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.apps.parking.app import APP, State
from zhicheng.apps.parking.model import AHEAD, FORECAST, FREE, OCCUPANCY, PARK, TOTAL, TREND, Params
from zhicheng.compute import law
from zhicheng.compute.rows import Rows
from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import DAY, HOUR, MINUTE
from zhicheng.standards.changes import Changes, Form

START = instants.parse("2026-03-02T00:00:00Z")
BERLIN = Params(time_zone="Europe/Berlin")


@given(seed=st.integers(0, 2**32), commits=st.integers(1, 80))
def test_batches_of_any_size_give_the_same(seed: int, commits: int) -> None:
    law.check(APP, seed, params=BERLIN, commits=commits)


def rows(readings: list[tuple[str, str, int, float]]) -> Rows:
    """Readings (car park, attribute, instant, number), one commit each."""
    parks, attributes, at, numbers = zip(*readings, strict=True)
    count = len(readings)
    nothing = Coded.constant(None, count)
    return Rows(
        entity=Coded.of(parks), type=Coded.constant(PARK, count), attribute=Coded.of(attributes), dataset=nothing,
        form=np.full(count, Form.NUMBER, np.uint8), number=np.array(numbers, float), text=nothing, unit=nothing,
        sub=nothing, at=np.array(at, np.int64), recorded_at=np.array(at, np.int64),
        position=np.arange(count, dtype=np.int64), late=np.zeros(count, bool),
    )  # fmt: skip


def derived(
    readings: list[tuple[str, str, int, float]], state: State | None = None
) -> dict[str, list[tuple[int, Any]]]:
    """What is written, by attribute: instant and value."""
    changes: Changes = APP.derive(rows(readings), state or State(), BERLIN, {}).changes
    found: dict[str, list[tuple[int, Any]]] = {}
    for row in range(len(changes)):
        text = changes.text[row]
        value = changes.number[row] if text is None else orjson.loads(text) if text[0] == "[" else text
        found.setdefault(changes.attribute[row] or "", []).append((int(changes.observed_at[row]), value))
    return found


def test_occupancy_follows_readings_once_the_places_are_known() -> None:
    found = derived(
        [("a", FREE, START, 30), ("a", TOTAL, START, 100), ("b", FREE, START, 5), ("a", FREE, START + 1, 25)]
    )
    assert found[OCCUPANCY] == [(START + 1, 0.75)]


def test_more_free_than_there_are_is_empty() -> None:
    assert derived([("a", TOTAL, START, 100), ("a", FREE, START, 130)])[OCCUPANCY] == [(START, 0.0)]


def test_a_forecast_is_issued_at_the_first_reading_of_a_quarter() -> None:
    quarters = [("a", FREE, START + place * 5 * MINUTE, 50.0) for place in range(7)]
    found = derived([("a", TOTAL, START, 80), *quarters])[FORECAST]
    assert [at for at, _ in found] == [START + 15 * MINUTE, START + 30 * MINUTE]
    targets = [instants.parse(one["target"]) - START - 15 * MINUTE for one in found[0][1]]
    assert targets == [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR]
    assert found[0][1][0] | {"target": ""} == {"target": "", "free": 50, "low": 50, "high": 50}


def test_what_is_expected_in_an_hour_is_written_each_hour_as_a_share() -> None:
    state = State()
    derived([("a", TOTAL, START, 80), *[("a", FREE, START + hour * HOUR, 60.0) for hour in range(5)]], state)
    changes = APP.derive(rows([("a", FREE, START + 5 * HOUR, 60.0)]), state, BERLIN, {}).changes
    row = changes.attribute.list().index(AHEAD)
    assert changes.number[row] == pytest.approx(0.25)
    beside = {name: one[0]["value"] for name, one in orjson.loads(changes.sub[row] or "").items()}
    assert beside == {iri("target"): "2026-03-02T06:00:00Z", iri("low"): 0.25, iri("high"): 0.25}


def test_a_steady_car_park_and_one_that_fills() -> None:
    course = [("a", FREE, START + step * 15 * MINUTE, 100.0) for step in range(8)]
    course += [("a", FREE, START + step * 15 * MINUTE, 100.0 - 9 * (step - 8)) for step in range(8, 14)]
    assert [word for _, word in derived([("a", TOTAL, START, 200), *course])[TREND]] == ["steady"] * 5 + ["filling"] * 4


def test_a_day_like_the_last_ones_is_expected() -> None:
    """Every day empties at 18:00 on the city's clock; after two weeks, what stands at 18:30 is foreseen at 17:30."""
    state, city = State(), -HOUR
    slots = [START + city + step * 15 * MINUTE for step in range(14 * 96 + 71)]
    full = [("a", FREE, at, 10.0 if 8 <= (at - START - city) % DAY / HOUR < 18 else 90.0) for at in slots]
    last = derived([("a", TOTAL, START - DAY, 100), *full], state)[FORECAST][-1]
    assert last[0] == START + city + 14 * DAY + 17 * HOUR + 30 * MINUTE
    assert [one["free"] for one in last[1]] == pytest.approx([10, 10, 88, 88], abs=3)


def test_a_car_park_that_was_removed_begins_anew() -> None:
    state = State()
    derived([("a", TOTAL, START, 100), ("b", TOTAL, START, 10), ("a", FREE, START, 50)], state)
    gone = rows([("a", FREE, START + 1, 0), ("b", FREE, START + 2, 5)])
    gone.attribute = Coded([FREE], np.array([-1, 0], np.int32))
    gone.form[0] = Form.NOTHING
    found = APP.derive(gone, state, BERLIN, {}).changes
    assert found.entity.list() == ["b"] and state.parks.names == ["b"]
