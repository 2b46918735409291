"""Who is in which room now and where they point: not kept anywhere but here; and a bell for what changes in a room."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from zhicheng.kernel.errors import TooMany
from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.kernel.urn import PREFIX
from zhicheng.operations.rooms.room import MARK, NOTE, ROOM
from zhicheng.storage.log import Batch

GONE = 30 * SECOND
"""Who is not heard of for so long has left."""
_MOST_PEOPLE = 200
_WRITES, _SPAN = 60, 10 * SECOND
"""So many changes of one person in so long a time."""
_PREFIXES = tuple(f"{PREFIX}{kind}:" for kind in (ROOM, MARK, NOTE))


@dataclass(slots=True)
class Here:
    """Someone in a room: by what name, where they point (longitude, latitude), whether they follow, last heard of."""

    name: str
    cursor: tuple[float, float] | None = None
    following: bool = True
    seen_at: int = 0


@dataclass(slots=True)
class Bell:
    """turn: how often it rang; event: set at the next ring."""

    turn: int = 0
    event: asyncio.Event = field(default_factory=asyncio.Event)
    people: dict[str, Here] = field(default_factory=dict)


class Presence:
    """The people of all rooms of a tenant, and who waits for news of a room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bells: dict[str, Bell] = {}
        self._writes: dict[str, deque[int]] = {}

    def listener(self) -> Callable[[Batch], None]:
        """What a store calls with each batch: rings the rooms that it changes. Made in the event loop."""
        loop = asyncio.get_running_loop()

        def heard(batch: Batch) -> None:
            named = [value for value in batch.changes.entity.values if value.startswith(_PREFIXES)]
            for key in {value.split(":")[3] for value in named}:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(self.ring, key)

        return heard

    def ring(self, key: str) -> None:
        """Something changed in a room."""
        bell = self._bells.get(key)
        if bell is not None:
            bell.turn += 1
            bell.event.set()
            bell.event = asyncio.Event()

    def turn(self, key: str) -> int:
        """How often a room's bell rang."""
        return self._bells.setdefault(key, Bell()).turn

    async def news(self, key: str, turn: int, wait: float) -> int:
        """The turn of a room once it is another than `turn`, or after `wait` seconds."""
        bell = self._bells.setdefault(key, Bell())
        if bell.turn == turn and wait > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bell.event.wait(), wait)
        return bell.turn

    def here(self, key: str, session: str, name: str, cursor: tuple[float, float] | None, *, following: bool) -> None:
        """Someone is in a room."""
        people = self._bells.setdefault(key, Bell()).people
        known = people.get(session)
        if known is None and len(people) >= _MOST_PEOPLE:
            return
        before = None if known is None else (known.name, known.cursor, known.following)
        people[session] = Here(name, cursor, following, self._clock())
        if before != (name, cursor, following):
            self.ring(key)

    def leave(self, key: str, session: str) -> None:
        """Someone left."""
        if self._bells.setdefault(key, Bell()).people.pop(session, None) is not None:
            self.ring(key)

    def people(self, key: str) -> dict[str, Here]:
        """Who is there, by session."""
        people = self._bells.setdefault(key, Bell()).people
        late = [session for session, one in people.items() if self._clock() - one.seen_at > GONE]
        for session in late:
            del people[session]
        return dict(people)

    def count_write(self, person: str) -> None:
        """One more change of a person; TooMany."""
        now = self._clock()
        writes = self._writes.setdefault(person, deque())
        while writes and now - writes[0] > _SPAN:
            writes.popleft()
        if len(writes) >= _WRITES:
            raise TooMany("Too many changes at once; wait a few seconds", "操作过于频繁，请稍候几秒")
        writes.append(now)
        if len(self._writes) > 10_000:
            self._writes.clear()
