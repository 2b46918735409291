"""What becomes of the timetable on a day: how late each bus really is, stop by stop, the same whenever it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from zhicheng.demo import chance
from zhicheng.demo.days import HOUR, midnight, works
from zhicheng.demo.timetable import DWELL, FREE_SPEED, Timetable
from zhicheng.demo.traffic import slowness
from zhicheng.kernel.columns import F8, I8


@dataclass(frozen=True, slots=True)
class Runs:
    """A service day: instants (seconds since 1970) by row of the timetable's stops, trips by bus in order.

    by_bus: trips sorted by bus and departure; starts[bus] to starts[bus + 1] are those of one bus
    """

    day: date
    table: Timetable
    arrives: F8
    leaves: F8
    by_bus: I8
    starts: I8

    @property
    def first(self) -> F8:
        """When each trip leaves."""
        return self.leaves[self.table.first[:-1]]

    @property
    def last(self) -> F8:
        """When each trip ends."""
        return self.arrives[self.table.first[1:] - 1]


def runs(seed: int, table: Timetable, day: date, vehicles: int, rain: F8) -> Runs:
    """`rain`: millimetres an hour, by hour of the day (30 of them)."""
    order = np.lexsort((table.leaves, table.bus))
    starts = np.searchsorted(table.bus[order], np.arange(vehicles + 1))
    begin, number = midnight(day), day.toordinal()
    arrives, leaves = np.empty(len(table.stop)), np.empty(len(table.stop))
    free = np.zeros(vehicles)
    for turn in range(int(np.diff(starts).max())):
        trips = order[starts[:-1][np.diff(starts) > turn] + turn]
        late = 25 * np.abs(chance.normal(seed, number, trips, 1))
        bus = table.bus[trips]
        ready = np.maximum(begin + table.leaves[trips] + late, free[bus])
        free[bus] = _drive(seed, table, trips, ready, begin, number, rain, works(day), arrives, leaves) + 60
    return Runs(day, table, arrives, leaves, order, starts)


def _drive(
    seed: int, table: Timetable, trips: I8, now: F8, begin: int, number: int, rain: F8, worked: bool,
    arrives: F8, leaves: F8,
) -> F8:  # fmt: skip
    """Fill in the times of some trips, stop after stop; gives when they end."""
    first, count = table.first[trips], table.first[trips + 1] - table.first[trips]
    pace = 1 + 0.06 * chance.normal(seed, number, trips, 2)
    arrives[first] = leaves[first] = now
    now = now.copy()
    for step in range(1, int(count.max())):
        on = np.flatnonzero(count > step)
        row = first[on] + step
        hours = (now[on] - begin) / HOUR
        slow = slowness(hours % 24, worked, rain[np.clip(hours.astype(int), 0, 29)])
        hop = (table.metres[row] - table.metres[row - 1]) / FREE_SPEED
        luck = 1 + 0.16 * chance.normal(seed, number, trips[on], step + 10)
        arrives[row] = now[on] + hop * slow * pace[on] * luck
        stay = DWELL * slow * (0.6 + 0.8 * chance.uniform(seed, number, trips[on], step + 500))
        now[on] = leaves[row] = arrives[row] + stay
    return np.asarray(arrives[first + count - 1])
