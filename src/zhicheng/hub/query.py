"""Query: entities by predicate, order and page; what types there are. All of it column-wise over the live table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zhicheng.hub.ordering import Order, ordered
from zhicheng.hub.plans import missing
from zhicheng.kernel.columns import Index, Mask
from zhicheng.standards.filter import columns, tree
from zhicheng.standards.filter.tree import EVERYTHING, Ids, Node
from zhicheng.standards.ngsild.changes import sub_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.entities import entity_at, entity_of
from zhicheng.storage.live import State, Table
from zhicheng.storage.port import Store


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """where: everything that is asked of an entity, types and ids included; attributes: those to load, None for all"""

    where: Node = EVERYTHING
    limit: int = 20
    offset: int = 0
    order: tuple[Order, ...] = ()
    count: bool = False
    attributes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The asked entities, and how many there are in all if that was asked."""

    entities: list[Entity]
    total: int | None


@dataclass(slots=True)
class TypeFigures:
    """A type: how many entities, how many of them with a geometry, and its attributes with their kinds."""

    type: str
    count: int = 0
    located: int = 0
    attributes: dict[str, set[Kind]] = field(default_factory=dict)


class Query:
    """Reads the live table, or a past state handed in."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def entity(self, identifier: str) -> Entity:
        """The entity; NotFound."""
        found = self.store.entity(identifier)
        if found is None:
            raise missing(identifier)
        return found

    def entities(self, identifiers: Sequence[str], state: State | None = None) -> dict[str, Entity]:
        """Those of the entities that exist, by id."""
        chosen = self.store.state if state is None else state
        with chosen.lock:
            found = ((identifier, entity_of(chosen, identifier)) for identifier in identifiers)
            return {identifier: entity for identifier, entity in found if entity is not None}

    def select(self, query: EntityQuery, state: State | None = None) -> Page:
        """A page of the entities that fulfil the query; without an order, in the order of the live table."""
        chosen = self.store.state if state is None else state
        with chosen.lock:
            matches = [(table, rows) for table, rows in matching(chosen, query.where) if len(rows)]
            total = sum(len(rows) for _, rows in matches)
            picked = _ordered(matches, query) if query.order else _sliced(matches, query.offset, query.limit)
            entities = [entity_at(table, row, query.attributes) for table, row in picked]
        return Page(entities, total if query.count else None)

    def types(self, state: State | None = None) -> list[TypeFigures]:
        """Every type that has entities, with figures."""
        chosen = self.store.state if state is None else state
        found: dict[str, TypeFigures] = {}
        with chosen.lock:
            for table in chosen.tables:
                if table.living:
                    for name in table.types:
                        _count(found.setdefault(name, TypeFigures(name)), table)
        return sorted(found.values(), key=lambda figures: figures.type)

    def as_of(self, valid: int, known: int | None = None) -> State:
        """The city as it was."""
        return self.store.as_of(valid, known)


def read_sub(text: str) -> Mapping[str, Sequence[Attribute]]:
    """The sub-attributes a text of the live table holds."""
    return sub_of(text)[0]


def matching(state: State, where: Node) -> Iterator[tuple[Table, Index]]:
    """Tables and the rows in them that fulfil a predicate. Call with the state's lock held."""
    named = _named(where)
    if named is not None:
        yield from _of_ids(state, named, where)
        return
    test = columns.compile(where, read_sub)
    for table in state.tables:
        if table.living and tree.possible(where, table.types):
            yield table, np.flatnonzero(table.alive & test(table))


def _parts(where: Node) -> tuple[Node, ...]:
    return where.parts if isinstance(where, tree.And) else (where,)


def _named(where: Node) -> frozenset[str] | None:
    """The ids the predicate asks for, if it does; of several lists of ids those that are in all."""
    asked = [part.ids for part in _parts(where) if isinstance(part, Ids)]
    return frozenset.intersection(*asked) if asked else None


def _of_ids(state: State, ids: frozenset[str], where: Node) -> Iterator[tuple[Table, Index]]:
    """The same for a few named entities: found by id, then tested on their own tables."""
    by_table: dict[int, list[int]] = {}
    for identifier in ids:
        found = state.find(identifier)
        if found is not None:
            by_table.setdefault(int(state.directory.table[found[2]]), []).append(found[1])
    rest = tree.all_of(part for part in _parts(where) if not isinstance(part, Ids))
    test = columns.compile(rest, read_sub)
    for number, rows in sorted(by_table.items()):
        table = state.tables[number]
        chosen = np.array(sorted(rows), np.intp)
        if rest != EVERYTHING:
            chosen = chosen[test(table)[chosen]]
        yield table, chosen


def _sliced(matches: list[tuple[Table, Index]], offset: int, limit: int) -> list[tuple[Table, int]]:
    picked: list[tuple[Table, int]] = []
    for table, rows in matches:
        if offset >= len(rows):
            offset -= len(rows)
            continue
        picked.extend((table, row) for row in rows[offset : offset + limit - len(picked)].tolist())
        offset = 0
        if len(picked) == limit:
            break
    return picked


def _ordered(matches: list[tuple[Table, Index]], query: EntityQuery) -> list[tuple[Table, int]]:
    """The page in the asked order; entities without the value come last, equal ones by the table's order."""
    if not matches:
        return []
    number = np.concatenate([np.full(len(rows), n) for n, (_, rows) in enumerate(matches)])
    places = np.concatenate([rows for _, rows in matches])
    chosen = ordered(matches, query.order)[query.offset : query.offset + query.limit]
    return [(matches[number[row]][0], int(places[row])) for row in chosen.tolist()]


def _count(figures: TypeFigures, table: Table) -> None:
    figures.count += table.living
    located: Mask = np.zeros(table.count, bool)
    for (name, _), cells in table.columns.items():
        present = cells.form > 0
        kinds = np.unique(cells.kind[present]).tolist()
        if kinds:
            figures.attributes.setdefault(name, set()).update(Kind(kind) for kind in kinds)
        if Kind.GEO in kinds:
            located |= present & (cells.kind == Kind.GEO)
    figures.located += int(located.sum())
