"""Areas of administration: districts (城区) of streets (街道) of communities (社区) of grid cells (网格)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.demo import chance
from zhicheng.demo.plan import Plan, Said
from zhicheng.demo.terrain import Terrain
from zhicheng.demo.words import Names, joined
from zhicheng.kernel.columns import F8, I8


@dataclass(frozen=True, slots=True)
class Areas:
    """One level: names, codes, shapes in metres, the row of the area above, people who live there."""

    level: str
    names: tuple[Said, ...]
    codes: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]
    parent: I8
    people: I8


LEVELS = ("district", "street", "community", "cell")


def areas(plan: Plan, land: Terrain, names: Names) -> tuple[Areas, ...]:
    """The four levels, from districts down. Cells lie on one bank of the river, and so does what is made of them."""
    seats, shapes = _cells(plan, land)
    bank = _bank(land, seats)
    dice = chance.generator(plan.seed, "areas")
    community = _grouped(seats, bank, plan.communities, dice)
    middles = _means(seats, community)
    street = _grouped(middles, _bank(land, middles), plan.streets, dice)
    centres = _means(middles, street)
    district = _grouped(centres, _bank(land, centres), plan.districts, dice)
    people = np.round(3400 * np.exp(-((np.hypot(*seats.T) / 7500) ** 2)) * (0.5 + dice.random(len(seats))) + 120)
    return _levels(shapes, (district, street, community), people.astype(np.int64), names)


def _bank(land: Terrain, places: F8) -> I8:
    """1 north of the river, 0 south of it."""
    order = np.argsort(land.river[:, 0])
    middle = np.interp(places[:, 0], land.river[order, 0], land.river[order, 1])
    return np.asarray(places[:, 1] > middle, np.int64)


def _cells(plan: Plan, land: Terrain) -> tuple[F8, list[BaseGeometry]]:
    """Places of the cells and their shapes: dense in the middle, cut at the river."""
    dice = chance.generator(plan.seed, "cells")
    tries = dice.uniform(-1, 1, (40 * plan.cells, 2)) * plan.half
    wanted = dice.random(len(tries)) < np.exp(-((np.hypot(*tries.T) / 6000) ** 2)) + 0.06
    inside = shapely.contains_xy(land.boundary.buffer(-200), tries[:, 0], tries[:, 1])
    dry = ~shapely.contains_xy(land.main.buffer(150), tries[:, 0], tries[:, 1])
    tries = tries[wanted & inside & dry]
    chosen = [0]
    nearest = np.hypot(*(tries - tries[0]).T)
    room = 1 + np.hypot(*tries.T) / 3500
    while len(chosen) < plan.cells:
        chosen.append(int(np.argmax(nearest / room)))
        nearest = np.minimum(nearest, np.hypot(*(tries - tries[chosen[-1]]).T))
    seats = tries[chosen]
    return seats, _tiles(land, seats)


def _tiles(land: Terrain, seats: F8) -> list[BaseGeometry]:
    """What is nearest to each place of its own bank."""
    found: list[BaseGeometry] = [shapely.Point()] * len(seats)
    side = _bank(land, seats)
    halves = _halves(land)
    for bank in (0, 1):
        rows = np.flatnonzero(side == bank)
        tiles = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seats[rows]), extend_to=land.boundary))
        places = shapely.STRtree(tiles).query(shapely.points(seats[rows]), "intersects")
        cut = shapely.intersection(tiles, halves[bank])
        for point, tile in places.T.tolist():
            found[int(rows[point])] = cut[tile]
    return found


def _halves(land: Terrain) -> tuple[BaseGeometry, BaseGeometry]:
    """The city south and north of the middle of the river."""
    west, _, east, north = land.boundary.buffer(9000).bounds
    river = land.river
    above = shapely.Polygon([*river.tolist(), (east, north), (west, north)]).buffer(0)
    return land.boundary.difference(above), land.boundary.intersection(above)


def _grouped(places: F8, bank: I8, count: int, dice: np.random.Generator) -> I8:
    """Groups of neighbours of about one size, none of both banks (Lloyd's algorithm, on each bank by itself)."""
    label = np.zeros(len(places), np.int64)
    share = max(1, min(count - 1, round(count * float((bank == 0).mean()))))
    for side, many, first in ((0, share, 0), (1, count - share, share)):
        rows = np.flatnonzero(bank == side)
        many = min(many, len(rows))
        centres = places[rows[dice.permutation(len(rows))[:many]]]
        for _ in range(12):
            near = np.argmin(((places[rows, None] - centres[None]) ** 2).sum(axis=2), axis=1)
            centres = np.array(
                [places[rows[near == one]].mean(axis=0) if (near == one).any() else centres[one] for one in range(many)]
            )
        label[rows] = first + near
    _, dense = np.unique(label, return_inverse=True)
    return dense


def _means(places: F8, label: I8) -> F8:
    counts = np.bincount(label)
    return np.column_stack([np.bincount(label, places[:, axis]) / counts for axis in (0, 1)])


def _levels(cells: list[BaseGeometry], above: tuple[I8, I8, I8], people: I8, names: Names) -> tuple[Areas, ...]:
    district, street, community = above
    communities = _joined("community", cells, community, street, people, names)
    streets = _joined("street", list(communities.shapes), street, district, communities.people, names)
    none = np.full(int(district.max()) + 1, -1)
    districts = _joined("district", list(streets.shapes), district, none, streets.people, names)
    codes = _codes(districts, streets, communities, community)
    made = [
        Areas(one.level, one.names, code, one.shapes, one.parent, one.people)
        for one, code in zip((districts, streets, communities), codes, strict=False)
    ]
    numbers = [
        Said(f"{communities.names[at].zh}{code[-2:]}网格", f"{communities.names[at].en} Cell {code[-2:]}")
        for at, code in zip(community.tolist(), codes[3], strict=True)
    ]
    return (*made, Areas("cell", tuple(numbers), codes[3], tuple(cells), community, people))


_ENDS = {"district": ("区", " District"), "street": ("街道", " Subdistrict"), "community": ("社区", " Community")}


def _joined(level: str, parts: list[BaseGeometry], label: I8, parent: I8, people: I8, names: Names) -> Areas:
    """An area of each group of smaller ones."""
    shapes = np.array(parts, object)
    count = int(label.max()) + 1
    whole = [shapely.union_all(shapes[label == one]) for one in range(count)]
    said = tuple(joined(names.next(), *_ENDS[level]) for _ in range(count))
    return Areas(level, said, (), tuple(whole), parent[:count], np.bincount(label, people, count).astype(np.int64))


def _codes(districts: Areas, streets: Areas, communities: Areas, cells: I8) -> list[tuple[str, ...]]:
    """Codes with the one of the area above in front. 99 is no province's number."""
    found = [tuple(f"9901{row + 2:02d}" for row in range(len(districts.names)))]
    for parent, digits in ((streets.parent, 3), (communities.parent, 3), (cells, 2)):
        counts: dict[int, int] = {}
        codes = []
        for one in parent.tolist():
            counts[one] = counts.get(one, 0) + 1
            codes.append(f"{found[-1][one]}{counts[one]:0{digits}d}")
        found.append(tuple(codes))
    return found
