"""A fleet that drives a timetable's trips, not quite on time, as the log holds its reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhicheng.compute.law import Log
from zhicheng.compute.terms import iri
from zhicheng.kernel import zones
from zhicheng.kernel.columns import F8, Coded, Index
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import Batch

HALT = 20
"""Seconds at a stop."""
DAY = "20231119"
NOON = 12 * 3600


def fleet_log(
    static: Static, vehicles: int, reports: int, every: int, *, together: bool = True, seed: int = 1
) -> Batch:
    """Reports of vehicles under way at noon, `every` so many seconds; all in one commit, or each in its own."""
    draw = np.random.default_rng(seed)
    start = zones.service_start(static.zone, zones.parse_date(DAY)) // SECOND
    trips = _running(static, reports * every)
    chosen = draw.permutation(np.resize(trips, vehicles))
    drives = [_drive(static, int(trip), draw) for trip in chosen]
    names = [f"urn:ngsi-ld:Vehicle:nyct:bus{number}" for number in range(vehicles)]
    log = Log()
    births = ChangesBuilder()
    for name in names:
        add_life(births, name)
        add_types(births, name, (iri("Vehicle"),))
    log.commit(births.build(), (start + NOON) * SECOND)
    for turn in range(reports):
        now = NOON + turn * every
        texts = [_words(static, int(trip), drive, now) for trip, drive in zip(chosen, drives, strict=True)]
        instant = (start + now) * SECOND
        for group in [range(vehicles)] if together else [range(one, one + 1) for one in range(vehicles)]:
            log.commit(_report([names[one] for one in group], [texts[one] for one in group], instant), instant + SECOND)
    return log.batch()


def _running(static: Static, lasting: int) -> Index:
    first = static.visits.first
    some = first[1:] > first[:-1]
    leave, arrive = np.full(len(some), NOON + 1), np.zeros(len(some))
    leave[some] = static.visits.departure[first[:-1][some]]
    arrive[some] = static.visits.arrival[first[1:][some] - 1]
    return np.flatnonzero((leave < NOON + lasting / 2) & (arrive > NOON + lasting / 2))


def _drive(static: Static, trip: int, draw: np.random.Generator) -> F8:
    """When a vehicle comes to each stop of its trip, in seconds of the service day."""
    rows = slice(int(static.visits.first[trip]), int(static.visits.first[trip + 1]))
    planned = static.visits.arrival[rows].astype(np.float64)
    hops = np.maximum(np.diff(planned), 40) * draw.lognormal(0.05, 0.2, len(planned) - 1)
    came: F8 = planned[0] + draw.uniform(0, 120) + np.concatenate([[0.0], np.cumsum(hops)])
    return came


def _words(static: Static, trip: int, drive: F8, now: float) -> tuple[str, str, str, str]:
    at = int(np.searchsorted(drive, now, side="right")) - 1
    standing = at >= 0 and (now - drive[at] < HALT or at == len(drive) - 1)
    stop = static.visits.stop[static.visits.first[trip] + (max(at, 0) if standing else at + 1)]
    name, route = static.trips.trip_id[trip], static.trips.route_id[trip]
    return (
        f"urn:ngsi-ld:GtfsTrip:nyct:{name}:{DAY}",
        f"urn:ngsi-ld:GtfsRoute:nyct:{route}",
        f"urn:ngsi-ld:GtfsStop:nyct:{static.stops.stop_id[int(stop)]}",
        "STOPPED_AT" if standing else "IN_TRANSIT_TO",
    )


def _report(names: Sequence[str], texts: Sequence[tuple[str, str, str, str]], instant: int) -> Changes:
    parts = []
    at = np.full(len(names), instant)
    attributes = ("hasTrip", "hasRoute", "hasStop", "current_status")
    for attribute, column in zip(attributes, zip(*texts, strict=True), strict=True):
        kind = Kind.PROPERTY if attribute == "current_status" else Kind.RELATIONSHIP
        name = Coded.constant(iri(attribute), len(names))
        parts.append(Changes.of_readings(Coded.of(names), name, at, text=Coded.of(column), kind=kind))
    return Changes.concat(parts)
