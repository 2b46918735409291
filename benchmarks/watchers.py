"""Clients of the stream as a process of their own: many WebSockets that count what they are told, and when.

Told by lines on standard input: `reset` begins to count anew, `stat` prints a line of JSON, the end of input ends it.
It says `ready` once every client has been told everything that it watches.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import cast

import numpy as np
import uvloop

_FEATURES = b'{"kind":"features"'
_CLOCK = b'{"kind":"clock"'
_AT_ONCE = 50
"""Connections that are opened at the same time."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Messages of features and their bytes, the first and the last of them (seconds), connections that were lost.

    p50, p95, p99: seconds from the value of a row, which is when it was sent, to its arrival, at some of the clients
    """

    messages: int
    bytes: int
    first: float
    last: float
    lost: int
    rows: int
    p50: float
    p95: float
    p99: float


class Watchers:
    """The process, told what to do."""

    def __init__(
        self, port: int, watches: Sequence[str], clients: int, folder: Path, path: str = "/api/v1/stream"
    ) -> None:
        file = folder / "watches"
        file.write_text("\n".join(watches), "utf-8")
        command = [sys.executable, "-m", "benchmarks.watchers", f"--port={port}", f"--clients={clients}"]
        self._process = subprocess.Popen(
            [*command, f"--file={file}", f"--path={path}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Watchers:
        self._line("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def reset(self) -> None:
        """Begin to count anew."""
        self._say("reset")
        self._line("ok")

    def counted(self) -> Counted:
        """What was counted."""
        self._say("stat")
        return Counted(**json.loads(self._line("{")))

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def _line(self, start: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(start):
            raise RuntimeError(f"the watchers failed: {line!r}")
        return line


@dataclass
class _Tally:
    messages: int = 0
    bytes: int = 0
    first: float = 0.0
    last: float = 0.0
    late: list[float] = field(default_factory=list)

    def count(self, payload: memoryview, sampled: bool) -> None:
        now = time.time()
        self.first = self.first or now
        self.last = now
        self.messages += 1
        self.bytes += len(payload)
        if sampled:
            self.late += [now - value for value in json.loads(bytes(payload))["value"] if value]


class _Client(asyncio.Protocol):
    """One WebSocket: frames come whole and unmasked, or in pieces, as the wire has it."""

    def __init__(self, watch: bytes, path: str, tally: _Tally, sampled: bool, done: asyncio.Future[None]) -> None:
        self.watch, self.path, self.tally, self.sampled, self.done = watch, path, tally, sampled, done
        self.got = bytearray()
        self.open = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
        head = (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
        )
        self.transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        self.got += data
        if not self.open:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return
            self.open = self.got.startswith(b"HTTP/1.1 101")
            del self.got[: end + 4]
            self.transport.write(_masked(0x81, self.watch))
        used = 0
        for opcode, start, end in _frames(self.got):
            used = end
            with memoryview(self.got)[start:end] as payload:
                self._frame(opcode, payload)
        del self.got[:used]

    def _frame(self, opcode: int, payload: memoryview) -> None:
        if opcode == 9:
            self.transport.write(_masked(0x8A, bytes(payload)))
        elif payload[: len(_FEATURES)] == _FEATURES:
            self.tally.count(payload, self.sampled)
        elif payload[: len(_CLOCK)] == _CLOCK and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True
        if not self.done.done():
            self.done.set_result(None)


def _masked(first: int, data: bytes) -> bytes:
    """A client's frame; masked with zeros, which leave it as it is."""
    size = bytes((0x80 | len(data),)) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
    return bytes((first,)) + size + bytes(4) + data


def _frames(got: bytearray) -> Iterator[tuple[int, int, int]]:
    """Opcode, start and end of the payload of each whole frame."""
    at = 0
    while len(got) >= at + 2:
        size, start = got[at + 1] & 127, at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(got[start : start + width]), start + width
        if len(got) < start + size or start > len(got):
            return
        yield got[at] & 15, start, start + size
        at = start + size


async def _run(port: int, path: str, watches: list[bytes], clients: int) -> None:
    loop = asyncio.get_running_loop()
    tally = _Tally()
    every = max(1, clients // 50)
    made: list[_Client] = []
    for start in range(0, clients, _AT_ONCE):
        dones = [loop.create_future() for _ in range(min(_AT_ONCE, clients - start))]
        for number, done in enumerate(dones, start):
            make = partial(_Client, watches[number % len(watches)], path, tally, number % every == 0, done)
            made.append((await loop.create_connection(make, "127.0.0.1", port))[1])
        await asyncio.wait_for(asyncio.gather(*dones), 30)
    print("ready", flush=True)
    over = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), _told, tally, made, over)
    await over


def _told(tally: _Tally, made: list[_Client], over: asyncio.Future[None]) -> None:
    words = os.read(sys.stdin.fileno(), 4096).decode().split()
    if not words and not over.done():
        over.set_result(None)
    for word in words:
        if word == "reset":
            tally.__init__()  # type: ignore[misc]  # begins anew
            print("ok", flush=True)
        else:
            p50, p95, p99 = np.percentile(tally.late, [50, 95, 99]).tolist() if tally.late else (0.0, 0.0, 0.0)
            lost = sum(one.lost for one in made)
            rows = len(tally.late)
            found = Counted(tally.messages, tally.bytes, tally.first, tally.last, lost, rows, p50, p95, p99)
            print(json.dumps(asdict(found)), flush=True)


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watchers", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/api/v1/stream")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--file", type=Path, required=True, help="watches, one a line, dealt to the clients in turn")
    asked = parser.parse_args()
    watches = [line.encode() for line in asked.file.read_text("utf-8").splitlines()]
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_run(asked.port, asked.path, watches, asked.clients))


if __name__ == "__main__":
    main()
