"""The log's rows as Arrow tables and back; the columns are a versioned interface (docs/storage.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhicheng.kernel.columns import I4, I8, Coded
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import CODED, Changes
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.log import Batch

_PLAIN = ("life", "kind", "form", "act", "target", "quality")
INSTANT = pa.timestamp("us", tz="UTC")


def coded_array(column: Coded) -> pa.DictionaryArray:
    """Dictionary-encoded strings; nothing is null."""
    codes = pa.array(column.codes, mask=column.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.values, pa.string()))


def instants_array(column: I8) -> pa.Array:
    """UTC timestamps; absent ones are null."""
    return pa.array(column, mask=column == ABSENT).cast(INSTANT)


def to_arrow(batch: Batch, *, commits: bool = False) -> pa.Table:
    """All columns of the rows; with `commits` also what their commits say (recorded_at, source, principal)."""
    changes = batch.changes
    columns: dict[str, object] = {name: coded_array(getattr(changes, name)) for name in CODED}
    columns |= {name: getattr(changes, name) for name in _PLAIN}
    columns["observed_at"] = instants_array(changes.observed_at)
    columns["number"] = pa.array(changes.number, mask=np.isnan(changes.number))
    columns["position"], columns["ordinal"] = batch.position, batch.ordinal
    if commits:
        columns["recorded_at"] = instants_array(batch.recorded_at)
        columns["source"], columns["principal"] = coded_array(batch.source), coded_array(batch.principal)
    return pa.table(columns)


def to_batch(table: pa.Table, commits: Iterable[Commits]) -> Batch:
    """The rows of an Arrow table; `commits` cover all their positions."""
    columns: dict[str, Any] = {name: coded_of(table.column(name)) for name in CODED}
    columns |= {name: _numpy(table.column(name)) for name in _PLAIN}
    number = table.column("number").fill_null(np.nan)
    changes = Changes(**columns, observed_at=instants_of(table.column("observed_at")), number=_numpy(number))
    position, ordinal = _numpy(table.column("position")), _numpy(table.column("ordinal"))
    facts = Commits.concat(sorted(commits, key=lambda part: part.first))
    at = position - facts.first
    recorded = facts.recorded_at[at]
    return Batch(changes, position, ordinal, recorded, facts.source.take(at), facts.principal.take(at), recorded)


def instants_of(column: pa.ChunkedArray) -> I8:
    """A column of instants; nulls are absent."""
    found: I8 = _numpy(column.cast(pa.int64()).fill_null(ABSENT))
    return found


def _numpy(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values


def coded_of(column: pa.ChunkedArray) -> Coded:
    """A column of text."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    parts = []
    for chunk in column.chunks:
        codes = chunk.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
        parts.append(_used(chunk.dictionary, codes))
    return parts[0] if len(parts) == 1 else Coded.concat(parts)


def _used(dictionary: pa.Array, codes: I4) -> Coded:
    """Only the texts that are used are made: of some rows of a group they are few."""
    used = np.zeros(len(dictionary) + 1, bool)
    used[codes] = True
    if used[:-1].all():
        return Coded(dictionary.to_pylist(), codes)
    mapped = np.cumsum(used[:-1], dtype=np.int32) - 1
    values = dictionary.take(pa.array(np.flatnonzero(used[:-1]))).to_pylist()
    return Coded(values, np.append(mapped, np.int32(-1))[codes])
