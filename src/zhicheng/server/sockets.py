"""uvicorn's WebSockets, with a way to send frames that were made once for many, and to cut who takes nothing."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "zhicheng.frames"
"""In the scope's extensions: a `Line`."""


class Line:
    """The wire of an accepted WebSocket, beside ASGI's `send`: whole frames only, so that the two can be mixed."""

    def __init__(self, protocol: Sockets) -> None:
        self._protocol = protocol

    async def write(self, frames: bytes, patience: float) -> None:
        """Send frames; waits while the wire is full. OSError: it is closed; TimeoutError: it stayed full."""
        protocol = self._protocol
        if not protocol.writable.is_set():
            async with asyncio.timeout(patience):
                await protocol.writable.wait()
        if protocol.disconnected or protocol.close_sent or protocol.transport.is_closing():
            raise BrokenPipeError
        protocol.transport.write(frames)

    def cut(self) -> None:
        """End the connection at once, dropping what it has not taken."""
        self._protocol.transport.abort()


class Sockets(WebSocketsSansIOProtocol):
    """One connection."""

    async def run_asgi(self) -> None:
        extensions = dict(self.scope.get("extensions") or {})
        extensions[EXTENSION] = Line(self)  # type: ignore[assignment]  # extensions hold what they like
        self.scope["extensions"] = extensions
        await super().run_asgi()
