"""From readings of free places to occupancy, trend and forecast. Pure, on columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import orjson

from zhicheng.analysis.forecast import HORIZONS, SLOT, Forecasts
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8, I8, Coded, Index

_TRENDS: Final = ["filling", "steady", "emptying"]
_FEW: Final = 3.0
"""Places: a change of fewer is steady, however small the car park."""


def carried(rows: Index, values: F8, before: F8) -> F8:
    """Of each row the latest value of its key that is not NaN, its own included; before: what each key began with.

    >>> carried(np.array([0, 1, 0, 0]), np.array([np.nan, 5, 3, np.nan]), np.array([9.0, np.nan])).tolist()
    [9.0, 5.0, 3.0, 3.0]
    """
    order = np.argsort(rows, kind="stable")
    key, value = rows[order], values[order]
    first = np.append(True, key[1:] != key[:-1])[: len(key)]
    said = np.where(~np.isnan(value) | first, np.arange(len(key)), 0)
    source = np.maximum.accumulate(said)
    found = np.where(np.isnan(value[source]), before[key], value[source])
    carried_: F8 = np.empty(len(rows))
    carried_[order] = found
    return carried_


def occupancy(free: F8, total: F8) -> F8:
    """The share of places in use, between 0 and 1, to the thousandth; NaN without places or readings.

    >>> occupancy(np.array([30.0, 120, 5]), np.array([100.0, 100, np.nan])).tolist()
    [0.7, 0.0, nan]
    """
    share = np.divide(free, total, out=np.full(len(free), np.nan), where=total > 0)
    used: F8 = np.round(np.clip(1 - share, 0, 1), 3)
    return used


def trend(change: F8, total: F8, steady: float) -> Coded:
    """What free places do, by their change in the past hour: filling, steady, emptying; nothing if not known.

    >>> trend(np.array([-20, 4, 9.0, np.nan]), np.array([300, 300, np.nan, 1]), 0.03).list()
    ['filling', 'steady', 'emptying', None]
    """
    much = np.maximum(np.nan_to_num(total) * steady, _FEW)
    code = 1 + (change >= much).astype(np.int32) - (change <= -much)
    return Coded(_TRENDS, np.where(np.isnan(change), -1, code).astype(np.int32))


def capped(forecasts: Forecasts, total: F8, stood: F8) -> tuple[F8, F8, F8]:
    """Centre, low and high, no more than the places there are (or were free at last, where that is more)."""
    most = np.where(np.isnan(total), np.inf, np.fmax(total, stood))[:, None]
    return np.minimum(forecasts.centre, most), np.minimum(forecasts.low, most), np.minimum(forecasts.high, most)


def written(issued: I8, centre: F8, low: F8, high: F8) -> Coded:
    """Forecasts as JSON lists: for each horizon its target, and the free places expected, at least and at most.

    >>> row = np.array([[12.4, 11.0, 9.0, 4.0]])
    >>> written(np.array([0]), row, row - 3, row + 3)[0][:70]
    '[{"target":"1970-01-01T00:15:00Z","free":12,"low":9,"high":15},{"targe'
    """
    targets = issued[:, None] + HORIZONS * SLOT
    distinct, place = np.unique(targets, return_inverse=True)
    texts = [instants.format(instant) for instant in distinct.tolist()]
    numbers = np.rint(np.stack([centre, low, high], axis=-1)).astype(np.int64).tolist()
    return Coded.of(map(_list, place.reshape(targets.shape).tolist(), numbers, [texts] * len(numbers)))


def _list(places: Sequence[int], numbers: Sequence[Sequence[int]], texts: Sequence[str]) -> str:
    return orjson.dumps(
        [
            {"target": texts[place], "free": free, "low": low, "high": high}
            for place, (free, low, high) in zip(places, numbers, strict=True)
        ]
    ).decode()
