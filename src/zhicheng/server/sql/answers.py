"""The answer of a question in the form that was asked for, written as it comes and never larger than allowed."""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import BinaryIO

import duckdb
import orjson
import pyarrow as pa

MOST_BYTES = 200_000_000
"""Bytes of an answer; a question whose answer is larger is one for an export."""
_BATCH = 8192
_SAFE = 2**53
"""Whole numbers beyond this are not exact in JSON's readers, so they are written as text."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would take for a formula."""


class TooMuch(Exception):
    """The answer is larger than an answer may be."""


def write(found: duckdb.DuckDBPyRelation, form: str, encoding: str, rows: int, sink: BinaryIO) -> dict[str, object]:
    """Write at most `rows` rows; says how many there were and whether more would have come."""
    reader = found.to_arrow_reader(_BATCH)
    counted = _Counted(reader, rows)
    FORMS[form](counted, encoding, sink)
    names = [{"name": field.name, "type": _type(field.type)} for field in reader.schema]
    return {"rows": counted.rows, "truncated": counted.more, "columns": names}


class _Counted:
    """Record batches up to a number of rows, and whether there were more."""

    def __init__(self, reader: pa.RecordBatchReader, most: int) -> None:
        self.schema = reader.schema
        self.rows = 0
        self.more = False
        self._reader = reader
        self._most = most
        self._bytes = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._reader:
            room = self._most - self.rows
            if len(batch) > room:
                self.more = True
                batch = batch.slice(0, room)
            self.rows += len(batch)
            self._bytes += batch.nbytes
            if self._bytes > MOST_BYTES:
                raise TooMuch(f"the answer has more than {MOST_BYTES // 1_000_000} MB")
            if len(batch):
                yield batch
            if self.more:
                return


def _type(kind: pa.DataType) -> str:
    """What a column holds, in few words: number, text, time, boolean, other."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    return "text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else "other"


def _arrow(batches: _Counted, encoding: str, sink: BinaryIO) -> None:
    with pa.ipc.new_stream(sink, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _json(batches: _Counted, encoding: str, sink: BinaryIO) -> None:
    """Columns: {"columns": [{name, type}], "data": [[...], ...]}."""
    data: list[list[object]] = [[] for _ in batches.schema]
    for batch in batches:
        for place, column in enumerate(batch.columns):
            data[place].extend(map(plain, column.to_pylist()))
    columns = [{"name": field.name, "type": _type(field.type)} for field in batches.schema]
    said = {"columns": columns, "data": data, "rows": batches.rows, "truncated": batches.more}
    sink.write(orjson.dumps(said, default=str))


def plain(value: object) -> object:
    r"""A value as JSON has it: instants in ISO 8601, numbers that JSON cannot hold as text.

    >>> plain(float("nan")), plain(2**60), plain(Decimal("3")), plain(b"\x01")
    (None, '1152921504606846976', 3, '01')
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return plain(int(value)) if whole else float(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_SAFE <= value <= _SAFE else str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | str) else str(value)


def _csv(batches: _Counted, encoding: str, sink: BinaryIO) -> None:
    """Text with commas; UTF-8 with the mark by which Excel knows it, or GB 18030."""
    text = io.TextIOWrapper(sink, "gb18030" if encoding == "gb18030" else "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(map(_harmless, batches.schema.names))
    for batch in batches:
        columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))
    text.flush()
    text.detach()


def _cell(value: object) -> object:
    found = plain(value)
    if isinstance(found, str):
        return _harmless(found)
    return orjson.dumps(found).decode() if isinstance(found, dict | list) else found


def _harmless(text: str) -> str:
    """The text, kept from being taken for a formula.

    >>> _harmless("=1+1"), _harmless("南宁")
    ("'=1+1", '南宁')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _xlsx(batches: _Counted, encoding: str, sink: BinaryIO) -> None:
    from zhicheng.server.sql.sheet import Sheet  # others do not wait for it

    sheet = Sheet(batches.schema.names)
    for batch in batches:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if not sheet.add([_sheet_value(value) for value in row]):
                raise TooMuch("a sheet of a spreadsheet has at most 1,048,576 rows")
    sink.write(sheet.saved())


def _sheet_value(value: object) -> object:
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    found = plain(value)
    return orjson.dumps(found).decode() if isinstance(found, dict | list) else found


FORMS: dict[str, Callable[[_Counted, str, BinaryIO], None]] = {
    "arrow": _arrow,
    "json": _json,
    "csv": _csv,
    "xlsx": _xlsx,
}
