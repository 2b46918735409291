"""What is usual: the figures of the same hour and weekday in past weeks; and how a figure stands. Pure, on columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from zhicheng.compute.vital import Vital
from zhicheng.kernel.columns import F8, I8, Index
from zhicheng.kernel.instants import DAY, HOUR

Standing = Literal["good", "watch", "bad", "unknown"]
Cause = Literal["", "alarm", "watch", "unusual"]
WEEKS = 8
"""So many past weeks are looked at."""
_FAR = 2.0
"""So many widths of the usual range outside of it a figure is bad."""
_FEW = 8
"""Figures of which a usual range is made at least."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Of several instants the range that holds 80 % of what was, and its middle; NaN where too little is known."""

    low: F8
    middle: F8
    high: F8


def usual(at: I8, figure: F8, wanted: I8) -> Usual:
    """The usual range at the wanted instants, of figures before them; all instants as the city's clocks show them.

    Of the same hour and weekday; where that is less than two weeks, of the same hour of all days.
    """
    known = ~np.isnan(figure)
    at, figure = at[known], figure[known]
    hour, weekday = _clock(at)
    own_hour, own_day = _clock(wanted)
    ranges = np.full((len(wanted), 3), np.nan)
    made: dict[tuple[int, int], F8] = {}
    for row, key in enumerate(zip(own_hour.tolist(), own_day.tolist(), strict=True)):
        if key not in made:
            made[key] = _range(figure, hour == key[0], weekday == key[1])
        ranges[row] = made[key]
    return Usual(ranges[:, 0], ranges[:, 1], ranges[:, 2])


def _range(figure: F8, of_hour: np.ndarray, of_day: np.ndarray) -> F8:
    chosen = figure[of_hour & of_day]
    if len(chosen) < _FEW:
        chosen = figure[of_hour]
    if len(chosen) < _FEW:
        return np.full(3, np.nan)
    found: F8 = np.percentile(chosen, [10, 50, 90])
    return found


def _clock(local: I8) -> tuple[Index, Index]:
    """Hour of the day and day of the week."""
    return (local % DAY) // HOUR, (local // DAY + 3) % 7


@dataclass(frozen=True, slots=True)
class Stand:
    """How a figure stands: why it is not good, on which side, and beyond what."""

    standing: Standing
    cause: Cause = ""
    side: Literal["", "high", "low"] = ""
    bound: float | None = None


def stand(vital: Vital, figure: float, low: float, high: float) -> Stand:
    """By the thresholds where there are some, else by the usual range.

    >>> from zhicheng.standards.models.model import Label
    >>> dust = Vital("dust", Label("PM2.5", "PM2.5"), "A", "mean", "pm25", bad="high", watch=75, alarm=115)
    >>> stand(dust, 80, 10, 30).standing, stand(dust, 120, 10, 30).standing, stand(dust, 40, 10, 30).standing
    ('watch', 'bad', 'good')
    """
    if np.isnan(figure):
        return Stand("unknown")
    if vital.alarm is not None or vital.watch is not None:
        return _by_thresholds(vital, figure)
    if np.isnan(low) or np.isnan(high):
        return Stand("good")
    far = _FAR * (high - low)
    if figure > high and vital.bad != "low":
        return Stand("bad" if figure > high + far > high else "watch", "unusual", "high", high)
    if figure < low and vital.bad != "high":
        return Stand("bad" if figure < low - far < low else "watch", "unusual", "low", low)
    return Stand("good")


def _by_thresholds(vital: Vital, figure: float) -> Stand:
    side: Literal["high", "low"] = "low" if vital.bad == "low" else "high"
    sign = -1 if side == "low" else 1
    if vital.alarm is not None and sign * figure >= sign * vital.alarm:
        return Stand("bad", "alarm", side, vital.alarm)
    if vital.watch is not None and sign * figure >= sign * vital.watch:
        return Stand("watch", "watch", side, vital.watch)
    return Stand("good")
