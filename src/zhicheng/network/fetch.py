"""HTTP GET as feeds need it: conditional, limited in size, time and redirects, with errors a person understands."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from zhicheng.kernel import instants
from zhicheng.kernel.errors import PeerFailed
from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.network.guard import Guard, Resolve, system_resolve
from zhicheng.network.inflate import inflate, too_large
from zhicheng.network.transport import GuardedTransport

REDIRECTS = 5
_AGENT = "zhicheng"
_HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_ADVICE = {
    401: ("check the key in headers", "请检查 headers 中的密钥"),
    403: ("check the key in headers", "请检查 headers 中的密钥"),
    404: ("check the URL", "请检查 URL"),
    429: ("poll less often", "请降低轮询频率"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What to get: the URL, headers to send to its host, and limits (`timeout` in microseconds, whole answer)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 30 * SECOND
    max_size: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with what lets the next request be conditional."""

    body: bytes
    content_type: str
    etag: str
    modified: str


def shown(url: httpx.URL) -> str:
    """The URL for messages: without user, password and query, which may hold keys.

    >>> shown(httpx.URL("https://u:p@city.example/feed?key=secret"))
    'https://city.example/feed'
    """
    return str(url.copy_with(username="", password="", query=None, fragment=None))


class Fetcher:
    """Gets one URL again and again; one connection is kept."""

    def __init__(
        self,
        request: Request,
        *,
        clock: Clock = instants.system_clock,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._request = request
        self._clock = clock
        try:
            self._url = httpx.URL(request.url)
        except httpx.InvalidURL as error:
            raise _unusable(request.url, str(error)) from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise _unusable(request.url, "http(s)://...")
        transport = GuardedTransport(Guard(self._url.host, resolve), tls)
        self._client = httpx.AsyncClient(transport=transport, trust_env=False, timeout=request.timeout / SECOND)

    async def get(self, etag: str = "", modified: str = "") -> Answer | None:
        """The answer, or None if it has not changed since the one with these validators."""
        name = shown(self._url)
        try:
            async with asyncio.timeout(self._request.timeout / SECOND):
                return await self._followed(etag, modified)
        except (TimeoutError, httpcore.TimeoutException, httpx.TimeoutException):
            seconds = self._request.timeout / SECOND
            raise PeerFailed(
                f"{name} did not answer within {seconds:g} s", f"{name} 未在 {seconds:g} 秒内应答", reason="timeout"
            ) from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise PeerFailed(f"{name} cannot be reached: {error}", f"无法连接 {name}：{error}") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpx.HTTPError) as error:
            text = str(error) or type(error).__name__
            raise PeerFailed(f"{name} did not answer properly: {text}", f"{name} 应答不正常：{text}") from None

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def _followed(self, etag: str, modified: str) -> Answer | None:
        url = self._url
        for _ in range(REDIRECTS + 1):
            asked = self._client.build_request("GET", url, headers=self._headers(url, etag, modified))
            answer = await self._client.send(asked, stream=True)
            try:
                if answer.has_redirect_location:
                    url = self._next(url, answer)
                    continue
                if answer.status_code == 304 and (etag or modified):
                    return None
                return await self._read(url, answer)
            finally:
                await answer.aclose()
        raise PeerFailed(
            f"{shown(self._url)} redirects more than {REDIRECTS} times", f"{shown(self._url)} 重定向超过 {REDIRECTS} 次"
        )

    def _headers(self, url: httpx.URL, etag: str, modified: str) -> dict[str, str]:
        """Headers of a request; those of the configuration go to the configured origin only."""
        headers = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        if _origin(url) == _origin(self._url):
            headers |= dict(self._request.headers)
        if etag:
            headers["If-None-Match"] = etag
        if modified:
            headers["If-Modified-Since"] = modified
        return headers

    def _next(self, url: httpx.URL, answer: httpx.Response) -> httpx.URL:
        try:
            target = url.join(answer.headers["location"])
        except (httpx.InvalidURL, KeyError):
            raise PeerFailed(f"{shown(url)} redirects to no valid URL", f"{shown(url)} 重定向到无效的 URL") from None
        downgraded = url.scheme == "https" and target.scheme != "https"
        if target.scheme not in ("http", "https") or not target.host or downgraded:
            raise PeerFailed(
                f"{shown(url)} redirects to {shown(target)}, which is not followed",
                f"{shown(url)} 重定向到 {shown(target)}，不予跟随",
                refused="redirect",
            )
        return target

    async def _read(self, url: httpx.URL, answer: httpx.Response) -> Answer:
        name, limit = shown(url), self._request.max_size
        if answer.status_code != 200:
            raise self._status(name, answer)
        announced = answer.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise too_large(name, limit)
        raw = bytearray()
        async for piece in answer.aiter_raw():
            raw += piece
            if len(raw) > limit:
                raise too_large(name, limit)
        encodings = [one.strip().lower() for one in answer.headers.get("content-encoding", "").split(",")]
        body = await asyncio.to_thread(inflate, bytes(raw), encodings, limit, name)
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml") or _HTML.match(body[:512]):
            raise PeerFailed(
                f"{name} answers with a web page instead of data; check the URL, and whether it needs a key or a login",
                f"{name} 返回的是网页而不是数据；请检查 URL，以及是否需要密钥或登录",
                reason="html",
            )
        return Answer(body, kind, answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))

    def _status(self, name: str, answer: httpx.Response) -> PeerFailed:
        code = answer.status_code
        en, zh = _ADVICE.get(code, ("", ""))
        return PeerFailed(
            f"{name} answers {code} {answer.reason_phrase}" + (f"; {en}" if en else ""),
            f"{name} 返回状态 {code}" + (f"；{zh}" if zh else ""),
            status=code,
            retry_after=self._retry_after(answer.headers.get("retry-after", "")),
        )

    def _retry_after(self, text: str) -> int | None:
        """Microseconds the peer asks us to wait, from seconds or a date (RFC 9110 10.2.3)."""
        if text.strip().isdecimal():
            return int(text) * SECOND
        try:
            return max(0, instants.from_datetime(parsedate_to_datetime(text)) - self._clock())
        except (ValueError, TypeError):
            return None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _unusable(url: str, why: str) -> PeerFailed:
    return PeerFailed(f"{url!r} is not a URL that can be fetched: {why}", f"{url!r} 不是可以获取的 URL：{why}")
