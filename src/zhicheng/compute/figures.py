"""How an application is doing: for people, and for the monitoring."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.compute.pipeline import Memory
from zhicheng.kernel.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Explained:
    """How an application is doing, for people: since its beginning or last backfill; `lost` since the start.

    read: rows of the log with what it reads; given: of those to the application
    late, repeated, future, amending: see `sieve.Counts`
    derived: rows it gave; written: those worth storing; lost: rows whose entity was removed meanwhile
    position, end: how far it is and how far the log; lag: what lies between, in microseconds of recording
    rows, rows_left: of the whole log, and those of them that it has not read
    """

    epoch: int
    position: int
    end: int
    lag: int
    read: int
    given: int
    late: int
    repeated: int
    future: int
    amending: int
    derived: int
    written: int
    lost: int
    cpu_seconds: float
    state_bytes: int
    rows: int = 0
    rows_left: int = 0

    @property
    def done(self) -> float:
        """The share of the log that it has read."""
        return 1 - self.rows_left / self.rows if self.rows else 1.0

    @property
    def cpu_left(self) -> float | None:
        """CPU seconds until the end of the log, by what it has taken so far; None where nothing is known."""
        read = self.rows - self.rows_left
        if not self.rows_left:
            return 0.0
        return self.cpu_seconds / read * self.rows_left if read and self.cpu_seconds else None

    @property
    def rate(self) -> float:
        """Rows given to it for each CPU second that it took, its share of reading and storing included."""
        return self.given / self.cpu_seconds if self.cpu_seconds else 0.0

    @property
    def out_per_in(self) -> float:
        """Rows stored for each row given."""
        return self.written / self.given if self.given else 0.0


class Meters:
    """What is measured of an application."""

    def __init__(self, telemetry: Telemetry, name: str) -> None:
        self.name = name
        self.given = telemetry.counter("app_rows_in", "Rows given to an application", ["app"])
        self.written = telemetry.counter("app_rows_out", "Rows written by an application", ["app"])
        self.cpu = telemetry.counter("app_cpu_seconds", "CPU seconds of an application", ["app"])
        self.failures = telemetry.counter("app_failures", "Steps of an application that failed", ["app"])
        self.lag = telemetry.gauge("app_lag_positions", "Commits that an application has not read", ["app"])
        self.state = telemetry.gauge("app_state_bytes", "Size of an application's state", ["app"])
        self._told = (0, 0, 0.0)

    def tell(self, memory: Memory, behind: int, state_bytes: int) -> None:
        """Take the figures after a step; behind: commits that were not read."""
        now = (memory.sieve.counts.given, memory.written, memory.cpu)
        for counter, value, before in zip((self.given, self.written, self.cpu), now, self._told, strict=True):
            counter.add(max(value - before, 0), app=self.name)
        self._told = now
        self.lag.set(max(behind, 0), app=self.name)
        self.state.set(state_bytes, app=self.name)
