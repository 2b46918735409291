"""The diagram of a line: the ways that it goes by its timetable, and where on them its vehicles are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from zhicheng.analysis.patterns import Pattern, find_patterns
from zhicheng.standards.gtfs.arrivals import Arrival, arrivals_of, named, runs
from zhicheng.standards.gtfs.calls import OVERDUE, timetable
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.models.seen import Seen

_MOST_WAYS = 4
"""Ways that a line is shown to go; short runs and rare detours are not among them."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way a line goes, with the URNs of its stops; trips: the timetable's that go just so."""

    headsign: str
    stops: tuple[str, ...]
    trips: frozenset[str]


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
