"""What a passenger asks of a line: its stops in order of travel, and the vehicles that are on their way along it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from zhicheng.analysis.patterns import Pattern, find_patterns
from zhicheng.apps.arrival import model as m
from zhicheng.apps.arrival.boards import names_of
from zhicheng.apps.arrival.calls import OVERDUE, stale, timetable
from zhicheng.compute.views import Asked, Seen
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.gtfs.arrivals import Arrival, arrivals_of, named, runs
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Json

_MOST_WAYS = 4
"""Ways that a line is shown to go; short runs and rare detours are not among them."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way a line goes, with the URNs of its stops; trips: the timetable's that go just so."""

    headsign: str
    stops: tuple[str, ...]
    trips: frozenset[str]


def line(seen: Seen, asked: Asked, params: m.Params) -> Json:
    """The document of a line (docs/signs.md)."""
    urn = _urn(asked.query.get("line", ""))
    route = seen.one(urn)
    ways = _ways(seen, urn)
    coming = [run for run in runs(arrivals_of(seen.some(m.ARRIVAL, m.HAS_ROUTE, [urn]))) if run]
    if route is None and not ways:
        raise NotFound(f"There is no line {urn}", f"没有线路 {urn}", line=urn)
    placed: list[list[Json]] = [[] for _ in ways]
    for run in coming:
        ahead = [one for one in run if not one.skipped and one.time > seen.now - OVERDUE]
        if ahead and (found := _place(ways, ahead)) is not None:
            placed[found[0]].append(_vehicle(seen, ahead, found[1], params))
    colour = said.text(route, "routeColor").lstrip("#")
    return {
        "version": 1,
        "at": instants.format(seen.now),
        "id": urn,
        "line": said.text(route, "shortName") or said.text(route, "name") or named(urn)[1],
        "name": dict[str, Json](names_of(route, urn)),
        "color": f"#{colour}" if re.fullmatch(r"[0-9A-Fa-f]{6}", colour) else None,
        "directions": [
            {"headsign": way.headsign, "stops": [_stop(seen, stop) for stop in way.stops], "vehicles": vehicles}
            for way, vehicles in zip(ways, placed, strict=True)
        ],
    }


def _urn(text: str) -> str:
    """A line's URN: given as such, or as NETWORK:LINE."""
    if not 0 < len(text) <= 400 or ":" not in text:
        raise Invalid("Say which line: its id, or NETWORK:LINE", "请指定线路：标识或 网络:线路", parameter="line")
    short = ":".join(quote(part, safe="%") for part in text.split(":", 1))
    return text if text.startswith("urn:") else f"urn:ngsi-ld:GtfsRoute:{short}"


def _ways(seen: Seen, urn: str) -> list[Way]:
    """One way for each place where the line ends: the one that most of its trips go."""
    network, name = named(urn)
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


def _place(ways: list[Way], ahead: list[Arrival]) -> tuple[int, int] | None:
    """On which way a vehicle is, and its next stop there: by its trip, else by the stops that it is to come to."""
    trip = named(ahead[0].trip)[1]
    for number, way in sorted(enumerate(ways), key=lambda item: trip not in item[1].trips):
        places = [*_places(way, ahead)]
        if len(places) == len(ahead) and places == sorted(places):
            return number, places[0]
    return None


def _places(way: Way, ahead: list[Arrival]) -> Iterator[int]:
    """Where on a way the stops are, each after the one before it."""
    after = -1
    for one in ahead:
        if one.stop not in way.stops[after + 1 :]:
            return
        after = way.stops.index(one.stop, after + 1)
        yield after


def _vehicle(seen: Seen, ahead: list[Arrival], place: int, params: m.Params) -> Json:
    """A vehicle with its next stop, and when it comes to the stops from there on."""
    one = ahead[0]
    vehicle = seen.one(one.vehicle)
    status = said.text(vehicle, m.STATUS) if said.text(vehicle, m.HAS_STOP) == one.stop else ""
    return {
        "id": one.vehicle or one.trip,
        "label": said.text(vehicle, "name") or said.text(vehicle, "vehicle_label") or named(one.vehicle)[1],
        "next": place,
        "standing": status == "STOPPED_AT",
        "minutes": [max(at.time - seen.now, 0) // SECOND // 60 for at in ahead],
        "stale": stale(seen, one, params),
    }


def _stop(seen: Seen, urn: str) -> Json:
    stop = seen.one(urn)
    return {"id": urn, "name": dict[str, Json](names_of(stop, urn)), "location": said.value(stop, m.LOCATION)}
