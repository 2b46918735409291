"""Tables to changes, column-wise, as a mapping says; every row or cell not taken is listed with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from zhicheng.kernel import instants, urn
from zhicheng.kernel.columns import I8, Coded, Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT
from zhicheng.sensing.cells import KINDS, Cells, Reason, as_text, cleaned, coded, constant, flags, values_of
from zhicheng.sensing.mapping import TableMapping, Time, Value, template
from zhicheng.sensing.places import geometries, points
from zhicheng.sensing.refusals import Refusals
from zhicheng.sensing.times import instants_of
from zhicheng.standards.changes import Act, Changes, Form
from zhicheng.standards.ngsild.model import Kind

EMPTY_ID: Reason = ("the cell that names the entity is empty", "标识实体的单元格为空")
BAD_ID: Reason = ("does not make a URI", "无法构成 URI")
EMPTY_TIME: Reason = ("the row has no time", "该行没有时间")

Expand = Callable[[str], str]
"""Gives the IRI of a short name."""


@dataclass(slots=True)
class _Part:
    """Changes of one attribute: entity codes and instants beside its cells."""

    name: str
    kind: Kind
    value: Value
    entity: np.ndarray[tuple[int], np.dtype[np.int32]]
    at: I8
    cells: Cells


class Rows:
    """A batch of rows by column name, with the number each has in its file."""

    def __init__(self, batch: pa.RecordBatch, numbers: I8, mapping: TableMapping) -> None:
        self.batch = batch
        self.numbers = numbers
        self.mapping = mapping
        self.names: list[str] = list(batch.schema.names)
        self.refusals: list[Refusals] = []
        self._cleaned: dict[str, pa.Array] = {}

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def column(self, name: str) -> pa.Array:
        """A cleaned column; a name that the file does not have is refused with the nearest one."""
        if name not in self._cleaned:
            if name not in self.names:
                raise missing(name, self.names)
            self._cleaned[name] = cleaned(self.batch.column(self.names.index(name)), self.mapping.null)
        return self._cleaned[name]

    def refuse(self, rows: Mask | Index, column: str, cells: pa.Array, reason: Reason) -> None:
        """List rows as refused for a column's cell."""
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        if not len(chosen):
            return
        value = coded(as_text(cells.take(pa.array(chosen))))
        self.refusals.append(Refusals.of(self.numbers[chosen], Coded.constant(column, len(chosen)), value, reason))


def missing(name: str, names: Sequence[str]) -> Invalid:
    """The error for a column that the file does not have."""
    near = get_close_matches(name, names, n=1)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return Invalid(
        f"The file has no column {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"it has: {shown}"),
        f"文件中没有列 {name!r}；" + (f"是否应为 {near[0]!r}？" if near else f"现有的列：{shown}"),
        column=name,
    )


def decode_table(
    table: pa.RecordBatch | pa.Table, mapping: TableMapping, expand: Expand, numbers: I8 | None = None
) -> tuple[Changes, Refusals]:
    """The changes that a table's rows make, and what was refused.

    A row without an id or a readable time is refused whole, a bad cell alone. With `time`, values are
    observations at that time; without, they are set. `numbers` are the rows' numbers in their file.

    >>> mapping = TableMapping(type=("Bin",), id="urn:ngsi-ld:Bin:{n}", attributes={"fill": Value("f", kind="number")})
    >>> changes, refusals = decode_table(pa.table({"n": ["1", "2"], "f": ["0.5", "x"]}), mapping, "urn:x:".__add__)
    >>> changes.entity.list(), changes.number.tolist(), [(one.row, one.en) for one in refusals]
    (['urn:ngsi-ld:Bin:1'], [0.5], [(3, 'not a number')])
    """
    batches = table.combine_chunks().to_batches() if isinstance(table, pa.Table) else [table]
    batch = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    if numbers is None:
        numbers = np.arange(batch.num_rows, dtype=np.int64) + mapping.header + 1
    rows = Rows(batch, numbers, mapping)
    parts, values = _wide(rows) if mapping.wide else _long(rows)
    refusals = Refusals.concat(rows.refusals)
    return _changes(parts, values, mapping, expand), refusals


def _long(rows: Rows) -> tuple[list[_Part], list[str]]:
    """One entity a row."""
    mapping = rows.mapping
    used = _used(mapping)
    empty = np.ones(len(rows), np.bool_)
    for name in used:
        empty &= ~flags(rows.column(name).is_valid())
    ids = _ids(rows, mapping.id, ~empty)
    at, timed = _times(rows, mapping.time, ~empty & (ids.codes >= 0))
    good = (ids.codes >= 0) & timed
    _count_duplicates(rows, ids.codes[good], at[good])
    parts = []
    for name, value in mapping.attributes.items():
        part = _part(rows, name, value, ids, at, good)
        if part:
            parts.append(part)
    if mapping.location:
        parts.append(_location(rows, ids, at, good))
    return parts, ids.values


def _used(mapping: TableMapping) -> list[str]:
    names = list(template(mapping.id)[1])
    for value in mapping.attributes.values():
        names += [value.column] if value.column else []
        names += template(value.id)[1] if value.id else []
        names += value.members.values()
    names += mapping.time.column if mapping.time else ()
    place = mapping.location
    names += [name for name in (place.lat, place.lon, place.geometry) if name] if place else []
    return list(dict.fromkeys(names))


def _ids(rows: Rows, pattern: str, wanted: Mask) -> Coded:
    """The entity of each row, code -1 where it is refused."""
    composed = compose(rows, pattern)
    column = template(pattern)[1][0]
    rows.refuse(wanted & (composed.codes < 0), column, rows.column(column), EMPTY_ID)
    good = np.array([*(urn.valid(value) for value in composed.values), True], np.bool_)
    if not good.all():
        bad = ~good[composed.codes]
        rows.refuse(bad, column, rows.column(column), BAD_ID)
        composed = Coded(composed.values, np.where(bad, -1, composed.codes).astype(np.int32))
    return composed


def compose(rows: Rows, pattern: str) -> Coded:
    """A template filled in for every row; nothing where a cell is empty."""
    literals, columns = template(pattern)

    def filled(texts: list[str | None]) -> str | None:
        whole = [text for text in texts if text is not None]
        return fill(literals, whole) if len(whole) == len(texts) else None

    return combined([coded(as_text(rows.column(name))) for name in columns], filled)


def combined(columns: Sequence[Coded], make: Callable[[list[str | None]], str | None]) -> Coded:
    """What `make` gives for the texts of each row, asked once per distinct combination.

    >>> combined([Coded.of(["a", "b", "a"]), Coded.of(["x", None, "x"])], lambda texts: f"{texts[0]}-{texts[1]}").list()
    ['a-x', 'b-None', 'a-x']
    """
    key = columns[0].codes.astype(np.int64)
    for column in columns[1:]:
        key = np.unique(key, return_inverse=True)[1] * (len(column.values) + 1) + column.codes + 1
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    found = Coded.of(make([column[row] for column in columns]) for row in first.tolist())
    return Coded(found.values, found.codes[back])


def fill(literals: Sequence[str], texts: Sequence[str]) -> str:
    """A template's literals and the texts between them, made safe for a URN unless the template is one column alone.

    >>> fill(("urn:x:", ":", ""), ["a b", "c"])
    'urn:x:a%20b:c'
    """
    if not any(literals):
        return texts[0]
    return literals[0] + "".join(urn.local(text) + after for text, after in zip(texts, literals[1:], strict=True))


def _times(rows: Rows, time: Time | None, wanted: Mask) -> tuple[I8, Mask]:
    """Instants of the rows and where they are usable; without a time column all are, as ABSENT or at one instant."""
    if time is None or time.at:
        constant_at = ABSENT if time is None else instants.parse(time.at)
        return np.full(len(rows), constant_at), np.ones(len(rows), np.bool_)
    columns = [rows.column(name) for name in time.column]
    joined = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*map(as_text, columns), " ")
    at, refused = instants_of(joined, time.format, time.zone)
    name = " ".join(time.column)
    rows.refuse(wanted & flags(pc.is_null(joined)), name, joined, EMPTY_TIME)
    for mask, reason in refused:
        rows.refuse(wanted & mask, name, joined, reason)
    return at, at != ABSENT


def _count_duplicates(rows: Rows, codes: np.ndarray[tuple[int], np.dtype[np.int32]], at: I8) -> None:
    """Count rows with the id and time of an earlier one; they are kept, and the later one counts."""
    order = np.lexsort((at, codes))
    same = (np.diff(codes[order]) == 0) & (np.diff(at[order]) == 0)
    if same.any():
        counted = Refusals.none()
        counted.duplicates = int(same.sum())
        rows.refusals.append(counted)


def _part(rows: Rows, name: str, value: Value, ids: Coded, at: I8, good: Mask) -> _Part | None:
    """One attribute of all rows."""
    if value.value is not None and not value.column:
        _, first = np.unique(ids.codes[good], return_index=True)
        cells = constant(value, len(first))
        return _Part(name, Kind.PROPERTY, value, ids.codes[good][first], np.full(len(first), ABSENT), cells)
    if value.kind == "relationship":
        cells = _links(compose(rows, value.id))
    elif value.kind == "geometry":
        cells = geometries(rows.column(value.column), "WGS84")
    elif value.members:
        cells = _objects(rows, value)
    else:
        cells = values_of(rows.column(value.column), value, rows.mapping)
    for mask, reason in cells.refused:
        rows.refuse(mask & good, value.column, rows.column(value.column), reason)
    return _kept(_Part(name, KINDS.get(value.kind, Kind.PROPERTY), value, ids.codes, at, cells), good)


def _objects(rows: Rows, value: Value) -> Cells:
    """JSON objects of several columns' texts; empty cells are left out, and empty objects are no value."""
    names = list(value.members)

    def made(texts: list[str | None]) -> str | None:
        record = {name: text for name, text in zip(names, texts, strict=True) if text is not None}
        return orjson.dumps(record).decode() if record else None

    text = combined([coded(as_text(rows.column(column))) for column in value.members.values()], made)
    form = np.where(text.codes < 0, Form.NOTHING, Form.JSON).astype(np.uint8)
    return Cells(form, np.full(len(form), np.nan), text)


def _links(uris: Coded) -> Cells:
    form = np.where(uris.codes < 0, Form.NOTHING, Form.TEXT).astype(np.uint8)
    return Cells(form, np.full(len(form), np.nan), uris)


def _location(rows: Rows, ids: Coded, at: I8, good: Mask) -> _Part:
    place = rows.mapping.location
    assert place is not None
    if place.geometry:
        shown, name = rows.column(place.geometry), place.geometry
        cells = geometries(shown, place.datum)
    else:
        lat, lon = rows.column(place.lat), rows.column(place.lon)
        cells = points(lat, lon, place.datum, rows.mapping.decimal)
        shown = pc.binary_join_element_wise(
            as_text(lat), as_text(lon), ", ", null_handling="replace", null_replacement=""
        )
        name = f"{place.lat}, {place.lon}"
    for mask, reason in cells.refused:
        rows.refuse(mask & good, name, shown, reason)
    return _kept(_Part(place.attribute, Kind.GEO, Value(name), ids.codes, at, cells), good)


def _kept(part: _Part, good: Mask) -> _Part:
    """The rows that have a value."""
    rows = np.flatnonzero(good & (part.cells.form != Form.NOTHING))
    cells = Cells(part.cells.form[rows], part.cells.number[rows], part.cells.text.take(rows))
    return _Part(part.name, part.kind, part.value, part.entity[rows], part.at[rows], cells)


def _wide(rows: Rows) -> tuple[list[_Part], list[str]]:
    """One entity a column: all value columns laid end to end, empty cells dropped, then read as one."""
    mapping = rows.mapping
    assert mapping.time is not None
    (name, value), literals = next(iter(mapping.attributes.items())), template(mapping.id)[0]
    spent = {*mapping.time.column, *mapping.skip}
    columns = [at for at, column in enumerate(rows.names) if column not in spent and column]
    if not columns or not len(rows):
        return [], []
    ends = pa.concat_arrays([as_text(rows.batch.column(column)) for column in columns])
    filled = np.flatnonzero(flags(ends.is_valid()))
    cells = cleaned(ends.drop_null(), mapping.null)
    row, column = filled % len(rows), filled // len(rows)
    said = np.zeros(len(rows), np.bool_)
    said[row] = True
    at, timed = _times(rows, mapping.time, said)
    good = timed[row]
    read = values_of(cells, value, mapping)
    _refuse_wide(rows, read, cells, row, [rows.names[one] for one in columns], column, good)
    _count_duplicates(rows, np.zeros(int(timed.sum()), np.int32), at[timed])
    codes, ids = _wide_ids([fill(literals, [rows.names[one]]) for one in columns])
    kind = KINDS.get(value.kind, Kind.PROPERTY)
    return [_kept(_Part(name, kind, value, codes[column], at[row], read), good)], ids


def _wide_ids(ids: list[str]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], list[str]]:
    found = Coded.of(ids)
    return found.codes, found.values


def _refuse_wide(
    rows: Rows, read: Cells, cells: pa.Array, row: Index, names: list[str], column: Index, good: Mask
) -> None:
    """List refused cells under the column they stand in."""
    for mask, reason in read.refused:
        chosen = np.flatnonzero(mask & good)
        if len(chosen):
            found = Coded(names, column[chosen].astype(np.int32))
            value = coded(as_text(cells.take(pa.array(chosen))))
            rows.refusals.append(Refusals.of(rows.numbers[row[chosen]], found, value, reason))


def _changes(parts: list[_Part], ids: list[str], mapping: TableMapping, expand: Expand) -> Changes:
    """All parts as rows of the log; entities that have none are left out of `types`."""
    if not parts:
        nothing = Coded.constant(None, 0)
        return Changes.of_readings(nothing, nothing, np.zeros(0, np.int64))
    counts = [len(part.at) for part in parts]
    entity = np.concatenate([part.entity for part in parts])
    changes = Changes.of_readings(
        Coded(ids, entity),
        _spread([expand(part.name) for part in parts], counts),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.cells.number for part in parts]),
        Coded.concat([part.cells.text for part in parts]),
        _spread([part.value.unit for part in parts], counts),
    )
    changes.form = np.concatenate([part.cells.form for part in parts])
    changes.kind = np.repeat(np.array([part.kind for part in parts], np.uint8), counts)
    changes.act = np.where(changes.observed_at == ABSENT, Act.SET, Act.OBSERVE).astype(np.uint8)
    changes.dataset = _spread([part.value.dataset for part in parts], counts)
    kinds = tuple(expand(name) for name in mapping.type)
    present = np.unique(entity)
    changes.types = {ids[code]: kinds for code in present.tolist()}
    return changes


def _spread(values: Sequence[str | None], counts: Sequence[int]) -> Coded:
    """One value a part, repeated over its rows."""
    column = Coded.of(values)
    return Coded(column.values, np.repeat(column.codes, counts))
