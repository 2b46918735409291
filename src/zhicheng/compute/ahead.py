"""What is told of the places ahead of moving things: an entity for each, taken away once it lies behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zhicheng.compute.rows import retire
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, I8, Coded, Index, Mask
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Changes

RING = 64
"""Places of a thing's way of which what was told is remembered; more than are ever told ahead."""


def columns() -> dict[str, float | npt.NDArray[Any]]:
    """Columns of a table of moving things: what was told by place (in a ring), from which place on, and at which place
    the thing was when the places to it were last counted.
    """
    return {"told": np.full(RING, np.nan), "since": 0, "seen": -2}


@dataclass(frozen=True, slots=True)
class Worth:
    """Which predictions are worth a row.

    seconds: how far ahead they are written
    least, share: they are written anew when they have moved so many seconds, or by so much of the time left
    near: up to so many places away, how many there are still to go is kept exact
    """

    seconds: float
    least: float
    share: float
    near: int

    def moved(self, seconds: F8, times: F8, told: F8) -> Mask:
        """Which predictions (POSIX seconds `times`, `seconds` ahead) are new, or differ enough from what was told.

        >>> worth, told = Worth(1800, 20, 0.1, 3), np.array([np.nan, 100, 650])
        >>> worth.moved(np.array([60.0, 60, 600]), np.array([100.0, 125, 700]), told).tolist()
        [True, True, False]
        """
        return np.isnan(told) | (np.abs(times - told) >= np.maximum(self.least, self.share * seconds))


@dataclass(frozen=True, slots=True)
class News:
    """Predictions worth a row: cells of a matrix (a row a thing, a column a place ahead) with their entities.

    fresh: of which nothing was told so far; moved: that are to be told; counted: whose places to go are to be told
    """

    row: Index
    column: Index
    entity: Coded
    fresh: Mask
    moved: Mask
    counted: Mask


@dataclass
class Ahead:
    """Numbers told of places ahead, in the columns above; `made` is what takes entities away.

    name: the entity for a thing (slot) at a place of its way, on the run it is on or on another one
    """

    things: Keyed
    name: Callable[[int, int, str | None], str]
    made: list[Changes] = field(default_factory=list)

    def told(self, slots: Index, places: Index) -> F8:
        """What was last told of the places (a row a thing); NaN: nothing."""
        told: F8 = self.things["told"][slots[:, None], places % RING]
        return told

    def tell(self, slots: Index, places: Index, numbers: F8) -> None:
        """Remember what is told."""
        self.things["told"][slots[:, None], places % RING] = numbers

    def news(
        self, slots: Index, places: Index, there: Mask, seconds: F8, now: I8, worth: Worth, again: Mask | bool = False
    ) -> News:
        """Take note of predictions, as of `now`, and give those that are worth a row; what lies behind is taken away.

        places, there, seconds: matrices, a row a thing: places from where it comes next on, and how far ahead that is
        again: things of which all is to be told anew
        """
        start = places[:, 0]
        self.passed(slots, start, now)
        before, times = self.told(slots, places), now[:, None] / SECOND + seconds
        within = there & ((seconds <= worth.seconds) | ~np.isnan(before))
        moved = within & (worth.moved(seconds, times, before) | np.broadcast_to(again, len(slots))[:, None])
        self.tell(slots, places, np.where(moved, times, before))
        fresh = moved & np.isnan(before)
        near = places < start[:, None] + worth.near
        counted = fresh | (within & near & (self.things["seen"][slots] != start)[:, None])
        self.things["seen"][slots] = start
        row, column = np.nonzero(moved | counted)
        cells = zip(slots[row].tolist(), places[row, column].tolist(), strict=True)
        entity = Coded.of(self.name(slot, place, None) for slot, place in cells)
        return News(row, column, entity, fresh[row, column], moved[row, column], counted[row, column])

    def passed(self, slots: Index, start: Index, now: I8) -> None:
        """Things have come to a place: take away what was told of those before it."""
        since = self.things["since"][slots]
        for row in np.flatnonzero(start > since).tolist():
            self._retire(int(slots[row]), range(int(since[row]), int(start[row])), int(now[row]))
        self.things["since"][slots] = start

    def withdraw(self, slot: int, at: int, run: str | None = None) -> None:
        """Take away all that was told of a thing; `run`: on that run of it."""
        since = int(self.things["since"][slot])
        self._retire(slot, range(since, since + RING), at, run)

    def begin(self, slot: int, at: int, run: str) -> None:
        """A thing is on a new run: take away what was told of it on the one before."""
        self.withdraw(slot, at, run)
        self.things["since"][slot] = 0

    def cut(self, slot: int, kept: int, at: int) -> None:
        """A thing goes another way: take away what was told beyond the places that both ways have."""
        since = int(self.things["since"][slot])
        self._retire(slot, range(max(since, kept), since + RING), at)
        self.things["since"][slot] = min(since, kept)

    def _retire(self, slot: int, places: range, at: int, run: str | None = None) -> None:
        told = self.things["told"][slot]
        chosen = [place for place in places[:RING] if not np.isnan(told[place % RING])]
        if chosen:
            ids = [self.name(slot, place, run) for place in chosen]
            self.made.append(retire(Coded.of(ids), np.full(len(ids), at)))
            told[[place % RING for place in chosen]] = np.nan
