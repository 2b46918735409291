"""Feeds at work: payload, decoder, intake; data and cursor in one commit, and how each feed is doing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zhicheng.hub.intake import Origin
from zhicheng.kernel.errors import Unavailable, ZhichengError
from zhicheng.kernel.instants import Clock
from zhicheng.kernel.telemetry import Telemetry
from zhicheng.network.feed import Feed
from zhicheng.network.health import Health, Status
from zhicheng.network.settings import make_source
from zhicheng.network.source import Cursor, Payload
from zhicheng.sensing.decoders import DECODERS
from zhicheng.server import memory
from zhicheng.server.decoding import Content, Read, reader_of
from zhicheng.server.settings import CityFeed, CityFile
from zhicheng.server.space import Space
from zhicheng.server.tables import keep
from zhicheng.standards.gtfs.static import Static, from_tables
from zhicheng.storage import log as storage

_log = logging.getLogger(__name__)
OUT_OF_DATE: frozenset[Status] = frozenset(("stale", "failed"))
"""States of a feed in which what it brought is shown as out of date."""
_PATIENCE = 120.0
"""Seconds that a live feed waits for its timetable before it begins without."""


@dataclass(slots=True)
class Timetable:
    """A network's timetable: read from the store or brought by a feed; live feeds wait until it is there or failed."""

    static: Static | None
    ready: asyncio.Event


@dataclass(slots=True)
class Taken:
    """What came of a feed's payloads, for people."""

    rows: int = 0
    created: int = 0
    removed: int = 0
    repeated: int = 0
    refused: int = 0
    issued_at: int | None = None
    reasons: tuple[tuple[str, str], ...] = ()


class FeedTask:
    """One feed of the city, from its cursor on."""

    def __init__(
        self,
        name: str,
        settings: CityFeed,
        city: CityFile,
        space: Space,
        timetables: Mapping[str, Timetable],
        environ: Mapping[str, str],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self.name = name
        self.settings = settings
        self.source = f"feed:{name}"
        self.taken = Taken()
        self._city = city
        self._space = space
        self._timetable = timetables.get(settings.network)
        self._environ = environ
        self._clock = clock
        self._telemetry = telemetry
        self._read: Read = reader_of(name, settings, space, city.name)
        self._feed = self._make(self._stored_cursor())
        self._repeats = 0

    @property
    def health(self) -> Health:
        """How the feed is doing."""
        return self._feed.health

    @property
    def replays(self) -> bool:
        """Whether it plays a recording, whose now is not that of the clock."""
        return bool(self.settings.replay) and not self.settings.repeat

    @property
    def gives_timetable(self) -> bool:
        """Whether it brings the timetable that live feeds of its network wait for."""
        return self.settings.decoder == "gtfs"

    def out_of_date(self, now: int) -> bool:
        """Whether what it brought can no longer be trusted."""
        return self.health.status(now) in OUT_OF_DATE

    async def run(self) -> None:
        """Draw until the source ends; a feed that repeats begins again."""
        if self._timetable is not None and not self.gives_timetable:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._timetable.ready.wait(), _PATIENCE)
        while True:
            before = Cursor.parse(self._feed.cursor).sequence
            await self._feed.run()
            sequence = Cursor.parse(self._feed.cursor).sequence
            if not self.settings.repeat or (sequence == before and self._repeats):
                return
            self._repeats += 1
            health = self._feed.health
            self._feed = self._make(Cursor(sequence).text())
            self._feed.health = replace(health, ended=False)
            await asyncio.sleep(self.settings.interval / 1e6 / max(self.settings.speed, 1.0))

    def _stored_cursor(self) -> str | None:
        """How far the feed had come, and to which instant of its own: a recording's now outlives a restart."""
        found = self._space.store.cursor(self.source)
        if found is None:
            return None
        self.taken.issued_at = int(found.state) if found.state else None
        return found.position

    def _make(self, cursor: str | None) -> Feed:
        at, environ = self._city.folder, self._environ
        source = make_source(self.settings, at, environ, clock=self._clock, sleep=asyncio.sleep)
        return Feed(
            self.name, source, self.sink, cursor=cursor, pace=self.settings.pace(), clock=self._clock,
            telemetry=self._telemetry,
        )  # fmt: skip

    async def push(self, body: bytes, name: str) -> Taken:
        """Store a payload that was handed in; what came of it."""
        before = replace(self.taken, reasons=())
        self.taken.reasons = ()
        await self._feed.push(body, name)
        after = self.taken
        return Taken(
            after.rows - before.rows, after.created - before.created, after.removed - before.removed,
            after.repeated - before.repeated, after.refused - before.refused, after.issued_at, after.reasons,
        )  # fmt: skip

    async def sink(self, payload: Payload) -> None:
        """Store a payload together with the feed's cursor."""
        static = self._timetable.static if self._timetable is not None else None
        try:
            content = await asyncio.to_thread(self._read, payload, static)
            await self._store(content, payload)
            del content
            if len(payload.body) > memory.LARGE:
                await asyncio.to_thread(memory.give_back)
        except ZhichengError:
            if self.gives_timetable and self._timetable is not None:
                self._timetable.ready.set()
            raise

    async def _store(self, content: Content, payload: Payload) -> None:
        space, taken = self._space, self.taken
        if content.tables:
            await self._keep_tables(content)
        issued_at = content.issued_at if content.issued_at is not None else payload.fetched_at
        origin = Origin(
            self.source, self.source, self.settings.owner, self.settings.classification,
            storage.Producer(self.source, 0, payload.sequence),
            storage.Cursor(self.source, 0, payload.cursor.text(), str(issued_at).encode()),
        )  # fmt: skip
        if content.snapshot is not None:
            done = await space.readings.sync(content.snapshot, origin)
        elif content.readings is not None:
            done = await space.readings.observe(content.readings, origin)
        else:
            raise Unavailable("The payload brought nothing that can be stored", "数据中没有可存储的内容")
        taken.rows += done.rows
        taken.created += done.created
        taken.removed += done.removed
        taken.repeated += done.repeated
        taken.refused += content.refused + done.refused
        taken.issued_at = issued_at
        taken.reasons = content.reasons or taken.reasons

    async def _keep_tables(self, content: Content) -> None:
        kept = DECODERS[self.settings.decoder].keeps
        name = kept or self.settings.network or self.name
        await asyncio.to_thread(keep, self._space, name, content.tables, beside=bool(kept))
        if self._timetable is not None:
            self._timetable.static = await asyncio.to_thread(from_tables, dict(content.tables))
            self._timetable.ready.set()


def timetables_of(feeds: Mapping[str, CityFeed], space: Space) -> dict[str, Timetable]:
    """The timetables of the networks that feeds name, as far as the store has them."""
    found: dict[str, Timetable] = {}
    for network in {feed.network for feed in feeds.values() if feed.network}:
        try:
            static = from_tables(space.store.tables(network))
        except ZhichengError:
            static = None
        event = asyncio.Event()
        brought = any(feed.network == network and feed.decoder == "gtfs" and feed.enabled for feed in feeds.values())
        if static is not None or not brought:
            event.set()
        found[network] = Timetable(static, event)
    return found
