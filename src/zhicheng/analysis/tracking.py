"""Which way a vehicle takes, where on it is the stop that it reports, and where that puts the vehicle itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from zhicheng.analysis.arrival import FLEET, Columns, Model, Reports, Status, take_in
from zhicheng.analysis.travel_times import Hops
from zhicheng.analysis.ways import Schedule, Ways, onward, way_of, went
from zhicheng.kernel import zones
from zhicheng.kernel.columns import I8, Coded, Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT, HOUR

SOON = 12 * HOUR
"""Who reports from a trip starts it within so long; else its date is the next day's."""
SAME = 8
"""Stops ahead that must be the same for a way to be kept once others went another."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a vehicle says of its trip; empty text where it does not."""

    trip: str
    route: str
    stop: str
    sequence: int = -1
    """The stop's number in the trip (GTFS stop_sequence), -1 if not said: tells visits of one stop apart."""


@dataclass(frozen=True, slots=True)
class Found:
    """The way, the reported stop's place on it, and how many of its places are those of the way before."""

    way: int
    place: int
    kept: int


def settle(ways: Ways, hops: Hops, plan: Schedule, told: Told, way: int, place: int) -> Found:
    """The way of a vehicle that was at `place` of `way` (-1 for one that is new, or on a new trip).

    A trip of the timetable goes as planned there. Any other goes on as it did, or as most of its route do.
    """
    planned = plan.trip(told.trip)
    if planned is not None and told.stop in planned:
        found = way_of(ways, hops, plan, told.route, planned)
        at = _visit(planned, told, max(place, 0), plan.sequence(told.trip))
        return Found(found, at, len(planned) if found == way else 0)
    names = ways.names(way) if way >= 0 else []
    ahead = next((at for at in range(max(place, 0), len(names)) if names[at] == told.stop), None)
    behind = names[: place + 1] if ahead is None else names[:ahead]
    on = onward(ways, plan, told.route, told.stop, behind)
    if ahead is not None and names[ahead : ahead + SAME] == on[:SAME]:
        return Found(way, ahead, len(names))
    fresh = [*behind, *on]
    kept = next((at for at, (one, other) in enumerate(zip(names, fresh, strict=False)) if one != other), len(behind))
    return Found(way_of(ways, hops, plan, told.route, fresh), len(behind), kept)


def passed(ways: Ways, route: str, before: str, stop: str) -> None:
    """Take note of a vehicle that reported to stand at one stop and then at another."""
    if before and before != stop:
        went(ways, route, before, stop)


def _visit(stops: Sequence[str], told: Told, place: int, sequence: Sequence[int]) -> int:
    """Where on its way a stop is: by its number; else where it comes next, and if it lies behind, where it is first."""
    if told.sequence in sequence and stops[(at := sequence.index(told.sequence))] == told.stop:
        return at
    return stops.index(told.stop, place) if told.stop in stops[place:] else stops.index(told.stop)


def starts(plan: Schedule, trip: str, start_date: str, start_time: str, at: int) -> int:
    """When a trip leaves its first stop: as it says, or as planned; ABSENT if neither is known or can be read.

    Without a date, the service day is taken on which that is nearest to `at`. Times run past midnight (25:10:00);
    producers who then write the calendar's day would have the vehicle under way a day before it starts.

    >>> from zhicheng.analysis.ways import unscheduled
    >>> from zhicheng.kernel import instants
    >>> city = unscheduled(zones.zone("America/New_York"))
    >>> night = instants.parse("2024-02-09T06:00:00Z")
    >>> [instants.format(starts(city, "x", date, "25:10:00", night)) for date in ("20240208", "20240209", "")]
    ['2024-02-09T06:10:00Z', '2024-02-09T06:10:00Z', '2024-02-09T06:10:00Z']
    """
    try:
        seconds = zones.parse_service_time(start_time) if start_time else plan.departs(trip)
        if seconds < 0:
            return ABSENT
        if start_date:
            day = zones.parse_date(start_date)
            start = zones.service_instant(plan.zone, day, seconds)
            early = start - at > SOON
            return zones.service_instant(plan.zone, day - timedelta(days=1), seconds) if early else start
        days = zones.service_days(plan.zone, at + HOUR)
        instants = [zones.service_instant(plan.zone, day, seconds) for day in days]
        return min(instants, key=lambda one: (abs(one - at), one), default=ABSENT)
    except Invalid:  # what a feed calls a time or date need not be one; without it the vehicle is taken as it reports
        return ABSENT


STATUSES: Mapping[str, Status] = {
    "STOPPED_AT": Status.STANDING,
    "IN_TRANSIT_TO": Status.LEFT,
    "INCOMING_AT": Status.LEFT,
}
"""What vehicles say of a stop (GTFS Realtime)."""
COLUMNS: Mapping[str, int | float] = {**FLEET, "target": -1, "reported": 0, "starts": ABSENT}
"""The columns of vehicles that are followed (see `arrival.FLEET`): the place on the way of the stop that they reported
(-1: none), their status there, and when their trips start."""


def begin(fleet: Columns, slot: int) -> None:
    """A vehicle is on a new trip: nothing is known of it."""
    for name in ("way", "place", "status", "target", "came", "went", "leaves", "starts"):
        fleet[name][slot] = COLUMNS[name]


def locate(fleet: Columns, model: Model, plan: Schedule, slot: int, told: Told) -> Found:
    """The way of a vehicle by what it says, and what others may learn of it: see `settle`; nothing moves yet."""
    way, place, before = (int(fleet[name][slot]) for name in ("way", "place", "target"))
    if way >= 0 and before >= 0 and told.trip not in plan.patterns:
        passed(model.ways, told.route, model.ways.names(way)[before], told.stop)
    return settle(model.ways, model.hops, plan, told, way, place)


def direct(fleet: Columns, slot: int, found: Found, start: int) -> None:
    """A vehicle goes the way that was found for it; where it was is known no more if the ways part behind it."""
    if found.way != fleet["way"][slot] and found.kept <= fleet["place"][slot]:
        fleet["status"][slot] = Status.UNKNOWN
    fleet["way"][slot], fleet["target"][slot], fleet["starts"][slot] = found.way, found.place, start


def follow(fleet: Columns, model: Model, slots: Index, said: Coded, stamp: I8, at: I8, hour: Index) -> Mask:
    """Move vehicles by their reports, at most one each, and learn from them; gives those that are on a way.

    said: their status at the stop; stamp: a time still to come is that of departure; hour: class of hours
    """
    reported = fleet["reported"][slots] = _status_of(said, fleet["reported"][slots])
    leaves = np.maximum(fleet["starts"][slots], np.where(stamp > at, stamp, ABSENT))
    target = fleet["target"][slots]
    place, status = placed(reported, target, leaves, at)
    runs: Mask = target >= 0
    chosen = slots[runs]
    unknown, absent = np.full(len(chosen), np.nan), np.full(len(chosen), ABSENT)
    leaves = np.where(target == 0, leaves, ABSENT)[runs]
    way = fleet["way"][chosen]
    take_in(
        fleet, model, Reports(chosen, way, place[runs], status[runs], at[runs], absent, leaves, unknown, hour[runs])
    )
    return runs


def _status_of(said: Coded, before: Index) -> Index:
    """The status as a number; where nothing is said, as before, or on the way."""
    known = np.array([*(STATUSES.get(value, 0) for value in said.values), 0], np.intp)[said.codes]
    return np.where(known > 0, known, np.where(before > 0, before, Status.LEFT))


def placed(reported: Index, place: Index, leaves: I8, at: I8) -> tuple[Index, Index]:
    """Place and status of vehicles by the stop they report (`place` on their way): on the way to a stop is after the
    one before it; to the first, waiting if its departure is to come.

    >>> reported, leaves = np.array([2, 3, 3, 3]), np.array([0, 0, 90, 0])
    >>> [column.tolist() for column in placed(reported, np.array([4, 4, 0, 0]), leaves, np.full(4, 60))]
    [[4, 3, 0, -1], [2, 3, 1, 3]]
    """
    standing = reported == Status.STANDING
    waiting = ~standing & (place == 0) & (leaves > at)
    status = np.where(standing, Status.STANDING, np.where(waiting, Status.WAITING, Status.LEFT))
    return np.where(standing | waiting, place, place - 1), status
