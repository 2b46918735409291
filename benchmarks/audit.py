"""What the log of acts costs: beside ingest, and before each answer; the floor is the same without it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from benchmarks import append, city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request, send
from zhicheng.hub.audit.journal import Journal
from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.server.audit_key import open_journal
from zhicheng.standards.changes import Changes
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit, Receipt

_CLIENTS, _SECONDS, _BATCHES, _AHEAD = 32, 2.0, 150, 16


def entry(journal: Journal, number: int) -> Entry:
    return Entry(
        journal.now(), Act.DECISION, "entities:write", Outcome.ALLOWED, "gateway", "default",
        resource=f"/ngsi-ld/v1/entityOperations/upsert#{number}", network="10.0.0.7", request=f"{number:032x}",
    )  # fmt: skip


def append_logged(store: EmbeddedStore, changes: list[Changes], journal: Journal) -> float:
    """As `append.append`, each commit with its entry, both on disk before it counts; changes a second."""
    waiting: deque[tuple[Future[Receipt], Future[int]]] = deque()
    began = time.perf_counter()
    for number, batch in enumerate(changes):
        if len(waiting) == _AHEAD:
            _both(waiting.popleft())
        logged = journal.submit(entry(journal, number))
        waiting.append((store.submit(Commit(batch, "bench", "bench")), logged))
    for futures in waiting:
        _both(futures)
    return sum(map(len, changes)) / (time.perf_counter() - began)


def _both(futures: tuple[Future[Receipt], Future[int]]) -> None:
    futures[0].result()
    futures[1].result()


def ingest(folder: Path) -> Iterator[tuple[float, float]]:
    """Round by round: changes a second with entries, and without."""
    store, journal = EmbeddedStore(folder / "store"), open_journal(folder / "log")
    store.commit(Commit(city.born(range(250), city.context()), "bench", "bench"))
    try:
        for number in range(ROUNDS):
            first, second = (append.batches((number * 2 + half) * _BATCHES + 300, _BATCHES) for half in (0, 1))
            if number % 2:
                bare = append.append(store, first)
                yield append_logged(store, second, journal), bare
            else:
                ours = append_logged(store, first, journal)
                yield ours, append.append(store, second)
    finally:
        store.close()
        journal.ledger.close()


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    paths = [f"/ngsi-ld/v1/entities/{city.identifier(number * 37 % 100_000)}" for number in range(10_000)]
    requests = [http_request("GET", path) for path in paths]
    shared = serving.populated(folder)
    ingested = list(ingest(folder))
    rounds = []
    with serving.ours(shared) as plain:
        for _ in range(ROUNDS):
            rounds.append([send(plain.port, requests, folder, _CLIENTS, _SECONDS).rate])
    with serving.audited(shared) as server:
        for one in rounds:
            found = send(server.port, requests, folder, _CLIENTS, _SECONDS)
            one += [found.rate, found.p95_ms]
    for (with_entries, without), (bare, logged, p95) in zip(ingested, rounds, strict=True):
        yield {
            "audited ingest": (with_entries, without),
            "audited get": (logged, bare),
            "audited get p95": (p95, None),
        }


BENCHMARK = Benchmark(
    "audit",
    "Commits of 1,000 changes with an entry each; entities read by id with an entry on disk before each answer",
    (
        Figure("audited ingest", "changes/s", ratio=0.95, floor="the same commits without entries"),
        Figure("audited get", "/s", 1_500, 4_000, floor="the same server without entries"),
        Figure("audited get p95", "ms", lower=True),
    ),
    run,
)
