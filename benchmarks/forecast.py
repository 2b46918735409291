"""Forecasts of free places: the last quarter of three months of real car parks, beside persistence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.parking import archive
from tests.acceptance.parking import read_archive
from tests.analysis.german_parking import three_months
from zhicheng.analysis.backtest import replay, score

_MINUTES = (15, 30, 60, 120)
_BARS, _AIMS = (0.85, 0.74, 0.62, 0.51), (0.80, 0.68, 0.57, 0.46)
_OFF = 3.0
"""Points that coverage may be off 80 %."""


def run(folder: Path) -> Iterator[Round]:
    """One replay: the same readings give the same forecasts every time."""
    values, slots = three_months(read_archive(archive()))
    began = time.perf_counter()
    made = replay(values, slots)
    taken = time.perf_counter() - began
    found = score(values, made, len(values) * 3 // 4)
    print(
        f"forecast: {values.shape[1]} car parks; {', '.join(map(str, _MINUTES))} min: mean absolute error "
        f"{found.error.round(2)} places, persistence's {found.persistence.round(2)}; intervals cover "
        f"{(100 * found.coverage).round(1)} %, where wider than two places {(100 * found.moving).round(1)} %"
    )
    figures: dict[str, tuple[float, float | None]] = {}
    for place, minutes in enumerate(_MINUTES):
        figures[f"forecast {minutes} min"] = (float(found.ratio[place]), None)
        figures[f"covers {minutes} min"] = (float(100 * found.coverage[place] - 80), None)
    figures["off"] = (float(np.abs(100 * found.coverage - 80).max()), None)
    figures["forecasts"] = (int((~np.isnan(values)).sum()) / taken, None)
    yield from [figures] * ROUNDS


BENCHMARK = Benchmark(
    "forecast",
    "Free places of car parks 15 minutes to two hours ahead, of persistence's error; how far from 80 % intervals cover",
    (
        *(
            Figure(f"forecast {minutes} min", "of persistence", bar, aim, lower=True)
            for minutes, bar, aim in zip(_MINUTES, _BARS, _AIMS, strict=True)
        ),
        *(Figure(f"covers {minutes} min", "points over 80 %") for minutes in _MINUTES),
        Figure("off", "points from 80 %", _OFF, lower=True),
        Figure("forecasts", "slots/s"),
    ),
    run,
)
