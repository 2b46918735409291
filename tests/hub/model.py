"""Entities under NGSI-LD operations as plain dictionaries: what the intake is held against."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.hub.making import iri
from zhicheng.kernel.instants import MINUTE
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import NULL

Key = tuple[str, str | None]


@dataclass(frozen=True)
class Said:
    """An instance of an attribute as a request gives it; value None says nothing of the value. sub: by name."""

    value: Json
    at: int | None = None
    unit: str | None = None
    sub: tuple[tuple[str, Json], ...] = ()


@dataclass
class Cell:
    """An instance as it is; value NULL once it was taken away. effective: when what it holds was so."""

    said: Said
    effective: int


@dataclass
class Thing:
    types: tuple[str, ...]
    scope: tuple[str, ...] = ()
    cells: dict[Key, Cell] = field(default_factory=dict)

    def present(self) -> dict[Key, Said]:
        return {key: cell.said for key, cell in self.cells.items() if cell.said.value != NULL}


@dataclass(frozen=True)
class Document:
    """An entity, or a fragment of one, as a request gives it."""

    id: str
    types: tuple[str, ...]
    scope: tuple[str, ...]
    attributes: tuple[tuple[Key, Said], ...]

    def entity(self) -> Entity:
        attributes: dict[str, list[Attribute]] = {}
        for (name, dataset), said in self.attributes:
            sub = {iri(inner): [Attribute(Kind.PROPERTY, value)] for inner, value in said.sub}
            instance = Attribute(Kind.PROPERTY, copy.deepcopy(said.value), said.at, said.unit, dataset, sub)
            attributes.setdefault(iri(name), []).append(instance)
        return Entity(self.id, tuple(map(iri, self.types)), attributes, self.scope)


class Refused(Exception):
    """The operation is refused; nothing of it is done."""


class City:
    """All entities, and the operations on them; each leaves everything as it was where it is refused."""

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}

    def operate(self, operation: str, document: Document, now: int) -> None:
        before = copy.deepcopy(self.things)
        try:
            OPERATIONS[operation](self, document, now)
        except Refused:
            self.things = before
            raise

    def there(self, identifier: str) -> Thing:
        if identifier not in self.things:
            raise Refused
        return self.things[identifier]

    def create(self, document: Document, now: int) -> None:
        if document.id in self.things:
            raise Refused
        thing = self.things[document.id] = Thing(document.types, document.scope)
        for key, said in document.attributes:
            if said.value != NULL:
                put(thing, key, said, now, decided=said.at is None)

    def put(self, document: Document, now: int) -> None:
        thing = self.there(document.id)
        thing.types, thing.scope = document.types or thing.types, document.scope
        given = {key: said for key, said in document.attributes if said.value != NULL}
        for key in thing.present().keys() - given.keys():
            thing.cells[key] = Cell(Said(NULL), now)
        for key, said in given.items():
            put(thing, key, said, now, decided=True)

    def append(self, document: Document, now: int, *, overwrite: bool = True) -> None:
        thing = self.there(document.id)
        known = thing.present()
        if overwrite or not thing.scope:
            thing.scope = document.scope or thing.scope
        join(thing, document)
        for key, said in document.attributes:
            if overwrite or key not in known:
                put(thing, key, said, now, decided=said.at is None)

    def append_new(self, document: Document, now: int) -> None:
        self.append(document, now, overwrite=False)

    def upsert(self, document: Document, now: int) -> None:
        (self.put if document.id in self.things else self.create)(document, now)

    def upsert_part(self, document: Document, now: int) -> None:
        (self.append if document.id in self.things else self.create)(document, now)

    def update(self, document: Document, now: int) -> None:
        thing = self.there(document.id)
        known = thing.present()
        join(thing, document)
        thing.scope = document.scope or thing.scope
        for key, said in document.attributes:
            if key in known and said.value == NULL:
                thing.cells[key] = Cell(Said(NULL), now)
            elif key in known:
                put(thing, key, said, now, decided=said.at is None)

    def merge(self, document: Document, now: int) -> None:
        thing = self.there(document.id)
        known = thing.present()
        join(thing, document)
        thing.scope = document.scope or thing.scope
        for key, said in document.attributes:
            if said.value == NULL:
                if key in known:
                    thing.cells[key] = Cell(Said(NULL), now)
                continue
            before = known.get(key)
            if before is None and said.value is None:
                raise Refused
            after = merged(before or Said(None), said, merged_json)
            put(thing, key, after, now, decided=said.at is None)

    def update_members(self, document: Document, now: int) -> None:
        thing = self.there(document.id)
        known = thing.present()
        for key, said in document.attributes:
            if key not in known:
                raise Refused
            if said.value == NULL:
                thing.cells[key] = Cell(Said(NULL), now)
            else:
                put(thing, key, merged(known[key], said, lambda _, change: change), now, decided=said.at is None)

    def replace_attribute(self, document: Document, now: int) -> None:
        thing = self.there(document.id)
        known = thing.present()
        for key, said in document.attributes:
            if key not in known:
                raise Refused
            put(thing, key, said, now, decided=True)

    def remove_attribute(self, document: Document, now: int) -> None:
        thing = self.there(document.id)
        [(key, _)] = document.attributes
        if key not in thing.present():
            raise Refused
        thing.cells[key] = Cell(Said(NULL), now)

    def remove(self, document: Document, now: int) -> None:
        self.there(document.id)
        del self.things[document.id]


OPERATIONS: dict[str, Callable[[City, Document, int], None]] = {
    name: getattr(City, name)
    for name in (
        "create", "put", "append", "append_new", "upsert", "upsert_part", "update", "merge", "update_members",
        "replace_attribute", "remove_attribute", "remove",
    )
}  # fmt: skip


def put(thing: Thing, key: Key, said: Said, now: int, *, decided: bool) -> None:
    """A decision takes effect now; an observation unless something later is known; nothing of the far future."""
    effective = now if said.at is None else said.at
    present = thing.cells.get(key)
    if effective - now > 5 * MINUTE or (not decided and present is not None and present.effective > effective):
        return
    thing.cells[key] = Cell(replace(said, sub=tuple(sorted(said.sub))), effective)


def join(thing: Thing, document: Document) -> None:
    thing.types = (*thing.types, *(name for name in document.types if name not in thing.types))


def merged(before: Said, change: Said, values: Callable[[Json, Json], Json]) -> Said:
    """Members of the change over those before."""
    sub = {**dict(before.sub), **dict(change.sub)}
    return Said(
        before.value if change.value is None else values(before.value, change.value),
        before.at if change.at is None else change.at,
        before.unit if change.unit is None else change.unit,
        tuple((name, value) for name, value in sub.items() if value != NULL),
    )


def merged_json(before: Json, change: Json) -> Json:
    """RFC 7396 with NGSI-LD Null."""
    if not isinstance(change, dict):
        return change
    found: dict[str, Any] = dict(before) if isinstance(before, dict) else {}
    for name, value in change.items():
        if value == NULL:
            found.pop(name, None)
        else:
            found[name] = merged_json(found.get(name), value)
    return found
