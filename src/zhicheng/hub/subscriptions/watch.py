"""All subscriptions together, as arrays: which of them a change may concern, before any entity is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from zhicheng.hub.query import read_sub
from zhicheng.hub.subscriptions.model import Subscription, Trigger
from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.standards.filter import columns, tree
from zhicheng.standards.filter.source import Cells as CellsLike
from zhicheng.storage.live import Table


def kinds_of(subscriptions: Iterable[Subscription]) -> frozenset[str] | None:
    """Types of which everything that can be told of has one; None for all there are."""
    found: frozenset[str] = frozenset()
    for one in subscriptions:
        if one.kinds is None:
            return None
        found |= one.kinds
    return found


class Watch:
    """The subscriptions that are told as it happens."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self.subscriptions = tuple(subscriptions)
        self.kinds = kinds_of(subscriptions)
        self.triggers = np.array([int(one.triggers) for one in subscriptions], np.int64)
        self.changes = np.array([one.changes for one in subscriptions], np.bool_)
        self._open = np.array([one.watched is None for one in subscriptions], np.bool_)
        self._by_attribute: dict[str, Mask] = {}
        self._possible: dict[tuple[str, ...], Mask] = {}
        for number, one in enumerate(subscriptions):
            for name in one.watched or ():
                self._by_attribute.setdefault(name, np.zeros(len(subscriptions), np.bool_))[number] = True

    def possible(self, types: tuple[str, ...]) -> Mask:
        """Which subscriptions can match an entity of exactly these types."""
        found = self._possible.get(types)
        if found is None:
            found = np.array([tree.possible(one.where, types) for one in self.subscriptions], np.bool_)
            self._possible[types] = found
        return found

    def wanting(self, attribute: str | None, happened: int) -> Mask:
        """Which subscriptions count that this happened (`Trigger`s) to an attribute, or to a whole entity."""
        found: Mask = (self.triggers & happened) != 0
        if attribute is None:
            if happened & Trigger.ENTITY_CHANGED:
                found = found & self._open
            return found
        named = self._by_attribute.get(attribute)
        return found & (self._open if named is None else self._open | named)


class Few:
    """Some rows of a table, as what predicates are evaluated on."""

    def __init__(self, table: Table, rows: Index) -> None:
        self.table = table
        self.rows = rows
        self.count = len(rows)
        self.types = table.types
        self._codes = table.entity[rows]

    @property
    def ids(self) -> Sequence[str]:
        return self.table.directory.names(self._codes)

    @property
    def scope(self) -> Coded:
        directory = self.table.directory
        return Coded(directory.scopes.values, directory.scope[self._codes])

    @property
    def created_at(self) -> I8:
        return self.table.directory.created_at[self._codes]

    @property
    def modified_at(self) -> I8:
        return self.table.directory.modified_at[self._codes]

    def cells(self, attribute: str) -> Sequence[CellsLike]:
        return [_FewCells(cells, self.rows) for cells in self.table.cells(attribute)]

    def fulfil(self, where: tree.Node) -> Mask:
        """Which of the rows do."""
        return columns.compile(where, read_sub)(self)


class _FewCells:
    """Some rows of one attribute's cells."""

    def __init__(self, cells: CellsLike, rows: Index) -> None:
        self._cells = cells
        self._rows = rows
        self.dataset = cells.dataset

    @property
    def kind(self) -> I1:
        return self._cells.kind[self._rows]

    @property
    def form(self) -> I1:
        return self._cells.form[self._rows]

    @property
    def number(self) -> F8:
        return self._cells.number[self._rows]

    @property
    def text(self) -> Coded:
        return _few(self._cells.text, self._rows)

    @property
    def observed_at(self) -> I8:
        return self._cells.observed_at[self._rows]

    @property
    def created_at(self) -> I8:
        return self._cells.created_at[self._rows]

    @property
    def modified_at(self) -> I8:
        return self._cells.modified_at[self._rows]

    @property
    def unit(self) -> Coded:
        return _few(self._cells.unit, self._rows)

    @property
    def sub(self) -> Coded:
        return _few(self._cells.sub, self._rows)

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        west, south, east, north = self._cells.bounds()
        rows = self._rows
        return west[rows], south[rows], east[rows], north[rows]


def _few(column: Coded, rows: Index) -> Coded:
    """Some rows with only the texts they use, at a price of these rows alone."""
    used, places = np.unique(column.codes[rows], return_inverse=True)
    there = used >= 0
    codes = np.where(there, np.cumsum(there) - 1, -1).astype(np.int32)
    return Coded([column.values[code] for code in used[there].tolist()], codes[places])
