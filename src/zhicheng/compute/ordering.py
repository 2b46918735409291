"""Orders within columns: equal keys together, the newest instant so far, the latest value of each key."""

from __future__ import annotations

import numpy as np

from zhicheng.kernel.columns import F8, I8, Index, Mask


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


def carried(rows: Index, values: F8, before: F8) -> F8:
    """Of each row the latest value of its key that is not NaN, its own included; before: what each key began with.

    >>> carried(np.array([0, 1, 0, 0]), np.array([np.nan, 5, 3, np.nan]), np.array([9.0, np.nan])).tolist()
    [9.0, 5.0, 3.0, 3.0]
    """
    order = np.argsort(rows, kind="stable")
    key, value = rows[order], values[order]
    first = np.append(True, key[1:] != key[:-1])[: len(key)]
    said = np.where(~np.isnan(value) | first, np.arange(len(key)), 0)
    source = np.maximum.accumulate(said)
    found: F8 = np.empty(len(rows))
    found[order] = np.where(np.isnan(value[source]), before[key], value[source])
    return found
