"""The line of one subscription: what waits to be sent, what is under way, and how sending goes. No line knows another.

Everything here runs on the event loop. Notifications leave in order of position, several at once; two that speak of one
entity never overlap, so a receiver sees each entity's states in their order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from zhicheng.hub.subscriptions.model import Letter, Notice, Progress, Subscription
from zhicheng.hub.subscriptions.notification import body, headers, notification_id
from zhicheng.hub.subscriptions.settings import SubscriptionSettings
from zhicheng.kernel.errors import PeerFailed
from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.network.post import Poster

_log = logging.getLogger(__name__)
PutAside = Callable[[str, Letter], Awaitable[None]]
Chance = Callable[[], float]
_FINAL = frozenset((400, 413, 415, 422))
"""Answers that mean: not this notification, however often it is sent."""


@dataclass(slots=True)
class Waiting:
    """What stands in a line, for people."""

    queue: int
    oldest: int | None


class Line:
    """Sends what one subscription is told.

    seen: position of the log up to which everything for this subscription is in the line or beyond it
    behind: the line was full; what follows `seen` is to be read from the log when there is room
    """

    def __init__(
        self,
        one: Subscription,
        poster: Poster,
        progress: Progress,
        settings: SubscriptionSettings,
        put_aside: PutAside,
        clock: Clock,
        chance: Chance,
        tenant: str | None = None,
    ) -> None:
        self.one = one
        self.progress = progress
        self.seen = progress.position
        self.behind = False
        self.dirty = True
        self._poster = poster
        self._settings = settings
        self._put_aside = put_aside
        self._clock = clock
        self._chance = chance
        self._tenant = tenant
        self._waiting: deque[Notice] = deque()
        self._flying: dict[str, Notice] = {}
        self._held: dict[str, tuple[Notice, bytes]] = {}
        self._busy: set[str] = set()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[None] | None = None

    # what comes in ----------------------------------------------------------------------------------------------

    def offer(self, notices: Iterable[Notice], reached: int) -> bool:
        """Take what was found up to a position; False where the line is full and the rest is to be read again later."""
        self.dirty = True
        self._wake.set()
        for notice in notices:
            if notice.position <= self.seen:
                continue
            if not self._has_room(notice):
                self.behind = True
                self.seen = max(self.seen, notice.position - 1)
                self._take_back(notice.position)
                return False
            self._add(notice)
        self.seen = max(self.seen, reached)
        return True

    def _take_back(self, position: int) -> None:
        """A commit is in the line whole or not at all."""
        while self._waiting and self._waiting[-1].position == position:
            self._bytes -= self._waiting.pop().size

    def _add(self, notice: Notice) -> None:
        if self.one.expires_at is not None and self.one.expires_at <= notice.recorded_at:
            return
        if self.one.throttling:
            for entity, document in notice.data:
                self._held.pop(entity, None)
                self._held[entity] = (notice, document)
            return
        self._waiting.append(notice)
        self._bytes += notice.size

    def _has_room(self, notice: Notice) -> bool:
        if not self._waiting:
            return len(self._held) < self._settings.queue
        full = len(self._waiting) >= self._settings.queue or self._bytes + notice.size > self._settings.queue_size
        return not full

    def tell(self, notice: Notice) -> None:
        """Take what the clock, or a person, wants told, whatever the log says."""
        notice.counted = False
        self._waiting.append(notice)
        self._bytes += notice.size
        self._wake.set()

    @property
    def roomy(self) -> bool:
        """Whether reading on from the log is worth the while."""
        return len(self._waiting) <= self._settings.queue // 2 and 2 * self._bytes <= self._settings.queue_size

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self._waiting or self._flying or self._held)

    def forget(self, entities: Iterable[str]) -> None:
        """What was erased is not told any more."""
        gone = set(entities)
        self._held = {entity: held for entity, held in self._held.items() if entity not in gone}
        for notice in (*self._waiting, *self._flying.values()):
            notice.data = [pair for pair in notice.data if pair[0] not in gone]

    # how far it is ----------------------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Everything up to here is delivered or put aside."""
        under_way = [notice.first for notice in self._flying.values() if notice.counted]
        next_ = next((notice.first for notice in self._waiting if notice.counted), self.seen + 1)
        held = min((notice.first for notice, _ in self._held.values()), default=self.seen + 1)
        return min(*under_way, next_, held, self.seen + 1) - 1

    def waiting(self) -> Waiting:
        """How much waits, and since when the oldest does."""
        notices = [*self._flying.values(), *self._waiting, *(notice for notice, _ in self._held.values())]
        return Waiting(len(notices), min((notice.recorded_at for notice in notices), default=None))

    # what goes out ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to send."""
        self._runner = asyncio.create_task(self._run(), name=f"line {self.one.id}")

    async def stop(self) -> None:
        """End; what is not delivered is read from the log again."""
        tasks = [task for task in (self._runner, *self._sending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._poster.close()

    async def change(self, one: Subscription, poster: Poster) -> None:
        """The subscription is another from now on; what waits goes to the new endpoint."""
        before, self.one, self._poster = self._poster, one, poster
        with contextlib.suppress(Exception):
            await before.close()
        self._wake.set()

    async def change_sight(self, one: Subscription) -> None:
        """Its maker may see more, or less: what waits or is under way is read from the log again as it is seen now."""
        self.one = one
        self.seen, self.behind = self.position, not (one.interval or one.barred)
        self._waiting.clear()
        self._held.clear()
        self._bytes = 0
        for task in (sending := tuple(self._sending)):
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self._release()
            self._start_ready()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._until_release()):
                    await self._wake.wait()

    def _until_release(self) -> float | None:
        """Seconds until throttling lets go of what is held; None where nothing is."""
        if not self._held:
            return None
        return max(0.001, (self.progress.last_notification + self.one.throttling - self._clock()) / SECOND)

    def _release(self) -> None:
        """What throttling held back goes out as one: the latest of each entity."""
        due = self.progress.last_notification + self.one.throttling
        if not self._held or self._flying or self._clock() < due:
            return
        held = list(self._held.values())
        last = max(held, key=lambda pair: pair[0].position)[0]
        triggers = last.triggers
        for notice, _ in held:
            triggers |= notice.triggers
        data = [(entity, document) for entity, (_, document) in self._held.items()]
        first = min(notice.first for notice, _ in held)
        identifier = notification_id(self.one.id, last.position)
        together = replace(last, id=identifier, triggers=triggers, data=data, first=first)
        self._held = {}
        self._waiting.append(together)
        self._bytes += together.size

    def _start_ready(self) -> None:
        """Start what can go: in order, so many at once, no entity twice at a time."""
        while self._waiting and len(self._flying) < self._settings.parallel:
            notice = self._waiting[0]
            entities = {entity for entity, _ in notice.data}
            if not entities.isdisjoint(self._busy) or notice.id in self._flying:
                return
            self._waiting.popleft()
            self._bytes -= notice.size
            if not notice.data:
                continue
            self._flying[notice.id] = notice
            self._busy |= entities
            task = asyncio.create_task(self._deliver(notice, entities), name=notice.id)
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self, notice: Notice, entities: set[str]) -> None:
        try:
            await self._tried(notice)
        finally:
            self._flying.pop(notice.id, None)
            self._busy -= entities
            self.dirty = True
            self._wake.set()

    async def _tried(self, notice: Notice) -> None:
        """Send until it is taken, or is to be put aside."""
        attempt = 0
        while notice.data and self.one.status(self._clock()) == "active":
            error = await self._sent(notice)
            if error is None:
                return
            attempt += 1
            if attempt >= self._settings.attempts or error.facts.get("status") in _FINAL:
                await self._aside(notice, attempt, error)
                return
            await asyncio.sleep(self._wait(attempt, error) / SECOND)

    async def _sent(self, notice: Notice) -> PeerFailed | None:
        progress, one = self.progress, self.one
        progress.last_notification = now = self._clock()
        try:
            await self._poster.post(body(one, notice, now), headers(one, self._tenant), one.endpoint.timeout)
        except PeerFailed as error:
            progress.times_failed += 1
            progress.last_failure = self._clock()
            if not progress.failing:
                _log.warning("%s: %s", one.id, error)
            progress.failing = True
            return error
        progress.times_sent += 1
        progress.last_success = self._clock()
        progress.failing = False
        return None

    def _wait(self, attempt: int, error: PeerFailed) -> int:
        """Microseconds until the next try: doubled each time, with chance so that receivers are not met all at once."""
        settings = self._settings
        wait = min(settings.first_retry * 2 ** min(attempt - 1, 30), settings.longest_retry)
        wait = int(wait * (0.5 + self._chance() / 2))
        asked = error.facts.get("retry_after")
        if isinstance(asked, int):
            wait = max(wait, min(asked, settings.longest_retry))
        return max(wait, self.one.endpoint.cooldown)

    async def _aside(self, notice: Notice, attempts: int, error: PeerFailed) -> None:
        letter = Letter(
            notice.id, notice.first, notice.position, self._clock(), attempts, len(notice.data), error.en, error.zh
        )
        await self._put_aside(self.one.id, letter)
