"""How large the made-up city is. Everything is a number here, so that it grows without being written anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

VERSION = 1
"""Of the generator: a change of what it makes from a seed makes what was kept of older ones worthless."""
ZONE = "Asia/Shanghai"


class Said(NamedTuple):
    """A name in Chinese and English."""

    zh: str
    en: str


CITY = Said("榕澜市", "Ronglan")
RIVER = Said("澜江", "Lan River")
MADE_UP = Said("（模拟）", " (made up)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made from a seed.

    centre: degrees (lon, lat); half: half the map's width and height in metres
    block: metres between the smallest streets; districts to cells: areas of administration
    lines, vehicles: buses; parks: car parks; lamps, noise, air, weather, gauges: things that measure
    posts, codes: lamp posts that are known, and those of them with a QR code
    buildings: outlines of the base map; registered: those of them that departments keep records of
    """

    seed: int = 1
    centre: tuple[float, float] = (108.62, 22.36)
    half: tuple[float, float] = (17_000.0, 13_000.0)
    block: float = 210.0
    districts: int = 6
    streets: int = 26
    communities: int = 111
    cells: int = 520
    lines: int = 60
    vehicles: int = 600
    parks: int = 200
    lamps: int = 1200
    noise: int = 550
    air: int = 220
    weather: int = 18
    gauges: int = 12
    codes: float = 0.625
    buildings: int = 16_000
    registered: int = 900
    firms: int = 400
    signs: int = 50
    network: str = field(default="ronglan")
