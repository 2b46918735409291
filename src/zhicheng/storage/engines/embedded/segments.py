"""Sealed segments: a contiguous range of positions as one Parquet file, sorted by entity, attribute, time.

Page checksums are written and verified on every read; the file's digest is checked before it is first opened.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zhicheng.kernel.columns import I1, I8, Coded, Index, Mask
from zhicheng.kernel.errors import Corrupt
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import CODED, Act
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded import files
from zhicheng.storage.engines.embedded.arrow import coded_of, to_arrow, to_batch
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.checked import CheckedFile
from zhicheng.storage.log import Batch
from zhicheng.storage.series import concat, empty_batch

_GROUP_ROWS = 16_384
"""Rows that are read at least: fewer make one entity's history quicker, and the file larger (by 9 % at 8,192)."""
_GROUPS_AT_ONCE = 16
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


@dataclass(frozen=True, slots=True)
class Content:
    """What a row group is known to hold: of which attributes, and whether there are rows of whole entities."""

    attributes: frozenset[str]
    whole: bool


Triple = tuple[str | None, str | None, str | None]
"""An attribute with an owner and a classification; no attribute in rows of whole entities."""
_TRIPLE = ("attribute", "owner", "classification")


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
    contents: dict[int, Content] = field(default_factory=dict)
    """By row group, of those that were looked at: who comes next need not look where nothing is."""
    _triples: frozenset[Triple] | None = None
    _file: CheckedFile | None = None
    _parquet: pq.ParquetFile | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """A Parquet file has one reader at a time: two read each other's buffers."""

    def read(self, entities: tuple[str, ...] | None = None, attributes: tuple[str, ...] | None = None) -> Batch | None:
        """The rows of some entities and attributes, or all; None if there are none."""
        groups = self._groups(entities)
        if not groups:
            return None
        table = self._table(groups)
        asked = (("entity", entities), ("attribute", attributes))
        masks = [_among(table.column(name), wanted) for name, wanted in asked if wanted is not None]
        if masks:
            rows = np.flatnonzero(np.logical_and.reduce(masks))
            if not len(rows):
                return None
            # the rows of an entity lie together: cutting them out first leaves little to pick from
            table = table.slice(int(rows[0]), int(rows[-1] - rows[0]) + 1)
            if len(rows) < len(table):
                table = table.take(pa.array(rows - rows[0]))
        return to_batch(table, [self.commits]) if len(table) else None

    def parts(self) -> Iterator[Batch]:
        """All rows, a row group at a time."""
        for group in range(len(self.facts.heads)):
            yield to_batch(self._table([group]), [self.commits])

    def chosen(self, group: int, rows: Callable[[Coded, I1, I8], Mask]) -> Batch:
        """The rows of a row group that are chosen by attribute, kind and position."""
        table = self._table([group])
        mask = rows(*_outline(table))
        return to_batch(table if mask.all() else table.take(pa.array(np.flatnonzero(mask))), [self.commits])

    def outline(self, group: int) -> tuple[Coded, I1, I8]:
        """Attribute, kind and position of the rows of a row group; nothing else is read."""
        table = self._table([group], ["attribute", "kind", "position"])
        attribute, kind, position = _outline(table)
        if group not in self.contents:
            self.contents[group] = Content(frozenset(attribute.values), bool((kind >= Kind.TYPES).any()))
        return attribute, kind, position

    def effective(self) -> Iterator[I8]:
        """When the rows take effect, a row group at a time; nothing else is read."""
        for group in range(len(self.facts.heads)):
            table = self._table([group], ["observed_at", "position"])
            observed = table.column("observed_at").cast(pa.int64()).fill_null(ABSENT).to_numpy()
            recorded = self.commits.recorded_at[table.column("position").to_numpy() - self.first]
            yield np.where(observed == ABSENT, recorded, observed)

    def triples(self) -> frozenset[Triple]:
        """The attributes that it holds, with the owners and classifications of their values; looked for once."""
        if self._triples is None:
            parts = (_triples(table) for table in self.columns(_TRIPLE))
            self._triples = frozenset(triple for part in parts for triple in part)
        return self._triples

    def columns(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Some columns of all rows, a few row groups at a time."""
        groups = list(range(len(self.facts.heads)))
        for start in range(0, len(groups), _GROUPS_AT_ONCE):
            yield self._table(groups[start : start + _GROUPS_AT_ONCE], list(names))

    def between(self, start: str, end: str | None) -> Batch | None:
        """The rows of entities from `start` up to, not including, `end`; None if there are none."""
        heads = self.facts.heads
        first = max(bisect_left(heads, start) - 1, 0)
        groups = list(range(first, len(heads) if end is None else bisect_left(heads, end)))
        if not groups:
            return None
        batch = to_batch(self._table(groups), [self.commits])
        column = batch.changes.entity
        inside = np.array([*(start <= value and (end is None or value < end) for value in column.values), False])
        rows = inside[column.codes]
        return batch.take(rows) if rows.any() else None

    def _table(self, groups: list[int], columns: list[str] | None = None) -> pa.Table:
        try:
            with self._lock:
                return self._read(groups, columns)
        except (OSError, pa.ArrowException) as error:
            raise Corrupt(f"{self.path} is damaged: {error}", f"{self.path} 已损坏：{error}") from error

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

    def _read(self, groups: list[int], columns: list[str] | None) -> pa.Table:
        if self._parquet is None or self._file is None:
            self._file = CheckedFile(self.path, self.digest)
            # reading ahead takes threads of its own, and gains nothing here
            self._parquet = pq.ParquetFile(
                self._file, read_dictionary=list(CODED), page_checksum_verification=True, pre_buffer=False
            )
        try:
            return self._parquet.read_row_groups(groups, columns, use_threads=False)
        finally:
            self._file.forget()


def write(folder: Path, commits: Commits, batch: Batch, name: str = "") -> Segment:
    """Seal the rows of whole, adjacent commits into a new segment file; `name` tells a rewritten one apart."""
    return _write(folder, commits, [batch], name)


def merge(folder: Path, parts: Sequence[Segment]) -> Segment:
    """One segment of adjacent ones, read and written a range of entities at a time."""
    heads = sorted(head for part in parts for head in part.facts.heads)
    bounds = list(dict.fromkeys(["", *heads[:: len(parts)][1:]]))
    ranges = zip(bounds, [*bounds[1:], None], strict=True)
    batches = ([found for part in parts if (found := part.between(*ends)) is not None] for ends in ranges)
    return _write(folder, Commits.concat([part.commits for part in parts]), (concat(b) for b in batches if b), "m")


@dataclass(slots=True)
class _Tally:
    """What is learnt of the rows while they are written."""

    rows: int = 0
    repeated: bool = False
    amending: bool = False
    earliest: int = _FAR
    latest: int = -_FAR
    earliest_valid: int = _FAR
    heads: list[str] = field(default_factory=list)
    last_entity: str = ""

    def add(self, batch: Batch) -> None:
        """The rows of a row group."""
        effective, entities = batch.effective, batch.changes.entity
        self.rows += len(batch)
        self.amending |= bool((batch.changes.act >= Act.CORRECT).any())
        self.earliest = min(self.earliest, int(effective.min()))
        self.latest = max(self.latest, int(effective.max()))
        self.earliest_valid = min(self.earliest_valid, int(np.minimum(effective, batch.recorded_at).min()))
        self.heads.append(entities[0] or "")
        self.last_entity = entities[len(batch) - 1] or ""


def _write(folder: Path, commits: Commits, batches: Iterable[Batch], name: str) -> Segment:
    """Batches come in order of their entities, no entity in two of them."""
    first, last = commits.first, commits.first + len(commits) - 1
    path = folder / f"{first:012d}-{last:012d}{name}.parquet"
    tally = _Tally()
    size, digest = files.write_durably(path, lambda file: _write_parquet(batches, file, tally))
    facts = Facts(
        clean=not (tally.amending or tally.repeated),
        amending=tally.amending,
        earliest=tally.earliest,
        latest=tally.latest,
        earliest_valid=tally.earliest_valid,
        recorded_first=int(commits.recorded_at[0]),
        recorded_last=int(commits.recorded_at[-1]),
        heads=tally.heads,
        last_entity=tally.last_entity,
    )
    return Segment(first, last, tally.rows, path, size, digest, facts, commits)


def _write_parquet(batches: Iterable[Batch], file: BinaryIO, tally: _Tally) -> None:
    """Each row group with only the texts it uses: those of the whole column would be repeated in every group."""
    writer = pq.ParquetWriter(
        file,
        to_arrow(empty_batch()).schema,
        compression="zstd",
        compression_level=6,
        use_dictionary=[*CODED, "number", "kind", "form", "act", "quality"],
        column_encoding=_DELTA,
        write_page_checksum=True,
        write_statistics=False,
        store_schema=False,
    )
    with writer:
        for batch in batches:
            order, repeated = sorted_order(batch)
            tally.repeated |= repeated
            for start in range(0, len(batch), _GROUP_ROWS):
                group = batch.take(order[start : start + _GROUP_ROWS])
                for name in CODED:
                    setattr(group.changes, name, getattr(group.changes, name).compact())
                tally.add(group)
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


def _outline(table: pa.Table) -> tuple[Coded, I1, I8]:
    return coded_of(table.column("attribute")), table.column("kind").to_numpy(), table.column("position").to_numpy()


def _triples(table: pa.Table) -> set[Triple]:
    attribute, owner, classification = (coded_of(table.column(name)) for name in _TRIPLE)
    sizes = len(owner.values) + 1, len(classification.values) + 1
    key = (attribute.codes.astype(np.int64) + 1) * sizes[0] + owner.codes + 1
    _, rows = np.unique(key * sizes[1] + classification.codes + 1, return_index=True)
    return {(attribute[row], owner[row], classification[row]) for row in rows.tolist()}


def _among(column: pa.ChunkedArray, wanted: tuple[str, ...]) -> Mask:
    """Which rows of a dictionary-encoded column hold one of the texts."""
    chosen = set(wanted)
    parts = []
    for chunk in column.chunks:
        known = np.array([*(text in chosen for text in chunk.dictionary.to_pylist()), False])
        parts.append(known[chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)
