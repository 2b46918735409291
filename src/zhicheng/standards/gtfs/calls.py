"""Which vehicles come to some stops: how many stops away, where they go, whether they are heard of or called off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import pyarrow as pa

from zhicheng.kernel import zones
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.gtfs.arrivals import CALLED_OFF, Arrival, arrivals_of, named, runs
from zhicheng.standards.gtfs.names import counted
from zhicheng.standards.gtfs.static import Static, from_tables
from zhicheng.standards.models import said
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Entity

OVERDUE = 5 * MINUTE
"""How long an arrival that did not come is still shown."""
_AHEAD = 60 * MINUTE
"""How far ahead a trip that is called off is shown."""


@dataclass(frozen=True, slots=True)
class Call:
    """A vehicle's coming to a stop; away: stops still to go, the stop included; 0 where it is called off."""

    at: Arrival
    away: int
    headsign: str
    cancelled: bool = False


def calls(seen: Seen, stops: Collection[str], silence: float) -> list[Call]:
    """What comes to the stops (URNs), soonest first, each trip once, and what was to come and is called off.

    silence: seconds after which a vehicle of which nothing is heard is said to be stale
    """
    here = arrivals_of(seen.some("ArrivalEstimation", "hasStop", stops))
    whole = seen.some("ArrivalEstimation", "hasTrip", {one.trip for one in here if one.trip})
    whole += seen.some("ArrivalEstimation", "hasVehicle", {one.vehicle for one in here if not one.trip})
    found = [call for run in runs(arrivals_of(whole)) if (call := _call(seen, run, stops, silence)) is not None]
    for trip in seen.some("GtfsTrip", "schedule_relationship", CALLED_OFF):
        found += _called_off(seen, trip, stops)
    return sorted(found, key=lambda call: (call.at.time, call.at.trip))


def _call(seen: Seen, run: list[Arrival], stops: Collection[str], silence: float) -> Call | None:
    trip = seen.one(run[0].trip)
    since = seen.now - (OVERDUE if run[0].own else MINUTE)
    ahead = [one for one in run if not one.skipped and one.time > since]
    place = next((place for place, one in enumerate(ahead) if one.stop in stops), None)
    if place is None or said.text(trip, "schedule_relationship") in CALLED_OFF:
        return None
    one = ahead[place]
    headsign = said.text(trip, "headSign") or _end(seen, one.trip, ahead[-1].stop)
    return Call(replace(one, stale=silent(seen, one, silence)), place + 1, headsign)


def by_line(coming: Iterable[Call], name: Callable[[str], str]) -> list[tuple[str, list[Call]]]:
    """Calls of each line (`name` of its URN) and direction, lines as people count them: 2 before 12."""
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in coming:
        groups.setdefault((name(call.at.route), call.headsign), []).append(call)
    ordered = sorted(groups.items(), key=lambda item: (counted(item[0][0]), item[0][1]))
    return [(line, group) for (line, _), group in ordered]


def silent(seen: Seen, one: Arrival, silence: float) -> bool:
    """Whether nothing was heard of the vehicle for so many seconds, or of the feed by which it or the time comes."""
    if not one.own:
        return one.source in seen.stale
    vehicle = seen.one(one.vehicle)
    if one.stale or vehicle is None or vehicle.source in seen.stale:
        return True
    heard = max((found[0].observed_at or 0 for found in vehicle.attributes.values()), default=0)
    return seen.now - heard > silence * SECOND


def _end(seen: Seen, trip: str, last: str) -> str:
    """Where a trip goes: by the timetable, else the last stop that is known of it."""
    network, name = named(trip)
    static = seen.made(network, timetable)
    row = None if static is None else static.trip_rows.get(name)
    if static is None or row is None:
        return said.in_zh_en(said.languages(seen.one(last), "name")).get("zh", named(last)[1])
    rows = static.visits_of(name)
    stop = int(static.visits.stop[rows.stop - 1]) if rows.stop > rows.start else -1
    return static.trips.trip_headsign[row] or (static.stops.stop_name[stop] if stop >= 0 else None) or ""


def timetable(tables: Mapping[str, pa.Table]) -> Static:
    """The timetable of a network's reference tables."""
    return from_tables(dict(tables))


def _called_off(seen: Seen, trip: Entity, stops: Collection[str]) -> Iterator[Call]:
    """When a trip that is called off would have come within the hour, by the timetable of its service day."""
    network, name = named(trip.id)
    static = seen.made(network, timetable)
    rows = slice(0, 0) if static is None else static.visits_of(name)
    if static is None or rows.stop <= rows.start:
        return
    try:
        day, shift = zones.parse_date(said.text(trip, "start_date")), _shift(static, rows.start, trip)
    except Invalid:  # whoever wrote it, the sign shows what it can
        return
    for row in range(rows.start, rows.stop):
        stop, seconds = int(static.visits.stop[row]), int(static.visits.arrival[row])
        stop_id = static.stops.stop_id[stop] or "" if stop >= 0 else ""
        urn = f"urn:ngsi-ld:GtfsStop:{quote(network, safe='')}:{quote(stop_id, safe='')}"
        if urn in stops and seconds >= 0:
            time = zones.service_instant(static.zone, day, seconds + shift)
            if -OVERDUE < time - seen.now < _AHEAD:
                one = Arrival(trip.id, said.text(trip, "hasRoute"), urn, "", row, time, time, time, 0)
                yield Call(one, 0, said.text(trip, "headSign") or _end(seen, trip.id, urn), cancelled=True)
            return


def _shift(static: Static, first: int, trip: Entity) -> int:
    """Seconds by which a trip that says when it starts (a duplicated one, or one by headway) runs beside its times."""
    start = said.text(trip, "start_time")
    return zones.parse_service_time(start) - int(static.visits.departure[first]) if start else 0
