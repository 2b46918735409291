"""Time as the log tells it: the newest event, and the things of which nothing has been heard since long before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.compute.rows import Rows
from zhicheng.kernel.columns import F8, I8, Index
from zhicheng.kernel.instants import ABSENT, SECOND


@dataclass(slots=True)
class Clock:
    """now: the newest event of the log; ticked: when all things were last looked at. Part of an application's state.

    It follows from the rows alone, so that a replay ticks as the day did; the applications' law asks for that.
    """

    now: int = ABSENT
    ticked: int = ABSENT

    def hear(self, rows: Rows) -> None:
        """Rows of a commit. What claims to be from later than it was recorded moves nothing ahead."""
        if len(rows):
            self.now = max(self.now, int(np.minimum(rows.at, rows.recorded_at).max()))

    def due(self, every: float) -> bool:
        """Whether all things are to be looked at again, as they are every so many seconds."""
        if self.ticked != ABSENT and self.now - self.ticked < every * SECOND:
            return False
        self.ticked = self.now
        return True

    def age(self, newest: I8) -> F8:
        """Seconds since things were heard of."""
        return (self.now - newest) / SECOND

    def silent(self, newest: I8, seconds: float) -> Index:
        """The things of which nothing was heard for longer."""
        return np.flatnonzero((self.age(newest) > seconds) & (newest != ABSENT))

    def live(self, at: I8, seconds: float) -> I8:
        """As of when to speak of reports: now where they are no older, else their own time, since an import brings one
        thing's day after another's.

        >>> Clock(now=100 * SECOND).live(np.array([95, 20]) * SECOND, 10).tolist()
        [100000000, 20000000]
        """
        now: I8 = np.where(np.abs(self.now - at) <= seconds * SECOND, self.now, at)
        return np.maximum(now, at)
