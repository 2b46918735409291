"""Settings: TOML tables become frozen dataclasses, strictly; every error names the file, the table and the key.

A package declares what it can be told as a frozen dataclass; `read` fills it from a table. Field types:
`str`, `int`, `float`, `bool`, `Duration`, `Size`, `Instant`, `Literal[...]`, `T | None`, `tuple[T, ...]`,
`dict[str, T]`, other dataclasses, and `object` for what is checked elsewhere. A class with
`shorthand: ClassVar[str]` may be written as that one field's bare value. A field named `from_` is the key `from`.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from zhicheng.kernel import instants
from zhicheng.kernel.errors import BadConfiguration, Invalid, ZhichengError

T = TypeVar("T")

Duration = Annotated[int, "duration"]
"""A length of time in microseconds, written as "30 s", "5 min" or "1 h 30 min"."""
Size = Annotated[int, "size"]
"""A number of bytes, written as "100 MB" or "64 KiB"."""
Instant = Annotated[int, "instant"]
"""A UTC instant in microseconds, written as a date-time with zone."""

_DURATIONS = {
    "us": 1, "ms": 1_000, "毫秒": 1_000,
    "s": instants.SECOND, "sec": instants.SECOND, "秒": instants.SECOND,
    "min": instants.MINUTE, "分": instants.MINUTE, "分钟": instants.MINUTE,
    "h": instants.HOUR, "小时": instants.HOUR,
    "d": instants.DAY, "day": instants.DAY, "days": instants.DAY, "天": instants.DAY,
    "week": 7 * instants.DAY, "weeks": 7 * instants.DAY, "周": 7 * instants.DAY,
}  # fmt: skip
_SIZES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^\W\d_]+)")


@dataclass(frozen=True, slots=True)
class Where:
    """The place in a configuration that an error names: a file and the path of a table in it."""

    file: str
    table: str = ""

    def of(self, key: str) -> Where:
        """The table `key` inside this one."""
        return Where(self.file, f"{self.table}.{key}" if self.table else key)

    def refuse(self, en: str, zh: str, **facts: object) -> BadConfiguration:
        """An error at this place, to be raised."""
        place = f"{self.file}: [{self.table}]" if self.table else self.file
        return BadConfiguration(f"{place} {en}", f"{place} {zh}", file=self.file, table=self.table, **facts)


def parse(text: str, file: str) -> dict[str, object]:
    r"""The tables of a TOML text; `file` is its name in errors.

    >>> parse('[server]\nport = 8800', "city.toml")
    {'server': {'port': 8800}}
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(
            f"{file} is not valid TOML: {error}", f"{file} 不是有效的 TOML：{error}", file=file
        ) from None


def overlay(table: Mapping[str, object], environ: Mapping[str, str], prefix: str = "ZHICHENG_") -> dict[str, object]:
    """The tables with what the environment overrides: ZHICHENG_SERVER__PORT=8801 is `port` of `[server]`.

    Only names with a double underscore count; the value is read as TOML, or else as text.

    >>> overlay({"server": {"host": "a", "port": 1}}, {"ZHICHENG_SERVER__PORT": "8801", "ZHICHENG_DATA": "x"})
    {'server': {'host': 'a', 'port': 8801}}
    """
    result = _copied(table)
    for name, text in sorted(environ.items()):
        if not name.startswith(prefix) or "__" not in name[len(prefix) :]:
            continue
        *path, key = name[len(prefix) :].lower().split("__")
        at = result
        for step in path:
            inner = at.setdefault(step, {})
            if not isinstance(inner, dict):
                raise BadConfiguration(
                    f"{name} of the environment points into {step!r}, which is no table",
                    f"环境变量 {name} 指向的 {step!r} 不是表",
                    variable=name,
                )
            at = inner
        at[key] = _literal(text)
    return result


def read(cls: type[T], table: Mapping[str, object], where: Where) -> T:
    """The dataclass filled from a table; unknown keys, missing keys and wrong types raise BadConfiguration.

    >>> @dataclass(frozen=True)
    ... class Poll:
    ...     interval: int = 30
    >>> read(Poll, {"intervall": 5}, Where("city.toml", "feeds.bus"))
    Traceback (most recent call last):
    zhicheng.kernel.errors.BadConfiguration: city.toml: [feeds.bus] has no key 'intervall'; did you mean 'interval'?
    """
    keys = _keys(cls)
    known = list(keys)
    for key in table:
        if key not in keys:
            raise unknown(where, key, known)
    values: dict[str, object] = {}
    for key, (name, kind, needed) in keys.items():
        if key in table:
            values[name] = _value(kind, table[key], where, key)
        elif needed:
            raise where.refuse(f"needs the key {key!r}", f"缺少键 {key!r}", key=key)
    try:
        return cls(**values)
    except BadConfiguration:
        raise
    except ZhichengError as error:
        raise where.refuse(error.en, error.zh, **error.facts) from None


def unknown(where: Where, key: str, known: Iterable[str]) -> BadConfiguration:
    """The error for a name that is not among the known ones; it names the nearest."""
    names = sorted(known)
    near = get_close_matches(key, names, n=1, cutoff=0.5)
    hint_en = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(names) or 'none'}"
    hint_zh = f"是否应为 {near[0]!r}？" if near else f"可用的键：{'、'.join(names) or '无'}"
    return where.refuse(
        f"has no key {key!r}; {hint_en}", f"没有键 {key!r}；{hint_zh}", key=key, nearest=near[0] if near else None
    )


def duration(text: str) -> Duration:
    """A length of time in microseconds.

    >>> duration("1 h 30 min") // instants.MINUTE, duration("250 ms")
    (90, 250000)
    """
    return _quantity(text, _DURATIONS, 'a duration, such as "30 s", "5 min" or "1 d"', '时长，例如 "30 s"、"5 min"')


def size(text: str) -> Size:
    """A number of bytes.

    >>> size("100 MB"), size("64KiB")
    (100000000, 65536)
    """
    return _quantity(text, _SIZES, 'a size, such as "100 MB" or "64 KiB"', '大小，例如 "100 MB"')


def _quantity(text: str, units: Mapping[str, int], en: str, zh: str) -> int:
    total, at = 0.0, 0
    for found in _QUANTITY.finditer(text):
        if found.start() != at or found[2] not in units:
            break
        total, at = total + float(found[1]) * units[found[2]], found.end()
    if at == 0 or text[at:].strip():
        raise Invalid(f"{text!r} is not {en}", f"{text!r} 不是{zh}")
    return round(total)


def _instant(value: object) -> Instant:
    if isinstance(value, datetime):
        return instants.from_datetime(value)
    if isinstance(value, str):
        return instants.parse(value)
    raise TypeError


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


@dataclass(frozen=True, slots=True)
class _Reader:
    read: Callable[[object], object]
    en: str
    zh: str


_READERS: dict[object, _Reader] = {
    str: _Reader(_text, "text in quotes", "带引号的文本"),
    int: _Reader(_integer, "a whole number", "整数"),
    float: _Reader(_number, "a number", "数字"),
    bool: _Reader(_truth, "true or false", "true 或 false"),
    Duration: _Reader(
        lambda value: duration(_text(value)), 'a duration in quotes, such as "30 s"', '带引号的时长，例如 "30 s"'
    ),
    Size: _Reader(
        lambda value: size(_text(value)), 'a size in quotes, such as "100 MB"', '带引号的大小，例如 "100 MB"'
    ),
    Instant: _Reader(_instant, "a date-time with zone", "带时区的日期时间"),
}


def _value(kind: object, value: object, where: Where, key: str) -> object:
    """One value read as its declared type."""
    if kind is object or kind is Any:
        return value
    reader = _READERS.get(kind)
    if reader:
        try:
            return reader.read(value)
        except TypeError:
            raise _wrong(where, key, value, reader.en, reader.zh) from None
        except Invalid as error:
            raise where.refuse(f"{key}: {error.en}", f"{key}：{error.zh}", key=key) from None
    return _composite(kind, value, where, key)


def _composite(kind: object, value: object, where: Where, key: str) -> object:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        return _value(inner[0], value, where, key)
    if origin is Literal:
        if value not in arguments:
            raise _choice(where, key, value, [str(argument) for argument in arguments])
        return value
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_value(arguments[0], item, where, f"{key}[{at}]") for at, item in enumerate(items))
    if origin is dict:
        inside = where.of(key)
        return {name: _value(arguments[1], item, inside, name) for name, item in _table(value, where, key).items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        shorthand = getattr(kind, "shorthand", None)
        if shorthand and not isinstance(value, Mapping):
            value = {shorthand: value}
        return read(kind, _table(value, where, key), where.of(key))
    raise TypeError(f"{kind!r} is not a type that settings can read")


def _table(value: object, where: Where, key: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong(where, key, value, "a table", "表")
    return value


def _wrong(where: Where, key: str, value: object, en: str, zh: str) -> BadConfiguration:
    return where.refuse(f"{key} must be {en}, not {value!r}", f"{key} 应为{zh}，而不是 {value!r}", key=key)


def _choice(where: Where, key: str, value: object, known: list[str]) -> BadConfiguration:
    near = get_close_matches(str(value), known, n=1)
    en = f"; did you mean {near[0]!r}?" if near else ""
    zh = f"；是否应为 {near[0]!r}？" if near else ""
    return where.refuse(
        f"{key} must be one of {', '.join(known)}, not {value!r}{en}",
        f"{key} 应为 {'、'.join(known)} 之一，而不是 {value!r}{zh}",
        key=key,
    )


def _keys(cls: type) -> dict[str, tuple[str, object, bool]]:
    """By key of the TOML: the field's name, its type, and whether it must be given."""
    if cls not in _KEYS:
        hints = get_type_hints(cls, include_extras=True)
        missing = dataclasses.MISSING
        _KEYS[cls] = {
            field.name.rstrip("_"): (
                field.name, hints[field.name], field.default is missing and field.default_factory is missing,
            )
            for field in fields(cls)
        }  # fmt: skip
    return _KEYS[cls]


_KEYS: dict[type, dict[str, tuple[str, object, bool]]] = {}
"""Of the classes read so far: a city's file has a table of the same class for each of its feeds."""


def _literal(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _copied(table: Mapping[str, object]) -> dict[str, object]:
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in table.items()}
