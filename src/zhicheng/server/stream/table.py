"""The route of the stream: a WebSocket, or server-sent events where that is easier."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping

from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.security.actions import Named
from zhicheng.server.http import Answer, Send
from zhicheng.server.problems import defect
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route
from zhicheng.server.sockets import EXTENSION, Line
from zhicheng.server.stream import messages, watch
from zhicheng.server.stream.client import Client
from zhicheng.server.stream.streams import Streams
from zhicheng.server.stream.watch import Watch

PROTOCOL = "zhicheng.v1"
_STUCK = 30.0
"""Seconds after which a client that takes nothing is cut off."""
_BURST, _RATE = 30.0, 5.0
"""Messages that a client may send at once, and a second."""


class Registry:
    """The streams of each tenant."""

    def __init__(self) -> None:
        self._streams: dict[int, Streams] = {}

    def of(self, request: Request) -> Streams:
        """Those of the request's tenant, as far as its principal may see it."""
        space = request.space
        found = self._streams.get(space.number)
        if found is None:
            self._streams = {number: one for number, one in self._streams.items() if one.clients}
            found = self._streams[space.number] = Streams(request.city, space)
        return found

    # WebSocket

    async def socket(self, request: Request, send: Send) -> None:
        """GET /api/v1/stream, upgraded."""
        offered = request.scope.get("subprotocols", ())
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if PROTOCOL in offered else None})
        line: Line | None = request.scope.get("extensions", {}).get(EXTENSION)
        client = _over_asgi(send) if line is None else Client(messages.frame, lambda data: line.write(data, _STUCK))
        streams = self.of(request)
        work = {asyncio.create_task(client.run()), asyncio.create_task(_hear(request, streams, client))}
        code = 1000
        try:
            streams.enter(client)
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            code = _ended(done)
        except ZhichengError:
            code = 1013
        except asyncio.CancelledError:
            code = 1012 if request.city.ending else 1008
            raise
        finally:
            for task in work:
                task.cancel()
            streams.leave(client)
            if code == _CUT and line is not None:
                line.cut()
            else:
                with contextlib.suppress(OSError, RuntimeError):
                    await send({"type": "websocket.close", "code": code})

    # server-sent events

    async def events(self, request: Request) -> Answer:
        """GET /api/v1/stream."""
        asked = _of_query(request)
        streams = self.of(request)
        waiting: asyncio.Queue[bytes] = asyncio.Queue(1)
        client = Client(messages.event, waiting.put)
        streams.enter(client)
        try:
            await streams.show(client, asked)
        except BaseException:
            streams.leave(client)
            raise
        headers = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
        return Answer(200, b"", "text/event-stream", headers, _pieces(streams, client, waiting))


_CUT = -1


def _ended(done: set[asyncio.Task[None]]) -> int:
    """The code to close with."""
    for task in done:
        error = task.exception()
        if isinstance(error, TimeoutError):
            return _CUT
        if isinstance(error, _Flooded):
            return 1008
        if error is not None and not isinstance(error, OSError):
            raise error
    return 1000


class _Flooded(Exception):
    """A client sends more than it may."""


async def _hear(request: Request, streams: Streams, client: Client) -> None:
    """Take a client's messages until it goes away; a new watch takes the place of one that is still being prepared."""
    showing: asyncio.Task[None] | None = None
    left, before = _BURST, time.monotonic()
    try:
        while (message := await request.receive())["type"] == "websocket.receive":
            now = time.monotonic()
            left, before = min(_BURST, left + (now - before) * _RATE) - 1, now
            if left < 0:
                raise _Flooded
            if showing is not None:
                showing.cancel()
            text = message.get("text") or message.get("bytes") or ""
            showing = asyncio.create_task(_show(request, streams, client, text))
    finally:
        if showing is not None:
            showing.cancel()


async def _show(request: Request, streams: Streams, client: Client, text: str | bytes) -> None:
    try:
        await streams.show(client, watch.parse(text, request.space.contexts.default))
    except ZhichengError as error:
        client.say(messages.refusal(error))
    except Exception:  # noqa: BLE001  (the edge: a defect is told with its number, and the connection stays)
        client.say(messages.refusal(defect(request.scope["path"])))


def _over_asgi(send: Send) -> Client:
    """A client over a server that knows only ASGI's own way: a message at a time."""

    async def write(data: bytes) -> None:
        for line in data.splitlines():
            async with asyncio.timeout(_STUCK):
                await send({"type": "websocket.send", "text": line.decode()})

    return Client(messages.line, write)


async def _pieces(streams: Streams, client: Client, waiting: asyncio.Queue[bytes]) -> AsyncGenerator[bytes, None]:
    sender = asyncio.create_task(client.run())
    try:
        yield b"retry: 2000\n\n"
        while True:
            yield await waiting.get()
    finally:
        sender.cancel()
        streams.leave(client)


def _of_query(request: Request) -> Watch:
    query = request.query()
    names = [name for name in query.get("layers", "").split(",") if name]
    if not names:
        raise Invalid("Say which types, as layers", "请用 layers 指定类型", parameter="layers")
    attributes = query.get("attributes", "").split(",")
    layers = [
        {"type": name, "q": query.get("q"), "attribute": attributes[place] if place < len(attributes) else None}
        for place, name in enumerate(names)
    ]
    asked: dict[str, object] = {"layers": layers, "at": query.get("at") or None}
    asked |= {name: _read(query, name) for name in ("zoom", "speed") if query.get(name)}
    if query.get("box"):
        asked["box"] = [_float(part, "box") for part in query["box"].split(",")]
    last = request.header(b"last-event-id") or query.get("since", "")
    if last:
        asked["since"] = int(last) if last.isascii() and last.isdecimal() and len(last) < 19 else None
    return watch.watch_of(asked, request.space.contexts.default)


def _read(query: Mapping[str, str], name: str) -> float:
    return _float(query[name], name)


def _float(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Invalid(
            f"{name} holds {text[:40]!r}, no number", f"{name} 中的 {text[:40]!r} 不是数", parameter=name
        ) from None


_NUMBER = {"type": "number"}
_TIME = {"type": "string", "format": "date-time"}


def stream_routes() -> tuple[Route, ...]:
    """The route, for one server."""
    registry = Registry()
    parameters = (
        Parameter("box", "West, south, east, north", "西,南,东,北"),
        Parameter("zoom", "The map's zoom", "地图缩放级别", _NUMBER),
        Parameter("layers", "Types, separated by commas", "类型，以逗号分隔"),
        Parameter("attributes", "Of each type the attribute that is its value", "各类型取值的属性"),
        Parameter("q", "A filter in NGSI-LD's query language", "NGSI-LD 查询条件"),
        Parameter("at", "As of this instant; without it, now", "截至该时刻；省略则为当前", _TIME),
        Parameter("speed", "Replay from `at`, so many times as fast", "从 at 起按倍速回放", _NUMBER),
        Parameter("since", "The position up to which all is known", "已知的日志位置", {"type": "integer"}),
    )  # fmt: skip
    responses = (Response(200, "Messages, without an end", "持续的消息", None, ("text/event-stream",)),)
    return (
        Route(
            "GET", "/api/v1/stream", "city:read", registry.events, Named("实时数据流", "What changes on the map"),
            parameters, None, responses, socket=registry.socket,
        ),
    )  # fmt: skip
