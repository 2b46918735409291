"""NGSI-LD documents, briefly."""

from __future__ import annotations

import json
from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.demo.plan import Said

Document = dict[str, object]


def entity(identifier: str, kind: str, **attributes: object) -> Document:
    """An entity; attributes that are None are left out."""
    return {"id": identifier, "type": kind, **{name: value for name, value in attributes.items() if value is not None}}


def value(what: object, unit: str | None = None) -> Document:
    """A property."""
    return {"type": "Property", "value": what} | ({} if unit is None else {"unitCode": unit})


def named(name: Said) -> dict[str, object]:
    """`name` in Chinese, `alternateName` in English."""
    return {"name": value(name.zh), "alternateName": value(name.en)}


def link(target: str | Sequence[str]) -> Document:
    """A relationship."""
    return {"type": "Relationship", "object": target}


def point(place: Sequence[float]) -> Document:
    """A place in degrees."""
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(place)}}


def area(shape: BaseGeometry) -> Document:
    """A shape in degrees."""
    return {"type": "GeoProperty", "value": json.loads(shapely.to_geojson(shape))}


def dated(document: Document, at: str) -> Document:
    """The same, known since an instant."""
    return {
        name: {**member, "observedAt": at} if isinstance(member, dict) else member for name, member in document.items()
    }


def lines(documents: Sequence[Document]) -> bytes:
    """JSON, a document a line."""
    return "\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in documents).encode() + b"\n"
