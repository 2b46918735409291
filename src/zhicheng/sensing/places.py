"""Columns of positions and geometries to GeoJSON in WGS 84, with everything impossible refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from zhicheng.kernel.columns import F8, Coded, Mask
from zhicheng.kernel.datums import to_wgs84
from zhicheng.kernel.errors import Invalid
from zhicheng.sensing.cells import Cells, Reason, as_text, coded, numbers
from zhicheng.standards.changes import Form

HALF: Reason = ("a latitude without a longitude, or the reverse", "只有纬度或只有经度")
NO_PLACE: Reason = ("latitude beyond 90 or longitude beyond 180 degrees", "纬度超过 90 度或经度超过 180 度")
NULL_ISLAND: Reason = ("0, 0 stands for an unknown place", "0, 0 表示位置未知")
BAD_GEOMETRY: Reason = ("neither a GeoJSON geometry nor WKT", "既不是 GeoJSON 几何也不是 WKT")

DIGITS = 7
"""Decimal places of degrees that are kept: about a centimetre."""


def points(lat: pa.Array, lon: pa.Array, datum: str, decimal: str = ".") -> Cells:
    """Points of two cleaned columns; where both cells are empty there is no value.

    >>> cells = points(pa.array([53.1, None, 99.0]), pa.array([8.2, None, 8.2]), "WGS84")
    >>> cells.text.list()[0], [(mask.tolist(), reason[0][:19]) for mask, reason in cells.refused]
    ('{"type":"Point","coordinates":[8.2,53.1]}', [([False, False, True], 'latitude beyond 90 ')])
    """
    north, refused = numbers(lat, decimal)
    east, more = numbers(lon, decimal)
    refused += more
    unreadable = np.zeros(len(north), np.bool_)
    for mask, _ in refused:
        unreadable |= mask
    half = (np.isnan(north) != np.isnan(east)) & ~unreadable
    good = ~np.isnan(north) & ~np.isnan(east)
    island = good & (north == 0) & (east == 0)
    good &= ~island
    east, north = _converted(east, north, good, datum)
    with np.errstate(invalid="ignore"):
        inside = (np.abs(north) <= 90) & (np.abs(east) <= 180)
    refused += [
        (mask, why) for mask, why in ((half, HALF), (island, NULL_ISLAND), (good & ~inside, NO_PLACE)) if mask.any()
    ]
    return _cells(_point_texts(east, north, good & inside), refused)


def geometries(array: pa.Array, datum: str) -> Cells:
    """Geometries of a cleaned column of GeoJSON or WKT texts.

    >>> geometries(pa.array(["POINT (8.2 53.1)", "x"]), "WGS84").text.list()
    ['{"type":"Point","coordinates":[8.2,53.1]}', None]
    """
    column = coded(as_text(array))
    shapes = _shapes(column.values)
    known = ~shapely.is_missing(shapes)
    moved = _moved(shapes, datum)
    west, south, east, north = shapely.bounds(moved).T
    with np.errstate(invalid="ignore"):
        inside = known & (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    texts = np.full(len(shapes), None, object)
    texts[inside] = shapely.to_geojson(moved[inside])
    refused = []
    for mask, reason in ((~known, BAD_GEOMETRY), (known & ~inside, NO_PLACE)):
        spread = np.append(mask, False)[column.codes]
        if spread.any():
            refused.append((spread, reason))
    distinct = Coded.of([*texts.tolist(), None])
    return _cells(Coded(distinct.values, distinct.codes[column.codes]), refused)


def _shapes(texts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    objects = np.array(texts, object)
    json = np.array([text.startswith("{") for text in texts], np.bool_)
    shapes = np.full(len(texts), None, object)
    shapes[json] = shapely.from_geojson(objects[json], on_invalid="ignore")
    shapes[~json] = shapely.from_wkt(objects[~json], on_invalid="ignore")
    shapes[shapely.is_empty(shapes)] = None
    return shapes


def _moved(
    shapes: np.ndarray[tuple[int], np.dtype[np.object_]], datum: str
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The shapes in WGS 84, rounded, all their points converted at once."""
    positions = shapely.get_coordinates(shapes)
    finite = np.asarray(np.isfinite(positions).all(axis=1), np.bool_)
    east, north = _converted(positions[:, 0], positions[:, 1], finite, datum)
    return np.asarray(shapely.set_coordinates(shapes.copy(), np.column_stack([east, north])), object)


def _converted(east: F8, north: F8, rows: Mask, datum: str) -> tuple[F8, F8]:
    """The chosen rows in WGS 84 and rounded; the others as they are."""
    try:
        x, y = to_wgs84(east[rows], north[rows], datum)
    except Invalid:
        if datum.upper().startswith("EPSG"):
            x, y = np.full(int(rows.sum()), np.inf), np.full(int(rows.sum()), np.inf)
        else:
            raise
    east, north = east.copy(), north.copy()
    east[rows], north[rows] = np.round(x, DIGITS), np.round(y, DIGITS)
    return east, north


def _point_texts(east: F8, north: F8, good: Mask) -> Coded:
    nothing = pa.scalar(None, pa.float64())
    lon, lat = (pc.if_else(pa.array(good), pa.array(part), nothing).cast(pa.string()) for part in (east, north))
    joined = pc.binary_join_element_wise('{"type":"Point","coordinates":[', lon, ",", lat, "]}", "")
    return coded(joined)


def _cells(text: Coded, refused: list[tuple[Mask, Reason]]) -> Cells:
    form = np.where(text.codes < 0, Form.NOTHING, Form.JSON).astype(np.uint8)
    return Cells(form, np.full(len(form), np.nan), text, refused)
