"""The made-up city: everything that is made from a seed, and the part of it that goes on living."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from zhicheng.demo import blocks as sites
from zhicheng.demo import chance, parks
from zhicheng.demo.areas import Areas, areas
from zhicheng.demo.blocks import Blocks, Places
from zhicheng.demo.fleet import Tracks, tracks
from zhicheng.demo.lines import Buses, buses
from zhicheng.demo.parks import Parks
from zhicheng.demo.plan import Plan
from zhicheng.demo.projection import Projection
from zhicheng.demo.sensors import Things
from zhicheng.demo.streets import PRIMARY, RESIDENTIAL, SECONDARY, TERTIARY, TRUNK, Streets, streets
from zhicheng.demo.terrain import Terrain, terrain
from zhicheng.demo.timetable import SERVICES, Timetable, fleet_sizes, timetable
from zhicheng.demo.words import Names
from zhicheng.kernel.columns import F8, I8


@dataclass(frozen=True, slots=True)
class Living:
    """What moves and measures; small, and enough to go on with."""

    plan: Plan
    ground: Projection
    buses: Buses
    tables: dict[str, Timetable]
    tracks: Tracks
    things: dict[str, Things]
    parks: Parks


@dataclass(frozen=True, slots=True)
class City:
    """All of it."""

    plan: Plan
    ground: Projection
    land: Terrain
    net: Streets
    areas: tuple[Areas, ...]
    houses: Blocks
    sites: Places
    living: Living


def make(plan: Plan) -> City:
    """The city of a plan; the same plan gives the same city."""
    names = Names(chance.generator(plan.seed, "names"))
    land = terrain(plan, names)
    net = streets(plan, land, names)
    levels = areas(plan, land, names)
    houses = sites.blocks(plan, land, net)
    named = sites.places(plan, houses, names)
    lines = buses(plan, net, named)
    tables = {service: timetable(plan, lines, service) for service in SERVICES}
    ground = Projection(plan.centre)
    living = Living(
        plan, ground, lines, tables, tracks(lines, fleet_sizes(plan, lines)), things(plan, land, net),
        car_parks(plan, named, land),
    )  # fmt: skip
    return City(plan, ground, land, net, levels, houses, named, living)


def things(plan: Plan, land: Terrain, net: Streets) -> dict[str, Things]:
    """Everything that measures, by stream. Microphones and air sensors hang on lamp posts."""
    kinds = (TRUNK, PRIMARY, SECONDARY, TERTIARY, RESIDENTIAL)
    lamps = _along(plan, net, "lamp", plan.lamps, kinds, "RL{:05d}")
    posts = chance.generator(plan.seed, "posts").permutation(plan.lamps)
    return {
        "lamps": lamps,
        "noise": _some(lamps, posts[: plan.noise], "N{:04d}"),
        "air": _some(lamps, posts[-plan.air :], "A{:04d}"),
        "weather": _stations(plan, land),
        "river": _gauges(plan, land),
        "flow": _along(plan, net, "flow", 120, (TRUNK, PRIMARY, SECONDARY), "F{:04d}"),
    }


def _central(places: F8) -> F8:
    return np.asarray(np.exp(-((np.hypot(*places.T) / 5200) ** 2)))


def _along(plan: Plan, net: Streets, name: str, count: int, kinds: tuple[int, ...], number: str) -> Things:
    """At the kerb of streets of some classes, more of them in the middle."""
    dice = chance.generator(plan.seed, name)
    rows = np.flatnonzero(np.isin(net.kind, kinds) & ~net.bridge)
    middle = np.array([net.lines[row].mean(axis=0) for row in rows])
    weight = net.length[rows] * (_central(middle) + 0.04)
    chosen = rows[np.sort(dice.choice(len(rows), count, p=weight / weight.sum()))]
    lines = np.array([shapely.LineString(net.lines[row]) for row in chosen], object)
    part = dice.uniform(0.05, 0.9, count)
    here, ahead = (
        shapely.get_coordinates(shapely.line_interpolate_point(lines, part + more, normalized=True))
        for more in (0, 0.05)
    )
    side = (ahead - here) / np.maximum(np.hypot(*(ahead - here).T), 0.1)[:, None]
    places = here + np.column_stack([side[:, 1], -side[:, 0]]) * (6 + 9 * (net.kind[chosen] <= SECONDARY))[:, None]
    ids = tuple(number.format(row + 1) for row in range(count))
    return Things(ids, places, net.kind[chosen], _central(places), chosen)


def _some(posts: Things, rows: I8, number: str) -> Things:
    """On some of the posts."""
    ids = tuple(number.format(row + 1) for row in range(len(rows)))
    return Things(ids, posts.places[rows], posts.street[rows], posts.central[rows], rows)


def _stations(plan: Plan, land: Terrain) -> Things:
    """Weather stations, spread over the city like seeds of a sunflower."""
    turn = np.arange(plan.weather)
    away = 9800 * np.sqrt((turn + 0.3) / plan.weather)
    places = np.column_stack([away * np.cos(2.4 * turn), 0.8 * away * np.sin(2.4 * turn)])
    return Things(tuple(f"W{row + 1:02d}" for row in turn), places, np.full(len(turn), RESIDENTIAL), _central(places))


def _gauges(plan: Plan, land: Terrain) -> Things:
    """Gauges along the river, from where it comes into the city to where it leaves."""
    inside = land.river[np.abs(land.river[:, 0]) < 11_500]
    places = inside[np.linspace(0, len(inside) - 1, plan.gauges).astype(int)]
    ids = tuple(f"G{row + 1:02d}" for row in range(plan.gauges))
    return Things(ids, places, np.full(plan.gauges, RESIDENTIAL), _central(places))


_AT = {
    sites.OFFICE: parks.OFFICE, sites.HOSPITAL: parks.HOSPITAL, sites.MALL: parks.MALL, sites.HOTEL: parks.OFFICE,
    sites.STATION: parks.STATION, sites.GOVERNMENT: parks.OFFICE, sites.MARKET: parks.MALL,
    sites.HOUSING: parks.HOUSING,
}  # fmt: skip
_ROOM = np.array([(120, 620), (250, 900), (380, 1800), (60, 420), (300, 1200), (80, 400)])
"""Places of a car park by kind: from, to."""


def car_parks(plan: Plan, named: Places, land: Terrain) -> Parks:
    """One at each public place and office, the rest at homes."""
    wanted = [row for row, kind in enumerate(named.kind.tolist()) if kind in _AT][: plan.parks]
    rows = np.array(wanted)
    dice = chance.generator(plan.seed, "car parks")
    kind = np.array([_AT[one] for one in named.kind[rows].tolist()])
    low, high = _ROOM[kind].T
    room = np.round(low + (high - low) * dice.random(len(rows)) ** 1.8, -1).astype(np.int64)
    places = named.middle[rows] + dice.normal(0, 14, (len(rows), 2))
    ids = tuple(f"P{row + 1:03d}" for row in range(len(rows)))
    return Parks(Things(ids, places, np.full(len(rows), RESIDENTIAL), _central(places), rows), kind, room)
