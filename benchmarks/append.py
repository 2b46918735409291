"""Durable append through the engine beside a busy event loop; the floor is SQLite storing the same rows bare."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import apsw
import numpy as np

from benchmarks import city
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Changes
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit, Receipt

_STATIONS, _ATTRIBUTES = 250, ("pm25", "pm10", "no2", "o3")
_BATCHES = 250
_AHEAD = 16
"""Batches under way at a time, as from as many writers."""
_SLICE = 0.002


@contextlib.contextmanager
def half_busy() -> Iterator[None]:
    """A thread of Python beside us, busy half of the time, as an event loop at work is."""
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            end = time.perf_counter() + _SLICE
            while time.perf_counter() < end:
                pass
            time.sleep(_SLICE)

    thread = threading.Thread(target=spin, name="busy")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def batches(first: int, count: int) -> list[Changes]:
    """Batches of 1,000 readings: 250 stations of four attributes each, a second apart."""
    terms = city.context()
    names = Coded.of([terms.expand(name) for name in _ATTRIBUTES])
    rows = np.arange(_STATIONS * len(_ATTRIBUTES), dtype=np.int32)
    entities = Coded([city.identifier(number) for number in range(_STATIONS)], rows // len(_ATTRIBUTES))
    attributes = Coded(names.values, rows % len(_ATTRIBUTES))
    draw = np.random.default_rng(first)
    return [
        city.readings(entities, attributes, city.START + step * SECOND, draw) for step in range(first, first + count)
    ]


def append(store: EmbeddedStore, changes: list[Changes]) -> float:
    """Commit each batch, some under way at a time; changes a second, each acknowledged."""
    waiting: deque[Future[Receipt]] = deque()
    began = time.perf_counter()
    for batch in changes:
        if len(waiting) == _AHEAD:
            waiting.popleft().result()
        waiting.append(store.submit(Commit(batch, "bench", "bench")))
    for future in waiting:
        future.result()
    return sum(map(len, changes)) / (time.perf_counter() - began)


def bare(folder: Path, changes: list[Changes], number: int) -> float:
    """SQLite alone, as quick as it goes: a batch is a call and a transaction, names are codes; rows a second."""
    path = folder / f"bare-{number}.db"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE log (entity INTEGER, attribute INTEGER, observed_at INTEGER, number REAL)")
    insert = "INSERT INTO log VALUES " + ",".join(["(?,?,?,?)"] * len(changes[0]))
    began = time.perf_counter()
    for batch in changes:
        columns = (batch.entity.codes, batch.attribute.codes, batch.observed_at, batch.number)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(insert, [value for row in rows for value in row])
        connection.execute("COMMIT")
    taken = time.perf_counter() - began
    connection.close()
    path.unlink()
    return sum(map(len, changes)) / taken


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    store = EmbeddedStore(folder / "store")
    store.commit(Commit(city.born(range(_STATIONS), city.context()), "bench", "bench"))
    try:
        for number in range(ROUNDS):
            changes = batches(number * _BATCHES + 300, _BATCHES)
            with half_busy():
                ours = append(store, changes)
                floor = bare(folder, changes, number)
            yield {"append": (ours, floor)}
    finally:
        store.close()


BENCHMARK = Benchmark(
    "append",
    "Durable append in batches of 1,000 changes through the engine, beside a Python thread that is busy half the time",
    (
        Figure(
            "append", "changes/s", 150_000, 400_000, 0.25,
            floor="SQLite (WAL, FULL), one transaction and one call a batch of 1,000 rows of codes, same busy thread",
        ),
    ),
    run,
)  # fmt: skip
