"""Arrivals at stops as the city holds them: ArrivalEstimation entities of feeds and of our own, and their URNs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Entity

OWN = "urn:ngsi-ld:ArrivalEstimation:zhicheng:"
"""How the ids of arrivals begin that we predict; what feeds predict has the network in its place."""
SKIPPED = "SKIPPED"
CALLED_OFF = ("CANCELED", "DELETED")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An arrival as it stands; instants in microseconds, urns of what it is of; `own`: we predict it, no feed does."""

    trip: str
    route: str
    stop: str
    vehicle: str
    number: int
    time: int
    earliest: int
    latest: int
    issued: int
    stale: bool = False
    own: bool = True
    skipped: bool = False
    source: str = ""


def named(urn: str) -> tuple[str, str]:
    """Network and id that the URN of a stop, route or trip is made of; a URN of another make is its own id.

    >>> named("urn:ngsi-ld:GtfsTrip:nyct:038236_A..N:20240208:1A%200622%20FAR%2F207")
    ('nyct', '038236_A..N')
    >>> named("urn:x:1")
    ('', 'urn:x:1')
    """
    parts = urn.split(":")
    return (unquote(parts[3]), unquote(parts[4])) if len(parts) >= 5 else ("", urn)


def own_urn(vehicle: str, trip: str, stop: str, visit: int) -> str:
    """The id of an arrival that we predict, of a vehicle at a stop on a trip; `visit` counts those before it there.

    >>> own_urn("urn:ngsi-ld:Vehicle:bus:7", "urn:ngsi-ld:GtfsTrip:bus:038236:20240208", "A09N", 0)
    'urn:ngsi-ld:ArrivalEstimation:zhicheng:bus:7:038236:20240208:A09N'
    """
    whose, run = _beyond_type(vehicle), _beyond_type(trip).partition(":")[2]
    run = "" if not run or whose.endswith(run) else f":{run}"
    return f"{OWN}{whose}{run}:{quote(stop, safe='')}" + (f":{visit}" if visit else "")


def _beyond_type(urn: str) -> str:
    return urn.removeprefix("urn:ngsi-ld:").partition(":")[2]


def sibling(urn: str, name: str) -> str:
    """The URN of another stop, route or trip of the same network, by its id.

    >>> sibling("urn:ngsi-ld:GtfsStop:bus:A09N", "A 10")
    'urn:ngsi-ld:GtfsStop:bus:A%2010'
    """
    return urn if named(urn)[1] == name else f"{urn.rpartition(':')[0]}:{quote(name, safe='')}"


def arrivals_of(entities: Iterable[Entity]) -> list[Arrival]:
    """The arrivals among entities; what has no stop, or no time that can be one, is left out."""
    return [one for entity in entities if (one := _arrival(entity)) is not None]


def _arrival(entity: Entity) -> Arrival | None:
    times = said.attribute(entity, "arrivalTime") or said.attribute(entity, "departureTime")
    stop = said.text(entity, "hasStop")
    skipped = said.text(entity, "schedule_relationship") == SKIPPED
    if not stop or (times is None and not skipped):
        return None
    beside = {} if times is None else {name: found[0].value for name, found in times.sub.items() if found}
    time = _instant(None if times is None else times.value, 0)
    if time <= 0 and not skipped:
        return None
    number = said.value(entity, "stopSequence")
    return Arrival(
        said.text(entity, "hasTrip"),
        said.text(entity, "hasRoute"),
        stop,
        said.text(entity, "hasVehicle"),
        int(number) if isinstance(number, int | float) else 0,
        time,
        _instant(beside.get(said.iri("earliest")), time),
        _instant(beside.get(said.iri("latest")), time),
        max((times.observed_at if times is not None else None) or 0, 0),
        beside.get(said.iri("stale")) is True,
        entity.id.startswith(OWN),
        skipped,
        entity.source or "",
    )


def _instant(text: object, other: int) -> int:
    try:
        return instants.parse(text) if isinstance(text, str) else other
    except Invalid:
        return other


def runs(arrivals: Iterable[Arrival]) -> list[list[Arrival]]:
    """Arrivals of each trip in the order of its way, one at a time: ours where we have any, else the feed's.

    A stop that the feed says is skipped stays so; where several vehicles run a trip each is a run of its own.
    """
    found: dict[str, dict[str, list[Arrival]]] = {}
    for one in arrivals:
        found.setdefault(one.trip or one.vehicle, {}).setdefault(one.vehicle if one.own else "", []).append(one)
    chosen = []
    for _, by_vehicle in sorted(found.items()):
        told = by_vehicle.pop("", [])
        skipped = {one.stop for one in told if one.skipped}
        for run in by_vehicle.values() or [told]:
            chosen.append(sorted(_marked(run, skipped), key=lambda one: (one.number, one.time)))
    return chosen


def _marked(run: list[Arrival], skipped: set[str]) -> list[Arrival]:
    return [replace(one, skipped=True) if one.stop in skipped else one for one in run]
