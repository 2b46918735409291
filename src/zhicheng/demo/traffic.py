"""How slow the streets are: by the hour, the kind of day, and how hard it rains."""

from __future__ import annotations

from zhicheng.demo.days import bump
from zhicheng.kernel.columns import F8, Mask


def slowness(hours: F8, worked: Mask | bool, rain: F8 | float = 0.0) -> F8:
    """By how much longer a bus takes than on empty streets: 1 at night, 1.7 in the rush of a working day.

    >>> import numpy as np
    >>> slowness(np.array([3.0, 8.0, 13.0]), True).round(2).tolist()
    [1.0, 1.73, 1.32]
    """
    rush = 0.62 * bump(hours, 8.0, 1.0) + 0.68 * bump(hours, 18.0, 1.3)
    ease = 0.3 * bump(hours, 11.0, 3.0) + 0.36 * bump(hours, 16.5, 3.5)
    return 1 + worked * rush + (0.7 + 0.3 * worked) * ease + 0.22 * (rain > 0.2) + 0.02 * rain
