"""How good predictions of arrivals are: the share that riders can rely on, in four buckets of time to the arrival.

Source: ETA Accuracy Benchmark (IBI Group, TransitApp): https://github.com/TransitApp/ETA-Accuracy-Benchmark
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhicheng.kernel.columns import F8


@dataclass(frozen=True, slots=True)
class Bucket:
    """Seconds from the prediction to the arrival in [least, most), and how far off a reliable prediction is.

    early, late: the arrival less its prediction, both inclusive
    """

    least: float
    most: float
    early: float
    late: float


BUCKETS = (
    Bucket(0, 180, -30, 90),
    Bucket(180, 360, -60, 150),
    Bucket(360, 600, -60, 210),
    Bucket(600, 900, -90, 270),
)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of reliable predictions of each bucket (NaN for an empty one), and how many there were."""

    shares: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def score(self) -> float:
        """The mean of the buckets' shares, each counting alike."""
        return float(np.mean(self.shares))


def accuracy(predicted: F8, actual: F8) -> Accuracy:
    """Score predictions; seconds from the moment of prediction to the predicted and to the actual arrival.

    A prediction that is not there (NaN) is not reliable.

    >>> found = accuracy(np.array([60.0, 60.0, 300.0, 500.0, 600.0]), np.array([95.0, 20.0, 330.0, 500.0, 900.0]))
    >>> found.shares[:3], found.counts
    ((0.5, 1.0, 1.0), (2, 1, 1, 0))
    """
    off = actual - predicted
    shares, counts = [], []
    for bucket in BUCKETS:
        inside = (actual >= bucket.least) & (actual < bucket.most)
        reliable = (off >= bucket.early) & (off <= bucket.late) & inside
        counts.append(int(inside.sum()))
        shares.append(float(reliable.sum() / inside.sum()) if inside.any() else np.nan)
    return Accuracy(tuple(shares), tuple(counts))


def lean(seconds: F8) -> F8:
    """How much earlier than the median to announce an arrival `seconds` ahead, so that as few as can be are missed.

    Halfway between what the buckets allow early and late, between their middles in a straight line: who waits a
    minute more is better off than who comes a minute late.

    >>> lean(np.array([0.0, 90.0, 480.0, 5000.0])).tolist()
    [0.0, 30.0, 75.0, 90.0]
    """
    middles = [0.0, *((bucket.least + bucket.most) / 2 for bucket in BUCKETS)]
    leads = [0.0, *((bucket.early + bucket.late) / 2 for bucket in BUCKETS)]
    return np.interp(seconds, middles, leads)
