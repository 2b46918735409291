"""Forecasts of a count that follows the day and the week, such as the free places of a car park, with intervals.

Time goes in slots of a quarter of an hour on the city's clock; a slot's value is its last reading, carried on for at
most a day where there is none. When a slot closes, the count of each of the last 28 days at the same time of day tells
what may follow: the days whose course was most like today's of late count most, and those of the same weekday more
(analogues; Lorenz 1969). What is forecast is the drift from now on, which takes care of the level:

- centre: between the weighted median and the weighted mean of those days' drifts; some weight lies on no drift at all,
  so that a car park without a past is forecast to stay as it is
- interval: their weighted 10 % and 90 % quantiles, widened or narrowed by a factor for each horizon, which grows when
  outcomes fall outside and shrinks when they do not, so that in the long run 80 % fall inside, whatever the
  distribution (adaptive conformal inference; Gibbs and Candès 2021, "Adaptive conformal inference under distribution
  shift", eq. 2, with the factor in the place of the level)

Everything is computed key by key in floating-point operations whose order does not depend on the other keys: one batch
or many give the same bits. Memory: 6 kB a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from zhicheng.kernel.columns import F8, I8, Index, Mask
from zhicheng.kernel.instants import MINUTE

SLOT: Final = 15 * MINUTE
HORIZONS: Final = np.array([1, 2, 4, 8])
"""Slots ahead: 15, 30, 60 and 120 minutes."""
DAY: Final = 96
DAYS: Final = 28
HOLDS: Final = DAY
"""Slots that a reading is carried on for."""
COVERAGE: Final = 0.8

_RING: Final = DAY * (DAYS + 1)
_BACK: Final = DAY * np.arange(1, DAYS + 1)
_NOTHING: Final = np.int16(-1)
_MOST: Final = 32_767
_NEVER: Final = -(2**62)
_AHEAD: Final = int(HORIZONS[-1])

_MEMORY: Final = 0.9
"""How much of a day's distance to today is kept from slot to slot: it looks back some two hours and a half."""
_LEVEL: Final = 0.1
"""What a difference in level counts beside one in drift over half an hour."""
_SHARP: Final = 0.3
"""The distance, as a share of a typical near day's, at which a day's weight falls to 1/e."""
_FLOOR: Final = 0.2
"""Places added to distances, so that days that are all alike count alike."""
_WEEKDAY: Final = np.where(np.arange(1, DAYS + 1) % 7 == 0, 4.0, 1.0)
_STAY: Final = 0.05
"""The weight of three days more that drifted not at all, and a typical drift up and down; the days' own sum to 1."""
_MEDIAN: Final = 0.7
"""The share of the median in the centre."""
_STEP: Final = 0.01
"""How quickly the intervals' factors adapt: a slot inside takes 0.2 %, one outside adds 0.8 %."""


class Columns(Protocol):
    """Arrays by name with one row a key, which are written to: those of `COLUMNS`."""

    def __getitem__(self, name: str, /) -> npt.NDArray[Any]: ...


COLUMNS: Final[dict[str, npt.NDArray[Any]]] = {
    "slot": np.array(_NEVER, np.int64),
    "value": np.array(np.nan),
    "closed": np.array(_NEVER, np.int64),
    "course": np.full(_RING, _NOTHING),
    "apart": np.full(DAYS, np.nan, np.float32),
    "drift": np.full(len(HORIZONS), np.nan, np.float32),
    "factor": np.ones(len(HORIZONS), np.float32),
    "pending": np.full((len(HORIZONS), _AHEAD, 2), np.nan, np.float32),
}
"""What is remembered of a new key: the open slot and its value so far, the last closed one, the courses of 29 days,
how far each day is from today, the usual size of drifts, the intervals' factors, and the intervals whose outcome is not
yet known (horizon, slot modulo 8, low and high)."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts as of the end of slots that closed, in the order of the readings that closed them.

    reading: which of the readings; slot: the one that began as the forecast was issued, from which horizons count
    hour: what the count changed by in the hour before, NaN if not known
    centre, low, high: one column a horizon
    """

    reading: Index
    slot: I8
    hour: F8
    centre: F8
    low: F8
    high: F8

    def within(self, most: F8) -> tuple[F8, F8, F8]:
        """Centre, low and high, no more than a count can be of each reading's key; NaN where that is not known."""
        limit = np.where(np.isnan(most), np.inf, most)[:, None]
        return np.minimum(self.centre, limit), np.minimum(self.low, limit), np.minimum(self.high, limit)


def slots_of(at: I8, offset: I8) -> I8:
    """The slots of instants, both microseconds; offset: what the city's clock is ahead of UTC.

    >>> slots_of(np.array([0, 3_599_000_000]), np.array([0, 0])).tolist()
    [0, 3]
    """
    return (at + offset) // SLOT


def advance(keys: Columns, rows: Index, slot: I8, value: F8) -> Forecasts:
    """Take in readings in order of their arrival: the key's row, the slot and the value of each.

    A reading of a later slot than the key's open one closes that and gives a forecast; one of an earlier slot (where
    clocks are put back) counts as of the open one. Counts are whole numbers up to 32,767; others are cut to that.
    """
    order = np.argsort(rows, kind="stable")
    row, count = rows[order], np.clip(np.rint(value[order]), 0, _MOST)
    first = np.append(True, row[1:] != row[:-1])[: len(row)]
    reached = _running_most(np.maximum(slot[order], keys["slot"][row]), first)
    before = np.where(first, keys["slot"][row], np.append(0, reached[:-1]))
    stood = np.where(first, keys["value"][row], np.append(np.nan, count[:-1]))
    gap = np.where(before == _NEVER, 0, reached - before)
    last = np.append(first[1:], True)[: len(row)]
    keys["slot"][row[last]], keys["value"][row[last]] = reached[last], count[last]
    turns = np.flatnonzero(gap > 0)
    closing = np.minimum(gap[turns], HOLDS)
    turn = np.repeat(turns, closing)
    within = np.arange(len(turn)) - np.repeat(np.cumsum(closing) - closing, closing)
    return _closed(keys, row, turn, before[turn] + within, stood, gap, within, order)


def _closed(
    keys: Columns, row: Index, turn: Index, slot: I8, stood: F8, gap: I8, within: Index, order: Index
) -> Forecasts:
    """Close slots round by round: of each key the first, of each the second, and so on."""
    found = np.full((3, len(row), len(HORIZONS)), np.nan)
    hour = np.full(len(row), np.nan)
    key = row[turn]
    new = np.append(True, key[1:] != key[:-1])[: len(key)]
    start = np.flatnonzero(new)
    round_ = np.arange(len(key)) - np.repeat(start, np.diff(np.append(start, len(key))))
    by_round = np.argsort(round_, kind="stable")
    for part in np.split(by_round, np.cumsum(np.bincount(round_))[:-1]) if len(key) else ():
        made = close(keys, key[part], slot[part], stood[turn[part]])
        final = within[part] == gap[turn[part]] - 1
        ends = part[final]
        found[:, turn[ends]] = made[:, final]
        hour[turn[ends]] = stood[turn[ends]] - _at(keys, key[ends], slot[ends, None] - 4)[:, 0]
    told = np.flatnonzero(~np.isnan(found[0, :, 0]))
    told = told[np.argsort(order[told], kind="stable")]
    begun = np.zeros(len(row), np.int64)
    begun[turn] = slot + 1
    return Forecasts(order[told], begun[told], hour[told], *found[:, told])


def _running_most(slot: I8, first: Mask) -> I8:
    """The largest slot so far of each run that begins at `first`."""
    if not len(slot):
        return slot
    distinct, rank = np.unique(slot, return_inverse=True)
    run = np.cumsum(first) * len(distinct)
    most: I8 = distinct[np.maximum.accumulate(run + rank) - run]
    return most


def close(keys: Columns, rows: Index, slot: I8, value: F8) -> F8:
    """Close one slot of each of some keys; gives centre, low and high by key and horizon, shape (3, keys, horizons)."""
    _blank(keys, rows, slot)
    _judge(keys, rows, slot, value)
    keys["course"][rows, slot % _RING] = value
    keys["closed"][rows] = slot
    _compare(keys, rows, slot, value)
    made = _forecast(keys, rows, slot, value)
    ahead = (slot[:, None] + HORIZONS) % _AHEAD
    keys["pending"][rows[:, None], np.arange(len(HORIZONS)), ahead] = np.moveaxis(made[1:], 0, -1)
    return made


def _blank(keys: Columns, rows: Index, slot: I8) -> None:
    """Nothing is known of the slots that were left out."""
    closed = keys["closed"][rows]
    for gap in np.flatnonzero((slot > closed + 1) & (closed != _NEVER)).tolist():
        key, missing = rows[gap], min(int(slot[gap] - closed[gap]) - 1, _RING)
        keys["course"][key, (slot[gap] - 1 - np.arange(missing)) % _RING] = _NOTHING
        keys["pending"][key] = np.nan


def _judge(keys: Columns, rows: Index, slot: I8, value: F8) -> None:
    """Move the intervals' factors by what came of them."""
    each = np.arange(len(HORIZONS))
    place = (slot % _AHEAD)[:, None]
    low, high = np.moveaxis(keys["pending"][rows[:, None], each, place], -1, 0)
    outside = (value[:, None] < low) | (value[:, None] > high)
    step = np.where(np.isnan(low), 0.0, _STEP * (outside - (1 - COVERAGE)))
    keys["factor"][rows] = keys["factor"][rows] * (1 + step)
    keys["pending"][rows[:, None], each, place] = np.nan


def _at(keys: Columns, rows: Index, slot: I8) -> F8:
    """The values of slots (one row a key), NaN where there is none."""
    found = keys["course"][rows[:, None], slot % _RING].astype(np.float64)
    found[found < 0] = np.nan
    return found


def _compare(keys: Columns, rows: Index, slot: I8, value: F8) -> None:
    """How far each day lies from today, of late, and how large drifts are."""
    then = slot[:, None] - _BACK
    now, past = value[:, None], _at(keys, rows, then)
    course = now - _at(keys, rows, slot[:, None] - 2) - (past - _at(keys, rows, then - 2))
    apart = np.abs(course) + _LEVEL * np.abs(now - past)
    keys["apart"][rows] = _blend(keys["apart"][rows], apart, _MEMORY)
    drift = np.abs(now - _at(keys, rows, slot[:, None] - HORIZONS))
    keys["drift"][rows] = _blend(keys["drift"][rows], drift, 1 - 1 / DAY)


def _blend(old: F8, new: F8, kept: float) -> F8:
    blended = np.where(np.isnan(old), new, kept * old + (1 - kept) * new)
    return np.where(np.isnan(new), old, blended)


def _forecast(keys: Columns, rows: Index, slot: I8, value: F8) -> F8:
    """Centre, low and high of each key at each horizon."""
    weight = _weights(keys["apart"][rows].astype(np.float64))
    then = slot[:, None] - _BACK
    past = _at(keys, rows, then)
    made = np.empty((3, len(rows), len(HORIZONS)))
    for place, ahead in enumerate(HORIZONS.tolist()):
        usual = np.nan_to_num(keys["drift"][rows, place].astype(np.float64))
        drifts = np.concatenate([_at(keys, rows, then + ahead) - past, np.outer(usual, (-1.5, 0, 1.5))], axis=1)
        low, median, high, mean = _spread(drifts, weight)
        centre = _MEDIAN * median + (1 - _MEDIAN) * mean
        factor = keys["factor"][rows, place].astype(np.float64)
        made[0, :, place] = value + centre
        made[1, :, place] = value + centre - factor * np.maximum(centre - low, 0)
        made[2, :, place] = value + centre + factor * np.maximum(high - centre, 0)
    return np.maximum(made, 0, out=made)


def _weights(apart: F8) -> F8:
    """Weights of days by their distances, which sum to 1, and those of staying; NaN is no such day.

    The kernel (1 + z / 8) ** -8 is close to exp(-z), and rounds alike however many are computed at once.
    """
    near = np.fmin.reduce(apart, axis=1, keepdims=True)
    nearness = 1 / (1 + (apart + _FLOOR) / (near + _FLOOR) / (8 * _SHARP))
    for _ in range(3):
        nearness = nearness * nearness
    weight = np.where(np.isnan(nearness), 0.0, nearness * _WEEKDAY)
    total = np.cumsum(weight, axis=1)[:, -1:]
    weight = np.divide(weight, total, out=weight, where=total > 0)
    return np.concatenate([weight, np.full((len(apart), 3), _STAY / 3)], axis=1)


def _spread(values: F8, weight: F8) -> tuple[F8, F8, F8, F8]:
    """Of each line the weighted 10 %, 50 % and 90 % quantiles, and the mean; NaN counts for nothing."""
    weight = np.where(np.isnan(values), 0.0, weight)
    values = np.nan_to_num(values)
    order = np.argsort(values, axis=1, kind="stable")
    lines = np.arange(len(values))
    sorted_, up = np.take_along_axis(values, order, 1), np.cumsum(np.take_along_axis(weight, order, 1), axis=1)
    quantiles = [
        sorted_[lines, np.argmax(up >= share * up[:, -1:], axis=1)]
        for share in ((1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2)
    ]
    low, median, high = quantiles
    return low, median, high, np.cumsum(values * weight, axis=1)[:, -1] / up[:, -1]
