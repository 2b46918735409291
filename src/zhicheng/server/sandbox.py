"""The sandbox (沙箱): a tenant of its own in which a recorded day of the city runs again and again, for developers.

Their programs read and write it as they would the city. Its data come from the city as a plain reader may see it, and
nothing ever goes the other way: the tenants share no store. Everything that is replayed is marked as simulated (模拟).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from zhicheng.hub.intake import Origin
from zhicheng.hub.readings import Snapshot
from zhicheng.kernel import instants, zones
from zhicheng.kernel.errors import BadConfiguration, NotFound, TooMany, ZhichengError
from zhicheng.kernel.instants import ABSENT, HOUR, MINUTE, SECOND, Clock
from zhicheng.kernel.settings import Duration
from zhicheng.server.space import Space
from zhicheng.standards.changes import Act, Changes
from zhicheng.standards.ngsild.changes import list_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality
from zhicheng.storage.entities import entity_at
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch
from zhicheng.storage.port import Store

_log = logging.getLogger(__name__)
SOURCE = "sandbox:replay"
_ORIGIN = Origin(SOURCE, SOURCE)
_STEP = 2.0
"""Seconds from step to step."""
_AT_ONCE = 200
"""Entities that are written in one commit, so that others get their turn between two."""
_FASTEST = 600.0
_AGAIN = 10 * SECOND
"""How soon it may be begun anew."""
_PART = 5 * MINUTE
_SILENCE = 15 * MINUTE
"""A recording in which nothing is told for longer is two."""
_LOOK = 2.0
"""Seconds from look to look for what was erased."""
Work = Literal["off", "starting", "running", "failed"]


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """[sandbox]: whether there is one, which day it replays (city's date; "": the last whole one), how fast.

    idle: without a request of a sandbox key for so long it stops, until the next one
    """

    enabled: bool = True
    day: str = ""
    speed: float = 1.0
    idle: Duration = HOUR

    def __post_init__(self) -> None:
        if self.day:
            zones.parse_date(self.day)
        check_speed(self.speed)


def check_speed(speed: float) -> float:
    """A speed that can be kept up with."""
    if not 0.1 <= speed <= _FASTEST:
        raise BadConfiguration(f"speed lies between 0.1 and {_FASTEST:g}", f"speed 应在 0.1 到 {_FASTEST:g} 之间")
    return speed


@dataclass(frozen=True, slots=True)
class Course:
    """What is replayed: from `start` to `end` as recorded, `speed` times as fast; `begun` is when, by the clock.

    >>> Course(0, 100, 2.0, 1000).when(50), Course(0, 100, 2.0, 1000).reached(1010)
    (1025, 20)
    """

    start: int
    end: int
    speed: float
    begun: int

    def when(self, recorded: int) -> int:
        """When what was recorded at an instant happens in the sandbox."""
        return self.begun + int((recorded - self.start) / self.speed)

    def reached(self, now: int) -> int:
        """How far the recording is, at an instant of the clock."""
        return self.start + int((now - self.begun) * self.speed)


class Sandbox:
    """Fills its tenant while somebody uses it.

    space: gives its tenant, which is made when it is first needed; there: whether it was; home: the city's whole store
    city: gives the city as a plain reader sees it, asked anew when a round begins; now: the city's now
    """

    source = "sandbox"

    def __init__(
        self,
        settings: SandboxSettings,
        space: Callable[[], Space],
        there: Callable[[], bool],
        home: Store,
        city: Callable[[], Space],
        clock: Clock,
        now: Clock,
        zone: ZoneInfo,
    ) -> None:
        self.settings = settings
        self.speed = settings.speed
        self.day: date | None = zones.parse_date(settings.day) if settings.day else None
        self.work: Work = "off"
        self.course: Course | None = None
        self.reached = 0
        self.rounds = 0
        self.error: ZhichengError | None = None
        self._space = space
        self._there = there
        self._erased: deque[tuple[str, str | None]] = deque()
        self._home = home
        self._city = city
        self._clock = clock
        self._now = now
        self._zone = zone
        self._used_at = self._failed_at = 0
        self._begun_at = -(2**62)
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._types: dict[str, tuple[str, ...]] = {}

    # what people do with it --------------------------------------------------------------------------------------

    def touch(self) -> None:
        """Somebody uses it: it goes on, or begins."""
        self._used_at = self._clock()
        failed_long_ago = self.work == "failed" and self._used_at - self._failed_at > MINUTE
        if self.settings.enabled and (self.work == "off" or failed_long_ago):
            self.work = "starting"
            self._wanted.set()

    async def begin(self, day: date | None, speed: float) -> None:
        """Empty it, and replay a day (None: the last whole one) from its beginning."""
        if not self.settings.enabled:
            raise NotFound("This city has no sandbox", "本城市未启用沙箱")
        if self._clock() - self._begun_at < _AGAIN:
            raise TooMany("The sandbox was begun just now; wait a few seconds", "沙箱刚刚重置；请稍候", retry_after=10)
        self._begun_at = self._clock()
        await self.stop()
        self.day, self.speed = day, check_speed(speed)
        await self._emptied()
        self.rounds = 0
        self.touch()

    async def stop(self) -> None:
        """Let it rest where it is."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.work = "off"
        self._wanted.clear()

    async def _emptied(self) -> None:
        """Everything is gone from it, what developers wrote too."""
        space = self._space()
        with space.store.state.lock:
            directory = space.store.state.directory
            names = [
                directory.ids[code] for code in np.flatnonzero(directory.table[: len(directory.ids)] >= 0).tolist()
            ]
        for at in range(0, len(names), _AT_ONCE):
            await space.intake.batch_remove(names[at : at + _AT_ONCE], _ORIGIN)
            await asyncio.sleep(0)

    # the work ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: wait to be wanted, replay while it is used."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._wanted.wait()
                if self._there():
                    await self.forget()
                if self._wanted.is_set():
                    self._wanted.clear()
                    self._task = asyncio.create_task(self._guarded(), name="sandbox-replay")
        finally:
            await self.stop()

    async def _guarded(self) -> None:
        self.error = None
        try:
            await self._replay()
            self.work = "off"
        except ZhichengError as error:
            self.error, self.work, self._failed_at = error, "failed", self._clock()
            _log.warning("the sandbox stopped: %s", error)
        except Exception:  # noqa: BLE001  (the edge of the task: a defect ends the replay, and is logged)
            self.work, self._failed_at = "failed", self._clock()
            _log.exception("the sandbox failed")

    async def _replay(self) -> None:
        while True:
            city = self._city()
            start, end = await asyncio.to_thread(self._span)
            course = self.course = Course(start, end, self.speed, self._clock())
            self.reached = start
            await self._set_up(city, course)
            self.rounds += 1
            self.work = "running"
            while self.reached < end:
                await asyncio.sleep(_STEP)
                if self._clock() - self._used_at > self.settings.idle:
                    return
                await self._step(city, course, min(course.reached(self._clock()), end))

    def _span(self) -> tuple[int, int]:
        """A day of which something was recorded: the one asked for, else yesterday, else what there is of today."""
        now = self._now()
        today = zones.local_date(self._zone, now)
        for day in [self.day] if self.day is not None else [today - timedelta(1), today]:
            start, end = zones.day_bounds(self._zone, day)
            first = first_within(self._home, start, min(end, now), now)
            if first is not None:
                return first, min(end, now)
        raise NotFound(
            "Nothing was recorded on that day; choose another one, or wait until the city has told something",
            "该日没有记录；请另选一天，或等待城市产生数据",
        )

    async def _set_up(self, city: Space, course: Course) -> None:
        """The city as it was at the beginning, in place of what the round before left behind."""
        space = self._space()
        state = await city.past.at(course.start)
        entities = await asyncio.to_thread(_entities, state, course.begun)
        self._types = {one.id: one.types for one in entities}
        with space.store.state.lock:
            known = space.store.state.directory
            own = known.sources.index.get(SOURCE, -2)
            here = np.flatnonzero((known.source[: len(known.ids)] == own) & (known.table[: len(known.ids)] >= 0))
            gone = [known.ids[code] for code in here.tolist() if known.ids[code] not in self._types]
        for at in range(0, len(gone), _AT_ONCE):
            await space.intake.batch_remove(gone[at : at + _AT_ONCE], _ORIGIN)
        for at in range(0, len(entities), _AT_ONCE):
            await space.readings.sync(Snapshot(entities[at : at + _AT_ONCE]), _ORIGIN)
            await asyncio.sleep(0)

    async def _step(self, city: Space, course: Course, until: int) -> None:
        if until <= self.reached:
            return
        rows = await asyncio.to_thread(city.store.during, self.reached, until)
        self.reached = until
        if not len(rows):
            return
        types, gone = _lives(rows)
        self._types |= types
        self._learn(city.store.state, rows)
        values = _values(rows, course, self._types)
        for at in range(0, len(values), 20_000):
            await self._space().readings.observe(values.take(np.arange(at, min(at + 20_000, len(values)))), _ORIGIN)
        if gone:
            await self._space().intake.batch_remove(gone, _ORIGIN)

    def _learn(self, state: State, rows: Batch) -> None:
        """The types of what was recorded before it is told of: something that was made known only later."""
        with state.lock:
            for name in rows.changes.entity.compact().values:
                if name not in self._types and (found := state.find(name)) is not None:
                    self._types[name] = found[0].types

    def listen(self, batch: Batch) -> None:
        """From the writer's thread: what is erased in the city is erased here too, at the next step at the latest."""
        erased = np.flatnonzero((batch.changes.act == Act.ERASE) & (batch.changes.target < 0))
        self._erased.extend((str(batch.changes.entity[row]), batch.changes.attribute[row]) for row in erased.tolist())

    async def forget(self) -> None:
        """Erase what was erased in the city since."""
        while self._erased:
            name, attribute = self._erased.popleft()
            with contextlib.suppress(NotFound):
                await self._space().intake.erase(name, _ORIGIN, attribute)

    def document(self) -> dict[str, object]:
        """How it is doing."""
        course, state = self.course, self._space().store.state if self._there() else None
        return {
            "enabled": self.settings.enabled,
            "work": self.work,
            "speed": self.speed,
            "day": None if self.day is None else self.day.isoformat(),
            "from": None if course is None else instants.format(course.start),
            "to": None if course is None else instants.format(course.end),
            "at": None if course is None else instants.format(self.reached),
            "rounds": self.rounds,
            "entities": 0 if state is None else len(state),
            "position": 0 if state is None else state.position,
            "error_zh": None if self.error is None else self.error.zh,
            "error_en": None if self.error is None else self.error.en,
        }


def first_within(city: Store, start: int, end: int, now: int) -> int | None:
    """The first instant of the longest stretch of a window in which something goes on, of equal ones the last."""
    if end <= start:
        return None
    rows = city.moments(start, end, _PART)
    inside = (rows.at >= start - _PART) & (rows.at < end)
    at = rows.at[inside]
    if not len(at):
        return None
    stretch = np.concatenate([[0], np.cumsum(np.diff(at) > _SILENCE)])
    parts = np.bincount(stretch)
    longest = len(parts) - 1 - int(np.argmax(parts[::-1]))
    part = max(start, int(at[stretch == longest][0]))
    found = city.during(part - 1, part + _PART)
    first = part if not len(found) else int(np.minimum(found.effective, found.recorded_at).min())
    return min(max(start, first), now - SECOND)


def _entities(state: State, begun: int) -> list[Entity]:
    """All that lives in a past state, as of when the round begins."""
    found = []
    with state.lock:
        for table in state.tables:
            for row in np.flatnonzero(table.alive).tolist():
                found.append(entity_at(table, row))
    for one in found:
        one.attributes = {name: [_moved(each, begun) for each in all_of] for name, all_of in one.attributes.items()}
    return found


def _moved(attribute: Attribute, begun: int) -> Attribute:
    observed = None if attribute.observed_at is None else begun
    return replace(attribute, observed_at=observed, quality=attribute.quality | Quality.SIMULATED)


def _lives(rows: Batch) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Of some rows: the types of entities that were told of, and the entities that are gone in the end."""
    changes = rows.changes
    types: dict[str, tuple[str, ...]] = {}
    gone: dict[str, bool] = {}
    for row in np.flatnonzero(changes.kind >= Kind.TYPES).tolist():
        name, kind = str(changes.entity[row]), int(changes.kind[row])
        if kind == Kind.TYPES:
            types[name] = list_of(changes.text[row])
        elif kind == Kind.LIFE:
            gone[name] = int(changes.act[row]) == Act.REMOVE
    return types, [name for name, left in gone.items() if left]


def _values(rows: Batch, course: Course, types: dict[str, tuple[str, ...]]) -> Changes:
    """The rows of values, moved to when they happen in the sandbox; of entities whose types are known."""
    changes = rows.changes
    keep = (changes.kind < Kind.TYPES) & (changes.act <= Act.REMOVE)
    keep &= np.array([*(name in types for name in changes.entity.values), False], bool)[changes.entity.codes]
    found = changes.take(np.flatnonzero(keep))
    found.entity = found.entity.compact()
    timed = found.observed_at != ABSENT
    moved = course.begun + ((found.observed_at - course.start) / course.speed).astype(np.int64)
    found.observed_at = np.where(timed, np.maximum(moved, course.begun), ABSENT)
    found.life = np.zeros(len(found), np.int64)
    found.target = np.full(len(found), -1, np.int64)
    found.quality = (found.quality | np.uint8(Quality.SIMULATED)).astype(np.uint8)
    found.types = {name: types[name] for name in found.entity.values}
    return found
