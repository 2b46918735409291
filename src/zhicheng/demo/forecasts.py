"""The weather office's forecasts and warnings, made of the weather that will be, not quite rightly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from zhicheng.demo import chance, climate
from zhicheng.demo.days import HOUR
from zhicheng.demo.documents import Document, entity, point, value
from zhicheng.demo.plan import CITY, MADE_UP

_AHEAD = (3, 6, 12, 24, 48)
_WARNINGS = (("red", "critical", 60.0), ("orange", "high", 35.0), ("yellow", "medium", 18.0), ("blue", "low", 9.0))
"""Colour, severity, and from how many millimetres an hour on."""


def moment(seconds: float) -> str:
    """An instant as NGSI-LD writes it.

    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def forecasts(seed: int, now: float, place: list[float]) -> Iterator[Document]:
    """Issued at the full hour for some hours ahead; the further, the less right."""
    issued = now // HOUR * HOUR
    for ahead in _AHEAD:
        at = np.array([issued + ahead * HOUR])
        doubt = float(0.25 * ahead**0.5 * chance.normal(seed, int(issued), ahead))
        wet = float(climate.rain(seed, at + 1200 * doubt)[0])
        told = moment(issued)
        yield entity(
            f"urn:ngsi-ld:WeatherForecast:ronglan:{ahead:02d}h", "WeatherForecast",
            name=value(f"{CITY.zh}{ahead}小时预报"), alternateName=value(f"{CITY.en}, {ahead} hours ahead"),
            location=point(place), dateIssued=_at(told, told), validFrom=_at(moment(at[0]), told),
            validTo=_at(moment(at[0] + HOUR), told),
            temperature=_at(round(float(climate.temperature(seed, at)[0]) + doubt, 1), told, "CEL"),
            relativeHumidity=_at(round(float(climate.humidity(seed, at)[0]), 2), told, "C62"),
            windSpeed=_at(round(float(climate.wind(seed, at)[0]), 1), told, "MTS"),
            precipitation=_at(round(wet, 1), told, "MMT"),
            precipitationProbability=_at(round(min(0.95, 0.1 + 0.8 * float(np.tanh(wet))), 2), told, "C62"),
            weatherType=_at(_sky(wet, float(climate.cloud(seed, at)[0])), told),
        )  # fmt: skip


def _sky(wet: float, covered: float) -> str:
    if wet > 0.2:
        return "大雨" if wet > 8 else "小雨"
    return "多云" if covered > 0.5 else "晴"


def warnings(seed: int, now: float, place: list[float]) -> Iterator[Document]:
    """A warning of heavy rain in the next three hours, where there will be."""
    hard = float(climate.rain(seed, now + np.arange(0, 3 * HOUR, 600.0)).max())
    found = next(((colour, severity) for colour, severity, least in _WARNINGS if hard >= least), None)
    if found is None:
        return
    issued = now // HOUR * HOUR
    text = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}[found[0]]
    yield entity(
        f"urn:ngsi-ld:WeatherAlert:ronglan:{int(issued)}", "WeatherAlert", location=point(place),
        name=value(f"暴雨{text}预警{MADE_UP.zh}"), alternateName=value(f"Rainstorm warning, {found[0]}{MADE_UP.en}"),
        dateIssued=value(moment(issued)), validFrom=value(moment(issued)), validTo=value(moment(issued + 3 * HOUR)),
        category=value("weather"), subCategory=value("rainstorm"), severity=value(found[1]),
        warningLevel=value(found[0]),
    )  # fmt: skip


def _at(what: object, issued: str, unit: str | None = None) -> Document:
    return value(what, unit) | {"observedAt": issued}
