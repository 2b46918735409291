from __future__ import annotations

import gzip
import time
import zlib
from http.server import BaseHTTPRequestHandler

import pytest

from tests.network.server import Server, reply
from zhicheng.kernel.errors import PeerFailed, TooLarge, ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.network.fetch import Answer, Fetcher, Request


async def got(server: Server, path: str = "/data", **limits: int) -> Answer:
    fetcher = Fetcher(Request(server.url(path), **limits))  # type: ignore[arg-type]  # all limits are integers
    try:
        answer = await fetcher.get()
        assert answer is not None
        return answer
    finally:
        await fetcher.close()


async def test_asks_conditionally_and_says_unchanged(server: Server) -> None:
    def versioned(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("If-None-Match") == '"v1"' and request.headers.get("If-Modified-Since") == "then":
            return reply(b"", 304)(request)
        return reply(b"data", headers={"ETag": '"v1"', "Last-Modified": "then"})(request)

    server.routes["/data"] = versioned
    fetcher = Fetcher(Request(server.url("/data"), {"X-Api-Key": "secret"}))
    first = await fetcher.get()
    assert first is not None and (first.body, first.etag, first.modified) == (b"data", '"v1"', "then")
    assert await fetcher.get(first.etag, first.modified) is None
    assert all(headers["x-api-key"] == "secret" for _, headers in server.seen)
    await fetcher.close()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"data" * 100)),
        ("gzip", gzip.compress(b"data" * 50) + gzip.compress(b"data" * 50)),
        ("deflate", zlib.compress(b"data" * 100)),
        ("deflate", zlib.compress(b"data" * 100, wbits=-15)),
        ("deflate, gzip", gzip.compress(zlib.compress(b"data" * 100))),
        ("identity", gzip.compress(b"data" * 100)),
        ("", b"data" * 100),
    ],
)
async def test_unpacks(server: Server, encoding: str, packed: bytes) -> None:
    server.routes["/data"] = reply(packed, headers={"Content-Encoding": encoding} if encoding else {})
    assert (await got(server)).body == b"data" * 100


def slow(request: BaseHTTPRequestHandler) -> None:
    time.sleep(0.8)
    reply(b"late")(request)


def dripping(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(8):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.1)


def chunked(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(3):
        request.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    request.wfile.write(b"0\r\n\r\n")


def breaking_off(request: BaseHTTPRequestHandler) -> None:
    reply(b"half", length=1000)(request)
    request.close_connection = True


BOMB = gzip.compress(b"\0" * 50_000_000)

BAD = {
    "silent": (slow, PeerFailed, "did not answer within 0.4 s", "未在"),
    "dripping": (dripping, PeerFailed, "did not answer within 0.4 s", "未在"),
    "breaks off": (breaking_off, PeerFailed, "did not answer properly", "应答不正常"),
    "html by type": (
        reply(b"{}", headers={"Content-Type": "text/html; charset=utf-8"}),
        PeerFailed,
        "web page",
        "网页",
    ),
    "html by look": (reply(b"\n<!DOCTYPE html><html>login"), PeerFailed, "a web page instead of data", "网页"),
    "500": (reply(b"oops", 500), PeerFailed, "answers 500", "500"),
    "403": (reply(b"", 403), PeerFailed, "check the key in headers", "密钥"),
    "404": (reply(b"", 404), PeerFailed, "check the URL", "URL"),
    "empty 304": (reply(b"", 304), PeerFailed, "answers 304", "304"),
    "bomb": (reply(BOMB, headers={"Content-Encoding": "gzip"}), TooLarge, "larger than 100,000 bytes", "max_size"),
    "bomb in a file": (reply(BOMB), TooLarge, "larger than 100,000 bytes", "max_size"),
    "announced": (reply(b"", length=100_000_001), TooLarge, "larger than", "max_size"),
    "unannounced": (chunked, TooLarge, "larger than", "max_size"),
    "damaged": (reply(BOMB[:50] + b"zzz", headers={"Content-Encoding": "gzip"}), PeerFailed, "", ""),
    "cut": (
        reply(gzip.compress(b"data" * 99)[:-9], headers={"Content-Encoding": "gzip"}),
        PeerFailed,
        "breaks off",
        "不完整",
    ),
    "brotli": (reply(b"x", headers={"Content-Encoding": "br"}), PeerFailed, "was not asked for", "未请求"),
    "loop": (reply(b"", 302, {"Location": "/data"}), PeerFailed, "redirects more than 5 times", "重定向"),
    "file": (reply(b"", 302, {"Location": "file:///etc/passwd"}), PeerFailed, "is not followed", "不予跟随"),
    "nowhere": (reply(b"", 302, {"Location": "http://x:port/"}), PeerFailed, "Invalid URL", "应答不正常"),
}


@pytest.mark.parametrize("case", list(BAD))
async def test_bad_answers_end_in_a_clear_error(server: Server, case: str) -> None:
    handler, kind, en, zh = BAD[case]
    server.routes["/data"] = handler
    with pytest.raises(kind) as caught:
        await got(server, timeout=int(0.4 * SECOND), max_size=100_000)
    error = caught.value
    assert isinstance(error, ZhichengError)
    assert en in error.en and zh in error.zh


async def test_keeps_keys_out_of_messages_and_other_hosts(server: Server) -> None:
    server.routes["/data"] = reply(b"", 302, {"Location": server.url("/elsewhere", "localhost")})
    server.routes["/elsewhere"] = reply(b"here")
    fetcher = Fetcher(Request(server.url("/data?key=secret"), {"Authorization": "secret"}))
    answer = await fetcher.get()
    assert answer is not None and answer.body == b"here"
    assert "authorization" in server.seen[0][1] and "authorization" not in server.seen[1][1]
    server.routes["/data"] = reply(b"", 500)
    with pytest.raises(PeerFailed) as caught:
        await fetcher.get()
    assert "secret" not in caught.value.en + caught.value.zh
    await fetcher.close()


async def test_says_how_long_the_peer_asks_to_wait(server: Server) -> None:
    server.routes["/data"] = reply(b"", 429, {"Retry-After": "7"})
    with pytest.raises(PeerFailed) as caught:
        await got(server)
    assert caught.value.facts["retry_after"] == 7 * SECOND


async def test_nobody_listens() -> None:
    fetcher = Fetcher(Request("http://127.0.0.1:9/x"))
    with pytest.raises(PeerFailed, match="cannot be reached"):
        await fetcher.get()
    await fetcher.close()


@pytest.mark.parametrize("url", ["ftp://x/y", "no url", "http://", "http://x:port/"])
def test_unusable_urls(url: str) -> None:
    with pytest.raises(PeerFailed, match="is not a URL that can be fetched"):
        Fetcher(Request(url))
