"""A past state that moves on: what began to hold since is folded in, step by step.

At every instant it is what `as_of` gives for that instant, by what was recorded when its rows were read. Rows that
come in the order of the log, as nearly all do, are folded as they are; an entity for which it is otherwise (a late
reading, a decision of earlier date, a birth or a death) is made anew from all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zhicheng.hub.known import complete
from zhicheng.kernel.columns import I4, Mask
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Act
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch, HistoryQuery
from zhicheng.storage.past import state_as_of
from zhicheng.storage.port import Store
from zhicheng.storage.series import in_log_order

AHEAD = 60 * SECOND
"""So much of the log's time is read at once at the least."""


class Playback:
    """The city from an instant on. Of one thread at a time; `state.lock` is held while it changes.

    models: with them, names and places that were recorded later are shown (see `known`)
    """

    def __init__(self, store: Store, start: int, models: Catalogue | None = None) -> None:
        self._store = store
        self._models = models
        self.instant = start
        self.state = store.as_of(start)
        self._complete(None)
        self._read_to = start
        self._rows: Batch | None = None

    def advance(self, instant: int) -> I4:
        """Go on to a later instant; gives the entities, by directory code, that may be otherwise now."""
        rows = self._between(self.instant, instant)
        self.instant = instant
        if not len(rows):
            return np.zeros(0, np.int32)
        rows.changes.entity = rows.changes.entity.compact()
        state = self.state
        with state.lock:
            codes = state.directory.codes(rows.changes.entity)
            plain = _plain(state, rows, codes)
            known = state.position, state.recorded_at
            simple = rows.take(plain)
            simple.changes.entity = simple.changes.entity.compact()
            state.apply(simple)
            state.position, state.recorded_at = max(state.position, known[0]), max(state.recorded_at, known[1])
        rest = rows.changes.entity.take(~plain).compact().values
        if rest:
            self._make_anew(rest)
        codes = np.unique(codes)
        self._complete(codes)
        return codes

    def _complete(self, codes: I4 | None) -> None:
        if self._models is not None:
            complete(self.state, self._store.state, self._models, self.instant, codes)

    def _between(self, after: int, until: int) -> Batch:
        if self._rows is None or until > self._read_to:
            self._read_to = after + max(8 * (until - after), AHEAD)
            self._rows = self._store.during(after, self._read_to)
        starts = np.minimum(self._rows.effective, self._rows.recorded_at)
        return self._rows.take(np.flatnonzero((starts > after) & (starts <= until)))

    def _make_anew(self, identifiers: Iterable[str]) -> None:
        names = tuple(identifiers)
        rows = in_log_order(self._store.rows(HistoryQuery(names, time="effective")))
        known = int(rows.recorded_at.max()) if len(rows) else 0
        made = state_as_of(None, rows, self.instant, known, self._history)
        with self.state.lock:
            self.state.adopt(made, names)

    def _history(self, entity: str, attribute: str) -> Batch:
        return in_log_order(self._store.rows(HistoryQuery((entity,), (attribute,), time="effective")))


def _plain(state: State, rows: Batch, codes: I4) -> Mask:
    """Which rows can be folded as they are: of entities all of whose rows follow, in the log, what is known of them."""
    changes, directory = rows.changes, state.directory
    odd = (changes.kind >= Kind.TYPES) | (changes.act > Act.REMOVE)
    odd |= (directory.life[codes] != changes.life) | (rows.position <= directory.version[codes])
    tangled = np.zeros(len(directory.ids), bool)
    tangled[codes[odd]] = True
    found: Mask = ~tangled[codes]
    return found
