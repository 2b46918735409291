"""What a commit does to entities, column-wise: which rows made, changed or took away something that stands now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from zhicheng.hub.subscriptions.model import Trigger
from zhicheng.kernel.columns import I4, I8, Index, Mask
from zhicheng.standards.changes import Act
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch


@dataclass(frozen=True, slots=True)
class Happened:
    """Rows of a batch that did something to what stands, and what each did (`Trigger`s)."""

    rows: Index
    flags: I8


def rounds(batch: Batch) -> Iterator[Batch]:
    """Parts in which no entity has more than one commit: each entity's first commits, then its second ones, and so on.

    Entities do not depend on each other, so folding the parts one after the other is folding the batch.
    """
    if not len(batch):
        return
    entity, position = batch.changes.entity.codes, batch.position
    order = np.lexsort((position, entity))
    same = np.diff(entity[order], prepend=-2) == 0
    new = (np.diff(position[order], prepend=-1) != 0) | ~same
    step = np.cumsum(new) - 1
    first = np.maximum.accumulate(np.where(same, 0, step))
    turn = np.empty(len(batch), np.int64)
    turn[order] = step - first
    most = int(turn.max())
    if not most:
        yield batch
        return
    by_turn = np.argsort(turn, kind="stable")
    ends = np.searchsorted(turn[by_turn], np.arange(most + 2))
    for number in range(most + 1):
        yield batch.take(by_turn[ends[number] : ends[number + 1]])


@dataclass(frozen=True, slots=True)
class _Stands:
    """Of each row's cell: form (0 where nothing is there), instance, when it got its content."""

    form: I8
    instance: I8
    modified_at: I8


def happenings(state: State, batch: Batch, codes: I4, apply: Callable[[], None]) -> Happened:
    """Fold a part (see `rounds`) onto the state by `apply`, and say what its rows did.

    codes: the rows' entities in the state's directory
    """
    changes, directory = batch.changes, state.directory
    erasing = np.flatnonzero((changes.kind < Kind.TYPES) & (changes.act == Act.ERASE)).tolist()
    before, every = _stands(state, batch, codes), [_every(state, batch, codes, row) for row in erasing]
    apply()
    after = _stands(state, batch, codes)
    flags = _compared(before, after)
    corrected = (changes.act == Act.CORRECT) & (after.form != 0) & (before.form != 0)
    flags[corrected & (after.instance == changes.target)] = Trigger.ATTRIBUTE_UPDATED
    for row, was in zip(erasing, every, strict=True):
        now = _every(state, batch, codes, row)
        for dataset in was.keys() | now.keys():
            one = _compared(was.get(dataset, _NOTHING), now.get(dataset, _NOTHING))
            flags[row] |= int(one[0])
    whole = np.flatnonzero((changes.kind >= Kind.TYPES) & (directory.life[codes] == changes.life))
    born = changes.life[whole] == batch.position[whole]
    life = changes.kind[whole] == Kind.LIFE
    flags[whole[life & born & (changes.act[whole] == Act.SET)]] = Trigger.ENTITY_CREATED
    flags[whole[~life & ~born]] = Trigger.ENTITY_CHANGED
    rows = np.flatnonzero(flags)
    return Happened(rows, flags[rows])


_NOTHING = _Stands(*(np.zeros(1, np.int64) for _ in range(3)))


def _compared(before: _Stands, after: _Stands) -> I8:
    """What happened to each cell (`Trigger`s)."""
    touched: Mask = before.instance != after.instance
    touched |= (before.modified_at != after.modified_at) | (before.form != after.form)
    was, now = before.form != 0, after.form != 0
    flags = np.zeros(len(touched), np.int64)
    flags[touched & ~was & now] = Trigger.ATTRIBUTE_CREATED
    flags[touched & was & now] = Trigger.ATTRIBUTE_UPDATED
    flags[touched & was & ~now] = Trigger.ATTRIBUTE_DELETED
    return flags


def _every(state: State, batch: Batch, codes: I4, row: int) -> dict[str | None, _Stands]:
    """All datasets of a row's attribute: what is erased may be of any."""
    directory, code = state.directory, codes[row]
    if directory.table[code] < 0 or directory.life[code] != batch.changes.life[row]:
        return {}
    cells = state.tables[directory.table[code]].cells(batch.changes.attribute[row] or "")
    place = directory.row[[code]]
    return {
        one.dataset: _Stands(
            *(one.arrays[name][place].astype(np.int64) for name in ("form", "instance", "modified_at"))
        )
        for one in cells
    }


def _stands(state: State, batch: Batch, codes: I4) -> _Stands:
    changes, directory = batch.changes, state.directory
    form, instance, modified = (np.zeros(len(batch), np.int64) for _ in range(3))
    living = (changes.kind < Kind.TYPES) & (directory.table[codes] >= 0) & (directory.life[codes] == changes.life)
    for cells, places, own, _ in state.by_cells(changes, codes, np.flatnonzero(living)):
        form[own] = cells.arrays["form"][places]
        instance[own] = cells.arrays["instance"][places]
        modified[own] = cells.arrays["modified_at"][places]
    return _Stands(form, instance, modified)
