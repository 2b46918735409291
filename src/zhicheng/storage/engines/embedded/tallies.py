"""Tallies of the embedded log: a segment is counted once, from three of its columns; the open end as it stands."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa

from zhicheng.kernel.columns import I8
from zhicheng.kernel.instants import ABSENT
from zhicheng.storage.engines.embedded.arrow import coded_of, instants_of
from zhicheng.storage.engines.embedded.segments import Segment
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.engines.embedded.tail import Chunk
from zhicheng.storage.live import State
from zhicheng.storage.tally import Rows, Tally, joined, tally

_COLUMNS = ("entity", "position", "observed_at")


class Tallies:
    """Counts a store's log; what is sealed is remembered."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self._sealed: dict[str, Tally] = {}
        self._open: dict[int, tuple[Chunk, Tally]] = {}
        self._lock = threading.Lock()

    def counted(self) -> tuple[Tally, bool]:
        """What is counted so far, without reading any file, and whether that is everything."""
        _, sealed, chunks = self._store.parts()
        known = [found for segment in sealed if (found := self._sealed.get(segment.path.name)) is not None]
        fresh = {id(chunk): self._open.get(id(chunk)) or (chunk, self._of_chunk(chunk)) for chunk in chunks}
        self._open = fresh
        return joined([*known, *(found for _, found in fresh.values())]), len(known) == len(sealed)

    def count(self) -> None:
        """Count the segments that are not counted yet; takes a moment where there are many."""
        with self._lock:
            _, sealed, _ = self._store.parts()
            names = {segment.path.name for segment in sealed}
            kept = {name: found for name, found in self._sealed.items() if name in names}
            self._sealed = kept
            for segment in sealed:
                if segment.path.name not in kept:
                    self._sealed = {**self._sealed, segment.path.name: _of_segment(segment, self._store.state)}

    def _of_chunk(self, chunk: Chunk) -> Tally:
        batch, facts = chunk.batch, chunk.commits
        table = self._store.state.directory.table[chunk.codes].astype(np.int64)
        return tally([(table, batch.position - facts.first, batch.effective)], facts.source, facts.recorded_at)


def _of_segment(segment: Segment, state: State) -> Tally:
    """From three columns, some row groups at a time: the texts of the others are never read."""
    facts = segment.commits
    return tally((_rows(table, segment, state) for table in segment.columns(_COLUMNS)), facts.source, facts.recorded_at)


def _rows(table: pa.Table, segment: Segment, state: State) -> Rows:
    facts = segment.commits
    entity = coded_of(table.column("entity"))
    at = table.column("position").to_numpy() - facts.first
    observed = instants_of(table.column("observed_at"))
    effective = np.where(observed == ABSENT, facts.recorded_at[at], observed)
    return _tables(entity.values, state)[entity.codes], at, effective


def _tables(entities: list[str], state: State) -> I8:
    """In which live table each entity stands, -1 where it is gone."""
    index, table = state.directory.index, state.directory.table
    codes = [index.get(entity, -1) for entity in entities]
    return np.array([-1 if code < 0 else table[code] for code in codes] + [-1], np.int64)
