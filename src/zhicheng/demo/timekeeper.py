"""The city's clock: the real one; or one that begins in the past, runs faster, and goes on with the real one once it
has caught up. What lies in the future is never told: the platform would not believe it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Now = Callable[[], float]


@dataclass(slots=True)
class Timekeeper:
    """real: seconds since 1970; speed: seconds of the city in one of ours; start: the city's first instant.

    >>> ours = iter([1000.0, 1010.0, 1100.0])
    >>> clock = Timekeeper(lambda: next(ours), 10.0, 400.0)
    >>> clock.now(), clock.now()
    (500.0, 1100.0)
    """

    real: Now
    speed: float = 1.0
    start: float | None = None
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.real()

    def now(self) -> float:
        """The city's now."""
        real = self.real()
        if self.start is None:
            return real
        return min(real, self.start + (real - self._began) * self.speed)

    def behind(self) -> bool:
        """Whether it still runs faster than time."""
        return self.now() < self.real() - 1
