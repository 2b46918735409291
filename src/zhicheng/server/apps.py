"""Applications at work in a city: what the city's file tells them, and each as a task over the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from zhicheng.compute import graph
from zhicheng.compute.app import AnyApp
from zhicheng.compute.figures import Explained
from zhicheng.compute.runner import Runner
from zhicheng.kernel import settings
from zhicheng.kernel.errors import Unavailable, ZhichengError
from zhicheng.kernel.settings import Duration, Where, unknown
from zhicheng.kernel.telemetry import Telemetry
from zhicheng.server import memory
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.storage.log import Batch
from zhicheng.storage.port import Store

_log = logging.getLogger(__name__)
_FIRST_RETRY, _LAST_RETRY = 1.0, 300.0
"""Seconds until a step that failed is tried again; doubled each time."""
BACKLOG = 131_072
"""Rows of the log that an application may be behind before it is held to make way for others."""
_LONGEST_REST = 2.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class AppSettings:
    """[apps.NAME]: whether it runs; `every`: the least time between two of its steps; `params`: its own parameters."""

    enabled: bool = True
    every: Duration = 100_000
    params: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An application as the city runs it."""

    app: AnyApp
    params: object
    every: int


def chosen(
    installed: Mapping[str, AnyApp], told: Mapping[str, AppSettings], catalogue: Catalogue, time_zone: str, file: str
) -> tuple[Chosen, ...]:
    """The applications that run, those first that others read from.

    BadConfiguration where the city's file names one that is not installed, a parameter that does not exist, or
    applications that do not go together.
    """
    for name in told:
        if name not in installed:
            raise unknown(Where(file, "apps"), name, installed)
    ordered = graph.check(enabled(installed, told), catalogue.terms())
    return tuple(_chosen(app, told.get(app.name, AppSettings()), time_zone, file) for app in ordered)


def enabled(installed: Mapping[str, AnyApp], told: Mapping[str, AppSettings]) -> list[AnyApp]:
    """Those that the city's file does not turn off."""
    return [app for name, app in installed.items() if told.get(name, AppSettings()).enabled]


def _chosen(app: AnyApp, told: AppSettings, time_zone: str, file: str) -> Chosen:
    params: Any = app.params
    where = Where(file, f"apps.{app.name}.params")
    if is_dataclass(params) and not isinstance(params, type):
        if told.params:
            read = settings.read(type(params), told.params, where)
            names = {one.name.rstrip("_"): one.name for one in fields(params)}
            params = replace(params, **{names[key]: getattr(read, names[key]) for key in told.params})
        if any(one.name == "time_zone" for one in fields(params)) and not params.time_zone:
            params = replace(params, time_zone=time_zone)
    elif told.params:
        raise unknown(where, next(iter(told.params)), ())
    return Chosen(app, params, told.every)


class Siding:
    """Where applications that are far behind work: one step at a time between all of them, and after each a rest as
    long as it kept a core busy, so that a year of history takes half a core from those who look at the city, not more.
    """

    def __init__(self) -> None:
        self._track = asyncio.Lock()
        self.waiting = 0
        """How many applications are on it."""

    async def step(self, step: Callable[[], Awaitable[tuple[int, float]]]) -> int:
        """One step, when it is its turn."""
        self.waiting += 1
        try:
            async with self._track:
                read, cpu = await step()
                await asyncio.sleep(min(cpu, _LONGEST_REST))
                return read
        finally:
            self.waiting -= 1


class AppTask:
    """One application over one store."""

    def __init__(
        self, one: Chosen, store: Store, catalogue: Catalogue, telemetry: Telemetry, siding: Siding | None = None
    ) -> None:
        self.app = one.app
        self.params = one.params
        self.source = f"app:{one.app.name}"
        self.every = one.every / 1e6
        self.runner = Runner(one.app, store, one.params, catalogue.terms(), telemetry=telemetry)
        self.error: ZhichengError | None = None
        self._siding = siding or Siding()
        self._behind = False
        self._store = store
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Step whenever there is news; a step that failed is tried again, later and later."""
        loop = asyncio.get_running_loop()
        self._store.listen(lambda batch: _wake(loop, self._news, batch))
        wait = _FIRST_RETRY
        while True:
            self._news.clear()
            try:
                read = await self._next()
                self.error, wait = None, _FIRST_RETRY
            except ZhichengError as error:
                self._failed(error, wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LAST_RETRY)
                continue
            if not read:
                await self._news.wait()
            await asyncio.sleep(0 if self._behind else self.every)

    async def _next(self) -> int:
        """A step: at once where it is of what just came in, else politely; what a long way took is given back."""
        if self.runner.rows_left > BACKLOG:
            self._behind = True
            return await self._siding.step(self._step)
        read, _ = await self._step()
        if self._behind:
            self._behind = False
            await asyncio.to_thread(memory.give_back)
        return read

    async def _step(self) -> tuple[int, float]:
        """How far it came, and the CPU seconds that it took."""
        try:
            return await asyncio.shield(asyncio.to_thread(_timed, self.runner.step))
        except ZhichengError:
            raise
        except Exception as error:
            _log.exception("%s failed", self.app.name)
            said = f"{type(error).__name__}: {error}"
            raise Unavailable(f"A defect of {self.app.name}: {said}", f"应用 {self.app.name} 出错：{said}") from error

    def _failed(self, error: ZhichengError, wait: float) -> None:
        self.error = error
        _log.error("%s: %s; next try in %g s", self.app.name, error, wait)

    def explain(self) -> Explained:
        """How it is doing."""
        return self.runner.explain(at_work=True)

    @property
    def turns(self) -> int:
        """How many applications share the processor's half while this one is far behind; 0 where it is not."""
        return max(self._siding.waiting, 1) if self._behind else 0

    async def stop(self) -> None:
        """Note where it stands."""
        self.runner.ending = True
        with contextlib.suppress(ZhichengError):
            await asyncio.to_thread(self.runner.close)


def _timed(step: Callable[[], int]) -> tuple[int, float]:
    began = time.thread_time()
    return step(), time.thread_time() - began


def _wake(loop: asyncio.AbstractEventLoop, news: asyncio.Event, batch: Batch) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(news.set)


def tasks_of(
    all_chosen: Iterable[Chosen], store: Store, catalogue: Catalogue, telemetry: Telemetry
) -> dict[str, AppTask]:
    """A task for each application; those far behind take turns."""
    siding = Siding()
    return {one.app.name: AppTask(one, store, catalogue, telemetry, siding) for one in all_chosen}
