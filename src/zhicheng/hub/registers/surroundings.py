"""What lies within an area, or around a place or a line, counted by type and listed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson
import shapely

from zhicheng.kernel.columns import Index
from zhicheng.standards.ngsild.model import Json
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

_METRES = 111_320.0
"""Metres of a degree of latitude."""
_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def zone(value: Json, metres: float) -> tuple[shapely.Geometry, bool] | None:
    """The part of the city that belongs to a geometry (GeoJSON), in degrees: itself where it is an area, else what
    lies so near; and whether it is an area. None for what is no geometry.
    """
    try:
        geometry = shapely.from_geojson(orjson.dumps(value))
    except (shapely.GEOSException, TypeError, ValueError):
        return None
    if shapely.is_missing(geometry) or shapely.is_empty(geometry):
        return None
    geometry = shapely.make_valid(shapely.force_2d(geometry))
    if shapely.get_type_id(geometry) in _AREAS:
        return geometry, True
    return _widened(geometry, metres), False


def _widened(geometry: shapely.Geometry, metres: float) -> shapely.Geometry:
    """Around a place or a line, round on the ground: degrees of longitude are shorter than those of latitude."""
    narrow = max(0.01, float(np.cos(np.radians(shapely.get_y(shapely.centroid(geometry))))))
    scaled = shapely.transform(geometry, lambda pairs: pairs * [narrow, 1.0])
    wide = shapely.buffer(scaled, metres / _METRES)
    return shapely.transform(wide, lambda pairs: pairs / [narrow, 1.0])


def within(state: State, area: shapely.Geometry, locations: dict[int, str]) -> Iterator[tuple[Table, Index]]:
    """Entities whose middle lies in an area, by table. Call with the state's lock held.

    locations: by number of the table, the attribute that places its entities
    """
    west, south, east, north = shapely.bounds(area).tolist()
    shapely.prepare(area)
    for number, table in enumerate(state.tables):
        cells: Cells | None = table.columns.get((locations.get(number, ""), None))
        if cells is None or cells.boxes is None or not table.living:
            continue
        left, down, right, up = cells.bounds()
        lon, lat = (left + right) / 2, (down + up) / 2
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north) & table.alive)
        if len(rows):
            rows = rows[shapely.intersects_xy(area, lon[rows], lat[rows])]
        if len(rows):
            yield table, rows
