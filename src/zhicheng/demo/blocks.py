"""Buildings along the streets, and the places in the city that have names: hospitals, schools, markets, offices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.demo import chance
from zhicheng.demo.plan import Plan, Said
from zhicheng.demo.streets import PRIMARY, WIDTH, Streets
from zhicheng.demo.terrain import Terrain
from zhicheng.demo.words import Names, joined
from zhicheng.kernel.columns import F8, I8, Index

KINDS = ("housing", "office", "mall", "hospital", "school", "hotel", "market", "station", "government", "industry")
HOUSING, OFFICE, MALL, HOSPITAL, SCHOOL, HOTEL, MARKET, STATION, GOVERNMENT, INDUSTRY = range(len(KINDS))
KIND_NAMES = (
    Said("住宅", "housing"), Said("办公", "offices"), Said("商场", "shopping"), Said("医院", "hospital"),
    Said("学校", "school"), Said("酒店", "hotel"), Said("市场", "market"), Said("车站", "station"),
    Said("政府机关", "government"), Said("工业", "industry"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blocks:
    """Buildings: outline, middle, floors above ground, year built, the piece of street that they stand at."""

    shapes: tuple[BaseGeometry, ...]
    middle: F8
    floors: I8
    year: I8
    piece: I8


@dataclass(frozen=True, slots=True)
class Places:
    """Places with names: kind, building, weight in what people want there."""

    names: tuple[Said, ...]
    kind: I8
    building: I8
    middle: F8


def blocks(plan: Plan, land: Terrain, net: Streets) -> Blocks:
    """Houses on both sides of every small and middle street, denser and higher towards the middle."""
    dice = chance.generator(plan.seed, "blocks")
    rows = np.flatnonzero((net.kind > PRIMARY) & ~net.bridge)
    lines = np.array([shapely.LineString(net.lines[row]) for row in rows], object)
    length = shapely.length(lines)
    away = np.hypot(*shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True)).T)
    density = np.exp(-((away / 6500) ** 2)) + 0.05
    wish = length * density
    counts = np.floor(2.5 * plan.buildings * wish / wish.sum() + dice.random(len(rows))).astype(np.int64)
    piece = np.repeat(np.arange(len(rows)), np.minimum(counts, (length / 22).astype(np.int64) * 2))
    spot = dice.random(len(piece)) * length[piece]
    here, ahead = (
        shapely.get_coordinates(
            shapely.line_interpolate_point(lines[piece], np.minimum(spot + more, length[piece] - 2 + more / 2))
        )
        for more in (0, 4)
    )
    course = (ahead - here) / np.maximum(np.hypot(*(ahead - here).T), 0.1)[:, None]
    side = np.where(dice.random(len(piece)) < 0.5, -1.0, 1.0)[:, None]
    wide, deep = dice.uniform(18, 46, len(piece)), dice.uniform(12, 24, len(piece))
    row = np.where(dice.random(len(piece)) < 0.45, deep + 22, 0)
    back = WIDTH[net.kind[rows][piece]] / 2 + 7 + deep / 2 + row
    across = np.column_stack([-course[:, 1], course[:, 0]]) * side
    middle = here + across * back[:, None]
    shapes = _boxes(middle, course, across, wide / 2, deep / 2)
    keep = _free(shapes, land, net)
    keep = keep[: plan.buildings]
    near = np.exp(-((np.hypot(*middle[keep].T) / 3800) ** 2))
    floors = np.maximum(1, np.round(dice.gamma(2.2, 2.2, len(keep)) * (0.7 + 3.2 * near))).astype(np.int64)
    year = np.clip(2022 - dice.gamma(2, 8, len(keep)) - 6 * near, 1952, 2024).astype(np.int64)
    return Blocks(tuple(shapes[keep]), middle[keep], np.minimum(floors, 52), year, rows[piece[keep]])


def _boxes(middle: F8, course: F8, across: F8, wide: F8, deep: F8) -> Index:
    corners = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    ring = [middle + course * (a * wide)[:, None] + across * (b * deep)[:, None] for a, b in corners]
    return cast(Index, shapely.polygons(np.stack(ring, axis=1).round(1)))


def _free(shapes: Index, land: Terrain, net: Streets) -> I8:
    """Rows of the boxes that stand in no one's way, in a random but fixed order."""
    ways = np.array([shapely.LineString(line) for line in net.lines], object)
    tree = shapely.STRtree(shapes)
    bad = np.zeros(len(shapes), bool)
    roads = shapely.buffer(ways, WIDTH[net.kind] / 2 + 2, cap_style="flat", quad_segs=2)
    bad[tree.query(roads, "intersects")[1]] = True
    for one in (land.main, *(park.shape for park in (*land.parks, *land.lakes, *land.streams))):
        bad[tree.query(one, "intersects")] = True
    first, second = tree.query(shapes, "intersects")
    pairs = np.flatnonzero(first < second)
    for a, b in zip(first[pairs].tolist(), second[pairs].tolist(), strict=True):
        if not bad[a]:
            bad[b] = True
    return cast(I8, np.flatnonzero(~bad))


_COUNTS = {
    HOSPITAL: 18,
    SCHOOL: 46,
    MALL: 26,
    OFFICE: 44,
    HOTEL: 22,
    MARKET: 24,
    STATION: 6,
    GOVERNMENT: 18,
    INDUSTRY: 16,
}
_ENDS: dict[int, tuple[tuple[str, str], ...]] = {
    HOUSING: (("小区", " Residences"), ("花园", " Gardens"), ("苑", " Court"), ("新村", " New Village")),
    OFFICE: (("大厦", " Tower"), ("国际中心", " International Centre"), ("商务广场", " Business Plaza")),
    MALL: (("购物广场", " Mall"), ("百货", " Department Store"), ("天地", " Galleria")),
    HOSPITAL: (
        ("医院", " Hospital"),
        ("中医院", " Hospital of Chinese Medicine"),
        ("妇幼保健院", " Maternity Hospital"),
    ),
    SCHOOL: (("小学", " Primary School"), ("中学", " Middle School"), ("学院", " College")),
    HOTEL: (("酒店", " Hotel"), ("宾馆", " Inn")),
    MARKET: (("农贸市场", " Market"), ("批发市场", " Wholesale Market")),
    STATION: (("客运站", " Coach Station"), ("火车站", " Railway Station")),
    GOVERNMENT: (
        ("政务服务中心", " Public Service Centre"),
        ("会展中心", " Exhibition Centre"),
        ("图书馆", " Library"),
    ),
    INDUSTRY: (("工业园", " Industrial Park"), ("物流园", " Logistics Park")),
}


def places(plan: Plan, houses: Blocks, names: Names) -> Places:
    """Of each kind so many, each in a building of its own; the other registered buildings are homes."""
    dice = chance.generator(plan.seed, "places")
    away = np.hypot(*houses.middle.T)
    order = dice.permutation(len(houses.middle))
    kinds = np.concatenate([np.full(count, kind) for kind, count in _COUNTS.items()])
    kinds = np.concatenate([kinds, np.full(max(plan.registered - len(kinds), 0), HOUSING)])[: plan.registered]
    reach = {MALL: 4500, OFFICE: 3500, HOTEL: 4500, GOVERNMENT: 4000, INDUSTRY: 14_000}
    chosen: list[int] = []
    taken = np.zeros(len(order), bool)
    said: list[Said] = []
    for kind in kinds.tolist():
        fits = (away[order] < reach.get(kind, 8000)) & ~taken
        fits &= (away[order] > 4500) if kind == INDUSTRY else True
        at = int(np.argmax(fits))
        taken[at] = True
        chosen.append(int(order[at]))
        ends = _ENDS[kind]
        said.append(joined(names.next(), *ends[int(dice.integers(len(ends)))]))
    rows = np.array(chosen)
    return Places(tuple(said), kinds, rows, houses.middle[rows])
