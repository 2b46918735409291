"""Observed and forecast weather in words, in two languages."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.geometry import bounds, distance
from zhicheng.kernel.instants import HOUR
from zhicheng.standards.models import said
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Entity

_WORDS = MappingProxyType(
    {
        "sunnyDay": ("晴", "Sunny"), "clearNight": ("晴", "Clear"), "slightlyCloudy": ("少云", "Slightly cloudy"),
        "partlyCloudy": ("多云", "Partly cloudy"), "cloudy": ("多云", "Cloudy"), "veryCloudy": ("阴", "Very cloudy"),
        "highClouds": ("高云", "High clouds"), "overcast": ("阴", "Overcast"), "mist": ("薄雾", "Mist"),
        "fog": ("雾", "Fog"), "haze": ("霾", "Haze"), "dust": ("扬沙", "Dust"), "drizzle": ("毛毛雨", "Drizzle"),
        "lightRain": ("小雨", "Light rain"), "rain": ("雨", "Rain"), "lightRainShower": ("小阵雨", "Light showers"),
        "rainShower": ("阵雨", "Showers"), "heavyRain": ("大雨", "Heavy rain"),
        "heavyRainShower": ("强阵雨", "Heavy showers"), "sleet": ("雨夹雪", "Sleet"), "hail": ("冰雹", "Hail"),
        "lightSnow": ("小雪", "Light snow"), "snow": ("雪", "Snow"), "heavySnow": ("大雪", "Heavy snow"),
        "snowShower": ("阵雪", "Snow showers"), "thunder": ("雷电", "Thunder"),
        "thunderstorm": ("雷阵雨", "Thunderstorm"), "windy": ("大风", "Windy"), "tornado": ("龙卷风", "Tornado"),
        "hurricane": ("台风", "Typhoon"),
    }
)  # fmt: skip
"""Smart Data Models' `weatherType` -> zh, en."""
_FAR = 50_000.0
_OLD = 3 * HOUR


def words(entity: Entity) -> dict[str, str]:
    """Weather and temperature; {} where neither is told. Words that the list does not know stand as they are.

    >>> from zhicheng.standards.ngsild.model import Attribute, Kind
    >>> told = {"weatherType": "lightRain", "temperature": 21.6}
    >>> words(Entity("urn:w", (), {said.iri(key): [Attribute(Kind.PROPERTY, one)] for key, one in told.items()}))
    {'zh': '小雨 22°C', 'en': 'Light rain 22 °C'}
    """
    kinds = [one.strip() for one in said.text(entity, "weatherType").split(",") if one.strip()][:2]
    zh, en = ([_WORDS.get(kind, (kind, kind))[at] for kind in kinds] for at in (0, 1))
    warmth = said.attribute(entity, "temperature")
    if warmth is not None and isinstance(warmth.value, int | float) and warmth.unit in (None, "CEL"):
        zh, en = [*zh, f"{warmth.value:.0f}°C"], [*en, f"{warmth.value:.0f} °C"]
    return {"zh": " ".join(zh), "en": " ".join(en)} if zh else {}


def at(seen: Seen, things: Iterable[Entity]) -> dict[str, str]:
    """The weather where the first thing is that has a place: as observed, else as forecast; {} if nothing is known."""
    for thing in things:
        try:
            lon, lat, _, _ = bounds(said.value(thing, "location"))
        except Invalid:
            continue
        kinds = ("WeatherObserved", "WeatherForecast")
        return next((told for kind in kinds if (told := near(seen.some(kind), lon, lat, seen.now))), {})
    return {}


def near(entities: Iterable[Entity], lon: float, lat: float, now: int) -> dict[str, str]:
    """The words of the nearest weather that is of now: observed within three hours, or forecast for now; else {}."""
    found = []
    for entity in entities:
        metres = float(distance(lon, lat, *said.point(entity)))
        if metres <= _FAR and _of_now(entity, now) and (told := words(entity)):
            found.append((metres, entity.id, told))
    return min(found, key=lambda one: one[:2])[2] if found else {}


def _of_now(entity: Entity, now: int) -> bool:
    ends = [_instant(said.text(entity, name)) for name in ("validFrom", "validTo")]
    if ends[0] is not None and ends[1] is not None:
        return ends[0] <= now < ends[1]
    warmth = said.attribute(entity, "temperature") or said.attribute(entity, "weatherType")
    at = (warmth and warmth.observed_at) or _instant(said.text(entity, "dateObserved"))
    return at is not None and now - at <= _OLD


def _instant(text: str) -> int | None:
    try:
        return instants.parse(text) if text else None
    except Invalid:
        return None
