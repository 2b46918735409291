"""Places by name: what the base map calls by a name that holds a text, each name once. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from zhicheng.kernel.geometry import from_tile
from zhicheng.server.portals.basemap_tiles import BaseMap, Layer

_ORDER = ("place", "green", "water", "road", "building", "land")
"""Layers, those first whose names people ask for."""
_CLASSES = {"city": 0, "town": 1, "suburb": 2, "village": 3}
Found = tuple[tuple[int, int, int], dict[str, object]]


def named(base: BaseMap, text: str, most: int) -> list[dict[str, object]]:
    """At most so many, those first whose name is the text, then those that begin with it; shorter names first."""
    text = text.casefold()
    layers = sorted(base.layers, key=lambda layer: _ORDER.index(layer.name))
    found = [one for layer in layers for one in _named(layer, text)]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])[:most]]


def _named(layer: Layer, text: str) -> Iterator[Found]:
    """Of several features of one name, as the parts of a road, the one in the middle stands for all."""
    name, other = layer.columns["name"], layer.columns["name_en"]
    fits = _fitting(name.values, text)[name.codes] | _fitting(other.values, text)[other.codes]
    for code in np.unique(name.codes[fits & (name.codes >= 0)]):
        rows = np.flatnonzero(fits & (name.codes == code))
        row = int(rows[len(rows) // 2])
        place = shapely.point_on_surface(layer.shapes[row])
        lon, lat = (round(float(one), 6) for one in from_tile(place.x, place.y, 0))
        words = [word for word in (name[row], other[row]) if word]
        rank = min(_rank(word.casefold(), text) for word in words)
        kind = layer.columns["class"][row] or ""
        yield (
            (rank, _CLASSES.get(kind, 9), len(words[0])),
            {"name": name[row], "name_en": other[row], "layer": layer.name, "class": kind, "lon": lon, "lat": lat},
        )


def _fitting(names: list[str], text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each name whether it holds the text; the last is for rows without a name."""
    return np.array([*(text in name.casefold() for name in names), False])


def _rank(name: str, text: str) -> int:
    return 0 if name == text else 1 if name.startswith(text) else 2 if text in name else 3
