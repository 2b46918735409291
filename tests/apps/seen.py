"""A city at an instant made of entities at hand, for views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa

from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind

T = TypeVar("T")


def entity(kind: str, identifier: str, at: int | None = None, **values: object) -> Entity:
    """An entity with properties; names that begin with has, and lists of URNs, are relationships."""
    attributes = {}
    for name, value in values.items():
        relation = name.startswith("has") or name in ("affects", "operatedBy")
        shape = Kind.RELATIONSHIP if relation else Kind.GEO if name == "location" else Kind.PROPERTY
        attributes[said.iri(name)] = [Attribute(shape, value, at)]  # type: ignore[arg-type]  # tests give what is JSON
    return Entity(identifier, (said.iri(kind),), attributes, source="feed:bus")


@dataclass
class Look:
    """See `standards.models.seen.Seen`."""

    entities: list[Entity]
    now: int
    stale: frozenset[str] = frozenset()
    tables: Mapping[str, Mapping[str, pa.Table]] = field(default_factory=dict)

    def some(self, type_: str, attribute: str = "", values: Collection[str] = ()) -> list[Entity]:
        found = [one for one in self.entities if said.iri(type_) in one.types]
        return [one for one in found if not attribute or said.text(one, attribute) in values]

    def one(self, identifier: str) -> Entity | None:
        return next((one for one in self.entities if one.id == identifier), None)

    def made(self, tables: str, make: Callable[[Mapping[str, pa.Table]], T]) -> T | None:
        return make(self.tables[tables]) if tables in self.tables else None
