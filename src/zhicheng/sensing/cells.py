"""Columns of cells to values of one attribute: numbers by Arrow, everything else once per distinct text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from zhicheng.kernel import instants, urn
from zhicheng.kernel.columns import F8, I1, Coded, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.sensing.mapping import TableMapping, Value
from zhicheng.sensing.times import instants_of
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.model import Json, Kind

Reason = tuple[str, str]
BAD_NUMBER: Reason = ("not a number", "不是数字")
NOT_FINITE: Reason = ("not a finite number", "不是有限数字")
OUT_OF_RANGE: Reason = ("outside min and max of the mapping", "超出映射规定的 min 与 max")
BAD_TEXT: Reason = ("characters that the file's encoding does not have", "含有文件编码之外的字符")
BAD_BOOLEAN: Reason = ("neither true nor false", "既非真也非假")
BAD_JSON: Reason = ("not valid JSON", "不是有效的 JSON")
UNKNOWN_CODE: Reason = ("not among the mapping's values", "不在映射的 values 之中")
BAD_URI: Reason = ("not a URI", "不是 URI")

EXACT = 2**53
"""Integers from here on are not exact as a float64 and travel as JSON."""

KINDS: dict[str, Kind] = {
    "relationship": Kind.RELATIONSHIP,
    "vocabulary": Kind.VOCABULARY,
    "language": Kind.LANGUAGE,
    "geometry": Kind.GEO,
}
"""The NGSI-LD kind of a value kind; the others are properties."""

_NUMBER = r"^(?i:[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?|nan|inf|infinity))$"
_LITERAL = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?$"
_TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "1.0", "on", "是", "真", "有"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "0.0", "off", "否", "假", "无"), False),
}


@dataclass(slots=True)
class Cells:
    """Values of one column of cells: form NOTHING where the cell is empty or refused."""

    form: I1
    number: F8
    text: Coded
    refused: list[tuple[Mask, Reason]] = field(default_factory=list)


Answer = tuple[int, float, str | None] | Reason
"""What a distinct text means: form, number, text; or why it is refused."""


def cleaned(array: pa.Array, nulls: Sequence[str]) -> pa.Array:
    """The column with dictionary and view encodings undone, text trimmed, and empty markers as null.

    >>> cleaned(pa.array([" a ", "n/a", ""]), ["", "n/a"]).to_pylist()
    ['a', None, None]
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not is_text(array.type):
        return array
    array = pc.utf8_trim_whitespace(pc.cast(array, pa.string()))
    empty = pc.is_in(array, value_set=pa.array(["", *nulls]))
    return pc.if_else(empty, pa.scalar(None, pa.string()), array)


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def coded(array: pa.Array) -> Coded:
    """A text column dictionary-encoded.

    >>> coded(pa.array(["a", None, "a"])).codes.tolist()
    [0, -1, 0]
    """
    encoded = array.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return Coded(encoded.dictionary.to_pylist(), np.asarray(codes, dtype=np.int32))


def as_text(array: pa.Array) -> pa.Array:
    """Any column as text: whole numbers without a point, times in ISO 8601, nested values as JSON."""
    kind = array.type
    if is_text(kind):
        return array
    if pa.types.is_floating(kind):
        number = array.cast(pa.float64())
        whole = pc.and_(pc.equal(number, pc.floor(number)), pc.less(pc.abs(number), EXACT))
        integers = pc.cast(pc.if_else(whole, number, pa.scalar(None, pa.float64())), pa.int64())
        return pc.coalesce(integers.cast(pa.string()), number.cast(pa.string()))
    if pa.types.is_nested(kind):
        items = [None if item is None else orjson.dumps(item, default=str).decode() for item in array.to_pylist()]
        return pa.array(items, pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if item is None else item.hex() for item in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def flags(array: pa.Array) -> Mask:
    """A column of booleans as a mask; null is false."""
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def numbers(array: pa.Array, decimal: str = ".", thousands: str = "") -> tuple[F8, list[tuple[Mask, Reason]]]:
    """Numbers of a cleaned column, NaN where empty or refused.

    >>> values, refused = numbers(pa.array(["1.234,5", "x", None]), ",", ".")
    >>> values.tolist()[0], [(mask.tolist(), reason[0]) for mask, reason in refused]
    (1234.5, [([False, True, False], 'not a number')])
    """
    refused: list[tuple[Mask, Reason]] = []
    if is_text(array.type):
        array, unreadable = _numbers_of_text(array, decimal, thousands)
        if unreadable.any():
            refused.append((unreadable, BAD_NUMBER))
    elif not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)):
        if not pa.types.is_boolean(array.type) and not pa.types.is_null(array.type):
            return np.full(len(array), np.nan), [(flags(array.is_valid()), BAD_NUMBER)]
    present = flags(array.is_valid())
    values = np.array(pc.fill_null(pc.cast(array, pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False))
    infinite = present & ~np.isfinite(values)
    if infinite.any():
        values[infinite] = np.nan
        refused.append((infinite, NOT_FINITE))
    return values, refused


def _numbers_of_text(array: pa.Array, decimal: str, thousands: str) -> tuple[pa.Array, Mask]:
    """Numbers, null where there are none, and the rows whose text is none; Arrow's cast when all are good."""
    if thousands:
        array = pc.replace_substring(array, thousands, "")
    if decimal == ",":
        array = pc.replace_substring(array, ",", ".")
    try:
        return pc.cast(array, pa.float64()), np.zeros(len(array), np.bool_)
    except pa.ArrowInvalid:
        wide = pc.utf8_normalize(array, form="NFKC")  # full-width digits
        good = pc.match_substring_regex(wide, _NUMBER)
        number = pc.cast(pc.if_else(good, wide, pa.scalar(None, pa.string())), pa.float64())
        return number, flags(array.is_valid()) & ~flags(good)


def values_of(array: pa.Array, value: Value, mapping: TableMapping) -> Cells:
    """The values of a cleaned column as the mapping says."""
    if value.values:
        return _by_text(array, lambda text: _translated(text, value.values))
    if value.kind == "number" or (value.kind == "auto" and _numeric(array.type)):
        return _number_cells(array, value, mapping)
    if value.kind == "auto":
        return _auto_cells(array, value, mapping)
    if value.kind == "time":
        return _time_cells(array, value)
    return _by_text(array, _BY_TEXT[value.kind](value))


def constant(value: Value, count: int) -> Cells:
    """The mapping's own value, for every row."""
    form, number, text = _scalar(value.value)
    return Cells(np.full(count, form, np.uint8), np.full(count, number), Coded.constant(text, count))


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _number_cells(array: pa.Array, value: Value, mapping: TableMapping) -> Cells:
    number, refused = numbers(array, mapping.decimal, mapping.thousands)
    if value.scale != 1.0 or value.offset != 0.0:
        number = number * value.scale + value.offset
    outside = np.zeros(len(number), np.bool_)
    if value.min is not None:
        outside |= number < value.min
    if value.max is not None:
        outside |= number > value.max
    if outside.any():
        number[outside] = np.nan
        refused.append((outside, OUT_OF_RANGE))
    form = np.where(np.isnan(number), Form.NOTHING, Form.NUMBER).astype(np.uint8)
    if pa.types.is_integer(array.type) and value.scale == 1.0 and (np.abs(number) >= EXACT).any():
        return _exact(array, Cells(form, number, Coded.constant(None, len(form)), refused))
    return Cells(form, number, Coded.constant(None, len(form)), refused)


def _exact(array: pa.Array, cells: Cells) -> Cells:
    """Integers too long for a float, kept digit by digit."""
    long = np.abs(cells.number) >= EXACT
    text = coded(pc.if_else(pa.array(long), array.cast(pa.string()), pa.scalar(None, pa.string())))
    form = np.where(long, np.uint8(Form.JSON), cells.form)
    return Cells(form, np.where(long, np.nan, cells.number), text, cells.refused)


def _auto_cells(array: pa.Array, value: Value, mapping: TableMapping) -> Cells:
    """Text that is a JSON number is a number; other text stays text. Other columns by their type."""
    if pa.types.is_boolean(array.type):
        return _by_text(as_text(array), lambda text: (int(Form.BOOLEAN), float(text == "true"), None))
    if pa.types.is_nested(array.type):
        return _by_text(array, _json)
    if not is_text(array.type):
        return _by_text(array, _plain)
    literal = pc.match_substring_regex(array, _LITERAL)
    nothing = pa.scalar(None, pa.string())
    number = _number_cells(pc.if_else(literal, array, nothing), value, TableMapping(format="ngsi-ld"))
    text = _by_text(pc.if_else(literal, nothing, array), _plain)
    form = np.maximum(number.form, text.form)
    return Cells(form, number.number, text.text, number.refused + text.refused)


def _time_cells(array: pa.Array, value: Value) -> Cells:
    at, refused = instants_of(array, value.format, value.zone)
    distinct, back = np.unique(at, return_inverse=True)
    texts = [instants.format(one) for one in distinct.tolist() if one != ABSENT]
    shift = 1 if len(distinct) > len(texts) else 0
    text = Coded(texts, (back - shift).astype(np.int32))
    form = np.where(text.codes < 0, Form.NOTHING, Form.TEXT).astype(np.uint8)
    return Cells(form, np.full(len(at), np.nan), text, refused)


def _by_text(array: pa.Array, meaning: Callable[[str], Answer]) -> Cells:
    """Ask once per distinct text, then spread the answers over the rows."""
    column = coded(as_text(array))
    answers = [meaning(text) if "\ufffd" not in text else BAD_TEXT for text in column.values]
    good = [answer if len(answer) == 3 else (int(Form.NOTHING), np.nan, None) for answer in answers]
    form = np.array([*(answer[0] for answer in good), Form.NOTHING], np.uint8)[column.codes]
    number = np.array([*(answer[1] for answer in good), np.nan], np.float64)[column.codes]
    text = Coded.of([*(answer[2] for answer in good), None])
    reasons = {answer for answer in answers if len(answer) == 2}
    refused = []
    for reason in sorted(reasons):
        of_reason = np.array([*(answer == reason for answer in answers), False], np.bool_)
        refused.append((of_reason[column.codes], reason))
    return Cells(form, number, Coded(text.values, text.codes[column.codes]), refused)


def _plain(text: str) -> Answer:
    return int(Form.TEXT), np.nan, text


def _truth(text: str) -> Answer:
    truth = _TRUTH.get(text.casefold())
    return BAD_BOOLEAN if truth is None else (int(Form.BOOLEAN), float(truth), None)


def _json(text: str) -> Answer:
    try:
        return _scalar(orjson.loads(text))
    except orjson.JSONDecodeError:
        return BAD_JSON


def _uri(text: str) -> Answer:
    return (int(Form.TEXT), np.nan, text) if urn.valid(text) else BAD_URI


def _translated(text: str, values: dict[str, object]) -> Answer:
    return _scalar(values[text]) if text in values else UNKNOWN_CODE


def _scalar(value: object) -> tuple[int, float, str | None]:
    """A JSON value in the log's form.

    >>> _scalar(True), _scalar("a")[2], _scalar([1])[2]
    ((3, 1.0, None), 'a', '[1]')
    """
    match value:
        case None:
            return int(Form.NOTHING), np.nan, None
        case bool():
            return int(Form.BOOLEAN), float(value), None
        case int() | float() if abs(value) < EXACT:
            return int(Form.NUMBER), float(value), None
        case str():
            return int(Form.TEXT), np.nan, value
    return int(Form.JSON), np.nan, orjson.dumps(value, default=str).decode()


def _language(value: Value) -> Callable[[str], Answer]:
    def tagged(text: str) -> Answer:
        document: dict[str, Json] = {value.language: text}
        return int(Form.JSON), np.nan, orjson.dumps(document).decode()

    return tagged


_BY_TEXT: dict[str, Callable[[Value], Callable[[str], Answer]]] = {
    "text": lambda value: _plain,
    "boolean": lambda value: _truth,
    "json": lambda value: _json,
    "vocabulary": lambda value: _uri,
    "language": _language,
}
