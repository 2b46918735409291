"""How soon a server with 100,000 entities answers, and the memory it and an empty one hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round


def run(folder: Path) -> Iterator[Round]:
    """Round by round: one start with the entities, one without."""
    full, nothing = serving.populated(folder), serving.empty(folder / "empty")
    for _ in range(ROUNDS):
        with serving.ours(full) as server:
            server.get(f"/ngsi-ld/v1/entities/{city.identifier(7)}")
            loaded, started = server.memory, server.started
        with serving.ours(nothing) as server:
            server.get(f"/ngsi-ld/v1/entities?type={city.TYPE}")
            yield {
                "start": (started, server.started),
                "memory": (loaded, server.memory),
                "memory empty": (server.memory, None),
            }


BENCHMARK = Benchmark(
    "start",
    "From the start of the process to its first answer with 100,000 entities of 8 attributes; memory with and without",
    (
        Figure("start", "s", 2, 1, lower=True, floor="the same, empty"),
        Figure("memory empty", "MB", 180, 140, lower=True),
        Figure("memory", "MB", 500, 350, lower=True, floor="the same, empty"),
    ),
    run,
)
