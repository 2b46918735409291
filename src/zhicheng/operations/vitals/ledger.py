"""Sums by time that readings add to and take from in any order, exactly.

What an entity contributes holds from one instant to another. Instead of writing it into each interval between, its
beginning is noted with plus and its end with minus; the running sum over the notes is what holds in each interval.
All numbers are whole, so that the order of adding makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from zhicheng.compute.state import Packed
from zhicheng.kernel.columns import I8

_FEW = 256


class Ledger(Packed):
    """Columns of sums over numbered intervals.

    notes: by interval from `origin` on; mark: an interval whose sums stand in `total`; dirty: the first that may have
    changed since it was asked for, -1 for none yet; floor: what is older is noted there

    >>> ledger = Ledger(1)
    >>> ledger.add(np.array([10, 12]), np.array([0, 0]), np.array([5, -5]))
    >>> ledger.due(13)
    (10, array([[5],
           [5],
           [0],
           [0]]))
    """

    __slots__ = ("columns", "dirty", "floor", "mark", "notes", "origin", "total")

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.origin = 0
        self.notes: npt.NDArray[np.int64] = np.zeros((0, columns), np.int64)
        self.floor = np.iinfo(np.int64).min
        self.mark = -1
        self.total: I8 = np.zeros(columns, np.int64)
        self.dirty = -1

    def add(self, interval: I8, column: I8, amount: I8) -> None:
        """Let the sums of columns change by amounts from intervals on."""
        told = np.flatnonzero(amount)
        if not len(told):
            return
        interval, column, amount = np.maximum(interval[told], self.floor), column[told], amount[told]
        low, high = int(interval.min()), int(interval.max())
        self._reach(low, high)
        np.add.at(self.notes, (interval - self.origin, column), amount)
        before = interval <= self.mark
        if before.any():
            np.add.at(self.total, column[before], amount[before])
        self.dirty = low if self.dirty < 0 else min(self.dirty, low)

    def due(self, until: int) -> tuple[int, npt.NDArray[np.int64]]:
        """The first interval whose sums may have changed, and the sums from it on to `until`, that one included."""
        first = self.dirty
        if first < 0 or first > until:
            return until + 1, np.zeros((0, self.columns), np.int64)
        if self.mark >= first or self.mark < self.origin - 1:
            start, stood = self.origin, np.zeros(self.columns, np.int64)
        else:
            start, stood = self.mark + 1, self.total
        notes = self.notes[start - self.origin : until + 1 - self.origin]
        sums = stood + np.cumsum(notes, axis=0)
        if start + len(sums) <= until:
            last = sums[-1:] if len(sums) else stood[None, :]
            sums = np.concatenate([sums, np.repeat(last, until + 1 - start - len(sums), axis=0)])
        self.mark, self.total, self.dirty = until, sums[-1].copy(), until + 1
        return first, sums[first - start :]

    def forget(self, before: int) -> None:
        """Intervals before this one stay as they are for good: their notes become one."""
        count = min(before - self.origin, len(self.notes))
        if count < _FEW:
            return
        rest = self.notes[count:].copy() if len(self.notes) > count else np.zeros((1, self.columns), np.int64)
        rest[0] += self.notes[:count].sum(axis=0)
        self.notes, self.origin = rest, self.origin + count
        self.floor = self.origin

    def _reach(self, low: int, high: int) -> None:
        if not len(self.notes):
            self.origin, self.notes = low, np.zeros((max(high - low + 1, 1), self.columns), np.int64)
            return
        if low < self.origin:
            room = np.zeros((self.origin - low, self.columns), np.int64)
            self.notes, self.origin = np.concatenate([room, self.notes]), low
        missing = high - self.origin + 1 - len(self.notes)
        if missing > 0:
            room = np.zeros((missing + _FEW, self.columns), np.int64)
            self.notes = np.concatenate([self.notes, room])

    def kept(self) -> dict[str, object]:
        """What is written."""
        return {name: getattr(self, name) for name in ("origin", "notes", "floor", "mark", "total", "dirty")}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what was written."""
        for name, value in kept.items():
            setattr(self, name, value)
