"""One application's way from rows of the log to changes, with all it remembers; without store, clock or threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from zhicheng.compute import sieve
from zhicheng.compute.app import AnyApp, Tables
from zhicheng.compute.host import Host, host_of
from zhicheng.compute.outputs import Emitted, Press
from zhicheng.compute.sieve import Counts, Gate, Sieve
from zhicheng.compute.state import pack, unpack
from zhicheng.standards.changes import Changes
from zhicheng.storage.log import Batch


@dataclass(slots=True)
class Memory:
    """Everything beside the application's own state.

    derived: rows that it gave; written: those of them worth storing; cpu: seconds that all of it took
    recorded_at: of the newest row read, 0 before the first
    """

    sieve: Sieve
    emitted: Emitted
    derived: int = 0
    written: int = 0
    cpu: float = 0.0
    recorded_at: int = 0


@dataclass(slots=True)
class _Kept:
    memory: Memory
    app: bytes


class Pipeline:
    """The same for the live tail, for history and for tests."""

    def __init__(
        self,
        app: AnyApp,
        params: object | None = None,
        terms: Mapping[str, str] | None = None,
        host: Host | None = None,
    ) -> None:
        self.app = app
        self.params = app.params if params is None else params
        self._gate = Gate(app.reads, terms)
        self.press = Press(app.name, app.writes, [one.type for one in app.reads], terms)
        self.host = host_of(app, self.params) if host is None else host
        self.memory = self._fresh()

    def _fresh(self) -> Memory:
        return Memory(sieve.fresh(self.app.reads), self.press.fresh())

    @property
    def attributes(self) -> frozenset[str]:
        """IRIs of the attributes that are read."""
        return self._gate.attributes

    @property
    def counts(self) -> Counts:
        """What became of the rows read so far."""
        return self.memory.sieve.counts

    def begin(self, kept: bytes | None, tables: Tables) -> None:
        """Start anew, or from what `state` gave."""
        if kept is None:
            self.memory = self._fresh()
            self.host.begin(None, tables)
            return
        found = unpack(kept, _Kept(self._fresh(), b""))
        self.memory = found.memory
        self.host.begin(found.app, tables)

    def state(self) -> bytes:
        """All that is remembered."""
        return pack(_Kept(self.memory, self.host.state()))

    def feed(self, batch: Batch) -> Changes | None:
        """The changes worth storing that come of a batch; None if there are none.

        The batch is of whole commits, and as `parts` cuts it.
        """
        self.memory.recorded_at = int(batch.recorded_at[-1])
        rows = self._gate.through(batch, self.memory.sieve)
        if not len(rows):
            return None
        changes = self.host.derive(rows)
        self.memory.derived += len(changes)
        pressed = self.press.press(changes, self.memory.emitted) if len(changes) else None
        if rows.gone.any():
            self.press.forget(rows.entity.take(rows.gone), self.memory.emitted)
        if pressed is None or not len(pressed):
            return None
        self.memory.written += len(pressed)
        return pressed


def parts(batch: Batch) -> Iterator[Batch]:
    """The batch, cut before each commit in which an entity changes its type or lives again."""
    while (cut := sieve.turn(batch)) is not None:
        yield batch.take(np.arange(cut))
        batch = batch.take(np.arange(cut, len(batch)))
    if len(batch):
        yield batch
