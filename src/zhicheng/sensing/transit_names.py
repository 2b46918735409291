"""Ids and attributes of public transport: URNs from the names in feeds and timetables, and short ways to attributes."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from zhicheng.kernel import instants
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.models.names import NAMESPACE, builtin_terms
from zhicheng.standards.ngsild.model import Attribute, Json, Kind, Quality

PLACEMENT = NAMESPACE + "placement"
"""Sub-attribute of an estimated location: how the vehicle was placed."""
LOCATION = "https://uri.etsi.org/ngsi-ld/location"


@lru_cache(maxsize=1024)
def iri(name: str) -> str:
    """The IRI of a type or attribute: Smart Data Models' where it has one, else ours.

    >>> iri("hasStop")
    'https://smartdatamodels.org/dataModel.UrbanMobility/hasStop'
    >>> iri("cause").endswith(":ns:cause")
    True
    """
    return builtin_terms().get(name) or NAMESPACE + name


@lru_cache(maxsize=1 << 17)
def part(text: str) -> str:
    """Text as a part of a URN.

    >>> part("1A 0622 FAR/207")
    '1A%200622%20FAR%2F207'
    """
    return quote(text, safe="")


def urn(kind: str, *parts: str) -> str:
    """The id of a thing; parts are joined with colons, in URN-safe spelling.

    >>> urn("GtfsStop", "nyct", "A09N")
    'urn:ngsi-ld:GtfsStop:nyct:A09N'
    """
    return ":".join(["urn:ngsi-ld", kind, *[part(one) for one in parts]])


def observed(value: Json, at: int | None, unit: str | None = None, quality: Quality = Quality.NONE) -> list[Attribute]:
    """A property with its time."""
    return [Attribute(Kind.PROPERTY, value, at, unit, quality=quality)]


def fact(value: Json) -> list[Attribute]:
    """A property that is no observation: it has no time of its own."""
    return [Attribute(Kind.PROPERTY, value)]


def relation(target: str | list[str], at: int | None = None) -> list[Attribute]:
    """A relationship."""
    return [Attribute(Kind.RELATIONSHIP, list(target) if isinstance(target, list) else target, at)]


def moment(seconds: int) -> str:
    """POSIX seconds as date-time text."""
    return instants.format(seconds * SECOND)


def point(lon: float, lat: float) -> dict[str, Json]:
    """A GeoJSON point, to a tenth of a metre.

    >>> point(-73.98, 40.75)
    {'type': 'Point', 'coordinates': [-73.98, 40.75]}
    """
    return {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}
