"""Orders within columns: equal keys together, and the newest instant so far."""

from __future__ import annotations

import numpy as np

from zhicheng.kernel.columns import I8, Index, Mask


def grouped(series: Index) -> Index:
    """The order that brings equal numbers together and keeps the order within; narrow numbers sort much quicker."""
    low = int(series.min())
    if int(series.max()) - low < 1 << 16:
        return np.argsort((series - low).astype(np.uint16), kind="stable")
    return np.argsort(series, kind="stable")


def running_newest(at: I8, first: Mask, decided: Mask, stood: I8) -> I8:
    """The newest instant of each row's series so far, the row included; a decision begins anew with its own."""
    start = first | decided
    level = np.where(first & ~decided, np.maximum(at, stood), at)
    if (np.diff(level) >= 0)[~start[1:]].all():
        return level
    distinct, rank = np.unique(level, return_inverse=True)
    run = np.cumsum(start) - 1
    highest = np.maximum.accumulate(run * len(distinct) + rank)
    top: I8 = distinct[highest - run * len(distinct)]
    return top
