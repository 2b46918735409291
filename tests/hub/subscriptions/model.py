"""What each commit means for each subscription, said as plainly as can be: entity before, entity after, compared."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.hub.subscriptions.model import Subscription, Trigger
from zhicheng.standards.changes import Act
from zhicheng.standards.filter.document import matches
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.log import Batch
from zhicheng.storage.port import Store

Told = tuple[int, str, str, frozenset[str]]
"""(position, subscription, entity, triggers)"""


@dataclass
class Snap:
    """Every entity as it is after a commit."""

    entities: dict[str, Entity]


def snap(store: Store) -> Snap:
    with store.state.lock:
        names = [name for name in store.state.directory.ids if name]
    found = ((name, store.entity(name)) for name in names)
    return Snap({name: entity for name, entity in found if entity is not None})


def told(before: Snap, after: Snap, batch: Batch, subscriptions: list[Subscription]) -> set[Told]:
    """What a commit means, by comparing the entities it names before and after."""
    found: set[Told] = set()
    position = int(batch.position[0])
    for name in set(batch.changes.entity.list()):
        assert name is not None
        was, now = before.entities.get(name), after.entities.get(name)
        rows = [row for row, entity in enumerate(batch.changes.entity.list()) if entity == name]
        for one in subscriptions:
            happened = Trigger(0)
            judged = now
            if now is None:
                if was is not None:
                    happened, judged = Trigger.ENTITY_DELETED & one.triggers, was
            else:
                if born := (was is None or was.created_at != now.created_at or reborn(batch, rows)):
                    happened |= Trigger.ENTITY_CREATED & one.triggers
                old = {} if born or was is None else was.attributes
                happened |= attributes(old, now.attributes, one, named(batch, rows), corrected(batch))
                structural = [batch.changes.kind[row] in (Kind.TYPES, Kind.SCOPE) for row in rows]
                if not born and any(structural) and one.watched is None:
                    happened |= Trigger.ENTITY_CHANGED & one.triggers
            if happened and judged is not None and matches(one.where, judged):
                words = frozenset(each.name or "" for each in Trigger if each in happened)
                found.add((position, one.id, name, words))
    return found


def reborn(batch: Batch, rows: list[int]) -> bool:
    changes = batch.changes
    return any(changes.kind[row] == Kind.LIFE and changes.act[row] == Act.SET for row in rows)


def named(batch: Batch, rows: list[int]) -> set[str]:
    """The attributes that a commit names."""
    return {name for row in rows if (name := batch.changes.attribute[row]) is not None}


def corrected(batch: Batch) -> set[int]:
    """The instances that a commit puts another value into."""
    return set(batch.changes.target[batch.changes.act == Act.CORRECT].tolist())


def attributes(
    was: dict[str, list[Attribute]],
    now: dict[str, list[Attribute]],
    one: Subscription,
    names: set[str],
    targets: set[int],
) -> Trigger:
    happened = Trigger(0)
    for name in names if one.watched is None else names & one.watched:
        old = {each.dataset: each for each in was.get(name, ())}
        new = {each.dataset: each for each in now.get(name, ())}
        for dataset in old.keys() | new.keys():
            if dataset not in old:
                happened |= Trigger.ATTRIBUTE_CREATED
            elif dataset not in new:
                happened |= Trigger.ATTRIBUTE_DELETED
            elif changed(old[dataset], new[dataset]) or new[dataset].instance in targets:
                happened |= Trigger.ATTRIBUTE_UPDATED
    return happened & one.triggers


def changed(old: Attribute, new: Attribute) -> bool:
    return (old.instance, old.modified_at) != (new.instance, new.modified_at)
