"""The machine a run was made on, and how quiet it was: a fixed piece of work, measured again and again."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figure import spread_of

QUIET = 0.15
"""Up to this spread of a fixed piece of work the machine counts as quiet."""


@dataclass(frozen=True, slots=True)
class Machine:
    """cores, Python's version; load: runnable processes over the last minute before the run

    loop_ms: a fixed loop in Python, median; fsync_ms: writing 4 kB durably, median; the spreads tell the noise
    """

    cores: int
    python: str
    load: float
    loop_ms: float
    loop_spread: float
    fsync_ms: float
    fsync_spread: float

    @property
    def quiet(self) -> bool:
        """Whether nothing else seems to have been at work."""
        return self.loop_spread <= QUIET and self.load < 0.5 * self.cores


def measured(folder: Path) -> Machine:
    """Look at the machine; takes about a second."""
    loops = [_loop() for _ in range(9)]
    syncs = [_sync(folder / "fsync") for _ in range(21)]
    return Machine(
        os.cpu_count() or 1,
        platform.python_version(),
        os.getloadavg()[0],
        median(loops),
        spread_of(loops),
        median(syncs),
        spread_of(syncs),
    )


def _loop() -> float:
    began = time.perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number & 7
    return 1000 * (time.perf_counter() - began)


def _sync(path: Path) -> float:
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        file.write(bytes(4096))
        os.fdatasync(file.fileno())
    return 1000 * (time.perf_counter() - began)
