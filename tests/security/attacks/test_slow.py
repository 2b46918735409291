"""Clients that hold a connection and give nothing for it: slowloris in heads and bodies, answers that nobody takes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.server.streaming import served
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.settings import parse_city

PATIENCE = 1.0
MANY = 300
HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
Drip = Callable[[int], bytes]
SLOW: dict[str, tuple[bytes, Drip]] = {
    "silent": (b"", lambda n: b""),
    "request line": (b"GET /heal", lambda n: b"t"),
    "headers": (HEAD, lambda n: b"X-%d: a\r\n" % n),
    "one header": (HEAD + b"X: ", lambda n: b"a"),
    "second request": (HEAD + b"\r\n" + HEAD, lambda n: b"X-%d: a\r\n" % n),
    "body": (POST + b"Content-Length: 100000\r\n\r\n[", lambda n: b" "),
    "body that does not begin": (POST + b"Content-Length: 100000\r\n\r\n", lambda n: b""),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", lambda n: b"1\r\n \r\n"),
    "sign-in": (
        b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 9000\r\n\r\n{",
        lambda n: b" ",
    ),
    "handshake": (
        b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
        lambda n: b"X-%d: a\r\n" % n,
    ),
}  # fmt: skip


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    text = f'[server]\nport = 0\npatience = "{PATIENCE:g} s"\n[apps.vitals]\nenabled = false\n'
    city = City(parse_city(text, tmp_path / "city.toml", {}), DataFolder(tmp_path / "data"), open_to_all=True)
    async with served(city) as port:
        yield port


async def lasted(port: int, began: bytes, drip: Drip) -> float:
    """Seconds until a connection that sends something a few times a second is cut off."""
    at = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(began)
    cut = asyncio.create_task(_cut(reader))
    number = 0
    while not cut.done() and time.monotonic() - at < 10:
        writer.write(drip(number := number + 1))
        await asyncio.wait((cut,), timeout=0.2)
    assert cut.done(), "held for ten seconds"
    writer.transport.abort()
    return time.monotonic() - at


async def _cut(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65_536):
            pass
    except ConnectionError:
        pass


async def test_slowloris_a_request_that_does_not_come_is_not_waited_for(port: int) -> None:
    seconds = await asyncio.gather(*(lasted(port, *one) for one in SLOW.values()))
    assert {kind: one for kind, one in zip(SLOW, seconds, strict=True) if not PATIENCE / 2 < one < PATIENCE + 3} == {}


async def test_slowloris_others_are_served_while_hundreds_hold_on(port: int) -> None:
    kinds = list(SLOW.values())
    held = [asyncio.create_task(lasted(port, *kinds[number % len(kinds)])) for number in range(MANY)]
    await asyncio.sleep(PATIENCE / 2)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
        for _ in range(20):
            began = time.monotonic()
            assert (await http.get("/health", headers={"Connection": "close"})).status_code == 200
            assert time.monotonic() - began < 2
        assert max(await asyncio.gather(*held)) < PATIENCE + 5
        told = (await http.get("/metrics")).text
    given_up = [line for line in told.splitlines() if line.startswith("zhicheng_connections_given_up_total")]
    assert sum(float(line.split()[-1]) for line in given_up) == MANY, given_up


async def test_an_answer_that_nobody_takes_is_not_kept(port: int) -> None:
    many = [{"id": f"urn:x:{n}", "type": "Lot", "note": {"type": "Property", "value": "x" * 9000}} for n in range(900)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        assert (await http.post("/ngsi-ld/v1/entityOperations/create", json=many)).status_code == 201
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(greedy, ("127.0.0.1", port))
        asked = b"GET /ngsi-ld/v1/entities?type=Lot&limit=900 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        await loop.sock_sendall(greedy, asked)
        await asyncio.sleep(PATIENCE + 2.5)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := await loop.sock_recv(greedy, 1 << 20):
                taken += len(piece)
        assert taken < 8_000_000


async def test_who_is_slow_and_goes_on_is_waited_for(port: int) -> None:
    body = b'{"id": "urn:x:slow", "type": "Lot", "note": {"type": "Property", "value": "' + b"x" * 12_000 + b'"}}'
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(body))
    for at in range(0, len(body), 1000):
        writer.write(body[at : at + 1000])
        await asyncio.sleep(0.3)
    assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    writer.close()
    stream = b"GET /api/v1/stream?layers=Lot&box=-1,-1,1,1&zoom=3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(stream)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await asyncio.sleep(3 * PATIENCE)
    assert not reader.at_eof(), "a stream with nothing new is no stalled answer"
    writer.close()
