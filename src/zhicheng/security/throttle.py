"""Brute force: who fails again and again has to wait, longer each time. Pure: the clock is handed in."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from zhicheng.kernel.errors import TooMany
from zhicheng.kernel.instants import HOUR, SECOND, Clock


@dataclass(slots=True)
class _Failures:
    count: int
    last: int


class Throttle:
    """Counts failures by key (an account, an address of the network).

    free: failures that cost nothing; then the wait doubles from one second up to `longest` (microseconds);
    `forget`: a key of which nothing bad was heard for so long begins anew; at most `most` keys are remembered

    >>> now = [0]
    >>> throttle = Throttle(lambda: now[0], free=1)
    >>> throttle.failed("clerk"); throttle.check("clerk"); throttle.failed("clerk")
    >>> throttle.wait("clerk") / SECOND
    1.0
    """

    def __init__(
        self, clock: Clock, *, free: int = 5, longest: int = HOUR // 4, forget: int = 24 * HOUR, most: int = 100_000
    ) -> None:
        self._clock = clock
        self._free, self._longest, self._forget, self._most = free, longest, forget, most
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def failed(self, key: str) -> None:
        """One more failure."""
        now = self._clock()
        found = self._failures.get(key)
        if found is None or now - found.last > self._forget:
            found = self._failures[key] = _Failures(0, now)
        found.count += 1
        found.last = now
        self._failures.move_to_end(key)
        if len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """All is forgiven."""
        self._failures.pop(key, None)

    def wait(self, key: str) -> int:
        """Microseconds until the key may try again."""
        found = self._failures.get(key)
        over = 0 if found is None else found.count - self._free
        if found is None or over <= 0:
            return 0
        pause: int = min(SECOND << min(over - 1, 30), self._longest)
        return max(0, found.last + pause - self._clock())

    def check(self, *keys: str) -> None:
        """TooMany while any of the keys has to wait; `retry_after` in seconds."""
        left = max(map(self.wait, keys))
        if left:
            seconds = -(-left // SECOND)
            raise TooMany(
                f"Too many failed attempts; try again in {seconds} s",
                f"失败次数过多；请在 {seconds} 秒后重试",
                retry_after=seconds,
            )
