"""The weather over the city and what the river makes of it: functions of time, for a year ago as for now."""

from __future__ import annotations

from typing import cast

import numpy as np

from zhicheng.demo import chance
from zhicheng.demo.days import DAY, HOUR, hour, season
from zhicheng.kernel.columns import F8

_STORM = 3 * HOUR
"""In each span of three hours at most one rain begins."""
_MEMORY = 64
"""So many spans back rain still shows in the river."""


def _storms(seed: int, span: F8) -> tuple[F8, F8, F8]:
    """Of spans: when the rain is hardest, for how long it falls, millimetres an hour then (0: none)."""
    wet = np.clip(0.075 + 0.06 * season(span * _STORM), 0.01, 1)
    mood = 1 + 0.9 * chance.wander(span * _STORM, 4 * DAY, seed, 41)
    falls = chance.uniform(seed, span, 42) < wet * np.clip(mood, 0.05, 3)
    peak = (span + chance.uniform(seed, span, 43)) * _STORM
    long = (0.35 + 1.5 * chance.uniform(seed, span, 44)) * HOUR
    hard = -np.log(1 - 0.995 * chance.uniform(seed, span, 45)) * (1.3 + 1.35 * (1 + season(span * _STORM)))
    return peak, long, np.where(falls, hard, 0.0)


def rain(seed: int, at: F8, place: F8 | None = None) -> F8:
    """Millimetres an hour. place: metres east of the middle; showers come from the west, half a minute a kilometre."""
    when = at if place is None else at - place * 0.06
    span = np.floor(when / _STORM)
    found = np.zeros(np.shape(when))
    for back in (-1, 0, 1, 2):
        peak, long, hard = _storms(seed, span - back)
        found = found + hard * np.exp(-(((when - peak) / long) ** 2))
    return cast(F8, np.where(found < 0.05, 0.0, np.round(found, 2)))


def cloud(seed: int, at: F8) -> F8:
    """Share of the sky that is covered."""
    return cast(F8, np.clip(0.5 + 0.32 * chance.wander(at, 9 * HOUR, seed, 46) + 0.2 * (rain(seed, at) > 0), 0, 1))


def sun(at: F8) -> F8:
    """Sine of the sun's height, as 22 degrees north has it; below 0 at night."""
    tilt = np.radians(23.44) * season(at)
    lat = np.radians(22.4)
    turn = (hour(at) - 12.6) / 12 * np.pi
    return cast(F8, np.sin(lat) * np.sin(tilt) + np.cos(lat) * np.cos(tilt) * np.cos(turn))


def temperature(seed: int, at: F8) -> F8:
    """Degrees Celsius."""
    daily = 3.6 * np.cos((hour(at) - 14.8) / 12 * np.pi) * (1.25 - 0.7 * cloud(seed, at))
    found = 21.8 + 7.4 * season(at - 12 * DAY) + daily + 2.7 * chance.wander(at, 3.5 * DAY, seed, 47)
    return found - 1.6 * np.tanh(rain(seed, at) / 4)


def humidity(seed: int, at: F8) -> F8:
    """From 0 to 1."""
    daily = -0.12 * np.cos((hour(at) - 14.8) / 12 * np.pi)
    found = 0.74 + 0.05 * season(at) + daily + 0.06 * chance.wander(at, DAY, seed, 48) + 0.14 * np.tanh(rain(seed, at))
    return cast(F8, np.clip(found, 0.2, 1.0))


def pressure(seed: int, at: F8) -> F8:
    """Hectopascals."""
    slow = 3.2 * chance.wander(at, 2.5 * DAY, seed, 49)
    return 1004 - 8.5 * season(at) + slow - 0.8 * np.tanh(rain(seed, at))


def wind(seed: int, at: F8) -> F8:
    """Metres a second."""
    calm = 1.9 + 0.8 * np.cos((hour(at) - 15) / 12 * np.pi) + 0.9 * chance.wander(at, 5 * HOUR, seed, 50)
    return cast(F8, np.clip(calm + 0.35 * np.sqrt(rain(seed, at)), 0.1, 28))


def wind_from(seed: int, at: F8) -> F8:
    """Degrees from north: south-east in summer, north-east in winter."""
    return (95 + 35 * season(at) + 45 * chance.wander(at, 14 * HOUR, seed, 51)) % 360


def light(seed: int, at: F8) -> F8:
    """Lux on open ground."""
    return np.clip(sun(at), 0, 1) ** 1.15 * 98_000 * (1.05 - 0.8 * cloud(seed, at))


def level(seed: int, at: F8) -> F8:
    """The river's, in metres above the sea: the season's, and days of what rained before."""
    span = np.floor(at / _STORM)
    flood = np.zeros(np.shape(at))
    for back in range(_MEMORY):
        peak, long, hard = _storms(seed, span - back)
        since = np.clip((at - peak) / HOUR, 0, None)
        flood = flood + hard * long / HOUR * np.exp(-since / 46) * (1 - np.exp(-since / 9))
    return 62.4 + 1.7 * season(at - 20 * DAY) + 0.25 * chance.wander(at, 6 * DAY, seed, 52) + 0.085 * flood


def hourly_rain(seed: int, midnight: int) -> F8:
    """Rain at each of 30 hours from a midnight on."""
    return rain(seed, np.arange(midnight + HOUR / 2, midnight + 30 * HOUR, float(HOUR)))
