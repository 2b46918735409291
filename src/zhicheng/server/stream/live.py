"""The live stage: in rounds, what the log changed since the last one is read, cut, encoded once and handed out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from zhicheng.kernel.telemetry import Telemetry
from zhicheng.server.stream.stage import KEPT, Stage, read_changes
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.storage.live import State
from zhicheng.storage.port import Store

_log = logging.getLogger(__name__)
EVERY = 0.25
"""Seconds from round to round; where one takes long, twice as long as it takes."""


class Live(Stage):
    """The city as it is."""

    mode = "live"

    def __init__(
        self,
        models: Catalogue,
        store: Store,
        now: Callable[[], int],
        stale: Callable[[], frozenset[str]],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(models)
        self._store = store
        self._clock = now
        self._stale_now = stale
        self._marked: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None
        self._seconds = telemetry.histogram("stream_round_seconds", "Time of a round of the live stream, in seconds")

    @property
    def state(self) -> State:
        return self._store.state

    @property
    def now(self) -> int:
        return self._clock()

    def stale(self) -> frozenset[str]:
        return self._stale_now()

    def wake(self) -> None:
        """Somebody watches: have rounds."""
        if self._task is None or self._task.done():
            if not self.scenes:
                self.position = self._store.state.position
                self._marked = self._stale_now()
            self._task = asyncio.create_task(self._rounds(), name="stream")

    async def stop(self) -> None:
        """No more rounds."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _rounds(self) -> None:
        alone = time.monotonic()
        while time.monotonic() - alone < KEPT:
            if self.clients:
                alone = time.monotonic()
            began = time.monotonic()
            try:
                await self.round()
            except Exception:  # noqa: BLE001  (one defect must not end the stream of all)
                _log.exception("a round of the live stream failed")
            taken = time.monotonic() - began
            await asyncio.sleep(max(EVERY - taken, taken, 0.01))
        self.scenes.clear()

    async def round(self) -> None:
        """Bring every picture up to date and tell who watches."""
        stale = self._stale_now()
        marked = stale != self._marked
        if self._store.state.position == self.position and not marked:
            return
        began = time.perf_counter()
        pictures = [scene.picture for scene in self.scenes.values()]
        read, position = await asyncio.to_thread(read_changes, self.state, pictures, self.models, stale, whole=marked)
        self._marked = stale
        for picture, codes, sight in read:
            self.take_in(picture, codes, sight, position)
            await asyncio.sleep(0)
        self.round_over(position)
        self._seconds.observe(time.perf_counter() - began)
