"""The floor of the HTTP figures: a bare ASGI application under uvicorn, set as ours is.

`python -m benchmarks.echo PORT FILE`
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import orjson
import uvicorn

_Message = MutableMapping[str, Any]


def application(
    body: bytes,
) -> Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]:
    """Takes the whole of a request; answers a POST with its JSON, read and written again, and a GET with `body`."""
    json = (b"content-type", b"application/json")
    fixed = [json, (b"content-length", str(len(body)).encode())]

    async def echo(
        scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
    ) -> None:
        message = await receive()
        taken: bytes = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            taken += message.get("body", b"")
        if scope["method"] == "POST":
            echoed = orjson.dumps(orjson.loads(taken))
            headers = [json, (b"content-length", str(len(echoed)).encode())]
            await send({"type": "http.response.start", "status": 201, "headers": headers})
            await send({"type": "http.response.body", "body": echoed})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": fixed})
            await send({"type": "http.response.body", "body": body})

    return echo


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[2]).read_bytes()), port=int(sys.argv[1]), log_config=None, access_log=False,
        server_header=False, date_header=True, lifespan="off", ws="none", backlog=2048, log_level="warning",
    )  # fmt: skip
