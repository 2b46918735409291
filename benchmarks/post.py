"""Single entities created by 32 clients at a time, durable; the floor is a bare ASGI echo of their JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request, send

_CLIENTS, _EACH = 32, 6_000


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    with serving.ours(serving.empty(folder / "data")) as server, serving.echo(b"{}", folder) as bare:
        for number in range(ROUNDS):
            numbers = range(number * _EACH, (number + 1) * _EACH)
            requests = [
                http_request("POST", "/ngsi-ld/v1/entities", orjson.dumps(city.document(one))) for one in numbers
            ]
            ours = send(server.port, requests, folder, _CLIENTS)
            floor = send(bare.port, requests, folder, _CLIENTS)
            yield {"post": (ours.rate, floor.rate), "post p95": (ours.p95_ms, floor.p95_ms)}


BENCHMARK = Benchmark(
    "post",
    "Single entities of 1 kB and 8 attributes created through HTTP by 32 clients, each durable when it is answered",
    (
        Figure(
            "post",
            "/s",
            2_500,
            6_000,
            0.2,
            floor="a bare ASGI application on the same server that reads the JSON and echoes it",
        ),
        Figure("post p95", "ms", lower=True),
    ),
    run,
)
