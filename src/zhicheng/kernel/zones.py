"""The city's time zone: local days and hours, and the service days of public transport.

Everything inside is UTC; these functions are the edge where people's days begin and end. The zone's
rules come from the system or the `tzdata` package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from zhicheng.kernel import instants
from zhicheng.kernel.columns import I8
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import DAY, HOUR, SECOND

LONGEST_SERVICE = 4 * 24 * 3600
"""Seconds: a trip that starts on a service day ends before this (long-distance trains run for days)."""

_SERVICE_TIME = re.compile(r"\s*(\d{1,3}):([0-5]\d):([0-5]\d)\s*")
_DATE = re.compile(r"\s*(\d{4})-?(\d\d)-?(\d\d)\s*")
_GRAIN = 15 * instants.MINUTE


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    >>> zone("Asia/Shanghai").key
    'Asia/Shanghai'
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            f"{name!r} is not a time zone; use an IANA name such as Asia/Shanghai",
            f"{name!r} 不是有效的时区，请使用 IANA 名称，例如 Asia/Shanghai",
            zone=name,
        ) from None


def parse_date(text: str) -> date:
    """A calendar day, with or without hyphens.

    >>> parse_date("20240208") == parse_date("2024-02-08")
    True
    """
    found = _DATE.fullmatch(text)
    try:
        if found:
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise Invalid(f"{text!r} is not a day, such as 20240208", f"{text!r} 不是有效的日期，例如 20240208") from None


def parse_service_time(text: str) -> int:
    """Seconds since the service day began; hours may pass 24.

    >>> parse_service_time("25:10:00")
    90600
    """
    found = _SERVICE_TIME.fullmatch(text)
    if not found:
        raise Invalid(f"{text!r} is not a time, such as 25:10:00", f"{text!r} 不是有效的时刻，例如 25:10:00")
    hour, minute, second = map(int, found.groups())
    return hour * 3600 + minute * 60 + second


def format_service_time(seconds: int) -> str:
    """The reverse of `parse_service_time`.

    >>> format_service_time(90600)
    '25:10:00'
    """
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def local(city: ZoneInfo, instant: int) -> datetime:
    """What the city's clocks show.

    >>> local(zone("Asia/Shanghai"), 0).isoformat()
    '1970-01-01T08:00:00+08:00'
    """
    return instants.to_datetime(instant).astimezone(city)


def local_date(city: ZoneInfo, instant: int) -> date:
    """The city's calendar day at an instant."""
    return local(city, instant).date()


@lru_cache(maxsize=4096)
def day_start(city: ZoneInfo, day: date) -> int:
    """The first instant at which the city's calendar shows this day or a later one.

    That is midnight, or where clocks jump over midnight the jump; a day that the city skipped is empty.

    >>> instants.format(day_start(zone("America/Sao_Paulo"), date(2018, 11, 4)))  # clocks went from 0:00 to 1:00
    '2018-11-04T03:00:00Z'
    """
    midnight = datetime.combine(day, time(), tzinfo=city)
    before, after = (instants.from_datetime(midnight.replace(fold=fold).astimezone(UTC)) for fold in (0, 1))
    if after >= before:  # no gap; where midnight comes twice, the first
        return before
    low, high = after, before  # the jump lies in (low, high]
    while high - low > SECOND:
        middle = (low + high) // 2 // SECOND * SECOND
        if middle <= low:
            middle = low + SECOND
        low, high = (low, middle) if local_date(city, middle) >= day else (middle, high)
    return low if local_date(city, low) >= day else high


def day_bounds(city: ZoneInfo, day: date) -> tuple[int, int]:
    """Start and end (exclusive) of a local day: 23, 24 or 25 hours; days follow each other without holes.

    >>> start, end = day_bounds(zone("America/New_York"), date(2024, 11, 3))
    >>> (end - start) // HOUR
    25
    """
    return day_start(city, day), day_start(city, day + timedelta(days=1))


def hours(city: ZoneInfo, start: int, end: int) -> Iterator[int]:
    """The instants in [start, end) at which a local hour begins; a repeated hour begins twice.

    >>> ny = zone("America/New_York")
    >>> [local(ny, at).hour for at in hours(ny, *day_bounds(ny, date(2024, 3, 10)))][:4]
    [0, 1, 3, 4]
    """
    at, shown = start, -1
    while at < end:
        clock = local(city, at)
        past = ((clock.minute * 60 + clock.second) * SECOND) + clock.microsecond
        if past == 0 or (shown >= 0 and clock.hour != shown):
            yield at
        shown = clock.hour
        at += HOUR - past


def offsets(city: ZoneInfo, at: I8) -> I8:
    """What to add to each instant to read the city's clock as if it were UTC, in microseconds.

    Zones change their offset only at full quarters of an hour UTC (true of every zone since 1972).

    >>> (offsets(zone("Asia/Shanghai"), np.array([0, HOUR])) // HOUR).tolist()
    [8, 8]
    """
    quarters, rows = np.unique(at // _GRAIN, return_inverse=True)
    known = [_offset(city, quarter * _GRAIN) for quarter in quarters.tolist()]
    return np.array(known, dtype=np.int64)[rows]


def _offset(city: ZoneInfo, instant: int) -> int:
    return (local(city, instant).utcoffset() or timedelta()) // timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def service_start(city: ZoneInfo, day: date) -> int:
    """The instant from which a service day's times count: noon minus 12 hours.

    On days when clocks change this is not midnight. Source: GTFS Schedule reference, field type Time.

    >>> instants.format(service_start(zone("America/New_York"), date(2024, 3, 10)))  # midnight was 05:00Z
    '2024-03-10T04:00:00Z'
    """
    noon = datetime.combine(day, time(12), tzinfo=city)
    return instants.from_datetime(noon.astimezone(UTC)) - DAY // 2


def service_instant(city: ZoneInfo, day: date, seconds: int) -> int:
    """The instant of a service time.

    >>> instants.format(service_instant(zone("America/New_York"), date(2024, 2, 8), parse_service_time("25:10:00")))
    '2024-02-09T06:10:00Z'
    """
    return service_start(city, day) + seconds * SECOND


def service_instants(city: ZoneInfo, day: date, seconds: I8) -> I8:
    """The instants of a column of service times."""
    return service_start(city, day) + seconds * SECOND


def service_time(city: ZoneInfo, day: date, instant: int) -> int:
    """Seconds (whole, cut) on a service day's own count at an instant; negative before it began."""
    return (instant - service_start(city, day)) // SECOND


def service_days(city: ZoneInfo, instant: int, longest: int = 30 * 3600) -> list[date]:
    """The service days an instant can belong to if no trip runs past `longest` seconds; latest first.

    >>> night = instants.parse("2024-02-09T06:10:00Z")  # 01:10 in New York
    >>> [str(day) for day in service_days(zone("America/New_York"), night)]
    ['2024-02-09', '2024-02-08']
    """
    first = local_date(city, instant) + timedelta(days=1)
    days = (first - timedelta(days=back) for back in range(longest // 86400 + 3))
    return [day for day in days if 0 <= service_time(city, day, instant) <= longest]
