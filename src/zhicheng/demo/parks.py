"""Car parks: how many places, and how full they are by what they lie at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from zhicheng.demo import chance, climate
from zhicheng.demo.days import DAY, HOUR, bump, hour, working
from zhicheng.demo.sensors import Things
from zhicheng.kernel.columns import F8, I8, Mask

KINDS = ("office", "hospital", "mall", "housing", "station", "park")
OFFICE, HOSPITAL, MALL, HOUSING, STATION, PARK = range(len(KINDS))


@dataclass(frozen=True, slots=True)
class Parks:
    """Car parks as things, with their kind and number of places."""

    things: Things
    kind: I8
    places: I8


def share(kind: I8, hours: F8, worked: Mask) -> F8:
    """How full car parks of a kind are, before their own luck."""
    work, rest = worked.astype(float), 1 - worked
    evening, noon = bump(hours, 19.6, 2.2), bump(hours, 12.8, 1.8)
    office = 0.12 + work * 0.78 * np.clip(bump(hours, 10.4, 2.4) + bump(hours, 15.2, 2.6), 0, 1.05) + 0.1 * rest * noon
    hospital = 0.25 + (0.66 * work + 0.4 * rest) * np.clip(
        bump(hours, 9.8, 2.0) + 0.75 * bump(hours, 15.2, 2.2), 0, 1.05
    )
    mall = (
        0.08 + (0.42 + 0.28 * rest) * noon + (0.62 + 0.2 * rest) * evening + (0.15 + 0.35 * rest) * bump(hours, 16, 2.2)
    )
    home = 0.94 - (0.52 * work + 0.2 * rest) * np.clip(bump(hours, 11, 3.4) + bump(hours, 15.6, 3.0), 0, 1.05)
    station = 0.45 + 0.25 * bump(hours, 10, 3) + 0.28 * bump(hours, 17, 3) + 0.1 * rest
    park = (
        0.06 + (0.18 + 0.55 * rest) * bump(hours, 10, 2.2) + (0.15 + 0.5 * rest) * bump(hours, 16, 2.2) + 0.2 * evening
    )
    return cast(F8, np.choose(kind, (office, hospital, mall, home, station, park)))


def free(seed: int, parks: Parks, row: I8, at: F8) -> Mapping[str, F8]:
    """Free places."""
    own = 0.85 + 0.22 * chance.uniform(seed, row, 91)
    shift = 0.5 * chance.normal(seed, row, 92)
    instants, place = np.unique(at, return_inverse=True)
    wet = np.tanh(climate.rain(seed, instants) / 3)[place]
    kind = parks.kind[row]
    full = share(kind, hour(at + shift * HOUR), working(at)) * own
    full = (
        full + 0.05 * chance.wander(at, 5 * HOUR, seed, row, 93) + 0.035 * chance.wander(at, 2.5 * DAY, seed, row, 94)
    )
    full = full + wet * np.array([0.03, 0.02, 0.08, 0.0, 0.04, -0.2])[kind]
    full = full + 0.012 * chance.wander(at, 600, seed, row, 95)
    return {"free": np.round(parks.places[row] * (1 - np.clip(full, 0, 1)))}
