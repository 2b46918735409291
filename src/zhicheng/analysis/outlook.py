"""Forecasts as the value of an attribute: written as a JSON list of horizons, and read again as an outlook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from zhicheng.analysis.forecast import HORIZONS, SLOT
from zhicheng.analysis.nearest import Outlook
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8, I8, Coded
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Entity

_PARTS = 3
"""Numbers of a horizon: what is expected, at least, at most."""


def written(name: str, issued: I8, centre: F8, low: F8, high: F8) -> Coded:
    """Forecasts as JSON lists: for each horizon its target, and what is expected (under `name`), at least and at most.

    >>> row = np.array([[12.4, 11.0, 9.0, 4.0]])
    >>> written("free", np.array([0]), row, row - 3, row + 3)[0][:70]
    '[{"target":"1970-01-01T00:15:00Z","free":12,"low":9,"high":15},{"targe'
    """
    targets = issued[:, None] + HORIZONS * SLOT
    distinct, place = np.unique(targets, return_inverse=True)
    texts = [instants.format(instant) for instant in distinct.tolist()]
    numbers = np.rint(np.stack([centre, low, high], axis=-1)).astype(np.int64).tolist()
    rows = zip(place.reshape(targets.shape).tolist(), numbers, strict=True)
    return Coded.of(_list(name, [texts[one] for one in places], row) for places, row in rows)


def _list(name: str, targets: Sequence[str], numbers: Sequence[Sequence[int]]) -> str:
    return orjson.dumps(
        [
            {"target": target, name: centre, "low": low, "high": high}
            for target, (centre, low, high) in zip(targets, numbers, strict=True)
        ]
    ).decode()


def outlook(name: str, things: Sequence[Entity], count: str, forecast: str) -> Outlook:
    """The outlook of things that carry such forecasts; `count`, `forecast`: the attributes of what is and will be.

    What anybody else may have written there, and cannot be read, is not known; nor what follows an unknown count.
    """
    places = np.array([said.point(one) for one in things], float).reshape(-1, 2)
    told = [said.attribute(one, forecast) for one in things]
    issued = np.array([(one.observed_at if one is not None else None) or 0 for one in told], np.int64)
    numbers = [_numbers(name, None if one is None else one.value) for one in told]
    parts = np.array(numbers, float).reshape(-1, len(HORIZONS), _PARTS)
    now = np.array([said.number(one, count) for one in things], float)
    parts[np.isnan(now)] = np.nan
    return Outlook(places[:, 0], places[:, 1], issued, now, parts[..., 0], parts[..., 1], parts[..., 2])


def _numbers(name: str, value: object) -> list[float]:
    listed = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    if len(listed) != len(HORIZONS):
        return [np.nan] * (_PARTS * len(HORIZONS))
    found = [one.get(key) for one in listed for key in (name, "low", "high")]
    return [float(number) if isinstance(number, int | float) else np.nan for number in found]
