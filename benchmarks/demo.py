"""The demo city as a newcomer starts it: until all buses are seen, and what it costs from then on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.serving import PROGRAM, Server, free_port

_STEADY = 20.0
"""Seconds over which the processor's time is taken."""
_PATIENCE = 120.0
_LAST = "register-quality"
"""The feed that is told last when the city is new."""


def run(folder: Path) -> Iterator[Round]:
    """Round by round: a new city, and the same one started again."""
    for number in range(ROUNDS):
        data = folder / f"city-{number}"
        first, memory, busy = _started(data, whole=True)
        again, _, _ = _started(data, whole=False)
        yield {
            "demo start": (first, None),
            "demo start again": (again, None),
            "demo memory": (memory, None),
            "demo processor": (busy, None),
        }


def _started(data: Path, *, whole: bool) -> tuple[float, float, float]:
    """Seconds until 600 buses are seen; megabytes of both processes and cores in use when all is told."""
    port = free_port()
    command = [PROGRAM, "demo", "--data", str(data), "--port", str(port), "--no-open"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = Server(port, process.pid, 0.0)
        _until(lambda: _count(server) == 600)
        seconds = time.perf_counter() - began
        if not whole:
            return seconds, 0.0, 0.0
        _until(lambda: any(one["name"] == _LAST and one["payloads"] for one in _feeds(server)))
        both = [server, *(Server(port, child, 0.0) for child in _children(process.pid))]
        busy = sum(one.busy for one in both)
        time.sleep(_STEADY)
        return seconds, sum(one.memory for one in both), (sum(one.busy for one in both) - busy) / _STEADY
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def _until(seen: object) -> None:
    end = time.monotonic() + _PATIENCE
    assert callable(seen)
    while not seen():
        if time.monotonic() > end:
            raise TimeoutError("the demo city did not show")
        time.sleep(0.05)


def _feeds(server: Server) -> list[dict[str, object]]:
    try:
        found: list[dict[str, object]] = json.loads(server.get("/api/v1/feeds"))
    except OSError:
        return []
    return found


def _count(server: Server) -> int:
    """Buses that the map would show."""
    try:
        types = json.loads(server.get("/api/v1/types"))
    except OSError:
        return 0
    return next((int(one["count"]) for one in types if one["name"] == "Vehicle"), 0)


def _children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return [int(one) for one in text.split() if os.path.exists(f"/proc/{one}")]


BENCHMARK = Benchmark(
    "demo",
    "zhicheng demo: from the command to 600 buses, new and known; memory and processor of both processes",
    (
        Figure("demo start", "s", 8, 4, lower=True),
        Figure("demo start again", "s", 8, 4, lower=True),
        Figure("demo memory", "MB", 700, 400, lower=True),
        Figure("demo processor", "cores", 1, 0.4, lower=True),
    ),
    run,
)
