"""Between the datums in use in China and WGS 84; columns of degrees in, columns of degrees out.

GCJ-02 shifts positions by 100 to 700 m with a published-by-practice formula (constants of the Krasovsky
1940 ellipsoid); BD-09 adds a second shift. Both as in the open coordtransform and eviltransform projects;
the inverse iterates the forward formula until it agrees to 1e-9 degrees.

CGCS2000 differs from WGS 84 by centimetres (plate motion since epoch 2000.0, and ellipsoids that differ by
0.1 mm), below what a city's sensors know: it is taken as equal. Its Gauss-Kruger grids (3-degree zones,
EPSG 4513 to 4554) are projected with pyproj.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zhicheng.kernel.columns import F8, Mask
from zhicheng.kernel.errors import Invalid

if TYPE_CHECKING:
    from pyproj import Transformer

Pair = tuple[F8, F8]
"""Longitudes and latitudes, or eastings and northings."""

CHINA = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of the box inside which GCJ-02 applies: a rule of thumb that also covers neighbours."""

GAUSS_KRUGER = range(4513, 4555)
"""EPSG codes of CGCS2000 in 3-degree zones: 4513-4533 with the zone number in the easting, 4534-4554 without."""

_AXIS = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_BAIDU = np.pi * 3000.0 / 180.0
_TOLERANCE = 1e-9
_ROUNDS = 30


def in_china(lon: F8, lat: F8) -> Mask:
    """Where GCJ-02 is taken to apply: inside a box, a rule of thumb."""
    west, south, east, north = CHINA
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _shift(lon: F8, lat: F8) -> Pair:
    """Degrees that GCJ-02 adds."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = lat / 180.0 * np.pi
    magic = 1.0 - _ECCENTRICITY2 * np.sin(radians) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY2) / (magic * np.sqrt(magic)) * np.pi / 180.0
    parallel = _AXIS / np.sqrt(magic) * np.cos(radians) * np.pi / 180.0
    return east / parallel, north / meridian


def wgs84_to_gcj02(lon: F8, lat: F8) -> Pair:
    """WGS 84 to GCJ-02; outside the box of China unchanged.

    >>> [round(float(part[0]), 5) for part in wgs84_to_gcj02(np.array([116.404]), np.array([39.915]))]
    [116.41024, 39.9164]
    """
    inside = in_china(lon, lat)
    east, north = _shift(lon, lat)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def gcj02_to_wgs84(lon: F8, lat: F8) -> Pair:
    """GCJ-02 to WGS 84, by iteration; outside the box of China unchanged.

    Within a kilometre of the box's edge the rule of thumb has no single answer.
    """
    inside = in_china(lon, lat)
    east, north = _inverse(lambda x, y: (x + _shift(x, y)[0], y + _shift(x, y)[1]), lon, lat)
    return np.where(inside, east, lon), np.where(inside, north, lat)


def gcj02_to_bd09(lon: F8, lat: F8) -> Pair:
    """GCJ-02 to BD-09 (Baidu)."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def bd09_to_gcj02(lon: F8, lat: F8) -> Pair:
    """BD-09 to GCJ-02, by iteration (the closed formula in use is off by up to a metre)."""
    return _inverse(gcj02_to_bd09, lon, lat)


def _inverse(forward: Callable[[F8, F8], Pair], lon: F8, lat: F8) -> Pair:
    """The point whose image is (lon, lat), by fixed-point iteration: both shifts change slowly."""
    x, y = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    for _ in range(_ROUNDS):
        image = forward(x, y)
        off_x, off_y = image[0] - lon, image[1] - lat
        x, y = x - off_x, y - off_y
        if not np.any(np.abs(off_x) + np.abs(off_y) > _TOLERANCE):
            break
    return x, y


def _same(lon: F8, lat: F8) -> Pair:
    return lon, lat


def _bd09_to_wgs84(lon: F8, lat: F8) -> Pair:
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def _wgs84_to_bd09(lon: F8, lat: F8) -> Pair:
    east, north = gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))
    inside = in_china(lon, lat)
    return np.where(inside, east, lon), np.where(inside, north, lat)


TO_WGS84: dict[str, Callable[[F8, F8], Pair]] = {
    "WGS84": _same,
    "CGCS2000": _same,
    "GCJ02": gcj02_to_wgs84,
    "BD09": _bd09_to_wgs84,
}
FROM_WGS84: dict[str, Callable[[F8, F8], Pair]] = {
    "WGS84": _same,
    "CGCS2000": _same,
    "GCJ02": wgs84_to_gcj02,
    "BD09": _wgs84_to_bd09,
}


def to_wgs84(x: F8, y: F8, datum: str) -> Pair:
    """Positions of a named datum in WGS 84; `EPSG:4547` and its like take easting and northing in metres.

    >>> lon, lat = to_wgs84(np.array([500000.0]), np.array([4000000.0]), "EPSG:4547")
    >>> float(lon[0]), round(float(lat[0]), 3)
    (114.0, 36.13)
    """
    return TO_WGS84[_name(datum)](x, y) if _name(datum) in TO_WGS84 else _project(x, y, datum, inverse=True)


def from_wgs84(lon: F8, lat: F8, datum: str) -> Pair:
    """WGS 84 positions in a named datum; the reverse of `to_wgs84`."""
    return FROM_WGS84[_name(datum)](lon, lat) if _name(datum) in FROM_WGS84 else _project(lon, lat, datum)


def _name(datum: str) -> str:
    return datum.upper().replace("-", "").replace(" ", "").replace("_", "")


@lru_cache(maxsize=64)
def _grid(datum: str) -> Transformer:
    from pyproj import Transformer  # only cities that name a grid wait for it

    code = _name(datum).removeprefix("EPSG:")
    if not code.isdecimal() or int(code) not in GAUSS_KRUGER:
        raise Invalid(
            f"{datum!r} is not a datum we convert; use WGS84, GCJ02, BD09, CGCS2000 or EPSG:4513 to EPSG:4554",
            f"{datum!r} 不是支持的坐标系，请使用 WGS84、GCJ02、BD09、CGCS2000 或 EPSG:4513 至 EPSG:4554",
            datum=datum,
        )
    return Transformer.from_crs("EPSG:4490", f"EPSG:{code}", always_xy=True)


def _project(x: F8, y: F8, datum: str, *, inverse: bool = False) -> Pair:
    from pyproj.exceptions import ProjError

    grid = _grid(datum)
    try:
        out_x, out_y = grid.transform(x, y, direction="INVERSE" if inverse else "FORWARD")
    except ProjError as error:
        raise Invalid(f"Positions do not fit {datum}: {error}", f"坐标不在 {datum} 的范围内：{error}") from None
    return np.asarray(out_x, dtype=np.float64), np.asarray(out_y, dtype=np.float64)
