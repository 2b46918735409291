"""Telemetry: counters, gauges and histograms behind one handed-in object.

Code that measures takes a `Telemetry`; the process makes one `Prometheus`, tests and tools pass `Silent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import prometheus_client as prometheus

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counter(Protocol):
    """A count that only grows."""

    def add(self, amount: float = 1, **labels: str) -> None: ...


class Gauge(Protocol):
    """A value that goes up and down."""

    def set(self, value: float, **labels: str) -> None: ...


class Histogram(Protocol):
    """How often values fall into each of its buckets."""

    def observe(self, value: float, **labels: str) -> None: ...


class Telemetry(Protocol):
    """Gives instruments by name; asking again for a name gives the same instrument."""

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter: ...

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge: ...

    def histogram(
        self, name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS
    ) -> Histogram: ...


class _Nothing:
    """Every instrument that measures nothing."""

    def add(self, amount: float = 1, **labels: str) -> None:
        return None

    def set(self, value: float, **labels: str) -> None:
        return None

    def observe(self, value: float, **labels: str) -> None:
        return None


class Silent:
    """Telemetry that keeps nothing."""

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        return _Nothing()

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        return _Nothing()

    def histogram(
        self, name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS
    ) -> Histogram:
        return _Nothing()


Metric = TypeVar("Metric", prometheus.Counter, prometheus.Gauge, prometheus.Histogram)


class _Labelled(Generic[Metric]):
    """A metric and what it counts for each set of labels; kept here, as the library checks labels at each look-up."""

    def __init__(self, inner: Metric) -> None:
        self.inner: Metric = inner
        self._known: dict[tuple[tuple[str, str], ...], Metric] = {}

    def of(self, labels: dict[str, str]) -> Metric:
        if not labels:
            return self.inner
        key = tuple(labels.items())
        if key not in self._known:
            self._known[key] = self.inner.labels(**labels)
        return self._known[key]


class _Counter(_Labelled[prometheus.Counter]):
    def add(self, amount: float = 1, **labels: str) -> None:
        self.of(labels).inc(amount)


class _Gauge(_Labelled[prometheus.Gauge]):
    def set(self, value: float, **labels: str) -> None:
        self.of(labels).set(value)


class _Histogram(_Labelled[prometheus.Histogram]):
    def observe(self, value: float, **labels: str) -> None:
        self.of(labels).observe(value)


class Prometheus:
    """Telemetry kept in a registry of its own; `exposition` is what a Prometheus server reads.

    >>> telemetry = Prometheus()
    >>> telemetry.counter("feed_payloads", "Payloads taken", ["feed"]).add(2, feed="bus")
    >>> b'zhicheng_feed_payloads_total{feed="bus"} 2.0' in telemetry.exposition()
    True
    """

    content_type = prometheus.CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._known: dict[str, _Counter | _Gauge | _Histogram] = {}

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        known = self._known.get(name)
        if not isinstance(known, _Counter):
            known = _Counter(prometheus.Counter(name, help, labels, "zhicheng", registry=self.registry))
            self._known[name] = known
        return known

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        known = self._known.get(name)
        if not isinstance(known, _Gauge):
            known = _Gauge(prometheus.Gauge(name, help, labels, "zhicheng", registry=self.registry))
            self._known[name] = known
        return known

    def histogram(
        self, name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS
    ) -> Histogram:
        known = self._known.get(name)
        if not isinstance(known, _Histogram):
            inner = prometheus.Histogram(name, help, labels, "zhicheng", registry=self.registry, buckets=tuple(buckets))
            known = _Histogram(inner)
            self._known[name] = known
        return known

    def exposition(self) -> bytes:
        """Everything measured, in Prometheus' text format."""
        return prometheus.generate_latest(self.registry)
