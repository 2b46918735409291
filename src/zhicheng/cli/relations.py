"""The city as tables for SQL: `entities`, a row for each value that holds now, and `history`, one for each stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhicheng.kernel.columns import I8, Coded, Index
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

Short = Callable[[str], str]
_INSTANT = pa.timestamp("us", tz="UTC")


def entities(state: State, short: Short) -> Iterator[pa.Table]:
    """One row for each living entity, attribute and datasetId. Columns:

    entity, type (the first), types, scope, attribute, dataset, kind, number (of numbers and booleans), text (of all
    else), unit, observed_at, modified_at, created_at, lon, lat (of the middle of a geometry), quality, owner,
    classification, source
    """
    with state.lock:
        for table in state.tables:
            if table.living:
                for (name, _), cells in table.columns.items():
                    rows = np.flatnonzero((cells.form != Form.NOTHING) & table.alive)
                    if len(rows):
                        yield _cells(table, short(name), cells, rows, short)


def _cells(table: Table, name: str, cells: Cells, rows: Index, short: Short) -> pa.Table:
    count = len(rows)
    types = [short(one) for one in table.types]
    west, south, east, north = (side[rows] for side in cells.bounds())
    text = cells.text.take(rows)
    return pa.table(
        {
            "entity": pa.array(table.directory.names(table.entity[rows]), pa.string()),
            "type": _same(types[0] if types else None, count),
            "types": _same(",".join(types), count),
            "scope": _text(table.scope.take(rows)),
            "attribute": _same(name, count),
            "dataset": _same(cells.dataset, count),
            "kind": _names(Kind, cells.kind[rows]),
            "number": _numbers(cells.number[rows]),
            "text": _text(text),
            "unit": _text(cells.unit.take(rows)),
            "observed_at": _instants(cells.observed_at[rows]),
            "modified_at": _instants(cells.modified_at[rows]),
            "created_at": _instants(cells.created_at[rows]),
            "lon": _numbers((west + east) / 2),
            "lat": _numbers((south + north) / 2),
            "quality": pa.array(cells.arrays["quality"][rows]),
            "owner": _text(cells.coded("owner").take(rows)),
            "classification": _text(cells.coded("classification").take(rows)),
            "source": _text(cells.coded("source").take(rows)),
        }
    )


def history(part: pa.Table, short: Short) -> pa.Table:
    """A part of the log as people read it: short names, words; `effective_at` is observed_at, else recorded_at."""
    columns = {name: part.column(name) for name in part.column_names}
    columns["attribute"] = _renamed(columns["attribute"], short)
    for name, words in (("kind", Kind), ("act", Act), ("form", Form)):
        columns[name] = _names(words, columns[name].combine_chunks().to_numpy(zero_copy_only=False))
    at = pc.coalesce(columns["observed_at"], columns["recorded_at"])
    order = ("entity", "attribute", "dataset")
    return pa.table({**{name: columns.pop(name) for name in order}, "effective_at": at, **columns})


def _renamed(column: pa.ChunkedArray, short: Short) -> pa.ChunkedArray:
    chunks = []
    for chunk in column.chunks:
        named = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        values = [None if value is None else short(value) for value in named.dictionary.to_pylist()]
        chunks.append(pa.array(values, pa.string()).take(named.indices))
    return pa.chunked_array(chunks, pa.string())


def _names(words: type[Kind] | type[Act] | type[Form], numbers: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> pa.Array:
    names = {int(word): word.name.lower() for word in words}
    values = pa.array([names.get(number, str(number)) for number in range(256)])
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), values).cast(pa.string())


def _same(value: str | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count)


def _text(column: Coded) -> pa.Array:
    codes = pa.array(column.codes, mask=column.codes < 0)
    return pa.array(column.values, pa.string()).take(codes)


def _numbers(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> pa.Array:
    return pa.array(column, pa.float64(), mask=np.isnan(column))


def _instants(column: I8) -> pa.Array:
    return pa.array(column, pa.int64(), mask=column == ABSENT).cast(_INSTANT)
