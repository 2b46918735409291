"""The open end of the log in memory: recent groups, merged as they grow old, for history and sealing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zhicheng.kernel.columns import I4
from zhicheng.standards.changes import Act
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.log import Batch
from zhicheng.storage.series import concat


@dataclass(frozen=True, slots=True)
class Chunk:
    """Adjacent groups: their commits, rows (without erased ones) and the rows' entity codes in the directory.

    amending: there are corrections or erasures among the rows
    """

    commits: Commits
    batch: Batch
    codes: I4
    amending: bool

    @property
    def last(self) -> int:
        return self.commits.first + len(self.commits) - 1


def chunk_of(commits: Commits, batch: Batch, codes: I4) -> Chunk:
    """A chunk of groups."""
    return Chunk(commits, batch, codes, bool((batch.changes.act >= Act.CORRECT).any()))


class Tail:
    """Chunks in log order. Chunks are immutable and the tuples are swapped, so readers may keep old ones.

    sealing: the chunks that are being made a segment, which nothing is merged with; rows: of the others
    """

    __slots__ = ("fresh", "rows", "sealing")
    _MERGE = 16

    def __init__(self) -> None:
        self.sealing: tuple[Chunk, ...] = ()
        self.fresh: tuple[Chunk, ...] = ()
        self.rows = 0

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """All of them, in log order."""
        return self.sealing + self.fresh

    def begin_sealing(self) -> tuple[Chunk, ...]:
        """Set the present chunks apart; gives them (those of a failed attempt included)."""
        self.sealing, self.fresh, self.rows = self.chunks, (), 0
        return self.sealing

    def end_sealing(self) -> None:
        """What was set apart is in a segment now."""
        self.sealing = ()

    def append(self, chunk: Chunk) -> None:
        """A new group; every 16 chunks of similar size become one."""
        chunks = [*self.fresh, chunk]
        while len(chunks) >= self._MERGE:
            size = len(chunks[-1].batch)
            alike = 1
            while alike < len(chunks) and len(chunks[-alike - 1].batch) <= max(4 * size, 64):
                size += len(chunks[-alike - 1].batch)
                alike += 1
            if alike < self._MERGE:
                break
            chunks[-alike:] = [merged(chunks[-alike:])]
        self.fresh = tuple(chunks)
        self.rows += len(chunk.batch)

    def map(self, change: Callable[[Chunk], Chunk]) -> None:
        """Other chunks in the place of all."""
        self.sealing = tuple(change(chunk) for chunk in self.sealing)
        self.fresh = tuple(change(chunk) for chunk in self.fresh)

    def after(self, position: int) -> tuple[Chunk, ...]:
        """The chunks that hold rows after a position."""
        return tuple(chunk for chunk in self.chunks if chunk.last > position)


def read(chunks: tuple[Chunk, ...], codes: I4 | None, attributes: tuple[str, ...] | None) -> list[Batch]:
    """The chunks' rows of some entities (by code) and attributes, or all."""
    found = []
    for chunk in chunks:
        mask = np.ones(len(chunk.batch), bool)
        if codes is not None:
            mask = chunk.codes == codes[0] if len(codes) == 1 else np.isin(chunk.codes, codes)
        if attributes is not None:
            column = chunk.batch.changes.attribute
            wanted = np.array([*(value in attributes for value in column.values), False])
            mask &= wanted[column.codes]
        if mask.any():
            found.append(chunk.batch.take(np.flatnonzero(mask)))
    return found


def merged(chunks: list[Chunk] | tuple[Chunk, ...]) -> Chunk:
    """Adjacent chunks as one."""
    if len(chunks) == 1:
        return chunks[0]
    return chunk_of(
        Commits.concat([chunk.commits for chunk in chunks]),
        concat([chunk.batch for chunk in chunks]),
        np.concatenate([chunk.codes for chunk in chunks]),
    )
