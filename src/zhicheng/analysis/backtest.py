"""How good forecasts would have been: recorded readings are forecast slot by slot, each from its own past only.

- A slot's value is its last reading; where it has none, the last before it, if that is at most a day old.
- The forecast of slot t for slot t + h is made when slot t closes, of the values up to t.
- Persistence forecasts the value of slot t.
- A pair of slots (t, t + h) counts where both have a value. All pairs count alike, so that large car parks count more.
- Coverage is the share of pairs whose value at t + h is not less than low and not more than high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.analysis.forecast import COLUMNS, HOLDS, HORIZONS, SLOT, close
from zhicheng.kernel.columns import F8, I8


@dataclass(frozen=True, slots=True)
class Score:
    """At each horizon: mean absolute errors, the share of outcomes within the interval, and the number of pairs.

    moving: the same share where the interval is wider than two places: what stands still is easily covered
    """

    error: F8
    persistence: F8
    coverage: F8
    moving: F8
    pairs: I8

    @property
    def ratio(self) -> F8:
        """The forecast's error as a share of persistence's."""
        return self.error / self.persistence


def slotted(at: I8, value: F8, start: int, count: int) -> F8:
    """The values of slots from `start` (microseconds) on; readings in order of time. NaN for none.

    >>> slotted(np.array([0, 1, 4 * SLOT]), np.array([5.0, 6, 7]), 0, 6).tolist()
    [6.0, 6.0, 6.0, 6.0, 7.0, 7.0]
    """
    reached = (at - start) // SLOT
    last = np.searchsorted(reached, np.arange(count), "right") - 1
    known = (last >= 0) & (np.arange(count) - reached[last] <= HOLDS)
    return np.where(known, value[last], np.nan)


def replay(values: F8, slots: I8) -> F8:
    """Forecasts of a table of values (slot, key) as each slot closes: (centre, low and high; slot; key; horizon)."""
    count = values.shape[1]
    keys = {name: np.tile(one, (count, *(1,) * one.ndim)) for name, one in COLUMNS.items() if one.ndim}
    keys |= {name: np.full(count, one) for name, one in COLUMNS.items() if not one.ndim}
    made = np.full((3, *values.shape, len(HORIZONS)), np.nan)
    for line, (row, slot) in enumerate(zip(values, slots.tolist(), strict=True)):
        said = np.flatnonzero(~np.isnan(row))
        made[:, line, said] = close(keys, said, np.full(len(said), slot), row[said])
    return made


def score(values: F8, made: F8, since: int) -> Score:
    """What forecasts issued from slot `since` on are worth.

    >>> values = np.array([[1.0], [2], [3], [4], [5], [6], [7], [8], [9], [10]])
    >>> made = np.stack([np.repeat(values[:, :, None] + 1, 4, axis=2) + shift for shift in (0, -1, 1)])
    >>> found = score(values, made, 0)
    >>> found.ratio.round(2).tolist(), found.coverage.tolist(), found.pairs.tolist()
    ([0.0, 0.5, 0.75, 0.88], [1.0, 1.0, 0.0, 0.0], [9, 8, 6, 2])
    """
    found = [_score(values, made[..., place], since, ahead) for place, ahead in enumerate(HORIZONS.tolist())]
    error, persistence, coverage, moving, pairs = (np.array(column) for column in zip(*found, strict=True))
    return Score(error, persistence, coverage, moving, pairs)


def _score(values: F8, made: F8, since: int, ahead: int) -> tuple[float, float, float, float, int]:
    now, then = values[since:-ahead], values[since + ahead :]
    centre, low, high = made[:, since:-ahead]
    pair = ~np.isnan(now + then + centre)
    inside = (then >= low) & (then <= high)
    wide = pair & (high - low > 2)
    moving = float(inside[wide].mean()) if wide.any() else float("nan")
    error, persistence = (float(np.abs(then - one)[pair].mean()) for one in (centre, now))
    return error, persistence, float(inside[pair].mean()), moving, int(pair.sum())
