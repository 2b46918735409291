"""The embedded store: state.db, segments and the live table, behind one thread that writes."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from zhicheng.kernel.columns import I4
from zhicheng.kernel.errors import StorageFailed, StorageFull, Unavailable, ZhichengError
from zhicheng.kernel.instants import SECOND, Clock, system_clock
from zhicheng.standards.changes import Act
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage import admission
from zhicheng.storage.engines.embedded import blocks, erasure, files, reading, segments, snapshots, wal
from zhicheng.storage.engines.embedded.archive import Archive, check_gapless, check_whole, mergeable
from zhicheng.storage.engines.embedded.arrow import to_arrow
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.database import Database
from zhicheng.storage.engines.embedded.lock import FolderLock
from zhicheng.storage.engines.embedded.migrations import migrate
from zhicheng.storage.engines.embedded.objects import Objects
from zhicheng.storage.engines.embedded.planning import Group, Planner
from zhicheng.storage.engines.embedded.segments import Segment
from zhicheng.storage.engines.embedded.short import Waiting
from zhicheng.storage.engines.embedded.tail import Chunk, Tail, chunk_of, merged
from zhicheng.storage.engines.embedded.writer import Writer
from zhicheng.storage.entities import entity_of
from zhicheng.storage.erasures import Erasure, ordered
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch, Commit, Cursor, Figures, HistoryQuery, Receipt, Series
from zhicheng.storage.moments import Moments, together
from zhicheng.storage.past import state_as_of
from zhicheng.storage.series import concat, in_log_order, series_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """seal_rows: rows of the open end that make a segment; segment_rows: most rows of a merged one
    group_rows: most rows of one transaction
    snapshot_rows: rows after which the next sealing also writes a snapshot; snapshots_kept: how many stay
    """

    seal_rows: int = 262_144
    segment_rows: int = 16_777_216
    group_rows: int = 65_536
    snapshot_rows: int = 1_000_000
    snapshots_kept: int = 8


class EmbeddedStore:
    """A tenant's folder: state.db, segments/, snapshots/, tables/, blobs/."""

    def __init__(self, folder: Path, settings: EmbeddedSettings | None = None, clock: Clock = system_clock) -> None:
        self.folder = folder
        self.settings = settings or EmbeddedSettings()
        files.make_folder(folder)
        self._lock = FolderLock(folder)
        with contextlib.ExitStack() as undo:
            undo.callback(self._lock.release)
            check_whole(folder)
            wal.check(folder / "state.db-wal")
            self._database = Database(folder / "state.db")
            undo.callback(self._database.close)
            migrate(self._database, folder)
            self._reader = Database(folder / "state.db")
            undo.callback(self._reader.close)
            self._load(clock)
            undo.pop_all()
        self._listeners: list[Callable[[Batch], None]] = []
        self._sealing = threading.Lock()
        self._since_snapshot = 0
        self._writer = Writer(folder, self.settings.group_rows, self._store, self._seal_if_due)
        with self._sealing:
            self._erase()

    def _load(self, clock: Clock) -> None:
        self._reading = threading.Lock()
        self._objects = Objects(self.folder, self._reader, self._reading)
        self._archive = Archive(self.folder, self._reader, self._reading)
        self._segments: tuple[Segment, ...] = self._archive.load()
        self._tail = Tail()
        self._moments: dict[tuple[Path, int], Moments] = {}
        self.state = self._load_state()
        self._planner = Planner(self.state, self._database, clock)

    # commits ------------------------------------------------------------------------------------------------

    def submit(self, commit: Commit) -> Future[Receipt]:
        """See the port."""
        admission.check(commit)
        return self._writer.submit(commit)

    def commit(self, commit: Commit) -> Receipt:
        """See the port."""
        return self.submit(commit).result()

    def listen(self, listener: Callable[[Batch], None]) -> None:
        """See the port."""
        self._listeners.append(listener)

    @property
    def failure(self) -> ZhichengError | None:
        """Why nothing is stored any more; None while all is well."""
        return self._writer.failure

    def _store(self, waiting: list[Waiting]) -> None:
        """Plan, make durable, show, acknowledge."""
        if self.failure is not None:
            raise self.failure
        try:
            with self._writer.stopping():
                group = self._planner.plan(waiting)
                self._persist(group)
        except BaseException:
            self._forget()
            raise
        if group.commits is not None and group.batch is not None:
            self._show(group.commits, group.batch, group.codes)
        if group.batch is not None and (group.batch.changes.act == Act.ERASE).any():
            threading.Thread(target=self._erase_and_answer, args=(group.receipts,), name="eraser").start()
            return
        for future, receipt in group.receipts:
            future.set_result(receipt)

    def _forget(self) -> None:
        if self.failure is None:
            try:
                self._planner.forget()
            except ZhichengError as error:
                self._writer.stop(error)

    def _persist(self, group: Group) -> None:
        if group.commits is None and not group.cursors and not group.producers:
            return
        with self._database.transaction():
            if group.commits is not None and group.changes is not None and group.batch is not None:
                block = blocks.encode(group.commits, group.changes)
                last = group.commits.first + len(group.commits) - 1
                self._database.append(group.commits.first, last, len(group.changes), block)
                self._database.note_erasures([astuple(order) for order in ordered(group.batch)])
            if group.producers:
                self._database.note_producers(group.producers)
            if group.cursors:
                self._database.move_cursors(group.cursors)

    def _show(self, commits: Commits, batch: Batch, codes: I4) -> None:
        try:
            with self.state.lock:
                self._tail.append(chunk_of(commits, batch, codes))
                self.state.apply(batch, self._cell_history)
                self.state.position = commits.first + len(commits) - 1
        except Exception as error:
            # what is stored and what is live have parted ways; only a restart brings them together
            en, zh = f"What was stored cannot be shown ({error}): restart", f"已保存的内容无法显示（{error}）：请重启"
            self._writer.stop(StorageFailed(en, zh))
            raise StorageFailed(en, zh) from error
        for listener in self._listeners:
            try:
                listener(batch)
            except Exception:
                logger.exception("a listener of the log failed")

    # reads --------------------------------------------------------------------------------------------------

    def entity(self, identifier: str, attributes: Collection[str] | None = None) -> Entity | None:
        """See the port."""
        with self.state.lock:
            return entity_of(self.state, identifier, attributes)

    def history(self, query: HistoryQuery) -> Series:
        """See the port."""
        batch = self.rows(query)
        return series_of(batch, query)

    def rows(self, query: HistoryQuery) -> Batch:
        """See the port."""
        with self.state.lock:
            sealed, tail = self._segments, self._tail.chunks
            index = self.state.directory.index
            known = None if query.entities is None else [index[name] for name in query.entities if name in index]
        return reading.of_query(sealed, tail, None if known is None else np.array(known, np.int32), query)

    def _cell_history(self, entity: str, attribute: str) -> Batch:
        return in_log_order(self.rows(HistoryQuery((entity,), (attribute,), time="effective")))

    def as_of(self, valid: int, known: int | None = None) -> State:
        """See the port."""
        until = self.state.recorded_at if known is None else known
        base = self._archive.base(min(valid, until))
        after = base.position if base is not None else 0
        with self.state.lock:
            sealed, tail = self._segments, self._tail.after(after)
        rows = reading.of_past(sealed, tail, after, valid, until)
        return state_as_of(base, rows, valid, until, self._cell_history)

    def moments(self, start: int, end: int, grain: int) -> Moments:
        """See the port. What a segment gives is remembered: it never changes, and the slider asks again and again."""
        with self.state.lock:
            sealed, tail = self._segments, self._tail.chunks
        parts = [reading.of_moments((), tail, start, end, grain)]
        known = {(segment.path, grain): self._moments.get((segment.path, grain)) for segment in sealed}
        for segment in sealed:
            if segment.facts.earliest < end and segment.facts.latest >= start:
                key = segment.path, grain
                known[key] = known[key] or reading.of_moments((segment,), (), start, end, grain)
        kept = {key: found for key, found in known.items() if found is not None}
        if grain >= SECOND:
            self._moments = kept
        return together([*parts, *kept.values()])

    def first_moment(self) -> int | None:
        """See the port."""
        with self.state.lock:
            sealed, tail = self._segments, self._tail.chunks
        found = [segment.facts.earliest for segment in sealed if segment.rows]
        found += [int(chunk.batch.effective.min()) for chunk in tail if len(chunk.batch)]
        return min(found, default=None)

    def during(self, after: int, until: int) -> Batch:
        """See the port."""
        with self.state.lock:
            sealed, tail = self._segments, self._tail.chunks
        return reading.of_during(sealed, tail, after, until)

    def tail(self, after: int, limit: int = 65_536) -> Batch:
        """See the port."""
        with self.state.lock:
            sealed, tail = self._segments, self._tail.after(after)
        return reading.of_tail(sealed, tail, after, limit)

    def scan(self, after: int, attributes: Collection[str], limit: int = 65_536) -> Iterator[tuple[int, Batch]]:
        """See the port. Segments are looked up one by one, since they may be merged meanwhile."""
        while True:
            with self.state.lock:
                end, tail = self.state.position, self._tail.after(after)
                sealed = next((segment for segment in self._segments if segment.last > after), None)
            last = end if sealed is None else sealed.last
            if sealed is None and not tail:
                return
            yield from reading.of_scan(sealed, tail, after, last, frozenset(attributes), limit)
            after = last

    def rows_after(self, position: int) -> int:
        """See the port."""
        with self.state.lock:
            parts = [one.commits for one in self._segments if one.last > position]
            parts += [one.commits for one in self._tail.after(position)]
        return sum(int(part.rows[max(position + 1 - part.first, 0) :].sum()) for part in parts)

    def cursor(self, reader: str, shard: int = 0) -> Cursor | None:
        """See the port."""
        found = self._archive.rows(
            "SELECT position, state FROM cursors WHERE reader = ? AND shard = ?", (reader, shard)
        )
        return Cursor(reader, shard, found[0][0], found[0][1]) if found else None

    def parts(self) -> tuple[int, tuple[Segment, ...], tuple[Chunk, ...]]:
        """The log as it stands: its position, the sealed segments and the open end; none of them ever changes."""
        with self.state.lock:
            return self.state.position, self._segments, self._tail.chunks

    def relations(self) -> Iterator[tuple[str, pa.Table]]:
        """See the port."""
        with self.state.lock:
            sealed, tail = self._segments, self._tail.chunks
        for segment in sealed:
            part = segment.read()
            if part is not None:
                yield "history", to_arrow(part, commits=True)
        for chunk in tail:
            yield "history", to_arrow(chunk.batch, commits=True)

    # blobs and reference tables -----------------------------------------------------------------------------

    def put_blob(self, content: bytes) -> str:
        """See the port."""
        return self._objects.put_blob(content)

    def blob(self, digest: str) -> bytes:
        """See the port."""
        return self._objects.blob(digest)

    def put_table(self, name: str, tables: Mapping[str, pa.Table]) -> int:
        """See the port."""
        return self._objects.put_table(name, tables)

    def table_version(self, name: str) -> int:
        """See the port."""
        return self._objects.table_version(name)

    def tables(self, name: str, version: int | None = None) -> dict[str, pa.Table]:
        """See the port."""
        return self._objects.tables(name, version)

    # sealing and snapshots ----------------------------------------------------------------------------------

    def seal(self) -> None:
        """Move the open end of the log into a segment now."""
        with self._sealing:
            self._seal()

    def _seal_if_due(self) -> None:
        if self._tail.rows >= self.settings.seal_rows and self._sealing.acquire(blocking=False):
            threading.Thread(target=self._seal_and_release, name="sealer", daemon=True).start()

    def _seal_and_release(self) -> None:
        try:
            with self._writer.stopping():
                self._seal()
        except Unavailable:
            pass  # closed meanwhile; the rows are in the log
        except ZhichengError as error:
            logger.error("sealing failed: %s", error)
        finally:
            self._sealing.release()

    def _seal(self) -> None:
        with self.state.lock:
            chunks = self._tail.begin_sealing()
        if not chunks:
            return
        whole = merged(chunks)
        sealed = segments.write(self._archive.segments, whole.commits, whole.batch)
        try:
            self._writer.run(lambda: self._install(sealed))
        except StorageFull:
            sealed.path.unlink(missing_ok=True)
            raise
        self._since_snapshot += sealed.rows
        if self._since_snapshot >= self.settings.snapshot_rows:
            self.snapshot()

    def _install(self, sealed: Segment) -> None:
        """On the writer's thread: the segment takes the place of the blocks it was made of."""
        with self._database.transaction():
            Archive.enter(self._database, sealed)
            self._database.run("DELETE FROM log WHERE last <= ?", (sealed.last,))
        self._database.rows("PRAGMA incremental_vacuum")  # frees a page a step, so all steps are taken
        with self.state.lock:
            self._segments = (*self._segments, sealed)
            self._tail.end_sealing()
            if not self._tail.chunks:
                self.state.directory.forget(sealed.last)

    def compact(self) -> None:
        """Seal what is open and merge all neighbours, as far as a segment may grow."""
        with self._sealing:
            self._seal()
            self._merge(whole=True)

    def _merge(self, *, whole: bool = False) -> None:
        """Merge neighbours of like size, so that a series is read from few places."""
        while len(run := mergeable(self._segments, self.settings.segment_rows, whole=whole)) > 1:
            merged = segments.merge(self._archive.segments, run)
            self._writer.run(partial(self._replace, run, merged))

    def _replace(self, run: Sequence[Segment], merged: Segment) -> None:
        """On the writer's thread: one segment takes the place of those it was made of."""
        with self._database.transaction():
            self._database.run("DELETE FROM segments WHERE first BETWEEN ? AND ?", (merged.first, merged.last))
            Archive.enter(self._database, merged)
        with self.state.lock:
            kept = [segment for segment in self._segments if segment not in run]
            self._segments = tuple(sorted([*kept, merged], key=lambda segment: segment.first))
        for segment in run:  # readers that hold one have it open
            segment.path.unlink(missing_ok=True)

    def snapshot(self) -> None:
        """Write the live table to disk, for a quick start and for `as_of`."""
        with self.state.lock:
            parts = snapshots.frozen(self.state)
        if not parts[0]["position"] or self._archive.newest() == parts[0]["position"]:
            return
        row = self._archive.write_snapshot(parts)
        self._writer.run(lambda: self._archive.enter_snapshot(self._database, row, self.settings.snapshots_kept))
        self._since_snapshot = 0

    # erasure ------------------------------------------------------------------------------------------------

    def _erase_and_answer(self, receipts: list[tuple[Future[Receipt], Receipt]]) -> None:
        """Erasure is acknowledged once everything is destroyed."""
        try:
            with self._sealing, self._writer.stopping():
                self._writer.check()
                self._erase()
        except ZhichengError as error:
            for future, _ in receipts:
                future.set_exception(error)
            return
        for future, receipt in receipts:
            future.set_result(receipt)

    def _erase(self) -> None:
        """Destroy what pending erasures name: segments are rewritten first, then everything is swapped at once."""
        pending = [
            Erasure(*row)
            for row in self._archive.rows(
                "SELECT instance, entity, attribute, target FROM erasures WHERE NOT done ORDER BY instance"
            )
        ]
        if not pending:
            return
        rewritten = {}
        for segment in self._segments:
            if segment.first < pending[-1].position:
                fresh = erasure.of_segment(segment, self._archive.segments, pending)
                if fresh is not None:
                    rewritten[segment.first] = (segment, fresh)
        self._writer.run(lambda: self._install_erased(pending, rewritten))
        self.snapshot()

    def _install_erased(self, pending: list[Erasure], rewritten: dict[int, tuple[Segment, Segment]]) -> None:
        with self._database.transaction():
            old = self._archive.drop_snapshots(self._database)
            erasure.of_blocks(self._database, pending)
            for _, fresh in rewritten.values():
                Archive.enter(self._database, fresh)
            self._database.run("UPDATE erasures SET done = 1 WHERE instance <= ?", (pending[-1].instance,))
        self._database.run("PRAGMA wal_checkpoint(TRUNCATE)")
        with self.state.lock:
            self._segments = tuple(rewritten.get(s.first, (s, s))[1] for s in self._segments)
            self._tail.map(lambda chunk: erasure.of_chunk(chunk, pending))
            self.state.compact()
        for path in (*old, *(segment.path for segment, _ in rewritten.values())):
            path.unlink(missing_ok=True)

    # start and stop -----------------------------------------------------------------------------------------

    def _load_state(self) -> State:
        """The newest snapshot, and everything after it."""
        state = self._archive.base(2**62) or State()
        history = self._cell_history
        self.state = state
        for segment in self._segments:
            if segment.last > state.position:
                part = segment.read()
                if part is not None:
                    state.apply(in_log_order(part.take(part.position > state.position)), history)
                state.position = segment.last
                state.recorded_at = max(state.recorded_at, segment.facts.recorded_last)
        expected = self._segments[-1].last + 1 if self._segments else 1
        found: list[tuple[Commits, Batch]] = []
        rows = 0
        for first, last, block in self._database.rows("SELECT first, last, block FROM log ORDER BY first"):
            check_gapless(expected, first)
            expected = last + 1
            commits, changes = blocks.decode(block)
            found.append((commits, blocks.rows_of(commits, changes)))
            rows += len(changes)
            if rows >= self.settings.group_rows:
                self._replay(state, found)
                found, rows = [], 0
        self._replay(state, found)
        state.directory.settle_all()
        return state

    def _replay(self, state: State, found: list[tuple[Commits, Batch]]) -> None:
        if not found:
            return
        commits = Commits.concat([part for part, _ in found])
        batch = concat([part for _, part in found])
        self._tail.append(chunk_of(commits, batch, state.directory.codes(batch.changes.entity)))
        fresh = batch.position > state.position
        if fresh.any():
            state.apply(batch if fresh.all() else batch.take(fresh), self._cell_history)
        state.position = max(state.position, commits.first + len(commits) - 1)
        state.recorded_at = max(state.recorded_at, int(commits.recorded_at[-1]))

    def figures(self) -> Figures:
        """See the port."""
        with self.state.lock:
            sealed, open_rows, entities = (
                self._segments,
                sum(len(chunk.batch) for chunk in self._tail.chunks),
                len(self.state),
            )
        total = sum(map(files.size, self.folder.rglob("*")))
        return Figures(
            self.state.position, entities, sum(segment.rows for segment in sealed), open_rows, len(sealed),
            sum(segment.size for segment in sealed), total,
        )  # fmt: skip

    def verify(self) -> list[ZhichengError]:
        """Scrub: read every stored byte against its checksum; gives what is damaged."""
        return [*self._archive.verify(self._segments), *self._objects.verify()]

    def close(self) -> None:
        """See the port."""
        if self._writer.closed:
            return
        with self._sealing:
            if self.failure is None:
                with contextlib.suppress(ZhichengError):
                    self.snapshot()
            self._writer.close()
            with self._reading:
                self._reader.close()
            self._database.close()
            self._lock.release()
