"""Vehicles of public transport on their ways, by their own reports: what any application about them begins with.

Rows are taken commit by commit. A report moves its vehicle on its way and teaches the hops behind it. Time is the
newest event of the log: as it goes on, vehicles of which nothing is heard are looked at again, and at last given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from zhicheng.analysis.arrival import Model, Status
from zhicheng.analysis.tracking import COLUMNS, Told, begin, direct, follow, locate, starts
from zhicheng.analysis.travel_times import Belief, Hops, hour_classes
from zhicheng.analysis.ways import Schedule, Ways, schedule, tidy, unscheduled
from zhicheng.compute import ahead, words
from zhicheng.compute.app import Reads
from zhicheng.compute.made import Made
from zhicheng.compute.rows import Rows, Wide
from zhicheng.compute.silence import Clock
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import I8, Coded, Index, Mask
from zhicheng.kernel.instants import HOUR, SECOND
from zhicheng.kernel.moments import parsed
from zhicheng.kernel.zones import zone
from zhicheng.standards.changes import Changes
from zhicheng.standards.gtfs.arrivals import CALLED_OFF, named
from zhicheng.standards.gtfs.static import from_tables

VEHICLE, TRIP = "Vehicle", "GtfsTrip"
HAS_TRIP, HAS_ROUTE, HAS_STOP, RELATION = "hasTrip", "hasRoute", "hasStop", "schedule_relationship"
STATUS, SEQUENCE, STAMP = "current_status", "current_stop_sequence", "observationDateTime"
START_DATE, START_TIME = "start_date", "start_time"
_TEXTS = (HAS_TRIP, HAS_ROUTE, HAS_STOP, START_DATE, START_TIME, RELATION)
"""What is remembered of a vehicle as it last said it."""
READS = (Reads(VEHICLE, (*_TEXTS, STATUS, SEQUENCE, STAMP)), Reads(TRIP, (RELATION,)))
"""What an application that follows vehicles reads."""
PLANS = Made(lambda tables: schedule(from_tables(dict(tables))))
"""Networks' timetables."""


@dataclass
class Kept:
    """What is remembered, as (part of) an application's state.

    fleet: vehicles, where they are and what was told of the places ahead; said: each one's last words by attribute
    off: trips that are called off, and since when; ways, hops: what is learnt of them
    """

    fleet: Keyed = field(default_factory=lambda: Keyed(**COLUMNS, **ahead.columns(), **words.COLUMNS, stale=False))
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    off: dict[str, int] = field(default_factory=dict)
    ways: Ways = field(default_factory=Ways)
    hops: Hops = field(default_factory=Hops)
    time: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds after which vehicles of which nothing is heard are looked at again, are stale, and are given up."""

    tick: float
    stale: float
    forget: float


@dataclass
class Fleet:
    """The vehicles while rows are taken.

    plans: timetables by network; other vehicles' ways are learnt. name: the entity that tells of a vehicle's coming:
    (vehicle, trip, stop, how often it was there before). made: removals of those of which no more is to be told
    """

    kept: Kept
    plans: Mapping[str, Schedule]
    time_zone: str
    patience: Patience
    name: Callable[[str, str, str, int], str]
    made: list[Changes]

    def __post_init__(self) -> None:
        self.vehicles, self.time = self.kept.fleet, self.kept.time
        self.model = Model(self.kept.ways, self.kept.hops, Belief())
        self.words = words.Words(self.vehicles, self.kept.said, _TEXTS, (SEQUENCE,))
        self.ahead = ahead.Ahead(self.vehicles, self._named, self.made)
        self._unplanned = unscheduled(zone(self.time_zone or "UTC"))

    def _named(self, slot: int, place: int, run: str | None) -> str:
        vehicle = self.vehicles.names[slot]
        trip = self.words[vehicle].get(HAS_TRIP, "") if run is None else run
        return self.name(vehicle, trip, *self.kept.ways.visit(int(self.vehicles["way"][slot]), place))

    def hour(self, at: I8) -> Index:
        """Classes of hours by the city's clock."""
        return hour_classes(self._unplanned.zone, at)

    def stale(self, slots: Index, now: I8) -> tuple[Mask, Mask]:
        """Which vehicles nothing was heard of for a while, and for which that is news."""
        stale = (now - self.vehicles["newest"][slots]) / SECOND > self.patience.stale
        turned: Mask = stale != self.vehicles["stale"][slots]
        self.vehicles["stale"][slots] = stale
        return stale, turned

    def stops(self, slots: Index, places: Index) -> list[str]:
        """The ids of the stops at places of vehicles' ways."""
        ways = self.vehicles["way"][slots].tolist()
        return [self.kept.ways.visit(way, place)[0] for way, place in zip(ways, places.tolist(), strict=True)]

    def take(self, rows: Rows) -> Iterator[tuple[Index, I8]]:
        """Take the rows of one commit. Gives vehicles to be looked at, as of which instants: those that reported, each
        once at a time; then, when it is due, all.
        """
        self._trips(rows.of_type(TRIP))
        vehicles = rows.of_type(VEHICLE)
        gone = vehicles.take(vehicles.gone)
        self._forget(self.vehicles.find(gone.entity), gone.at)
        wide = vehicles.take(~vehicles.late).wide(*_TEXTS, STATUS, SEQUENCE, STAMP)
        self.time.hear(wide.rows)
        for lines in wide.rounds():
            yield self._report(wide, lines)
        if self.time.due(self.patience.tick):
            yield self._tick()
            tidy(self.kept.ways, self.vehicles["way"])

    def _trips(self, rows: Rows) -> None:
        """Trips that are called off, and those that run after all; where it changes, their vehicles' words are news."""
        said = rows.take(rows.has(RELATION) & ~rows.late | rows.gone)
        columns = (said.entity.list(), said.text.list(), said.removed.tolist(), said.at.tolist())
        for trip, relation, removed, at in zip(*columns, strict=True):
            off = relation in CALLED_OFF and not removed
            if trip is None or off == (trip in self.kept.off):
                continue
            if off:
                self.kept.off[trip] = at
            else:
                del self.kept.off[trip]
            slots = self.vehicles.find(Coded.of(self.words.saying(HAS_TRIP, trip)))
            for slot in slots[slots >= 0].tolist() if off else ():
                self.ahead.withdraw(slot, at)
                self.vehicles["status"][slot] = Status.UNKNOWN

    def _forget(self, slots: Index, at: I8) -> None:
        """Vehicles (-1: none) that are gone."""
        known = slots >= 0
        for slot, when in zip(slots[known].tolist(), at[known].tolist(), strict=True):
            self.ahead.withdraw(slot, when)
        gone = self.vehicles.keys(slots[known])
        self.words.forget(gone.values)
        self.vehicles.drop(gone)

    def _report(self, wide: Wide, lines: Index) -> tuple[Index, I8]:
        """One report each of some vehicles; gives those that are on a way."""
        at, slots = wide.rows.at[lines], self.vehicles.slots(wide.rows.entity.take(lines))
        for row, before, now in self.words.news(wide, lines, slots):
            slot, when = int(slots[row]), int(at[row])
            if now.get(HAS_TRIP) != before.get(HAS_TRIP):
                self.ahead.begin(slot, when, before.get(HAS_TRIP, ""))
                begin(self.vehicles, slot)
            self._place(slot, now, wide.number[SEQUENCE][lines[row]], when)
        status, stamp = (wide.text[name].take(lines) for name in (STATUS, STAMP))
        runs = follow(self.vehicles, self.model, slots, status, parsed(stamp), at, self.hour(at))
        return slots[runs], self.time.live(at[runs], self.patience.stale)

    def _place(self, slot: int, said: Mapping[str, str], sequence: float, at: int) -> None:
        """Where on its way a vehicle says to be; nowhere, if its trip is called off or it names no stop."""
        trip, (network, stop) = said.get(HAS_TRIP, ""), named(said.get(HAS_STOP, ""))
        if not stop or trip in self.kept.off or said.get(RELATION) in CALLED_OFF:
            self.ahead.withdraw(slot, at)
            self.vehicles["target"][slot] = -1
            return
        plan, trip_id = self.plans.get(network, self._unplanned), named(trip)[1]
        told = Told(trip_id, named(said.get(HAS_ROUTE, ""))[1], stop, -1 if np.isnan(sequence) else int(sequence))
        found = locate(self.vehicles, self.model, plan, slot, told)
        if found.way != self.vehicles["way"][slot]:
            self.ahead.cut(slot, found.kept, at)
        start = starts(plan, trip_id, said.get(START_DATE, ""), said.get(START_TIME, ""), at)
        direct(self.vehicles, slot, found, start)

    def _tick(self) -> tuple[Index, I8]:
        """Give up vehicles of which nothing was heard for too long; gives all that are on a way."""
        now = self.time.now
        silent = self.time.silent(self.vehicles["newest"], self.patience.forget)
        self._forget(silent, np.full(len(silent), now))
        self.kept.off = {trip: at for trip, at in self.kept.off.items() if now - at < 24 * HOUR}
        active = np.flatnonzero((self.vehicles["target"] >= 0) & (self.vehicles["status"] != Status.UNKNOWN))
        return active, np.maximum(now, self.vehicles["newest"][active])
