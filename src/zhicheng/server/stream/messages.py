"""What the server says, as text; made once for all who are told the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import orjson

from zhicheng.hub.sheets import Told
from zhicheng.kernel import instants
from zhicheng.kernel.errors import ZhichengError

_FORMS = 4
"""So many forms of a message are kept: those of most clients."""
Wrap: TypeAlias = Callable[[str, int], bytes]
"""How a message and its position go over a connection."""


class Features:
    """A message of features but for what differs between clients: the layer's key, the position, the connection.

    The position is the one up to which its receiver has been told everything: from there it may resume. For most
    receivers it is the same, so the bytes are kept.
    """

    __slots__ = ("_body", "_kept")

    def __init__(self, told: Told) -> None:
        self._body = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
        self._kept: dict[tuple[Wrap, str, int], bytes] = {}

    def wrapped(self, wrap: Wrap, key: str, position: int) -> bytes:
        """The message as it is sent."""
        found = self._kept.get((wrap, key, position))
        if found is None:
            layer = orjson.dumps(key).decode()
            text = f'{{"kind":"features","layer":{layer},{self._body},"position":{position}}}'
            if len(self._kept) >= _FORMS:
                self._kept.clear()
            found = self._kept[wrap, key, position] = wrap(text, position)
        return found


def frame(text: str, position: int) -> bytes:
    r"""A message as one WebSocket frame, as servers send it: the same bytes for everybody (RFC 6455, section 5.2).

    >>> frame("hi", 7)
    b'\x81\x02hi'
    """
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    return (b"\x81\x7e" + size.to_bytes(2) if size < 65_536 else b"\x81\x7f" + size.to_bytes(8)) + data


def event(text: str, position: int) -> bytes:
    r"""A message as a server-sent event.

    >>> event("{}", 7)
    b'id: 7\ndata: {}\n\n'
    """
    return f"id: {position}\ndata: {text}\n\n".encode()


def line(text: str, position: int) -> bytes:
    """A message as a line."""
    return text.encode() + b"\n"


def clock(now: int, position: int, mode: str) -> str:
    """What time it is where the client looks; also the heartbeat, and the end of a round."""
    return f'{{"kind":"clock","now":"{instants.format(now)}","position":{position},"mode":"{mode}"}}'


def tiles(names: list[str]) -> str:
    """The tiles of a watch: what the client has of others, it may forget."""
    return orjson.dumps({"kind": "tiles", "tiles": names}).decode()


def shapes(key: str, position: int) -> str:
    """Lines or areas of a layer changed."""
    return orjson.dumps({"kind": "shapes", "layer": key, "position": position}).decode()


def refusal(error: ZhichengError) -> str:
    """A watch was refused."""
    return orjson.dumps(
        {
            "kind": "error",
            "status": error.status,
            "code": error.code,
            "title": {"en": error.title_en, "zh": error.title_zh},
            "detail": {"en": error.en, "zh": error.zh},
        }
    ).decode()
