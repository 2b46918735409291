"""The replay stage: the city from a past instant on, at speed, until it has caught up with now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from zhicheng.hub.live import Picture, Sight, blank, sight_of
from zhicheng.hub.playback import Playback
from zhicheng.kernel.columns import I4
from zhicheng.kernel.instants import SECOND
from zhicheng.server.stream.stage import Stage
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.storage.live import State

_log = logging.getLogger(__name__)
_EVERY = 0.5
"""Seconds from step to step."""
_LOOK = 2.0
"""Seconds after which it is asked again which sources were out of date."""
StaleAt = Callable[[State, int], frozenset[str]]


class Replay(Stage):
    """One client's course through the past."""

    mode = "replay"
    ticks = True

    def __init__(
        self,
        models: Catalogue,
        playback: Playback,
        shown: State,
        course: tuple[int, float],
        until: Callable[[], int],
        stale_at: StaleAt,
        ended: Callable[[Replay], Awaitable[None]],
    ) -> None:
        super().__init__(models)
        self._playback = playback
        self._shown = shown
        self.course = course
        """From which instant on, and how many times as fast: who asks for the same again goes on."""
        self._until = until
        self._stale_at = stale_at
        self._ended = ended
        self._stale = stale_at(shown, playback.instant)
        self._looked = time.monotonic()
        self._moving = asyncio.Lock()
        self._task = asyncio.create_task(self._run(), name="replay")

    @property
    def state(self) -> State:
        return self._shown

    @property
    def now(self) -> int:
        return self._playback.instant

    def stale(self) -> frozenset[str]:
        return self._stale

    async def _open_scene(self, picture: Picture) -> None:
        async with self._moving:  # a picture is taken between two steps, and told of the next
            await super()._open_scene(picture)

    def stop(self) -> None:
        """Nobody looks any more."""
        self._task.cancel()

    async def _run(self) -> None:
        begun, start = time.monotonic(), self._playback.instant
        try:
            reached = start
            while reached < self._until():
                await asyncio.sleep(_EVERY)
                reached = start + int((time.monotonic() - begun) * self.course[1] * SECOND)
                async with self._moving:
                    await self._step(min(reached, self._until()))
            await self._ended(self)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001  (a defect ends this replay, and is logged)
            _log.exception("a replay failed")

    async def _step(self, instant: int) -> None:
        pictures = [scene.picture for scene in self.scenes.values()]
        for picture, codes, sight in await asyncio.to_thread(self._read, pictures, instant):
            self.take_in(picture, codes, sight, 0)
        self.round_over(0)

    def _read(self, pictures: list[Picture], instant: int) -> list[tuple[Picture, I4 | None, Sight]]:
        codes: I4 | None = self._playback.advance(instant)
        if time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            stale = self._stale_at(self.state, instant)
            codes = codes if stale == self._stale else None
            self._stale = stale
        none = codes is not None and not len(codes)
        with self.state.lock:
            return [
                (one, codes, blank(0) if none else sight_of(self.state, one.look, self.models, self._stale, codes))
                for one in pictures
            ]
