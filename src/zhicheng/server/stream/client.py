"""One connection that watches: what it is still to be told, and the sending of it.

Of each place at most one message is waiting. Where a second change comes before the first is sent, all of the place is
told instead, as it stands when its turn comes: who is slow gets the newest state, not a backlog.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from zhicheng.hub.live import Look
from zhicheng.hub.sheets import name_of
from zhicheng.server.stream import messages
from zhicheng.server.stream.messages import Features, Wrap
from zhicheng.server.stream.stage import Place, Stage
from zhicheng.server.stream.watch import Watch

BEAT = 4.0
"""Seconds after which a clock is sent at the latest."""
_TOGETHER = 65_536
"""Bytes that are sent at once."""


class Client:
    """A watcher with a connection. write: gives bytes to the connection, and waits while it is full."""

    def __init__(self, wrap: Wrap, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._wrap = wrap
        self._write = write
        self._stage: Stage | None = None
        self._keys: dict[Look, list[str]] = {}
        self._pending: dict[Place, Features | None] = {}
        self._shapes: set[Look] = set()
        self._first: list[str] = []
        self._safe = 0
        self._wake = asyncio.Event()
        self.sent = 0
        self.dropped = 0

    # the watcher

    def offer(self, place: Place, features: Features) -> None:
        """A change of a place."""
        if place in self._pending:
            self._pending[place] = None
            self.dropped += 1
        else:
            self._pending[place] = features

    def shapes(self, look: Look) -> None:
        """Lines or areas of a look changed."""
        self._shapes.add(look)

    def round_over(self) -> None:
        """That was all for now."""
        if self._pending or self._shapes or (self._stage is not None and self._stage.ticks):
            self._wake.set()

    @property
    def waiting(self) -> int:
        """Messages that are still to be sent: at most one a place."""
        return len(self._pending)

    # what is watched

    def look_at(self, stage: Stage, watch: Watch) -> None:
        """From now on watch this; every look has its scene."""
        first = self._stage is None
        if self._stage is not stage:
            self.leave()
            self._pending.clear()
        resumes = watch.since if stage.position and first else None
        self._stage = stage
        before, self._keys = self._keys, {}
        for key, look in watch.layers.items():
            self._keys.setdefault(look, []).append(key)
        places = frozenset((look, watch.zoom, tile) for look in self._keys for tile in watch.tiles)
        renamed = {look for look, keys in self._keys.items() if not {*keys} <= {*before.get(look, ())}}
        fresh = stage.join(self, places) | {place for place in places if place[0] in renamed}
        self._pending = {place: told for place, told in self._pending.items() if place in places}
        for place in sorted(fresh, key=lambda place: place[2]):
            self._pending[place] = None if resumes is None else stage.since(place, resumes)
        self._shapes = {look for look in self._keys if resumes is not None or look in self._shapes}
        self._safe = 0
        self._first.append(messages.tiles([name_of(watch.zoom, tile) for tile in sorted(watch.tiles)]))
        self._wake.set()

    def leave(self) -> None:
        """Watch nothing any more."""
        if self._stage is not None:
            self._stage.leave(self)
            self._stage = None

    def say(self, text: str) -> None:
        """Send a message of another kind, before all else."""
        self._first.append(text)
        self._wake.set()

    # sending

    async def run(self) -> None:
        """Send until the connection ends."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._wake.wait()
            self._wake.clear()
            await self._write(self._next())
            while self._first or self._pending or self._shapes:
                await self._write(self._next())

    def _next(self) -> bytes:
        """The next messages, as many as go together; a clock behind the last of them."""
        parts = [self._wrap(text, self._safe) for text in self._first]
        self._first.clear()
        size = 0
        while self._pending and self._stage is not None and size < _TOGETHER:
            place = next(iter(self._pending))
            features = self._pending.pop(place) or self._stage.whole(place)
            for key in self._keys[place[0]]:
                parts.append(features.wrapped(self._wrap, key, self._safe))
                size += len(parts[-1])
        if not self._pending:
            for look in self._shapes:
                parts.extend(self._wrap(messages.shapes(key, self._safe), self._safe) for key in self._keys[look])
            self._shapes.clear()
            if self._stage is not None:
                self._safe = self._stage.position
                parts.append(self._wrap(self._stage.clock(), self._safe))
        self.sent += len(parts)
        return b"".join(parts)
