"""Some rows of a table of the live state, as filters read them: what changed is tested without testing the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zhicheng.hub.query import read_sub
from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Form
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
    """The same rows of one (attribute, datasetId); standards/filter/source.Cells. hidden: those that hold no value"""

    def __init__(self, cells: Cells, rows: Index, hidden: Mask | None = None) -> None:
        self._cells = cells
        self._rows = rows
        self._hidden = hidden

    def _taken(self, values: npt.NDArray[Any], empty: float) -> npt.NDArray[Any]:
        found = values[self._rows]
        if self._hidden is not None:
            found[self._hidden] = empty
        return found

    def _few(self, column: Coded) -> Coded:
        found = _few(column, self._rows)
        if self._hidden is not None:
            found.codes[self._hidden] = -1
        return found

    @property
    def dataset(self) -> str | None:
        return self._cells.dataset

    @property
    def kind(self) -> I1:
        return self._taken(self._cells.kind, 0)

    @property
    def form(self) -> I1:
        return self._taken(self._cells.form, int(Form.NOTHING))

    @property
    def number(self) -> F8:
        return self._taken(self._cells.number, np.nan)

    @property
    def text(self) -> Coded:
        return self._few(self._cells.text)

    @property
    def observed_at(self) -> I8:
        return self._taken(self._cells.observed_at, ABSENT)

    @property
    def created_at(self) -> I8:
        return self._taken(self._cells.created_at, 0)

    @property
    def modified_at(self) -> I8:
        return self._taken(self._cells.modified_at, 0)

    @property
    def unit(self) -> Coded:
        return self._few(self._cells.unit)

    @property
    def sub(self) -> Coded:
        return self._few(self._cells.sub)

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        west, south, east, north = self._cells.bounds()
        return (
            self._taken(west, np.nan), self._taken(south, np.nan), self._taken(east, np.nan), self._taken(north, np.nan)
        )  # fmt: skip


def _few(column: Coded, rows: Index) -> Coded:
    """Some rows; of fewer rows than texts only the texts they use, at a price of these rows alone."""
    if len(rows) >= len(column.values):
        return column.take(rows)
    used, places = np.unique(column.codes[rows], return_inverse=True)
    there = used >= 0
    codes = np.where(there, np.cumsum(there) - 1, -1).astype(np.int32)
    return Coded([column.values[code] for code in used[there].tolist()], codes[places])
