"""What could not be delivered: kept by subscription, made anew from the log on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from zhicheng.hub.subscriptions.follow import Follower
from zhicheng.hub.subscriptions.model import Letter, Notice, Subscription
from zhicheng.hub.subscriptions.watch import Watch
from zhicheng.kernel.errors import NotFound
from zhicheng.storage.port import Store
from zhicheng.storage.records import Key, Record, Records

_KIND = "subscription-letter"


def _id(subscription: str, letter: str) -> str:
    return f"{subscription} {letter}"


@dataclass(frozen=True)
class DeadLetters:
    """Those of a tenant; of each subscription the newest `most` stay."""

    records: Records
    most: int

    def of(self, subscription: str) -> list[Letter]:
        """What of a subscription was put aside, oldest first."""
        found = [
            msgspec.json.decode(record.body, type=Letter)
            for record in self.records.all(_KIND)
            if record.id.startswith(subscription + " ")
        ]
        return sorted(found, key=lambda letter: (letter.at, letter.id))

    def one(self, subscription: str, letter: str) -> Letter:
        """The letter of this id; NotFound."""
        content = self.records.get(_KIND, _id(subscription, letter))
        if content is None:
            raise NotFound(f"There is no dead letter {letter[:200]}", f"没有死信 {letter[:200]}", id=letter[:200])
        return msgspec.json.decode(content, type=Letter)

    async def put(self, subscription: str, letter: Letter) -> None:
        """Keep that a notification could not be delivered; of too many the oldest go."""
        known = self.of(subscription)
        drop = self.keys(subscription, known[: max(0, len(known) + 1 - self.most)])
        record = Record(_KIND, _id(subscription, letter.id), msgspec.json.encode(letter))
        await asyncio.to_thread(partial(self.records.write, [record], drop))

    async def drop(self, subscription: str, letter: Letter) -> None:
        """Forget that it could not be delivered."""
        await asyncio.to_thread(partial(self.records.write, drop=self.keys(subscription, [letter])))

    def keys(self, subscription: str, letters: Sequence[Letter]) -> list[Key]:
        """Where letters are kept."""
        return [Key(_KIND, _id(subscription, letter.id)) for letter in letters]


def retold(store: Store, one: Subscription, letter: Letter) -> list[Notice]:
    """What the commits of a letter mean for its subscription, from the log; nothing where they are not in it."""
    if not letter.position:
        return []
    follower = Follower.past(store, letter.first - 1, Watch([one]))
    found: list[Notice] = []
    while follower.position < letter.position:
        found += [notice for notice in follower.step(1).notices if notice.position <= letter.position]
    same = [notice for notice in found if notice.id == letter.id]
    if letter.first == letter.position or not found:
        return same
    newest = {entity: document for notice in found for entity, document in notice.data}
    return [replace(found[-1], id=letter.id, first=letter.first, data=list(newest.items()))]
