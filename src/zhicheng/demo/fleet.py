"""Where each bus is at an instant, what it reports of it, and what its radio makes of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from zhicheng.demo import chance
from zhicheng.demo.lines import Buses
from zhicheng.demo.runs import Runs
from zhicheng.kernel.columns import F8, I8

INCOMING, STOPPED, TRANSIT = 0, 1, 2
"""As GTFS Realtime numbers them."""
EVERY = 10.0
PARKED_EVERY = 300.0
_WAITS = 420.0
"""So many seconds before it leaves a bus stands at its first stop and says which trip it will run."""
_NEAR = 70.0
_NOISE = 5.0
_GAP, _WINDOW = 0.012, 480.0
"""Chance that a bus is not heard of for a window of so many seconds."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """The lines of all courses one after the other: metres on one axis, x and y; and where each course begins."""

    axis: F8
    places: F8
    base: F8
    yards: F8

    def at(self, course: I8, metres: F8) -> F8:
        """Places after so many metres of courses."""
        run = self.base[course] + metres
        return np.column_stack([np.interp(run, self.axis, self.places[:, axis]) for axis in (0, 1)])


@dataclass(frozen=True, slots=True)
class Reports:
    """One report a bus: place in metres (with the receiver's error), m/s, degrees from north, where on its trip.

    trip, stop, sequence: -1 of a bus that stands in its yard; run: which of the days' runs the trip is of
    """

    at: F8
    places: F8
    speed: F8
    bearing: F8
    run: I8
    trip: I8
    stop: I8
    sequence: I8
    status: I8
    crowding: F8


def tracks(buses: Buses, sizes: Sequence[int]) -> Tracks:
    """Of all lines, two courses each; a line's yard lies beside its first stop."""
    axis: list[F8] = []
    base: list[float] = []
    end = 0.0
    lines = [course.line for line in buses.lines for course in line.courses]
    for drawn in lines:
        base.append(end)
        run = end + np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(drawn, axis=0).T))])
        axis.append(run)
        end = float(run[-1]) + 1.0
    yards = []
    for line, size in zip(buses.lines, sizes, strict=True):
        corner = buses.stops.places[line.courses[0].stops[0]] + 25
        yards += [corner + np.array([6.0 * (bus % 6), 13.0 * (bus // 6)]) for bus in range(size)]
    return Tracks(np.concatenate(axis), np.concatenate(lines), np.array(base), np.array(yards))


def heard(seed: int, now: float, vehicles: int, moving: I8) -> F8:
    """When what is last known of each bus was reported: some radios are silent for a while, some repeat themselves, and
    some bring an older report after a newer one.
    """
    bus = np.arange(vehicles)
    every = np.where(moving > 0, EVERY, PARKED_EVERY)
    phase = np.floor(chance.uniform(seed, bus, 7) * every)
    last = now - np.mod(now - phase, every)
    window = np.floor(last / _WINDOW)
    silent = chance.uniform(seed, bus, window, 8) < _GAP
    last = np.where(silent, window * _WINDOW - np.mod(window * _WINDOW - phase, every), last)
    odd = chance.uniform(seed, bus, last, 9)
    back = np.where(odd < 0.002, 2, np.where(odd < 0.006, 1, 0))
    return cast(F8, last - back * every)


def moving(days: Sequence[Runs], now: float, vehicles: int) -> I8:
    """1 for buses that are on a trip or about to begin one."""
    run, _ = _current(days, np.full(vehicles, now), np.arange(vehicles))
    return (run >= 0).astype(np.int64)


def report(seed: int, ways: Tracks, days: Sequence[Runs], at: F8, bus: I8) -> Reports:
    """What buses report at instants (one each)."""
    run, trip = _current(days, at, bus)
    size = len(bus)
    places = ways.yards[bus].copy()
    speed, bearing, crowding = np.zeros(size), np.zeros(size), np.zeros(size)
    stop, sequence, status = (np.full(size, -1) for _ in range(3))
    for number, one in enumerate(days):
        rows = np.flatnonzero(run == number)
        if not len(rows):
            continue
        found = _on_trip(ways, one, trip[rows], at[rows])
        places[rows], speed[rows], bearing[rows], stop[rows], sequence[rows], status[rows] = found
        crowding[rows] = _crowding(seed, one, trip[rows], sequence[rows])
    noise = np.column_stack([chance.normal(seed, bus, at, axis) for axis in (21, 22)]) * _NOISE
    return Reports(at, places + noise, speed, bearing, run, trip, stop, sequence, status, crowding)


def _current(days: Sequence[Runs], at: F8, bus: I8) -> tuple[I8, I8]:
    """For each bus the day's run and the trip that it is on or waits for; -1 where it stands in its yard."""
    run, trip = np.full(len(bus), -1), np.full(len(bus), -1)
    for number, one in enumerate(days):
        spans = one.first[one.by_bus] - _WAITS, one.last[one.by_bus]
        key = one.table.bus[one.by_bus] * 1e10
        row = np.searchsorted(key + spans[0], bus * 1e10 + at, side="right") - 1
        known = (row >= 0) & (one.table.bus[one.by_bus[row]] == bus)
        known &= at < spans[1][row] + 90
        before = np.maximum(row - 1, 0)
        earlier = known & (one.table.bus[one.by_bus[before]] == bus) & (row > 0) & (at < spans[1][before])
        row = np.where(earlier, before, row)
        run[known], trip[known] = number, one.by_bus[row[known]]
    return run, trip


def _on_trip(ways: Tracks, one: Runs, trip: I8, at: F8) -> tuple[F8, F8, F8, I8, I8, I8]:
    table = one.table
    first, last = table.first[trip], table.first[trip + 1] - 1
    key = np.repeat(np.arange(len(table)), np.diff(table.first)) * 1e10
    row = np.searchsorted(key + one.arrives, trip * 1e10 + at, side="right") - 1
    row = np.clip(row, first, last)
    after = np.minimum(row + 1, last)
    stands = (at < one.leaves[row]) | (row == last)
    long = np.maximum(one.arrives[after] - one.leaves[row], 1.0)
    part = np.where(stands, 0.0, np.clip((at - one.leaves[row]) / long, 0, 1))
    hop = table.metres[after] - table.metres[row]
    metres = table.metres[row] + hop * (0.5 * part + 0.5 * part * part * (3 - 2 * part))
    speed = np.where(stands, 0.0, hop / long * (0.5 + 3 * part * (1 - part)))
    course = table.line[trip] * 2 + table.way[trip]
    places, ahead = ways.at(course, metres), ways.at(course, metres + 6)
    side = ahead - places
    bearing = np.degrees(np.arctan2(side[:, 0], side[:, 1])) % 360
    near = ~stands & (table.metres[after] - metres < _NEAR)
    status = np.where(stands, STOPPED, np.where(near, INCOMING, TRANSIT))
    target = np.where(stands, row, after)
    return places, speed, bearing, table.stop[target], target - first + 1, status


def _crowding(seed: int, one: Runs, trip: I8, sequence: I8) -> F8:
    """Share of its room that is taken: most in the middle of a trip and in the rush."""
    table = one.table
    part = sequence / (table.first[trip + 1] - table.first[trip])
    hours = table.leaves[trip] / 3600
    rush = 0.35 + 0.5 * np.exp(-(((hours - 8) / 1.4) ** 2)) + 0.5 * np.exp(-(((hours - 18) / 1.5) ** 2))
    luck = 0.75 + 0.5 * chance.uniform(seed, one.day.toordinal(), trip, 31)
    return cast(F8, np.round(np.clip(1.15 * rush * luck * np.sin(np.pi * np.clip(part, 0.03, 0.97)), 0, 1.0), 2))
