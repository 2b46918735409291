"""The ASGI application: finds the route, checks the credential against its action, runs it, answers every error.

Written on ASGI itself: between socket and handler there is one dictionary walk and one set look-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from zhicheng.kernel.errors import Forbidden, Language, NotFound, NotSupported, ZhichengError
from zhicheng.kernel.telemetry import Telemetry
from zhicheng.security.actions import PUBLIC
from zhicheng.security.decision import refusal
from zhicheng.server.admission import credential
from zhicheng.server.city import City
from zhicheng.server.http import Answer, Receive, Scope, Send, header_of, language_of
from zhicheng.server.policing import circumstances
from zhicheng.server.problems import defect, problem
from zhicheng.server.request import Request
from zhicheng.server.routes import Found, Route, Router
from zhicheng.server.witness import Witness

_STRICT = (
    (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY"),
)  # fmt: skip
_BARE = (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
"""Of what is no page: should a browser show it as one, it can do nothing."""
_BODIES = ("POST", "PUT", "PATCH")
PLANNED = frozenset((
    b"csourceRegistrations", b"csourceSubscriptions", b"entityMaps", b"snapshots",
))  # fmt: skip
"""Parts of NGSI-LD that are not here yet; they answer 501, not 404."""
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]"))
_TENANT = b"ngsild-tenant"
_AGAIN = 15.0
"""Seconds after which the credential of a connection that stays open is looked at again."""
_LOOK = 2.0
"""Seconds after which such a connection is looked at at all: whether the server ends."""
_STUCK = 30.0
"""Seconds after which a client that takes nothing is given up."""


class App:
    """Serves a city."""

    def __init__(self, city: City, routes: Iterable[Route], telemetry: Telemetry) -> None:
        self.city = city
        self.router = Router(routes)
        self.witness = Witness(city, self.router.routes)
        self._requests = telemetry.counter("http_requests", "Requests answered", ["route", "status"])
        self._seconds = telemetry.histogram("http_seconds", "Time to answer a request, in seconds", ["route"])
        self._measures: dict[tuple[str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        server = city.settings.server
        names = {*server.hosts, server.host, *(_LOOPBACK if city.open else ())}
        self._hosts = frozenset(names) if city.open or server.hosts else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self.websocket(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """The city starts and stops with the server."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.city.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.city.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began = time.perf_counter()
        method: str = scope["method"]
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        name = "none"
        request: Request | None = None
        found: Found | None = None
        try:
            self.check_host(scope)
            if method == "OPTIONS":
                answer = Answer(204, headers=((b"allow", self.router.methods(raw).encode()),))
            else:
                found = self.find(method, raw)
                name = found.route.path
                request = self.admit(found, scope, receive)
                request.tally = self.city.tally(request.principal, request.network, found.route.action)
                noted = await self.witness.before(found, request)
                answer = request.tally.told(await found.route.handler(request))
                answer = await self.witness.after(found, request, answer, noted)
        except ZhichengError as error:
            answer = await self.failed(error, scope, found, request)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001  (the edge of the request: a defect is answered, never a torn connection)
            answer = await self.failed(defect(scope["path"]), scope, found, request)
        answer = private(answer, found)
        if answer.pieces is not None and found is not None:
            head = method == "HEAD"
            send = request.tally.counted(send) if request else send
            work = self.send_pieces(answer, answer.pieces, receive, send, head=head)
            await self.kept(found, scope, receive, work, request)
        else:
            await self.send(answer, scope, send, head=method == "HEAD")
        self.measure(name, answer.status, time.perf_counter() - began)

    async def websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket: a route that has one, under the route's action; browsers only from pages of this city."""
        await receive()
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        name, status = "none", 101
        found: Found | None = None
        began = time.perf_counter()
        try:
            self.check_host(scope)
            check_origin(scope, self.city.settings.server.public_url)
            found = self.find("GET", raw)
            name = found.route.path
            if found.route.socket is None:
                raise NotFound("There is no WebSocket at this path", "该路径没有 WebSocket")
            request = self.admit(found, scope, receive)
            request.tally = self.city.tally(request.principal, request.network, found.route.action)
            await self.witness.after(found, request, Answer(status), await self.witness.before(found, request))
        except ZhichengError as error:
            status = error.status
            await self.witness.failed(found, scope, None, error)
            await refuse(error, scope, send)
        except Exception:  # noqa: BLE001  (the edge of the connection)
            status = 500
            await refuse(defect(scope["path"]), scope, send)
        else:
            try:
                work = found.route.socket(request, request.tally.counted(send))
                await self.kept(found, scope, receive, work, request)
            except Exception:  # noqa: BLE001  (the edge of the connection: a defect ends this one, and is logged)
                defect(scope["path"])
        self.measure(name, status, time.perf_counter() - began)

    async def kept(
        self,
        found: Found,
        scope: Scope,
        receive: Receive,
        work: Coroutine[Any, Any, None],
        request: Request | None = None,
    ) -> None:
        """Run what holds a connection open for as long as its credential holds and the server goes on."""
        task = asyncio.create_task(work)
        until = time.monotonic() + _AGAIN
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=_LOOK)
                if self.city.ending or (request is not None and request.tally.exhausted()):
                    break
                if time.monotonic() >= until:
                    self.admit(found, scope, receive)
                    until = time.monotonic() + _AGAIN
        except ZhichengError:
            pass  # the credential was revoked or has expired
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task

    def find(self, method: str, raw: bytes) -> Found:
        """The route; parts of a standard that are not built yet say so."""
        try:
            return self.router.find(method, raw)
        except NotFound:
            steps = raw.split(b"/")
            if steps[1:3] == [b"ngsi-ld", b"v1"] and len(steps) > 3 and steps[3] in PLANNED:
                part = steps[3].decode()
                raise NotSupported(f"{part} of NGSI-LD are not here yet", f"NGSI-LD 的 {part} 尚未实现") from None
            raise

    def admit(self, found: Found, scope: Scope, receive: Receive) -> Request:
        """The request, if its credential may do what the route does."""
        city, route = self.city, found.route
        principal, session = credential(city, scope)
        acts = principal or city.visitor
        policing = city.policing(city.settings.city.tenant if acts is None else acts.tenant)
        around = circumstances(scope)
        allowed = acts is not None and policing.may(acts, route.action, around)
        refused = refusal(acts, route.action, header_of(scope, _TENANT), city.clock(), allowed=allowed)
        if refused is not None:
            raise refused
        limit = route.limit or city.settings.server.max_body
        space = policing.space if acts is None else policing.sight(acts, route.action, around)
        return Request(city, space, acts, scope, receive, found.path, route.known, limit, session)

    def check_host(self, scope: Scope) -> None:
        """Refuse a name that is not ours: a foreign page that points its own name here must not get in."""
        if self._hosts is None:
            return
        host = header_of(scope, b"host") or ""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        if name.lower() not in self._hosts:
            raise Forbidden(
                f"This server is not called {name[:80]!r}; add it to hosts of [server] if it is",
                f"本服务器不叫 {name[:80]!r}；如确实如此，请加入 [server] 的 hosts",
            )

    async def failed(self, error: ZhichengError, scope: Scope, found: Found | None, request: Request | None) -> Answer:
        """The answer to a request that failed; a body that was not read ends the connection."""
        noted = await self.witness.failed(found, scope, request, error)
        unread = scope["method"] in _BODIES and (request is None or request.unread)
        language: Language = language_of(header_of(scope, b"accept-language"))
        answer = problem(error, language, scope["path"], close=unread and error.status in (401, 403, 413))
        return replace(answer, headers=(*answer.headers, (b"x-request-id", noted.encode()))) if noted else answer

    async def send(self, answer: Answer, scope: Scope, send: Send, *, head: bool) -> None:
        """Write the answer."""
        headers = [(b"content-length", b"%d" % len(answer.body)), *_STRICT, *answer.headers]
        if all(name != b"content-security-policy" for name, _ in answer.headers):
            headers.append(_BARE)
        if answer.body or answer.status == 200:
            headers.append((b"content-type", _media(answer.media)))
        tenant = header_of(scope, _TENANT)
        if tenant is not None and answer.status < 400:
            headers.append((b"NGSILD-Tenant", tenant.encode("latin-1")))
        if answer.status == 204:
            del headers[0]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else answer.body})

    async def send_pieces(
        self, answer: Answer, pieces: AsyncGenerator[bytes, None], receive: Receive, send: Send, *, head: bool
    ) -> None:
        """Write an answer without an end, until the client goes away or takes nothing for too long."""
        headers = [*_STRICT, _BARE, *answer.headers, (b"content-type", _media(answer.media))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        gone = asyncio.create_task(_gone(receive))
        try:
            async for piece in pieces:
                if gone.done() or head:
                    break
                async with asyncio.timeout(_STUCK):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            pass
        finally:
            gone.cancel()
            await pieces.aclose()

    def measure(self, route: str, status: int, seconds: float) -> None:
        """Count the request."""
        self._requests.add(route=route, status=str(status))
        self._seconds.observe(seconds, route=route)


def private(answer: Answer, found: Found | None) -> Answer:
    """The answer, kept by nobody on the way where it is for who asked alone and says nothing else of that."""
    if (found is not None and found.route.action == PUBLIC) or any(
        name == b"cache-control" for name, _ in answer.headers
    ):
        return answer
    return replace(answer, headers=(*answer.headers, (b"cache-control", b"no-store")))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def check_origin(scope: Scope, public_url: str) -> None:
    """Refuse a foreign page: browsers let any page open a WebSocket anywhere, and say only whose page it is."""
    origin = header_of(scope, b"origin")
    if origin is None:
        return
    host = (header_of(scope, b"host") or "").lower()
    if urlsplit(origin).netloc.lower() not in (host, urlsplit(public_url).netloc.lower() or host):
        raise Forbidden(
            f"A page of {origin[:80]!r} may not connect here; name it as public_url of [server] if it is ours",
            f"来自 {origin[:80]!r} 的页面不能连接；如为本系统页面，请设为 [server] 的 public_url",
        )


async def refuse(error: ZhichengError, scope: Scope, send: Send) -> None:
    """Answer a WebSocket that may not be with a problem, as HTTP would; where the server cannot, close it."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    answer = problem(error, language_of(header_of(scope, b"accept-language")), scope["path"])
    headers = [*answer.headers, (b"content-type", _media(answer.media)), (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})


_MEDIA: dict[str, bytes] = {}


def _media(media: str) -> bytes:
    found = _MEDIA.get(media)
    if found is None:
        found = _MEDIA[media] = media.encode()
    return found


def needs_token(routes: Iterable[Route]) -> Mapping[str, bool]:
    """Which operations need a credential, for the description."""
    return {route.name: route.action != PUBLIC for route in routes}
