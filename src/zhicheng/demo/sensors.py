"""What stands in the city and measures: lamps, microphones, air and weather stations, gauges, loops in the road."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from zhicheng.demo import chance, climate
from zhicheng.demo.days import DAY, HOUR, hour, season, working
from zhicheng.demo.streets import SPEED_KMH
from zhicheng.demo.traffic import slowness
from zhicheng.kernel.columns import F8, I8


@dataclass(frozen=True, slots=True)
class Things:
    """Things of a kind: ids, places in metres, class of their street, how central they are (0 to 1)."""

    ids: tuple[str, ...]
    places: F8
    street: I8
    central: F8
    piece: I8 = field(default_factory=lambda: np.zeros(0, np.int64))


Measure = Callable[[int, Things, I8, F8], Mapping[str, F8]]
"""Seed, things, which of them, and when each is asked: a column for each thing that it measures."""


def _city_wide(at: F8, function: Callable[[F8], F8]) -> F8:
    """A function of time alone, asked once an instant."""
    instants, place = np.unique(at, return_inverse=True)
    return function(instants)[place.reshape(at.shape)]


def _busy(at: F8) -> F8:
    """How busy streets are, 0.1 at night to about 1."""
    hours = hour(at)
    worked = working(at)
    return cast(F8, 0.12 + 1.1 * (slowness(hours, worked) - 1) + 0.25 * ((hours > 6.2) & (hours < 22.5)))


def noise(seed: int, things: Things, row: I8, at: F8) -> Mapping[str, F8]:
    """LAeq in decibels: the traffic of the street, rain on the roofs, and the place's own."""
    busy = _city_wide(at, _busy)
    wet = _city_wide(at, lambda when: climate.rain(seed, when))
    base = np.array([61.0, 60, 58, 55, 52, 47])[things.street[row]]
    own = 2.2 * chance.normal(seed, row, 71) + 1.7 * chance.normal(seed, row, at // 60, 72)
    return {"LAeq": np.round(base + 11 * np.log10(0.25 + busy) + 3.0 * np.tanh(wet / 3) + own, 1)}


def air(seed: int, things: Things, row: I8, at: F8) -> Mapping[str, F8]:
    """Pollutants: worse in winter, in the rush and in the middle; wind and rain clean the air, sun makes ozone."""
    busy = _city_wide(at, _busy)
    wet = _city_wide(at, lambda when: climate.rain(seed, when))
    blows = _city_wide(at, lambda when: climate.wind(seed, when))
    warm = _city_wide(at, lambda when: climate.temperature(seed, when))
    damp = _city_wide(at, lambda when: climate.humidity(seed, when))
    shines = _city_wide(at, lambda when: climate.light(seed, when))
    mood = _city_wide(at, lambda when: np.exp(0.42 * chance.wander(when, 2.2 * DAY, seed, 73)))
    middle = things.central[row]
    own = np.exp(0.13 * chance.normal(seed, row, 74)) * np.exp(0.05 * chance.normal(seed, row, at // 300, 75))
    clean = np.exp(-0.11 * (blows - 2)) * (1 - 0.42 * np.tanh(wet / 2.5))
    fine = (33 - 15 * season(at)) * mood * clean * (0.85 + 0.25 * busy * (0.5 + middle)) * own
    nitro = (11 + 30 * busy * (0.35 + 0.65 * middle)) * clean * own
    ozone = (28 + 92 * np.clip(shines / 80_000, 0, 1) * (0.8 + 0.2 * season(at))) * (1.1 - 0.25 * middle) * own
    found = {
        "pm25": fine, "pm10": fine * (1.55 - 0.3 * np.tanh(wet)) + 6, "no2": nitro, "o3": ozone,
        "temperature": warm + 1.4 * middle + 0.3 * chance.normal(seed, row, at // 300, 76),
    }  # fmt: skip
    rounded = {name: np.round(np.clip(column, -20, 900), 1) for name, column in found.items()}
    return {**rounded, "relativeHumidity": np.round(np.clip(damp - 0.04 * middle, 0, 1), 2)}


def weather(seed: int, things: Things, row: I8, at: F8) -> Mapping[str, F8]:
    """A station's: the city's weather where it stands."""
    east = things.places[row, 0]
    falls = climate.rain(seed, at, east)
    luck = chance.normal(seed, row, at // 300, 77)
    warm = climate.temperature(seed, at) + 1.2 * things.central[row] + 0.2 * luck
    found: dict[str, F8] = {
        "temperature": np.round(warm, 1),
        "relativeHumidity": np.round(np.clip(climate.humidity(seed, at) + 0.01 * luck, 0.0, 1.0), 2).astype(np.float64),
        "atmosphericPressure": np.round(climate.pressure(seed, at) + 0.1 * luck, 1),
        "windSpeed": np.round(np.clip(climate.wind(seed, at) + 0.4 * luck, 0.0, 60.0), 1).astype(np.float64),
        "windDirection": np.round(climate.wind_from(seed, at) + 6 * luck) % 360,
        "precipitation": np.round(falls, 1),
        "illuminance": np.round(climate.light(seed, at), -1),
    }
    return found


def gauges(seed: int, things: Things, row: I8, at: F8) -> Mapping[str, F8]:
    """The river's level falls from gauge to gauge as it runs; what flows by grows with it."""
    here = _city_wide(at, lambda when: climate.level(seed, when)) - 0.00012 * things.places[row, 0]
    high = here + 0.015 * chance.normal(seed, row, at // 300, 78)
    return {
        "waterLevel": np.round(high, 2),
        "waterDischarge": np.round(np.clip(high - 58.0, 0.3, None) ** 1.62 * 118, 0),
    }


def lamps(seed: int, things: Things, row: I8, at: F8) -> Mapping[str, F8]:
    """Share of its light and the power it draws: on from dusk to dawn, dimmed in the small hours; a few are broken."""
    dark = _city_wide(at, climate.sun) < -0.03 + 0.02 * chance.uniform(seed, row, 79)
    late = (hour(at) > 23.5) | (hour(at) < 5.2)
    broken = chance.uniform(seed, row, np.floor(at / (20 * DAY)), 80) < 0.012
    share = np.where(dark & ~broken, np.where(late, 0.6, 1.0), 0.0)
    rated = np.array([0.25, 0.25, 0.25, 0.18, 0.12, 0.08])[things.street[row]]
    return {"illuminanceLevel": share, "powerConsumption": np.round(rated * share, 3)}


def flow(seed: int, things: Things, row: I8, at: F8) -> Mapping[str, F8]:
    """Cars in five minutes, their speed, and the share of time that one stands on the loop."""
    hours, worked = hour(at), working(at)
    wet = _city_wide(at, lambda when: climate.rain(seed, when))
    slow = slowness(hours, worked, wet) * (1 + 0.5 * things.central[row] * (slowness(hours, worked) - 1))
    luck = chance.normal(seed, row, at // 300, 81)
    speed = SPEED_KMH[things.street[row]] / slow * (1 + 0.07 * luck)
    lanes = np.array([4, 4, 3, 2, 1, 1])[things.street[row]]
    count = np.round(
        lanes * 70 * np.clip(_busy(at), 0.05, 1.25) * (1 + 0.12 * luck) * (0.5 + 0.5 * things.central[row])
    )
    held = np.clip(count / 5 * 12 / np.maximum(speed, 3) / lanes * 0.055, 0, 0.95)
    return {
        "intensity": count,
        "averageVehicleSpeed": np.round(np.clip(speed, 3, 120), 1),
        "occupancy": np.round(held, 3),
    }


FIVE = 5 * 60
QUARTER = HOUR // 4
