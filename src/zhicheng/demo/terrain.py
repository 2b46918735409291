"""The lie of the land: a river that winds, its tributaries, lakes, hills, and how far the city reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.demo import chance
from zhicheng.demo.plan import RIVER, Plan, Said
from zhicheng.demo.words import Names, joined
from zhicheng.kernel.columns import F8


@dataclass(frozen=True, slots=True)
class Named:
    """A shape in metres with its name."""

    name: Said
    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class Terrain:
    """river: its middle, from west to east; hills: x, y, radius, height; all in metres."""

    boundary: BaseGeometry
    river: F8
    main: BaseGeometry
    streams: tuple[Named, ...]
    lakes: tuple[Named, ...]
    hills: F8
    parks: tuple[Named, ...]

    @property
    def water(self) -> BaseGeometry:
        """Everything wet."""
        return shapely.union_all([self.main, *(one.shape for one in (*self.streams, *self.lakes))])

    def height(self, places: F8) -> F8:
        """Metres above the sea: rising from the river, with the hills on it."""
        x, y = places[:, 0], places[:, 1]
        away = shapely.distance(shapely.points(places), shapely.linestrings(self.river))
        found = 66 + 14 * np.tanh(away / 5000) + 2 * np.sin(x / 1700) * np.cos(y / 1300)
        for east, north, radius, height in self.hills.tolist():
            found = found + height * np.exp(-((x - east) ** 2 + (y - north) ** 2) / (radius * radius))
        return cast(F8, found)


def terrain(plan: Plan, names: Names) -> Terrain:
    """From the plan's seed."""
    boundary = _blob(chance.generator(plan.seed, "boundary"), 0, 0, 14_800, 0.05, flat=0.77)
    river = _river(plan)
    main = _ribbon(river, 185 + 35 * np.sin(np.arange(len(river)) / 9.0))
    hills = _hills(plan, main)
    parks = [
        Named(
            joined(names.next(), "山公园", " Hill Park"),
            _blob(chance.generator(plan.seed, f"hill{row}"), x, y, size, 0.2),
        )
        for row, (x, y, size, _) in enumerate(hills.tolist())
    ]
    lakes = _lakes(plan, main, names)
    streams = _streams(plan, river, names)
    wet = shapely.union_all([main, *(one.shape for one in (*lakes, *streams))])
    shores = [Named(joined(one.name, "公园", " Park"), one.shape.buffer(120).difference(wet)) for one in lakes]
    banks = main.buffer(75).difference(main).intersection(boundary.buffer(-3500))
    green = [Named(one.name, one.shape.difference(wet)) for one in (*parks, *shores)]
    green.append(Named(Said("滨江绿带", "Riverside Green"), banks))
    return Terrain(boundary, river, main, streams, lakes, hills, tuple(green))


def _blob(
    dice: np.random.Generator, x: float, y: float, radius: float, rough: float = 0.14, flat: float = 1.0
) -> BaseGeometry:
    """A round shape that no one drew with a compass."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    size = np.ones(72)
    for wave in range(2, 7):
        size += rough / wave**1.1 * dice.normal() * np.cos(wave * angle + dice.random() * 7)
    size = np.clip(size, 0.6, 1.5) * radius
    return shapely.Polygon(np.column_stack([x + size * np.cos(angle), y + flat * size * np.sin(angle)]))


def _river(plan: Plan) -> F8:
    """Its middle; it passes south of the middle of the city, where the first settlers found the ground dry."""
    dice = chance.generator(plan.seed, "river")
    along = np.arange(-plan.half[0] - 5000, plan.half[0] + 5000, 120.0)
    east = along + 1350 * np.sin(along / 1750 + 1.1) * np.exp(-(((along + 3000) / 9000) ** 2))
    north = 1500 * np.sin(along / 2300 + dice.uniform(0.2, 0.8)) + 620 * np.sin(along / 1050 + dice.random() * 6)
    north += 700 * np.sin(along / 6100 + dice.random() * 6)
    middle = np.abs(along) < 1500
    return cast(F8, np.column_stack([east, north - north[middle].mean() - 1750]))


def _ribbon(line: F8, half: F8 | float) -> BaseGeometry:
    """A line with a width that may change."""
    pieces = shapely.linestrings(np.stack([line[:-1], line[1:]], axis=1))
    widths = np.broadcast_to(np.asarray(half), len(line))[:-1]
    return shapely.simplify(shapely.union_all(shapely.buffer(pieces, widths, quad_segs=4)), 4)


def _hills(plan: Plan, main: BaseGeometry) -> F8:
    """Big ones around the city and a few within it, none in the river."""
    dice = chance.generator(plan.seed, "hills")
    found: list[tuple[float, float, float, float]] = []
    near, far = 0, 0
    while near < 4 or far < 8:
        inner = near < 4
        angle, away = dice.uniform(0, 2 * np.pi), dice.uniform(2600, 5600) if inner else dice.uniform(8000, 12_500)
        size = dice.uniform(420, 700) if inner else dice.uniform(850, 1750)
        x, y = away * np.cos(angle), 0.8 * away * np.sin(angle)
        clear = all(np.hypot(x - other[0], y - other[1]) > 1.5 * (size + other[2]) for other in found)
        if clear and main.distance(shapely.Point(x, y)) > size * 1.25:
            found.append((x, y, size, size / (5.5 if inner else 7)))
            near, far = near + inner, far + (not inner)
    return np.array(found)


def _lakes(plan: Plan, main: BaseGeometry, names: Names) -> tuple[Named, ...]:
    dice = chance.generator(plan.seed, "lakes")
    found: list[Named] = []
    wanted = [(1500.0, 900.0, 330), (2600, -4300, 430), (-4200, 2600, 260), (6800, 2300, 300), (-7200, -3900, 280)]
    for x, y, size in wanted:
        x, y = x + dice.uniform(-500, 500), y + dice.uniform(-400, 400)
        shape = _blob(dice, x, y, size, 0.2, dice.uniform(0.55, 0.9)).difference(main.buffer(260))
        if shape.geom_type == "Polygon" and shape.area > 60_000:
            found.append(Named(joined(names.next(), "湖", " Lake"), shape))
    return tuple(found)


def _streams(plan: Plan, river: F8, names: Names) -> tuple[Named, ...]:
    """Tributaries: from the river out into the hills, winding more and growing narrower."""
    dice = chance.generator(plan.seed, "streams")
    found = []
    for number, part in enumerate((0.27, 0.44, 0.56, 0.7, 0.82)):
        at = river[int(part * len(river))]
        north = 1 if number % 2 == 0 else -1
        heading = north * np.pi / 2 + dice.uniform(-0.5, 0.5)
        steps = 110
        turn = 0.35 * np.sin(np.arange(steps) / 5 + dice.random() * 6) + 0.3 * np.sin(
            np.arange(steps) / 17 + dice.random() * 6
        )
        course = heading + 1.3 * turn
        line = at + np.cumsum(150 * np.column_stack([np.cos(course), np.sin(course)]), axis=0)
        width = np.linspace(34, 12, steps)
        found.append(Named(joined(names.next(), "河", " Creek"), _ribbon(np.vstack([at, line[:-1]]), width)))
    return tuple(found)


MAIN = RIVER
"""What the river is called."""
