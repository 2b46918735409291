"""Sealed segments: a contiguous range of positions as one Parquet file, sorted by entity, attribute, time.

Page checksums are written and verified on every read; the file's digest is checked before it is first opened.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhicheng.kernel.columns import I8, Coded, Index
from zhicheng.kernel.errors import Corrupt
from zhicheng.standards.changes import CODED, Act
from zhicheng.storage.engines.embedded import files
from zhicheng.storage.engines.embedded.arrow import to_arrow, to_batch
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.log import Batch

_GROUP_ROWS = 32_768
_FAR = 2**62
_DELTA = dict.fromkeys(("observed_at", "position", "ordinal", "life", "target"), "DELTA_BINARY_PACKED")


class Facts(msgspec.Struct, frozen=True):
    """What the manifest knows of a segment without opening it; instants in microseconds.

    clean: no corrections and no two instances of a series at one time, so readers need not look for them
    heads: the first entity of each row group
    """

    clean: bool
    amending: bool
    earliest: int
    latest: int
    earliest_valid: int
    recorded_first: int
    recorded_last: int
    heads: list[str]
    last_entity: str


@dataclass(slots=True, eq=False)
class Segment:
    """A sealed range of the log; opened, after its digest was checked, when it is first read."""

    first: int
    last: int
    rows: int
    path: Path
    size: int
    digest: bytes
    facts: Facts
    commits: Commits
    _file: pq.ParquetFile | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """A Parquet file has one reader at a time: two read each other's buffers."""

    def read(self, entities: tuple[str, ...] | None = None, attributes: tuple[str, ...] | None = None) -> Batch | None:
        """The rows of some entities and attributes, or all; None if there are none."""
        groups = self._groups(entities)
        if not groups:
            return None
        try:
            with self._lock:
                table = self._open().read_row_groups(groups, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise Corrupt(f"{self.path} is damaged: {error}", f"{self.path} 已损坏：{error}") from error
        for name, wanted in (("entity", entities), ("attribute", attributes)):
            if wanted is not None:
                table = table.filter(pc.is_in(table.column(name), pa.array(wanted, pa.string())))
        return to_batch(table, [self.commits]) if len(table) else None

    def _groups(self, entities: tuple[str, ...] | None) -> list[int]:
        """The row groups that may hold the entities."""
        heads = self.facts.heads
        if entities is None or not heads:
            return list(range(len(heads)))
        found: set[int] = set()
        for entity in entities:
            if heads[0] <= entity <= self.facts.last_entity:
                start = max(bisect_left(heads, entity) - 1, 0)
                found.update(range(start, bisect_right(heads, entity)))
        return sorted(found)

    def _open(self) -> pq.ParquetFile:
        if self._file is None:
            files.check(self.path, self.digest)
            self._file = pq.ParquetFile(
                self.path, read_dictionary=list(CODED), page_checksum_verification=True, memory_map=False
            )
        return self._file


def write(folder: Path, commits: Commits, batch: Batch, name: str = "") -> Segment:
    """Seal the rows of whole, adjacent commits into a new segment file; `name` tells a rewritten one apart."""
    order, repeated = sorted_order(batch)
    batch = batch.take(order)
    amending = bool((batch.changes.act >= Act.CORRECT).any())
    effective = batch.effective
    first, last = commits.first, commits.first + len(commits) - 1
    path = folder / f"{first:012d}-{last:012d}{name}.parquet"
    size, digest = files.write_durably(path, lambda file: _write_parquet(batch, file))
    entities = batch.changes.entity
    facts = Facts(
        clean=not (amending or repeated),
        amending=amending,
        earliest=int(effective.min(initial=_FAR)),
        latest=int(effective.max(initial=-_FAR)),
        earliest_valid=int(np.minimum(effective, batch.recorded_at).min(initial=_FAR)),
        recorded_first=int(commits.recorded_at[0]),
        recorded_last=int(commits.recorded_at[-1]),
        heads=[entities[row] or "" for row in range(0, len(batch), _GROUP_ROWS)],
        last_entity=(entities[len(batch) - 1] or "") if len(batch) else "",
    )
    return Segment(first, last, len(batch), path, size, digest, facts, commits)


def _write_parquet(batch: Batch, file: BinaryIO) -> None:
    """Each row group with only the texts it uses: those of the whole column would be repeated in every group."""
    writer = pq.ParquetWriter(
        file,
        to_arrow(batch.take(np.arange(0))).schema,
        compression="zstd",
        compression_level=6,
        use_dictionary=[*CODED, "number", "kind", "form", "act", "quality"],
        column_encoding=_DELTA,
        write_page_checksum=True,
        write_statistics=False,
        store_schema=False,
    )
    with writer:
        for start in range(0, len(batch), _GROUP_ROWS):
            group = batch.take(np.arange(start, min(start + _GROUP_ROWS, len(batch))))
            for name in CODED:
                setattr(group.changes, name, getattr(group.changes, name).compact())
            writer.write_table(to_arrow(group), row_group_size=_GROUP_ROWS)


def sorted_order(batch: Batch) -> tuple[Index, bool]:
    """Order by entity, attribute, dataset, effective time, log; and whether a series has two rows at one time."""
    keys = [rank(getattr(batch.changes, name)) for name in ("entity", "attribute", "dataset")]
    effective = batch.effective
    order = np.lexsort((batch.instance, effective, keys[2], keys[1], keys[0]))
    same = np.ones(max(len(order) - 1, 0), bool)
    for key in (*keys, effective):
        same &= np.diff(key[order]) == 0
    return order, bool(same.any())


def rank(column: Coded) -> I8:
    """Numbers that sort as the texts do; nothing comes first."""
    order = np.argsort(np.array(column.values, dtype=object), kind="stable") if column.values else np.zeros(0, np.int64)
    ranks = np.full(len(column.values) + 1, -1, np.int64)
    ranks[order] = np.arange(len(column.values))
    return ranks[column.codes]
