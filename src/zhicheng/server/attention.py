"""What needs attention, found while the city is at work: feeds, applications, vital signs, values, alerts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np

from zhicheng.kernel.errors import ZhichengError
from zhicheng.kernel.instants import Clock
from zhicheng.network.health import STATUS_ZH
from zhicheng.operations.attention import found
from zhicheng.operations.attention.keep import Attention
from zhicheng.operations.attention.matter import NAMED, Matter, Severity
from zhicheng.server.apps import AppTask
from zhicheng.server.feeds import FeedTask
from zhicheng.server.space import Space
from zhicheng.server.vitals import Reading, Vitals
from zhicheng.standards.models.model import Label
from zhicheng.standards.units import UNITS
from zhicheng.storage.live import State

_log = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds from one look to the next."""
_LAG, _LONG_LAG = 60.0, 600.0
"""Seconds of recording that an application may lag behind before it is told, and before it is serious."""
_FEED: Mapping[str, Severity] = {"failed": "high", "stale": "high", "late": "medium"}
_CAUSES: Mapping[tuple[str, str], Label] = {
    ("alarm", "high"): Label("above the alarm value {bound}", "超过警报值 {bound}"),
    ("alarm", "low"): Label("below the alarm value {bound}", "低于警报值 {bound}"),
    ("watch", "high"): Label("above the value to watch, {bound}", "超过关注值 {bound}"),
    ("watch", "low"): Label("below the value to watch, {bound}", "低于关注值 {bound}"),
    ("unusual", "high"): Label("more than usual at this hour (up to {bound})", "高于此时段常见范围（上限 {bound}）"),
    ("unusual", "low"): Label("less than usual at this hour (from {bound})", "低于此时段常见范围（下限 {bound}）"),
}


class AttentionTask:
    """Looks again and again, and keeps the list."""

    source = "attention"

    def __init__(
        self,
        space: Space,
        vitals: Vitals,
        feeds: Mapping[str, FeedTask],
        apps: Mapping[str, AppTask],
        clock: Clock,
        city_now: Clock,
    ) -> None:
        self.list = Attention(space.intake, space.query)
        self._space = space
        self._vitals = vitals
        self._feeds = feeds
        self._apps = apps
        self._clock = clock
        self._city_now = city_now

    async def run(self) -> None:
        """Until cancelled; what goes wrong in one look is logged, and looked at anew."""
        while True:
            try:
                await self.look()
            except ZhichengError as error:
                _log.warning("attention: %s", error)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Find what there is and bring the list in line."""
        readings = await self._vitals.readings(self._city_now())
        matters = [*self._of_feeds(), *self._of_apps(), *[one async for one in self._of_vitals(readings)]]
        matters += await asyncio.to_thread(self._of_entities)
        await self.list.keep(matters, self._clock())

    def _of_feeds(self) -> Iterator[Matter]:
        now = self._clock()
        for name, feed in self._feeds.items():
            health = feed.health
            status = health.status(now)
            if status not in _FEED:
                continue
            said = Label(health.error_en, health.error_zh)
            silent = Label("It has brought nothing new for longer than it promises", "超过约定时间没有新数据")
            since = health.payload_at if status == "stale" else health.failed_at or health.answered_at
            yield Matter(
                ("feed", name), "feed", _FEED[status],
                Label(f"Feed {name}: {status}", f"数据源 {name}：{STATUS_ZH[status]}"),
                said if status == "failed" and said.zh else silent,
                since or health.started_at, tuple(_brought_by(self._space.store.state, feed.source)),
            )  # fmt: skip

    def _of_apps(self) -> Iterator[Matter]:
        for name, task in self._apps.items():
            label = task.app.label
            if (error := task.error) is not None:
                yield Matter(
                    ("application", name), "application", "high",
                    Label(f"Application {label.en} fails", f"应用“{label.zh}”故障"), Label(error.en, error.zh),
                )  # fmt: skip
                continue
            lag = _lag(task)
            if lag > _LAG:
                yield Matter(
                    ("application", name), "application", "high" if lag > _LONG_LAG else "medium",
                    Label(f"Application {label.en} lags behind", f"应用“{label.zh}”处理滞后"),
                    Label(f"{lag:.0f} s of what came in are still to be read", f"尚有 {lag:.0f} 秒的数据未处理"),
                )  # fmt: skip

    async def _of_vitals(self, readings: Sequence[Reading]) -> AsyncIterator[Matter]:
        for reading in readings:
            if reading.stand.standing in ("watch", "bad") and reading.vital.name in self._vitals.recipes:
                _, makers, count = await self._vitals.why(reading.vital.name, self._city_now(), NAMED)
                ids = tuple(maker.table.directory.ids[int(maker.table.entity[maker.row])] for maker in makers)
                yield _vital(reading, ids, count)

    def _of_entities(self) -> list[Matter]:
        space = self._space
        state = space.store.state
        with state.lock:
            odd = found.odd_values(state, space.models, space.contexts.default.compact)
            return [*odd, *found.alerts(state, self._city_now())]


def _lag(task: AppTask) -> float:
    with suppress(ZhichengError):
        return task.explain().lag / 1e6
    return 0.0


def _vital(reading: Reading, ids: tuple[str, ...], count: int) -> Matter:
    vital, stand = reading.vital, reading.stand
    why, figure = why_of(reading), shown(reading.now.figure, vital.unit)
    return Matter(
        ("vital", vital.name), "vital", "high" if stand.standing == "bad" else "medium", vital.label,
        Label(f"{figure}, {why.en}; {count} entities", f"{figure}，{why.zh}；涉及 {count} 个对象"), None, ids,
    )  # fmt: skip


def why_of(reading: Reading) -> Label:
    """Why a vital sign is not good; nothing where it is."""
    stand = reading.stand
    cause = _CAUSES.get((stand.cause, stand.side))
    if cause is None or stand.bound is None:
        return Label("", "")
    bound = shown(stand.bound, reading.vital.unit)
    return Label(cause.en.format(bound=bound), cause.zh.format(bound=bound))


def shown(figure: float, unit: str) -> str:
    """A figure with its unit, as a person reads it.

    >>> shown(12.345, "P1"), shown(1234.5, "C62"), shown(float("nan"), "GQ")
    ('12.3 %', '1234', '–')
    """
    if np.isnan(figure):
        return "–"
    digits = 0 if abs(figure) >= 1000 else 1 if abs(figure) >= 10 else 2
    symbol = UNITS[unit].symbol if unit in UNITS else ""
    return f"{figure:.{digits}f} {symbol}".strip()


def _brought_by(state: State, source: str) -> list[str]:
    """Some entities that a feed brought."""
    with state.lock:
        directory = state.directory
        code = directory.sources.index.get(source)
        if code is None:
            return []
        count = len(directory.ids)
        living = np.flatnonzero((directory.source[:count] == code) & (directory.table[:count] >= 0))
        return [directory.ids[one] for one in living[:NAMED].tolist()]
