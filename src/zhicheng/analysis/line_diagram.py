"""The diagram of a line: the ways that it goes by its timetable, and where on them its vehicles are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from zhicheng.analysis.patterns import Pattern, find_patterns
from zhicheng.kernel import instants
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.gtfs import names
from zhicheng.standards.gtfs.arrivals import Arrival, arrivals_of, named, runs
from zhicheng.standards.gtfs.calls import OVERDUE, silent, timetable
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.models import said
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Json

_MOST_WAYS = 4
"""Ways that a line is shown to go; short runs and rare detours are not among them."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way a line goes, with the URNs of its stops; trips: the timetable's that go just so."""

    headsign: str
    stops: tuple[str, ...]
    trips: frozenset[str]


def diagram(seen: Seen, asked: str, silence: float) -> Json:
    """The document of a line, version 1 (docs/signs.md): its stops in order of travel, and the vehicles on their way.

    asked: the line, as `names.line_urn` takes it; silence: see `calls`
    """
    urn = names.line_urn(asked)
    route, ways = seen.one(urn), ways_of(seen, urn)
    if route is None and not ways:
        raise NotFound(f"There is no line {urn}", f"没有线路 {urn}", line=urn)
    vehicles: list[list[Json]] = [[] for _ in ways]
    for number, following, ahead in on_the_way(seen, urn, ways):
        vehicles[number].append(_vehicle(seen, ahead, following, silence))
    return {
        "version": 1,
        "at": instants.format(seen.now),
        "id": urn,
        "line": names.short(route, urn),
        "name": names.both(route, urn),
        "color": names.colour(route),
        "directions": [
            {"headsign": way.headsign, "stops": [_stop(seen, stop) for stop in way.stops], "vehicles": own}
            for way, own in zip(ways, vehicles, strict=True)
        ],
    }


def _vehicle(seen: Seen, ahead: list[Arrival], following: int, silence: float) -> Json:
    """A vehicle with its next stop, and when it comes to the stops from there on."""
    one = ahead[0]
    vehicle = seen.one(one.vehicle)
    status = said.text(vehicle, "current_status") if said.text(vehicle, "hasStop") == one.stop else ""
    return {
        "id": one.vehicle or one.trip,
        "label": said.text(vehicle, "name") or said.text(vehicle, "vehicle_label") or named(one.vehicle)[1],
        "next": following,
        "standing": status == "STOPPED_AT",
        "minutes": [max(at.time - seen.now, 0) // SECOND // 60 for at in ahead],
        "stale": silent(seen, one, silence),
        "simulated": said.simulated(vehicle),
    }


def _stop(seen: Seen, urn: str) -> Json:
    stop = seen.one(urn)
    return {"id": urn, "name": names.both(stop, urn), "location": said.value(stop, "location")}


def ways_of(seen: Seen, line: str) -> list[Way]:
    """The ways of a line (URN), one for each place where it ends: the one that most of its trips go."""
    network, name = named(line)
    static = seen.made(network, timetable)
    row = None if static is None else static.route_rows.get(name)
    if static is None or row is None:
        return []
    patterns = find_patterns(static)
    usual: dict[int, Pattern] = {}
    for pattern in sorted(patterns.by_route.get(row, ()), key=lambda one: -one.trips):
        usual.setdefault(int(pattern.stops[-1]), pattern)
    kept = [*usual.values()][:_MOST_WAYS]
    trips: dict[int, list[str]] = {}
    for trip, pattern in patterns.of_trip.items():
        if pattern.route == row:
            trips.setdefault(id(pattern), []).append(trip)
    return [_way(static, network, pattern, frozenset(trips.get(id(pattern), ()))) for pattern in kept]


def _way(static: Static, network: str, pattern: Pattern, trips: frozenset[str]) -> Way:
    rows = [int(row) for row in pattern.stops if row >= 0]
    ids = [static.stops.stop_id[row] or "" for row in rows]
    last = (static.stops.stop_name[rows[-1]] or "") if rows else ""
    signs = {static.trips.trip_headsign[static.trip_rows[trip]] for trip in trips}
    headsign = next(iter(signs)) if len(signs) == 1 else last
    prefix = f"urn:ngsi-ld:GtfsStop:{quote(network, safe='')}:"
    return Way(headsign or last, tuple(prefix + quote(one, safe="") for one in ids), trips)


def on_the_way(seen: Seen, line: str, ways: Sequence[Way]) -> Iterator[tuple[int, int, list[Arrival]]]:
    """The vehicles of a line (URN): on which way, its next stop there, and its arrivals from that on."""
    for run in runs(arrivals_of(seen.some("ArrivalEstimation", "hasRoute", [line]))):
        ahead = [one for one in run if not one.skipped and one.time > seen.now - OVERDUE]
        if ahead and (found := place(ways, ahead)) is not None:
            yield *found, ahead


def place(ways: Sequence[Way], ahead: Sequence[Arrival]) -> tuple[int, int] | None:
    """On which way a vehicle is, and its next stop there: by its trip, else by the stops that it is to come to.

    >>> out, back = Way("d", ("a", "b", "c", "d"), frozenset({"t1"})), Way("a", ("d", "c", "b", "a"), frozenset())
    >>> ahead = [Arrival("", "", stop, "", number, 0, 0, 0, 0) for number, stop in enumerate("cba")]
    >>> place([out, back], ahead), place([out, back], ahead[:1]), place([out], ahead)
    ((1, 1), (0, 2), None)
    """
    trip = named(ahead[0].trip)[1]
    for number, way in sorted(enumerate(ways), key=lambda item: trip not in item[1].trips):
        places = [*_places(way, ahead)]
        if len(places) == len(ahead) and places == sorted(places):
            return number, places[0]
    return None


def _places(way: Way, ahead: Sequence[Arrival]) -> Iterator[int]:
    """Where on a way the stops are, each after the one before it."""
    after = -1
    for one in ahead:
        if one.stop not in way.stops[after + 1 :]:
            return
        after = way.stops.index(one.stop, after + 1)
        yield after
