"""Days and hours of the city: local time, working days with holidays and make-up days (调休), seasons."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import cast

import numpy as np

from zhicheng.kernel.columns import F8, Mask
from zhicheng.standards.calendars import CHINA, Calendar

DAY = 86_400
HOUR = 3_600
AHEAD = 8 * HOUR
"""Seconds that the city's clocks are ahead of UTC; they know no summer time."""
_CALENDAR = Calendar(CHINA)
_EPOCH = date(1970, 1, 1)


def day_of(seconds: float) -> date:
    """The local date of an instant (seconds since 1970).

    >>> day_of(0).isoformat()
    '1970-01-01'
    """
    return _EPOCH + timedelta(days=int((seconds + AHEAD) // DAY))


def midnight(day: date) -> int:
    """The instant when a local day begins."""
    return (day - _EPOCH).days * DAY - AHEAD


def hour(seconds: F8) -> F8:
    """Hour of the day, 0 to 24."""
    return np.mod(np.asarray(seconds) + AHEAD, DAY) / HOUR


@lru_cache(maxsize=4096)
def works(day: date) -> bool:
    """Whether offices work on a day.

    >>> works(date(2026, 2, 14)), works(date(2026, 2, 16))
    (True, False)
    """
    return _CALENDAR.is_working_day(day)


def working(seconds: F8) -> Mask:
    """Whether the days of instants are worked."""
    days, place = np.unique((np.asarray(seconds) + AHEAD) // DAY, return_inverse=True)
    known = np.array([works(_EPOCH + timedelta(days=int(one))) for one in days.tolist()], bool)
    return known[place.reshape(np.shape(seconds))]


def season(seconds: F8) -> F8:
    """From -1 in the middle of January to 1 in the middle of July."""
    return cast(F8, -np.cos(2 * np.pi * (np.asarray(seconds) / DAY - 14) / 365.2425))


def bump(hours: F8, at: float, wide: float) -> F8:
    """A hill over the hours of the day, 1 at its top."""
    away = (hours - at + 12) % 24 - 12
    return cast(F8, np.exp(-((away / wide) ** 2)))
