"""geoQ, the NGSI-LD geoquery language (CIM 009 4.10): georel, geometry, coordinates, geoproperty."""

from __future__ import annotations

import re

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.kernel import geometry as earth
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.filter.tree import RELATIONS, Geo, Node
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import LOCATION

LONGEST = 1_000_000
"""Characters of the longest coordinates."""

_MODIFIER = re.compile(
    r"(?P<which>maxDistance|minDistance)==(?P<metres>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
)


def parse(georel: str, geometry: str, coordinates: str | Json, attribute: str = LOCATION) -> Node:
    """The tree of a geoquery; coordinates as JSON or its text; attribute: the geoproperty's IRI.

    >>> parse("near;maxDistance==2000", "Point", "[8,40]").most
    2000.0
    """
    relation, *modifiers = georel.split(";")
    if relation not in RELATIONS:
        raise Invalid(
            f"georel {relation[:40]!r} is none of {', '.join(RELATIONS)}",
            f"georel {relation[:40]!r} 不是 {'、'.join(RELATIONS)} 之一",
            parameter="georel",
        )
    limits = _limits(relation, modifiers)
    shape = _shape(geometry, coordinates)
    return Geo(attribute, relation, shape, limits.get("minDistance"), limits.get("maxDistance"))


def _limits(relation: str, modifiers: list[str]) -> dict[str, float]:
    limits: dict[str, float] = {}
    for modifier in modifiers if relation == "near" else ():
        found = _MODIFIER.fullmatch(modifier)
        metres = float(found["metres"]) if found and len(modifier) < 100 else 0.0
        if found and found["which"] not in limits and 0 < metres < float("inf"):
            limits[found["which"]] = metres
    if len(limits) != len(modifiers) or (relation == "near" and not limits):
        raise Invalid(
            "georel is near;maxDistance==metres or near;minDistance==metres, more than 0; the others take no modifier",
            "georel 应为 near;maxDistance==米数 或 near;minDistance==米数（大于 0）；其他关系没有修饰",
            parameter="georel",
        )
    return limits


def _shape(kind: str, coordinates: str | Json) -> BaseGeometry:
    made = {"type": kind, "coordinates": _coordinates(coordinates)}
    try:
        earth.check(made)
    except Invalid as error:
        raise Invalid(error.en, error.zh, parameter="coordinates") from None
    shape: BaseGeometry = shapely.force_2d(shapely.from_geojson(orjson.dumps(made)))
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        raise Invalid(f"The {kind} is not valid: {why}", f"{kind} 几何无效：{why}", parameter="coordinates")
    return shape


def _coordinates(coordinates: str | Json) -> Json:
    if not isinstance(coordinates, str):
        return coordinates
    if len(coordinates) > LONGEST:
        raise Invalid(
            f"coordinates has more than {LONGEST} characters",
            f"coordinates 超过 {LONGEST} 个字符",
            parameter="coordinates",
        )
    try:
        parsed: Json = orjson.loads(coordinates)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            f"coordinates is not JSON such as [8,40]: {error}",
            f"coordinates 不是 JSON（例如 [8,40]）：{error}",
            parameter="coordinates",
        ) from None
    return parsed
