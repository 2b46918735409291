"""The timetable: which bus goes when, so that each line keeps its buses busy and none is in two places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.demo import chance
from zhicheng.demo.days import HOUR
from zhicheng.demo.lines import NIGHT, Buses, Line
from zhicheng.demo.plan import Plan
from zhicheng.demo.traffic import slowness
from zhicheng.kernel.columns import F8, I8

DWELL = 18.0
"""Seconds at a stop."""
FREE_SPEED = 8.6
"""Metres a second between stops when the streets are empty."""
LAYOVER = 240.0
SERVICES = ("working", "resting")


@dataclass(frozen=True, slots=True)
class Timetable:
    """The trips of one kind of day, by departure: line, direction, seconds of the day it leaves, which bus runs it, and
    the planned arrival at each stop (rows of `stop`, `metres`, `arrival` from first[trip] to first[trip + 1]).
    """

    line: I8
    way: I8
    leaves: I8
    bus: I8
    first: I8
    stop: I8
    metres: F8
    arrival: I8

    def __len__(self) -> int:
        return len(self.line)


def fleet_sizes(plan: Plan, buses: Buses) -> list[int]:
    """Buses of each line, by its length; night lines have a tenth."""
    night = max(1, plan.vehicles // 100)
    weights = np.array([0.0 if one.night else one.courses[0].metres[-1] for one in buses.lines])
    rest = plan.vehicles - night * NIGHT
    share = np.floor(weights / weights.sum() * rest).astype(int)
    share[np.argsort(-weights)[: rest - share.sum()]] += 1
    return [night if line.night else max(int(some), 1) for line, some in zip(buses.lines, share, strict=True)]


def timetable(plan: Plan, buses: Buses, service: str) -> Timetable:
    """The trips of a working or a resting day."""
    sizes = fleet_sizes(plan, buses)
    rows: list[tuple[int, int, int, int]] = []
    base = 0
    for number, (line, size) in enumerate(zip(buses.lines, sizes, strict=True)):
        rows += [(number, *trip) for trip in _trips(line, size, base, service == "working", plan.seed * 1000 + number)]
        base += size
    rows.sort(key=lambda row: (row[2], row[0], row[1]))
    line, way, leaves, bus = np.array(rows, np.int64).T
    courses = [[_planned(one, way_, service == "working") for way_ in (0, 1)] for one in buses.lines]
    parts = [_arrivals(courses[a][b], c) for a, b, c in zip(line.tolist(), way.tolist(), leaves.tolist(), strict=True)]
    sizes_of = np.array([len(part) for part in parts])
    first = np.concatenate([[0], np.cumsum(sizes_of)])
    of = [buses.lines[a].courses[b] for a, b in zip(line.tolist(), way.tolist(), strict=True)]
    stop = np.concatenate([one.stops for one in of])
    metres = np.concatenate([one.metres for one in of])
    return Timetable(line, way, leaves, bus, first, stop, metres, np.concatenate(parts))


def _planned(line: Line, way: int, worked: bool) -> F8:
    """Seconds from the first stop to each, by hour of departure: 30 hours by stops."""
    hops = np.diff(line.courses[way].metres) / FREE_SPEED + DWELL
    hours: F8 = np.arange(0.5, 30.5)
    slow = slowness(hours % 24, worked)
    return np.column_stack([np.zeros(30), np.cumsum(hops[None] * slow[:, None], axis=1)])


def _arrivals(planned: F8, leaves: int) -> I8:
    return np.asarray(leaves + planned[min(leaves // HOUR, 29)], np.int64)


def _headway(hour: float, worked: bool, tightest: float) -> float:
    """Seconds between departures: the tightest in the rush, half as many at noon, few late."""
    if worked and (6.6 <= hour < 9.2 or 16.6 <= hour < 19.2):
        return tightest
    if hour < 6.5 or hour >= 20.5:
        return tightest * 2.1
    return tightest * (1.35 if worked else 1.95)


def _trips(line: Line, size: int, base: int, worked: bool, key: int) -> list[tuple[int, int, int]]:
    """Direction, departure and bus of each trip of a line: whoever waits longest at an end goes next."""
    planned = [_planned(line, way, worked) for way in (0, 1)]
    opens, closes = (22.2, 29.3) if line.night else (5.75 + 0.5 * float(chance.uniform(key)), 22.6)
    cycle = sum(float(one[8 if not line.night else 2, -1]) for one in planned) + 2 * LAYOVER
    tightest = max(cycle / size, 150.0)
    waits: list[list[tuple[float, int]]] = [
        [(0.0, base + bus) for bus in range(0, size, 2)], [(0.0, base + bus) for bus in range(1, size, 2)]
    ]  # fmt: skip
    due = [opens * HOUR, opens * HOUR + tightest / 2]
    found = []
    while min(due) < closes * HOUR:
        way = 0 if due[0] <= due[1] else 1
        waits[way].sort()
        if not waits[way]:
            due[way] += 60
            continue
        ready, bus = waits[way][0]
        leaves = int(max(due[way], ready) // 60 * 60)
        if leaves > due[way] + 1800:
            due[way] = leaves
            continue
        waits[way].pop(0)
        found.append((way, leaves, bus))
        runs = float(planned[way][min(leaves // HOUR, 29), -1])
        waits[1 - way].append((leaves + runs + LAYOVER, bus))
        due[way] = leaves + _headway(leaves / HOUR % 24 if not line.night else 13, worked, tightest)
    return found
