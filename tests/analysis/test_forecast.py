from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.analysis.backtest import replay, score
from zhicheng.analysis.forecast import COLUMNS, DAY, Forecasts, advance
from zhicheng.kernel.columns import F8, I8, Index

Keys = dict[str, np.ndarray[Any, Any]]


def blank(count: int) -> Keys:
    return {name: np.stack([one] * count) for name, one in COLUMNS.items()}


def weekly(days: int, draw: np.random.Generator, count: int = 4) -> F8:
    """Car parks that fill by day, less so at weekends, with noise."""
    slot = np.arange(days * DAY)
    busy = np.where(slot // DAY % 7 < 5, 150, 60)[:, None] * np.sin(np.pi * (slot % DAY) / DAY)[:, None] ** 2
    values: F8 = np.rint(300 - busy * draw.uniform(0.5, 1, count) + draw.normal(0, 4, (len(slot), count)))
    return values


def test_a_rhythm_is_learned_and_four_of_five_outcomes_lie_inside() -> None:
    values = weekly(56, np.random.default_rng(1))
    found = score(values, replay(values, np.arange(len(values))), 35 * DAY)
    assert (found.ratio < [0.95, 0.85, 0.6, 0.4]).all(), found.ratio
    assert (np.abs(found.coverage - 0.8) < 0.03).all(), found.coverage


def test_the_future_does_not_change_the_past() -> None:
    values = weekly(10, np.random.default_rng(2))
    other = values.copy()
    other[-DAY:] = np.roll(other[-DAY:], 7, axis=0) + 50
    slots = np.arange(len(values))
    made, changed = replay(values, slots), replay(other, slots)
    assert np.array_equal(made[:, :-DAY], changed[:, :-DAY], equal_nan=True)
    assert not np.array_equal(made[:, -DAY:], changed[:, -DAY:], equal_nan=True)


def test_a_car_park_without_a_past_is_forecast_to_stay() -> None:
    keys = blank(1)
    found = advance(keys, np.zeros(2, np.intp), np.array([100, 101]), np.array([40.0, 41]))
    assert found.reading.tolist() == [1] and found.slot.tolist() == [101]
    assert found.centre.tolist() == found.low.tolist() == [[40.0] * 4]
    assert np.isnan(found.hour).all()


def test_a_reading_is_carried_for_a_day_and_no_longer() -> None:
    keys = blank(1)
    advance(keys, np.zeros(1, np.intp), np.array([0]), np.array([40.0]))
    assert len(advance(keys, np.zeros(1, np.intp), np.array([DAY + 1]), np.array([9.0])).reading) == 0
    assert (keys["course"] >= 0).sum() == DAY
    assert len(advance(keys, np.zeros(1, np.intp), np.array([2 * DAY + 1]), np.array([9.0])).reading) == 1
    advance(keys, np.zeros(1, np.intp), np.array([90 * DAY]), np.array([9.0]))
    advance(keys, np.zeros(1, np.intp), np.array([90 * DAY + 1]), np.array([9.0]))
    assert (keys["course"] >= 0).sum() == 1, "what is older than the course is gone"


def test_clocks_put_back_and_odd_counts() -> None:
    keys = blank(2)
    found = advance(keys, np.array([0, 0, 1]), np.array([10, 6, 10]), np.array([7.0, 1e9, -3]))
    assert len(found.reading) == 0 and keys["slot"].tolist() == [10, 10]
    assert keys["value"].tolist() == [32_767.0, 0.0]


def readings(draw: np.random.Generator, count: int) -> tuple[Index, I8, F8]:
    rows = draw.integers(0, 3, count)
    slots = np.cumsum(draw.choice([0, 0, 1, 2, 5, 120, 3000], count, p=[0.4, 0.2, 0.2, 0.1, 0.07, 0.02, 0.01]))
    return rows, slots + draw.choice([0, -3], count, p=[0.9, 0.1]), draw.integers(0, 200, count).astype(float)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 120), cuts=st.lists(st.integers(0, 120), max_size=8))
def test_batches_of_any_size_give_the_same_bits(seed: int, count: int, cuts: list[int]) -> None:
    rows, slots, values = readings(np.random.default_rng(seed), count)
    whole, apart = blank(3), blank(3)
    expected = advance(whole, rows, slots, values)
    found: list[Forecasts] = []
    borders = sorted({0, count, *(cut for cut in cuts if cut < count)})
    for start, end in pairwise(borders):
        part = slice(start, end)
        made = advance(apart, rows[part], slots[part], values[part])
        found.append(Forecasts(made.reading + start, made.slot, made.hour, made.centre, made.low, made.high))
    for field in fields(Forecasts) if found else ():
        together = np.concatenate([getattr(one, field.name) for one in found])
        assert together.tobytes() == getattr(expected, field.name).tobytes(), field.name
    assert {name: column.tobytes() for name, column in whole.items()} == {
        name: column.tobytes() for name, column in apart.items()
    }


def test_readings_give_what_their_slots_give() -> None:
    values = weekly(10, np.random.default_rng(3), 2)
    made = replay(values, np.arange(len(values)))
    rows, slots = np.tile([0, 1], len(values)), np.repeat(np.arange(len(values)), 2)
    found = advance(blank(2), rows, slots, values.ravel())
    for row in (0, 1):
        own = rows[found.reading] == row
        assert np.array_equal(found.centre[own], made[0, found.slot[own] - 1, row])
        assert np.array_equal(found.high[own], made[2, found.slot[own] - 1, row])
