"""HTTP POST to addresses that others name: checked at every connection, limited in time and size, never redirected."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import httpx

from zhicheng.kernel.errors import Invalid, PeerFailed
from zhicheng.kernel.instants import SECOND
from zhicheng.network.fetch import shown
from zhicheng.network.guard import Guard, Resolve, system_resolve
from zhicheng.network.wire import Misspoken, Reply, Wire

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]{0,4096}")
_BLANK = re.compile(r"[\x00-\x20\x7f]")
_OURS = frozenset((
    "host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive", "upgrade", "te",
    "trailer", "expect", "proxy-authorization", "proxy-connection", "user-agent", "link", "ngsild-tenant",
))  # fmt: skip
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post: a URL taken apart, and the headers that go along."""

    url: httpx.URL
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def host(self) -> str:
        return self.url.host

    @property
    def port(self) -> int:
        return self.url.port or _PORTS[self.url.scheme]

    @property
    def name(self) -> str:
        """The URL for messages."""
        return shown(self.url)


def target(url: str, headers: Iterable[tuple[str, str]] = ()) -> Target:
    r"""A URL and headers from outside; Invalid where they cannot be used as they are.

    >>> target("https://city.example/in?x=1").port
    443
    >>> target("http://a.example/", [("X-Key", "1\r\nHost: b")])
    Traceback (most recent call last):
    zhicheng.kernel.errors.Invalid: The value of the header 'X-Key' holds characters that no header may have
    """
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise Invalid(f"{url[:80]!r} is not a URL", f"{url[:80]!r} 不是 URL") from None
    if found.scheme not in _PORTS or not found.host or _BLANK.search(url):
        raise Invalid(
            f"{url[:80]!r} is not a URL that begins with http:// or https://",
            f"{url[:80]!r} 不是以 http:// 或 https:// 开头的 URL",
        )
    if found.userinfo:
        raise Invalid(
            "A URL with a user and password is not taken; put them into a header",
            "URL 不能包含用户名和密码；请放入请求头",
        )
    return Target(found.copy_with(fragment=None), tuple(_header(name, value) for name, value in headers))


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name[:60]!r} is not the name of a header", f"{name[:60]!r} 不是请求头名称")
    if name.lower() in _OURS:
        raise Invalid(f"The header {name!r} is set by the platform", f"请求头 {name!r} 由平台设定")
    if not _VALUE.fullmatch(value):
        raise Invalid(
            f"The value of the header {name!r} holds characters that no header may have",
            f"请求头 {name!r} 的值包含不允许的字符",
        )
    return name.encode("ascii"), value.encode("latin-1")


class Poster:
    """Posts to one target again and again over a few connections of its own."""

    def __init__(
        self, to: Target, tls: ssl.SSLContext, *, allowed: Sequence[str] = (), resolve: Resolve = system_resolve
    ) -> None:
        self.to = to
        self._name = to.name
        self._guard = Guard(None, resolve, allowed)
        self._wire = Wire(self._guard, to.host, to.port, tls if to.url.scheme == "https" else None)
        lines = [b"POST " + to.url.raw_path + b" HTTP/1.1", b"Host: " + to.url.netloc, b"User-Agent: zhicheng"]
        lines += [name + b": " + value for name, value in to.headers]
        self._start = b"\r\n".join([*lines, b"Accept: */*", b""])

    async def check(self) -> None:
        """PeerFailed where the guard refuses the target, or its name leads nowhere now."""
        await self._guard.addresses(self.to.host, self.to.port)

    async def post(self, body: bytes, headers: Iterable[tuple[bytes, bytes]], within: int) -> None:
        """Post, and have it taken: any status of 2xx. PeerFailed says why not.

        headers: of our own making; within: microseconds for all of it: connecting, sending, and the answer, however
        slowly it comes
        """
        name, seconds = self._name, within / SECOND
        more = b"".join(key + b": " + value + b"\r\n" for key, value in headers)
        request = self._start + more + b"Content-Length: %d\r\n\r\n" % len(body) + body
        try:
            async with asyncio.timeout(seconds):
                reply = await self._wire.exchange(request)
        except TimeoutError:
            raise PeerFailed(
                f"{name} did not answer within {seconds:g} s", f"{name} 未在 {seconds:g} 秒内应答", reason="timeout"
            ) from None
        except (Misspoken, asyncio.LimitOverrunError, ssl.CertificateError) as error:
            raise PeerFailed(f"{name} did not answer properly: {error}", f"{name} 应答不正常：{error}") from None
        except OSError as error:
            raise PeerFailed(f"{name} cannot be reached: {error}", f"无法连接 {name}：{error}") from None
        _check(name, reply)

    async def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _check(name: str, reply: Reply) -> None:
    status, wait = reply.status, reply.headers.get(b"retry-after", b"")
    if 300 <= status < 400:
        raise PeerFailed(
            f"{name} answers {status}, a redirect, which is not followed; name the target itself",
            f"{name} 返回重定向 {status}，不予跟随；请直接填写目标地址",
            status=status,
        )
    if not 200 <= status < 300:
        asked = int(wait) * SECOND if wait.isdigit() and len(wait) < 6 else None
        raise PeerFailed(f"{name} answers {status}", f"{name} 返回状态 {status}", status=status, retry_after=asked)
