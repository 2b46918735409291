"""Vector tiles of the living entities of a type, straight from the columns of the live table."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from zhicheng.hub.excerpt import Excerpt
from zhicheng.hub.live import Look
from zhicheng.hub.query import read_sub
from zhicheng.kernel.columns import F8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT, SECOND
from zhicheng.server.moment import Moment
from zhicheng.server.portals.view import labels_at, located
from zhicheng.server.space import Space
from zhicheng.standards.changes import Form
from zhicheng.standards.filter import columns, tree
from zhicheng.standards.mvt import EXTENT, Column, Drawing, draw_points, encode_layer
from zhicheng.standards.mvt_shapes import draw_shapes
from zhicheng.standards.ngsild.model import Quality
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import Table

LAYER = "entities"
DEEPEST = 22
_BUFFER = 128.0
"""Tile coordinates that a tile reaches over its edge, so that symbols there are whole."""
_MOST = 20_000
_THINNED = 512
"""Cells across a tile of which each keeps one point, where there are more than `_MOST`."""
_LIMIT_LAT = 85.051128779806604
_KEPT = 2048
_FRESH = SECOND


class Tiles:
    """Makes tiles; a tile asked for again within a second, with nothing changed, is not made again."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[object, ...], tuple[int, int, bytes]] = OrderedDict()

    def tile(self, space: Space, look: Look, place: tuple[int, int, int], moment: Moment) -> bytes:
        """The tile z, x, y of a look at a moment; b"" where nothing lies in it."""
        now, position = moment.now, moment.state.position
        key = (space.number, look, place, moment.stale, moment.past and now)
        known = self._made.get(key)
        if known is not None and known[0] == position and abs(now - known[1]) < _FRESH:
            return known[2]
        made = make(space, look, place, moment)
        self._made[key] = (position, now, made)
        self._made.move_to_end(key)
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True)
class _Part:
    """Some features of the tile: rows of one table, in the order in which they are drawn."""

    drawing: Drawing
    ids: npt.NDArray[np.uint64]
    properties: dict[str, Column]


@dataclass(frozen=True, slots=True)
class _View:
    """From where and when a tile is looked at."""

    space: Space
    look: Look
    place: tuple[int, int, int]
    now: int
    stale: frozenset[str]


def make(space: Space, look: Look, place: tuple[int, int, int], moment: Moment) -> bytes:
    """The tile of a look at a moment: one layer, `entities`, of points, lines and polygons."""
    west, south, east, north = bounds(*place)
    view = _View(space, look, place, moment.now, moment.stale)
    test = columns.compile(look.where, read_sub)
    parts: list[_Part] = []
    state = moment.state
    with state.lock:
        for table in state.tables_of([look.type]):
            cells = located(space, table)
            if cells is None or cells.boxes is None or not table.living or not tree.possible(look.where, table.types):
                continue
            box = cells.bounds()
            inside = (box[0] <= east) & (box[2] >= west) & (box[1] <= north) & (box[3] >= south)
            rows = np.flatnonzero(inside)
            rows = rows[test(Excerpt(table, rows))] if len(rows) else rows
            if len(rows):
                parts += _table(view, table, cells, rows)
    if not parts:
        return b""
    drawing = parts[0].drawing if len(parts) == 1 else Drawing.concat([part.drawing for part in parts])
    properties = {name: _joined([part.properties[name] for part in parts]) for name in parts[0].properties}
    ids = np.concatenate([part.ids for part in parts])
    return encode_layer(LAYER, drawing.drawn, drawing.commands, drawing.counts, ids, properties)


def _joined(parts: list[Column]) -> Column:
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part, Coded) for part in parts):
        return Coded.concat([part if isinstance(part, Coded) else _told(part) for part in parts])
    return np.concatenate([part for part in parts if not isinstance(part, Coded)])


def _told(numbers: F8 | Mask) -> Coded:
    """Numbers as texts, where others of the layer are texts."""
    return Coded.of(None if number != number else f"{number:g}" for number in numbers.tolist())


def _table(view: _View, table: Table, cells: Cells, rows: Index) -> list[_Part]:
    west, south, east, north = (side[rows] for side in cells.bounds())
    point = (west == east) & (south == north)
    parts = []
    drawn, spots = rows[~point], rows[point]
    if len(drawn):
        parts += _shapes(view, table, cells, drawn)
    if len(spots):
        x, y = project(west[point], south[point], view.place)
        if len(spots) > _MOST:
            kept = thinned(x, y)
            spots, x, y = spots[kept], x[kept], y[kept]
        parts.append(_part(view, table, cells, spots, draw_points(x, y)))
    return parts


def _part(view: _View, table: Table, cells: Cells, rows: Index, drawing: Drawing) -> _Part:
    """id, label, age_s, stale and estimated of some rows, and the value where an attribute is looked at."""
    ids = table.directory.names(table.entity[rows])
    modified = cells.modified_at[rows]
    observed = cells.observed_at[rows]
    age = np.maximum(0, (view.now - np.where(observed == ABSENT, modified, observed)) // SECOND)
    properties: dict[str, Column] = {
        "id": Coded(ids, np.arange(len(ids), dtype=np.int32)),
        "label": labels_at(view.space, table, rows),
        "age_s": age.astype(np.float64),
        "stale": _stale(cells, rows, view.stale),
        "estimated": (cells.arrays["quality"][rows] & Quality.ESTIMATED) > 0,
    }
    if view.look.attribute is not None:
        properties["value"] = _value(table.columns.get((view.look.attribute, None)), rows)
    return _Part(drawing, table.entity[rows].astype(np.uint64), properties)


def _value(cells: Cells | None, rows: Index) -> Column:
    """Numbers, or texts where any is one; true and false are texts, as in the stream."""
    if cells is None:
        return np.full(len(rows), np.nan)
    form, number = cells.form[rows], cells.number[rows]
    numbers: F8 = np.where(form == Form.NUMBER, number, np.nan)
    truth = form == Form.BOOLEAN
    if not (truth | (form == Form.TEXT)).any():
        return numbers
    found = cells.text.take(rows).list()
    return Coded.of(
        ("true" if value else "false")
        if yes
        else text
        if one == Form.TEXT
        else None
        if value != value
        else f"{value:g}"
        for text, one, value, yes in zip(found, form.tolist(), number.tolist(), truth.tolist(), strict=True)
    )


def _stale(cells: Cells, rows: Index, stale: frozenset[str]) -> Mask:
    sources = cells.pools["source"].values
    marked = np.array([*(source in stale for source in sources), False])
    found: Mask = marked[cells.codes["source"][rows]]
    return found


def _shapes(view: _View, table: Table, cells: Cells, rows: Index) -> list[_Part]:
    """Polygons, then lines, so that lines lie above; clipped to the tile."""
    texts = cells.text.take(rows).list()
    geometries = shapely.from_geojson([text or "" for text in texts], on_invalid="ignore")
    kinds = shapely.get_type_id(geometries)
    edge = shapely.box(-_BUFFER, -_BUFFER, EXTENT + _BUFFER, EXTENT + _BUFFER)
    parts = []
    for group in ((3, 6), (1, 5)):
        chosen = np.flatnonzero(np.isin(kinds, group))
        if not len(chosen):
            continue
        moved = shapely.transform(shapely.force_2d(geometries[chosen]), lambda pairs: _moved(pairs, view.place))
        clipped = shapely.intersection(shapely.make_valid(moved), edge)
        same = np.isin(shapely.get_type_id(clipped), group) & ~shapely.is_empty(clipped)
        if same.any():
            drawing, kept = draw_shapes(clipped[same])
            parts.append(_part(view, table, cells, rows[chosen[same]][kept], drawing))
    return parts


def _moved(pairs: np.ndarray, place: tuple[int, int, int]) -> np.ndarray:
    x, y = project(pairs[:, 0], pairs[:, 1], place)
    return np.stack([x, y], axis=1)


def project(lon: F8, lat: F8, place: tuple[int, int, int]) -> tuple[F8, F8]:
    """Degrees to coordinates of the tile z, x, y (Web Mercator).

    >>> [part.tolist() for part in project(np.array([0.0]), np.array([0.0]), (0, 0, 0))]
    [[2048.0], [2048.0]]
    """
    zoom, x, y = place
    side = 2.0**zoom
    sine = np.sin(np.radians(np.clip(lat, -_LIMIT_LAT, _LIMIT_LAT)))
    across = (lon / 360.0 + 0.5) * side - x
    down = (0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * side - y
    return across * EXTENT, down * EXTENT


def bounds(zoom: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile with its buffer, in degrees."""
    margin = _BUFFER / EXTENT
    side = 2.0**zoom
    west, east = ((x - margin) / side - 0.5) * 360, ((x + 1 + margin) / side - 0.5) * 360
    north, south = _latitude((y - margin) / side), _latitude((y + 1 + margin) / side)
    return west, south, east, north


def _latitude(down: float) -> float:
    return float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * down)))))


def thinned(x: F8, y: F8) -> Index:
    """One point of each small cell of the tile, the last in the table."""
    cell = (np.floor(x * _THINNED / EXTENT) * 4 * _THINNED + np.floor(y * _THINNED / EXTENT)).astype(np.int64)
    _, kept = np.unique(cell[::-1], return_index=True)
    return np.sort(len(x) - 1 - kept)
