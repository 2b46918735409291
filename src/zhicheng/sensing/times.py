"""Columns of times in the many ways that files write them, to UTC instants; column-wise and strict."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhicheng.kernel import zones
from zhicheng.kernel.columns import I8, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT, DAY, MINUTE, SECOND

Reason = tuple[str, str]
BAD_TIME: Reason = ("not a time in the given format", "不符合给定格式的时间")
NO_ZONE: Reason = ("the time has no zone; give the mapping a zone", "时间没有时区；请在映射中给出 zone")
NO_SUCH_HOUR: Reason = ("clocks skipped this local time", "当地时钟跳过了这一时刻")

_ISO = (
    r"^(?P<Y>\d{4})-?(?P<m>\d\d)-?(?P<d>\d\d)(?:[Tt ]+(?P<H>\d{1,2}):?(?P<M>\d\d)(?::?(?P<S>\d\d)"
    r"(?:[.,](?P<f>\d{1,9}))?)?)? ?(?P<z>Z|z|[+-]\d\d:?\d\d|[+-]\d\d)?$"
)
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d\d)", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})", "I": r"(?P<I>\d{1,2})", "M": r"(?P<M>\d{1,2})", "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})", "p": r"(?P<p>[AaPp][Mm]|上午|下午)", "z": r"(?P<z>Z|[+-]\d\d:?\d\d)", "%": "%",
}  # fmt: skip
_PER_UNIT = {"unix": SECOND, "unix s": SECOND, "unix ms": 1_000, "unix us": 1}
_EXCEL_EPOCH = -25569 * DAY
"""Day 0 of spreadsheets, 1899-12-30, as an instant."""
_EARLIEST, _LATEST = -62135596800 * SECOND, 253402300800 * SECOND
"""Years 1 to 9999."""


def instants_of(array: pa.Array, form: str, zone: str | None) -> tuple[I8, list[tuple[Mask, Reason]]]:
    """Instants of a column (ABSENT where null or refused), and which rows are refused for what.

    `form` is iso, unix, unix ms, excel or a pattern such as "%d.%m.%Y %H:%M"; `zone` is an IANA name for
    times that carry none. A local time that comes twice when clocks go back is taken as the first.

    >>> at, refused = instants_of(pa.array(["2024-02-08T12:59:15Z", None]), "iso", None)
    >>> at.tolist() == [1707397155000000, ABSENT], refused
    (True, [])
    """
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _from_timestamps(array, zone)
    if form in _PER_UNIT or form == "excel":
        return _from_numbers(array, form, zone)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise Invalid(
            f'a column of {kind} is no time; say format = "unix", "unix ms" or "excel"',
            f'类型为 {kind} 的列不是时间；请写明 format = "unix"、"unix ms" 或 "excel"',
        )
    if form == "iso":
        quick = _quick_iso(array, zone)
        if quick is not None:
            return quick
    return _from_text(array, _pattern(form), zone)


def _quick_iso(array: pa.Array, zone: str | None) -> tuple[I8, list[tuple[Mask, Reason]]] | None:
    """All rows with zone, or none with: Arrow parses them; anything else takes the way of patterns."""
    try:
        return _plain(pc.cast(array, pa.timestamp("us", "UTC"))), []
    except pa.ArrowInvalid:
        pass
    if zone is None:
        return None
    try:
        naive = _plain(pc.cast(array, pa.timestamp("us")))
    except pa.ArrowInvalid:
        return None
    return _localised(naive, zone)


def _from_timestamps(array: pa.Array, zone: str | None) -> tuple[I8, list[tuple[Mask, Reason]]]:
    aware = pa.types.is_timestamp(array.type) and array.type.tz is not None
    at = _plain(pc.cast(array, pa.timestamp("us", array.type.tz if aware else None), safe=False))
    if aware:
        return at, []
    if zone is None:
        return np.full(len(at), ABSENT), [(at != ABSENT, NO_ZONE)]
    return _localised(at, zone)


def _from_numbers(array: pa.Array, form: str, zone: str | None) -> tuple[I8, list[tuple[Mask, Reason]]]:
    present = _flags(pc.is_valid(array))
    try:
        number = pc.cast(array, pa.float64())
    except pa.ArrowInvalid:
        numeric = pc.match_substring_regex(array, r"^[+-]?\d{1,18}(\.\d+)?$")
        number = pc.cast(pc.if_else(numeric, array, pa.scalar(None, array.type)), pa.float64())
    values = pc.fill_null(number, np.nan).to_numpy(zero_copy_only=False)
    scaled = values * (DAY if form == "excel" else _PER_UNIT[form])
    with np.errstate(invalid="ignore"):
        good = (scaled > _EARLIEST) & (scaled < _LATEST)
    at = np.full(len(values), ABSENT)
    if form == "excel":
        at[good] = np.round(scaled[good] / 1000).astype(np.int64) * 1000 + _EXCEL_EPOCH
        local, refused = _localised(at, zone or "UTC")
        return local, [*refused, (present & ~good, BAD_TIME)]
    whole = np.floor(values[good])
    per_unit = _PER_UNIT[form]
    at[good] = whole.astype(np.int64) * per_unit + np.round((values[good] - whole) * per_unit).astype(np.int64)
    bad = present & ~good
    return at, [(bad, BAD_TIME)] if bad.any() else []


def _from_text(array: pa.Array, pattern: str, zone: str | None) -> tuple[I8, list[tuple[Mask, Reason]]]:
    """Fields cut out by a pattern, checked, and put together; per row, so that one bad row costs no other."""
    present = _flags(pc.is_valid(array))
    fields = pc.extract_regex(array, pattern)
    matched = _flags(pc.is_valid(fields))
    names = {fields.type[at].name for at in range(fields.type.num_fields)}

    def number(name: str, default: int = 0) -> I8:
        if name not in names:
            return np.full(len(array), default)
        text = pc.struct_field(fields, name)
        digits = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        return np.asarray(pc.fill_null(pc.cast(digits, pa.int64()), default).to_numpy(zero_copy_only=False))

    naive, real = _civil(
        number("Y", 1970) if "Y" in names else number("y", 70) + np.where(number("y", 70) < 69, 2000, 1900),
        number("m", 1),
        number("d", 1),
        _hour(fields, names, number),
        number("M"),
        number("S"),
    )
    naive = naive + _fraction(fields, names)
    good = matched & real
    naive[~good] = ABSENT
    bad = present & ~good
    refused = [(bad, BAD_TIME)] if bad.any() else []
    at, more = _zoned(naive, fields, names, zone)
    return at, [*refused, *more]


def _civil(year: I8, month: I8, day: I8, hour: I8, minute: I8, second: I8) -> tuple[I8, Mask]:
    """Microseconds since 1970 of calendar fields read as UTC, and whether they name a real time."""
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    start = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - start
    real = (month >= 1) & (month <= 12) & (day >= 1) & (day <= length) & (year >= 1)
    real &= (minute < 60) & (second <= 60) & ((hour < 24) | ((hour == 24) & (minute == 0) & (second == 0)))
    return (start + day - 1) * DAY + ((hour * 60 + minute) * 60 + second) * SECOND, real


def _hour(fields: pa.Array, names: set[str], number: object) -> I8:
    assert callable(number)
    if "I" not in names:
        return np.asarray(number("H"))
    twelve = np.asarray(number("I"))
    if "p" not in names:
        return np.where(twelve > 12, 99, twelve)
    half = pc.match_substring_regex(pc.struct_field(fields, "p"), "^[Pp]|下午")
    afternoon = _flags(pc.fill_null(half, False))
    hour = twelve % 12 + np.where(afternoon, 12, 0)
    return np.where((twelve < 1) | (twelve > 12), 99, hour)


def _fraction(fields: pa.Array, names: set[str]) -> I8 | int:
    if "f" not in names:
        return 0
    digits = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.struct_field(fields, "f"), 6, "0"), 0, 6)
    return np.asarray(pc.fill_null(pc.cast(digits, pa.int64()), 0).to_numpy(zero_copy_only=False))


def _zoned(naive: I8, fields: pa.Array, names: set[str], zone: str | None) -> tuple[I8, list[tuple[Mask, Reason]]]:
    """Subtract the offset that the text carries; where it carries none, the zone's."""
    if "z" not in names:
        return _localised(naive, zone) if zone else (np.full(len(naive), ABSENT), [(naive != ABSENT, NO_ZONE)])
    coded = pc.fill_null(pc.struct_field(fields, "z"), "").dictionary_encode()
    known = [_offset(text) for text in coded.dictionary.to_pylist()]
    codes = coded.indices.to_numpy(zero_copy_only=False)
    offset = np.array([ABSENT if one is None else one for one in known], np.int64)[codes]
    bare = (offset == ABSENT) & (naive != ABSENT)
    at = np.where((naive == ABSENT) | bare, ABSENT, naive - np.where(offset == ABSENT, 0, offset))
    if not bare.any():
        return at, []
    if zone is None:
        return at, [(bare, NO_ZONE)]
    local, refused = _localised(np.where(bare, naive, ABSENT), zone)
    return np.where(bare, local, at), refused


def _offset(text: str) -> int | None:
    if not text:
        return None
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if text[0] == "-" else minutes) * MINUTE


def _localised(naive: I8, zone: str) -> tuple[I8, list[tuple[Mask, Reason]]]:
    """Instants at which the zone's clocks show these times; the first where they show them twice."""
    city = zones.zone(zone)
    there = naive != ABSENT
    times, back = np.unique(naive[there], return_inverse=True)
    before, after = times - zones.offsets(city, times - DAY), times - zones.offsets(city, times + DAY)
    first = before + zones.offsets(city, before) == times
    second = after + zones.offsets(city, after) == times
    found = np.where(first, before, np.where(second, after, ABSENT))
    at = np.full(len(naive), ABSENT)
    at[there] = found[back]
    skipped = there & (at == ABSENT)
    return at, [(skipped, NO_SUCH_HOUR)] if skipped.any() else []


@lru_cache(maxsize=64)
def _pattern(form: str) -> str:
    r"""The regular expression of a pattern of directives.

    >>> _pattern("%H:%M")
    '^(?P<H>\\d{1,2}):(?P<M>\\d{1,2})$'
    """
    if form == "iso":
        return _ISO
    pieces, at = [], 0
    for found in re.finditer("%(.)", form):
        if found[1] not in _DIRECTIVES:
            raise Invalid(
                f"time format {form!r}: %{found[1]} is not one of %{' %'.join(_DIRECTIVES)}",
                f"时间格式 {form!r}：%{found[1]} 不在支持之列：%{' %'.join(_DIRECTIVES)}",
            )
        pieces += [re.escape(form[at : found.start()]), _DIRECTIVES[found[1]]]
        at = found.end()
    if not pieces:
        raise Invalid(
            f'{form!r} is not a time format; use iso, unix, unix ms, excel or a pattern such as "%Y-%m-%d %H:%M"',
            f'{form!r} 不是时间格式；可用 iso、unix、unix ms、excel 或 "%Y-%m-%d %H:%M" 这样的格式',
        )
    return "^" + "".join(pieces) + re.escape(form[at:]) + "$"


def _plain(array: pa.Array) -> I8:
    """Timestamps as microseconds, ABSENT for null."""
    return np.asarray(pc.fill_null(pc.cast(array, pa.int64()), ABSENT).to_numpy(zero_copy_only=False))


def _flags(array: pa.Array) -> Mask:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)
