"""Orders of erasure: what of the log they concern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.kernel.columns import I4, I8, Coded, Mask
from zhicheng.standards.changes import Act, Changes
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import ORDINAL_BITS, Batch


@dataclass(frozen=True, slots=True)
class Erasure:
    """What to destroy, of all that stands before `position`: attribute None means all of the entity."""

    position: int
    entity: str
    attribute: str | None
    target: int

    def matches(self, changes: Changes, position: I8, ordinal: I4) -> Mask:
        """The rows to destroy; orders of erasure stay."""
        found: Mask = _is(changes.entity, self.entity) & (position < self.position) & (changes.act != Act.ERASE)
        if self.target >= 0:
            instance = (position.astype(np.int64) << ORDINAL_BITS) | ordinal
            return found & ((instance == self.target) | (changes.target == self.target))
        if self.attribute is not None:
            found &= _is(changes.attribute, self.attribute)
        return found


def _is(column: Coded, value: str) -> Mask:
    code = column.values.index(value) if value in column.values else -2
    same: Mask = column.codes == code
    return same


def ordered(batch: Batch) -> list[Erasure]:
    """The erasures that a batch orders."""
    changes = batch.changes
    return [
        Erasure(
            int(batch.position[row]),
            changes.entity[row] or "",
            None if changes.kind[row] == Kind.LIFE else changes.attribute[row],
            int(changes.target[row]),
        )
        for row in np.flatnonzero(changes.act == Act.ERASE).tolist()
    ]
