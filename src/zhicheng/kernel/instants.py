"""UTC instants as integer microseconds since 1970: parse, print, and the clock that is handed in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from zhicheng.kernel.errors import Invalid

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ABSENT = -(2**63)
"""The column value of an instant that is not there."""

Clock = Callable[[], int]
"""Gives now in microseconds; the system's in service, a scripted one in tests."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d\d:?\d\d)")


def system_clock() -> int:
    """Now, from the operating system, in microseconds."""
    return time.time_ns() // 1000


def from_datetime(moment: datetime) -> int:
    """An aware datetime in microseconds; a naive one has no instant and is refused."""
    if moment.tzinfo is None:
        raise Invalid(f"{moment} has no time zone", f"{moment} 没有时区")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


@lru_cache(maxsize=4096)
def parse(text: str) -> int:
    """An ISO 8601 / RFC 3339 date-time with zone, in microseconds (finer digits are cut).

    >>> parse("2024-02-08T12:59:15.5Z")
    1707397155500000
    >>> parse("2024-02-08T20:59:15.5+08:00") == parse("2024-02-08T12:59:15.5Z")
    True
    """
    found = _SHAPE.fullmatch(text)
    if not found:
        raise Invalid(
            f"{text!r} is not a date-time with zone, such as 2024-02-08T12:59:15Z",
            f"{text!r} 不是带时区的日期时间，例如 2024-02-08T12:59:15Z",
        )
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    leap = second == "60"
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second or 0), tzinfo=UTC
        )
    except ValueError:
        raise Invalid(f"{text!r} names no real date or time", f"{text!r} 不是有效的日期或时间") from None
    offset = 0
    if zone not in "Zz":
        sign = -1 if zone[0] == "-" else 1
        offset = sign * (int(zone[1:3]) * 60 + int(zone[-2:])) * MINUTE
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return from_datetime(moment) + micros - offset + (SECOND if leap else 0)


@lru_cache(maxsize=4096)
def format(instant: int) -> str:
    """The instant as RFC 3339 in UTC, with only the digits it needs.

    >>> format(1707397155500000)
    '2024-02-08T12:59:15.500Z'
    """
    seconds, micros = divmod(instant, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    if not micros:
        return text + "Z"
    return f"{text}.{micros // 1000:03d}Z" if micros % 1000 == 0 else f"{text}.{micros:06d}Z"
