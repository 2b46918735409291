"""The state as of a past instant: the fold of the rows that were known then and valid then."""

from __future__ import annotations

import numpy as np

from zhicheng.kernel.columns import I8, Mask
from zhicheng.standards.changes import Act
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.live import History, State, amended
from zhicheng.storage.log import ORDINAL_BITS, Batch


def state_as_of(base: State | None, rows: Batch, valid: int, known: int, history: History) -> State:
    """Fold `rows` (in log order, following `base`) as far as recorded by `known` and valid by `valid`.

    A row is valid from the earlier of its effective time and its arrival, but not before the end of the
    entity's earlier life. The latest life with a valid row is the one that stands; its creation counts
    whenever it was recorded, since a reading of an instant says that its entity existed then.
    """
    state = base if base is not None else State()
    rows = rows.take(rows.recorded_at <= known)
    if not len(rows):
        return state
    outside = rows.take((rows.changes.act == Act.CORRECT) & (rows.changes.target >> ORDINAL_BITS <= state.position))
    amending = rows.take(rows.changes.act >= Act.CORRECT)
    rows = amended(rows)
    valid_rows = _valid_from(rows) <= valid
    changes = rows.changes
    creation = (changes.act == Act.SET) & (changes.kind >= Kind.TYPES) & (changes.life == rows.position)
    state.apply(rows.take(_stands(state, rows, valid_rows) & (valid_rows | creation)))
    if len(outside):
        position, recorded_at = state.position, state.recorded_at
        directory = state.directory
        touched = directory.version.copy(), directory.modified_at.copy()
        state.apply(outside, lambda *cell: _known(history(*cell), known), valid)
        for now, before in zip((directory.version, directory.modified_at), touched, strict=True):
            np.maximum(now[: len(before)], before, out=now[: len(before)])  # later rows came first
        state.position, state.recorded_at = max(state.position, position), max(state.recorded_at, recorded_at)
    _touch(state, amending)
    return state


def _touch(state: State, amending: Batch) -> None:
    """A correction or erasure changes its entity, though its own row is gone once it is put in place."""
    directory = state.directory
    living = np.array([*(state.find(name) is not None for name in amending.changes.entity.values), False])
    amending = amending.take(living[amending.changes.entity.codes])
    codes = directory.codes(amending.changes.entity.compact())
    np.maximum.at(directory.version, codes, amending.position)
    np.maximum.at(directory.modified_at, codes, amending.recorded_at)


def _known(past: Batch, known: int) -> Batch:
    return past.take(past.recorded_at <= known)


def _valid_from(rows: Batch) -> I8:
    """When each row begins to hold, in microseconds."""
    starts = np.minimum(rows.effective, rows.recorded_at)
    changes = rows.changes
    deaths = np.flatnonzero((changes.kind == Kind.LIFE) & (changes.act == Act.REMOVE))
    if not len(deaths):
        return starts
    entity = changes.entity.codes
    newest = np.zeros(len(changes.entity.values), np.int64)
    np.maximum.at(newest, entity, changes.life)
    reborn = deaths[newest[entity[deaths]] > changes.life[deaths]]
    for row in reborn.tolist():
        later = (entity == entity[row]) & (changes.life > changes.life[row])
        starts[later] = np.maximum(starts[later], starts[row])
    return starts


def _stands(state: State, rows: Batch, valid_rows: Mask) -> Mask:
    """Which rows belong to the life of their entity that stands at the asked instant."""
    changes = rows.changes
    codes = changes.entity.codes
    latest = np.zeros(len(changes.entity.values), np.int64)
    np.maximum.at(latest, codes[valid_rows], changes.life[valid_rows])
    index = state.directory.index
    for code, identifier in enumerate(changes.entity.values):
        known = index.get(identifier)
        if known is not None and latest[code] == 0:
            latest[code] = state.directory.life[known]
    found: Mask = changes.life == latest[codes]
    found |= (changes.kind == Kind.LIFE) & valid_rows
    return found
