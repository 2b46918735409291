"""Columns of text cells to typed columns and back: CSV in, Arrow tables in and out, errors with row and value."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from zhicheng.kernel import zones
from zhicheng.kernel.columns import F8, I4, Coded
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.gtfs.archive import utf8
from zhicheng.standards.gtfs.columns import Column, Need, Read, Table, columns_of

Some = TypeVar("Some", bound=Table)
_WHOLE = 2**31 - 1


def read_csv(content: bytes, table: type[Some]) -> Some:
    """A file's bytes as its table. Raises Invalid with file, column, row and value."""
    name = table.FILE
    text = utf8(content, name)
    header = _header(text, name)
    specs = columns_of(table)
    for column, spec in specs.items():
        if column not in header and spec.need is not Need.NOTHING:
            raise Invalid(f"{name} has no column {column}", f"{name} 缺少 {column} 列", file=name, column=column)
    present = [column for column in header if column in specs]
    cells = _parse(text, header, present, name)
    columns = {column: _read(cells, column, specs[column], name) for column in present}
    for column, spec in specs.items():
        if column not in columns:
            columns[column] = _absent(spec.read, cells.num_rows)
    found = table(**columns)
    if table.KEY:
        _distinct(columns[table.KEY], table)
    return found


def empty(table: type[Some]) -> Some:
    """The table of a file that is not there."""
    return table(**{column: _absent(spec.read, 0) for column, spec in columns_of(table).items()})


def to_arrow(table: Table) -> pa.Table:
    """The table for Arrow and Parquet: text as dictionaries; empty cells keep their in-memory marks."""
    return pa.table({column: _arrow(getattr(table, column)) for column in columns_of(type(table))})


def from_arrow(stored: pa.Table, table: type[Some]) -> Some:
    """The reverse of `to_arrow`; columns that a later version added are absent."""
    columns: dict[str, object] = {}
    for column, spec in columns_of(table).items():
        if column not in stored.column_names:
            columns[column] = _absent(spec.read, stored.num_rows)
        elif spec.read is Read.TEXT:
            columns[column] = _coded(stored.column(column))
        else:
            columns[column] = stored.column(column).to_numpy()
    return table(**columns)


def _header(text: bytes, name: str) -> list[str]:
    end = text.find(b"\n")
    line = text if end < 0 else text[:end]
    header = [column.strip() for column in next(csv.reader([line.decode().rstrip("\r")]), [])]
    if not any(header):
        raise Invalid(f"{name} is empty, without even a header", f"{name} 为空，连表头也没有", file=name)
    if len(set(header)) < len(header):
        raise Invalid(f"{name} names a column twice: {header}", f"{name} 的列名重复：{header}", file=name)
    return header


def _parse(text: bytes, header: list[str], present: list[str], name: str) -> pa.Table:
    try:
        return pyarrow.csv.read_csv(
            io.BytesIO(text),
            read_options=pyarrow.csv.ReadOptions(column_names=header, skip_rows=1, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), include_columns=present, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if str(error).startswith("Empty CSV"):
            return pa.table({column: pa.array([], pa.string()) for column in present})
        raise Invalid(f"{name} is not well-formed CSV: {error}", f"{name} 不是规范的 CSV：{error}", file=name) from None


def _read(cells: pa.Table, column: str, spec: Column, name: str) -> Coded | F8 | I4:
    trimmed = pc.utf8_trim_whitespace(cells.column(column))
    filled = pc.not_equal(trimmed, "")
    if spec.need is Need.VALUE and not pc.all(filled, min_count=0).as_py():
        row = int(np.argmin(filled.to_numpy())) + 2
        raise Invalid(
            f"{name} line {row}: {column} is empty",
            f"{name} 第 {row} 行：{column} 为空",
            file=name,
            column=column,
            row=row,
        )
    values = pc.if_else(filled, trimmed, pa.scalar(None, pa.string()))
    if spec.read is Read.TEXT:
        return _coded(values)
    if spec.read is Read.NUMBER:
        return _numbers(values, column, name)
    coded = _coded(values)
    known = [_single(value, column, name, coded, spec.read) for value in coded.values]
    return np.array([*known, -1], dtype=np.int32)[coded.codes]


def _numbers(values: pa.ChunkedArray, column: str, name: str) -> F8:
    try:
        return pc.cast(values, pa.float64()).to_numpy().astype(np.float64)  # type: ignore[no-any-return]  # Arrow has no types
    except pa.ArrowInvalid:
        coded = _coded(values)
        numbers = [_single(value, column, name, coded, Read.NUMBER) for value in coded.values]
        return np.array([*numbers, np.nan], dtype=np.float64)[coded.codes]


def _whole(text: str) -> int:
    number = int(text)
    if number > _WHOLE:
        raise ValueError(text)
    return max(number, -1)  # some producers write -999 for nothing


def _date(text: str) -> int:
    day = zones.parse_date(text)
    return day.year * 10_000 + day.month * 100 + day.day


SINGLE: dict[Read, Callable[[str], float]] = {
    Read.NUMBER: float,
    Read.WHOLE: _whole,
    Read.TIME: zones.parse_service_time,
    Read.DATE: _date,
}


def _single(value: str, column: str, name: str, coded: Coded, read: Read) -> float:
    try:
        return SINGLE[read](value)
    except (ValueError, Invalid):
        row = int(np.argmax(coded.codes == coded.values.index(value))) + 2
        raise Invalid(
            f"{name} line {row}: {column} {value!r} is not a valid {read.value}",
            f"{name} 第 {row} 行：{column} 的值 {value!r} 无效",
            file=name,
            column=column,
            row=row,
        ) from None


def _distinct(keys: object, table: type[Table]) -> None:
    if isinstance(keys, Coded) and len(keys.values) < len(keys):
        row = int(np.argmax(np.bincount(keys.codes, minlength=1) > 1))
        value = keys.values[row]
        raise Invalid(
            f"{table.FILE} holds {table.KEY} {value!r} more than once",
            f"{table.FILE} 中 {table.KEY} {value!r} 重复",
            file=table.FILE,
            column=table.KEY,
        )


def _coded(values: pa.ChunkedArray) -> Coded:
    if pa.types.is_dictionary(values.type):
        merged = values.unify_dictionaries().combine_chunks()
    else:
        merged = values.dictionary_encode().combine_chunks()
    array = merged.chunk(0) if isinstance(merged, pa.ChunkedArray) else merged
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Coded(array.dictionary.to_pylist(), codes)


def _arrow(column: Coded | F8 | I4) -> pa.Array:
    if isinstance(column, Coded):
        indices = pa.array(column.codes, mask=column.codes < 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(column.values, pa.string()))
    return pa.array(column)


def _absent(read: Read, count: int) -> Coded | F8 | I4:
    if read is Read.TEXT:
        return Coded.constant(None, count)
    return np.full(count, np.nan) if read is Read.NUMBER else np.full(count, -1, dtype=np.int32)
