"""The port of the system space: a tenant's records that are no part of its city and that no standard interface lists.

Subscriptions are the first; grants and jobs are kept the same way. A record has a kind, an id of its own within the
kind, and bytes that whoever keeps it understands. An ADR says why these are neither entities nor rows of the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """What is kept."""

    kind: str
    id: str
    body: bytes


class Key(NamedTuple):
    """Names a record."""

    kind: str
    id: str


class Records(Protocol):
    """One tenant's system space; safe to use from any thread."""

    def get(self, kind: str, identifier: str) -> bytes | None:
        """A record's bytes."""

    def all(self, kind: str) -> list[Record]:
        """All records of a kind, by id."""

    def write(self, put: Iterable[Record] = (), drop: Iterable[Key] = (), *, durable: bool = True) -> None:
        """Put (or replace) and drop records, all or none.

        durable: on disk when this returns; otherwise soon after: a killed process loses nothing, a power cut may
        """

    def close(self) -> None:
        """Let go."""
