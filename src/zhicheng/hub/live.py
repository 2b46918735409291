"""What a layer of the map shows, as columns by entity; taken from a state, and brought up to another."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from zhicheng.hub.excerpt import Excerpt
from zhicheng.hub.query import read_sub
from zhicheng.hub.shown import shown_of
from zhicheng.kernel.columns import F8, I1, I4, I8, Index, Mask
from zhicheng.kernel.instants import ABSENT, SECOND
from zhicheng.standards.changes import Form
from zhicheng.standards.filter import columns, tree
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

Objects = npt.NDArray[np.object_]
_DIGITS = 6
"""Of degrees: a tenth of a metre."""
_LIMIT_LAT = 85.051128779806604


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: entities that fulfil a predicate, their type in it, coloured by an attribute (an IRI).

    The predicate is the one place where a filter of the principal can be joined with that of the layer.
    """

    type: str
    attribute: str | None
    where: Node


@dataclass(slots=True)
class Sight:
    """What is seen of some entities; all columns have one length.

    code: in the directory of the state; x, y: shares of the Web Mercator square, NaN where there is no point
    number, text: the value, NaN and None for the other; at: seconds since 1970; shape: 1 for a line or an area
    """

    code: I4
    id: Objects
    label: Objects
    lon: F8
    lat: F8
    x: F8
    y: F8
    number: F8
    text: Objects
    at: I8
    stale: I1
    shape: I1

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: Index | Mask | I4 | slice) -> Sight:
        """The chosen rows."""
        return Sight(*(getattr(self, name)[rows] for name in COLUMNS))


COLUMNS = tuple(one.name for one in fields(Sight))
_EMPTY: dict[str, tuple[Any, Any]] = {
    "code": (np.int32, -1), "id": (object, None), "label": (object, None), "lon": (float, np.nan),
    "lat": (float, np.nan), "x": (float, np.nan), "y": (float, np.nan), "number": (float, np.nan),
    "text": (object, None), "at": (np.int64, 0), "stale": (np.uint8, 0), "shape": (np.uint8, 0),
}  # fmt: skip
_COMPARED = ("id", "label", "lon", "lat", "text", "at", "stale")


def blank(count: int) -> Sight:
    """So many rows of nothing; a code of -1 says that nothing is there."""
    return Sight(**{name: np.full(count, empty, dtype) for name, (dtype, empty) in _EMPTY.items()})


def sight_of(state: State, look: Look, models: Catalogue, stale: frozenset[str], codes: I4 | None = None) -> Sight:
    """What a state shows of a look: of some entities, or of all. Call with the state's lock held."""
    test = columns.compile(look.where, read_sub)
    parts = []
    for table in state.tables_of([look.type]):
        if not table.living or not tree.possible(look.where, table.types):
            continue
        rows = _rows_of(state, table, codes)
        if len(rows):
            rows = rows[test(Excerpt(table, rows))]
            parts.append(_seen(table, rows, look, models, stale))
    if not parts:
        return blank(0)
    return parts[0] if len(parts) == 1 else Sight(*map(np.concatenate, zip(*map(_columns, parts), strict=True)))


def _columns(sight: Sight) -> list[npt.NDArray[Any]]:
    return [getattr(sight, name) for name in COLUMNS]


def _rows_of(state: State, table: Table, codes: I4 | None) -> Index:
    if codes is None:
        return np.flatnonzero(table.alive)
    own = codes[state.directory.table[codes] == state.table(table.types)]
    found: Index = state.directory.row[own].astype(np.intp)
    return found


def _seen(table: Table, rows: Index, look: Look, models: Catalogue, stale: frozenset[str]) -> Sight:
    shown = shown_of(models, table.types)
    sight = blank(len(rows))
    sight.code = table.entity[rows]
    sight.id[:] = table.directory.names(sight.code)
    for name in shown.labels:
        _fill_labels(sight.label, table.columns.get((name, None)), rows)
    place = table.columns.get((shown.location, None))
    if place is not None and place.boxes is not None:
        _place(sight, place, rows)
        _tell(sight, place, rows, np.arange(len(rows)), stale)
    value = None if look.attribute is None else table.columns.get((look.attribute, None))
    if value is not None:
        present = np.flatnonzero(value.form[rows])
        _tell(sight, value, rows[present], present, stale)
        _value(sight, value, rows)
    return sight


def _fill_labels(labels: Objects, cells: Cells | None, rows: Index) -> None:
    """The texts of a column, where there is none yet."""
    if cells is None or not len(rows):
        return
    lacking = np.flatnonzero((labels == None) & (cells.kind[rows] == Kind.PROPERTY))  # noqa: E711  (element by element)
    if len(lacking):
        labels[lacking] = cells.text.take(rows[lacking]).list()


def _place(sight: Sight, cells: Cells, rows: Index) -> None:
    west, south, east, north = (side[rows] for side in cells.bounds())
    point = (west == east) & (south == north)
    sight.shape[:] = ~point & ~np.isnan(west)
    sight.lon[point], sight.lat[point] = np.round(west[point], _DIGITS), np.round(south[point], _DIGITS)
    sight.x, sight.y = mercator(sight.lon, sight.lat)


def _tell(sight: Sight, cells: Cells, rows: Index, at: Index, stale: frozenset[str]) -> None:
    """When the value in some rows of the table was observed, and whether its source is out of date."""
    observed = cells.observed_at[rows]
    sight.at[at] = np.where(observed == ABSENT, cells.modified_at[rows], observed) // SECOND
    marked = np.array([*(source in stale for source in cells.pools["source"].values), False])
    sight.stale[at] = marked[cells.codes["source"][rows]]


def _value(sight: Sight, cells: Cells, rows: Index) -> None:
    """Numbers as such; texts, and whether something is so, as text; nothing of lists and objects."""
    form = cells.form[rows]
    number = form == Form.NUMBER
    sight.number[number] = cells.number[rows[number]]
    text = np.flatnonzero(form == Form.TEXT)
    sight.text[text] = cells.text.take(rows[text]).list()
    truth = np.flatnonzero(form == Form.BOOLEAN)
    sight.text[truth] = np.where(cells.number[rows[truth]] > 0, "true", "false")


def mercator(lon: F8, lat: F8) -> tuple[F8, F8]:
    """Degrees to shares of the Web Mercator square, from its north-west.

    >>> [part.tolist() for part in mercator(np.array([0.0]), np.array([0.0]))]
    [[0.5], [0.5]]
    """
    sine = np.sin(np.radians(np.clip(lat, -_LIMIT_LAT, _LIMIT_LAT)))
    return lon / 360.0 + 0.5, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)


@dataclass(frozen=True, slots=True)
class Step:
    """What an update changed: entities by code, what was seen of each before and what is seen now (code -1: nothing).

    shapes: whether a line or an area is among them
    """

    codes: I4
    before: Sight
    after: Sight
    shapes: bool


class Picture:
    """What is seen of a look, by entity code, as of a position of the log."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.position = 0
        self.seen = blank(64)
        self.changed_at: I8 = np.zeros(64, np.int64)

    @property
    def here(self) -> Index:
        """The codes of all that is seen."""
        return np.flatnonzero(self.seen.code >= 0)

    def candidates(self, state: State) -> I4:
        """The entities that may look otherwise by now. Call with the state's lock held."""
        directory, count = state.directory, len(state.directory.ids)
        touched = directory.version[:count] > self.position
        known = min(count, len(self.seen))
        touched[:known] |= (self.seen.code[:known] >= 0) & (directory.table[:known] < 0)
        return np.flatnonzero(touched).astype(np.int32)

    def update(self, codes: I4 | None, now: Sight, position: int) -> Step:
        """Take in what is seen of some entities (None: of all) at a position; gives what that changed."""
        self.position = position
        if codes is None:
            codes = np.union1d(self.here, now.code).astype(np.int32)
        if not len(codes):
            return Step(codes, blank(0), blank(0), False)
        self._reserve(int(codes.max()) + 1)
        before = self.seen.take(codes)
        after = blank(len(codes))
        places = np.searchsorted(codes, now.code)
        for name in COLUMNS:
            getattr(after, name)[places] = getattr(now, name)
        differs = _differ(before, after)
        codes, before, after = codes[differs], before.take(differs), after.take(differs)
        for name in COLUMNS:
            getattr(self.seen, name)[codes] = getattr(after, name)
        self.changed_at[codes] = position
        return Step(codes, before, after, bool((before.shape | after.shape).any()))

    def _reserve(self, count: int) -> None:
        size = len(self.seen)
        if count <= size:
            return
        more = blank(max(count, 2 * size) - size)
        self.seen = Sight(*map(np.concatenate, zip(_columns(self.seen), _columns(more), strict=True)))
        self.changed_at = np.concatenate([self.changed_at, np.zeros(len(more), np.int64)])


def _differ(one: Sight, other: Sight) -> Mask:
    found: Mask = (one.code >= 0) != (other.code >= 0)
    for name in _COMPARED:
        left, right = getattr(one, name), getattr(other, name)
        found |= (left != right) & ~((left != left) & (right != right))
    found |= (one.number != other.number) & ~(np.isnan(one.number) & np.isnan(other.number))
    found |= (one.shape | other.shape) > 0
    return found
