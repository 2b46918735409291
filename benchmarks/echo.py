"""The floor of the HTTP figures: a bare ASGI application under uvicorn, set as ours is. `python -m benchmarks.echo PORT FILE`"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

_Message = MutableMapping[str, Any]


def application(
    body: bytes,
) -> Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]:
    """Takes the whole of a request and answers."""
    fixed = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    created = [(b"location", b"/ngsi-ld/v1/entities/urn:ngsi-ld:Made:1"), (b"content-length", b"0")]

    async def echo(
        scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
    ) -> None:
        while (await receive()).get("more_body"):
            pass
        if scope["method"] == "POST":
            await send({"type": "http.response.start", "status": 201, "headers": created})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": fixed})
            await send({"type": "http.response.body", "body": body})

    return echo


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[2]).read_bytes()), port=int(sys.argv[1]), log_config=None, access_log=False,
        server_header=False, date_header=True, lifespan="off", ws="none", backlog=2048, log_level="warning",
    )  # fmt: skip
