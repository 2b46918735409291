"""What an entity says, by short names of the city's models: for code that reads a few attributes of many entities."""

from __future__ import annotations

from functools import lru_cache
from math import nan

from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.geometry import bounds
from zhicheng.standards.models.names import NAMESPACE, builtin_terms
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Quality


@lru_cache(maxsize=1024)
def iri(name: str) -> str:
    """The IRI of a short name; of one that no built-in model has, one of our own.

    >>> iri("parkingTrend")
    'urn:zhicheng:ns:parkingTrend'
    """
    return builtin_terms().get(name, NAMESPACE + name)


def attribute(entity: Entity, name: str) -> Attribute | None:
    """The attribute's first instance."""
    found = entity.attributes.get(iri(name))
    return found[0] if found else None


def value(entity: Entity | None, name: str) -> Json:
    """The attribute's value; None where there is none.

    >>> from zhicheng.standards.ngsild.model import Kind
    >>> bus = Entity("urn:b", (), {iri("speed"): [Attribute(Kind.PROPERTY, 31)]})
    >>> value(bus, "speed"), value(bus, "name"), value(None, "name")
    (31, None, None)
    """
    found = attribute(entity, name) if entity is not None else None
    return None if found is None else found.value


def number(entity: Entity | None, name: str) -> float:
    """The value as a number; NaN where it is none."""
    found = value(entity, name)
    return float(found) if isinstance(found, int | float) else nan


def point(entity: Entity | None) -> tuple[float, float]:
    """Longitude and latitude of a thing, of a line or area those of its bounds' middle; NaN where they are not known.

    >>> point(None)
    (nan, nan)
    """
    try:
        west, south, east, north = bounds(value(entity, "location"))
    except Invalid:
        return nan, nan
    return (west + east) / 2, (south + north) / 2


def text(entity: Entity | None, name: str) -> str:
    """The value as text, of a list the first; "" where there is none."""
    found = value(entity, name)
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, str) else "" if found is None else str(found)


def texts(entity: Entity | None, name: str) -> list[str]:
    """The value as a list of texts."""
    found = value(entity, name)
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, str)]


def languages(entity: Entity | None, name: str) -> dict[str, str]:
    """The value by language: of a text in no stated language, under "".

    >>> from zhicheng.standards.ngsild.model import Kind
    >>> languages(Entity("urn:a", (), {iri("name"): [Attribute(Kind.LANGUAGE, {"zh": "南湖", "@none": "S"})]}), "name")
    {'zh': '南湖', '': 'S'}
    """
    found = value(entity, name)
    if isinstance(found, dict):
        return {tag if tag != "@none" else "": one for tag, one in found.items() if isinstance(one, str) and one}
    return {"": found} if isinstance(found, str) and found else {}


def in_zh_en(found: dict[str, str]) -> dict[str, str]:
    """Texts by language as the two that we show; each stands in for the other where it is missing.

    >>> in_zh_en({"en-US": "Detour"}), in_zh_en({"zh-Hans": "改道", "": "Detour"})
    ({'zh': 'Detour', 'en': 'Detour'}, {'zh': '改道', 'en': 'Detour'})
    """
    if not found:
        return {}
    other = found.get("", next(iter(found.values())))
    return {
        wanted: next((one for tag, one in found.items() if tag.lower().split("-")[0] == wanted), other)
        for wanted in ("zh", "en")
    }


def simulated(entity: Entity | None) -> bool:
    """Whether anything of the entity is marked as made up (模拟)."""
    instances = [] if entity is None else [one for found in entity.attributes.values() for one in found]
    return any(Quality.SIMULATED in one.quality for one in instances)
