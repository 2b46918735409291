"""Some rows of a table of the live state, as filters read them: what changed is tested without testing the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhicheng.hub.query import read_sub
from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.standards.filter import columns, tree
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import Table


class Excerpt:
    """The rows of a table; standards/filter/source.Source. Call with the state's lock held."""

    def __init__(self, table: Table, rows: Index) -> None:
        self.table = table
        self.rows = rows

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def types(self) -> tuple[str, ...]:
        return self.table.types

    @property
    def ids(self) -> Sequence[str]:
        return self.table.directory.names(self.table.entity[self.rows])

    @property
    def scope(self) -> Coded:
        directory = self.table.directory
        return Coded(directory.scopes.values, directory.scope[self.table.entity[self.rows]])

    @property
    def created_at(self) -> I8:
        return self.table.directory.created_at[self.table.entity[self.rows]]

    @property
    def modified_at(self) -> I8:
        return self.table.directory.modified_at[self.table.entity[self.rows]]

    def cells(self, attribute: str) -> Sequence[ExcerptCells]:
        return [ExcerptCells(cells, self.rows) for cells in self.table.cells(attribute)]

    def fulfil(self, where: tree.Node) -> Mask:
        """Which of the rows do."""
        return columns.compile(where, read_sub)(self)


class ExcerptCells:
    """The same rows of one (attribute, datasetId); standards/filter/source.Cells."""

    def __init__(self, cells: Cells, rows: Index) -> None:
        self._cells = cells
        self._rows = rows

    @property
    def dataset(self) -> str | None:
        return self._cells.dataset

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
        return west[self._rows], south[self._rows], east[self._rows], north[self._rows]


def _few(column: Coded, rows: Index) -> Coded:
    """Some rows; of fewer rows than texts only the texts they use, at a price of these rows alone."""
    if len(rows) >= len(column.values):
        return column.take(rows)
    used, places = np.unique(column.codes[rows], return_inverse=True)
    there = used >= 0
    codes = np.where(there, np.cumsum(there) - 1, -1).astype(np.int32)
    return Coded([column.values[code] for code in used[there].tolist()], codes[places])
