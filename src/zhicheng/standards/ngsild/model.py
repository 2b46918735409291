"""The entity as the platform holds it: expanded names (IRIs), instants in microseconds, values as JSON.

Everything in the city is one of these. Codecs translate documents to and from it; the hub turns
it into changes of the log and back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class Kind(IntEnum):
    """What a change or an attribute instance is: the NGSI-LD kinds, and the entity's own members."""

    PROPERTY = 1
    RELATIONSHIP = 2
    GEO = 3
    LANGUAGE = 4
    VOCABULARY = 5
    JSON = 6
    LIST = 7
    LIST_RELATIONSHIP = 8
    TYPES = 20
    SCOPE = 21
    LIFE = 22


class Quality(IntFlag):
    """What is known against a value; kept with it, shown with it, filterable."""

    NONE = 0
    FUTURE = 1
    """observedAt lies more than five minutes after its arrival: kept, never live."""
    ESTIMATED = 2
    """Computed, not measured (a vehicle placed on its trip's shape)."""
    MODEL = 4
    """Breaks the city's model of its type, which is set to warn."""
    RANGE = 8
    """Outside the range its device or model declares."""
    SIMULATED = 16
    """Made by a simulator (模拟)."""


@dataclass(slots=True)
class Attribute:
    """One instance of an attribute.

    `value` by kind: PROPERTY any JSON but null; RELATIONSHIP a URI or list of URIs; GEO a GeoJSON geometry;
    LANGUAGE {tag: text or list}; VOCABULARY an IRI or list; JSON any JSON; LIST a list;
    LIST_RELATIONSHIP a list of URIs.
    Names in `sub` are expanded; `extra` holds the members that are not attributes: objectType, valueType, ... .
    """

    kind: Kind
    value: Json
    observed_at: int | None = None
    unit: str | None = None
    dataset: str | None = None
    sub: dict[str, list[Attribute]] = field(default_factory=dict)
    extra: dict[str, Json] = field(default_factory=dict)
    owner: str | None = None
    """The department (URI of an Organization) that owns the value."""
    classification: str | None = None
    """public, internal, or a class of the city's own list; None means the type's default."""
    quality: Quality = Quality.NONE
    created_at: int | None = None
    modified_at: int | None = None
    deleted_at: int | None = None
    instance: int | None = None
    """position * 2**20 + ordinal of the change that made it; None before it is stored."""
    source: str | None = None
    """The feed, application or interface it came by."""


@dataclass(slots=True)
class Entity:
    """A thing of the city: id (URI), types and attribute names as IRIs, each attribute's instances by datasetId."""

    id: str
    types: tuple[str, ...]
    attributes: dict[str, list[Attribute]] = field(default_factory=dict)
    scope: tuple[str, ...] = ()
    created_at: int | None = None
    modified_at: int | None = None
    deleted_at: int | None = None
    version: int = 0
    """Position of its last change; 0 before it is stored."""
    source: str | None = None
