"""Tiles of the base map, cut from its tables: what lies in the tile, simplified to what its zoom can show. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from zhicheng.kernel.columns import F8, Coded, Index
from zhicheng.kernel.geometry import MERCATOR_LIMIT, to_tile
from zhicheng.sensing.basemap import ATTRIBUTION, LAYERS
from zhicheng.sensing.cells import coded
from zhicheng.standards.mvt import EXTENT, Column, Drawing, draw_points, encode_layer
from zhicheng.standards.mvt_shapes import draw_shapes

_BUFFER = 64.0
"""Tile coordinates that shapes reach over the tile's edge, so that their outlines are not seen there."""
_TOLERANCE = 4.0
"""Tile coordinates that a line may move when it is simplified: half a pixel."""
_LEAST = 6.0
"""Tile coordinates: a line or area that is smaller in both directions is not drawn."""
_POINT, _LINES, _AREAS = (0,), (1, 5), (3, 6)
_FROM: Mapping[str, Mapping[str, int]] = {
    "water": {"river": 6, "canal": 10, "stream": 12, "ditch": 14},
    "road": {
        "motorway": 5, "trunk": 6, "rail": 9, "primary": 8, "secondary": 10, "tertiary": 11, "residential": 12,
        "unclassified": 12, "subway": 11, "tram": 12, "service": 14, "track": 14, "footway": 14, "path": 14,
        "cycleway": 14, "steps": 15,
    },
    "place": {"country": 2, "state": 4, "city": 4, "town": 8, "suburb": 11, "village": 11, "neighbourhood": 13},
}  # fmt: skip
"""Layer and class -> the zoom from which it is drawn, where the table does not say."""
_OTHERS = {"land": 0, "green": 8, "water": 0, "road": 13, "building": 14, "place": 13}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer ready to be cut: shapes in web map units (the world is 0..1, y southwards), and a tree of their boxes."""

    name: str
    shapes: npt.NDArray[np.object_]
    kinds: npt.NDArray[np.int32]
    least: npt.NDArray[np.int8]
    columns: Mapping[str, Coded]
    tree: shapely.STRtree


@dataclass(frozen=True, slots=True)
class BaseMap:
    """A version of the base map; bounds in degrees: west, south, east, north."""

    version: int
    layers: tuple[Layer, ...]
    bounds: tuple[float, float, float, float]
    attribution: tuple[str, ...]


def prepared(version: int, tables: Mapping[str, pa.Table]) -> BaseMap:
    """The base map of its tables (see `sensing/basemap.py`); empty layers are left out."""
    full = {name: tables[name] for name in LAYERS if name in tables and len(tables[name])}
    sides = [[table[side].to_numpy() for table in full.values()] for side in ("west", "south", "east", "north")]
    west, south, east, north = (np.concatenate(side) if side else np.zeros(1) for side in sides)
    told = [(table.schema.metadata or {}).get(ATTRIBUTION, b"").decode() for table in full.values()]
    return BaseMap(
        version,
        tuple(_layer(name, table) for name, table in full.items()),
        (float(west.min()), float(south.min()), float(east.max()), float(north.max())),
        tuple(dict.fromkeys(text for text in told if text)),
    )


def _layer(name: str, table: pa.Table) -> Layer:
    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    shapes = np.asarray(shapely.transform(shapes, _to_map), object)
    kind = table["class"].to_pylist()
    known, other = _FROM.get(name, {}), _OTHERS[name]
    usual = np.array([known.get(one or "", other) for one in kind], np.int8)
    told = table["minzoom"].to_numpy()
    columns = {key: coded(table[key].combine_chunks()) for key in ("class", "name", "name_en")}
    least = np.where(told >= 0, told, usual).astype(np.int8)
    return Layer(name, shapes, shapely.get_type_id(shapes), least, columns, shapely.STRtree(shapes))


def _to_map(pairs: F8) -> F8:
    latitude = np.clip(pairs[:, 1], -MERCATOR_LIMIT, MERCATOR_LIMIT)
    return np.column_stack(to_tile(pairs[:, 0], latitude, 0))


def tile(base: BaseMap, zoom: int, x: int, y: int) -> bytes:
    """The vector tile z, x, y with a layer for each of the base map's; b"" where nothing lies in it."""
    return b"".join(_cut(layer, zoom, x, y) for layer in base.layers)


def _cut(layer: Layer, zoom: int, x: int, y: int) -> bytes:
    side, margin = 2.0**zoom, _BUFFER / EXTENT
    box = np.array([x - margin, y - margin, x + 1 + margin, y + 1 + margin]) / side
    rows = np.sort(layer.tree.query(shapely.box(*box)))
    rows = rows[layer.least[rows] <= zoom]
    parts = [
        part for group in (_AREAS, _LINES) if (part := _drawn(layer, rows, group, (side, x, y))) is not None
    ] + _points(layer, rows, (side, x, y))
    if not parts:
        return b""
    drawing = Drawing.concat([drawing for drawing, _ in parts])
    kept = np.concatenate([chosen for _, chosen in parts])
    columns: dict[str, Column] = {
        key: column.take(kept) for key, column in layer.columns.items() if (column.codes[kept] >= 0).any()
    }
    return encode_layer(layer.name, drawing.drawn, drawing.commands, drawing.counts, None, columns)


def _drawn(
    layer: Layer, rows: Index, group: tuple[int, ...], place: tuple[float, int, int]
) -> tuple[Drawing, Index] | None:
    """Lines or areas: large enough to be seen, clipped to the tile, simplified."""
    chosen = rows[np.isin(layer.kinds[rows], group)]
    if not len(chosen):
        return None
    shapes = layer.shapes[chosen]
    west, north, east, south = shapely.bounds(shapes).T * (place[0] * EXTENT)
    large = (east - west >= _LEAST) | (south - north >= _LEAST)
    chosen, shapes = chosen[large], shapes[large]
    moved = shapely.transform(shapes, lambda pairs: _within(pairs, place))
    clipped = shapely.clip_by_rect(moved, -_BUFFER, -_BUFFER, EXTENT + _BUFFER, EXTENT + _BUFFER)
    made = shapely.simplify(clipped, _TOLERANCE)
    good = np.isin(shapely.get_type_id(made), group) & ~shapely.is_empty(made)
    if not good.any():
        return None
    drawing, kept = draw_shapes(made[good])
    return drawing, chosen[good][kept]


def _points(layer: Layer, rows: Index, place: tuple[float, int, int]) -> list[tuple[Drawing, Index]]:
    chosen = rows[np.isin(layer.kinds[rows], _POINT)]
    if not len(chosen):
        return []
    pairs = _within(shapely.get_coordinates(layer.shapes[chosen]), place)
    return [(draw_points(pairs[:, 0], pairs[:, 1]), chosen)]


def _within(pairs: F8, place: tuple[float, int, int]) -> F8:
    side, x, y = place
    within: F8 = (pairs * side - np.array([x, y])) * EXTENT
    return within
