"""What is told of the places ahead of moving things: an entity for each, taken away once it lies behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zhicheng.compute.rows import retire
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, I8, Coded, Index
from zhicheng.standards.changes import Changes

RING = 64
"""Places of a thing's way of which what was told is remembered; more than are ever told ahead."""


def columns() -> dict[str, float | npt.NDArray[Any]]:
    """Columns of a table of moving things: what was told by place (in a ring), and from which place on."""
    return {"told": np.full(RING, np.nan), "since": 0}


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
