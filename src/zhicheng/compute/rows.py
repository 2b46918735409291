"""What an application is given and what it gives: rows of the log as columns, and values to write as changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import orjson

from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.kernel.columns import Rows as Chosen
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind

GONE = -1
"""The attribute code of a row that says that its whole entity was removed."""


@dataclass(slots=True)
class Rows:
    """Rows of the log in log order, whole commits at a time; all columns have one length.

    type, attribute: short names as the application declared them; attribute is nothing where the entity was removed
    number: NaN unless the value is a number or a truth value; text: strings, URIs, JSON (GeoJSON among it)
    form: `Form` of the value, NOTHING for a removal; sub: JSON of the sub-attributes
    at: effective time, observed_at or else recorded_at, microseconds
    recorded_at, position: when and where it entered the log; rows of one commit share their position
    late: an older reading than one of the same entity, attribute and dataset that came before it
    """

    entity: Coded
    type: Coded
    attribute: Coded
    dataset: Coded
    form: I1
    number: F8
    text: Coded
    unit: Coded
    sub: Coded
    at: I8
    recorded_at: I8
    position: I8
    late: Mask

    def __len__(self) -> int:
        return len(self.at)

    @property
    def removed(self) -> Mask:
        """Rows that take an attribute, or (attribute nothing) the entity, away."""
        removed: Mask = self.form == Form.NOTHING
        return removed

    @property
    def gone(self) -> Mask:
        """Rows that say that the whole entity was removed."""
        gone: Mask = self.attribute.codes == GONE
        return gone

    def take(self, rows: Chosen) -> Rows:
        """The chosen rows."""
        columns: dict[str, Any] = {name: _taken(getattr(self, name), rows) for name in COLUMNS}
        return Rows(**columns)

    def has(self, *attributes: str) -> Mask:
        """Rows of one of the attributes."""
        wanted = np.array([*(value in attributes for value in self.attribute.values), False])
        found: Mask = wanted[self.attribute.codes]
        return found

    def of(self, *attributes: str) -> Rows:
        """The rows with a value of one of the attributes (removals are left out)."""
        return self.take(self.has(*attributes) & ~self.removed)

    def of_type(self, name: str) -> Rows:
        """The rows of entities of a type."""
        wanted = np.array([*(value == name for value in self.type.values), False])
        return self.take(wanted[self.type.codes])

    def commits(self) -> Iterator[Rows]:
        """The rows of one commit after another."""
        borders = [0, *(np.flatnonzero(np.diff(self.position)) + 1).tolist(), len(self)]
        return (self.take(slice(start, end)) for start, end in pairwise(borders) if end > start)

    def lives(self) -> Iterator[tuple[Rows, Coded]]:
        """The rows cut where an entity is removed: a piece, and what is to be forgotten after it."""
        borders = [0, *(np.flatnonzero(self.gone) + 1).tolist(), len(self)]
        for start, end in pairwise(borders):
            if end > start:
                piece = self.take(slice(start, end))
                yield piece, piece.entity.take(piece.gone)

    def points(self) -> tuple[F8, F8]:
        """Longitude and latitude of each row's GeoJSON point; NaN where it is none."""
        text = self.text.compact()
        known = np.array([*map(_point, text.values), (np.nan, np.nan)])[text.codes]
        return known[:, 0], known[:, 1]

    def wide(self, *attributes: str) -> Wide:
        """One line for what one commit says of an entity at an instant, with a column an attribute.

        Lines in the order of their first rows. Where a commit says a thing twice, the later counts.
        """
        rows = self.take(self.has(*attributes) & ~self.removed)
        line, first = _lines(rows)
        heads = rows.take(first)
        wide = Wide(heads, {}, {})
        for name in attributes:
            own = np.flatnonzero(rows.has(name))
            numbers = np.full(len(first), np.nan)
            numbers[line[own]] = rows.number[own]
            codes = np.full(len(first), -1, np.int32)
            codes[line[own]] = rows.text.codes[own]
            wide.number[name] = numbers
            wide.text[name] = Coded(rows.text.values, codes)
        return wide


COLUMNS = tuple(column.name for column in fields(Rows))


@dataclass(frozen=True, slots=True)
class Wide:
    """Lines with a column an attribute: `number[name]` (NaN for nothing) and `text[name]`.

    rows: for each line its first row, for entity, at, recorded_at, position, late
    """

    rows: Rows
    number: dict[str, F8]
    text: dict[str, Coded]

    def __len__(self) -> int:
        return len(self.rows)

    def rounds(self) -> Iterator[Index]:
        """Lines in turns: of each entity the one of the earliest instant, then each one's second, and so on."""
        order = np.lexsort((self.rows.at, self.rows.entity.codes))
        codes = self.rows.entity.codes[order]
        first = np.flatnonzero(np.diff(codes, prepend=-2))
        turn = np.empty(len(order), np.intp)
        turn[order] = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
        return (np.flatnonzero(turn == one) for one in range(int(turn.max(initial=-1)) + 1))


def _taken(column: Coded | I8, rows: Chosen) -> Coded | I8:
    return column.take(rows) if isinstance(column, Coded) else column[rows]


def _lines(rows: Rows) -> tuple[Index, Index]:
    """For each row its line (commit, entity, instant), and for each line its first row."""
    if not len(rows):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    order = np.lexsort((rows.at, rows.entity.codes, rows.position))
    new = np.ones(len(rows), bool)
    new[1:] = (np.diff(rows.position[order]) != 0) | (np.diff(rows.entity.codes[order]) != 0)
    new[1:] |= np.diff(rows.at[order]) != 0
    first = order[new]
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    line = np.empty(len(rows), np.intp)
    line[order] = rank[np.cumsum(new) - 1]
    return line, np.sort(first)


def _point(text: str) -> tuple[float, float]:
    try:
        shape = orjson.loads(text)
        longitude, latitude = shape["coordinates"][:2]
        return float(longitude), float(latitude)
    except (ValueError, TypeError, KeyError):
        return np.nan, np.nan


def emit(
    entity: Coded,
    attribute: str,
    at: I8,
    number: F8 | None = None,
    text: Coded | None = None,
    *,
    form: Form | None = None,
    sub: Coded | None = None,
    dataset: str | None = None,
) -> Changes:
    """Values to write, one a row: the attribute by its short name, as of `at` (microseconds).

    A number where it is one, else the text, else nothing is said of the row.
    form: TEXT unless told otherwise: JSON for GeoJSON, lists and objects, BOOLEAN for numbers 0 and 1
    sub: sub-attributes, as `subs` makes them. Kind and unit come from the declaration.

    >>> emit(Coded.of(["urn:a", "urn:b"]), "occupancy", np.array([0, 0]), np.array([0.5, np.nan])).number.tolist()
    [0.5]
    """
    count = len(entity)
    changes = Changes.of_readings(entity, Coded.constant(attribute, count), np.asarray(at, np.int64), number, text)
    if form is not None:
        changes.form = np.where(changes.form == Form.NOTHING, Form.NOTHING, form).astype(np.uint8)
    if sub is not None:
        changes.sub = sub
    if dataset is not None:
        changes.dataset = Coded.constant(dataset, count)
    said = changes.form != Form.NOTHING
    return changes if said.all() else changes.take(said)


def in_order(parts: Sequence[tuple[Index, Changes]]) -> Changes:
    """Values in the order of the readings that they came of (their places); of one reading, in the order of the parts.

    >>> one, other = (emit(Coded.of(["urn:a"] * 2), name, np.zeros(2), np.zeros(2)) for name in ("x", "y"))
    >>> in_order([(np.array([0, 2]), one), (np.array([0, 1]), other)]).attribute.list()
    ['x', 'y', 'y', 'x']
    """
    order = np.argsort(np.concatenate([place for place, _ in parts]), kind="stable")
    return Changes.concat([changes for _, changes in parts]).take(order)


def withdraw(entity: Coded, attribute: str, at: I8) -> Changes:
    """Attributes taken away again: from `at` on there is no value."""
    column = Coded.constant(attribute, len(entity))
    return Changes.of_readings(entity, column, np.asarray(at, np.int64), act=Act.REMOVE)


def retire(entity: Coded, at: I8) -> Changes:
    """Removals of entities that the application made itself."""
    count = len(entity)
    changes = Changes.of_readings(entity, Coded.constant(None, count), np.asarray(at, np.int64), act=Act.REMOVE)
    changes.kind = np.full(count, Kind.LIFE, np.uint8)
    return changes


def nothing() -> Changes:
    """No values to write."""
    return ChangesBuilder().build()


def subs(columns: Mapping[str, F8 | Mask | Coded]) -> Coded:
    """Sub-attributes as a column: short name -> number, truth value or text of each row; NaN and nothing are left out.

    >>> subs({"low": np.array([1.5, np.nan])}).list()
    ['{"urn:zhicheng:ns:low":[{"type":"Property","value":1.5}]}', None]
    """
    named = sorted((iri(name), column) for name, column in columns.items())
    listed = [(name, _listed(column)) for name, column in named]
    rows = zip(*(values for _, values in listed), strict=True)
    return Coded.of([_sub_text([name for name, _ in listed], row) for row in rows])


def _listed(column: F8 | Mask | Coded) -> list[object]:
    if isinstance(column, Coded):
        return list(column.list())
    if column.dtype == np.bool_:
        return list(column.tolist())
    return [None if value != value else _whole(value) for value in column.tolist()]


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _sub_text(names: list[str], row: tuple[object, ...]) -> str | None:
    said = {
        name: [{"type": "Property", "value": value}]
        for name, value in zip(names, row, strict=True)
        if value is not None
    }
    return orjson.dumps(said).decode() if said else None


def joined(first: Coded, second: Coded, separator: str = "|") -> Coded:
    """Two columns as one of composite keys; nothing where either is nothing.

    >>> joined(Coded.of(["a", "b", "a"]), Coded.of(["x", None, "x"])).list()
    ['a|x', None, 'a|x']
    """
    width = len(second.values) + 1
    pairs = first.codes.astype(np.int64) * width + second.codes
    pairs[(first.codes < 0) | (second.codes < 0)] = -1
    distinct, place = np.unique(pairs, return_inverse=True)
    texts = [
        None if pair < 0 else f"{first.values[pair // width]}{separator}{second.values[pair % width]}"
        for pair in distinct.tolist()
    ]
    values = [text for text in texts if text is not None]
    codes = np.arange(len(texts)) - (len(texts) - len(values))
    return Coded(values, np.where(distinct < 0, -1, codes).astype(np.int32)[place])
