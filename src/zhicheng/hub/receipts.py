"""Receipts on their way from the writer's thread to the event loop: all that are there come in one step."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future

from zhicheng.storage.log import Receipt


class Receipts:
    """Waits for commits on one event loop. Waking the loop costs as much as a small commit: a group wakes it once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._arrived: deque[tuple[asyncio.Future[Receipt], Future[Receipt]]] = deque()
        self._woken = False

    async def of(self, stored: Future[Receipt]) -> Receipt:
        """The receipt of a commit, or its error; whoever stops waiting takes the commit back, if it is not too late."""
        waiter: asyncio.Future[Receipt] = self.loop.create_future()
        stored.add_done_callback(lambda done: self._arrive(waiter, done))
        try:
            return await waiter
        except asyncio.CancelledError:
            stored.cancel()
            raise

    def _arrive(self, waiter: asyncio.Future[Receipt], done: Future[Receipt]) -> None:
        """On the writer's thread."""
        self._arrived.append((waiter, done))
        if not self._woken and not self.loop.is_closed():
            self._woken = True
            self.loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        # first this, then the look at what is there: what arrives in between wakes the loop again
        self._woken = False
        while self._arrived:
            waiter, done = self._arrived.popleft()
            if waiter.done():
                continue
            if done.cancelled():
                waiter.cancel()
            elif (error := done.exception()) is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(done.result())
