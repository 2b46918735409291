"""The city as tables for SQL: `entities`, a row for each value that holds now, and the names of the log's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from zhicheng.kernel.columns import F8, I1, I8, Coded, Index
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

Short = Callable[[str], str]
_INSTANT = pa.timestamp("us", tz="UTC")
_CODED = ("unit", "owner", "classification", "source")
_NUMBERS = ("kind", "number", "observed_at", "modified_at", "created_at", "quality")


@dataclass(frozen=True, slots=True)
class _Frozen:
    """The values of one attribute of one table, copied while the live table stood still."""

    types: tuple[str, ...]
    name: str
    dataset: str | None
    entity: list[str]
    scope: Coded
    arrays: dict[str, I8]
    text: Coded
    coded: dict[str, Coded]
    lon: F8
    lat: F8


def entities(state: State, short: Short) -> Iterator[pa.Table]:
    """One row for each living entity, attribute and datasetId, all of one position of the log. Columns:

    entity, type (the first), types, scope, attribute, dataset, kind, number (of numbers and booleans), text (of all
    else), unit, observed_at, modified_at, created_at, lon, lat (of the middle of a geometry), quality, owner,
    classification, source

    The live table is held only while its columns are copied, not while they become text.
    """
    with state.lock:
        frozen = [part for table in state.tables if table.living for part in _freeze(table)]
    return (_rows(part, short) for part in frozen)


def _freeze(table: Table) -> Iterator[_Frozen]:
    for (name, _), cells in table.columns.items():
        rows = np.flatnonzero((cells.form != Form.NOTHING) & table.alive)
        if len(rows):
            yield _frozen(table, name, cells, rows)


def _frozen(table: Table, name: str, cells: Cells, rows: Index) -> _Frozen:
    west, south, east, north = (side[rows] for side in cells.bounds())
    return _Frozen(
        table.types,
        name,
        cells.dataset,
        list(table.directory.names(table.entity[rows])),
        table.scope.take(rows),
        {column: cells.arrays[column][rows] for column in _NUMBERS},
        cells.text.take(rows),
        {column: cells.coded(column).take(rows) for column in _CODED},
        (west + east) / 2,
        (south + north) / 2,
    )


def _rows(part: _Frozen, short: Short) -> pa.Table:
    count, arrays = len(part.entity), part.arrays
    types = [short(one) for one in part.types]
    return pa.table(
        {
            "entity": pa.array(part.entity, pa.string()),
            "type": _same(types[0] if types else None, count),
            "types": _same(",".join(types), count),
            "scope": _text(part.scope),
            "attribute": _same(short(part.name), count),
            "dataset": _same(part.dataset, count),
            "kind": _names(Kind, arrays["kind"].astype(np.uint8)),
            "number": _numbers(arrays["number"].astype(np.float64)),
            "text": _text(part.text),
            "unit": _text(part.coded["unit"]),
            "observed_at": _instants(arrays["observed_at"]),
            "modified_at": _instants(arrays["modified_at"]),
            "created_at": _instants(arrays["created_at"]),
            "lon": _numbers(part.lon),
            "lat": _numbers(part.lat),
            "quality": pa.array(arrays["quality"]),
            "owner": _text(part.coded["owner"]),
            "classification": _text(part.coded["classification"]),
            "source": _text(part.coded["source"]),
        }
    )


def _names(words: type[Kind], numbers: I1) -> pa.Array:
    names = {int(word): word.name.lower() for word in words}
    values = pa.array([names.get(number, str(number)) for number in range(256)])
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), values).cast(pa.string())


def _same(value: str | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count)


def _text(column: Coded) -> pa.Array:
    codes = pa.array(column.codes, mask=column.codes < 0)
    return pa.array(column.values, pa.string()).take(codes)


def _numbers(column: F8) -> pa.Array:
    return pa.array(column, pa.float64(), mask=np.isnan(column))


def _instants(column: I8) -> pa.Array:
    return pa.array(column, pa.int64(), mask=column == ABSENT).cast(_INSTANT)
