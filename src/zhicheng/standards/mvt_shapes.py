"""Lines and polygons for vector tiles: Shapely's ragged arrays turned into cursor movements, column-wise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from zhicheng.kernel.columns import F8, I8, Coded, Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.mvt import EXTENT, MOVE_TO_ONE, U8, Column, Drawing, Drawn, encode_layer, whole, zigzag

Shapes: TypeAlias = Sequence[shapely.Geometry] | npt.NDArray[np.object_]

LINE_TO = 2
CLOSE_PATH = 15
_LEAST_POINTS = {Drawn.LINE: 2, Drawn.POLYGON: 3}


def encode_shapes(
    name: str,
    shapes: Shapes,
    ids: U8 | None = None,
    properties: Mapping[str, Column] | None = None,
    extent: int = EXTENT,
) -> bytes:
    """A layer of (multi) lines or (multi) polygons, not mixed, already in tile coordinates and clipped.

    What vanishes when rounded to whole coordinates (a line of one point, a ring of two) is left out,
    and so is a feature of which nothing is left. Rings are turned as the standard asks.

    >>> encode_shapes("l", [shapely.LineString([(2, 2), (2, 10), (10, 10)])]).hex(" ")
    '1a 16 0a 01 6c 12 0c 18 02 22 08 09 04 04 12 00 10 10 00 28 80 20 78 02'
    """
    if not len(shapes):
        return b""
    drawing, kept = draw_shapes(shapes)
    columns = {key: _take(column, kept) for key, column in (properties or {}).items()}
    chosen = None if ids is None else ids[kept]
    return encode_layer(name, drawing.drawn, drawing.commands, drawing.counts, chosen, columns, extent)


def draw_shapes(shapes: Shapes) -> tuple[Drawing, Index]:
    """(Multi) lines or (multi) polygons, not mixed; and which of them are left once rounded."""
    drawn, points, feature, outer, part = _parts(shapes)
    commands, counts = _draw(drawn, whole(points[:, 0]), whole(points[:, 1]), part, feature, outer, len(shapes))
    kept = np.flatnonzero(counts)
    return Drawing(drawn, commands, counts[kept]), kept


def _take(column: Column, rows: Index) -> Column:
    return column.take(rows) if isinstance(column, Coded) else column[rows]


def _parts(shapes: Shapes) -> tuple[Drawn, F8, I8, Mask, I8]:
    """Kind; all points; of each part (line or ring) its feature, whether it is an outer ring, and its point count."""
    kind, points, offsets = shapely.to_ragged_array(np.asarray(shapes, object), include_z=False)
    steps = [np.diff(level).astype(np.int64) for level in offsets]
    if kind.name in ("LINESTRING", "MULTILINESTRING"):
        lines = steps[1] if kind.name == "MULTILINESTRING" else np.ones(len(steps[0]), np.int64)
        return Drawn.LINE, points, np.repeat(np.arange(len(lines)), lines), np.ones(len(steps[0]), np.bool_), steps[0]
    if kind.name in ("POLYGON", "MULTIPOLYGON"):
        polygons = steps[2] if kind.name == "MULTIPOLYGON" else np.ones(len(steps[1]), np.int64)
        outer = np.zeros(len(steps[0]), np.bool_)
        outer[offsets[1][:-1][steps[1] > 0]] = True
        feature = np.repeat(np.repeat(np.arange(len(polygons)), polygons), steps[1])
        return Drawn.POLYGON, points, feature, outer, steps[0]
    raise Invalid(f"{kind.name} is drawn by encode_points", f"{kind.name} 应由 encode_points 绘制")


def _draw(drawn: Drawn, x: I8, y: I8, part: I8, feature: I8, outer: Mask, count: int) -> tuple[U8, I8]:
    """Drawing commands of all features, and how many integers each of the `count` features has."""
    owner = np.repeat(np.arange(len(part)), part)
    if drawn is Drawn.POLYGON:
        x, y, owner = _opened(x, y, owner, part)
    fresh = np.ones(len(x), np.bool_)
    fresh[1:] = (owner[1:] != owner[:-1]) | (x[1:] != x[:-1]) | (y[1:] != y[:-1])
    x, y, owner = x[fresh], y[fresh], owner[fresh]
    if drawn is Drawn.POLYGON:
        area = _areas(x, y, owner, len(part))
        x, y = _turned(x, y, owner, (area < 0) == outer)
        enough = area != 0
    else:
        enough = np.ones(len(part), np.bool_)
    enough &= np.bincount(owner, minlength=len(part)) >= _LEAST_POINTS[drawn]
    hole = ~outer
    enough[hole] &= enough[np.maximum.accumulate(np.where(outer, np.arange(len(part)), 0))[hole]]
    keep = enough[owner]
    x, y, owner = x[keep], y[keep], owner[keep]
    return _commands(drawn, x, y, owner, feature, count)


def _opened(x: I8, y: I8, owner: I8, part: I8) -> tuple[I8, I8, I8]:
    """Rings without the last point, which repeats the first (after rounding, the one before it may too)."""
    keep = np.ones(len(x), np.bool_)
    keep[(np.cumsum(part) - 1)[part > 0]] = False
    x, y, owner = x[keep], y[keep], owner[keep]
    while len(x):
        start, stop = _runs(owner)
        again = (x[start] == x[stop]) & (y[start] == y[stop]) & (start < stop)
        if not again.any():
            break
        keep = np.ones(len(x), np.bool_)
        keep[stop[again]] = False
        x, y, owner = x[keep], y[keep], owner[keep]
    return x, y, owner


def _runs(owner: I8) -> tuple[Index, Index]:
    """First and last index of each run of equal owners."""
    breaks = np.flatnonzero(np.diff(owner))
    return np.concatenate(([0], breaks + 1)), np.concatenate((breaks, [len(owner) - 1]))


def _areas(x: I8, y: I8, owner: I8, parts: int) -> F8:
    """Twice the signed area of each ring by the surveyor's formula; positive is clockwise on the screen (y down)."""
    if not len(x):
        return np.zeros(parts)
    start, stop = _runs(owner)
    after = np.arange(1, len(x) + 1)
    after[stop] = start
    crossed = (x * y[after] - x[after] * y).astype(np.float64)
    return np.bincount(owner, weights=crossed, minlength=parts).astype(np.float64)


def _turned(x: I8, y: I8, owner: I8, wrong: Mask) -> tuple[I8, I8]:
    """The rings of which `wrong` is true, backwards."""
    if not len(x):
        return x, y
    start, stop = _runs(owner)
    length = stop - start + 1
    mirror = np.repeat(start + stop, length) - np.arange(len(x))
    order = np.where(wrong[owner], mirror, np.arange(len(x)))
    return x[order], y[order]


def _commands(drawn: Drawn, x: I8, y: I8, owner: I8, feature: I8, count: int) -> tuple[U8, I8]:
    """MoveTo, LineTo and ClosePath of parts that are all long enough; the cursor starts anew with each feature."""
    if not len(x):
        return np.zeros(0, np.uint64), np.zeros(count, np.int64)
    start, stop = _runs(owner)
    closing = int(drawn is Drawn.POLYGON)
    length = stop - start + 1
    size = 2 * length + 2 + closing
    begin = np.cumsum(size) - size
    whose = feature[owner]
    same = np.concatenate(([False], whose[1:] == whose[:-1]))
    dx, dy = x - np.where(same, np.roll(x, 1), 0), y - np.where(same, np.roll(y, 1), 0)
    within = np.arange(len(x)) - np.repeat(start, length)
    place = np.repeat(begin, length) + 1 + 2 * within + (within > 0)
    out = np.empty(int(size.sum()), np.int64)
    out[begin] = MOVE_TO_ONE
    out[begin + 3] = LINE_TO | (length - 1) << 3
    if closing:
        out[begin + size - 1] = CLOSE_PATH
    out[place], out[place + 1] = zigzag(dx), zigzag(dy)
    counts = np.bincount(feature[owner[start]], weights=size, minlength=count).astype(np.int64)
    return out.astype(np.uint64), counts
