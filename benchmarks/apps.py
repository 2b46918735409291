"""Applications over the log: NumPy with keyed state, and windows of event time; the floor is the function alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import append, city
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.compute.app import AnyApp, App, Derived, Output, Reads, Tables, Writes
from zhicheng.compute.pipeline import Pipeline
from zhicheng.compute.rows import Rows, emit
from zhicheng.compute.runner import Runner
from zhicheng.compute.state import Keyed
from zhicheng.compute.windows import Windows
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Changes
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.context import Context
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

_STATIONS, _ATTRIBUTES = 250, ("pm25", "pm10", "no2", "o3")
_COMMITS = 1_000
_MINUTE = 60 * SECOND


@dataclass(slots=True)
class Levels:
    """By station and attribute: the largest reading of the minute that runs, and which minute that is."""

    table: Keyed


def peaks(rows: Rows, state: Levels, params: None, tables: Tables) -> Derived[Levels]:
    """The largest reading of each minute of each attribute, when the next minute begins."""
    slots = state.table.slots(rows.entity)
    made = []
    for place, name in enumerate(_ATTRIBUTES):
        own = np.flatnonzero(rows.has(name) & ~rows.late)
        order = own[np.argsort(slots[own], kind="stable")]
        slot, minute, value = slots[order], rows.at[order] // _MINUTE, rows.number[order]
        new = np.ones(len(order), bool)
        new[1:] = (slot[1:] != slot[:-1]) | (minute[1:] != minute[:-1])
        starts = np.flatnonzero(new)
        most, slot, minute = np.maximum.reduceat(value, starts), slot[starts], minute[starts]
        most_before, minute_before = state.table["most"][:, place], state.table["minute"][:, place]
        first = np.append(True, slot[1:] != slot[:-1])
        goes_on = first & (minute_before[slot] == minute)
        most[goes_on] = np.maximum(most[goes_on], most_before[slot[goes_on]])
        ended = first & ~goes_on & (minute_before[slot] >= 0)
        last = np.append(first[1:], True)
        closed = np.concatenate([slot[ended], slot[~last]])
        when = np.concatenate([minute_before[slot[ended]], minute[~last]])
        peak = np.concatenate([most_before[slot[ended]], most[~last]])
        made.append(emit(state.table.keys(closed), f"{name}Peak", (when + 1) * _MINUTE, peak))
        most_before[slot[last]], minute_before[slot[last]] = most[last], minute[last]
    return Derived(Changes.concat(made), state)


def means(rows: Rows, state: Windows, params: None, tables: Tables) -> Derived[Windows]:
    """Means over windows of a minute, a minute's lateness allowed."""
    own = rows.of("pm25", "pm10", "no2", "o3")
    closed = state.add(own.entity, own.at, own.number)
    return Derived(emit(closed.key, "pm25Mean", closed.end, closed.mean), state)


def _app(name: str, derive: Callable[..., Derived[Any]], state: Callable[[Any], Any], written: list[str]) -> AnyApp:
    text = Label(name, name)
    outputs = tuple(Output(one, label=Label(one, one), history="all") for one in written)
    return App(name, text, text, (Reads(city.TYPE, _ATTRIBUTES),), (Writes(city.TYPE, outputs),), derive, state, None)


PEAKS = _app(
    "peaks", peaks, lambda params: Levels(Keyed(most=np.full(4, np.nan), minute=np.full(4, -1))),
    [f"{name}Peak" for name in _ATTRIBUTES],
)  # fmt: skip
MEANS = _app("means", means, lambda params: Windows(_MINUTE, lateness=_MINUTE), ["pm25Mean"])


def filled(folder: Path, terms: Context) -> EmbeddedStore:
    """A store with a million readings, a second apart, in commits of 1,000."""
    store = EmbeddedStore(folder)
    store.commit(Commit(city.bare_entities(map(city.identifier, range(_STATIONS)), terms.expand(city.TYPE)), "b", "b"))
    append.append(store, append.batches(0, _COMMITS))
    return store


def ran(app: AnyApp, store: EmbeddedStore, number: int) -> float:
    """The whole log through the runner, outputs stored; changes read a second."""
    named = App(**{field: getattr(app, field) for field in app.__slots__} | {"name": f"{app.name}-{number}"})
    end = store.state.position
    began = time.perf_counter()
    runner = Runner(named, store)
    while runner.position < end:
        runner.step()
    taken = time.perf_counter() - began
    read = runner.explain().read
    runner.close()
    return read / taken


def alone(app: AnyApp, store: EmbeddedStore) -> float:
    """The function over the same rows, ready in memory; changes a second."""
    pipeline = Pipeline(app)
    pipeline.begin(None, {})
    scan = store.scan(0, pipeline.attributes)
    parts = [rows for _, batch in scan if len(rows := pipeline._gate.through(batch, pipeline.memory.sieve))]
    state = app.state(None)
    began = time.perf_counter()
    for rows in parts:
        state = app.derive(rows, state, None, {}).state
    return sum(map(len, parts)) / (time.perf_counter() - began)


def run(folder: Path) -> Iterator[Round]:
    """Round by round, each over a log of its own."""
    terms = city.context()
    for number in range(ROUNDS):
        found = {}
        for name, app in (("app-keyed", PEAKS), ("app-windows", MEANS)):
            store = filled(folder / f"{name}-{number}", terms)
            found[name] = (ran(app, store, number), alone(app, store))
            store.close()
        yield found


BENCHMARK = Benchmark(
    "apps",
    "A million changes in commits of 1,000 through an application: read, sieved, derived, stored with state and cursor",
    (
        Figure("app-keyed", "changes/s", 500_000, 2_000_000, floor="the function alone over the same columns"),
        Figure("app-windows", "changes/s", None, None, floor="the function alone over the same columns"),
    ),
    run,
)  # fmt: skip
