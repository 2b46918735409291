"""Which car park to drive to: the chance that a place is free on arrival, and the nearest where it is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np

from zhicheng.analysis.forecast import HORIZONS, SLOT
from zhicheng.kernel.columns import F8, I8, Index
from zhicheng.kernel.geometry import distance

_NINE: Final = log(9)
"""A logistic distribution's 10 % and 90 % quantiles lie this many scales from its centre: ln(0.9 / 0.1)."""
_WIDER: Final = 1.3
_ROOM, _FULL = 1.0, 0.12
"""How the chance was fitted to five weeks of 200 car parks, so that it is what happens: below a centre with room the
distribution is wider than its 10 % quantile says, and its scale is a place at least, since the last ones go suddenly;
a full car park that is forecast to stay full does."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of car parks, one row each.

    lon, lat: degrees; issued: microseconds; free: places when that was, NaN if not known
    centre, low, high: free places forecast at `forecast.HORIZONS` from `issued`, 80 % from low to high; NaN for none
    """

    lon: F8
    lat: F8
    issued: I8
    free: F8
    centre: F8
    low: F8
    high: F8


@dataclass(frozen=True, slots=True)
class Choice:
    """Car parks, the best first: rows of the outlook, metres as the crow flies, the chance of a free place."""

    rows: Index
    metres: F8
    chance: F8


def expected(outlook: Outlook, arrival: I8) -> tuple[F8, F8, F8]:
    """Free places at each car park at an instant (microseconds): centre, and low and high that hold 80 %; NaN: unknown.

    Between horizons they are taken on straight lines, from the free places at the start; after the last they stay.

    >>> row = np.array([[20.0, 15, 10, 0]])
    >>> park = Outlook(*np.zeros((2, 1)), np.array([0]), np.array([25.0]), row, row - 5, row + 5)
    >>> [part.tolist() for part in expected(park, np.array([45 * 60_000_000]))]
    [[12.5], [7.5], [17.5]]
    """
    knots = np.concatenate([[0], HORIZONS]) * float(SLOT)
    ahead = np.clip(np.asarray(arrival, np.float64) - outlook.issued, 0, knots[-1])
    after = np.clip(np.searchsorted(knots, ahead, "right"), 1, len(HORIZONS))
    share = (ahead - knots[after - 1]) / (knots[after] - knots[after - 1])
    each = np.arange(len(ahead))
    centre, low, high = (
        (1 - share) * line[each, after - 1] + share * line[each, after]
        for line in (np.column_stack([outlook.free, part]) for part in (outlook.centre, outlook.low, outlook.high))
    )
    return centre, low, high


def chance(outlook: Outlook, arrival: I8) -> F8:
    """The chance, 0 to 1, that at least one place is free at each car park at an instant (microseconds); NaN: unknown.

    On either side of the centre (see `expected`) the count is logistic with the bound as its 10 % quantile, but
    somewhat wider below.

    >>> row = np.array([[20.0, 15, 10, 0]])
    >>> park = Outlook(*np.zeros((2, 1)), np.array([0]), np.array([25.0]), row, row - 5, row + 5)
    >>> [chance(park, np.array([minutes * 60_000_000])).round(2).tolist() for minutes in (10, 120)]
    [[1.0], [0.45]]
    """
    centre, low, high = expected(outlook, arrival)
    above = centre - 0.5
    room = np.maximum((centre - low) * _WIDER / _NINE, _ROOM)
    scale = np.where(above > 0, room, np.maximum((high - centre) / _NINE, _FULL))
    return np.asarray(1 / (1 + np.exp(np.clip(-above / scale, -50, 50))), np.float64)


def nearest(outlook: Outlook, lon: float, lat: float, arrival: I8, good: float = 0.8, count: int = 5) -> Choice:
    """The nearest car parks for someone who would be there at `arrival` (an instant for each, or one for all).

    First those where the chance of a free place is at least `good`, nearest first; then the others by their chance.
    Those without place or forecast are left out.

    >>> row = np.tile([[0.0], [9.0]], 4)
    >>> parks = Outlook(np.array([0, 0.01]), np.zeros(2), np.zeros(2, np.int64), row[:, 0], row, row, row)
    >>> found = nearest(parks, 0.0, 0.0, np.array(0))
    >>> found.rows.tolist(), found.metres.round().tolist(), found.chance.round(1).tolist()
    ([1, 0], [1113.0, 0.0], [1.0, 0.0])
    """
    likely = chance(outlook, np.broadcast_to(arrival, outlook.issued.shape))
    metres = distance(lon, lat, outlook.lon, outlook.lat)
    fine = likely >= good
    order = np.lexsort((metres, np.where(fine, 0.0, -likely), ~fine))
    order = order[~np.isnan(metres + likely)[order]][:count]
    return Choice(order, metres[order], likely[order])
