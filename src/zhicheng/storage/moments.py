"""When things happened: how many rows took effect in each part of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.kernel.columns import I8


@dataclass(frozen=True, slots=True)
class Moments:
    """Instants, in microseconds and order, each with the number of rows that took effect in the time that it begins."""

    at: I8
    count: I8

    def within(self, start: int, end: int, steps: int) -> I8:
        """The rows in each of `steps` equal parts of [start, end).

        >>> Moments(np.array([0, 10, 19]), np.array([1, 2, 3])).within(0, 20, 2).tolist()
        [1, 5]
        >>> sum(Moments(np.array([1_700_000_000_000_000]), np.array([1])).within(-(2**56), 2**56, 900).tolist())
        1
        """
        inside = (self.at >= start) & (self.at < end)
        borders = [start - (start - end) * part // steps for part in range(1, steps)]  # Python's: they do not overflow
        part = np.searchsorted(np.array(borders, np.int64), self.at[inside], "right")
        return np.bincount(part, self.count[inside], steps).astype(np.int64)


NEVER = Moments(np.zeros(0, np.int64), np.zeros(0, np.int64))


def moments_of(effective: I8, grain: int) -> Moments:
    """The rows by the part of time, `grain` microseconds long, in which each takes effect."""
    at, count = np.unique(effective // grain * grain, return_counts=True)
    return Moments(at, count.astype(np.int64))


def together(parts: list[Moments]) -> Moments:
    """All of them as one.

    >>> one = Moments(np.array([0, 60]), np.array([1, 2]))
    >>> together([one, one]).count.tolist()
    [2, 4]
    """
    if not parts:
        return NEVER
    at, code = np.unique(np.concatenate([part.at for part in parts]), return_inverse=True)
    return Moments(at, np.bincount(code, np.concatenate([part.count for part in parts])).astype(np.int64))
