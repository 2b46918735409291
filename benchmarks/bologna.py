"""Arrivals from positions: the buses of a simulated morning in Bologna, against when they truly came."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.arrival import recorded
from benchmarks.figure import Benchmark, Figure, Round, Skipped
from tests.analysis import bologna
from zhicheng.analysis.eta_accuracy import accuracy

SEEDS = (23423, 42, 1, 2, 3, 7, 8, 9)
"""The simulator's own, and some more: on some mornings a road jams that does not on others."""


def run(folder: Path) -> Iterator[Round]:
    """A morning for each seed; everything is learnt anew."""
    scenario = recorded(bologna.SCENARIO)
    try:
        sumo = importlib.import_module("libsumo")
    except ImportError:
        raise Skipped("the simulator is not installed; `pip install 'zhicheng[sim]'` brings it") from None
    rounds = [_morning(seed, bologna.simulate(scenario, sumo, seed=seed)) for seed in SEEDS]
    worst = min(score for score, _ in rounds)
    for score, holds in rounds:
        yield {"bologna reliable": (score, None), "bologna worst": (worst, None), "bologna range holds": (holds, None)}


def _morning(seed: int, found: bologna.Simulated) -> tuple[float, float]:
    """Score and share in the range, in percent."""
    announced, low, high, actual = bologna.follow(found)
    one = accuracy(announced, actual)
    shares = " ".join(f"{100 * share:.1f} ({count})" for share, count in zip(one.shares, one.counts, strict=True))
    print(f"bologna: seed {seed}: {shares} mean {100 * one.score:.1f} %")
    soon = actual < 900
    return 100 * one.score, float(100 * ((actual >= low) & (actual <= high))[soon].mean())


BENCHMARK = Benchmark(
    "bologna",
    "Arrivals from positions every 10 s with 10 m of noise, learnt from nothing: reliable by the ETA benchmark; "
    "median and worst of some mornings",
    (
        Figure("bologna reliable", "%", 85, 90),
        Figure("bologna worst", "%"),
        Figure("bologna range holds", "% (of 80)"),
    ),
    run,
)
