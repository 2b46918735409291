"""Batch upsert through HTTP, durable, history on; the floor is SQLite keeping the same documents and rows bare."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

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
    documents = [
        orjson.dumps(city.document(max(one, 0) if number else place, number)) for place, one in enumerate(numbers)
    ]
    return [documents[at : at + _BATCH] for at in range(0, len(documents), _BATCH)]


_SCHEMA = """
CREATE TABLE entity (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE history (entity TEXT, attribute TEXT, observed_at TEXT, number REAL, text TEXT, unit TEXT);
"""
_UPSERT = "INSERT INTO entity VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document"
_APPEND = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)"
_Row = tuple[str, str, str | None, float | None, str | None, str | None]


def instances(document: dict[str, Any]) -> Iterator[_Row]:
    """A document's attributes as rows of its history."""
    for name, attribute in document.items():
        if isinstance(attribute, dict):
            value = attribute.get("value", attribute.get("object"))
            number = value if isinstance(value, float) else None
            text = value if isinstance(value, str) else None if number is not None else orjson.dumps(value).decode()
            yield document["id"], name, attribute.get("observedAt"), number, text, attribute.get("unitCode")


def bare(connection: apsw.Connection, rows: Sequence[Sequence[bytes]]) -> float:
    """The same entities ready to be stored, each batch a durable transaction; entities a second."""
    ready = []
    for batch in rows:
        documents = [orjson.loads(document) for document in batch]
        keyed = [(document["id"], text.decode()) for document, text in zip(documents, batch, strict=True)]
        ready.append((keyed, [row for document in documents for row in instances(document)]))
    began = time.perf_counter()
    for keyed, history in ready:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_UPSERT, keyed)
        connection.executemany(_APPEND, history)
        connection.execute("COMMIT")
    return sum(map(len, rows)) / (time.perf_counter() - began)


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    floor = apsw.Connection(str(folder / "bare.db"))
    floor.execute("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    floor.execute(_SCHEMA)
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
            floor="SQLite (WAL, FULL): the same documents by id, their attributes as rows; a transaction a batch",
        ),
    ),
    run,
)  # fmt: skip
