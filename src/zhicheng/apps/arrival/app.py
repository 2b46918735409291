"""When buses and trains come to the stops ahead, predicted from their own reports alone.

Rows are taken commit by commit. A vehicle's report moves it on its way and teaches the hops behind it; its arrivals
are then predicted anew, and those are written that moved enough to matter. The clock is the newest event of the log:
as it goes on, vehicles of which nothing new is heard are looked at again, marked stale, and at last given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from zhicheng.analysis.arrival import FLEET, Model, Reports, Status, predict, take_in
from zhicheng.analysis.tracking import Told, passed, settle, starts
from zhicheng.analysis.travel_times import Belief, Hops, hour_class
from zhicheng.analysis.ways import Schedule, Ways, schedule, tidy, unscheduled
from zhicheng.apps.arrival import logic
from zhicheng.apps.arrival import model as m
from zhicheng.apps.arrival.views import VIEWS
from zhicheng.apps.arrival.written import Writer, reset
from zhicheng.compute import ahead
from zhicheng.compute.app import App, Derived, Tables
from zhicheng.compute.rows import Rows, Wide, nothing
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import I8, Coded, Index
from zhicheng.kernel.instants import ABSENT, HOUR, SECOND
from zhicheng.kernel.zones import zone
from zhicheng.standards.changes import Changes
from zhicheng.standards.gtfs.arrivals import CALLED_OFF, named
from zhicheng.standards.gtfs.static import from_tables
from zhicheng.standards.models.model import Label


def _fleet() -> Keyed:
    """Vehicles: where they are, what they last reported (stop's place on the way, status, mark of its words), and
    what was told of their arrivals: POSIX seconds by place (in a ring), from which place on, at which place of theirs.
    """
    own = {"target": -1, "reported": 0, "mark": 0, "starts": ABSENT, "stood": -1, "stale": False}
    return Keyed(**FLEET, **own, **ahead.columns(), till=0, seen=-2)


@dataclass
class State:
    """fleet: see above; said: each vehicle's last words by attribute; off: trips that are called off, and since when
    clock: newest event of the log; ticked: when all vehicles were last looked at
    """

    fleet: Keyed = field(default_factory=_fleet)
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    off: dict[str, int] = field(default_factory=dict)
    ways: Ways = field(default_factory=Ways)
    hops: Hops = field(default_factory=Hops)
    clock: int = ABSENT
    ticked: int = ABSENT


@dataclass
class _Run:
    """One call of `derive`: the state with what goes with it."""

    state: State
    params: m.Params
    plans: Mapping[str, Schedule]
    empty: Schedule
    hours: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = Model(self.state.ways, self.state.hops, Belief())
        self.writer = Writer(self.state.fleet, self.state.ways, self.state.said, self.params)

    def hour(self, at: I8) -> Index:
        """Classes of hours by the city's clock."""
        hours, place = np.unique(at // HOUR, return_inverse=True)
        for one in hours.tolist():
            if one not in self.hours:
                self.hours[one] = hour_class(self.empty.zone, one * HOUR)
        return np.array([self.hours[one] for one in hours.tolist()], np.intp)[place]

    def commit(self, rows: Rows) -> None:
        """The rows of one commit."""
        self._trips(rows.of_type(m.TRIP))
        vehicles = rows.of_type(m.VEHICLE)
        self._gone(vehicles)
        wide = vehicles.take(~vehicles.late).wide(*m.TEXTS, m.STATUS, m.SEQUENCE, m.STAMP)
        if len(wide):
            heads = wide.rows
            self.state.clock = max(self.state.clock, int(np.minimum(heads.at, heads.recorded_at).max()))
            for lines in _rounds(wide):
                self._report(wide, lines)
        if self.state.clock - self.state.ticked >= self.params.tick * SECOND or self.state.ticked == ABSENT:
            self._tick()

    def _trips(self, rows: Rows) -> None:
        """Trips that are called off, and those that run after all; where it changes, their vehicles' words are news."""
        said = rows.take(rows.has(m.RELATION) & ~rows.late | rows.gone)
        calling = np.array([*(value in CALLED_OFF for value in said.text.values), False])[said.text.codes]
        calling &= ~said.removed
        known = np.array([*(value in self.state.off for value in said.entity.values), False])[said.entity.codes]
        for row in np.flatnonzero(calling != known).tolist():
            trip = said.entity[row] or ""
            if calling[row]:
                self.state.off[trip] = int(said.at[row])
            else:
                self.state.off.pop(trip, None)
            for vehicle, words in self.state.said.items():
                if words.get(m.HAS_TRIP) == trip:
                    self._called(vehicle, bool(calling[row]), int(said.at[row]))

    def _called(self, vehicle: str, off: bool, at: int) -> None:
        slot = self.state.fleet.find(Coded.of([vehicle]))
        self.state.fleet["mark"][slot] = 0
        if off:
            self.writer.ahead.withdraw(int(slot[0]), at)
            self.state.fleet["status"][slot] = Status.UNKNOWN

    def _gone(self, rows: Rows) -> None:
        """Vehicles that were removed are forgotten, with their arrivals."""
        fleet = self.state.fleet
        gone = rows.take(rows.gone)
        slots = fleet.find(gone.entity)
        for slot, at in zip(slots.tolist(), gone.at.tolist(), strict=True):
            if slot >= 0:
                self.writer.ahead.withdraw(slot, at)
        self._forget(slots[slots >= 0])

    def _forget(self, slots: Index) -> None:
        if len(slots):
            for slot in slots.tolist():
                self.state.said.pop(self.state.fleet.names[slot], None)
            self.state.fleet.forget(np.isin(np.arange(len(self.state.fleet)), slots))

    def _report(self, wide: Wide, lines: Index) -> None:
        """One report each of some vehicles."""
        heads, fleet = wide.rows.take(lines), self.state.fleet
        at = heads.at
        slots = fleet.slots(heads.entity)
        self._settle(wide, lines, slots)
        reported = logic.status_of(wide.text[m.STATUS].take(lines), fleet["reported"][slots])
        fleet["reported"][slots] = reported
        stamp = logic.stamps(wide.text[m.STAMP].take(lines))
        leaves = np.maximum(fleet["starts"][slots], np.where(stamp > at, stamp, ABSENT))
        target = fleet["target"][slots]
        place, status = logic.placed(reported, target, leaves, at)
        runs = target >= 0
        chosen = slots[runs]
        nan, absent = np.full(len(chosen), np.nan), np.full(len(chosen), ABSENT)
        leaves = np.where(target == 0, leaves, ABSENT)[runs]
        way = fleet["way"][chosen]
        reports = Reports(chosen, way, place[runs], status[runs], at[runs], absent, leaves, nan, self.hour(at[runs]))
        take_in(fleet, self.model, reports)
        now = np.where(np.abs(self.state.clock - at[runs]) <= self.params.stale * SECOND, self.state.clock, at[runs])
        self._predict(chosen, np.maximum(now, at[runs]))

    def _predict(self, slots: Index, now: I8) -> None:
        if len(slots):
            found = predict(self.state.fleet, self.model, slots, now, self.hour(now), self.params.stops)
            self.writer.write(slots, found, now)

    def _settle(self, wide: Wide, lines: Index, slots: Index) -> None:
        """Find the ways of vehicles whose words are not those of their last report."""
        fleet = self.state.fleet
        marks = logic.marks([wide.text[name].take(lines) for name in m.TEXTS], wide.number[m.SEQUENCE][lines])
        for row in np.flatnonzero(marks != fleet["mark"][slots]).tolist():
            slot, line = int(slots[row]), int(lines[row])
            words = self.state.said.setdefault(fleet.names[slot], {})
            trip = words.get(m.HAS_TRIP)
            words |= {name: text for name in m.TEXTS if (text := wide.text[name][line]) is not None}
            if words.get(m.HAS_TRIP) != trip:
                self.writer.ahead.withdraw(slot, int(wide.rows.at[line]), trip or "")
                reset(fleet, slot)
            self._place(slot, words, wide.number[m.SEQUENCE][line], int(wide.rows.at[line]))
            fleet["mark"][slot] = marks[row]

    def _place(self, slot: int, words: Mapping[str, str], sequence: float, at: int) -> None:
        """Where on its way a vehicle says to be; nowhere, if its trip is called off or it names no stop."""
        fleet, state = self.state.fleet, self.state
        network, stop = named(words.get(m.HAS_STOP, ""))
        trip = words.get(m.HAS_TRIP, "")
        if not stop or trip in state.off or words.get(m.RELATION) in CALLED_OFF:
            self.writer.ahead.withdraw(slot, at)
            fleet["target"][slot] = -1
            return
        plan = self.plans.get(network, self.empty)
        trip_id = named(trip)[1] if trip else ""
        told = Told(trip_id, named(words.get(m.HAS_ROUTE, ""))[1], stop, -1 if sequence != sequence else int(sequence))
        way, place = int(fleet["way"][slot]), int(fleet["place"][slot])
        before = int(fleet["target"][slot])
        if way >= 0 and before >= 0 and trip_id not in plan.patterns:
            passed(state.ways, told.route, state.ways.names(way)[before], stop)
        found = settle(state.ways, state.hops, plan, told, way, place)
        if found.way != way:
            self.writer.ahead.cut(slot, found.kept, at)
            fleet["way"][slot] = found.way
            if found.kept <= place:
                fleet["status"][slot] = Status.UNKNOWN
        fleet["target"][slot] = found.place
        start = starts(plan, trip_id, words.get(m.START_DATE, ""), words.get(m.START_TIME, ""), at)
        fleet["starts"][slot] = start

    def _tick(self) -> None:
        """Look at all vehicles again; give up those of which nothing was heard for too long."""
        fleet, clock = self.state.fleet, self.state.clock
        self.state.ticked = clock
        age = (clock - fleet["newest"]) / SECOND
        silent = np.flatnonzero((age > self.params.forget) & (fleet["newest"] != ABSENT))
        for slot in silent.tolist():
            self.writer.ahead.withdraw(slot, clock)
        self._forget(silent)
        active = np.flatnonzero((fleet["target"] >= 0) & (fleet["status"] != Status.UNKNOWN))
        self._predict(active, np.maximum(clock, fleet["newest"][active]))
        self.state.off = {trip: at for trip, at in self.state.off.items() if clock - at < 24 * HOUR}
        if tidy(self.state.ways, fleet["way"]):
            self.writer.forget_ways()


def _rounds(wide: Wide) -> Iterator[Index]:
    """Lines of a commit in turns: each vehicle's first report, then each one's second."""
    order = np.lexsort((wide.rows.at, wide.rows.entity.codes))
    codes = wide.rows.entity.codes[order]
    starts_ = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    turn = np.empty(len(order), np.intp)
    turn[order] = np.arange(len(order)) - np.repeat(starts_, np.diff([*starts_, len(order)]))
    for one in range(int(turn.max()) + 1):
        yield np.flatnonzero(turn == one)


_PLANS: dict[str, tuple[Mapping[str, pa.Table], Schedule]] = {}
"""What was last made of each network's tables, which are the same from call to call."""


def _plan(network: str, tables: Mapping[str, pa.Table]) -> Schedule:
    known = _PLANS.get(network)
    if known is None or known[0] is not tables:
        known = _PLANS[network] = (tables, schedule(from_tables(dict(tables))))
    return known[1]


def derive(rows: Rows, state: State, params: m.Params, tables: Tables) -> Derived[State]:
    """What the reports say, commit by commit."""
    plans = {name: _plan(name, tables[name]) for name in params.networks if name in tables}
    run = _Run(state, params, plans, unscheduled(zone(params.time_zone or "UTC")))
    borders = [0, *(np.flatnonzero(np.diff(rows.position)) + 1).tolist(), len(rows)]
    for start, end in pairwise(borders):
        if end > start:
            run.commit(rows.take(slice(start, end)))
    made = run.writer.made
    return Derived(Changes.concat(made) if made else nothing(), state)


APP = App(
    name="arrival",
    label=Label("Arrivals", "到站预报"),
    description=Label(
        "When buses and trains come to the stops ahead, and how many stops away they are: predicted from what the "
        "vehicles report, with a range that holds four times of five. What is not heard of is said to be stale.",
        "公交与列车何时到达前方各站、还有几站：仅由车辆自身上报推算，给出的范围五次中有四次成立；失联车辆会标明。",
    ),
    reads=m.READS,
    writes=m.WRITES,
    derive=derive,
    state=lambda params: State(),
    params=m.Params(),
    layers=m.LAYERS,
    views=VIEWS,
    vitals=m.VITALS,
    tables=lambda params: params.networks,
)
