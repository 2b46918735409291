"""The ledger: what the log of acts asks of storage. Records are kept for ever as they came, and proven by a tree."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Protocol

from zhicheng.kernel.errors import ZhichengError
from zhicheng.security.heads import Head


class Ledger(Protocol):
    """An append-only list of records with the Merkle tree over them."""

    @property
    def origin(self) -> str:
        """The ledger's own name, part of what is signed."""

    @property
    def size(self) -> int:
        """How many records are on disk."""

    @property
    def first(self) -> int:
        """The number of the oldest record that is still kept."""

    @property
    def failure(self) -> ZhichengError | None:
        """Why nothing is stored any more; None while all is well."""

    def submit(self, record: bytes) -> Future[int]:
        """Hand a record in; the future gives its number once it is on disk, or says why it cannot be."""

    def append(self, record: bytes) -> int:
        """`submit`, waited for."""

    def record(self, number: int) -> bytes:
        """One record; NotFound."""

    def newest_first(self, before: int) -> Iterator[tuple[int, list[bytes]]]:
        """Records below a number, in pieces from the newest: the number of a piece's first record, and the piece."""

    def node(self, level: int, number: int) -> bytes:
        """The hash of a complete node of the tree."""

    def head(self) -> Head:
        """A signed head over all there is now."""

    def expire(self, before: int) -> int:
        """Let go of whole files whose records are all older than an instant; gives how many records went."""

    def close(self) -> None:
        """Sign what there is and let go of the files."""
