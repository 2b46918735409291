"""Windows of event time by key: tumbling or sliding, with late readings.

Each key has its own time, the newest instant it has reached, since imports bring one entity's day after another's. A
window closes when its key's time, less the lateness that is allowed, has passed its end; what comes for it after that
is counted and left out. Readings stay as they are until their window closes and are then computed on once, in order of
time, so that it does not matter in which batches they came; of several at one instant the last counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zhicheng.compute.ordering import grouped, running_newest
from zhicheng.compute.state import Keyed, Packed
from zhicheng.kernel.columns import F8, I8, Coded, Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT

_NEVER = ABSENT // 2
"""The time of a key before its first reading: early enough, and far enough from the smallest number."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Windows that closed, one a row, by key in order of time; instants in microseconds, the end not included."""

    key: Coded
    start: I8
    end: I8
    count: I8
    sum: F8
    least: F8
    most: F8
    first: F8
    last: F8

    def __len__(self) -> int:
        return len(self.start)

    @property
    def mean(self) -> F8:
        """The mean of the readings."""
        return self.sum / self.count


class Windows(Packed):
    """Readings of windows that are open.

    length: of a window, in microseconds; every: from one's start to the next, the length unless told otherwise
    lateness: how much later than the newest a reading may come; origin: windows start at origin + k * every

    >>> windows = Windows(10)
    >>> closed = windows.add(Coded.of(["a", "a", "a"]), np.array([0, 5, 12]), np.array([1.0, 3.0, 9.0]))
    >>> closed.start.tolist(), closed.mean.tolist()
    ([0], [2.0])
    """

    def __init__(self, length: int, every: int | None = None, lateness: int = 0, origin: int = 0) -> None:
        self.length = length
        self.every = length if every is None else every
        if not 0 < self.every <= self.length or lateness < 0:
            raise Invalid(
                "A window needs a length above zero, and starts at least once in its length",
                "窗口长度必须大于零，且步长不得大于窗口长度",
            )
        self.lateness = lateness
        self.origin = origin
        self.late = 0
        self.keys = Keyed(passed=_NEVER, next=_NEVER)
        self._slot: Index = np.zeros(0, np.intp)
        self._at: I8 = np.zeros(0, np.int64)
        self._floor: I8 = np.zeros(0, np.int64)
        self._value: F8 = np.zeros(0)

    def add(self, key: Coded, at: I8, value: F8) -> Closed:
        """Take readings in, in log order (those that are no number are left out); gives the windows that closed."""
        sound = ~np.isnan(value) & (key.codes >= 0)
        if not sound.all():
            key, at, value = key.take(sound), at[sound], value[sound]
        slots = self.keys.slots(key)
        if not len(slots):
            return self._none()
        floor, order = self._floors(slots, at)
        kept = self._last_end(at) > floor
        self.late += int(len(kept) - kept.sum())
        self._slot = np.concatenate([self._slot, slots[kept]])
        self._at = np.concatenate([self._at, at[kept]])
        self._floor = np.concatenate([self._floor, floor[kept]])
        self._value = np.concatenate([self._value, value[kept]])
        return self._close(slots, at, order)

    def _floors(self, slots: Index, at: I8) -> tuple[I8, Index]:
        """What each reading's key had passed before it came, and the order by key."""
        order = grouped(slots)
        own = slots[order]
        first = np.ones(len(own), bool)
        first[1:] = own[1:] != own[:-1]
        stood = self.keys["passed"][own]
        passed = running_newest(at[order] - self.lateness, first, np.zeros(len(own), bool), stood)
        before = np.where(first, stood, np.append(0, passed)[:-1])
        floor = np.empty(len(own), np.int64)
        floor[order] = before
        return floor, order

    def _last_end(self, at: I8) -> I8:
        """The end of the last window that a reading is in."""
        return (at - self.origin) // self.every * self.every + self.origin + self.length

    def _first_end(self, at: I8) -> I8:
        """The end of the first window that a reading is in: the first end after it."""
        return (at - self.origin - self.length) // self.every * self.every + self.origin + self.length + self.every

    def _close(self, slots: Index, at: I8, order: Index) -> Closed:
        """Move the keys' times on, and close what they passed."""
        passed, following = self.keys["passed"], self.keys["next"]
        before = passed.copy()
        np.maximum.at(passed, slots, at - self.lateness)
        fresh = following == _NEVER
        following[fresh] = np.iinfo(np.int64).max
        np.minimum.at(following, slots, np.maximum(self._first_end(at), self._first_end(before[slots])))
        due = following <= passed
        if not due.any():
            return self._none()
        rows = np.flatnonzero(due[self._slot])
        closed = self._aggregate(rows, before, passed)
        gone = np.zeros(len(self._slot), bool)
        gone[rows] = self._last_end(self._at[rows]) <= passed[self._slot[rows]]
        self._keep(~gone)
        self._look_ahead(due)
        return closed

    def _keep(self, rows: Mask) -> None:
        self._slot, self._at = self._slot[rows], self._at[rows]
        self._floor, self._value = self._floor[rows], self._value[rows]

    def _look_ahead(self, due: Mask) -> None:
        """The next end of each key that closed something."""
        passed, following = self.keys["passed"], self.keys["next"]
        following[due] = np.iinfo(np.int64).max
        rows = np.flatnonzero(due[self._slot])
        own = self._slot[rows]
        ends = np.maximum(self._first_end(self._at[rows]), self._first_end(passed[own]))
        np.minimum.at(following, own, ends)

    def _aggregate(self, rows: Index, before: I8, passed: I8) -> Closed:
        """The windows of these readings whose ends lie between what the keys had passed and what they have now."""
        copies = -(-self.length // self.every)
        slot = np.tile(self._slot[rows], copies)
        shift = np.repeat(np.arange(copies) * self.every, len(rows))
        end = np.tile(self._last_end(self._at[rows]), copies) - shift
        at, floor = np.tile(self._at[rows], copies), np.tile(self._floor[rows], copies)
        value: F8 = np.tile(self._value[rows], copies)
        counts = (end <= passed[slot]) & (end > before[slot]) & (end > floor) & (end - self.length <= at) & (at < end)
        chosen = np.flatnonzero(counts)
        chosen = chosen[np.lexsort((chosen, at[chosen], end[chosen], slot[chosen]))]
        if not len(chosen):
            return self._none()
        slot, end, at, value = slot[chosen], end[chosen], at[chosen], value[chosen]
        last = np.ones(len(chosen), bool)
        last[:-1] = (np.diff(slot) != 0) | (np.diff(end) != 0) | (np.diff(at) != 0)
        slot, end, value = slot[last], end[last], value[last]
        head = np.ones(len(slot), bool)
        head[1:] = (np.diff(slot) != 0) | (np.diff(end) != 0)
        starts = np.flatnonzero(head)
        ends = np.append(starts[1:], len(slot)) - 1
        return Closed(
            self.keys.keys(slot[starts]), end[starts] - self.length, end[starts], ends - starts + 1,
            np.add.reduceat(value, starts), np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts),
            value[starts], value[ends],
        )  # fmt: skip

    def _none(self) -> Closed:
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return Closed(Coded.of([]), none, none, none, nothing, nothing, nothing, nothing, nothing)

    def forget(self, key: Coded) -> None:
        """Drop keys with their open windows."""
        slots = self.keys.find(key)
        gone = np.zeros(len(self.keys), bool)
        gone[slots[slots >= 0]] = True
        self._keep(~gone[self._slot])
        moved = self.keys.forget(gone)
        self._slot = moved[self._slot]

    def kept(self) -> dict[str, object]:
        """What is written."""
        open_readings = {"slot": self._slot, "at": self._at, "floor": self._floor, "value": self._value}
        return {"keys": self.keys.kept(), "late": self.late, **open_readings}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what was written."""
        self.keys.restore(kept["keys"])
        self.late = kept["late"]
        self._slot, self._at, self._floor, self._value = (kept[name] for name in ("slot", "at", "floor", "value"))
