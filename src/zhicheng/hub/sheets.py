"""A picture cut into tiles: what to tell those who watch one, of a change, of all, or of what they missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from typing import TypeAlias

import numpy as np

from zhicheng.hub.live import Picture, Sight, Step
from zhicheng.kernel.columns import F8, I8, Index

Told: TypeAlias = dict[str, object]
"""What is told of a tile, by columns: docs/stream.md."""
MOST = 4096
"""Points of a tile; where there are more, it is told as clusters."""
DEEPEST = 18
_GRID = 32
"""Clusters along a side of a tile."""
_TILES = 16
"""The most tiles that a screen is cut into."""
_REMEMBERED = 20_000
_Y = 32


def cover(box: tuple[float, float, float, float], zoom: float) -> tuple[int, frozenset[int]]:
    """The zoom and the numbers of the tiles that hold a box (west, south, east, north): few, none deeper than `zoom`.

    >>> cover((108.2, 22.7, 108.5, 22.9), 12)
    (12, ...
    >>> cover((170.0, -10.0, 190.0, 10.0), 3) == cover((170.0, -10.0, -170.0, 10.0), 3)
    True
    """
    west, south, east, north = box
    if not west <= east <= west + 360:
        east = west + min((east - west) % 360 if east < west else east - west, 360.0)
    deepest = int(max(0, min(zoom, DEEPEST)))
    return next(
        found for z in range(deepest, -1, -1) if len((found := (z, _tiles(west, south, east, north, z)))[1]) <= _TILES
    )


def _tiles(west: float, south: float, east: float, north: float, zoom: int) -> frozenset[int]:
    side = 2**zoom
    top, bottom = (int(np.clip(_down(lat) * side, 0, side - 1)) for lat in (north, south))
    left, right = int(np.floor((west / 360 + 0.5) * side)), int(np.floor((east / 360 + 0.5) * side))
    right = min(right, left + side - 1)
    if (right - left + 1) * (bottom - top + 1) > _TILES:
        return _TOO_MANY
    return frozenset(x % side << _Y | y for x in range(left, right + 1) for y in range(top, bottom + 1))


_TOO_MANY = frozenset(range(_TILES + 1))


def _down(lat: float) -> float:
    sine = float(np.sin(np.radians(min(max(lat, -85.0511), 85.0511))))
    return float(0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi))


def name_of(zoom: int, tile: int) -> str:
    """A tile as people write it.

    >>> name_of(12, 3303 << 32 | 1790)
    '12/3303/1790'
    """
    return f"{zoom}/{tile >> _Y}/{tile & 0xFFFFFFFF}"


class Sheet:
    """A picture at one zoom. `update` must be told every step of the picture."""

    def __init__(self, picture: Picture, zoom: int) -> None:
        self.picture = picture
        self.zoom = zoom
        self.tile = self._numbers(picture.seen)
        tiles, counts = np.unique(self.tile[self.tile >= 0], return_counts=True)
        self._count = dict(zip(tiles.tolist(), counts.tolist(), strict=True))
        self._floor = picture.position
        self._gone: deque[tuple[int, int, str]] = deque()
        self._turned: dict[int, int] = {}

    def _numbers(self, seen: Sight) -> I8:
        """The tile of each row; -1 where there is no point."""
        side = 2**self.zoom
        there = (seen.code >= 0) & ~np.isnan(seen.x)
        found = np.full(len(seen), -1, np.int64)
        x, y = (np.clip(part[there] * side, 0, side - 1).astype(np.int64) for part in (seen.x, seen.y))
        found[there] = x << _Y | y
        return found

    def update(self, step: Step, watched: Collection[int]) -> Iterator[tuple[int, Told]]:
        """Take in a step; gives what to tell those who watch one of these tiles."""
        position = self.picture.position
        if len(self.tile) < len(self.picture.seen):
            more = np.full(len(self.picture.seen) - len(self.tile), -1, np.int64)
            self.tile = np.concatenate([self.tile, more])
        old, new = self.tile[step.codes], self._numbers(step.after)
        self.tile[step.codes] = new
        left = np.flatnonzero((old >= 0) & ((old != new) | (step.before.id != step.after.id)))
        gone: dict[int, list[str]] = {}
        for tile, name in zip(old[left].tolist(), step.before.id[left].tolist(), strict=True):
            gone.setdefault(tile, []).append(name)
            self._gone.append((position, tile, name))
        while len(self._gone) > _REMEMBERED:
            self._floor = self._gone.popleft()[0]
        touched = {*old[old >= 0].tolist(), *new[new >= 0].tolist()}
        turned = self._recount(old, new, position)
        order = np.argsort(new, kind="stable")
        by_tile, after = new[order], step.after.take(order)
        for tile in touched.intersection(watched):
            if tile in turned or self._count.get(tile, 0) > MOST:
                yield tile, self.whole(tile)
            else:
                start, end = np.searchsorted(by_tile, (tile, tile + 1)).tolist()
                yield tile, self._points(tile, after.take(slice(start, end)), gone.get(tile, []), whole=False)

    def _recount(self, old: I8, new: I8, position: int) -> set[int]:
        """Count points anew; gives the tiles that turned from points to clusters or back."""
        turned: set[int] = set()
        moved = old != new
        for numbers, sign in ((old[moved], -1), (new[moved], 1)):
            tiles, counts = np.unique(numbers[numbers >= 0], return_counts=True)
            for tile, count in zip(tiles.tolist(), counts.tolist(), strict=True):
                before = self._count.get(tile, 0)
                self._count[tile] = before + sign * count
                if (before > MOST) != (before + sign * count > MOST):
                    turned ^= {tile}
                    self._turned[tile] = position
        return turned

    def whole(self, tile: int) -> Told:
        """All that lies in a tile."""
        rows = self.picture.seen.take(np.flatnonzero(self.tile == tile))
        if len(rows) > MOST:
            return self._clusters(tile, rows)
        return self._points(tile, rows, [], whole=True)

    def since(self, tile: int, position: int) -> Told | None:
        """What changed in a tile after a position; None where that is not known any more."""
        if not self._floor <= position <= self.picture.position or self._turned.get(tile, 0) > position:
            return None
        if self._count.get(tile, 0) > MOST:
            return None
        codes = np.flatnonzero(self.tile == tile)
        codes = codes[self.picture.changed_at[codes] > position]
        rows = self.picture.seen.take(codes)
        here = set(rows.id.tolist())
        gone = {name for at, where, name in self._gone if at > position and where == tile} - here
        return self._points(tile, rows, sorted(gone), whole=False)

    def _points(self, tile: int, rows: Sight, gone: list[str], *, whole: bool) -> Told:
        return {
            "tile": name_of(self.zoom, tile),
            "whole": whole,
            "id": rows.id.tolist(),
            "label": rows.label.tolist(),
            "lon": rows.lon,
            "lat": rows.lat,
            "value": _values(rows),
            "at": rows.at,
            "stale": rows.stale,
            "gone": gone,
        }

    def _clusters(self, tile: int, rows: Sight) -> Told:
        """The points of each of the tile's small squares as one, at their middle."""
        side = 2.0**self.zoom * _GRID
        square = np.floor(rows.x * side).astype(np.int64) << _Y | np.floor(rows.y * side).astype(np.int64)
        squares, own, count = np.unique(square, return_inverse=True, return_counts=True)
        at = np.zeros(len(squares), np.int64)
        np.maximum.at(at, own, rows.at)
        fresh = np.bincount(own, rows.stale == 0, len(squares)) > 0
        return {
            "tile": name_of(self.zoom, tile),
            "whole": True,
            "id": [""] * len(squares),
            "label": [None] * len(squares),
            "lon": np.round(np.bincount(own, rows.lon) / count, 6),
            "lat": np.round(np.bincount(own, rows.lat) / count, 6),
            "value": _means(rows, own, len(squares)),
            "at": at,
            "stale": (~fresh).astype(np.uint8),
            "count": count,
            "gone": [],
        }


def _values(rows: Sight) -> object:
    """Numbers as they are (NaN is written as null), or a list where there are texts."""
    texts = rows.text.tolist()
    if not any(text is not None for text in texts):
        return rows.number
    numbers = [None if number != number else number for number in rows.number.tolist()]
    return [number if text is None else text for number, text in zip(numbers, texts, strict=True)]


def _means(rows: Sight, own: Index, count: int) -> list[float | str | None]:
    """Of each group the mean of its numbers, else its most frequent text."""
    known = ~np.isnan(rows.number)
    many: F8 = np.bincount(own[known], minlength=count).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(own[known], rows.number[known], count) / many
    texts = rows.text.tolist()
    names = list(dict.fromkeys(text for text in texts if text is not None))
    if not names:
        return [None if mean != mean else mean for mean in means.tolist()]
    number = {name: code for code, name in enumerate(names)}
    code = np.array([number.get(text, -1) for text in texts])
    told = code >= 0
    table = np.bincount(own[told] * len(names) + code[told], minlength=count * len(names)).reshape(count, len(names))
    best: list[int] = table.argmax(axis=1).tolist()
    some: list[bool] = (table.sum(axis=1) > 0).tolist()
    return [
        mean if mean == mean else names[one] if there else None
        for mean, one, there in zip(means.tolist(), best, some, strict=True)
    ]
