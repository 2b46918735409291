"""Receivers of notifications on loopback: real sockets that answer as a test says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

Answering = Callable[[asyncio.StreamWriter, "Received"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; `at` is the clock of time.monotonic()."""

    target: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def document(self) -> Any:
        return orjson.loads(self.body)


def saying(status: int, headers: str = "", body: bytes = b"", after: float = 0.0) -> Answering:
    """Answers so, after so many seconds."""

    async def answer(writer: asyncio.StreamWriter, _: Received) -> None:
        await asyncio.sleep(after)
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


async def endless(writer: asyncio.StreamWriter, _: Received) -> None:
    """200, and a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def dribbling(writer: asyncio.StreamWriter, _: Received) -> None:
    """An answer of one byte each tenth of a second."""
    for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000:
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.1)


@dataclass
class Receiver:
    port: int = 0
    seen: list[Received] = field(default_factory=list)
    answer: Answering = field(default_factory=lambda: saying(204))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/notify"

    @property
    def documents(self) -> list[Any]:
        return [one.document for one in self.seen]

    @property
    def data(self) -> list[dict[str, Any]]:
        """All entities of all notifications, in order."""
        return [entity for document in self.documents for entity in document["data"]]

    async def heard(self, count: int, seconds: float = 10.0) -> list[Received]:
        """Wait until so many notifications came."""
        until = time.monotonic() + seconds
        while len(self.seen) < count:
            assert time.monotonic() < until, f"{len(self.seen)} of {count} came"
            await asyncio.sleep(0.005)
        return self.seen

    async def quiet(self, seconds: float = 0.3) -> None:
        """Nothing more comes."""
        count = len(self.seen)
        await asyncio.sleep(seconds)
        assert len(self.seen) == count, self.seen[count:]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                received = Received(first.split()[1], headers, body, time.monotonic())
                self.seen.append(received)
                await self.answer(writer, received)
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await receiver.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
