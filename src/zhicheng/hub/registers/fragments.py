"""The fragmentation index (信息碎片化指数): how far what departments know of the same object is joined.

- A *record* is a living entity; who *describes* it are the owners of its values.
- Records are of the same *object* where one says so of another by a relationship of identity (`sameAs`), directly or
  through others. A record that is named by none and names none is an object by itself.
- An object is *joined* if two or more departments describe it: in one record or in several that are linked.
- The index of a type is the share of joined objects among the objects of that type that any department describes.

Only what is said counts. What may be the same by place and name is for `candidates` to suggest, and for people to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from zhicheng.hub.registers.links import edges
from zhicheng.kernel.columns import I4, I8, Mask
from zhicheng.standards.changes import Form
from zhicheng.storage.live import State


@dataclass(frozen=True, slots=True)
class Described:
    """Who describes which object. One row for each record and department, then what they are grouped into.

    entity: directory codes; owner: numbers into `owners`; types: the types of each living table
    """

    position: int
    entity: I4
    owner: I4
    owners: tuple[str, ...]
    group: I8
    table: I4
    types: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Index:
    """Of one type, or of all: objects that a department describes, joined ones, ones of several linked records.

    pairs: joined objects by the two departments that describe them
    """

    type: str | None
    objects: int
    joined: int
    linked: int
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """Joined objects among all; None where there are none."""
        return self.joined / self.objects if self.objects else None


def described(state: State, same: Collection[str]) -> Described:
    """Who describes what, from the columns of the live table. same: IRIs of the relationships of identity."""
    entities: list[I4] = []
    names: list[I4] = []
    owners: dict[str, int] = {}
    with state.lock:
        links = edges(state, same)
        count = len(state.directory.ids)
        table = state.directory.table[:count].copy()
        types = tuple(one.types for one in state.tables)
        position = state.position
        for one in state.tables:
            for cells in one.columns.values():
                column = cells.coded("owner")
                rows = np.flatnonzero((cells.form != Form.NOTHING) & (column.codes >= 0))
                if len(rows):
                    mapped = np.array([owners.setdefault(value, len(owners)) for value in column.values], np.int32)
                    entities.append(one.entity[rows])
                    names.append(mapped[column.codes[rows]])
    group = components(count, links.origin, links.target)
    entity, owner = _distinct(entities, names, len(owners))
    return Described(position, entity, owner, tuple(owners), group, table, types)


def _distinct(entities: list[I4], names: list[I4], owners: int) -> tuple[I4, I4]:
    if not entities:
        none = np.zeros(0, np.int32)
        return none, none
    key = np.unique(np.concatenate(entities).astype(np.int64) * owners + np.concatenate(names))
    return (key // owners).astype(np.int32), (key % owners).astype(np.int32)


def components(count: int, left: I4, right: I4) -> I8:
    """The smallest node each node is connected with.

    >>> components(5, np.array([1, 2], np.int32), np.array([2, 4], np.int32)).tolist()
    [0, 1, 1, 3, 1]
    """
    label = np.arange(count, dtype=np.int64)
    while len(left):
        least = np.minimum(label[left], label[right])
        before = label.copy()
        np.minimum.at(label, left, least)
        np.minimum.at(label, right, least)
        label = label[label]
        if (label == before).all():
            break
    return label


def index(found: Described, type_: str | None = None) -> Index:
    """The index of a type; of everything without one."""
    rows = _of_type(found, type_)
    key = np.unique(found.group[found.entity[rows]] * max(len(found.owners), 1) + found.owner[rows])
    groups, owners = key // max(len(found.owners), 1), key % max(len(found.owners), 1)
    objects, first, counts = np.unique(groups, return_index=True, return_counts=True)
    joined = counts >= 2
    records = np.bincount(found.group[np.unique(found.entity)], minlength=1) if len(found.entity) else np.zeros(1)
    linked = joined & (records[objects] >= 2) if len(objects) else joined
    return Index(type_, len(objects), int(joined.sum()), int(linked.sum()), _pairs(found, owners, first, counts))


def _pairs(found: Described, owners: I8, first: I8, counts: I8) -> dict[tuple[str, str], int]:
    """Joined objects by pair of departments, most first."""
    sets: dict[tuple[int, ...], int] = {}
    for start, count in zip(first[counts >= 2].tolist(), counts[counts >= 2].tolist(), strict=True):
        one = tuple(owners[start : start + count].tolist())
        sets[one] = sets.get(one, 0) + 1
    pairs: dict[tuple[str, str], int] = {}
    for one, times in sets.items():
        names = sorted(found.owners[number] for number in one)
        for at, left in enumerate(names):
            for right in names[at + 1 :]:
                pairs[left, right] = pairs.get((left, right), 0) + times
    return dict(sorted(pairs.items(), key=lambda item: (-item[1], item[0])))


def _of_type(found: Described, type_: str | None) -> Mask:
    """The rows of objects that have a record of the type."""
    if type_ is None:
        return np.ones(len(found.entity), bool)
    wanted = np.array([*(type_ in types for types in found.types), False])
    groups = np.unique(found.group[found.entity[wanted[found.table[found.entity]]]])
    return np.isin(found.group[found.entity], groups)


def types_of(found: Described) -> list[str]:
    """The types of the records that a department describes."""
    numbers = np.unique(found.table[found.entity])
    return sorted({name for number in numbers.tolist() if number >= 0 for name in found.types[number]})


@dataclass(frozen=True, slots=True)
class Object:
    """An object: its records (directory codes), who describes it."""

    records: tuple[int, ...]
    owners: tuple[str, ...]


def objects(
    found: Described, type_: str | None, pair: Iterable[str], state: str, limit: int, offset: int
) -> tuple[list[Object], int]:
    """A page of the objects behind the index, and how many there are.

    pair: departments that all describe them; state: "all", "joined", "linked" (of several records) or "alone"
    """
    rows = _of_type(found, type_)
    group, entity = found.group[found.entity[rows]], found.entity[rows]
    owner = found.owner[rows]
    keep = np.ones(int(group.max()) + 1 if len(group) else 1, bool)
    per_owner = np.unique(group * max(len(found.owners), 1) + owner) // max(len(found.owners), 1)
    owners = np.bincount(per_owner, minlength=len(keep))
    records = np.bincount(found.group[np.unique(entity)], minlength=len(keep)) if len(entity) else owners
    keep &= owners > 0
    keep &= {"all": owners > 0, "joined": owners >= 2, "alone": owners == 1}.get(state, (owners >= 2) & (records >= 2))
    for name in pair:
        has = np.zeros(len(keep), bool)
        if name in found.owners:
            has[group[owner == found.owners.index(name)]] = True
        keep &= has
    chosen = np.flatnonzero(keep)
    return [_object(found, number) for number in chosen[offset : offset + limit].tolist()], len(chosen)


def _object(found: Described, number: int) -> Object:
    rows = np.flatnonzero(found.group[found.entity] == number)
    owners = sorted({found.owners[one] for one in found.owner[rows].tolist()})
    return Object(tuple(np.unique(found.entity[rows]).tolist()), tuple(owners))


def members(found: Described, code: int) -> list[int]:
    """The records of the object that an entity (by directory code) belongs to, itself among them."""
    if code >= len(found.group):
        return [code]
    same = np.flatnonzero(found.group == found.group[code])
    alive = same[found.table[same] >= 0]
    return alive.tolist() or [code]
