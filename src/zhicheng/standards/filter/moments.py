"""Dates and times inside text values, so that they compare in time and not letter by letter."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid

Moment = tuple[Literal["instant", "time"], int]
"""A point in time, or a time of day; microseconds since 1970 or since midnight, UTC."""

FIRST, LAST = instants.parse("0001-01-01T00:00:00Z"), instants.parse("9999-12-31T23:59:59.999999Z")

DATE_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?Z?"

_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?Z?", re.ASCII)
_ANY = re.compile(f"(?P<full>{DATE_TIME})|(?P<date>{DATE})|(?P<time>{TIME})")


@lru_cache(maxsize=65_536)
def moment(text: str) -> Moment | None:
    """What time a text tells (CIM 009 4.6.3: DateTime, Date or Time), if any. A date is the instant it begins in UTC.

    >>> moment("1970-01-02"), moment("00:00:01Z"), moment("soon")
    (('instant', 86400000000), ('time', 1000000), None)
    """
    if len(text) < 8 or len(text) > 40:
        return None
    found = _ANY.fullmatch(text)
    if not found:
        return None
    if found["time"]:
        return _time_of_day(text)
    try:
        ticks = instants.parse(text if found["full"] else text + "T00:00:00Z")
    except Invalid:
        return None
    return ("instant", ticks) if FIRST <= ticks <= LAST else None


def _time_of_day(text: str) -> Moment | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    if hour > 23 or minute > 59 or second > 60:
        return None
    micros = int((found[4] or "0")[:6].ljust(6, "0"))
    return "time", ((hour * 60 + minute) * 60 + second) * instants.SECOND + micros


def write(kind: str, ticks: int) -> str:
    """The text of a moment.

    >>> write("time", 1_500_000)
    '00:00:01.500000Z'
    """
    if kind == "instant":
        return instants.format(ticks)
    seconds, micros = divmod(ticks, instants.SECOND)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{clock}.{micros:06d}Z" if micros else f"{clock}Z"
