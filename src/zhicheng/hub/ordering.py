"""Ordering: rows of tables by the values that paths lead to, column-wise.

Numbers (and booleans as 0 and 1) come before instants, instants before text; what has no value comes last, in either
direction. Of several instances of an attribute the default one decides, else the first that has a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from zhicheng.kernel.columns import F8, I8, Coded, Index, Mask
from zhicheng.kernel.geometry import distance
from zhicheng.standards.changes import Form
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.document import below
from zhicheng.standards.filter.moments import moment
from zhicheng.standards.filter.tree import DEFAULT_INSTANCE, Path
from zhicheng.standards.filter.values import Target, target
from zhicheng.standards.ngsild.model import Json
from zhicheng.storage.cells import Cells
from zhicheng.storage.entities import attribute_at
from zhicheng.storage.live import Table

ID = Path("id")
"""The path that leads to the entity's id."""
_NOTHING, _NUMBER, _INSTANT, _TEXT = -1, 0, 1, 2
Key = tuple[int, float, str | None]


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by the value at a path; `near` (lon, lat) sorts geometries by their distance from there."""

    path: Path
    descending: bool = False
    near: tuple[float, float] | None = None


@dataclass(slots=True)
class _Keys:
    """What rows are compared by: first the group, then number or text."""

    group: I8
    number: F8
    text: Coded

    @classmethod
    def of(cls, keys: Sequence[Key]) -> _Keys:
        group, number, text = zip(*keys, strict=True) if keys else ((), (), ())
        return cls(np.array(group, np.int64), np.array(number, np.float64), Coded.of(text))

    @staticmethod
    def concat(parts: Sequence[_Keys]) -> _Keys:
        group = np.concatenate([part.group for part in parts])
        number = np.concatenate([part.number for part in parts])
        return _Keys(group, number, Coded.concat([part.text for part in parts]))

    def columns(self, *, descending: bool) -> list[I8 | F8 | Mask]:
        """Columns to sort by, the most significant last."""
        names = sorted(range(len(self.text.values)), key=self.text.values.__getitem__)
        ranks = np.zeros(len(names) + 1, np.int64)
        ranks[names] = np.arange(1, len(names) + 1)
        text = ranks[self.text.codes]
        sign = -1 if descending else 1
        return [text * sign, self.number * sign, self.group * sign, self.group == _NOTHING]


def ordered(matches: Sequence[tuple[Table, Index]], orders: Sequence[Order]) -> Index:
    """Which of the rows of all matches, one after another, comes first, second and so on; equal ones stay."""
    keys: list[I8 | F8 | Mask] = []
    for order in reversed(orders):
        found = _Keys.concat([_keys(table, rows, order) for table, rows in matches])
        keys += found.columns(descending=order.descending)
    return np.lexsort(tuple(keys))


def _keys(table: Table, rows: Index, order: Order) -> _Keys:
    path, count = order.path, len(rows)
    member = tree.ENTITY_MEMBERS.get(path.attribute)
    if member is not None:
        instants = table.created_at if member == "createdAt" else table.modified_at
        return _Keys(np.full(count, _INSTANT), instants[rows].astype(np.float64), Coded.constant(None, count))
    if path == ID:
        names = table.directory.names(table.entity[rows])
        return _Keys(np.full(count, _TEXT), np.zeros(count), Coded.of(names))
    found = _Keys(np.full(count, _NOTHING), np.zeros(count), Coded.constant(None, count))
    for cells in _cells(table, path):
        lacking = np.flatnonzero(found.group == _NOTHING)
        if not len(lacking):
            break
        _fill(found, lacking, _keys_of(cells, rows[lacking], order))
    return found


def _cells(table: Table, path: Path) -> list[Cells]:
    """The instances a path speaks of, the default one first."""
    chosen = [
        cells
        for cells in table.cells(path.attribute)
        if path.dataset is None or path.dataset == (cells.dataset or DEFAULT_INSTANCE)
    ]
    return sorted(chosen, key=lambda cells: cells.dataset or "")


def _fill(keys: _Keys, places: Index, found: _Keys) -> None:
    keys.group[places], keys.number[places] = found.group, found.number
    both = Coded.concat([keys.text, found.text])
    codes = both.codes[: len(keys.group)].copy()
    codes[places] = both.codes[len(keys.group) :]
    keys.text = Coded(both.values, codes)


def _keys_of(cells: Cells, rows: Index, order: Order) -> _Keys:
    """The keys that one instance column gives."""
    if order.near is not None:
        west, south, east, north = (side[rows] for side in cells.bounds())
        lon, lat = (np.array(number) for number in order.near)
        far = distance((west + east) / 2, (south + north) / 2, lon, lat)
        there = far == far
        group = np.where(there, _NUMBER, _NOTHING)
        return _Keys(group, np.where(there, far, 0.0), Coded.constant(None, len(rows)))
    if order.path.sub or order.path.trail:
        return _Keys.of([_key_within(cells, row, order.path) for row in rows.tolist()])
    return _plain(cells, rows)


def _plain(cells: Cells, rows: Index) -> _Keys:
    """The attribute's own values; each distinct text is looked at once."""
    form, kind = cells.form[rows], cells.kind[rows]
    numeric = (form == Form.NUMBER) | (form == Form.BOOLEAN)
    found = _Keys(
        np.where(numeric, _NUMBER, _NOTHING),
        np.where(numeric, cells.number[rows], 0.0),
        Coded.constant(None, len(rows)),
    )
    text = cells.text.take(rows)
    for wanted in (Form.TEXT, Form.JSON):
        for of in np.unique(kind[form == wanted]).tolist():
            places = np.flatnonzero((form == wanted) & (kind == of))
            column = text.take(places).compact()
            values: list[Json] = [orjson.loads(each) if wanted == Form.JSON else each for each in column.values]
            distinct = _Keys.of([_key(target(of, value)) for value in values])
            codes = column.codes.astype(np.intp)
            _fill(found, places, _Keys(distinct.group[codes], distinct.number[codes], distinct.text.take(codes)))
    return found


def _key_within(cells: Cells, row: int, path: Path) -> Key:
    """The key that a path into one instance leads to."""
    if cells.form[row] == Form.NOTHING:
        return _key(None)
    keys = (_key(found) for found in below(attribute_at(cells, row), path.sub, path.trail))
    return next((key for key in keys if key[0] != _NOTHING), _key(None))


def _key(found: Target | None) -> Key:
    """The key of the first thing a path leads to.

    >>> _key(Target((True,))), _key(Target(("1970-01-01T00:00:01Z",))), _key(None)
    ((0, 1.0, None), (1, 1000000.0, None), (-1, 0.0, None))
    """
    atom = found.atoms[0] if found is not None and found.atoms else None
    if atom is None:
        return _NOTHING, 0.0, None
    if isinstance(atom, int | float):
        return _NUMBER, float(atom), None
    if not isinstance(atom, str):
        return _TEXT, 0.0, orjson.dumps(atom).decode()
    told = moment(atom)
    return (_INSTANT, float(told[1]), None) if told is not None and told[0] == "instant" else (_TEXT, 0.0, atom)
