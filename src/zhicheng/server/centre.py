"""What the information-resource centre knows of a tenant: figures of live table and log, kept for a moment."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from zhicheng.hub.catalogue.figures import Holdings, holdings
from zhicheng.hub.registers import fragments
from zhicheng.hub.registers.fragments import Described
from zhicheng.kernel.columns import Coded
from zhicheng.server.space import Space
from zhicheng.storage.engines.embedded.tallies import Tallies
from zhicheng.storage.tally import Tally, joined

Value = TypeVar("Value")
_FRESH = 2.0
"""Seconds for which figures of an older position will do; who polls costs nothing more."""
IDENTITY = ("sameAs", "https://schema.org/sameAs", "http://www.w3.org/2002/07/owl#sameAs")
"""Relationships by which a record says that it is about the same object as another."""


@dataclass(slots=True)
class _Kept(Generic[Value]):
    """A value and the position of the log that it holds for."""

    make: Callable[[], Value]
    position: Callable[[], int]
    lock: threading.Lock
    value: Value | None = None
    at: int = -1
    until: float = 0.0

    def get(self) -> Value:
        """The value, made anew where the log has moved and a moment has passed."""
        with self.lock:
            now = time.monotonic()
            if self.value is None or (self.at != self.position() and now >= self.until):
                self.at = self.position()
                began = time.monotonic()
                self.value = self.make()
                # what takes long is made less often: never more than a twentieth of a core
                self.until = time.monotonic() + max(_FRESH, 20 * (time.monotonic() - began))
            return self.value


class Centre:
    """Figures of one tenant."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._tallies = None if space.engine is None else Tallies(space.engine)
        self._counting: asyncio.Task[None] | None = None
        self._held = self._kept(lambda: holdings(space.store.state))
        self._described = self._kept(self._describe)

    def _kept(self, make: Callable[[], Value]) -> _Kept[Value]:
        return _Kept(make, lambda: self.space.store.state.position, threading.Lock())

    def _describe(self) -> Described:
        expand = self.space.contexts.default.expand
        same = {expand(name) if ":" not in name else name for name in IDENTITY}
        return fragments.described(self.space.store.state, same)

    async def held(self) -> Holdings:
        """What the live table holds."""
        return await asyncio.to_thread(self._held.get)

    async def described(self) -> Described:
        """Which departments describe which object."""
        return await asyncio.to_thread(self._described.get)

    async def tally(self, *, whole: bool = False) -> tuple[Tally, bool]:
        """What has come, and whether all of the log is counted; what is not is counted meanwhile, or (whole) first.

        Who sees a part of the city is told nothing of what came: it would tell of the rest.
        """
        if self._tallies is None:
            return joined(()), True
        found, complete = await asyncio.to_thread(self._tallies.counted)
        if not complete and (self._counting is None or self._counting.done()):
            self._counting = asyncio.create_task(asyncio.to_thread(self._tallies.count))
        if not complete and whole and self._counting is not None:
            await asyncio.shield(self._counting)
            found, complete = await asyncio.to_thread(self._tallies.counted)
        return _named(found), complete


def _named(tally: Tally) -> Tally:
    """The tally with "" for changes that name no source."""
    if (tally.source.codes >= 0).all():
        return tally
    values = [*tally.source.values, ""]
    codes = tally.source.codes.copy()
    codes[codes < 0] = len(values) - 1
    return Tally(tally.table, Coded(values, codes), tally.start, tally.count, tally.depth)


_MOST = 64


class Centres:
    """One for each tenant, and each part of it that some may see, that is asked about."""

    def __init__(self) -> None:
        self._known: dict[int, Centre] = {}

    def of(self, space: Space) -> Centre:
        """The figures of a tenant."""
        found = self._known.get(space.number)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[space.number] = Centre(space)
        return found
