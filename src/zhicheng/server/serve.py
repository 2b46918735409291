"""Runs a city under uvicorn until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn

from zhicheng.kernel.instants import SECOND
from zhicheng.server.app import App
from zhicheng.server.city import City
from zhicheng.server.table import all_routes

SWITCH_INTERVAL = 0.001
"""Seconds a thread keeps the interpreter when others wait. The writer's thread comes back from SQLite and fsync into a
busy interpreter; at the default of 5 ms each of these returns would wait that long (docs/adr/0004)."""
COLLECTION = (50_000, 20, 50)
"""How seldom cyclic garbage is looked for: requests leave next to none, and at Python's own (700, 10, 10) looking
through the living objects of a batch took a third of its time."""
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

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


def serve(city: City, ready: Callable[[], None]) -> bool:
    """Serve until SIGTERM or SIGINT; `ready` is called once it listens. False where it never came to listen."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION)
    settings = city.settings.server
    logging.getLogger("uvicorn.error").handlers = logging.getLogger("zhicheng").handlers
    logging.getLogger("uvicorn.error").propagate = False
    config = uvicorn.Config(
        application(city), settings.host, settings.port, log_config=None, access_log=False, server_header=False,
        date_header=True, lifespan="on", ws="none", backlog=_BACKLOG,
        timeout_graceful_shutdown=max(1, settings.shutdown // SECOND), log_level="warning",
    )  # fmt: skip
    server = _Server(config, ready)
    try:
        server.run()
    finally:
        city.close()
    return bool(server.started)
