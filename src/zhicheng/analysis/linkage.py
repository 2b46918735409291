"""Linkage: records of different departments that may be about the same thing, by place and by name.

It suggests, and decides nothing: two records near each other whose names are alike are shown to people, who say whether
they are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from zhicheng.kernel.columns import F8, I8

_METRES = 111_320.0
"""Metres of a degree of latitude."""
_BLANK = str.maketrans("", "", " \t　-_·()（）[]【】,，.。#")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of records: their rows, how far apart (metres) and how alike their names are (0 to 1), best first."""

    left: I8
    right: I8
    metres: F8
    likeness: F8


def likeness(left: str, right: str) -> float:
    """How alike two names are: the share of the shorter one's pairs of letters that the longer one has too.

    Departments write the same name with more or less around it, so what is added counts for nothing.

    >>> likeness("江滨小学", "榕澜市江滨小学消防档案"), likeness("江滨小学", "江滨医院"), likeness("", "x")
    (1.0, 0.3333333333333333, 0.0)
    """
    one, other = (_pairs(name) for name in (left, right))
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 0.0


def _pairs(name: str) -> frozenset[str]:
    text = name.casefold().translate(_BLANK)
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))


def candidates(
    lon: F8, lat: F8, names: list[str | None], owner: I8, group: I8, metres: float = 60.0, least: float = 0.8
) -> Candidates:
    """Pairs of records that may be the same: of different owners, not of one group, near, with names that are alike.

    lon, lat: degrees, NaN without a place; owner, group: numbers that tell departments and joined objects apart
    """
    placed = np.flatnonzero(~np.isnan(lon) & np.array([bool(name) for name in names], bool))
    if len(placed) < 2:
        none = np.zeros(0, np.int64)
        return Candidates(none, none, np.zeros(0), np.zeros(0))
    narrow = np.cos(np.radians(np.mean(lat[placed])))
    points = np.asarray(shapely.points(lon[placed] * narrow * _METRES, lat[placed] * _METRES))
    left, right = shapely.STRtree(points.tolist()).query(points, predicate="dwithin", distance=metres)
    once = left < right
    one, other = placed[left[once]], placed[right[once]]
    apart = (owner[one] != owner[other]) & (group[one] != group[other])
    one, other, far = (
        one[apart],
        other[apart],
        np.asarray(shapely.distance(points[left[once]], points[right[once]]))[apart],
    )
    alike = np.array(
        [likeness(names[a] or "", names[b] or "") for a, b in zip(one.tolist(), other.tolist(), strict=True)],
        np.float64,
    )
    kept = np.flatnonzero(alike >= least)
    order = kept[np.lexsort((far[kept], -alike[kept]))]
    return Candidates(one[order].astype(np.int64), other[order].astype(np.int64), far[order], alike[order])
