"""Entities read by id, one process; the floor is a bare ASGI server that answers the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request, send

_CLIENTS, _SECONDS = 16, 2.0


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    paths = [f"/ngsi-ld/v1/entities/{city.identifier(number * 37 % 100_000)}" for number in range(10_000)]
    requests = [http_request("GET", path) for path in paths]
    with serving.ours(serving.populated(folder)) as server, serving.echo(server.get(paths[0]), folder) as bare:
        for _ in range(ROUNDS):
            ours = send(server.port, requests, folder, _CLIENTS, _SECONDS)
            floor = send(bare.port, requests, folder, _CLIENTS, _SECONDS)
            yield {"get": (ours.rate, floor.rate), "get p95": (ours.p95_ms, floor.p95_ms)}


BENCHMARK = Benchmark(
    "get",
    "Entities of 8 attributes read by id out of 100,000, one process, 16 clients",
    (
        Figure("get", "/s", 5_000, 10_000, 0.25, floor="a bare ASGI application answering the same bytes"),
        Figure("get p95", "ms", lower=True),
    ),
    run,
)
