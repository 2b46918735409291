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
    """What to destroy, of all rows before the ordering one (`instance`): attribute None means all of the entity."""

    instance: int
    entity: str
    attribute: str | None
    target: int

    @property
    def position(self) -> int:
        """Of the commit that orders it."""
        return self.instance >> ORDINAL_BITS

    def matches(self, changes: Changes, position: I8, ordinal: I4) -> Mask:
        """The rows to destroy; orders of erasure stay."""
        instance = (position << ORDINAL_BITS) | ordinal
        found = _is(changes.entity, self.entity)
        found &= (instance < self.instance) & (changes.act != Act.ERASE)
        if self.target >= 0:
            found &= (instance == self.target) | (changes.target == self.target)
            return found
        if self.attribute is not None:
            found &= _is(changes.attribute, self.attribute)
        return found


def _is(column: Coded, value: str) -> Mask:
    code = column.values.index(value) if value in column.values else -2
    same: Mask = column.codes == code
    return same


def ordered(batch: Batch) -> list[Erasure]:
    """The erasures that a batch orders."""
    changes, instance = batch.changes, batch.instance
    return [
        Erasure(
            int(instance[row]),
            changes.entity[row] or "",
            None if changes.kind[row] == Kind.LIFE else changes.attribute[row],
            int(changes.target[row]),
        )
        for row in np.flatnonzero(changes.act == Act.ERASE).tolist()
    ]
