"""From readings of free places to occupancy and trend. Pure, on columns."""

from __future__ import annotations

from typing import Final

import numpy as np

from zhicheng.kernel.columns import F8, Coded

_TRENDS: Final = ["filling", "steady", "emptying"]
_FEW: Final = 3.0
"""Places: a change of fewer is steady, however small the car park."""


def occupancy(free: F8, total: F8) -> F8:
    """The share of places in use, between 0 and 1, to the thousandth; NaN without places or readings.

    >>> occupancy(np.array([30.0, 120, 5]), np.array([100.0, 100, np.nan])).tolist()
    [0.7, 0.0, nan]
    """
    share = np.divide(free, total, out=np.full(len(free), np.nan), where=total > 0)
    used: F8 = np.round(np.clip(1 - share, 0, 1), 3)
    return used


def trend(change: F8, total: F8, steady: float) -> Coded:
    """What free places do, by their change in the past hour: filling, steady, emptying; nothing if not known.

    >>> trend(np.array([-20, 4, 9.0, np.nan]), np.array([300, 300, np.nan, 1]), 0.03).list()
    ['filling', 'steady', 'emptying', None]
    """
    much = np.maximum(np.nan_to_num(total) * steady, _FEW)
    code = 1 + (change >= much).astype(np.int32) - (change <= -much)
    return Coded(_TRENDS, np.where(np.isnan(change), -1, code).astype(np.int32))
