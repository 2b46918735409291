"""The load generator: a process of its own that sends prepared requests over some connections and measures the answers.

Each connection is kept alive and has one request under way, never two (no pipelining). The requests come in a file and
are dealt to whichever connection is free; `--seconds` goes round them until the time is over, else each is sent once.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import uvloop

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: how many requests in how many seconds, quantiles of the latency in milliseconds."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def http_request(method: str, path: str, body: bytes = b"", media: str = "application/json") -> bytes:
    """A request as it goes over the wire.

    >>> http_request("GET", "/x")
    b'GET /x HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n'
    """
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if body:
        lines += [f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + _END + body


def send(
    port: int, requests: Sequence[bytes], folder: Path, clients: int, seconds: float | None = None, most: float = 60.0
) -> Load:
    """Send from another process; `seconds` repeats the requests that long, else each goes once, within `most`."""
    path = folder / "requests"
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(4, "little") + request)
    command = [sys.executable, "-m", "benchmarks.load", f"--port={port}", f"--clients={clients}", f"--file={path}"]
    if seconds is not None:
        command.append(f"--seconds={seconds}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=most + (seconds or 0), check=False)
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr[-2000:]}")
    return Load(**json.loads(done.stdout))


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(
        self, requests: Iterator[bytes], seen: list[float], bad: list[bytes], over: asyncio.Future[None]
    ) -> None:
        self.requests = requests
        self.seen = seen
        self.bad = bad
        self.over = over
        self.began = 0.0
        self.got = bytearray()
        self.need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(request)  # type: ignore[attr-defined]  # the transport of a connection writes

    def data_received(self, data: bytes) -> None:
        self.got += data
        if self.need < 0:
            end = self.got.find(_END)
            if end < 0:
                return
            head = bytes(self.got[:end]).lower()
            if head[9:10] != b"2":
                self.bad.append(bytes(self.got))
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self.need = end + 4 + length
        if len(self.got) >= self.need:
            self.seen.append(time.perf_counter() - self.began)
            self.got.clear()
            self.need = -1
            self.next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


def _read(path: Path) -> list[bytes]:
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "little")
        found.append(content[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _until(requests: Iterator[bytes], end: float) -> Iterator[bytes]:
    for request in requests:
        if time.perf_counter() >= end:
            return
        yield request


async def _run(port: int, requests: Sequence[bytes], clients: int, seconds: float | None) -> Load:
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    bad: list[bytes] = []
    overs = [loop.create_future() for _ in range(clients)]
    began = time.perf_counter()
    dealt = iter(requests) if seconds is None else _until(itertools.cycle(requests), began + seconds)
    for over in overs:
        await loop.create_connection(partial(_Client, dealt, seen, bad, over), "127.0.0.1", port)
    await asyncio.gather(*overs)
    taken = time.perf_counter() - began
    if bad:
        print(f"{len(bad)} answers are not 2xx, the first: {bad[0][:600]!r}", file=sys.stderr)
    if not seen or len(bad) > len(seen) // 100:
        raise SystemExit(1)
    p50, p95, p99 = (1000 * float(value) for value in np.percentile(seen, [50, 95, 99]))
    return Load(len(seen), taken, len(bad), p50, p95, p99)


def main() -> None:
    """The process: one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--file", type=Path, required=True, help="requests, each behind its length (4 bytes, little-endian)"
    )
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float)
    asked = parser.parse_args()
    found = uvloop.run(_run(asked.port, _read(asked.file), asked.clients, asked.seconds))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
