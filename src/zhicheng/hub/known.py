"""Names and places in the past of what was recorded only later: imported history, a recording that is played.

A reading of an instant says that its entity existed then, but a name or a place without a time of its own holds from
its recording, so that a car park with three months of imported readings would have them nowhere. No screen can have
shown such an entity then; so its name and its place are taken as they are now.
"""

from __future__ import annotations

import numpy as np

from zhicheng.hub.shown import shown_of
from zhicheng.kernel.columns import I4, Coded, Index
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Form
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.storage.cells import NEVER, Cells
from zhicheng.storage.live import State, Table


def complete(past: State, present: State, models: Catalogue, instant: int, codes: I4 | None = None) -> None:
    """Complete a past state of one's own from the present one: some entities, by directory code, or all."""
    with past.lock, present.lock:
        for table in list(past.tables):
            rows = np.flatnonzero(table.alive)
            if codes is not None:
                rows = rows[np.isin(table.entity[rows], codes)]
            rows = rows[past.directory.created_at[table.entity[rows]] > instant]
            if len(rows):
                _complete(table, rows, present, models)


def _complete(table: Table, rows: Index, present: State, models: Catalogue) -> None:
    index = present.directory.index
    now = np.array([index.get(name, -1) for name in table.directory.names(table.entity[rows])], np.int64)
    tables = np.where(now >= 0, present.directory.table[now], -1)
    shown = shown_of(models, table.types)
    for number in np.unique(tables[tables >= 0]).tolist():
        same = np.flatnonzero(tables == number)
        theirs = present.directory.row[now[same]].astype(np.intp)
        for name in (*shown.labels, shown.location):
            source = present.tables[number].columns.get((name, None))
            if source is not None:
                _copy(source, theirs, table.column(name, None), rows[same])


def _copy(source: Cells, theirs: Index, target: Cells, rows: Index) -> None:
    """What has a value without a time there, and none here."""
    wanted = (source.form[theirs] != Form.NOTHING) & (source.observed_at[theirs] == ABSENT)
    wanted &= target.form[rows] == Form.NOTHING
    theirs, rows = theirs[wanted], rows[wanted]
    if not len(rows):
        return
    for name, array in source.arrays.items():
        target.arrays[name][rows] = array[theirs]
    target.arrays["effective"][rows], target.arrays["instance"][rows] = (
        NEVER,
        -1,
    )  # whatever is said then comes after it
    for name, codes in source.codes.items():
        target.codes[name][rows] = target.pools[name].encode(Coded(source.pools[name].values, codes[theirs]))
    if source.boxes is not None:
        if target.boxes is None:
            target.boxes = np.full((len(target.arrays["kind"]), 4), np.nan)
        target.boxes[rows] = source.boxes[theirs]
