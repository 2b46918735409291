"""The live stream: one delta to 1,000 clients, and 1,000 viewports over 10,000 moving vehicles."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.serving import Server
from benchmarks.watchers import Watchers

_CLIENTS, _DELTAS, _CHANGED = 1_000, 12, 10
_VEHICLES, _EVERY, _SECONDS, _BATCH = 10_000, 10.0, 30.0, 500
_WEST, _SOUTH, _WIDE, _HIGH = 108.2, 22.7, 0.5, 0.4
_LAYER = {"key": "vehicles", "type": "Vehicle", "attribute": "sent", "q": None}


def watch(box: list[float], zoom: float) -> str:
    """A client's message."""
    return json.dumps({"watch": {"box": box, "zoom": zoom, "layers": [_LAYER], "at": None}})


def vehicle(number: int, lon: float, lat: float) -> dict[str, object]:
    """A vehicle's report; its value is when it was sent."""
    place = {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}
    return {
        "id": f"urn:ngsi-ld:Vehicle:bench:{number:05d}",
        "type": "Vehicle",
        "location": {"type": "GeoProperty", "value": place},
        "sent": {"type": "Property", "value": time.time()},
    }


class Fleet:
    """Vehicles over a city, each going its way."""

    def __init__(self, port: int, count: int) -> None:
        draw = np.random.default_rng(1)
        self.lon, self.lat = _WEST + _WIDE * draw.random(count), _SOUTH + _HIGH * draw.random(count)
        self.way = draw.normal(0, 0.0008, (2, count))
        self._port = port

    def report(self, start: int, end: int) -> None:
        """These move and report, in one request."""
        self.lon[start:end] += self.way[0, start:end]
        self.lat[start:end] += self.way[1, start:end]
        rows = [vehicle(n, float(self.lon[n]), float(self.lat[n])) for n in range(start, end)]
        headers = {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", "/ngsi-ld/v1/entityOperations/upsert", json.dumps(rows), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status not in (201, 204):
            raise RuntimeError(f"upsert gives {answer.status}: {body[:300]!r}")


def fanned(watchers: Watchers, send: Callable[[], object]) -> float:
    """Messages a second while a delta goes out to all: the median of some deltas."""
    rates = []
    for _ in range(_DELTAS):
        time.sleep(0.3)
        watchers.reset()
        send()
        time.sleep(0.7)
        found = watchers.counted()
        if found.messages != _CLIENTS or found.lost:
            raise RuntimeError(f"{found.messages} messages came, {found.lost} clients were lost")
        rates.append((found.messages - 1) / (found.last - found.first))
    return float(np.median(rates))


def fan_out(folder: Path) -> Iterator[Round]:
    """Ours and the bare server in turn, each with clients of its own."""
    for number in range(ROUNDS):
        own = serving.empty(folder / f"fan-{number}")
        one = watch([_WEST, _SOUTH, _WEST + 0.01, _SOUTH + 0.01], 12)
        with serving.ours(own) as server:
            fleet = Fleet(server.port, _CHANGED)
            fleet.lon[:], fleet.lat[:], fleet.way[:] = _WEST + 0.005, _SOUTH + 0.005, 1e-6
            fleet.report(0, _CHANGED)
            time.sleep(0.5)
            with Watchers(server.port, [one], _CLIENTS, folder) as watchers:
                ours = fanned(watchers, partial(fleet.report, 0, _CHANGED))
                size = watchers.counted().bytes // _CLIENTS
        yield {"fan-out": (ours, bare(folder, size))}


def bare(folder: Path, size: int, implementation: str = "websockets-sansio") -> float:
    """The floor: messages of the same size."""
    text = folder / "text"
    start = '{"kind":"features","value":[]'
    text.write_text(start + " " * (size - len(start) - 1) + "}", "utf-8")
    port = serving.free_port()
    command = [sys.executable, "-m", "benchmarks.fanout", str(port), str(text), implementation]
    with serving.running(command, port, "/") as server, Watchers(port, ["{}"], _CLIENTS, folder, "/ws") as watchers:
        return fanned(watchers, lambda: server.get("/send"))


def viewports(count: int) -> list[str]:
    """Screens over the city, most of them near its middle."""
    draw = np.random.default_rng(2)
    found = []
    for _ in range(count):
        zoom = float(draw.uniform(13, 15))
        wide, high = 1.3 * 2 ** (11 - zoom), 0.7 * 2 ** (11 - zoom)
        lon, lat = _WEST + _WIDE * draw.beta(2, 2), _SOUTH + _HIGH * draw.beta(2, 2)
        found.append(watch([lon - wide / 2, lat - high / 2, lon + wide / 2, lat + high / 2], zoom))
    return found


def moving(server: Server, watchers: Watchers, fleet: Fleet) -> Round:
    """All vehicles report every ten seconds, some at a time."""
    watchers.reset()
    busy, began, at, sent = server.busy, time.perf_counter(), 0, 0
    while (now := time.perf_counter() - began) < _SECONDS:
        due = int(now / _EVERY * _VEHICLES) - sent
        if due < _BATCH:
            time.sleep((_BATCH - due) * _EVERY / _VEHICLES)
        fleet.report(at, at + _BATCH)
        at, sent = (at + _BATCH) % _VEHICLES, sent + _BATCH
    time.sleep(1.5)
    found, taken = watchers.counted(), time.perf_counter() - began
    if found.lost:
        raise RuntimeError(f"{found.lost} clients were lost")
    return {
        "commit to client p95": (1000 * found.p95, None),
        "commit to client p50": (1000 * found.p50, None),
        "messages to 1,000 viewports": (found.messages / taken, None),
        "stream memory": (server.memory, None),
        "stream CPU": (100 * (server.busy - busy) / taken, None),
    }


def run(folder: Path) -> Iterator[Round]:
    """The fan-out's rounds, each with a round of moving vehicles over one server that goes on."""
    own = serving.empty(folder / "moving")
    with serving.ours(own) as server:
        fleet = Fleet(server.port, _VEHICLES)
        for start in range(0, _VEHICLES, _BATCH):
            fleet.report(start, start + _BATCH)
        with Watchers(server.port, viewports(_CLIENTS), _CLIENTS, folder) as watchers:
            moved = [moving(server, watchers, fleet) for _ in range(ROUNDS)]
    for fanned_out, one in zip(fan_out(folder), moved, strict=True):
        yield {**fanned_out, **one}


BENCHMARK = Benchmark(
    "stream",
    "The live stream: a delta of 10 rows to 1,000 clients; 1,000 viewports over 10,000 vehicles that report every 10 s",
    (
        Figure("fan-out", "/s", 25_000, 35_000, floor="bare uvicorn WebSockets sent the same text"),
        Figure("commit to client p95", "ms", 1_000, lower=True),
        Figure("commit to client p50", "ms", lower=True),
        Figure("messages to 1,000 viewports", "/s"),
        Figure("stream memory", "MB", lower=True),
        Figure("stream CPU", "%", lower=True),
    ),
    run,
)
