"""Vital signs: the year derived from the log, and their trends and usual ranges read back from it.

The year is made up: 2,000 sensors of four attributes that report together, evenly over the year and every 15 minutes on
its last day; ZHICHENG_BENCH_CHANGES in all (unless told, two million; a hundred million is a large city's year).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.compute.pipeline import Pipeline
from zhicheng.compute.runner import Runner
from zhicheng.compute.terms import iri
from zhicheng.compute.vital import Vital
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import DAY
from zhicheng.operations.vitals.app import app_of
from zhicheng.operations.vitals.course import courses
from zhicheng.operations.vitals.model import EVERY
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit, HistoryQuery

_CHANGES = int(os.environ.get("ZHICHENG_BENCH_CHANGES", "2000000"))
_SENSORS = 2_000
_TYPE, _ATTRIBUTES = "AirQualityObserved", ("pm25", "pm10", "no2", "o3")
_COMMIT = 8_000
_LAST = 110
_ZONE = ZoneInfo("Asia/Shanghai")
_SIGNS = tuple(
    Vital(f"{name}_{made}", Label(name, name), _TYPE, made, name, q=f"{name}>80" if made == "share" else "", fresh=0)
    for name in _ATTRIBUTES
    for made in ("mean", "share", "percentile")
)  # fmt: skip
_IDS = [f"urn:ngsi-ld:{_TYPE}:{number}" for number in range(_SENSORS)]


def _born() -> Changes:
    rows = ChangesBuilder()
    for identifier in _IDS:
        add_life(rows, identifier)
        add_types(rows, identifier, (iri(_TYPE),))
    return rows.build()


def _readings(draw: np.random.Generator, at: int) -> Changes:
    """One commit: every sensor says all four."""
    sensors = np.tile(np.arange(_SENSORS, dtype=np.int32), len(_ATTRIBUTES))
    named = Coded([iri(name) for name in _ATTRIBUTES], np.repeat(np.arange(4, dtype=np.int32), _SENSORS))
    values = np.round(draw.gamma(4, 12, _COMMIT), 1)
    return Changes.of_readings(Coded(_IDS, sensors), named, np.full(_COMMIT, at, np.int64), values)


def _instants(now: int) -> list[int]:
    """When they report."""
    last = [now - number * EVERY for number in range(_LAST, -1, -1)]
    count = max(2, _CHANGES // _COMMIT - len(last))
    return [*np.linspace(now - 365 * DAY, last[0] - EVERY, count).astype(np.int64).tolist(), *last]


def year(folder: Path) -> tuple[EmbeddedStore, int]:
    """A store with the year, and its now."""
    now = time.time_ns() // 1000
    clock = [now - 366 * DAY]
    store = EmbeddedStore(folder, clock=lambda: clock[0])
    draw = np.random.default_rng(5)
    store.commit(Commit(_born(), "b", "b"))
    for at in _instants(now):
        clock[0] = at
        store.commit(Commit(_readings(draw, at), "b", "b"))
    return store, now


def derived(store: EmbeddedStore) -> float:
    """The year through the application, its outputs stored; changes a second."""
    began = time.perf_counter()
    runner = Runner(app_of(_SIGNS), store)
    runner.run()
    read = runner.explain().read
    runner.close()
    return read / (time.perf_counter() - began)


def alone(store: EmbeddedStore) -> float:
    """Reading the same rows out of the log, with nothing derived of them; changes a second."""
    pipeline = Pipeline(app_of(_SIGNS))
    pipeline.begin(None, {})
    began = time.perf_counter()
    read = sum(len(batch) for _, batch in store.scan(0, pipeline.attributes))
    return read / (time.perf_counter() - began)


def trends(store: EmbeddedStore, now: int) -> float:
    """The past day of twelve vital signs with their usual ranges out of eight weeks; milliseconds."""
    began = time.perf_counter()
    found = courses(store, [vital.name for vital in _SIGNS], now, _ZONE)
    taken = time.perf_counter() - began
    assert all(len(past.at) > 90 and not np.isnan(past.usual.low).any() for past in found.values())
    return taken * 1000


def raw(store: EmbeddedStore, now: int) -> float:
    """The floor of asking anew: one day of one attribute of all sensors, out of the raw history; milliseconds."""
    began = time.perf_counter()
    store.history(HistoryQuery(None, (iri("pm25"),), now - DAY, now, "effective"))
    return (time.perf_counter() - began) * 1000


def run(folder: Path) -> Iterator[Round]:
    """The year once, then the trends again and again."""
    began = time.perf_counter()
    store, now = year(folder / "store")
    print(f"  {_CHANGES:,} changes written in {time.perf_counter() - began:.0f} s", flush=True)
    speed, floor = derived(store), alone(store)
    for _ in range(ROUNDS):
        yield {"derive": (speed, floor), "trends": (trends(store, now), raw(store, now))}
    store.close()


BENCHMARK = Benchmark(
    "vitals",
    "Twelve vital signs of 2,000 sensors over a year",
    (
        Figure("derive", "changes/s", bar=200_000, aim=1_000_000, floor="the same rows read, nothing derived"),
        Figure("trends", "ms", bar=1000, aim=100, lower=True, floor="one day of one attribute, from the raw history"),
    ),
    run,
)
