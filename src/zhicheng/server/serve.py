"""Runs a city under uvicorn until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from zhicheng.kernel.instants import SECOND
from zhicheng.server.app import App
from zhicheng.server.city import City
from zhicheng.server.connections import Connection
from zhicheng.server.sockets import Sockets
from zhicheng.server.table import all_routes

SWITCH_INTERVAL = 0.001
"""Seconds a thread keeps the interpreter when others wait. The writer's thread comes back from SQLite and fsync into a
busy interpreter; at the default of 5 ms each of these returns would wait that long (docs/adr/0004)."""
COLLECTION = (50_000, 20, 50)
"""How seldom cyclic garbage is looked for: requests leave next to none, and at Python's own (700, 10, 10) looking
through the living objects of a batch took a third of its time."""
_BACKLOG = 2048
_MESSAGE = 65_536
"""Bytes of the largest WebSocket message that is taken. They are not compressed: it would cost each client its share of
a processor, and what is sent to all could not be the same bytes."""


class _Server(uvicorn.Server):
    """Says when it listens, gives up connections that hold it up, and tells the city when it is to end."""

    def __init__(self, config: uvicorn.Config, city: City, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._city = city
        self._ready = ready
        self._patience = city.settings.server.patience / SECOND
        self._given_up = city.telemetry.counter(
            "connections_given_up", "Connections of stalled clients", ["waited_for"]
        )

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % 10 == 0:
            self.look(time.monotonic())
        return await super().on_tick(counter)

    def look(self, now: float) -> None:
        """Give up what is overdue."""
        for one in tuple(self.server_state.connections):
            if isinstance(one, Connection) and (wait := one.overdue(now, self._patience)):
                one.transport.abort()
                self._given_up.add(waited_for=wait)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._city.ending = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the server and are done with: uvicorn itself would raise them again afterwards."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def application(city: City) -> App:
    """The ASGI application of a city."""
    return App(city, all_routes(city.apps), city.telemetry)


def server_of(city: City, ready: Callable[[], None]) -> uvicorn.Server:
    """The server of a city, not yet begun."""
    settings = city.settings.server
    config = uvicorn.Config(
        application(city), settings.host, settings.port, log_config=None, access_log=False, server_header=False,
        date_header=True, lifespan="on", http=Connection, ws=Sockets, backlog=_BACKLOG,
        ws_max_size=_MESSAGE, ws_per_message_deflate=False, ws_ping_interval=20.0, ws_ping_timeout=20.0,
        timeout_graceful_shutdown=max(1, settings.shutdown // SECOND), log_level="warning",
    )  # fmt: skip
    return _Server(config, city, ready)


def serve(city: City, ready: Callable[[], None]) -> bool:
    """Serve until SIGTERM or SIGINT; `ready` is called once it listens. False where it never came to listen."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION)
    logging.getLogger("uvicorn.error").handlers = logging.getLogger("zhicheng").handlers
    logging.getLogger("uvicorn.error").propagate = False
    server = server_of(city, ready)
    try:
        server.run()
    finally:
        city.close()
    return bool(server.started)
