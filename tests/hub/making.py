"""What the tests of the hub are made of: a room with attributes, whose changes they are, and a clock."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from zhicheng.hub.intake import Origin
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.storage.port import Store

VOCABULARY = "https://example.org/"
ROOM = VOCABULARY + "Room"
ID = "urn:ngsi-ld:Room:1"
NOW = 1_700_000_000 * SECOND
FACILITIES = Origin("ann", "test", "urn:ngsi-ld:Organization:facilities", "internal")
NOBODY = Origin("ann", "test")


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def forward(self, by: int = MINUTE) -> int:
        self.now += by
        return self.now


class Rest(TypedDict, total=False):
    observed_at: int | None
    unit: str | None
    dataset: str | None
    sub: dict[str, list[Attribute]]
    extra: dict[str, Json]
    owner: str | None
    classification: str | None


def iri(name: str) -> str:
    return VOCABULARY + name


def is_(value: Json, kind: Kind = Kind.PROPERTY, **rest: Unpack[Rest]) -> Attribute:
    """An instance, a property unless told otherwise."""
    return Attribute(kind, value, **rest)


def room(
    identifier: str = ID, types: tuple[str, ...] = (ROOM,), scope: tuple[str, ...] = (), **named: object
) -> Entity:
    """An entity; attributes by short name, an instance or a list of them or a bare value each."""
    attributes: dict[str, list[Attribute]] = {}
    for name, given in named.items():
        instances: list[Any] = (
            given if isinstance(given, list) and given and isinstance(given[0], Attribute) else [given]
        )
        attributes[iri(name)] = [
            one if isinstance(one, Attribute) else Attribute(Kind.PROPERTY, one) for one in instances
        ]
    return Entity(identifier, types, attributes, scope)


def fragment(identifier: str = ID, types: tuple[str, ...] = (), scope: tuple[str, ...] = (), **named: object) -> Entity:
    """A room without its types."""
    return room(identifier, types, scope, **named)


def present(store: Store, identifier: str = ID) -> Entity:
    """The entity as it is."""
    found = store.entity(identifier)
    assert found is not None
    return found


def one(store: Store, name: str, dataset: str | None = None, identifier: str = ID) -> Attribute:
    """One instance of an attribute as it is."""
    [found] = [each for each in present(store, identifier).attributes[iri(name)] if each.dataset == dataset]
    return found


def values(store: Store, identifier: str = ID) -> dict[str, Json]:
    """Values by short name, by datasetId where there is one."""
    return {
        name.removeprefix(VOCABULARY) + (f" {each.dataset}" if each.dataset else ""): each.value
        for name, instances in present(store, identifier).attributes.items()
        for each in instances
    }
