"""Vector tiles (Mapbox Vector Tile 2.1) written from columns: thousands of points a tile, without a loop per feature.

A tile is the concatenation of its layers, so each function here returns one layer and `b"".join(layers)` is the tile.
Coordinates are tile coordinates: 0..extent from the tile's north-west corner, y downwards; a little outside is allowed.

Source: https://github.com/mapbox/vector-tile-spec/tree/master/2.1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from zhicheng.kernel.columns import F8, I8, Coded, Mask
from zhicheng.kernel.errors import Invalid

EXTENT = 4096
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

U1: TypeAlias = npt.NDArray[np.uint8]
U8: TypeAlias = npt.NDArray[np.uint64]
Column: TypeAlias = Coded | F8 | Mask
"""A property: text (-1 is absent), number (NaN is absent) or truth value."""


class Drawn(IntEnum):
    """How the commands of a layer's features are drawn (GeomType)."""

    POINT = 1
    LINE = 2
    POLYGON = 3


MOVE_TO_ONE = 9
_EXACT = 2.0**53


def encode_points(
    name: str,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    ids: U8 | None = None,
    properties: Mapping[str, Column] | None = None,
    extent: int = EXTENT,
) -> bytes:
    """A layer of points, one feature a row; b"" when there is none.

    >>> encode_points("p", np.array([1.0]), np.array([2.0])).hex(" ")
    '1a 11 0a 01 70 12 07 18 01 22 03 09 02 04 28 80 20 78 02'
    """
    drawing = draw_points(x, y)
    return encode_layer(name, drawing.drawn, drawing.commands, drawing.counts, ids, properties, extent)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Features drawn: what each is, the commands of all, and how many integers of them each has."""

    drawn: Drawn | U1
    commands: U8
    counts: I8

    @staticmethod
    def concat(parts: Sequence[Drawing]) -> Drawing:
        """All of them, in order: a layer may hold points, lines and polygons side by side."""
        kinds = [np.broadcast_to(np.asarray(part.drawn, np.uint8), len(part.counts)) for part in parts]
        commands, counts = [part.commands for part in parts], [part.counts for part in parts]
        return Drawing(np.concatenate(kinds), np.concatenate(commands), np.concatenate(counts))


def draw_points(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> Drawing:
    """Points, one feature each.

    >>> draw_points(np.array([1.0]), np.array([2.0])).commands.tolist()
    [9, 2, 4]
    """
    commands = np.empty((len(x), 3), np.int64)
    commands[:, 0] = MOVE_TO_ONE
    commands[:, 1] = zigzag(whole(x))
    commands[:, 2] = zigzag(whole(y))
    return Drawing(Drawn.POINT, commands.ravel().astype(np.uint64), np.full(len(x), 3, np.int64))


def encode_layer(
    name: str,
    drawn: Drawn | U1,
    commands: U8,
    counts: I8,
    ids: U8 | None = None,
    properties: Mapping[str, Column] | None = None,
    extent: int = EXTENT,
) -> bytes:
    """A layer from drawing commands as the standard encodes them; feature i has the next `counts[i]` integers.

    drawn: what all features are, or each of them. Names of layers must differ within a tile.
    """
    count = len(counts)
    columns = dict(properties or {})
    for key, column in [*columns.items(), *([("id", ids)] if ids is not None else [])]:
        if len(column) != count:
            raise Invalid(
                f"Property {key!r} has {len(column)} rows, the layer has {count} features",
                f"属性 {key!r} 有 {len(column)} 行，而图层有 {count} 个要素",
            )
    if not count:
        return b""
    tags, values = _tags(columns, count)
    layer = b"".join(
        (
            _text(0x0A, name),
            _features(drawn, commands, counts, ids, tags),
            *(_text(0x1A, key) for key in columns),
            *values,
            b"\x28" + varint(extent),
            b"\x78\x02",
        )
    )
    return b"\x1a" + varint(len(layer)) + layer


def varint(number: int) -> bytes:
    """One unsigned integer as protobuf writes it.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(numbers: I8) -> I8:
    """Signed integers as unsigned ones, small where they are near zero.

    >>> zigzag(np.array([0, -1, 1, -2])).tolist()
    [0, 1, 2, 3]
    """
    folded: I8 = np.bitwise_xor(numbers << 1, numbers >> 63)
    return folded


def whole(numbers: npt.NDArray[Any]) -> I8:
    """Coordinates as integers; refused if not finite or so large that areas would overflow."""
    rounded = np.rint(numbers)
    if not np.all(np.abs(rounded) < 2**30):
        raise Invalid("A tile coordinate is not a number, or too large", "瓦片坐标不是数字或超出范围")
    integers: I8 = rounded.astype(np.int64)
    return integers


def _text(tag: int, text: str) -> bytes:
    raw = text.encode()
    return bytes((tag,)) + varint(len(raw)) + raw


# Features: every byte of a feature belongs to a varint, so all are placed by two scatters, head and commands.


def _sizes(numbers: U8) -> npt.NDArray[np.int64]:
    """Bytes each number takes as a varint."""
    sizes = np.ones(numbers.shape, np.int64)
    limit, largest = 7, int(numbers.max(initial=0))
    while largest >> limit:
        sizes += numbers >= np.uint64(1 << limit)
        limit += 7
    return sizes


def _scatter(out: U1, places: I8, numbers: U8, sizes: I8) -> None:
    """Write each number as a varint of `sizes` bytes (0: not at all) at its place."""
    here = np.flatnonzero(sizes)
    places, numbers, sizes = places.ravel()[here], numbers.ravel()[here], sizes.ravel()[here]
    while True:
        more = sizes > 1
        out[places] = (numbers & np.uint64(0x7F)).astype(np.uint8) | (more.view(np.uint8) << 7)
        rest = np.flatnonzero(more)
        if not len(rest):
            return
        places, numbers, sizes = places[rest] + 1, numbers[rest] >> np.uint64(7), sizes[rest] - 1


def _features(drawn: Drawn | U1, commands: U8, counts: I8, ids: U8 | None, tags: I8) -> bytes:
    """All feature messages of a layer; `tags` holds key and value numbers side by side, -1 where absent.

    Columns of a head: feature, its size; id, its number; tags, their size, the tags; type, kind; geometry, its size.
    """
    count, width = tags.shape
    drawing = _sizes(commands)
    ends = np.cumsum(counts)
    reach = np.concatenate((np.zeros(1, np.int64), np.cumsum(drawing)))
    drawing_size = reach[ends] - reach[ends - counts]

    head = np.empty((count, 10 + width), np.uint64)
    size = np.ones(head.shape, np.int64)
    head[:, 0], head[:, 2], head[:, 4] = 0x12, 0x08, 0x12
    head[:, 6 : 6 + width] = tags.astype(np.uint64)
    head[:, 6 + width], head[:, 7 + width], head[:, 8 + width] = 0x18, drawn, 0x22
    head[:, -1] = drawing_size
    size[:, -1] = _sizes(head[:, -1])
    size[:, 6 : 6 + width] = np.where(tags < 0, 0, _sizes(np.maximum(tags, 0).astype(np.uint64)))
    head[:, 3] = 0 if ids is None else ids
    size[:, 2], size[:, 3] = (0, 0) if ids is None else (1, _sizes(head[:, 3]))
    head[:, 5] = size[:, 6 : 6 + width].sum(axis=1)
    size[:, 5] = np.where(head[:, 5] > 0, _sizes(head[:, 5]), 0)
    size[:, 4] = head[:, 5] > 0
    head[:, 1] = size[:, 2:].sum(axis=1) + drawing_size
    size[:, 1] = _sizes(head[:, 1])

    head_size = size.sum(axis=1)
    start = np.cumsum(head_size + drawing_size) - head_size - drawing_size
    out = np.zeros(int(head_size.sum() + drawing_size.sum()), np.uint8)
    _scatter(out, start[:, None] + np.cumsum(size, axis=1) - size, head, size)
    shift = np.repeat(start + head_size - reach[ends - counts], counts)
    _scatter(out, reach[:-1] + shift, commands, drawing)
    return out.tobytes()


# Properties: a layer keeps each distinct value once; features point to it.


def _tags(columns: Mapping[str, Column], count: int) -> tuple[I8, list[bytes]]:
    """Key and value numbers of every feature (count x 2 per property, -1 absent), and the layer's value messages."""
    tags = np.empty((count, 2 * len(columns)), np.int64)
    values: list[bytes] = []
    for key, column in enumerate(columns.values()):
        codes, found = _coded(column)
        absent = codes < 0
        tags[:, 2 * key] = np.where(absent, -1, key)
        tags[:, 2 * key + 1] = np.where(absent, -1, codes + len(values))
        values += found
    return tags, values


def _coded(column: Column) -> tuple[I8, list[bytes]]:
    if isinstance(column, Coded):
        used, codes = np.unique(column.codes, return_inverse=True)
        first = 1 if used[0] < 0 else 0
        return codes.astype(np.int64) - first, _text_values([column.values[code] for code in used[first:].tolist()])
    if column.dtype == np.bool_:
        return column.astype(np.int64), [b"\x22\x02\x38\x00", b"\x22\x02\x38\x01"]
    distinct, codes = np.unique(column.astype(np.float64), return_inverse=True)
    present = distinct[~np.isnan(distinct)].tolist()
    return np.where(np.isnan(column), -1, codes).astype(np.int64), [_number_value(number) for number in present]


def _text_values(texts: Sequence[str]) -> list[bytes]:
    """Value messages of texts; heads are made once for each length."""
    raw = [text.encode() for text in texts]
    heads = {}
    for length in set(map(len, raw)):
        inner = b"\x0a" + varint(length)
        heads[length] = b"\x22" + varint(len(inner) + length) + inner
    return [heads[len(text)] + text for text in raw]


@lru_cache(maxsize=65536)
def _number_value(number: float) -> bytes:
    """Whole numbers as sint64, others as double."""
    if abs(number) < _EXACT and number.is_integer():
        whole = int(number)
        inner = b"\x30" + varint((whole << 1) ^ (whole >> 63))
    else:
        inner = b"\x19" + np.float64(number).tobytes()
    return b"\x22" + varint(len(inner)) + inner
