"""The vital signs of a city at work: as they are now, beside their course; and what the platform says of itself."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.compute.vital import Vital
from zhicheng.hub.intake import Origin
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.zones import zone
from zhicheng.operations.vitals.course import Past, courses
from zhicheng.operations.vitals.logic import Recipe, recipe
from zhicheng.operations.vitals.model import EVERY, FIGURE, NAME, SIGN, entity_of
from zhicheng.operations.vitals.now import Maker, Now, makers, now_of
from zhicheng.operations.vitals.usual import Stand, stand
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.log import Batch

_COURSE_KEPT, _LACKING_KEPT = 60.0, 15.0
"""Seconds for which courses are not read again, and where some vital sign has none yet."""
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """A vital sign with all that is shown of it. low, middle, high: what is usual now, NaN where that is not known."""

    vital: Vital
    now: Now
    past: Past
    low: float
    middle: float
    high: float
    stand: Stand


class Vitals:
    """What a city's vital signs say.

    told: what the platform says of itself, by name: gives figure and how many make it, None for nothing yet
    """

    def __init__(
        self, signs: Sequence[Vital], space: Space, time_zone: str, told: dict[str, Callable[[], Now | None]]
    ) -> None:
        terms = space.models.terms()
        self.signs = {vital.name: vital for vital in signs}
        self.recipes: dict[str, Recipe] = {
            vital.name: recipe(vital, terms) for vital in signs if vital.aggregate != "told"
        }
        self.zone = zone(time_zone)
        self._space = space
        self._told = told
        self._past: dict[str, Past] = {}
        self._read_at = -_COURSE_KEPT

    async def readings(self, now: int) -> list[Reading]:
        """Those vital signs of which the city knows anything, in the order of their declaration."""
        return await asyncio.to_thread(self._readings, now)

    def _readings(self, now: int) -> list[Reading]:
        figures = {name: found for name in self.signs if (found := self._now(name, now)) is not None}
        past = self._courses(now)
        return [self._reading(self.signs[name], found, past[name], now) for name, found in figures.items()]

    def _now(self, name: str, now: int) -> Now | None:
        if (told := self._told.get(name)) is not None:
            return told()
        if (made := self.recipes.get(name)) is None:
            return None
        state = self._space.store.state
        with state.lock:
            found = now_of(state, made, now)
        return found if found.counted or found.silent else None

    def _courses(self, now: int) -> dict[str, Past]:
        kept = _COURSE_KEPT if all(len(past.at) for past in self._past.values()) else _LACKING_KEPT
        if time.monotonic() - self._read_at >= kept or not self._past:
            self._past = courses(self._space.store, [*self.signs], now, self.zone)
            self._read_at = time.monotonic()
        return self._past

    def _reading(self, vital: Vital, found: Now, past: Past, now: int) -> Reading:
        at = int(np.clip(np.searchsorted(past.usual_at, now, "right") - 1, 0, len(past.usual_at) - 1))
        low, middle, high = (
            float(part[at]) for part in (past.usual.low, past.usual.middle, past.usual.high)
        )  # fmt: skip
        return Reading(vital, found, past, low, middle, high, stand(vital, found.figure, low, high))

    async def why(self, name: str, now: int, limit: int) -> tuple[Reading, list[Maker], int]:
        """A vital sign with the entities that make it so; NotFound."""
        reading = next((one for one in await self.readings(now) if one.vital.name == name), None)
        if reading is None:
            raise NotFound(f"There is no vital sign {name}", f"没有运行体征 {name}")
        made = self.recipes.get(name)
        if made is None:
            return reading, [], 0
        side = reading.stand.side or ("low" if reading.vital.bad == "low" else "high")
        return reading, *await asyncio.to_thread(self._makers, made, now, side, reading.stand.bound, limit)

    def _makers(
        self, made: Recipe, now: int, side: str, bound: float | None, limit: int
    ) -> tuple[list[Maker], int]:  # fmt: skip
        state = self._space.store.state
        with state.lock:
            return makers(state, made, now, side, bound, limit)


class Rate:
    """Rows that the log took in, second by second, for the last minute."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, int]] = deque()
        self._began = time.monotonic()

    def listen(self, batch: Batch) -> None:
        """Count a batch; called from the store's writer."""
        self._taken.append((time.monotonic(), len(batch)))

    def now(self) -> Now | None:
        """Rows a second over the last minute, or since it began if that is less; None in the first seconds."""
        now = time.monotonic()
        while self._taken and self._taken[0][0] < now - _MINUTE:
            self._taken.popleft()
        span = min(_MINUTE, now - self._began)
        if span < 5:
            return None
        return Now(round(sum(count for _, count in tuple(self._taken)) / span, 1), 1, 0, None)


class Pulse:
    """Writes what the platform says of itself beside the application's vital signs, so that it has a past too."""

    source = "platform"

    def __init__(
        self, space: Space, told: dict[str, Callable[[], Now | None]], signs: Sequence[Vital], clock: Callable[[], int]
    ) -> None:
        self._space = space
        self._told = {vital: told[vital.name] for vital in signs if vital.name in told}
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            now = self._clock()
            following = (now // EVERY + 1) * EVERY
            await asyncio.sleep((following - now) / 1e6)
            await self.write(following)

    async def write(self, at: int) -> None:
        """The figures as of an instant."""
        for vital, told in self._told.items():
            if (found := told()) is not None:
                values = {
                    iri(NAME): [Attribute(Kind.PROPERTY, vital.label.zh, at)],
                    iri(FIGURE): [Attribute(Kind.PROPERTY, found.figure, at, vital.unit)],
                }
                entity = Entity(entity_of(vital.name), (iri(SIGN),), values)
                await self._space.intake.add_instances(entity, Origin("platform", "platform"))
