"""The floor of the fan-out: bare uvicorn WebSockets that are all sent the same text, each by ASGI's own way.

`python -m benchmarks.fanout PORT FILE [IMPLEMENTATION]`; a GET of /send sends the text of the file to every client.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

_Message = MutableMapping[str, Any]
_Send = Callable[[_Message], Awaitable[None]]
_Receive = Callable[[], Awaitable[_Message]]


def application(text: str) -> Callable[[_Message, _Receive, _Send], Awaitable[None]]:
    """Each client has a task that sends it what is new, as ours have."""
    clients: set[asyncio.Event] = set()

    async def socket(receive: _Receive, send: _Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        news = asyncio.Event()
        await receive()
        await send({"type": "websocket.send", "text": '{"kind":"clock"}'})
        clients.add(news)
        try:
            while True:
                await news.wait()
                news.clear()
                await send({"type": "websocket.send", "text": text})
        finally:
            clients.discard(news)

    async def bare(scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "websocket":
            await socket(receive, send)
            return
        if scope["path"] == "/send":
            for news in clients:
                news.set()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    return bare


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[2]).read_text("utf-8")), port=int(sys.argv[1]), log_config=None, access_log=False,
        lifespan="off", ws=sys.argv[3] if len(sys.argv) > 3 else "websockets-sansio",
        ws_per_message_deflate=False, backlog=2048, log_level="critical", timeout_graceful_shutdown=1,
    )  # fmt: skip
