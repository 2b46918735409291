"""Arrivals from positions: the buses of a simulated morning in Bologna, against when they truly came."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.arrival import recorded
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round, Skipped
from tests.analysis import bologna
from zhicheng.analysis.eta_accuracy import accuracy


def run(folder: Path) -> Iterator[Round]:
    """One morning: the same seeds give the same predictions every time."""
    scenario = recorded(bologna.SCENARIO)
    try:
        sumo = importlib.import_module("libsumo")
    except ImportError:
        raise Skipped("the simulator is not installed; `pip install 'zhicheng[sim]'` brings it") from None
    announced, low, high, actual = bologna.follow(bologna.simulate(scenario, sumo))
    found = accuracy(announced, actual)
    shares = " ".join(f"{100 * share:.1f} ({count})" for share, count in zip(found.shares, found.counts, strict=True))
    print(f"bologna: {shares} mean {100 * found.score:.1f} %")
    soon = actual < 900
    holds = ((actual >= low) & (actual <= high))[soon].mean()
    yield from [
        {"bologna reliable": (100 * found.score, None), "bologna range holds": (100 * float(holds), None)}
    ] * ROUNDS


BENCHMARK = Benchmark(
    "bologna",
    "Arrivals from positions every 10 s with 10 m of noise, learnt from nothing: reliable by the ETA benchmark",
    (Figure("bologna reliable", "%", 85, 90), Figure("bologna range holds", "% (of 80)")),
    run,
)
