"""Vehicles that report positions, on the line of their trip: how far along they are, and what they have passed since.

The way is cut into short hops, a point every hundred metres or so and one just behind each stop: the halt lies in the
hop after the stop, a traffic light in some other; each has its own travel time, which is the line's speed profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zhicheng.analysis.travel_times import Hops
from zhicheng.analysis.ways import STANDING, Ways, add_way
from zhicheng.kernel.columns import F8, I4
from zhicheng.standards.gtfs.static import EARTH, Shape

STEP, BEHIND, BEFORE = 100.0, 30.0, 10.0
"""Metres between points; of the first point behind a stop; and before a stop at which a vehicle has come to it."""
OFF, BACK = 60.0, 40.0
"""Metres off the line, and back along it, at which a position may lie: receivers and drawings are not exact."""
PACE = 5.0
"""Metres a second on a hop of which nothing is known."""
FASTEST = 35.0
"""Metres a second that a vehicle may have gone since its last report."""


@dataclass(frozen=True, slots=True)
class Points:
    """The places of a way along a line: metres of each, and the number of the stop there, -1 where there is none."""

    metres: F8
    stop: I4

    @property
    def seconds(self) -> F8:
        """Seconds of the hop to each place but the first, where nothing is known but the distance and the halts."""
        return np.diff(self.metres) / PACE + np.where(self.stop[:-1] >= 0, STANDING, 0.0)


def points(stops: F8) -> Points:
    """Places for a line whose stops are at such metres (rising); it begins at 0, where vehicles may be before a stop.

    >>> found = points(np.array([120.0, 400.0]))
    >>> found.metres.tolist(), found.stop.tolist()
    ([0.0, 110.0, 150.0, 270.0, 390.0], [-1, 0, -1, -1, 1])
    """
    places, numbers = [0.0], [-1]
    start = 0.0
    for number, stop in enumerate(stops.tolist()):
        end = max(stop - BEFORE, places[-1])
        count = round((end - start) / STEP)
        if end - start > BEHIND:
            between = np.linspace(start, end, max(count, 1) + 1)[0 if number else 1 : -1].tolist()
            places += between
            numbers += [-1] * len(between)
        places.append(end)
        numbers.append(number)
        start = stop + BEHIND
    return Points(np.round(places, 1), np.array(numbers, np.int32))


def locate(line: Shape, lon: float, lat: float, before: float, seconds: float) -> tuple[float, float]:
    """Metres along a line of the nearest point to a position, and metres between the two; NaN where it is not near.

    before: metres at the last report, NaN if none; seconds: since then. Only what can have been reached counts, so
    that a line that crosses itself or comes back is followed.

    >>> line = Shape(np.array([0.0, 0.01, 0.02]), np.zeros(3), np.array([0.0, 1111.95, 2223.9]))
    >>> [round(one) for one in locate(line, 0.015, 0.0001, 1500.0, 10.0)]
    [1668, 11]
    """
    first, last = _reach(line, before, seconds)
    east = np.radians(line.lon[first : last + 1] - lon) * np.cos(np.radians(lat)) * EARTH
    north = np.radians(line.lat[first : last + 1] - lat) * EARTH
    run, rise = np.diff(east), np.diff(north)
    length = np.maximum(run**2 + rise**2, 1e-9)
    share = np.clip(-(east[:-1] * run + north[:-1] * rise) / length, 0.0, 1.0)
    away = np.hypot(east[:-1] + share * run, north[:-1] + share * rise)
    metres = line.metres[first:last] + share * np.diff(line.metres[first : last + 1])
    if before == before:
        away = np.where((metres >= before - BACK) & (metres <= before + BACK + FASTEST * seconds), away, np.inf)
    best = int(np.argmin(away))
    return (float(metres[best]), float(away[best])) if away[best] <= OFF else (np.nan, np.nan)


def _reach(line: Shape, before: float, seconds: float) -> tuple[int, int]:
    """First and last vertex of what can have been reached."""
    if before != before:
        return 0, len(line.metres) - 1
    low, high = before - BACK, before + BACK + FASTEST * seconds
    first = int(np.searchsorted(line.metres, low, side="right")) - 1
    last = int(np.searchsorted(line.metres, high, side="left"))
    return min(max(first, 0), len(line.metres) - 2), min(max(last, 1), len(line.metres) - 1)


def progress(found: Points, metres: float, at: int, before: float, last: int) -> tuple[int, int, float]:
    """Place, the instant at which it was passed, and the share of the hop after it that is done.

    before, last: metres and instant of the last report (NaN if none), between which the vehicle is taken to have
    gone evenly.

    >>> progress(points(np.array([120.0, 400.0])), 300.0, 10_000_000, 200.0, 0)
    (3, 7000000, 0.25)
    """
    place = int(np.searchsorted(found.metres, metres, side="right")) - 1
    if place < 0:
        return -1, at, np.nan
    here = float(found.metres[place])
    since = at
    if before == before and metres > before and here > before:
        since = last + round((at - last) * (here - before) / (metres - before))
    ahead = float(found.metres[place + 1]) - here if place + 1 < len(found.metres) else np.inf
    return place, since, min((metres - here) / ahead, 1.0) if ahead > 0 else 1.0


def line_way(ways: Ways, hops: Hops, key: str, stops: Sequence[str], found: Points) -> int:
    """The number of the way along a line's places, with its hops; made if it is new.

    Hops between two stops are shared by all lines that come to one and then the other; `key` tells the line.
    """
    known = ways.way.get(key)
    if known is not None:
        return known
    places = np.flatnonzero(found.stop >= 0)
    names = []
    for place in range(1, len(found.stop)):
        leg = int(np.searchsorted(places, place))
        start = f"{stops[leg - 1]}\n{place - places[leg - 1]}" if leg else f"{key}\n{place}"
        names.append(f"{start}\n{stops[leg]}\n{places[leg] - (places[leg - 1] if leg else 0)}")
    fresh = {
        name: seconds for name, seconds in zip(names, found.seconds.tolist(), strict=True) if name not in ways.hops
    }
    ways.hops.update({name: len(hops) + row for row, name in enumerate(fresh)})
    hops.grow(np.array(list(fresh.values())), np.zeros(len(fresh)))
    numbers = [ways.number(stops[number]) if number >= 0 else -1 for number in found.stop.tolist()]
    return add_way(ways, key, numbers, [-1, *(ways.hops[name] for name in names)])
