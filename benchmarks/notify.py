"""From a change's acknowledgement to its notification, 500 changes a second, with a dead and a slow subscriber beside.

The floor is the same second process posting the same bytes to the same receiver, with no platform between.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request

_RATE, _SECONDS, _CLIENTS, _VEHICLES = 500, 6, 16, 200
_SLOW = 5.0
_PER_KMH = 100
"""A change's number is sent as a speed that a vehicle can have."""
_PREFIX = "urn:ngsi-ld:Vehicle:"


class _Receiver(asyncio.Protocol):
    """Notes when each number came, and answers 204, after a while if it is a slow one."""

    def __init__(self, came: dict[int, float], delay: float) -> None:
        self.came = came
        self.delay = delay
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self.got) < end + 4 + length:
                return
            body, self.got = self.got[end + 4 : end + 4 + length], self.got[end + 4 + length :]
            now = time.perf_counter()
            for entity in json.loads(body)["data"]:
                self.came.setdefault(round(_PER_KMH * entity["speed"]), now)
            asyncio.get_running_loop().call_later(self.delay, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")  # type: ignore[attr-defined]  # a connection's writes


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request, read the answer; gives its status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]))
    return int(head[9:12])


async def _once(port: int, request: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    status = await _ask(reader, writer, request)
    writer.close()
    if status >= 300:
        raise RuntimeError(f"{request[:80]!r} gives {status}")


async def _paced(port: int, requests: dict[int, bytes], done: dict[int, float]) -> None:
    """Send at the rate over some connections; notes when each was answered."""
    numbers = iter(sorted(requests))
    began, first = time.perf_counter(), min(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            await asyncio.sleep(max(0.0, began + (number - first) / _RATE - time.perf_counter()))
            status = await _ask(reader, writer, requests[number])
            if status >= 300:
                raise RuntimeError(f"a change gives {status}")
            done[number] = time.perf_counter()
        writer.close()

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))


def _subscription(port: int) -> bytes:
    return json.dumps(
        {
            "type": "Subscription",
            "entities": [{"type": "Vehicle"}],
            "watchedAttributes": ["speed"],
            "notification": {"format": "keyValues", "endpoint": {"uri": f"http://127.0.0.1:{port}/in"}},
        }
    ).encode()


def _change(number: int) -> bytes:
    path = f"/ngsi-ld/v1/entities/{_PREFIX}{number % _VEHICLES}/attrs/speed"
    return http_request("PATCH", path, json.dumps({"value": number / _PER_KMH}).encode())


def _bare(number: int) -> bytes:
    document = {"data": [{"id": f"{_PREFIX}{number % _VEHICLES}", "type": "Vehicle", "speed": number / _PER_KMH}]}
    return http_request("POST", "/in", json.dumps(document).encode())


def _late(done: dict[int, float], came: dict[int, float]) -> dict[str, float]:
    """Quantiles, in milliseconds, of what came after its acknowledgement (0 for what came before it)."""
    late = [1000 * max(0.0, came[number] - at) for number, at in done.items()]
    return {"p50": float(np.percentile(late, 50)), "p99": float(np.percentile(late, 99))}


async def _until_all(done: dict[int, float], came: dict[int, float]) -> None:
    until = time.perf_counter() + 60
    while missing := done.keys() - came.keys():
        if time.perf_counter() > until:
            raise RuntimeError(f"{len(missing)} of {len(done)} notifications are missing")
        await asyncio.sleep(0.05)


async def _measured(port: int) -> list[Round]:
    loop = asyncio.get_running_loop()
    came: dict[int, float] = {}
    fast = await loop.create_server(lambda: _Receiver(came, 0), "127.0.0.1", 0)
    slow = await loop.create_server(lambda: _Receiver({}, _SLOW), "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (fast, slow)]
    made = [
        {"id": f"{_PREFIX}{number}", "type": "Vehicle", "speed": {"type": "Property", "value": 999}}
        for number in range(_VEHICLES)
    ]
    await _once(port, http_request("POST", "/ngsi-ld/v1/entityOperations/create", json.dumps(made).encode()))
    for one in (_dead_port(), ports[1], ports[0]):
        await _once(port, http_request("POST", "/ngsi-ld/v1/subscriptions", _subscription(one)))
    rounds: list[Round] = []
    count = _RATE * _SECONDS
    for number in range(ROUNDS):
        numbers = range(number * count, (number + 1) * count)
        done: dict[int, float] = {}
        await _paced(port, {one: _change(one) for one in numbers}, done)
        await _until_all(done, came)
        ours = _late(done, came)
        began: dict[int, float] = {}
        bare = {10_000_000 + one: _bare(10_000_000 + one) for one in numbers}
        await _bare_paced(ports[0], bare, began)
        floor = _late(began, came)
        rate = len(done) / (max(done.values()) - min(done.values()))
        rounds.append(
            {
                "notify p99": (ours["p99"], floor["p99"]),
                "notify p50": (ours["p50"], floor["p50"]),
                "notify rate": (rate, None),
            }
        )
    for server in (fast, slow):
        server.close()
    return rounds


async def _bare_paced(port: int, requests: dict[int, bytes], began: dict[int, float]) -> None:
    """The floor: notes when each was sent, since nothing acknowledges it first."""
    numbers, start, first = iter(sorted(requests)), time.perf_counter(), min(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            await asyncio.sleep(max(0.0, start + (number - first) / _RATE - time.perf_counter()))
            began[number] = time.perf_counter()
            await _ask(reader, writer, requests[number])
        writer.close()

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))


def _dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(folder: Path) -> Iterator[Round]:
    """Round by round, over one server whose dead and slow subscribers fall further and further behind."""
    with contextlib.ExitStack() as stack:
        allowed = ('subscriptions.allow=["127.0.0.1"]',)
        server = stack.enter_context(serving.ours(serving.empty(folder / "data"), allowed))
        yield from asyncio.run(_measured(server.port))


BENCHMARK = Benchmark(
    "notify",
    "500 changes a second, three subscribers, one dead, one slow: from a change's answer to the third's notification",
    (
        Figure("notify p99", "ms", 200, 50, lower=True, floor="the same posts straight from the load to the receiver"),
        Figure("notify p50", "ms", lower=True),
        Figure("notify rate", "/s", 475),
    ),
    run,
)
