"""When buses and trains come to the stops ahead, predicted from their own reports alone.

Rows are taken commit by commit. A vehicle's report moves it on its way and teaches the hops behind it; its arrivals
are then predicted anew, and those are written that moved enough to matter. The clock is the newest event of the log:
as it goes on, vehicles of which nothing new is heard are looked at again, marked stale, and at last given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from zhicheng.analysis.arrival import Model, Predicted, Status, predict
from zhicheng.analysis.tracking import COLUMNS, Told, begin, direct, follow, locate, starts
from zhicheng.analysis.travel_times import Belief, Hops, hour_classes
from zhicheng.analysis.ways import Schedule, Ways, schedule, tidy, unscheduled
from zhicheng.apps.arrival import model as m
from zhicheng.apps.arrival.views import VIEWS
from zhicheng.compute import ahead, words
from zhicheng.compute.app import App, Derived, Tables
from zhicheng.compute.made import Made
from zhicheng.compute.rows import Rows, Wide, emit, nothing, subs
from zhicheng.compute.silence import Clock
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import I8, Coded, Index, Mask
from zhicheng.kernel.instants import HOUR, SECOND
from zhicheng.kernel.moments import parsed, printed
from zhicheng.kernel.zones import zone
from zhicheng.standards.changes import Changes
from zhicheng.standards.gtfs.arrivals import CALLED_OFF, named, own_urn, sibling
from zhicheng.standards.gtfs.static import from_tables
from zhicheng.standards.models.model import Label

_PLANS = Made(lambda tables: schedule(from_tables(dict(tables))))


@dataclass
class State:
    """fleet: vehicles, where they are and what was told of their arrivals; said: each one's last words by attribute;
    off: trips that are called off, and since when
    """

    fleet: Keyed = field(default_factory=lambda: Keyed(**COLUMNS, **ahead.columns(), **words.COLUMNS, stale=False))
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    off: dict[str, int] = field(default_factory=dict)
    ways: Ways = field(default_factory=Ways)
    hops: Hops = field(default_factory=Hops)
    time: Clock = field(default_factory=Clock)


@dataclass
class _Run:
    """One call of `derive`: the state with what goes with it; `made` is what it writes."""

    state: State
    params: m.Params
    plans: Mapping[str, Schedule]
    empty: Schedule
    made: list[Changes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fleet, self.time = self.state.fleet, self.state.time
        self.model = Model(self.state.ways, self.state.hops, Belief())
        self.words = words.Words(self.fleet, self.state.said, m.TEXTS, (m.SEQUENCE,))
        self.ahead = ahead.Ahead(self.fleet, self._named, self.made)

    def _named(self, slot: int, place: int, run: str | None) -> str:
        vehicle = self.fleet.names[slot]
        trip = self.words[vehicle].get(m.HAS_TRIP, "") if run is None else run
        return own_urn(vehicle, trip, *self.state.ways.visit(int(self.fleet["way"][slot]), place))

    def commit(self, rows: Rows) -> None:
        """The rows of one commit."""
        self._trips(rows.of_type(m.TRIP))
        vehicles = rows.of_type(m.VEHICLE)
        gone = vehicles.take(vehicles.gone)
        self._forget(self.fleet.find(gone.entity), gone.at)
        wide = vehicles.take(~vehicles.late).wide(*m.TEXTS, m.STATUS, m.SEQUENCE, m.STAMP)
        self.time.hear(wide.rows)
        for lines in wide.rounds():
            self._report(wide, lines)
        if self.time.due(self.params.tick):
            self._tick()

    def _trips(self, rows: Rows) -> None:
        """Trips that are called off, and those that run after all; where it changes, their vehicles' words are news."""
        said = rows.take(rows.has(m.RELATION) & ~rows.late | rows.gone)
        columns = (said.entity.list(), said.text.list(), said.removed.tolist(), said.at.tolist())
        for trip, relation, removed, at in zip(*columns, strict=True):
            off = relation in CALLED_OFF and not removed
            if trip is None or off == (trip in self.state.off):
                continue
            if off:
                self.state.off[trip] = at
            else:
                del self.state.off[trip]
            slots = self.fleet.find(Coded.of(self.words.saying(m.HAS_TRIP, trip)))
            for slot in slots.tolist() if off else ():
                self.ahead.withdraw(slot, at)
                self.fleet["status"][slot] = Status.UNKNOWN

    def _forget(self, slots: Index, at: I8) -> None:
        """Vehicles (-1: none) that are gone, with their arrivals."""
        known = slots >= 0
        for slot, when in zip(slots[known].tolist(), at[known].tolist(), strict=True):
            self.ahead.withdraw(slot, when)
        gone = self.fleet.keys(slots[known])
        self.words.forget(gone.values)
        self.fleet.drop(gone)

    def _report(self, wide: Wide, lines: Index) -> None:
        """One report each of some vehicles."""
        at, slots = wide.rows.at[lines], self.fleet.slots(wide.rows.entity.take(lines))
        for row, before, now in self.words.news(wide, lines, slots):
            slot, when = int(slots[row]), int(at[row])
            if now.get(m.HAS_TRIP) != before.get(m.HAS_TRIP):
                self.ahead.begin(slot, when, before.get(m.HAS_TRIP, ""))
                begin(self.fleet, slot)
            self._place(slot, now, wide.number[m.SEQUENCE][lines[row]], when)
        status, stamp = (wide.text[name].take(lines) for name in (m.STATUS, m.STAMP))
        runs = follow(self.fleet, self.model, slots, status, parsed(stamp), at, self._hour(at))
        self._predict(slots[runs], self.time.live(at[runs], self.params.stale))

    def _hour(self, at: I8) -> Index:
        return hour_classes(self.empty.zone, at)

    def _place(self, slot: int, said: Mapping[str, str], sequence: float, at: int) -> None:
        """Where on its way a vehicle says to be; nowhere, if its trip is called off or it names no stop."""
        trip, (network, stop) = said.get(m.HAS_TRIP, ""), named(said.get(m.HAS_STOP, ""))
        if not stop or trip in self.state.off or said.get(m.RELATION) in CALLED_OFF:
            self.ahead.withdraw(slot, at)
            self.fleet["target"][slot] = -1
            return
        plan, trip_id = self.plans.get(network, self.empty), named(trip)[1]
        told = Told(trip_id, named(said.get(m.HAS_ROUTE, ""))[1], stop, -1 if np.isnan(sequence) else int(sequence))
        found = locate(self.fleet, self.model, plan, slot, told)
        if found.way != self.fleet["way"][slot]:
            self.ahead.cut(slot, found.kept, at)
        start = starts(plan, trip_id, said.get(m.START_DATE, ""), said.get(m.START_TIME, ""), at)
        direct(self.fleet, slot, found, start)

    def _tick(self) -> None:
        """Look at all vehicles again; give up those of which nothing was heard for too long."""
        now = self.time.now
        silent = self.time.silent(self.fleet["newest"], self.params.forget)
        self._forget(silent, np.full(len(silent), now))
        active = np.flatnonzero((self.fleet["target"] >= 0) & (self.fleet["status"] != Status.UNKNOWN))
        self._predict(active, np.maximum(now, self.fleet["newest"][active]))
        self.state.off = {trip: at for trip, at in self.state.off.items() if now - at < 24 * HOUR}
        tidy(self.state.ways, self.fleet["way"])

    def _predict(self, slots: Index, now: I8) -> None:
        """Write what is new of the vehicles' arrivals, as of `now`."""
        if not len(slots):
            return
        found = predict(self.fleet, self.model, slots, now, self._hour(now), self.params.stops)
        stale = (now - self.fleet["newest"][slots]) / SECOND > self.params.stale
        turned = stale != self.fleet["stale"][slots]
        self.fleet["stale"][slots] = stale
        worth = self.params.worth
        news = self.ahead.news(slots, found.places, found.there, found.announced, now, worth, turned)
        if len(news.row):
            self._introduce(slots, found, now, news)
            self._write(found, now, stale, news)

    def _introduce(self, slots: Index, found: Predicted, now: I8, news: ahead.News) -> None:
        """What a new arrival is of: stop, trip, route, vehicle, and the stop's number on the way."""
        if not news.fresh.any():
            return
        row, column = news.row[news.fresh], news.column[news.fresh]
        entity, at, place = news.entity.take(news.fresh), now[row], found.places[row, column]
        vehicles = self.fleet.keys(slots[row])
        said = [self.words[name or ""] for name in vehicles.list()]
        ways = self.fleet["way"][slots[row]].tolist()
        stops = (self.state.ways.visit(way, one)[0] for way, one in zip(ways, place.tolist(), strict=True))
        whose = {
            m.HAS_STOP: Coded.of(sibling(one[m.HAS_STOP], stop) for one, stop in zip(said, stops, strict=True)),
            m.HAS_TRIP: Coded.of(one.get(m.HAS_TRIP) for one in said),
            m.HAS_ROUTE: Coded.of(one.get(m.HAS_ROUTE) for one in said),
            m.HAS_VEHICLE: vehicles,
        }
        self.made += [emit(entity, name, at, text=texts) for name, texts in whose.items()]
        self.made.append(emit(entity, m.NUMBER, at, (place + 1).astype(np.float64)))

    def _write(self, found: Predicted, now: I8, stale: Mask, news: ahead.News) -> None:
        row, column = news.row[news.moved], news.column[news.moved]
        parts = {"median": found.median, "earliest": found.low, "latest": found.high, "": found.announced}
        at = {
            name: printed(np.rint(now[row] / SECOND + part[row, column]).astype(np.int64) * SECOND)
            for name, part in parts.items()
        }
        arrives = at.pop("")
        beside = subs({**at, "stale": stale[row]})
        self.made.append(emit(news.entity.take(news.moved), m.ARRIVES, now[row], text=arrives, sub=beside))
        row, away = news.row[news.counted], (news.column[news.counted] + 1).astype(np.float64)
        self.made.append(emit(news.entity.take(news.counted), m.AWAY, now[row], away))


def derive(rows: Rows, state: State, params: m.Params, tables: Tables) -> Derived[State]:
    """What the reports say, commit by commit."""
    run = _Run(state, params, _PLANS.of(tables, params.networks), unscheduled(zone(params.time_zone or "UTC")))
    for commit in rows.commits():
        run.commit(commit)
    return Derived(Changes.concat(run.made) if run.made else nothing(), state)


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
