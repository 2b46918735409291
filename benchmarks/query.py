"""Entities found by type, values and place out of 100,000, a page of 20."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request, send

_CLIENTS, _SECONDS = 16, 2.5
_SIDE = 0.2
"""Share of the city's width and height that a query looks at: 4 % of the stations."""


def path(number: int) -> str:
    """One of many queries: where it looks and what it asks of the values differ."""
    west = city.WEST + city.WIDE * (1 - _SIDE) * (number * 0.7548776662466927 % 1)
    south = city.SOUTH + city.HIGH * (1 - _SIDE) * (number * 0.5698402909980532 % 1)
    east, north = west + _SIDE * city.WIDE, south + _SIDE * city.HIGH
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ",".join(f"[{x:.5f},{y:.5f}]" for x, y in corners)
    q = f"pm25>{60 + number % 40};temperature<{20 + number % 10}"
    return (
        f"/ngsi-ld/v1/entities?type={city.TYPE}&q={quote(q)}&georel=within&geometry=Polygon"
        f"&coordinates={quote(f'[[{ring}]]')}&limit=20"
    )


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    requests = [http_request("GET", path(number)) for number in range(500)]
    with serving.ours(serving.populated(folder)) as server:
        for _ in range(ROUNDS):
            load = send(server.port, requests, folder, _CLIENTS, _SECONDS)
            yield {"query": (load.rate, None), "query p95": (load.p95_ms, None)}


BENCHMARK = Benchmark(
    "query",
    "Queries by type, two values (q) and a box (geo-query within) over 100,000 entities, a page of 20, 16 clients",
    (Figure("query", "/s", 400, 1_000), Figure("query p95", "ms", 50, 20, lower=True)),
    run,
)
