"""What a feed draws from: a source gives one payload after another, and a cursor says how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from zhicheng.kernel.errors import Invalid, ZhichengError


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a source has been read; kept as text beside the data, in the same commit.

    `sequence` counts payloads; the rest is the source's: the last file, or an HTTP answer's validators and digest.

    >>> Cursor.parse(Cursor(3, name="a.pb").text()) == Cursor(3, name="a.pb")
    True
    """

    sequence: int = 0
    name: str = ""
    at: int = 0
    etag: str = ""
    modified: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """The cursor of a text; of nothing, the beginning."""
        if not text:
            return cls()
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError:
            raise Invalid(f"{text!r} is not a feed's cursor", f"{text!r} 不是数据源游标") from None

    def text(self) -> str:
        """The cursor as text."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class Payload:
    """One body as it came: from where, when (microseconds), the how-manieth, and the cursor once it is stored."""

    body: bytes
    name: str
    fetched_at: int
    cursor: Cursor

    @property
    def sequence(self) -> int:
        """The how-manieth payload of its feed, from 1; the same on every retry."""
        return self.cursor.sequence


@dataclass(frozen=True, slots=True)
class Poll:
    """What a source has now: a payload or None, the seconds until it is worth asking again, and whether it is done.

    With `refused` the payload could not be read and has no body: it is counted and passed over.
    """

    payload: Payload | None
    wait: float = 0.0
    ended: bool = False
    refused: ZhichengError | None = None


class Source(Protocol):
    """Something that gives payloads in order.

    Asked with the same cursor it gives the same payload, or a newer one if it keeps only the newest.
    """

    kind: str
    skips_refused: bool
    """Whether a payload that cannot be read is passed over (files) or awaited anew (HTTP)."""

    async def next(self, cursor: Cursor) -> Poll: ...

    async def close(self) -> None: ...
