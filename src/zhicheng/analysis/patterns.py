"""The ways vehicles of a route go: each distinct sequence of stops with its line on the ground.

A timetable's trips are few patterns; a live trip whose id the timetable does not know still follows one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import numpy as np

from zhicheng.kernel.columns import F8, I4, I8
from zhicheng.standards.gtfs.static import EARTH, Shape, Static, metres_between

JITTER = 20.0
"""Metres that a stop may lie behind the one before it on one segment: platforms of one place, roughly drawn."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Stops in order (rows of stops), the scheduled seconds of the leg to each, and the trips that go so."""

    route: int
    shape_id: str | None
    stops: I4
    legs: F8
    """Scheduled seconds from the stop before, NaN where unknown; the first is NaN."""
    trips: int


@dataclass(frozen=True, slots=True)
class Line:
    """A pattern's line, and where along it (metres) its stops are."""

    shape: Shape
    stops: F8
    exact: bool
    """False where the timetable has no shape and stops are joined by straight lines."""


@dataclass(frozen=True, slots=True)
class Group:
    """The patterns of a route; at[p, s] is the position of stop s (row of stops) in pattern p, -1 where it is not."""

    patterns: list[Pattern]
    at: I4


@dataclass(frozen=True, slots=True)
class Patterns:
    """All patterns of a timetable by route; lines are made when first needed."""

    static: Static
    of_trip: dict[str, Pattern]
    by_route: dict[int, list[Pattern]]
    groups: dict[int, Group] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)
    """By identity of the pattern, which `by_route` keeps alive."""

    def group(self, route: int) -> Group:
        """The patterns of a route (row of routes); of all routes for -1 and for a route without trips."""
        key = route if route in self.by_route else -1
        if key not in self.groups:
            chosen = self.by_route.get(key) or [one for some in self.by_route.values() for one in some]
            self.groups[key] = Group(chosen, _positions(chosen, len(self.static.stops)))
        return self.groups[key]

    def line(self, pattern: Pattern) -> Line:
        """The pattern's line on the ground."""
        found = self.lines.get(id(pattern))
        if found is None:
            found = self.lines[id(pattern)] = _line(self.static, pattern)
        return found

    def match(self, route: int, stops: I4, least: int = 1) -> tuple[Pattern, int] | None:
        """The pattern that comes to most of these stops, and where it has the first.

        stops: rows of stops in order of travel, -1 for unknown ones; least: how many must be met, the first
        among them, else None. Among equals the pattern whose way on from the first stop has least that was not
        asked for, then the one with most trips.
        """
        group = self.group(route)
        first = group.at[:, stops[0]] if stops[0] >= 0 else np.full(len(group.patterns), -1, np.int32)
        if not (first >= 0).any():
            return None
        known = stops[stops >= 0]
        at = group.at[:, known]
        met = (at >= first[:, None]) & (at >= 0)
        ordered = met[:, 1:] & (at[:, 1:] > np.maximum.accumulate(np.where(met, at, -1), axis=1)[:, :-1])
        score = np.where(first >= 0, 1 + ordered.sum(axis=1), -1)
        extra = np.array([len(one.stops) for one in group.patterns]) - first - score
        trips = np.array([one.trips for one in group.patterns])
        best = int(np.lexsort((-trips, extra, -score))[0])
        if score[best] < least:
            return None
        return group.patterns[best], int(first[best])


@lru_cache(maxsize=8)
def find_patterns(static: Static) -> Patterns:
    """The patterns of a timetable; found once for each."""
    visits, first = static.visits, static.visits.first
    ids, shapes = static.trips.trip_id.list(), static.trips.shape_id.list()
    grouped: dict[tuple[int, str | None, bytes], list[int]] = {}
    for trip in range(len(ids)):
        rows = visits.stop[first[trip] : first[trip + 1]]
        if len(rows):
            grouped.setdefault((int(static.trip_route[trip]), shapes[trip], rows.tobytes()), []).append(trip)
    of_trip: dict[str, Pattern] = {}
    by_route: dict[int, list[Pattern]] = {}
    for (route, shape_id, stops), trips in grouped.items():
        pattern = Pattern(route, shape_id, np.frombuffer(stops, np.int32), _legs(static, trips[0]), len(trips))
        by_route.setdefault(route, []).append(pattern)
        of_trip.update((ids[trip] or "", pattern) for trip in trips)
    return Patterns(static, of_trip, by_route)


def _legs(static: Static, trip: int) -> F8:
    """Scheduled seconds of each leg of one trip."""
    rows = slice(int(static.visits.first[trip]), int(static.visits.first[trip + 1]))
    arrive, leave = static.visits.arrival[rows].astype(np.float64), static.visits.departure[rows].astype(np.float64)
    arrive, leave = np.where(arrive < 0, leave, arrive), np.where(leave < 0, arrive, leave)
    legs = np.full(len(arrive), np.nan)
    told = (arrive[1:] >= 0) & (leave[:-1] >= 0)
    legs[1:] = np.where(told, arrive[1:] - leave[:-1], np.nan)
    return np.where(legs > 0, legs, np.nan)


def _positions(patterns: list[Pattern], stops: int) -> I4:
    at = np.full((len(patterns), stops), -1, np.int32)
    for row, pattern in enumerate(patterns):
        order = np.arange(len(pattern.stops), dtype=np.int32)[::-1]  # the first visit stands where one comes twice
        known = pattern.stops[::-1] >= 0
        at[row, pattern.stops[::-1][known]] = order[known]
    return at


def _line(static: Static, pattern: Pattern) -> Line:
    known = pattern.stops >= 0
    lon, lat = static.stops.stop_lon[pattern.stops[known]], static.stops.stop_lat[pattern.stops[known]]
    shape = static.shape(pattern.shape_id) if pattern.shape_id is not None else None
    along = np.full(len(pattern.stops), np.nan)
    if shape is not None and len(shape.lon) > 1:
        along[known] = along_line(shape, lon, lat)
        return Line(shape, along, exact=True)
    metres = np.concatenate([[0.0], np.cumsum(metres_between(lon[:-1], lat[:-1], lon[1:], lat[1:]))])[: len(lon)]
    along[known] = metres
    return Line(Shape(lon, lat, metres), along, exact=False)


def along_line(shape: Shape, lon: F8, lat: F8) -> F8:
    """Metres along a line of the nearest points to places that lie on it in this order; never going back.

    Of all assignments of places to segments in order, the one with the least sum of squared distances (dynamic
    programming, columns of segments): a line that crosses itself does not draw a place onto its wrong branch.

    >>> line = Shape(np.array([0.0, 0.01, 0.02]), np.zeros(3), np.array([0.0, 1111.95, 2223.9]))
    >>> along_line(line, np.array([0.0, 0.015]), np.array([0.001, 0.001])).round().tolist()
    [0.0, 1668.0]
    """
    share, squared = _nearest(shape, lon, lat)
    count, segments = squared.shape
    lengths = np.diff(shape.metres)
    here = np.arange(segments)
    cost = squared[0].copy()
    came = np.zeros((count, segments), np.int64)
    for place in range(1, count):
        back = (share[place] - share[place - 1]) * lengths < -JITTER
        before, least = _least_before(cost)
        stay = ~back & (cost <= least)
        came[place] = np.where(stay, here, before)
        cost = squared[place] + np.where(stay, cost, least)
    segment = np.zeros(count, np.int64)
    segment[-1] = int(np.argmin(cost))
    for place in range(count - 1, 0, -1):
        segment[place - 1] = came[place, segment[place]]
    rows = np.arange(count)
    return cast(F8, np.maximum.accumulate(shape.metres[segment] + share[rows, segment] * lengths[segment]))


def _least_before(cost: F8) -> tuple[I8, F8]:
    """For each column, which column before it holds the least cost, and that cost; infinite for the first."""
    least = np.concatenate([[np.inf], np.minimum.accumulate(cost)[:-1]])
    fresh = cost < least
    best = np.maximum.accumulate(np.where(fresh, np.arange(len(cost)), 0))
    return np.concatenate([[0], best[:-1]]), least


def _nearest(shape: Shape, lon: F8, lat: F8) -> tuple[F8, F8]:
    """For each place and segment: the share of the segment at its nearest point, and the squared distance (m2)."""
    scale = np.cos(np.radians(np.mean(shape.lat)))
    metre = np.radians(1.0) * EARTH
    x, y = shape.lon * scale * metre, shape.lat * metre
    px, py = (lon * scale * metre)[:, None], (lat * metre)[:, None]
    dx, dy = np.diff(x), np.diff(y)
    length = np.maximum(dx * dx + dy * dy, 1e-9)
    share = np.clip(((px - x[:-1]) * dx + (py - y[:-1]) * dy) / length, 0.0, 1.0)
    off_x, off_y = x[:-1] + share * dx - px, y[:-1] + share * dy - py
    return share, off_x * off_x + off_y * off_y
