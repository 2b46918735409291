"""All subscriptions together, as arrays: which of them a change may concern, before any entity is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from zhicheng.hub.subscriptions.model import Subscription, Trigger
from zhicheng.kernel.columns import Mask
from zhicheng.standards.filter import tree


def kinds_of(subscriptions: Iterable[Subscription]) -> frozenset[str] | None:
    """Types of which everything that can be told of has one; None for all there are."""
    found: frozenset[str] = frozenset()
    for one in subscriptions:
        if one.kinds is None:
            return None
        found |= one.kinds
    return found


class Watch:
    """The subscriptions that are told as it happens."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self.subscriptions = tuple(subscriptions)
        self.kinds = kinds_of(subscriptions)
        self.triggers = np.array([int(one.triggers) for one in subscriptions], np.int64)
        self.changes = np.array([one.changes for one in subscriptions], np.bool_)
        self._open = np.array([one.watched is None for one in subscriptions], np.bool_)
        self._by_attribute: dict[str, Mask] = {}
        self._possible: dict[tuple[str, ...], Mask] = {}
        for number, one in enumerate(subscriptions):
            for name in one.watched or ():
                self._by_attribute.setdefault(name, np.zeros(len(subscriptions), np.bool_))[number] = True

    def possible(self, types: tuple[str, ...]) -> Mask:
        """Which subscriptions can match an entity of exactly these types."""
        found = self._possible.get(types)
        if found is None:
            found = np.array([tree.possible(one.where, types) for one in self.subscriptions], np.bool_)
            self._possible[types] = found
        return found

    def wanting(self, attribute: str | None, happened: int) -> Mask:
        """Which subscriptions count that this happened (`Trigger`s) to an attribute, or to a whole entity."""
        found: Mask = (self.triggers & happened) != 0
        if attribute is None:
            if happened & Trigger.ENTITY_CHANGED:
                found = found & self._open
            return found
        named = self._by_attribute.get(attribute)
        return found & (self._open if named is None else self._open | named)
