"""The feed loop: draw from a source, hand to the sink, back off when something fails, and say how it goes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from zhicheng.kernel import instants
from zhicheng.kernel.errors import PeerFailed, Unavailable, ZhichengError
from zhicheng.kernel.instants import HOUR, MINUTE, SECOND, Clock
from zhicheng.kernel.telemetry import Silent, Telemetry
from zhicheng.network.health import Health
from zhicheng.network.replay import Sleep
from zhicheng.network.source import Cursor, Payload, Source

Sink = Callable[[Payload], Awaitable[None]]
"""Takes a payload and returns once it and `payload.cursor.text()` are durable, in one commit.

An error with status below 500, or PeerFailed, says that the payload is bad: it is not handed over again.
Any other error says that it could not be stored now: it comes again.
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a feed waits: after the n-th failure on end `first * 2**n` microseconds, at most `longest`, with jitter.

    >>> Pace().after(1, 1.0), Pace().after(99, 0.5)
    (1.0, 225.0)
    """

    first: int = SECOND
    longest: int = 5 * MINUTE
    late_after: int = 5 * MINUTE
    stale_after: int = 24 * HOUR

    def after(self, failures: int, chance: float) -> float:
        """Seconds to wait; `chance` in [0, 1) spreads the waits of many feeds over the upper half."""
        whole = min(self.longest, self.first << min(failures - 1, 40)) / SECOND
        return whole * (0.5 + chance / 2)


class Feed:
    """One feed's loop from a cursor on; `run` ends when the source does, or when it is cancelled."""

    def __init__(
        self,
        name: str,
        source: Source,
        sink: Sink,
        *,
        cursor: str | None = None,
        pace: Pace | None = None,
        clock: Clock = instants.system_clock,
        sleep: Sleep = asyncio.sleep,
        chance: random.Random | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.name = name
        self._source = source
        self._sink = sink
        self._cursor = Cursor.parse(cursor)
        self._pace = pace or Pace()
        self._clock = clock
        self._sleep = sleep
        self._chance = chance or random.Random()
        self._bad = b""
        self._bad_error: ZhichengError | None = None
        self._turn = asyncio.Lock()
        self.health = Health(name, source.kind, clock(), self._pace.late_after, self._pace.stale_after)
        measured = telemetry or Silent()
        self._payloads = measured.counter("feed_payloads", "Payloads taken from feeds", ["feed"])
        self._bytes = measured.counter("feed_bytes", "Bytes taken from feeds", ["feed"])
        self._errors = measured.counter("feed_errors", "Failures of feeds", ["feed", "code"])

    @property
    def cursor(self) -> str:
        """How far the feed has been read."""
        return self._cursor.text()

    async def run(self) -> None:
        """Draw until the source ends or the task is cancelled; then close the source."""
        try:
            while (wait := await self.step()) is not None:
                await self._sleep(wait)
        finally:
            await self._source.close()

    async def step(self) -> float | None:
        """One round: at most one payload. Gives the seconds until the next round, None at the end."""
        try:
            return await self._round()
        except ZhichengError as error:
            return self._failed(error)
        except Exception:  # noqa: BLE001  (the edge of the runner: one feed's defect must not stop the others)
            _log.exception("feed %s: unexpected failure", self.name)
            return self._failed(Unavailable("An unexpected failure; see the log", "意外故障；请查看日志"))

    async def push(self, body: bytes, name: str) -> bool:
        """Take a payload that is handed in; returns once it is durable, and raises what is wrong with it.

        False: it is the last one once more, and nothing was done.
        """
        async with self._turn:
            digest = _digest(body).hex()
            if digest == self._cursor.digest:
                self.health = replace(self.health.answered(self._clock()), unchanged=self.health.unchanged + 1)
                return False
            cursor = Cursor(self._cursor.sequence + 1, digest=digest)
            payload = Payload(body, name, self._clock(), cursor)
            try:
                await self._sink(payload)
            except ZhichengError as error:
                self.health = replace(self.health.failed(self._clock(), error), refused=self.health.refused + 1)
                self._report(error, name)
                raise
            self._take(payload)
            return True

    async def _round(self) -> float | None:
        poll = await self._source.next(self._cursor)
        if poll.payload is None:
            self._bad, self._bad_error = b"", None  # the source is back at what was last taken
            self.health = replace(
                self.health.answered(self._clock()),
                unchanged=self.health.unchanged + (not poll.ended),
                ended=poll.ended,
            )
            return None if poll.ended else poll.wait
        if poll.refused is not None:
            self._refuse(poll.payload, poll.refused)
            return poll.wait
        if self._known_bad(poll.payload) and self._bad_error is not None:
            raise self._bad_error
        try:
            await self._sink(poll.payload)
        except ZhichengError as error:
            if error.status >= 500 and not isinstance(error, PeerFailed):
                raise
            self._refuse(poll.payload, error)
            return poll.wait if self._source.skips_refused else max(poll.wait, self._wait(error))
        self._take(poll.payload)
        return poll.wait

    def _take(self, payload: Payload) -> None:
        now, size = self._clock(), len(payload.body)
        self._cursor = payload.cursor
        self._bad, self._bad_error = b"", None
        self.health = self.health.answered(now).taken(now, size)
        self._payloads.add(feed=self.name)
        self._bytes.add(size, feed=self.name)

    def _refuse(self, payload: Payload, error: ZhichengError) -> None:
        """Note a payload that cannot be read; a file is passed over, an HTTP body remembered until it changes."""
        self.health = replace(self.health.failed(self._clock(), error), refused=self.health.refused + 1)
        if self._source.skips_refused:
            self._cursor = payload.cursor
            self.health = replace(self.health, answered_at=self._clock(), failures=0)
        else:
            self._bad, self._bad_error = _digest(payload.body), error
        self._report(error, payload.name)

    def _known_bad(self, payload: Payload) -> bool:
        return bool(self._bad) and self._bad == _digest(payload.body)

    def _failed(self, error: ZhichengError) -> float:
        self.health = self.health.failed(self._clock(), error)
        self._report(error, "")
        return self._wait(error)

    def _wait(self, error: ZhichengError) -> float:
        asked = error.facts.get("retry_after")
        least = min(asked, HOUR) / SECOND if isinstance(asked, int) else 0.0
        return max(least, self._pace.after(max(1, self.health.failures), self._chance.random()))

    def _report(self, error: ZhichengError, payload: str) -> None:
        self._errors.add(feed=self.name, code=error.code)
        _log.warning("feed %s: %s", self.name, error.en, extra={"facts": {"feed": self.name, "payload": payload}})


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
