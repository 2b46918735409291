"""Cedar's values: booleans, 64-bit integers, strings, entities, sets, records, and the extension types."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

LEAST, MOST = -(2**63), 2**63 - 1
_DAY = 86_400_000


class Failed(Exception):
    """The evaluation of a policy failed: Cedar leaves that policy out of the decision."""


class Uid(NamedTuple):
    """An entity: `Person::"li"`."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}::{quoted(self.id)}"


class Decimal(NamedTuple):
    """A decimal with four digits: ten-thousandths."""

    units: int
    kind: str = "decimal"


class Ip(NamedTuple):
    """An address or a range of them."""

    version: int
    address: int
    prefix: int


class Datetime(NamedTuple):
    """Milliseconds since 1970."""

    millis: int
    kind: str = "datetime"


class Duration(NamedTuple):
    """Milliseconds."""

    millis: int
    kind: str = "duration"


@dataclass(frozen=True, slots=True)
class Set:
    """A set: its members' keys, and the members."""

    keys: frozenset[Hashable]
    members: tuple[Value, ...]


Value: TypeAlias = "bool | int | str | Uid | Decimal | Ip | Datetime | Duration | Set | dict[str, Value]"


def set_of(members: Iterable[Value]) -> Set:
    """A set of these.

    >>> len(set_of([1, True, 1]).members)
    2
    """
    found = {key(member): member for member in members}
    return Set(frozenset(found), tuple(found.values()))


def key(value: Value) -> Hashable:
    """What is equal for equal values and only for them: in Python True equals 1, in Cedar it does not."""
    if value is True or value is False:
        return "bool", value, None
    if isinstance(value, Set):
        return value.keys
    if isinstance(value, dict):
        return "record", frozenset((name, key(each)) for name, each in value.items()), None
    return value


def same(left: Value, right: Value) -> bool:
    """Cedar's ==: values of different types are different.

    >>> same(1, True), same({"a": 1}, {"a": 1}), same("a", Uid("T", "a"))
    (False, True, False)
    """
    kind = type(left)
    if kind is str or kind is int or kind is bool or kind is Uid:
        return kind is type(right) and left == right
    if type(right) is not kind:
        return False
    return key(left) == key(right)


NAMES = {
    bool: "bool", int: "long", str: "string", Uid: "entity", Set: "set", dict: "record",
    Decimal: "decimal", Ip: "ipaddr", Datetime: "datetime", Duration: "duration",
}  # fmt: skip


def name_of(value: Value) -> str:
    """The name of a value's type."""
    return NAMES.get(type(value), type(value).__name__)


def quoted(text: str) -> str:
    r"""A string literal of Cedar.

    >>> quoted('a"b')
    '"a\\"b"'
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda hit: f"\\u{{{ord(hit[0]):x}}}", escaped)
    return f'"{plain}"'


# extension types -----------------------------------------------------------------------------------------------

_DECIMAL = re.compile(r"(-?)([0-9]+)\.([0-9]{1,4})")
_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?"
)
_DURATION = re.compile(r"(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


def bounded(number: int) -> int:
    """The number, if 64 bits hold it."""
    if LEAST <= number <= MOST:
        return number
    raise Failed("integer overflow")


def decimal(text: str) -> Decimal:
    """`decimal("1.23")`.

    >>> decimal("-0.5").units
    -5000
    """
    found = _DECIMAL.fullmatch(text)
    if not found:
        raise Failed(f"{text[:40]!r} is no decimal")
    units = int(found[2] + found[3].ljust(4, "0"))
    return Decimal(bounded(-units if found[1] else units))


def ip(text: str) -> Ip:
    """`ip("10.0.0.0/8")`.

    >>> in_range(ip("10.1.2.3"), ip("10.0.0.0/8"))
    True
    """
    body, slash, prefix = text.partition("/")
    if "%" in body or (":" in body and "." in body):
        raise Failed(f"{text[:60]!r} is no IP address")
    try:
        found = ipaddress.ip_address(body)
    except ValueError:
        raise Failed(f"{text[:60]!r} is no IP address") from None
    if slash and (not _PREFIX.fullmatch(prefix) or int(prefix) > found.max_prefixlen):
        raise Failed(f"{text[:60]!r} has no such prefix")
    return Ip(found.version, int(found), int(prefix) if slash else found.max_prefixlen)


def in_range(inner: Ip, outer: Ip) -> bool:
    """Whether all of one range lies in another."""
    if inner.version != outer.version or inner.prefix < outer.prefix:
        return False
    shift = (32 if inner.version == 4 else 128) - outer.prefix
    return inner.address >> shift == outer.address >> shift


LOOPBACK = {4: (Ip(4, 127 << 24, 8)), 6: Ip(6, 1, 128)}
MULTICAST = {4: Ip(4, 224 << 24, 4), 6: Ip(6, 0xFF << 120, 8)}


def datetime(text: str) -> Datetime:
    """`datetime("2026-11-28T08:00:00Z")`, with or without milliseconds, an offset or any time.

    >>> datetime("1970-01-02").millis, datetime("1970-01-01T01:00:00.500+0100").millis
    (86400000, 500)
    """
    found = _DATETIME.fullmatch(text)
    if not found:
        raise Failed(f"{text[:60]!r} is no datetime")
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= month <= 12 or not 1 <= day <= _month(year, month):
        raise Failed(f"{text[:60]!r} is no date")
    millis = _days(year, month, day) * _DAY
    if found[4] is not None:
        hour, minute, second = int(found[4]), int(found[5]), int(found[6])
        if hour > 23 or minute > 59 or second > 59:
            raise Failed(f"{text[:60]!r} is no time")
        millis += ((hour * 60 + minute) * 60 + second) * 1000 + int(found[7] or 0)
    if found[8] is not None:
        hours, minutes = int(found[9]), int(found[10])
        if hours > 23 or minutes > 59:
            raise Failed(f"{text[:60]!r} has no such offset")
        shift = (hours * 60 + minutes) * 60_000
        millis += -shift if found[8] == "+" else shift
    return Datetime(millis)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month(year: int, month: int) -> int:
    return 29 if month == 2 and _leap(year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 in the Gregorian calendar, year 0 included (Hinnant, days_from_civil)."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def duration(text: str) -> Duration:
    """`duration("1d2h3m4s5ms")`.

    >>> duration("-1m").millis, duration("5ms").millis
    (-60000, 5)
    """
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()[1:]):
        raise Failed(f"{text[:60]!r} is no duration")
    sizes = (_DAY, 3_600_000, 60_000, 1000, 1)
    total = sum(int(part) * size for part, size in zip(found.groups()[1:], sizes, strict=True) if part)
    return Duration(bounded(-total if found[1] else total))
