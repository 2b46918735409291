"""Geometry on the earth: distances, polylines, GeoJSON bounds and checks, map tiles. WGS 84, degrees, metres.

Arrays in, arrays out; single numbers work too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhicheng.kernel.columns import F8, Index, Mask
from zhicheng.kernel.errors import Invalid

Numbers = npt.ArrayLike

A = 6_378_137.0
"""Equatorial radius of WGS 84, metres."""
F = 1 / 298.257223563
"""Flattening of WGS 84."""
E2 = F * (2 - F)
MERCATOR_LIMIT = 85.0511287798066
"""Latitude where the square web map ends."""
NESTING = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""GeoJSON geometry types that NGSI-LD knows -> how deep their positions are nested."""


def distance(west: Numbers, south: Numbers, east: Numbers, north: Numbers) -> F8:
    """Metres between points (west, south) and (east, north), element by element.

    Lambert's formula: the great circle on the reduced latitudes, corrected to first order in the flattening
    (Lambert 1942). Against exact geodesics: 1.4 mm a km, up to 10,000 km; near the
    antipode the correction is left out.

    >>> round(float(distance(116.3913, 39.9075, 121.4737, 31.2304)))
    1066798
    """
    lon1, lat1, lon2, lat2 = (np.radians(np.asarray(item, np.float64)) for item in (west, south, east, north))
    beta1, beta2 = np.arctan((1 - F) * np.tan(lat1)), np.arctan((1 - F) * np.tan(lat2))
    haversine = np.sin((beta2 - beta1) / 2) ** 2 + np.cos(beta1) * np.cos(beta2) * np.sin((lon2 - lon1) / 2) ** 2
    sigma = 2 * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    p, q = (beta1 + beta2) / 2, (beta2 - beta1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (sigma - np.sin(sigma)) * (np.sin(p) * np.cos(q)) ** 2 / np.cos(sigma / 2) ** 2
        y = (sigma + np.sin(sigma)) * (np.cos(p) * np.sin(q)) ** 2 / np.sin(sigma / 2) ** 2
    correction = np.where((sigma > 1e-12) & (sigma < 3.1), F / 2 * (x + y), 0.0)
    return np.asarray(A * (sigma - correction), np.float64)


def metres_per_degree(latitude: Numbers) -> tuple[F8, F8]:
    """Metres of one degree of longitude and of one degree of latitude, from the ellipsoid's radii of curvature.

    N cos(lat) and M, with N = a / sqrt(1 - e2 sin2) and M = a (1 - e2) / (1 - e2 sin2) ** 1.5 (Snyder 1987, p. 24).

    >>> [round(float(size)) for size in metres_per_degree(39.9)]
    [85518, 111033]
    """
    phi = np.radians(np.asarray(latitude, np.float64))
    inner = 1 - E2 * np.sin(phi) ** 2
    degree = np.pi / 180
    return degree * A / np.sqrt(inner) * np.cos(phi), degree * A * (1 - E2) / inner**1.5


def turn(degrees: Numbers) -> F8:
    """Longitudes or their differences brought into [-180, 180).

    >>> turn([190, -190, 180]).tolist()
    [-170.0, 170.0, -180.0]
    """
    return (np.asarray(degrees, np.float64) + 180) % 360 - 180


def around(lon: float, lat: float, metres: float) -> tuple[float, float, float, float]:
    """A box (west, south, east, north) that surely holds every point within so many metres; may pass +-180.

    >>> [round(side, 4) for side in around(116.4, 39.9, 1000)]
    [116.3882, 39.8909, 116.4118, 39.9091]
    """
    margin = metres * 1.01 + 1
    dy = margin / 110_574  # a degree of latitude is shortest at the equator
    south, north = lat - dy, lat + dy
    if south <= -89.9 or north >= 89.9:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    dx = margin / float(metres_per_degree(max(abs(south), abs(north)))[0])
    if dx >= 180:
        return -180.0, south, 180.0, north
    return lon - dx, south, lon + dx, north


def positions(geometry: object) -> F8:
    """All positions of a GeoJSON geometry as an (n, 2) array of longitude and latitude; checks the geometry on the way.

    >>> positions({"type": "LineString", "coordinates": [[8, 40], [9, 41]]}).tolist()
    [[8.0, 40.0], [9.0, 41.0]]
    """
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if not isinstance(geometry, Mapping) or not isinstance(kind, str) or kind not in NESTING:
        raise Invalid(
            f"A geometry is an object with type ({', '.join(NESTING)}) and coordinates",
            f"几何对象须含 type（{'、'.join(NESTING)}）和 coordinates",
        )
    parts = [geometry.get("coordinates")]
    rings = kind in ("Polygon", "MultiPolygon")
    for level in range(NESTING[kind], 0, -1):
        if rings and level == 1:
            _check_rings(parts)
        if kind in ("LineString", "MultiLineString") and level == 1:
            _check_length(parts, 2, kind)
        parts = [item for part in parts for item in _list(part, kind)]
    return _numbers(parts, kind)


def _list(part: object, kind: str) -> list[object]:
    if not isinstance(part, list | tuple) or not part:
        raise _bad(kind)
    return list(part)


def _bad(kind: str) -> Invalid:
    depth = NESTING[kind]
    return Invalid(
        f"The coordinates of a {kind} are positions [longitude, latitude] in {depth} lists, none of them empty",
        f"{kind} 的坐标是嵌套 {depth} 层列表的位置 [经度, 纬度]，且列表不能为空",
    )


def _check_length(parts: list[object], least: int, kind: str) -> None:
    for part in parts:
        if len(_list(part, kind)) < least:
            raise Invalid(f"A {kind} needs at least {least} positions", f"{kind} 至少需要 {least} 个位置")


def _check_rings(rings: list[object]) -> None:
    for ring in rings:
        points = _list(ring, "Polygon")
        if len(points) < 4 or points[0] != points[-1]:
            raise Invalid(
                "A ring of a polygon has at least 4 positions and ends where it begins",
                "多边形的环至少有 4 个位置，且首尾相同",
            )


def _numbers(parts: list[object], kind: str) -> F8:
    for part in parts:
        if not isinstance(part, list | tuple) or not 2 <= len(part) <= 4:
            raise _bad(kind)
        for number in part:
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise _bad(kind)
    try:
        pairs = np.array([[part[0], part[1]] for part in parts], np.float64)  # type: ignore[index]  # each is a list, just seen
    except OverflowError:
        pairs = np.array([[np.inf, np.inf]])
    ok = (np.abs(pairs[:, 0]) <= 180) & (np.abs(pairs[:, 1]) <= 90)
    if not ok.all():
        lon, lat = pairs[np.argmin(ok)].tolist()
        raise Invalid(
            f"[{lon:g}, {lat:g}] is no place: longitude (-180..180) comes first, then latitude (-90..90)",
            f"[{lon:g}, {lat:g}] 不是有效位置：先经度（-180..180），后纬度（-90..90）",
        )
    return pairs


def check(geometry: object) -> None:
    """Raise `Invalid` unless it is a GeoJSON geometry that NGSI-LD takes, with coordinates on the earth."""
    positions(geometry)


def bounds(geometry: object) -> tuple[float, float, float, float]:
    """West, south, east and north of a GeoJSON geometry.

    >>> bounds({"type": "Point", "coordinates": [116.4, 39.9]})
    (116.4, 39.9, 116.4, 39.9)
    """
    pairs = positions(geometry)
    west, south = pairs.min(axis=0).tolist()
    east, north = pairs.max(axis=0).tolist()
    return west, south, east, north


@dataclass(frozen=True, slots=True)
class Polyline:
    """A line on the earth; `along[i]` is the way from its start to vertex i in metres, never falling."""

    lon: F8
    lat: F8
    along: F8

    @property
    def length(self) -> float:
        """Metres from end to end."""
        return float(self.along[-1])


def polyline(lon: Numbers, lat: Numbers) -> Polyline:
    """A line through vertices, at least one, measured.

    >>> round(polyline([8.0, 8.0, 8.1], [40.0, 40.1, 40.1]).length)
    19630
    """
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if not len(x) or len(x) != len(y):
        raise Invalid(
            "A line needs as many longitudes as latitudes, at least one", "折线的经度与纬度数量须相同且不为空"
        )
    steps = distance(x[:-1], y[:-1], x[1:], y[1:])
    return Polyline(x, y, np.concatenate([[0.0], np.cumsum(steps)]))


def point_at(line: Polyline, metres: Numbers) -> tuple[F8, F8]:
    """Longitude and latitude so many metres along the line; before its start the start, past its end the end.

    >>> [round(float(part), 3) for part in point_at(polyline([8.0, 8.0], [40.0, 40.1]), 5551.7)]
    [8.0, 40.05]
    """
    way = np.asarray(metres, np.float64)
    return np.interp(way, line.along, line.lon), np.interp(way, line.along, line.lat)


def project(line: Polyline, lon: Numbers, lat: Numbers) -> tuple[F8, F8]:
    """For each point the nearest place on the line: metres along it, and metres off it.

    Planar in a frame at each point's latitude (`metres_per_degree`): for lines near the point, as in a city.
    Work and memory are points times segments.

    >>> along, off = project(polyline([8.0, 8.0], [40.0, 40.1]), [8.01], [40.05])
    >>> round(float(along[0])), round(float(off[0]))
    (5552, 853)
    """
    x, y = np.atleast_1d(np.asarray(lon, np.float64)), np.atleast_1d(np.asarray(lat, np.float64))
    scale_x, scale_y = (scale[:, None] for scale in metres_per_degree(y))
    ax, ay = turn(line.lon[None, :] - x[:, None]) * scale_x, (line.lat[None, :] - y[:, None]) * scale_y
    if len(line.lon) == 1:
        return np.zeros(len(x)), np.hypot(ax[:, 0], ay[:, 0])
    dx, dy = np.diff(ax, axis=1), np.diff(ay, axis=1)
    size = dx**2 + dy**2
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(size > 0, np.clip(-(ax[:, :-1] * dx + ay[:, :-1] * dy) / size, 0, 1), 0.0)
    off = np.hypot(ax[:, :-1] + part * dx, ay[:, :-1] + part * dy)
    best: Index = np.argmin(off, axis=1)
    rows = np.arange(len(x))
    along = line.along[best] + part[rows, best] * np.diff(line.along)[best]
    return along, off[rows, best]


def to_tile(lon: Numbers, lat: Numbers, zoom: int) -> tuple[F8, F8]:
    """Web map tile coordinates: whole part the tile, fraction the place in it; y grows southwards.

    Spherical Mercator (EPSG 3857) scaled to 2**zoom tiles; latitudes beyond its square are drawn to its edge.

    >>> [int(part) for part in to_tile(116.3913, 39.9075, 10)]
    [843, 388]
    """
    size = float(1 << zoom)
    phi = np.radians(np.clip(np.asarray(lat, np.float64), -MERCATOR_LIMIT, MERCATOR_LIMIT))
    x = (np.asarray(lon, np.float64) + 180) / 360 * size
    return x, (1 - np.arcsinh(np.tan(phi)) / np.pi) / 2 * size


def from_tile(x: Numbers, y: Numbers, zoom: int) -> tuple[F8, F8]:
    """Longitude and latitude of tile coordinates; the inverse of `to_tile`.

    >>> [float(part) for part in from_tile(1, 1, 1)]
    [0.0, 0.0]
    """
    size = float(1 << zoom)
    lon = np.asarray(x, np.float64) / size * 360 - 180
    return lon, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * np.asarray(y, np.float64) / size))))


def tile_bounds(zoom: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east and north of a web map tile.

    >>> tile_bounds(0, 0, 0) == (-180.0, -MERCATOR_LIMIT, 180.0, MERCATOR_LIMIT)
    True
    """
    lon, lat = from_tile(np.array([x, x + 1]), np.array([y + 1, y]), zoom)
    return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])


def meets(west: Numbers, south: Numbers, east: Numbers, north: Numbers, box: tuple[float, float, float, float]) -> Mask:
    """Which boxes meet another one, edges included. NaN boxes meet nothing.

    >>> meets([0.0, 5.0], [0.0, 5.0], [1.0, 6.0], [1.0, 6.0], (1.0, 1.0, 2.0, 2.0)).tolist()
    [True, False]
    """
    return np.asarray(
        (np.asarray(west) <= box[2])
        & (np.asarray(east) >= box[0])
        & (np.asarray(south) <= box[3])
        & (np.asarray(north) >= box[1])
    )
