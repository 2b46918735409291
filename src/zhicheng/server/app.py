"""The ASGI application: finds the route, checks the credential against its action, runs it, answers every error.

Written on ASGI itself: between socket and handler there is one dictionary walk and one set look-up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from zhicheng.kernel.errors import Forbidden, Language, NotFound, NotSupported, ZhichengError
from zhicheng.kernel.telemetry import Telemetry
from zhicheng.security.actions import PUBLIC
from zhicheng.security.decision import Principal, refusal
from zhicheng.security.tokens import bearer
from zhicheng.server.city import City
from zhicheng.server.http import Answer, Receive, Scope, Send, header_of, language_of
from zhicheng.server.problems import defect, problem
from zhicheng.server.request import Request
from zhicheng.server.routes import Found, Route, Router

_STRICT = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_BODIES = ("POST", "PUT", "PATCH")
PLANNED = frozenset((
    b"subscriptions", b"csourceRegistrations", b"csourceSubscriptions", b"entityMaps", b"snapshots",
))  # fmt: skip
"""Parts of NGSI-LD that are not here yet; they answer 501, not 404."""
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]"))
_TENANT = b"ngsild-tenant"


class App:
    """Serves a city."""

    def __init__(self, city: City, routes: Iterable[Route], telemetry: Telemetry) -> None:
        self.city = city
        self.router = Router(routes)
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
            await receive()
            await send({"type": "websocket.close", "code": 1008})

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
        try:
            self.check_host(scope)
            if method == "OPTIONS":
                answer = Answer(204, headers=((b"allow", self.router.methods(raw).encode()),))
            else:
                found = self.find(method, raw)
                name = found.route.path
                request = self.admit(found, scope, receive)
                answer = await found.route.handler(request)
        except ZhichengError as error:
            answer = self.failed(error, scope, request)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001  (the edge of the request: a defect is answered, never a torn connection)
            answer = self.failed(defect(scope["path"]), scope, request)
        await self.send(answer, scope, send, head=method == "HEAD")
        self.measure(name, answer.status, time.perf_counter() - began)

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
        principal = city.guest
        if principal is None:
            header = header_of(scope, b"authorization")
            principal = None if header is None else self.principal(header)
        refused = refusal(principal, route.action, header_of(scope, _TENANT), city.clock())
        if refused is not None:
            raise refused
        limit = route.limit or city.settings.server.max_body
        space = city.space(city.settings.city.tenant if principal is None else principal.tenant)
        return Request(city, space, principal, scope, receive, found.path, route.known, limit)

    def principal(self, header: str) -> Principal | None:
        """Who an Authorization header stands for."""
        token = bearer(header)
        return None if token is None else self.city.accounts.principal(token)

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

    def failed(self, error: ZhichengError, scope: Scope, request: Request | None) -> Answer:
        """The answer to a request that failed; a body that was not read ends the connection."""
        unread = scope["method"] in _BODIES and (request is None or request.unread)
        language: Language = language_of(header_of(scope, b"accept-language"))
        return problem(error, language, scope["path"], close=unread and error.status in (401, 403, 413))

    async def send(self, answer: Answer, scope: Scope, send: Send, *, head: bool) -> None:
        """Write the answer."""
        headers = [(b"content-length", b"%d" % len(answer.body)), *_STRICT, *answer.headers]
        if answer.body or answer.status == 200:
            headers.append((b"content-type", _media(answer.media)))
        tenant = header_of(scope, _TENANT)
        if tenant is not None and answer.status < 400:
            headers.append((b"NGSILD-Tenant", tenant.encode("latin-1")))
        if answer.status == 204:
            del headers[0]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else answer.body})

    def measure(self, route: str, status: int, seconds: float) -> None:
        """Count the request."""
        self._requests.add(route=route, status=str(status))
        self._seconds.observe(seconds, route=route)


_MEDIA: dict[str, bytes] = {}


def _media(media: str) -> bytes:
    found = _MEDIA.get(media)
    if found is None:
        found = _MEDIA[media] = media.encode()
    return found


def needs_token(routes: Iterable[Route]) -> Mapping[str, bool]:
    """Which operations need a credential, for the description."""
    return {route.name: route.action != PUBLIC for route in routes}
