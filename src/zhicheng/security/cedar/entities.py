"""The entities that policies speak of: their attributes, and in which others they are, however far up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from zhicheng.kernel.errors import Invalid
from zhicheng.security.cedar.values import Uid, Value

_NONE: frozenset[Uid] = frozenset()


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity: what is said of it, and what it is in directly."""

    uid: Uid
    attributes: Mapping[str, Value] = field(default_factory=dict)
    parents: frozenset[Uid] = _NONE
    tags: Mapping[str, Value] = field(default_factory=dict)


class Entities:
    """A set of entities. One that is not in it has no attributes and is in itself alone.

    >>> li, roads = Uid("Person", "li"), Uid("Department", "roads")
    >>> Entities([Entity(li, {}, frozenset((roads,)))]).above(li) == {roads}
    True
    """

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        self.by_uid = {entity.uid: entity for entity in entities}
        self._above: dict[Uid, frozenset[Uid]] = {}

    def get(self, uid: Uid) -> Entity | None:
        """The entity."""
        return self.by_uid.get(uid)

    def above(self, uid: Uid) -> frozenset[Uid]:
        """Everything it is in, without itself."""
        found = self._above.get(uid)
        if found is None:
            found = self._above[uid] = self._climb(uid)
        return found

    def _climb(self, uid: Uid) -> frozenset[Uid]:
        entity = self.by_uid.get(uid)
        if entity is None:
            return _NONE
        found: set[Uid] = set()
        todo = list(entity.parents)
        while todo:
            one = todo.pop()
            if one == uid:
                raise Invalid(f"{uid} is in itself", f"{uid} 属于自身，形成循环")
            if one not in found:
                found.add(one)
                above = self.by_uid.get(one)
                todo += above.parents if above is not None else ()
        return frozenset(found)

    def below(self, uid: Uid) -> frozenset[Uid]:
        """Everything that is in it, and itself."""
        return frozenset((uid, *(each for each in self.by_uid if uid in self.above(each))))

    def joined(self, more: Iterable[Entity]) -> Entities:
        """These and more; of two with one name the later counts."""
        return Entities((*self.by_uid.values(), *more))


class Overlay(Entities):
    """A few entities of one request over many that stay: nothing is copied."""

    def __init__(self, ground: Entities, entities: Iterable[Entity]) -> None:
        super().__init__(entities)
        self._ground = ground

    def get(self, uid: Uid) -> Entity | None:
        """The entity."""
        return self.by_uid.get(uid) or self._ground.get(uid)

    def above(self, uid: Uid) -> frozenset[Uid]:
        """Everything it is in, without itself."""
        entity = self.by_uid.get(uid)
        if entity is None:
            return self._ground.above(uid)
        return entity.parents.union(*map(self.above, entity.parents))
