"""What others read of arrivals: GTFS Realtime trip updates, and what a stop's sign shows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from zhicheng.apps.arrival import logic
from zhicheng.apps.arrival import model as m
from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.gtfs.messages import (
    Feed,
    FeedEntity,
    FeedHeader,
    StopTimeEvent,
    StopTimeUpdate,
    TripDescriptor,
    TripUpdate,
    VehicleDescriptor,
)
from zhicheng.standards.ngsild.model import Attribute, Entity, Json

_ARRIVING = 30
"""Seconds before its arrival from which a vehicle is shown as arriving."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An arrival as it stands; instants in microseconds, urns of what it is of."""

    trip: str
    route: str
    stop: str
    vehicle: str
    number: int
    time: int
    earliest: int
    latest: int
    issued: int
    stale: bool


def arrivals_of(entities: Iterable[Entity]) -> list[Arrival]:
    """The application's arrivals among entities; those that lack something, or are of others, are left out."""
    return [one for entity in entities if entity.id.startswith(logic.OWN) and (one := _arrival(entity)) is not None]


def _arrival(entity: Entity) -> Arrival | None:
    said = {name: found[0] for name, found in entity.attributes.items() if found}
    times = said.get(iri(m.ARRIVES))
    if times is None or iri(m.HAS_STOP) not in said:
        return None
    trip, route, stop, vehicle = (
        _text(said.get(iri(name))) for name in (m.HAS_TRIP, m.HAS_ROUTE, m.HAS_STOP, m.HAS_VEHICLE)
    )
    beside = {name: found[0].value for name, found in times.sub.items() if found}
    number = said.get(iri(m.NUMBER))
    return Arrival(
        trip,
        route,
        stop,
        vehicle,
        int(number.value) if number is not None and isinstance(number.value, int | float) else 0,
        instants.parse(str(times.value)),
        instants.parse(str(beside.get(iri("earliest"), times.value))),
        instants.parse(str(beside.get(iri("latest"), times.value))),
        times.observed_at or 0,
        beside.get(iri("stale")) is True,
    )


def _text(attribute: Attribute | None) -> str:
    value = attribute.value if attribute is not None else ""
    return str(value[0] if isinstance(value, list) and value else value)


def _by_run(arrivals: Iterable[Arrival]) -> list[list[Arrival]]:
    """Arrivals of each vehicle's trip, in the order of its way."""
    runs: dict[tuple[str, str], list[Arrival]] = {}
    for one in arrivals:
        runs.setdefault((one.vehicle, one.trip), []).append(one)
    return [sorted(run, key=lambda one: one.number) for _, run in sorted(runs.items())]


def trip_updates(arrivals: Iterable[Arrival], now: int) -> bytes:
    """A GTFS Realtime feed of trip updates as of `now` (microseconds); of vehicles gone silent only that they are.

    >>> times = (1_700_000_000_000_000 + part * SECOND for part in (600, 540, 720, 0))
    >>> one = Arrival("urn:ngsi-ld:GtfsTrip:n:t1:20240208", "urn:ngsi-ld:GtfsRoute:n:7", "urn:ngsi-ld:GtfsStop:n:s1",
    ...               "urn:ngsi-ld:Vehicle:n:1", 3, *times, False)
    >>> update = realtime.decode(trip_updates([one], 1_700_000_000_000_000)).entity[0].trip_update
    >>> update.trip.trip_id, update.trip.start_date, update.stop_time_update[0].arrival.uncertainty
    ('t1', '20240208', 90)
    """
    header = FeedHeader(gtfs_realtime_version="2.0", incrementality="FULL_DATASET", timestamp=now // SECOND)
    entities = [
        FeedEntity(
            id=f"{run[0].vehicle} {run[0].trip}",
            trip_update=TripUpdate(
                trip=_descriptor(run[0]),
                vehicle=VehicleDescriptor(id=logic.named(run[0].vehicle)[1]),
                stop_time_update=tuple(map(_stop_time, run)),
                timestamp=max(one.issued for one in run) // SECOND or None,
            ),
        )
        for run in _by_run(arrivals)
    ]
    return realtime.encode(Feed(header=header, entity=tuple(entities)))


def _descriptor(one: Arrival) -> TripDescriptor:
    parts = [unquote(part) for part in one.trip.split(":")[4:]]
    dates = [part for part in parts[1:] if len(part) == 8 and part.isdigit()]
    return TripDescriptor(
        trip_id=parts[0] if parts else None,
        route_id=logic.named(one.route)[1] or None,
        start_date=dates[0] if dates else None,
    )


def _stop_time(one: Arrival) -> StopTimeUpdate:
    stop = logic.named(one.stop)[1]
    if one.stale:
        return StopTimeUpdate(stop_id=stop, schedule_relationship="NO_DATA")
    half = (one.latest - one.earliest) // (2 * SECOND)
    return StopTimeUpdate(stop_id=stop, arrival=StopTimeEvent(time=one.time // SECOND, uncertainty=half))


def sign(
    arrivals: Sequence[Arrival],
    stops: Collection[str],
    now: int,
    *,
    lines: Mapping[str, str],
    headsigns: Mapping[str, str],
    notices: Sequence[Mapping[str, str]] = (),
    weather: Mapping[str, str] | None = None,
    most: int = 3,
) -> dict[str, Json]:
    """What a sign shows: the next arrivals of each line at some stops (urns), as of `now` (microseconds).

    lines, headsigns: names by route and by trip (urns); notices, weather: texts by language; most: arrivals a line.
    Minutes are whole and cut; a vehicle within half a minute is arriving; stops away count the stop itself.
    """
    shown: dict[tuple[str, str], list[dict[str, Json]]] = {}
    for one, away in sorted(_at_stops(arrivals, stops), key=lambda pair: (pair[0].time, pair[0].vehicle)):
        name = lines.get(one.route) or logic.named(one.route)[1]
        group = shown.setdefault((name, headsigns.get(one.trip, "")), [])
        if len(group) < most:
            left = max(one.time - now, 0) // SECOND
            group.append(
                {
                    "minutes": left // 60,
                    "arriving": left < _ARRIVING,
                    "stopsAway": away,
                    "time": instants.format(one.time),
                    "earliest": instants.format(one.earliest),
                    "latest": instants.format(one.latest),
                    "stale": one.stale,
                }
            )
    listed: list[Json] = [
        {"line": line, "headsign": headsign, "arrivals": list[Json](group)}
        for (line, headsign), group in sorted(shown.items())
    ]
    return {
        "at": instants.format(now),
        "lines": listed,
        "notices": [dict[str, Json](notice) for notice in notices],
        "weather": dict[str, Json](weather) if weather else None,
    }


def _at_stops(arrivals: Iterable[Arrival], stops: Collection[str]) -> list[tuple[Arrival, int]]:
    """Arrivals at some stops, with how many stops away: arrivals of a trip begin with the next stop."""
    return [(one, away) for run in _by_run(arrivals) for away, one in enumerate(run, 1) if one.stop in stops]
