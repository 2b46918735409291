"""Part of a live table as a state of its own: a reader that goes through the log at its own pace folds onto it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zhicheng.kernel.columns import I4, Coded, Index
from zhicheng.storage.cells import Cells, Pool
from zhicheng.storage.live import State, Table

_BY_CODE = ("life", "next_life", "version", "next_version", "created_at", "modified_at", "deleted_at")


def excerpt(state: State, wanted: Callable[[tuple[str, ...]], bool]) -> State:
    """The living entities whose types are wanted, as they are. Call with the state's lock held."""
    made = State()
    for table in state.tables:
        if table.living and wanted(table.types):
            _copied(table, made)
    made.position, made.recorded_at = state.position, state.recorded_at
    return made


def _copied(table: Table, made: State) -> None:
    rows = np.flatnonzero(table.alive)
    codes = table.entity[rows]
    source, directory = table.directory, made.directory
    number = made.table(table.types)
    copy = made.tables[number]
    own = np.array([directory.code(name) for name in source.names(codes)], np.int32)
    copy.add(own.tolist())
    directory.table[own], directory.row[own] = number, np.arange(len(own))
    for name in _BY_CODE:
        getattr(directory, name)[own] = getattr(source, name)[codes]
    directory.scope[own] = _pooled(source.scopes, directory.scopes, source.scope[codes])
    directory.source[own] = _pooled(source.sources, directory.sources, source.source[codes])
    for (attribute, dataset), cells in table.columns.items():
        _copy_cells(cells, copy.column(attribute, dataset), rows)


def _pooled(source: Pool, target: Pool, codes: I4) -> I4:
    """Codes of one pool as codes of the other."""
    return target.encode(Coded(source.values, codes).compact())


def _copy_cells(cells: Cells, copy: Cells, rows: Index) -> None:
    count = len(rows)
    for name, array in cells.arrays.items():
        copy.arrays[name][:count] = array[rows]
    for name in copy.codes:
        column = Coded(cells.pools[name].values, cells.codes[name][rows]).compact()
        copy.pools[name], copy.codes[name][:count] = Pool(column.values), column.codes
    if cells.boxes is not None:
        copy.boxes = np.full((len(copy.arrays["kind"]), 4), np.nan)
        copy.boxes[:count] = cells.boxes[rows]
