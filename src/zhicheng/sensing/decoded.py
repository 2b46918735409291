"""What a decoder is given beside the bytes, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zhicheng.standards.ngsild.model import Entity

if TYPE_CHECKING:
    import pyarrow as pa

    from zhicheng.sensing.mapping import TableMapping
    from zhicheng.standards.changes import Changes
    from zhicheng.standards.gtfs.static import Static
    from zhicheng.standards.ngsild.context import Contexts

_ROOM = 64 << 20
"""Bytes that any timetable may unpack to."""


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """What the feed's configuration says to its decoder."""

    feed: str
    """Name of the feed; part of the ids of what only this feed knows."""
    network: str | None = None
    """Name that feeds and timetable of one transport network share, in the ids of stops, routes and trips."""
    static: Static | None = None
    """The network's timetable, if there is one."""
    limit: int = 64 << 20
    """Bytes of a body that are read, unpacked where it is packed; of a timetable's zip more, see `room`."""
    mapping: TableMapping | None = None
    """What the columns of a table mean, for decoders that need it."""
    contexts: Contexts | None = None
    """The city's @context documents; its default one gives the IRIs of the names in a mapping."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Further keys of the feed's configuration."""
    name: str = ""
    """What the body is called: of a file its name."""

    def room(self, body: bytes) -> int:
        """Bytes that a timetable's zip may unpack to: real ones hold up to 20 times their size, a bomb a thousand."""
        return min(self.limit * 16, _ROOM + len(body) * 50)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something in a body that was left out, and why."""

    id: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body's content: drafts of entities, read only (drafts may share attributes).

    full: these are all the entities the feed knows; others that came by it are gone
    whole: each entity is all the feed knows of it; attributes that came by it before and are not here are gone
    issued_at: instant the body was made, None where it does not say
    """

    entities: list[Entity]
    full: bool = False
    whole: bool = False
    issued_at: int | None = None
    removed: tuple[str, ...] = ()
    """Ids of entities that the body says are gone."""
    refused: tuple[Refusal, ...] = ()
    changes: Changes | None = None
    """What a decoder of tables gives instead of entities: rows of the log, column-wise."""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    """Reference tables to keep, by name."""
