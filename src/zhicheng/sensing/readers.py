"""Files of tables to Arrow record batches: CSV, XLSX, Parquet, JSON records, GeoJSON; a block at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, BinaryIO
from zipfile import BadZipFile, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from zhicheng.kernel.columns import I8
from zhicheng.kernel.errors import Invalid, TooLarge, ZhichengError
from zhicheng.sensing.cells import flags
from zhicheng.sensing.encodings import Utf8Stream
from zhicheng.sensing.mapping import TableMapping
from zhicheng.sensing.records import column_names, feature_records, records_at, table_of_records
from zhicheng.sensing.refusals import Refusal, Refusals

if TYPE_CHECKING:
    import openpyxl

BLOCK = 4 << 20
"""Bytes of a CSV file that become one batch."""
WHOLE = 512 << 20
"""Bytes of a file of a format that is read in one piece."""
ROWS = 65_536
"""Rows of other files that become one batch."""
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(slots=True)
class Block:
    """Some rows of a file: columns by name, each row's number in the file, and rows that could not be split."""

    batch: pa.RecordBatch
    numbers: I8
    refused: Refusals


def read_csv(stream: BinaryIO, mapping: TableMapping) -> Iterator[Block]:
    """Blocks of a CSV file; encoding and delimiter are told from its beginning unless the mapping says them."""
    text = Utf8Stream(stream, mapping.encoding)
    sample = text.sample()
    delimiter = mapping.delimiter or _delimiter(sample, mapping.header)
    names = _header(sample, delimiter, mapping.header)
    odd: list[pyarrow.csv.InvalidRow] = []

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    try:
        reader = pyarrow.csv.open_csv(
            pa.PythonFile(text, mode="r"),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,
                block_size=BLOCK,
                column_names=[str(at) for at in range(len(names))],
                skip_rows_after_names=mapping.header,
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={str(at): pa.string() for at in range(len(names))},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        yield from _numbered(reader, names, mapping.header + 1, odd)
    except pa.ArrowInvalid as error:
        if "straddling" in str(error):
            raise Invalid(
                f"A row is longer than {BLOCK:,} bytes; a quotation mark may not be closed",
                f"有一行超过 {BLOCK:,} 字节；可能有引号没有闭合",
            ) from None
        raise Invalid(f"The CSV cannot be split: {error}", f"CSV 无法解析：{error}") from None


def _numbered(
    reader: pyarrow.csv.CSVStreamingReader, names: list[str], first: int, odd: list[pyarrow.csv.InvalidRow]
) -> Iterator[Block]:
    """Give every row its number, counting those that were skipped because their cells were too few or too many."""
    for batch in reader:
        skipped = np.array(sorted(row.number for row in odd), np.int64)
        numbers = first + np.arange(batch.num_rows, dtype=np.int64)
        for number in skipped.tolist():
            numbers[numbers >= number] += 1
        refused = Refusals.concat([_odd(row) for row in odd if row.text.strip()])
        odd.clear()
        first = int(max(numbers[-1] if len(numbers) else first - 1, skipped[-1] if len(skipped) else 0)) + 1
        yield _without_blanks(Block(pa.RecordBatch.from_arrays(batch.columns, names), numbers, refused))


def _without_blanks(block: Block) -> Block:
    """The block without rows that have nothing in any cell, as at the end of many files."""
    blank = np.arange(block.batch.num_rows)
    for column in block.batch.columns:
        if not len(blank):
            return block
        chosen = column if len(blank) == len(column) else column.take(pa.array(blank))
        blank = blank[flags(chosen.is_null())]
    keep = np.delete(np.arange(block.batch.num_rows), blank)
    return Block(block.batch.take(pa.array(keep)), block.numbers[keep], block.refused)


def _odd(row: pyarrow.csv.InvalidRow) -> Refusals:
    have, need = row.actual_columns, row.expected_columns
    return Refusals.one(
        Refusal(row.number or 0, None, row.text, f"{have} cells instead of {need}", f"{have} 个单元格，应为 {need} 个")
    )


def _delimiter(sample: str, header: int) -> str:
    r"""The delimiter that occurs most in the header.

    >>> _delimiter("a;b;c,d\n1;2;3", 1)
    ';'
    """
    lines = sample.splitlines()
    line = lines[header - 1] if len(lines) >= header else ""
    return max(_DELIMITERS, key=line.count)


def _header(sample: str, delimiter: str, header: int) -> list[str]:
    """The column names, told apart where one occurs twice."""
    try:
        rows = list(_first(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), header))
    except (csv.Error, TypeError) as error:
        raise Invalid(f"The header cannot be read: {error}", f"表头无法读取：{error}") from None
    if len(rows) < header or not any(cell.strip() for cell in rows[header - 1]):
        raise Invalid("The file has no header row", "文件没有表头")
    return named(rows[header - 1])


def _first(rows: Iterator[list[str]], count: int) -> Iterator[list[str]]:
    for _, row in zip(range(count), rows, strict=False):
        yield row


def named(cells: list[str]) -> list[str]:
    """Column names from header cells: trimmed, and numbered where they repeat.

    >>> named([" a ", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen: dict[str, int] = {}
    names = []
    for cell in cells:
        name = cell.strip()
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def whole(stream: BinaryIO) -> bytes:
    """All of a stream, for formats that cannot be read piece by piece."""
    body = stream.read(WHOLE + 1)
    if len(body) > WHOLE:
        raise TooLarge(
            f"Files of this format are read up to {WHOLE:,} bytes; split it, or use CSV or Parquet",
            f"该格式的文件最大可读 {WHOLE:,} 字节；请拆分，或改用 CSV 或 Parquet",
            limit=WHOLE,
        )
    return body


def _seekable(stream: BinaryIO) -> BinaryIO:
    return stream if stream.seekable() else io.BytesIO(whole(stream))


def _open_workbook(stream: BinaryIO) -> openpyxl.Workbook:
    """The workbook, once its parts are known to unpack to a bearable size."""
    import openpyxl  # files of other formats do not wait for it

    with ZipFile(stream) as archive:
        if sum(part.file_size for part in archive.infolist()) > 2 * WHOLE:
            raise TooLarge("The workbook unpacks to more than 1 GB", "该工作簿解压后超过 1 GB")
    stream.seek(0)
    return openpyxl.load_workbook(stream, read_only=True, data_only=True)


def unpacked(form: str, body: bytes) -> int:
    """Bytes that a body of a format says that it unpacks to; a small file can hold a mountain of equal values."""
    if form == "xlsx":
        with suppress(BadZipFile), ZipFile(io.BytesIO(body)) as archive:
            return sum(part.file_size for part in archive.infolist())
    if form == "parquet":
        with suppress(pa.ArrowException, OSError):
            told = pyarrow.parquet.read_metadata(io.BytesIO(body))
            return sum(told.row_group(at).total_byte_size for at in range(told.num_row_groups))
    return len(body)


def read_xlsx(stream: BinaryIO, mapping: TableMapping) -> Iterator[Block]:
    """Blocks of a worksheet, the first or the one named; formulas give their last computed value."""
    try:
        book = _open_workbook(_seekable(stream))
        if mapping.sheet and mapping.sheet not in book.sheetnames:
            shown = ", ".join(book.sheetnames)
            raise Invalid(
                f"The workbook has no sheet {mapping.sheet!r}; it has: {shown}",
                f"工作簿中没有工作表 {mapping.sheet!r}；现有：{shown}",
            )
        sheet = book[mapping.sheet] if mapping.sheet else book.worksheets[0]
        rows = sheet.iter_rows(values_only=True)
        for _ in range(mapping.header - 1):
            next(rows, None)
        names = named(["" if cell is None else _shown(cell) for cell in next(rows, ())])
        if not any(names):
            raise Invalid("The worksheet has no header row", "工作表没有表头")
        first = mapping.header + 1
        for group in _grouped(rows):
            padded = [(*row, *[None] * (len(names) - len(row)))[: len(names)] for row in group]
            columns = [pa.array(map(_cell, cells), pa.string()) for cells in zip(*padded, strict=True)]
            batch = pa.RecordBatch.from_arrays(columns, names)
            numbers = np.arange(first, first + len(group), dtype=np.int64)
            yield _without_blanks(Block(batch, numbers, Refusals.none()))
            first += len(group)
    except ZhichengError:
        raise
    except (BadZipFile, KeyError, OSError, ValueError, IndexError, TypeError, AttributeError, SyntaxError) as error:
        raise Invalid(f"This is not a readable XLSX file: {error}", f"无法读取该 XLSX 文件：{error}") from None


def _cell(value: object) -> str | None:
    return None if value is None else _shown(value)


def _shown(value: object) -> str:
    """A spreadsheet's cell as text: whole numbers without a point, dates in ISO 8601."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case datetime() | date() | time():
            return value.isoformat()
    return str(value)


def _grouped(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    group: list[tuple[object, ...]] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS // 4:
            yield group
            group = []
    if group:
        yield group


def read_parquet(stream: BinaryIO, mapping: TableMapping) -> Iterator[Block]:
    """Blocks of a Parquet file, columns in their own types."""
    try:
        file = pyarrow.parquet.ParquetFile(_seekable(stream))
        first = mapping.header + 1
        for batch in file.iter_batches(ROWS, use_threads=False):
            yield Block(batch, np.arange(first, first + batch.num_rows, dtype=np.int64), Refusals.none())
            first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise Invalid(f"This is not a readable Parquet file: {error}", f"无法读取该 Parquet 文件：{error}") from None


def read_json(stream: BinaryIO, mapping: TableMapping) -> Iterator[Block]:
    """Blocks of the records of a JSON document, or of JSON lines."""
    yield from _of_records(records_at(whole(stream), mapping.records), mapping)


def read_geojson(stream: BinaryIO, mapping: TableMapping) -> Iterator[Block]:
    """Blocks of a GeoJSON FeatureCollection: `properties` as columns, `geometry` and `id` beside them."""
    yield from _of_records(feature_records(whole(stream)), mapping)


def _of_records(records: list[dict[str, object]], mapping: TableMapping) -> Iterator[Block]:
    names = column_names(records)
    for at in range(0, len(records), ROWS):
        some = records[at : at + ROWS]
        numbers = np.arange(at + 1, at + 1 + len(some), dtype=np.int64)
        yield Block(table_of_records(some, names), numbers, Refusals.none())


Read = Callable[[BinaryIO, TableMapping], Iterator[Block]]

READERS: dict[str, Read] = {
    "csv": read_csv,
    "xlsx": read_xlsx,
    "parquet": read_parquet,
    "json": read_json,
    "geojson": read_geojson,
}
"""By format; NGSI-LD files are read by the codec that is handed in."""

_ENDINGS = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "xlsx": "xlsx", "xlsm": "xlsx", "parquet": "parquet", "pq": "parquet",
    "geojson": "geojson", "json": "json", "jsonl": "json", "ndjson": "json", "jsonld": "ngsi-ld",
}  # fmt: skip


def format_of(name: str, mapping: TableMapping) -> str:
    """The format of a file: the mapping's, or that of the name's ending.

    >>> format_of("a/b.TSV", TableMapping(format="ngsi-ld")), format_of("b.csv", TableMapping(format="ngsi-ld"))
    ('ngsi-ld', 'ngsi-ld')
    """
    if mapping.format != "auto":
        return mapping.format
    ending = name.rsplit(".", 1)[-1].lower()
    if ending not in _ENDINGS:
        raise Invalid(
            f"{name}: the ending does not tell the format; set format in the mapping",
            f"{name}：无法由扩展名判断格式；请在映射中设置 format",
            file=name,
        )
    return _ENDINGS[ending]
