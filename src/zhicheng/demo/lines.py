"""Bus lines: where they run, where they stop, and what the stops are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.demo import chance
from zhicheng.demo.blocks import MALL, STATION, Places
from zhicheng.demo.plan import Plan, Said
from zhicheng.demo.streets import PRIMARY, SECONDARY, TERTIARY, TRUNK, Streets
from zhicheng.demo.ways import Graph, graph, line_of, quickest
from zhicheng.kernel.columns import F8, I8

NIGHT = 4
"""Lines, the last ones, that run at night."""
_LEAST, _MOST = 360.0, 620.0
"""Metres between stops: a stop that is there is taken from the first on, a new one is made at the second."""


@dataclass(frozen=True, slots=True)
class Stops:
    """Signs at the kerb, one for each direction: name, number, place in metres, the piece and how it is driven."""

    names: tuple[Said, ...]
    codes: tuple[str, ...]
    places: F8
    piece: I8
    way: I8


@dataclass(frozen=True, slots=True)
class Course:
    """One direction of a line: its line in metres, and each stop with the metres run until there."""

    line: F8
    stops: I8
    metres: F8


@dataclass(frozen=True, slots=True)
class Line:
    """A line: number, name, both directions, whether it runs at night."""

    number: str
    name: Said
    courses: tuple[Course, Course]
    night: bool


@dataclass(frozen=True, slots=True)
class Buses:
    """All lines over shared stops."""

    lines: tuple[Line, ...]
    stops: Stops


class _Making:
    """Stops as they are made, found by piece and direction."""

    def __init__(self, net: Streets, sites: Places) -> None:
        self.net, self.sites = net, sites
        self.kept: dict[tuple[int, int], int] = {}
        self.places: list[F8] = []
        self.names: dict[int, Said] = {}
        self.length = net.length

    def at(self, piece: int, way: int) -> int:
        """The stop of a piece, made if it is not there."""
        found = self.kept.get((piece, way))
        if found is None:
            found = self.kept[piece, way] = len(self.places)
            line = self.net.lines[piece][::way]
            here, course = _halfway(line, self.length[piece] * 0.5)
            self.places.append(here + 9 * np.array([course[1], -course[0]]))
            self.names.setdefault(piece, _name(self.net, self.sites, piece, here))
        return found


def _halfway(line: F8, metres: float) -> tuple[F8, F8]:
    """The place after so many metres, and the direction there."""
    steps = np.diff(line, axis=0)
    run = np.concatenate([[0], np.cumsum(np.hypot(*steps.T))])
    leg = min(int(np.searchsorted(run, metres, side="right")) - 1, len(steps) - 1)
    long = max(run[leg + 1] - run[leg], 0.01)
    return line[leg] + steps[leg] * ((metres - run[leg]) / long), steps[leg] / long


def _name(net: Streets, sites: Places, piece: int, here: F8) -> Said:
    """After what lies near, else after the crossing at the end of the piece."""
    away = np.hypot(*(sites.middle - here).T)
    near = int(np.argmin(away))
    if away[near] < 190:
        return sites.names[near]
    own = net.roads[net.road[piece]].name
    ends = {int(net.start[piece]), int(net.end[piece])}
    meets = np.flatnonzero(np.isin(net.start, list(ends)) | np.isin(net.end, list(ends)))
    others = [net.roads[net.road[other]].name for other in meets.tolist()]
    other = next((name for name in others if name.zh and name != own and name.zh[:2] != own.zh[:2]), None)
    return own if other is None else Said(f"{own.zh}{other.zh}口", f"{own.en} / {other.en}")


def buses(plan: Plan, net: Streets, sites: Places) -> Buses:
    """From the plan's seed: most lines cross the middle, some go round it, some are short."""
    dice = chance.generator(plan.seed, "lines")
    ways = graph(net, (TRUNK, PRIMARY, SECONDARY, TERTIARY))
    hubs = [_nearest(ways, place) for place in sites.middle[np.isin(sites.kind, (STATION, MALL))][:14]]
    making = _Making(net, sites)
    found: list[Line] = []
    while len(found) < plan.lines:
        path = _path(ways, hubs, len(found), dice)
        length = making.length[[piece for piece, _ in path]].sum()
        if 6500 < length < 19_000:
            night = len(found) >= plan.lines - NIGHT
            found.append(_line(making, path, len(found) + 1, plan.lines - NIGHT if night else 0))
    return Buses(tuple(found), _stops(making))


def _nearest(ways: Graph, place: F8) -> int:
    return int(ways.usable[np.argmin(((ways.nodes[ways.usable] - place) ** 2).sum(axis=1))])


def _path(ways: Graph, hubs: list[int], number: int, dice: np.random.Generator) -> list[tuple[int, int]]:
    """A way from one part of the city to another, over a hub; each line prefers streets of its own."""
    angle = 2.4 * number + dice.uniform(-0.3, 0.3)
    turn = np.pi + dice.uniform(-0.7, 0.7) if number % 4 else dice.uniform(1.0, 1.9)
    reach = dice.uniform(3200, 8300, 2)
    ends = [
        _nearest(ways, np.array([far * np.cos(at), 0.78 * far * np.sin(at) - 300]))
        for far, at in zip(reach, (angle, angle + turn), strict=True)
    ]
    hub = hubs[int(dice.integers(len(hubs)))] if number % 4 else None
    cost = ways.seconds * dice.uniform(0.75, 1.5, len(ways.seconds))
    if hub is None:
        return quickest(ways, ends[0], ends[1], cost)
    there = quickest(ways, ends[0], hub, cost)
    cost[[piece for piece, _ in there]] *= 6
    back = quickest(ways, hub, ends[1], cost)
    used = {piece for piece, _ in there}
    return there + back if there and back and not used & {piece for piece, _ in back} else []


def _line(making: _Making, path: list[tuple[int, int]], number: int, day_lines: int) -> Line:
    back = [(piece, -way) for piece, way in reversed(path)]
    courses = (_course(making, path), _course(making, back))
    first, last = (making.names[_piece_of(making, int(courses[0].stops[at]))] for at in (0, -1))
    name = Said(f"{first.zh} — {last.zh}", f"{first.en} – {last.en}")
    return Line(f"夜{number - day_lines}" if day_lines else str(number), name, courses, bool(day_lines))


def _piece_of(making: _Making, stop: int) -> int:
    return next(piece for (piece, _), row in making.kept.items() if row == stop)


def _course(making: _Making, path: list[tuple[int, int]]) -> Course:
    """Stops along a way: the first and last pieces have one, and between them one about every 500 metres."""
    line = line_of(making.net, path)
    run = 0.0
    stops: list[int] = []
    metres: list[float] = []
    whole = float(sum(making.length[piece] for piece, _ in path))
    for row, (piece, way) in enumerate(path):
        long = float(making.length[piece])
        here = run + long / 2
        since = here - metres[-1] if metres else np.inf
        least = _LEAST if (piece, way) in making.kept or (piece, -way) in making.kept else _MOST
        last = row == len(path) - 1
        if (long > 60 and since >= least and whole - here > 250) or (last and since > 60):
            stop = making.at(piece, way)
            if stop not in stops:
                stops.append(stop)
                metres.append(here)
        run += long
    return Course(line, np.array(stops), np.array(metres))


def _stops(making: _Making) -> Stops:
    keys = list(making.kept)
    counts: dict[str, int] = {}
    names = []
    seen: dict[int, Said] = {}
    for piece, _ in keys:
        if piece not in seen:
            name = making.names[piece]
            counts[name.zh] = counts.get(name.zh, 0) + 1
            again = counts[name.zh]
            seen[piece] = name if again == 1 else Said(f"{name.zh}（{again}）", f"{name.en} ({again})")
        names.append(seen[piece])
    codes = tuple(f"{1001 + at}" for at in range(len(keys)))
    pairs = np.array(keys)
    return Stops(tuple(names), codes, np.array(making.places), pairs[:, 0], pairs[:, 1])
