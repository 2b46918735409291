"""A city over HTTP without a network: the real application on a real store in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city
from zhicheng.storage.engines.embedded.store import EmbeddedStore

BASE = "http://127.0.0.1:8800"
VITALS_OFF = {"ZHICHENG_APPS__VITALS__ENABLED": "false"}
"""No vital sign is written at a fifth minute of the clock in the middle of a test that does not ask for them."""


def engine_of(city: City) -> EmbeddedStore:
    """The engine of the city's home tenant."""
    engine = city.home.engine
    assert engine is not None
    return engine


class Client(httpx.AsyncClient):
    """A client that knows its city."""

    city: City


Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Starts a city from TOML text: `await start("[server]\\n...", open_to_all=False)`; everything is closed after."""
    async with AsyncExitStack() as stack:

        async def begin(
            text: str = "",
            *,
            open_to_all: bool = True,
            folder: Path | None = None,
            environ: dict[str, str] | None = None,
        ) -> Client:
            file = parse_city(text, tmp_path / "city.toml", {} if "[apps.vitals]" in text else VITALS_OFF)
            city = City(file, DataFolder(folder or tmp_path / "data"), open_to_all=open_to_all, environ=environ or {})
            await city.start()
            stack.push_async_callback(city.stop)
            transport = httpx.ASGITransport(application(city))
            client = await stack.enter_async_context(Client(transport=transport, base_url=BASE))
            client.city = city
            return client

        yield begin


@pytest.fixture
async def client(start: Callable[..., Awaitable[Client]]) -> Client:
    """An open city with nothing in it."""
    return await start()
