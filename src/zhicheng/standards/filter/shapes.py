"""How geometries stand to each other: predicates in the plane of longitude and latitude, distances in metres.

Nearness is the distance between the closest points, as PostGIS has it; between points it is `geometry.distance`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.kernel import geometry
from zhicheng.kernel.columns import F8, Mask
from zhicheng.standards.filter.tree import Geo

Box = tuple[float, float, float, float]

_PREDICATES: dict[str, Callable[..., Mask]] = {
    "within": shapely.within,
    "contains": shapely.contains,
    "intersects": shapely.intersects,
    "disjoint": shapely.disjoint,
    "equals": shapely.equals,
    "overlaps": shapely.overlaps,
}


@lru_cache(maxsize=16_384)
def shape(text: str) -> BaseGeometry | None:
    """The geometry of a GeoJSON text, made valid and flat; None for what is none.

    >>> shape('{"type":"Point","coordinates":[8,40]}')
    <POINT (8 40)>
    """
    made: BaseGeometry | None = shapely.from_geojson(text, on_invalid="ignore")
    if made is None or made.is_empty or made.geom_type == "GeometryCollection":
        return None
    made = shapely.force_2d(made)
    west, south, east, north = made.bounds
    if (west, south) == (east, north):
        return shapely.Point(west, south)
    if not made.is_valid:
        made = shapely.make_valid(made, method="structure", keep_collapsed=True)
    return made


def exact(node: Geo, shapes: Sequence[BaseGeometry | None] | npt.NDArray[np.object_]) -> Mask:
    """Which shapes stand so to the node's; None never does."""
    column = np.empty(len(shapes), dtype=object)
    column[:] = shapes
    there = ~shapely.is_missing(column)
    if node.relation != "near":
        return np.asarray(_PREDICATES[node.relation](column, node.shape)) & there
    away = np.full(len(shapes), np.nan)
    away[there] = metres(column[there], node.shape)
    return np.asarray(within_reach(node, away) & there)


def within_reach(node: Geo, away: F8) -> Mask:
    """Which distances a "near" allows."""
    near = away <= node.most if node.most is not None else np.ones(len(away), np.bool_)
    return near if node.least is None else near & (away > node.least)


def metres(shapes: npt.NDArray[np.object_], reference: BaseGeometry) -> F8:
    """Distance of each shape to the reference: the closest points are found in a frame around it, then measured."""
    centre = reference.centroid
    scale = np.array([float(size) for size in geometry.metres_per_degree(centre.y)])

    def flat(pairs: F8) -> F8:
        moved: F8 = np.column_stack([geometry.turn(pairs[:, 0] - centre.x), pairs[:, 1] - centre.y]) * scale
        return moved

    lines = shapely.shortest_line(shapely.transform(shapes, flat), shapely.transform(reference, flat))
    ends = shapely.get_coordinates(lines) / scale + [centre.x, centre.y]
    return geometry.distance(ends[::2, 0], ends[::2, 1], ends[1::2, 0], ends[1::2, 1])


def reach(reference: BaseGeometry, most: float) -> Box:
    """A box that surely holds everything within so many metres of the reference; past +-180 it goes all round."""
    west, south, east, north = reference.bounds
    boxes = [geometry.around(lon, lat, most) for lon in (west, east) for lat in (south, north)]
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    if left < -180 or right > 180:
        left, right = -180.0, 180.0
    return left, min(box[1] for box in boxes), right, max(box[3] for box in boxes)


def rectangle(reference: BaseGeometry) -> Box | None:
    """Its bounds if it is a polygon that fills them.

    >>> rectangle(shapely.box(0, 0, 1, 2))
    (0.0, 0.0, 1.0, 2.0)
    """
    if reference.geom_type != "Polygon" or not shapely.equals(reference, shapely.box(*reference.bounds)):
        return None
    west, south, east, north = reference.bounds
    return west, south, east, north
