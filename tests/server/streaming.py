"""A city on a port of its own, and clients of its stream that fold what they are told into what they see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from zhicheng.server.city import City
from zhicheng.server.serve import server_of

Row = tuple[Any, ...]
WORLD = [-180, -85, 180, 85]


@contextlib.asynccontextmanager
async def served(city: City) -> AsyncIterator[int]:
    """The city's server; its port. The city is started and stopped by it."""
    ready = asyncio.Event()
    server = server_of(city, ready.set)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            await ready.wait()
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        city.ending = True
        server.should_exit = True
        await task


class Screen:
    """What a client sees: rows by (layer, tile, id), from the messages of a stream."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[str, str], dict[str, Row]] = {}
        self.clusters: dict[tuple[str, str], list[Row]] = {}
        self.watched: set[str] = set()
        self.clock: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.shapes: list[str] = []
        self.errors: list[dict[str, Any]] = []

    def take(self, text: str | bytes) -> dict[str, Any]:
        """Fold in a message."""
        message: dict[str, Any] = orjson.loads(text)
        self.messages.append(message)
        kind = message["kind"]
        if kind == "features":
            self._features(message)
        elif kind == "clock":
            self.clock = message
        elif kind == "shapes":
            self.shapes.append(message["layer"])
        elif kind == "tiles":
            self.watched = set(message["tiles"])
            self.tiles = {key: rows for key, rows in self.tiles.items() if key[1] in self.watched}
            self.clusters = {key: rows for key, rows in self.clusters.items() if key[1] in self.watched}
        else:
            assert kind == "error", message
            self.errors.append(message)
        return message

    def _features(self, message: dict[str, Any]) -> None:
        place = (message["layer"], message["tile"])
        columns = [message[name] for name in ("label", "lon", "lat", "value", "at", "stale")]
        if "count" in message:
            assert message["whole"]
            self.tiles.pop(place, None)
            self.clusters[place] = list(zip(message["count"], *columns, strict=True))
            return
        self.clusters.pop(place, None)
        rows = self.tiles.setdefault(place, {})
        if message["whole"]:
            rows.clear()
        for name in message["gone"]:
            rows.pop(name, None)
        rows.update(zip(message["id"], zip(*columns, strict=True), strict=True))

    def seen(self, layer: str) -> dict[str, Row]:
        """The rows of a layer by id; nothing is in two tiles."""
        found: dict[str, Row] = {}
        for (key, _), rows in self.tiles.items():
            if key == layer:
                assert found.keys().isdisjoint(rows), "an entity in two tiles"
                found.update(rows)
        return found


class Viewer:
    """A screen with its WebSocket."""

    def __init__(self, connection: ClientConnection, screen: Screen) -> None:
        self.connection = connection
        self.screen = screen

    async def watch(self, *layers: str | dict[str, Any], **more: Any) -> None:
        """Ask for layers: types, or whole descriptions."""
        asked = [one if isinstance(one, dict) else {"key": one, "type": one} for one in layers]
        await self.connection.send(orjson.dumps({"watch": {"box": WORLD, "zoom": 3, "layers": asked, **more}}).decode())

    async def until(self, done: Callable[[Screen], object], seconds: float = 30) -> Screen:
        """Read messages until the screen shows what is waited for."""
        async with asyncio.timeout(seconds):
            while not done(self.screen):
                self.screen.take(await self.connection.recv())
        return self.screen

    async def up_to(self, position: int) -> Screen:
        """Read until all up to a position of the log has been told."""
        return await self.until(lambda screen: screen.clock.get("position", -1) >= position)

    async def at(self, instant: str) -> Screen:
        """Read until the clock shows an instant."""
        return await self.until(lambda screen: screen.clock.get("now") == instant)

    async def after(self, instant: str) -> Screen:
        """Read until the clock shows another instant."""
        return await self.until(lambda screen: screen.clock["now"] != instant, 60)

    async def refused(self, count: int) -> Screen:
        """Read until so many watches were refused."""
        return await self.until(lambda screen: len(screen.errors) == count)


@contextlib.asynccontextmanager
async def viewer(port: int, screen: Screen | None = None, **options: Any) -> AsyncIterator[Viewer]:
    """A client of the stream."""
    async with connect(f"ws://127.0.0.1:{port}/api/v1/stream", compression=None, **options) as connection:
        yield Viewer(connection, screen or Screen())
