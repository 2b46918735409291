"""Snapshots of the live table: a quick start, and a near base for `as_of`."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from zhicheng.kernel.columns import Coded
from zhicheng.storage.cells import Cells, Pool
from zhicheng.storage.engines.embedded.pack import pack, unpack
from zhicheng.storage.live import State, Table

_DIRECTORY = ("table", "row", "life", "version", "created_at", "modified_at", "deleted_at", "scope", "source")


def frozen(state: State) -> list[dict[str, Any]]:
    """A copy of the state as plain columns, one part a table, the directory first. Call with the lock held."""
    directory = state.directory
    ids = list(directory.ids)  # the writer may be adding some for commits on their way
    count = len(ids)
    parts: list[dict[str, Any]] = [
        {
            "position": state.position,
            "recorded_at": state.recorded_at,
            "ids": ids,
            "scopes": list(directory.scopes.values),
            "sources": list(directory.sources.values),
            **{name: getattr(directory, name)[:count].copy() for name in _DIRECTORY},
        }
    ]
    for table in state.tables:
        columns = [_frozen_cells(attribute, dataset, cells) for (attribute, dataset), cells in table.columns.items()]
        parts.append({"types": table.types, "entity": table.entity[: table.count].copy(), "columns": columns})
    return parts


def _frozen_cells(attribute: str, dataset: str | None, cells: Cells) -> dict[str, Any]:
    return {
        "attribute": attribute,
        "dataset": dataset,
        "arrays": {name: array[: cells.count].copy() for name, array in cells.arrays.items()},
        "coded": {
            name: Coded(list(cells.pools[name].values), codes[: cells.count].copy())
            for name, codes in cells.codes.items()
        },
        "boxes": None if cells.boxes is None else cells.boxes[: cells.count].ravel().copy(),
    }


def write(parts: list[dict[str, Any]], file: BinaryIO) -> None:
    """Each part as a length and its bytes."""
    for part in parts:
        data = pack(part)
        file.write(len(data).to_bytes(8, "little"))
        file.write(data)


def read(file: BinaryIO) -> State:
    """The state of a file."""
    parts = []
    while head := file.read(8):
        parts.append(unpack(file.read(int.from_bytes(head, "little"))))
    return _thawed(parts)


def _thawed(parts: list[dict[str, Any]]) -> State:
    state = State()
    first, directory = parts[0], state.directory
    state.position, state.recorded_at = first["position"], first["recorded_at"]
    directory.restore(first["ids"], {name: first[name] for name in _DIRECTORY})
    directory.scopes, directory.sources = Pool(first["scopes"]), Pool(first["sources"])
    for part in parts[1:]:
        table = state.tables[state.table(tuple(part["types"]))]
        _thaw_table(table, part)
    return state


def _thaw_table(table: Table, part: dict[str, Any]) -> None:
    count = len(part["entity"])
    table.reserve(count)
    table.restore(part["entity"])
    for column in part["columns"]:
        cells = table.column(column["attribute"], column["dataset"])
        for name, array in column["arrays"].items():
            cells.arrays[name][:count] = array
        for name, coded in column["coded"].items():
            cells.pools[name] = Pool(coded.values)
            cells.codes[name][:count] = coded.codes
        if column["boxes"] is not None:
            cells.boxes = np.full((len(cells.arrays["kind"]), 4), np.nan)
            cells.boxes[:count] = column["boxes"].reshape(-1, 4)
