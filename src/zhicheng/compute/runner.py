"""Runs an application over the log of a store, exactly once: outputs, position and state go into one commit.

A small state stands in the cursor that moves with the outputs. A large one is written now and then beside it; after a
restart the rows between are read again and what comes of them is thrown away, since by the law of applications it is
what was stored before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from zhicheng.compute.app import AnyApp, Tables
from zhicheng.compute.corrections import corrections_of, mended
from zhicheng.compute.figures import Explained, Meters
from zhicheng.compute.pipeline import Pipeline, parts
from zhicheng.compute.rows import nothing
from zhicheng.kernel.errors import Invalid, Unavailable
from zhicheng.kernel.telemetry import Silent, Telemetry
from zhicheng.standards.changes import Changes
from zhicheng.storage.log import MOST_ROWS, Batch, Commit, Cursor, Producer, VersionConflict
from zhicheng.storage.port import Store

STATE = 1
"""The shard of the cursor that holds a large state; shard 0 says how far the outputs go."""
_TRIES = 16


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """batch_rows: rows of the log that are read at a time
    inline: largest state, in bytes, that goes into every commit; larger ones are written every `save_rows` rows
    idle_rows: rows of the log read without outputs after which the position is noted all the same
    """

    batch_rows: int = 131_072
    inline: int = 262_144
    save_rows: int = 524_288
    idle_rows: int = 65_536


class Runner:
    """One application over one store."""

    def __init__(
        self,
        app: AnyApp,
        store: Store,
        params: object | None = None,
        terms: Mapping[str, str] | None = None,
        settings: RunnerSettings | None = None,
        telemetry: Telemetry | None = None,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self.app = app
        self.store = store
        self.settings = settings or RunnerSettings()
        self.reader = f"app:{app.name}"
        self.pipeline = Pipeline(app, params, terms)
        self.epoch = 0
        self.position = 0
        self.lost = 0
        self.state_bytes = 0
        self._outgrown = True
        """No large state is stored: the first that is too large for the cursor is written at once."""
        self.ending = False
        """Set from outside: what takes long is broken off."""
        self._since = self._until = 0
        self._corrections: Batch | None = None
        self._cpu = cpu
        self._apart = 0.0
        self._began = False
        self._versions: dict[str, int] = {}
        self._limit = self.settings.batch_rows
        self._unsaved = 0
        self._noted = 0
        self._rows: Iterator[tuple[int, Batch]] = iter(())
        self._lock = threading.RLock()
        self._meters = Meters(telemetry or Silent(), app.name)

    # the way of a batch -----------------------------------------------------------------------------------------

    def step(self) -> int:
        """Take the next rows of the log; gives by how many commits it came further, 0 at the log's end.

        After an error nothing of the step was stored and the next step begins again from what is stored.
        """
        with self._lock:
            return self._step()

    def _step(self) -> int:
        began, before = self._cpu(), self.position
        try:
            if self._began and self._versions != self._newest():
                self._renew()
            if not self._began:
                self._begin()
                before = self.position
            found = next(self._rows, None)
            if found is None:
                self._rows = self._scan()
                found = next(self._rows, None)
            if found is not None:
                self._take_all(*found)
        except BaseException:
            self._began = False
            self._meters.failures.add(app=self.app.name)
            raise
        apart = self.pipeline.host.cpu if self.app.heavy else 0.0
        self.pipeline.memory.cpu += self._cpu() - began + apart - self._apart
        self._apart = apart
        self._meters.tell(self.pipeline.memory, self.store.state.position - self.position, self.state_bytes)
        return self.position - before if found is None or self.position > before else 1

    def run(self) -> int:
        """Step until the end of the log; gives how many commits it read."""
        total = 0
        while read := self.step():
            total += read
        self.save()
        return total

    def save(self) -> None:
        """Note position and state, as at a clean stop."""
        with self._lock:
            if self._began and self._noted < self.position:
                self._note(self.position, force=True)

    def close(self) -> None:
        """Note where it stands and let go."""
        with self._lock:
            try:
                self.save()
            finally:
                self.pipeline.host.close()
                self._began = False

    def backfill(self, since: int | None = None) -> int:
        """Derive everything again from the beginning of the log, with corrections in their place.

        Gives how many commits it read.

        since: write only what is of that instant (microseconds) or later; what comes before still makes the state
        """
        with self._lock:
            if not self._began:
                self._stand()
            self.epoch += 1
            self._outgrown = True
            self.position = self._noted = 0
            self._since, self._until = since or 0, self.store.state.position
            self._corrections = None
            self.pipeline.begin(None, self._tables())
            self._began = True
            self._rows = iter(())
            self._note(0, force=True)
            return self.run()

    @property
    def rows_left(self) -> int:
        """Rows of the log that it has not read."""
        return self.store.rows_after(self.position)

    def explain(self, *, at_work: bool = False) -> Explained:
        """How it is doing.

        at_work: steps are made elsewhere: nobody waits for the end of one, nor takes up what is stored
        """
        if not at_work:
            with self._lock:
                if not self._began:
                    self._begin()
        state, position = self.store.state, self.position
        counts, memory = self.pipeline.counts, self.pipeline.memory
        known = memory.recorded_at if state.position > position else 0
        behind = state.recorded_at - known if known else 0
        return Explained(
            self.epoch, position, state.position, behind, counts.read, counts.given, counts.late,
            counts.repeated, counts.future, counts.amending, memory.derived, memory.written, self.lost,
            memory.cpu, self.state_bytes, self.store.rows_after(0), self.store.rows_after(position),
        )  # fmt: skip

    def _scan(self) -> Iterator[tuple[int, Batch]]:
        """What is left of the log; up to where a backfill found its end, with corrections in place."""
        if self._until <= self.position:
            self._corrections = None
            return self.store.scan(self.position, self.pipeline.attributes, self._limit)
        if self._corrections is None:
            self._corrections = corrections_of(self.store, self.pipeline.attributes, self._until)
        return self._mended(self._corrections)

    def _mended(self, corrections: Batch) -> Iterator[tuple[int, Batch]]:
        for reached, batch in self.store.scan(self.position, self.pipeline.attributes, self._limit):
            yield reached, mended(batch, corrections, self._until) if len(batch) else batch

    def _take_all(self, reached: int, batch: Batch) -> None:
        """The rows up to a position, in parts."""
        for part in parts(batch):
            if not self._take(part):
                return
        self.position = reached
        if max(self._unsaved, reached - self._noted) >= self.settings.idle_rows and self._noted < reached:
            self._note(reached)
        self._limit = self.settings.batch_rows

    def _take(self, batch: Batch) -> bool:
        """One part of a batch; False where it was too much at once and smaller ones are to be tried."""
        last = int(batch.position[-1])
        changes = self.pipeline.feed(batch)
        if changes is not None and (len(changes) > MOST_ROWS // 2 or self.pipeline.press.crossed(changes)):
            if batch.position[0] != last:
                self._limit = max(len(batch) // 2, 1)
                self._begin()
                return False
            changes = _apart(changes, self.app.name)
        if changes is not None and last <= self._until and self._since:
            changes = changes.take(changes.observed_at >= self._since)
        self._unsaved += len(batch)
        if changes is not None and len(changes):
            self._store(changes, last)
        self.position = last
        return True

    def _store(self, changes: Changes, last: int) -> None:
        """Outputs, position and (small) state in one commit."""
        cursor = Cursor(self.reader, 0, self._at(last), self._inline())
        producer = Producer(self.reader, self.epoch, last)
        derived_from = f"log:{self.position + 1}-{last}"
        for attempt in range(_TRIES):
            with self.store.state.lock:
                placed, lost = self.pipeline.press.placed(changes, self.store.state)
            try:
                self.store.commit(
                    Commit(placed, self.reader, self.reader, producer if len(placed) else None, cursor, derived_from)
                )
                break
            except VersionConflict:
                if attempt == _TRIES - 1:
                    raise
        self.lost += lost
        self._noted = last
        self._save_large(last)

    def _inline(self) -> bytes:
        """The state, as far as it goes into every commit."""
        if self.state_bytes > self.settings.inline:
            return b""
        state = self.pipeline.state()
        self.state_bytes = len(state)
        return state if len(state) <= self.settings.inline else b""

    def _note(self, position: int, *, force: bool = False) -> None:
        """Position and state without outputs."""
        state = self._inline()
        self.store.commit(
            Commit(nothing(), self.reader, self.reader, cursor=Cursor(self.reader, 0, self._at(position), state))
        )
        self._noted = position
        self._save_large(position, force=force)

    def _save_large(self, position: int, *, force: bool = False) -> None:
        if self.state_bytes <= self.settings.inline:
            self._unsaved, self._outgrown = 0, True
        elif force or self._outgrown or self._unsaved >= self.settings.save_rows:
            self._outgrown = False
            state = self.pipeline.state()
            self.state_bytes = len(state)
            cursor = Cursor(self.reader, STATE, self._at(position), state)
            self.store.commit(Commit(nothing(), self.reader, self.reader, None, cursor))
            self._unsaved = 0

    def _at(self, position: int) -> str:
        """The place in the log as the cursor keeps it."""
        return f"{self.epoch}:{position}:{self._since}:{self._until}"

    # beginning ----------------------------------------------------------------------------------------------------

    def _stand(self) -> tuple[Cursor | None, int]:
        """Where the outputs stand in the log."""
        cursor = self.store.cursor(self.reader, 0)
        if cursor is not None:
            self.epoch, self.position, self._since, self._until = _parsed(cursor.position)
            self.state_bytes = len(cursor.state)
            return cursor, self.position
        return None, 0

    def _begin(self) -> None:
        """Take up what is stored; rows between a large state and the outputs are read again, for the state alone."""
        self._outgrown = True
        cursor, target = self._stand()
        kept, self.position = (None, 0) if cursor is None else (cursor.state or None, target)
        if kept is None and cursor is not None:
            large = self.store.cursor(self.reader, STATE)
            epoch, position, *_ = (-1, 0) if large is None else _parsed(large.position)
            self.position = 0
            if large is not None and epoch == self.epoch and position <= target:
                kept, self.position, self.state_bytes = large.state, position, len(large.state)
                self._outgrown = False
        self.pipeline.begin(kept, self._tables())
        for reached, batch in self._scan() if self.position < target else ():
            if self.ending:
                raise Unavailable(f"The application {self.app.name} is being stopped", f"应用 {self.app.name} 正在停止")
            for part in parts(batch.take(batch.position <= target)):
                self.pipeline.feed(part)
            if reached >= target:
                break
        self.position = self._noted = target
        self._unsaved = 0
        self._rows = iter(())
        self._began = True

    def _tables(self) -> Tables:
        """The reference tables it asks for, as far as they are there, in their newest version."""
        self._versions = self._newest()
        return {name: self.store.tables(name, version) for name, version in self._versions.items() if version}

    def _newest(self) -> dict[str, int]:
        return {name: self.store.table_version(name) for name in self.app.tables(self.pipeline.params)}

    def _renew(self) -> None:
        """Begin again with newer reference tables, from where it is."""
        self.save()
        self._began = False


def _apart(changes: Changes, name: str) -> Changes:
    """What came of a single commit and cannot be one: removals that are written over stay out; too many are refused."""
    if len(changes) > MOST_ROWS // 2:
        raise Invalid(
            f"The application {name} makes {len(changes)} rows of one commit; that is more than one commit takes",
            f"应用 {name} 由一次提交产生了 {len(changes)} 行，超过一次提交的上限",
        )
    last = np.zeros(len(changes.entity.values) + 1, np.intp)
    last[changes.entity.codes] = np.arange(len(changes))
    whole = changes.attribute.codes < 0
    return changes.take(~(whole & (last[changes.entity.codes] != np.arange(len(changes)))))


def _parsed(text: str) -> tuple[int, ...]:
    epoch, position, since, until = map(int, text.split(":"))
    return epoch, position, since, until
