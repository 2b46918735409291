"""Batch upsert through HTTP, durable, history on; the floor is SQLite keeping the same documents bare."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import orjson

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request, send

_PATH = "/ngsi-ld/v1/entityOperations/upsert"
_BATCH, _BATCHES = 1_000, 10
_CLIENTS = 2


def batches(number: int) -> list[list[bytes]]:
    """Documents of a round, batch by batch: half of each is there from the round before, half is new."""
    half = _BATCH * _BATCHES // 2
    numbers = [one for place in range(half) for one in ((number - 1) * half + place, number * half + place)]
    documents = [orjson.dumps(city.document(max(one, 0) if number else place, number)) for place, one in enumerate(numbers)]
    return [documents[at : at + _BATCH] for at in range(0, len(documents), _BATCH)]


def bare(connection: apsw.Connection, rows: Sequence[Sequence[bytes]]) -> float:
    """The same documents, each batch a durable transaction; entities a second."""
    keyed = [[(orjson.loads(document)["id"], document.decode()) for document in batch] for batch in rows]
    began = time.perf_counter()
    for batch in keyed:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO entity VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document", batch)
        connection.execute("COMMIT")
    return sum(map(len, keyed)) / (time.perf_counter() - began)


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    floor = apsw.Connection(str(folder / "bare.db"))
    floor.execute("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    floor.execute("CREATE TABLE entity (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID")
    with serving.ours(serving.empty(folder / "data")) as server:
        for number in range(ROUNDS):
            rows = batches(number)
            requests = [http_request("POST", _PATH, b"[" + b",".join(batch) + b"]") for batch in rows]
            load = send(server.port, requests, folder, _CLIENTS)
            yield {"upsert": (load.rate * _BATCH, bare(floor, rows))}
    floor.close()


BENCHMARK = Benchmark(
    "upsert",
    "Entities of 1 kB and 8 attributes upserted in batches of 1,000 through HTTP, two clients, durable, history on",
    (
        Figure(
            "upsert", "entities/s", 5_000, 10_000, 0.25,
            floor="SQLite (WAL, FULL) upserting the same documents by id, one durable transaction a batch",
        ),
    ),
    run,
)  # fmt: skip
