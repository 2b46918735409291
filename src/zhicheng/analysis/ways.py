"""The ways that vehicles take: stops in order, by the timetable or, where it does not know the trip, as others went.

A way is a row of places; between each two lies a hop, which ways of one route share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from zhicheng.analysis.patterns import Pattern, find_patterns
from zhicheng.analysis.travel_times import Hops
from zhicheng.kernel.columns import F8, I4, I8
from zhicheng.standards.gtfs.static import Static, metres_between

SPARE = 500
"""Ways that are kept though no vehicle takes them."""
LONGEST = 120
"""Stops of a way that is made up; it ends where a stop would come again."""
SPEED, STANDING = 8.0, 20.0
"""Metres a second between stops that no timetable joins, and the seconds that a halt adds."""
SHORTEST = 40.0
"""Seconds that a scheduled hop from stop to stop is taken to last at least: timetables in minutes have zeros."""
TIMETABLE, PASSED, MEMORY = 0.9, 0.4, 20.0
"""As how many vehicles these count when it is asked which stop comes next: the timetable, and a vehicle that was not
seen at a stop between; and how many vehicles are remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """What a timetable says of ways and hops; routes and stops by their rows. Empty where there is no timetable.

    seconds: from arrival to arrival, and of those standing at the first; after: stops that follow one, with the trips
    """

    zone: ZoneInfo
    stops: Mapping[str, int]
    routes: Mapping[str, int]
    lon: F8
    lat: F8
    patterns: Mapping[str, Pattern]
    seconds: Mapping[tuple[int, int, int], tuple[float, float]]
    after: Mapping[tuple[int, int], Mapping[int, int]]
    names: Sequence[str]
    static: Static | None = None

    def hop(self, route: str, stop: str, following: str) -> tuple[float, float]:
        """Scheduled seconds from stop to stop, and of those the halt; of other routes, or by distance, if need be."""
        one, other = self.stops.get(stop, -1), self.stops.get(following, -1)
        for line in (self.routes.get(route, -1), -1):
            found = self.seconds.get((line, one, other))
            if found is not None:
                return max(found[0], SHORTEST), found[1]
        if one < 0 or other < 0:
            return 2 * SHORTEST, STANDING
        places = self.lon[[one, other]], self.lat[[one, other]]
        metres = float(metres_between(places[0][:1], places[1][:1], places[0][1:], places[1][1:])[0])
        return max(STANDING + (0.0 if np.isnan(metres) else metres) / SPEED, SHORTEST), STANDING

    def trip(self, trip: str) -> list[str] | None:
        """The stops of a trip, if the timetable knows it."""
        found = self.patterns.get(trip)
        if found is None or (found.stops < 0).any():
            return None
        return [self.names[row] for row in found.stops.tolist()]

    def sequence(self, trip: str) -> list[int]:
        """The numbers (stop_sequence) of a trip's stops, in order."""
        return [] if self.static is None else self.static.visits.sequence[self.static.visits_of(trip)].tolist()

    def departs(self, trip: str) -> int:
        """When a trip leaves its first stop, in seconds of the service day; -1 if that is not known."""
        rows = slice(0, 0) if self.static is None else self.static.visits_of(trip)
        return int(self.static.visits.departure[rows.start]) if self.static and rows.stop > rows.start else -1

    def following(self, route: str, stop: str) -> dict[str, float]:
        """The stops that follow one, with their shares; where the route does not come, of all routes."""
        here = self.stops.get(stop, -1)
        after = self.after.get((self.routes.get(route, -1), here)) or self.after.get((-1, here)) or {}
        total = sum(after.values())
        return {self.names[row]: count / total for row, count in after.items()}


def unscheduled(zone: ZoneInfo) -> Schedule:
    """Where there is no timetable: everything is learnt from vehicles."""
    return Schedule(zone, {}, {}, np.zeros(0), np.zeros(0), {}, {}, {}, ())


@lru_cache(maxsize=8)
def schedule(static: Static) -> Schedule:
    """The ways and hops of a timetable; found once for each."""
    after, seconds = _hops(static)
    names = [name or "" for name in static.stops.stop_id.list()]
    lon, lat = static.stops.stop_lon, static.stops.stop_lat
    patterns = find_patterns(static).of_trip
    return Schedule(static.zone, static.stop_rows, static.route_rows, lon, lat, patterns, seconds, after, names, static)


def _hops(
    static: Static,
) -> tuple[dict[tuple[int, int], dict[int, int]], dict[tuple[int, int, int], tuple[float, float]]]:
    visits, trips = static.visits, len(static.trips)
    trip = np.repeat(np.arange(trips), np.diff(visits.first))
    arrive = np.where(visits.arrival < 0, visits.departure, visits.arrival).astype(np.float64)
    leave = np.where(visits.departure < 0, visits.arrival, visits.departure).astype(np.float64)
    here = np.flatnonzero((trip[1:] == trip[:-1]) & (visits.stop[1:] >= 0) & (visits.stop[:-1] >= 0))
    route, one, other = static.trip_route[trip[here]], visits.stop[here], visits.stop[here + 1]
    told = (arrive[here] >= 0) & (arrive[here + 1] >= 0)
    took = np.where(told, arrive[here + 1] - arrive[here], 0.0)
    halt = np.where(told, leave[here] - arrive[here], 0.0)
    after: dict[tuple[int, int], dict[int, int]] = {}
    seconds: dict[tuple[int, int, int], tuple[float, float]] = {}
    for line in (route, np.full(len(route), -1, np.int32)):
        keys, place, count = np.unique(np.stack([line, one, other]), axis=1, return_inverse=True, return_counts=True)
        known = np.bincount(place, told)
        means = [np.bincount(place, value) / np.maximum(known, 1) for value in (took, halt)]
        for row, (a, b, c) in enumerate(keys.T.tolist()):
            after.setdefault((a, b), {})[c] = int(count[row])
            if known[row]:
                seconds[a, b, c] = (float(means[0][row]), float(means[1][row]))
    return after, seconds


@dataclass
class Ways:
    """Ways in use and their hops: what an application keeps of them.

    stops: ids; stop: number of each by id; way: number of each by its route and stops
    first: way w holds places first[w] to first[w + 1]; at: number of the stop of each place, -1 where it is none
    hop: row of the hop to each place from the one before, -1 for the first; hops: row by route and stops
    gone: how many vehicles went from a stop of a route to each other next, as they themselves reported
    """

    stops: list[str] = field(default_factory=list)
    stop: dict[str, int] = field(default_factory=dict)
    way: dict[str, int] = field(default_factory=dict)
    first: I8 = field(default_factory=lambda: np.zeros(1, np.int64))
    at: I4 = field(default_factory=lambda: np.zeros(0, np.int32))
    hop: I4 = field(default_factory=lambda: np.zeros(0, np.int32))
    hops: dict[str, int] = field(default_factory=dict)
    gone: dict[str, dict[str, float]] = field(default_factory=dict)

    def number(self, stop: str) -> int:
        """The number of a stop, given to it if it is new."""
        found = self.stop.get(stop)
        if found is None:
            found = self.stop[stop] = len(self.stops)
            self.stops.append(stop)
        return found

    def length(self, way: int) -> int:
        """How many places a way has."""
        return int(self.first[way + 1] - self.first[way])

    def names(self, way: int) -> list[str]:
        """The stops of a way; nothing for places that are none."""
        return [self.stops[one] if one >= 0 else "" for one in self.at[self.first[way] : self.first[way + 1]].tolist()]

    def visit(self, way: int, place: int) -> tuple[str, int]:
        """The stop at a place of a way, and how often the way came to it before."""
        at = self.at[self.first[way] : self.first[way] + place + 1]
        return self.stops[at[-1]] if at[-1] >= 0 else "", int((at[:-1] == at[-1]).sum())


def way_of(ways: Ways, hops: Hops, plan: Schedule, route: str, stops: Sequence[str]) -> int:
    """The number of the way along some stops, with its hops; made if it is new."""
    key = "\n".join([route, *stops])
    found = ways.way.get(key)
    if found is not None:
        return found
    names = [f"{route}\n{one}\n{other}" for one, other in pairwise(stops)]
    fresh = dict.fromkeys(name for name in names if name not in ways.hops)
    told = np.array([plan.hop(*name.split("\n")) for name in fresh]).reshape(-1, 2)
    ways.hops.update({name: len(hops) + row for row, name in enumerate(fresh)})
    hops.grow(told[:, 0], told[:, 1])
    return add_way(ways, key, [ways.number(one) for one in stops], [-1, *(ways.hops[name] for name in names)])


def add_way(ways: Ways, key: str, places: Sequence[int], hops: Sequence[int]) -> int:
    """Add a way of which stops and hops have their numbers."""
    ways.at = np.append(ways.at, np.array(places, np.int32))
    ways.hop = np.append(ways.hop, np.array(hops, np.int32))
    ways.first = np.append(ways.first, ways.first[-1] + len(places))
    ways.way[key] = len(ways.way)
    return ways.way[key]


def tidy(ways: Ways, used: I8) -> bool:
    """Let go of ways that no vehicle takes, once they are many; `used`, a way a vehicle, gets the new numbers."""
    kept = np.unique(used[used >= 0])
    if len(ways.way) <= 2 * len(kept) + SPARE:
        return False
    rows = [np.arange(ways.first[way], ways.first[way + 1]) for way in kept.tolist()]
    moved = np.full(len(ways.way) + 1, -1)
    moved[kept] = np.arange(len(kept))
    lengths = np.diff(ways.first)[kept]
    chosen = np.concatenate([*rows, np.zeros(0, np.int64)])
    ways.way = {key: int(moved[way]) for key, way in ways.way.items() if moved[way] >= 0}
    ways.at, ways.hop = ways.at[chosen], ways.hop[chosen]
    ways.first = np.append(0, np.cumsum(lengths))
    used[:] = moved[used]
    return True


def went(ways: Ways, route: str, stop: str, following: str) -> None:
    """Remember that a vehicle of a route reported a stop, and then another."""
    known = ways.gone.setdefault(f"{route}\n{stop}", {})
    known[following] = known.get(following, 0.0) + 1.0
    if sum(known.values()) > MEMORY:
        ways.gone[f"{route}\n{stop}"] = {one: count / 2 for one, count in known.items() if count > 1}


def onward(ways: Ways, plan: Schedule, route: str, stop: str, behind: Sequence[str]) -> list[str]:
    """The stops from one on, as most of the route's vehicles go: those that reported, and the timetable's trips.

    behind: stops that the vehicle has been to; it does not go back there, which tells its direction
    """
    seen = {*behind, stop}
    found = [stop]
    while len(found) < LONGEST:
        chances = _chances(ways, plan, route, found[-1], seen)
        if not chances:
            break
        found.append(min(chances, key=lambda name: (-chances[name], name)))
        seen.add(found[-1])
    return found


def _chances(ways: Ways, plan: Schedule, route: str, stop: str, seen: set[str]) -> dict[str, float]:
    """What speaks for each stop that may come next, as so many vehicles.

    A vehicle that was not seen at a stop between, which others serve, may have been there between two reports: it
    speaks less for the stop after it.
    """
    planned = {name: share for name, share in plan.following(route, stop).items() if name not in seen}
    chances = {name: TIMETABLE * share for name, share in planned.items()}
    reported = ways.gone.get(f"{route}\n{stop}", {})
    for name, count in reported.items():
        if name not in seen:
            others = (one for one in (*planned, *reported) if one != name)
            passed = any(
                name in ways.gone.get(f"{route}\n{one}", ()) or name in plan.following(route, one) for one in others
            )
            chances[name] = chances.get(name, 0.0) + (PASSED if passed else 1.0) * count
    return chances
