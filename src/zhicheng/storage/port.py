"""The storage port: what every engine promises. No engine's names, types or errors cross it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from typing import Protocol

import pyarrow as pa

from zhicheng.kernel.errors import ZhichengError
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch, Commit, Cursor, Figures, HistoryQuery, Receipt, Series
from zhicheng.storage.moments import Moments


class Store(Protocol):
    """One tenant's log and its views."""

    state: State
    """The live table: the fold of the whole log, as acknowledged."""

    @property
    def failure(self) -> ZhichengError | None:
        """Why nothing is stored any more; None while all is well."""

    def submit(self, commit: Commit) -> Future[Receipt]:
        """Hand in a commit; the future resolves once it is on disk and the live table shows it."""

    def commit(self, commit: Commit) -> Receipt:
        """`submit`, waited for."""

    def entity(self, identifier: str, attributes: Collection[str] | None = None) -> Entity | None:
        """The live entity, with some of its attributes (IRIs) or all."""

    def history(self, query: HistoryQuery) -> Series:
        """Instances of attributes over time."""

    def rows(self, query: HistoryQuery) -> Batch:
        """The rows of the log that a history is made of: of these entities and attributes, in no order.

        Rows of whole entities (kinds TYPES, SCOPE, LIFE) come where no attributes are named. The window is not applied.
        """

    def as_of(self, valid: int, known: int | None = None) -> State:
        """The city as it was at `valid`, by what was known at `known` (default: now)."""

    def moments(self, start: int, end: int, grain: int) -> Moments:
        """When rows took effect, to `grain` microseconds; those outside of the window may be missing."""

    def first_moment(self) -> int | None:
        """The earliest effective time of all rows; None of an empty log."""

    def during(self, after: int, until: int) -> Batch:
        """The rows that begin to hold after an instant and up to another, in log order, corrections in their places."""

    def tail(self, after: int, limit: int = 65_536) -> Batch:
        """Rows of whole commits after a position, in log order; at least one commit if there is any."""

    def scan(self, after: int, attributes: Collection[str], limit: int = 65_536) -> Iterator[tuple[int, Batch]]:
        """The rows of some attributes, and those of whole entities, after a position, to the end of the log.

        In log order, whole commits, about `limit` rows at a time; each with the position up to which that is all
        there is. Where long stretches are looked through, the same position comes again with no rows, so that who
        reads may rest or stop. No more than some batches are in memory at a time.
        """

    def rows_after(self, position: int) -> int:
        """How many rows the log has after a position."""

    def cursor(self, reader: str, shard: int = 0) -> Cursor | None:
        """Where a reader stands."""

    def listen(self, listener: Callable[[Batch], None]) -> None:
        """Have each acknowledged batch handed to `listener`, in order, from the writer's thread; it must be quick."""

    def put_blob(self, content: bytes) -> str:
        """Keep bytes under their SHA-256, durably."""

    def blob(self, digest: str) -> bytes:
        """The bytes of a digest, checked."""

    def put_table(self, name: str, tables: Mapping[str, pa.Table]) -> int:
        """Keep a new version of a reference table set, durably; gives its number."""

    def table_version(self, name: str) -> int:
        """The newest version of a reference table set, 0 where there is none."""

    def tables(self, name: str, version: int | None = None) -> dict[str, pa.Table]:
        """A version of a reference table set, the newest by default."""

    def relations(self) -> Iterator[tuple[str, pa.Table]]:
        """All history, in parts that fit in memory, for read-only SQL and exports."""

    def figures(self) -> Figures:
        """How large it is."""

    def close(self) -> None:
        """Finish what was accepted and let go of the files."""
