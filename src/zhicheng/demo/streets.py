"""The streets: a grid that bends with the land, ring roads, ways out of the city, roads along the river, bridges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.demo import chance
from zhicheng.demo.plan import Plan, Said
from zhicheng.demo.terrain import Terrain
from zhicheng.demo.words import Names, joined
from zhicheng.kernel.columns import F8, I8, Mask

CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary", "residential")
MOTORWAY, TRUNK, PRIMARY, SECONDARY, TERTIARY, RESIDENTIAL = range(6)
WIDTH = np.array([36.0, 34.0, 28.0, 20.0, 13.0, 8.0])
"""Of the carriageway, in metres, by class."""
SPEED_KMH = np.array([80.0, 60.0, 50.0, 40.0, 35.0, 25.0])
REACH = np.array([99.0, 99.0, 13_500, 11_000, 8_600, 5_900])
"""How far from the middle streets of a class are found."""


@dataclass(frozen=True, slots=True)
class Road:
    """A road as it is drawn, before it is cut at crossings."""

    name: Said
    kind: int
    line: F8


@dataclass(frozen=True, slots=True)
class Streets:
    """Pieces from crossing to crossing: each with its road, its ends (rows of `nodes`) and its line in metres."""

    roads: tuple[Road, ...]
    nodes: F8
    start: I8
    end: I8
    road: I8
    lines: tuple[F8, ...]
    bridge: Mask

    @property
    def kind(self) -> I8:
        """Class of each piece."""
        return np.array([one.kind for one in self.roads])[self.road]

    @property
    def length(self) -> F8:
        """Metres of each piece."""
        return np.array([float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in self.lines])


def streets(plan: Plan, land: Terrain, names: Names) -> Streets:
    """From the plan's seed."""
    roads = [*_grid(plan, land, names), *_rings(plan, names), *_riverside(land), *_ways_out(plan, land, names)]
    closed = _closed(land)
    roads = [part for road in roads for part in _kept(road, land, closed)]
    return _cut(roads, land)


def _bent(plan: Plan, places: F8) -> F8:
    """The grid's places on the ground: turned a little, more so in the south, and pushed by waves of kilometres."""
    x, y = places[:, 0], places[:, 1]
    dice = chance.generator(plan.seed, "bend")
    angle = np.radians(9 + 13 * np.tanh((y + 2200) / 2600) - 6)
    phase = dice.random(4) * 6
    u = x * np.cos(angle) - y * np.sin(angle) + 260 * np.sin(y / 2300 + phase[0]) + 120 * np.sin(x / 1500 + phase[1])
    v = x * np.sin(angle) * 0.75 + y + 280 * np.sin(x / 2700 + phase[2]) + 110 * np.sin(y / 1300 + phase[3])
    return cast(F8, np.column_stack([u, v]))


def _rank(number: int) -> int:
    """Class of a line of the grid by its number: every twelfth is large, every fourth is of the middle."""
    if number % 12 == 0:
        return PRIMARY
    if number % 4 == 0:
        return SECONDARY
    return TERTIARY if number % 2 == 0 else RESIDENTIAL


def _grid(plan: Plan, land: Terrain, names: Names) -> Iterator[Road]:
    """Lines of the grid, cut where their class does not reach or there is water or a hill."""
    dice = chance.generator(plan.seed, "grid")
    columns, rows = (int(side // plan.block) + 8 for side in plan.half)
    for across, (count, length) in enumerate(((rows, columns), (columns, rows))):
        for number in range(-count, count + 1):
            kind = _rank(number)
            shift = 0 if kind <= SECONDARY else dice.uniform(-30, 30)
            along = np.arange(-length, length + 1) * plan.block
            fixed = np.full(len(along), number * plan.block + shift)
            places = np.column_stack([fixed, along] if across else [along, fixed])
            line = _bent(plan, places)
            name = names.next() if kind <= TERTIARY else None
            yield from _stretches(line, kind, bool(across), name, names, dice)


def _stretches(
    line: F8, kind: int, north: bool, name: Said | None, names: Names, dice: np.random.Generator
) -> Iterator[Road]:
    """The parts of a line that were built: small streets leave gaps, all end at the reach of their class."""
    middle = (line[:-1] + line[1:]) / 2
    away = np.hypot(middle[:, 0], middle[:, 1] / 0.8)
    built = away < REACH[kind] * (1 + 0.06 * np.sin(np.arange(len(middle))))
    if kind >= TERTIARY:
        worn = 0.04 if kind == TERTIARY else 0.16
        built &= dice.random(len(built)) > worn + 0.25 * (away / REACH[kind]) ** 3
    edges = np.flatnonzero(np.diff(np.concatenate([[0], built.astype(int), [0]])))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start < (2 if kind == RESIDENTIAL else 3):
            continue
        part = line[start : end + 1]
        if name is None:
            ending = (("街", " Street"), ("巷", " Lane"), ("里", " Alley"))[int(dice.integers(3))]
            yield Road(joined(names.next(), *ending) if dice.random() < 0.12 else Said("", ""), kind, part)
        else:
            yield from _sides(name, kind, north, part)


_SIDES = {True: (("北", " North"), ("南", " South")), False: (("东", " East"), ("西", " West"))}


def _sides(name: Said, kind: int, north: bool, part: F8) -> Iterator[Road]:
    """A road has two names, one on each side of the middle; the smallest has one."""
    if kind == TERTIARY:
        yield Road(joined(name, "路", " Road"), kind, part)
        return
    zero = part[:, 1] + 300 if north else part[:, 0]
    suffix = ("大道", " Avenue") if kind == PRIMARY else ("路", " Road")
    for (zh, en), of in zip(_SIDES[north], (zero >= 0, zero <= 0), strict=True):
        rows = np.flatnonzero(of)
        if len(rows):
            rows = np.arange(max(rows[0] - 1, 0), min(rows[-1] + 2, len(part)))
        if len(rows) > 1:
            text = joined(name, zh + suffix[0], en + suffix[1]) if kind == SECONDARY else joined(name, *suffix)
            yield Road(text, kind, part[rows])


def _rings(plan: Plan, names: Names) -> Iterator[Road]:
    dice = chance.generator(plan.seed, "rings")
    rings = (
        (Said("内环快速路", "Inner Ring Expressway"), TRUNK, 4700, 3900, -350),
        (Said("绕城高速公路", "City Ring Motorway"), MOTORWAY, 11_300, 8900, -300),
    )
    angle = np.linspace(0, 2 * np.pi, 181)
    for name, kind, wide, high, south in rings:
        wave = 1 + 0.035 * np.sin(2 * angle + dice.random() * 6) + 0.025 * np.sin(3 * angle + dice.random() * 6)
        round_ = 0.78
        x = wide * wave * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** round_
        y = high * wave * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** round_ + south
        yield Road(name, kind, np.column_stack([x, y]))


def _riverside(land: Terrain) -> Iterator[Road]:
    """A road along each bank, in front of the green."""
    middle = shapely.LineString(land.river)
    near = land.boundary.buffer(-3200)
    for side, (zh, en) in ((1, ("滨江北路", "Riverside Road North")), (-1, ("滨江南路", "Riverside Road South"))):
        edge = shapely.simplify(middle.offset_curve(side * 300.0), 20)
        for part in shapely.get_parts(edge.intersection(near)):
            if part.geom_type == "LineString" and part.length > 900:
                yield Road(Said(zh, en), SECONDARY, shapely.get_coordinates(part))


def _ways_out(plan: Plan, land: Terrain, names: Names) -> Iterator[Road]:
    """From the inner ring into the country."""
    dice = chance.generator(plan.seed, "ways out")
    for number in range(7):
        angle = 2 * np.pi * (number + 0.35) / 7 + dice.uniform(-0.15, 0.15)
        away = np.arange(4300, 24_000, 300.0)
        course = angle + 0.10 * np.sin(away / 2600 + dice.random() * 6) * np.clip((away - 4300) / 4000, 0, 1)
        line = np.column_stack([away * np.cos(course), 0.86 * away * np.sin(course) - 300])
        yield Road(joined(names.next(), "公路", " Highway"), TRUNK, line)


def _closed(land: Terrain) -> list[BaseGeometry]:
    """Where no road of a class goes: hills, lakes and, if it has no bridge, the river."""
    lakes: list[BaseGeometry] = [one.shape for one in land.lakes]
    hills = [one.shape.buffer(-80) for one in land.parks if "Hill" in one.name.en]
    river = [land.main.buffer(60)]
    streams = [one.shape for one in land.streams]
    above = (lakes, lakes, lakes + hills, lakes + hills + river, lakes + hills + river, lakes + hills + river + streams)
    return [shapely.union_all(shapes) for shapes in above]


def _kept(road: Road, land: Terrain, closed: list[BaseGeometry]) -> Iterator[Road]:
    """The parts of a road outside what is closed to its class; roads of the middle of the city may have a bridge."""
    central = road.kind == SECONDARY and float(np.hypot(*road.line[len(road.line) // 2])) < 2600
    rest = shapely.LineString(road.line).difference(closed[PRIMARY if central else road.kind])
    for part in shapely.get_parts(rest):
        if part.geom_type == "LineString" and part.length > 160:
            yield Road(road.name, road.kind, shapely.get_coordinates(part))


def _cut(roads: list[Road], land: Terrain) -> Streets:
    """Pieces between crossings, without loose ends that are too short and without what hangs together with nothing."""
    lines = np.array([shapely.LineString(road.line) for road in roads], object)
    pieces = shapely.get_parts(shapely.node(shapely.multilinestrings(lines)))
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    road = shapely.STRtree(lines).nearest(middles)
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(pieces, at)) for at in (0, -1)])
    nodes, place = np.unique(ends.round(1), axis=0, return_inverse=True)
    place = place.reshape(2, -1)
    keep = _pruned(place, shapely.length(pieces), len(nodes))
    nodes, start, end = _used(nodes, place[:, keep])
    bridge = shapely.intersects(pieces[keep], land.main)
    coordinates = tuple(shapely.get_coordinates(piece) for piece in pieces[keep])
    return Streets(tuple(roads), nodes, start, end, road[keep].astype(np.int64), coordinates, bridge)


def _pruned(place: I8, length: F8, count: int) -> I8:
    """Rows of the pieces that stay."""
    keep = place[0] != place[1]
    for _ in range(3):
        degree = np.bincount(place[:, keep].ravel(), minlength=count)
        loose = (degree[place] == 1).any(axis=0) & (length < 130)
        keep &= ~loose
    label = components(place[:, keep], count)
    biggest = np.bincount(label[place[0, keep]]).argmax()
    rows = np.flatnonzero(keep)
    return cast(I8, rows[label[place[0, rows]] == biggest])


def components(pairs: I8, count: int) -> I8:
    """Which nodes hang together: the smallest node of each group.

    >>> components(np.array([[0, 3], [1, 4]]), 5).tolist()
    [0, 0, 2, 3, 3]
    """
    label = np.arange(count)
    while True:
        before = label.copy()
        low = np.minimum(label[pairs[0]], label[pairs[1]])
        np.minimum.at(label, pairs[0], low)
        np.minimum.at(label, pairs[1], low)
        label = label[label]
        if (label == before).all():
            return cast(I8, label)


def _used(nodes: F8, place: I8) -> tuple[F8, I8, I8]:
    used, again = np.unique(place, return_inverse=True)
    again = again.reshape(place.shape)
    return nodes[used], again[0], again[1]
