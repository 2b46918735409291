"""Erasure: what was stored of an entity, an attribute or an instance is destroyed, in blocks and in segments.

The row that orders it stays in the log, so that a restored backup is erased again. Positions and ordinals of
all other rows hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zhicheng.kernel.columns import Mask
from zhicheng.storage.engines.embedded import blocks, segments
from zhicheng.storage.engines.embedded.database import Database
from zhicheng.storage.engines.embedded.segments import Segment
from zhicheng.storage.engines.embedded.tail import Chunk, chunk_of
from zhicheng.storage.erasures import Erasure
from zhicheng.storage.log import Batch


def of_chunk(chunk: Chunk, erasures: list[Erasure]) -> Chunk:
    """The chunk without the rows."""
    gone = _any(chunk.batch, erasures)
    if not gone.any():
        return chunk
    kept = np.flatnonzero(~gone)
    return chunk_of(chunk.commits, chunk.batch.take(kept), chunk.codes[kept])


def _any(batch: Batch, erasures: list[Erasure]) -> Mask:
    gone = np.zeros(len(batch), bool)
    for erasure in erasures:
        gone |= erasure.matches(batch.changes, batch.position, batch.ordinal)
    return gone


def of_blocks(database: Database, erasures: list[Erasure]) -> None:
    """Rewrite the blocks of the open end that hold such rows. Call within a transaction."""
    for first, block in database.rows("SELECT first, block FROM log WHERE first <= ?", (erasures[-1].position,)):
        commits, changes = blocks.decode(block)
        gone = _any(commits.batch(changes), erasures)
        if gone.any():
            rewritten = blocks.encode(commits, blocks.blank(changes, gone))
            database.run("UPDATE log SET block = ? WHERE first = ?", (rewritten, first))


def of_segment(segment: Segment, folder: Path, erasures: list[Erasure]) -> Segment | None:
    """A new segment without the rows, None if it holds none of them."""
    entities = tuple(sorted({erasure.entity for erasure in erasures}))
    part = segment.read(entities)
    if part is None or not _any(part, erasures).any():
        return None
    whole = segment.read()
    kept = np.flatnonzero(~_any(whole, erasures)) if whole is not None else np.zeros(0, np.intp)
    assert whole is not None  # it had rows to erase
    return segments.write(folder, segment.commits, whole.take(kept), name=f"e{erasures[-1].position:012d}")
