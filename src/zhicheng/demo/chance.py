"""Chance without memory: the same seed, name and number give the same value, today and for a year ago."""

from __future__ import annotations

import zlib
from typing import cast

import numpy as np
import numpy.typing as npt

from zhicheng.kernel.columns import F8

U8 = npt.NDArray[np.uint64]


def generator(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each thing that is made.

    >>> float(generator(1, "river").random()) == float(generator(1, "river").random())
    True
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def mixed(*keys: npt.ArrayLike) -> U8:
    """Keys as evenly spread 64-bit numbers (the finalizer of SplitMix64, Steele et al. 2014)."""
    found = np.asarray(0x9E3779B97F4A7C15, np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            word = np.asarray(key).astype(np.int64).astype(np.uint64)
            found = np.bitwise_xor(found, word) * np.uint64(0xBF58476D1CE4E5B9)
            found = np.bitwise_xor(found, found >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
            found = np.bitwise_xor(found, found >> np.uint64(31)) + np.uint64(0x9E3779B97F4A7C15)
    return found


def uniform(*keys: npt.ArrayLike) -> F8:
    """From 0 to 1, by keys.

    >>> uniform(1, np.arange(3)).round(2).tolist() == uniform(1, np.arange(3)).round(2).tolist()
    True
    """
    return (mixed(*keys) >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def normal(*keys: npt.ArrayLike) -> F8:
    """Close to the normal distribution (a sum of four even ones), never beyond 3.5."""
    parts = [uniform(*keys, part) for part in range(4)]
    return cast(F8, (sum(parts[1:], parts[0]) - 2.0) * np.sqrt(3.0))


def wander(seconds: F8, period: float, *keys: npt.ArrayLike) -> F8:
    """Smooth noise over time, about normal: values every `period` seconds, joined by a cosine."""
    step = np.floor(seconds / period)
    part = (1 - np.cos(np.pi * (seconds / period - step))) / 2
    return normal(*keys, step) * (1 - part) + normal(*keys, step + 1) * part
