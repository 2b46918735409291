"""Quotas: how much one principal may ask for. Pure: instants are handed in; amounts are counted by the city's day."""

from __future__ import annotations

from dataclasses import dataclass, field

from zhicheng.kernel.errors import TooMany
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.kernel.settings import Duration, Size


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody may have; 0 for as much as they like.

    per_minute: requests, as a bucket of so many that fills up within a minute; the others by day of the city
    rows: entities, instances and rows of answers; out: bytes of answers; sql: time that questions in SQL take
    """

    per_minute: int = 0
    per_day: int = 0
    rows: int = 0
    out: Size = 0
    sql: Duration = 0


@dataclass(slots=True)
class Spent:
    """What was had on a day; sql in microseconds."""

    requests: int = 0
    rows: int = 0
    out: int = 0
    sql: int = 0
    refused: int = 0


_WORDS = {
    "per_day": ("requests", "requests", "请求数"),
    "rows": ("rows", "rows", "行数"),
    "out": ("out", "bytes", "流量"),
    "sql": ("sql", "seconds of SQL", "SQL 时间"),
}
"""Quota of a day -> what of `Spent` it bounds, and how people call it."""


@dataclass(slots=True)
class Account:
    """Whose quota it is, with what was had of it.

    >>> account = Account("key:a", Allowance(per_minute=2))
    >>> account.enter(0, DAY_ENDS := 86_400 * SECOND), account.enter(0, DAY_ENDS), account.wait(0, DAY_ENDS) / SECOND
    (None, None, 30.0)
    """

    name: str
    allowance: Allowance
    spent: Spent = field(default_factory=Spent)
    left: float = -1.0
    filled_at: int = 0
    changed: bool = False

    def wait(self, now: int, day_ends: int) -> int:
        """Microseconds until there may be another request."""
        if self._over() is not None:
            return max(SECOND, day_ends - now)
        rate = self.allowance.per_minute
        self._fill(now)
        return 0 if not rate or self.left >= 1 else int((1 - self.left) * MINUTE / rate) or 1

    def enter(self, now: int, day_ends: int) -> None:
        """One request; TooMany, with `retry_after` in seconds, where that is one too many."""
        wait = self.wait(now, day_ends)
        self.changed = True
        if wait:
            self.spent.refused += 1
            raise self._refusal(-(-wait // SECOND))
        self.left -= 1
        self.spent.requests += 1

    def give_back(self) -> None:
        """A request that was not let in after all."""
        self.left += 1
        self.spent.requests -= 1

    def _fill(self, now: int) -> None:
        rate = self.allowance.per_minute
        if self.left < 0 and not self.filled_at:
            self.left = float(rate)
        elif now > self.filled_at:
            self.left = min(float(rate), self.left + (now - self.filled_at) * rate / MINUTE)
        self.filled_at = max(now, self.filled_at)

    def used_up(self) -> bool:
        """Whether a quota of the day is used up."""
        return self._over() is not None

    def _over(self) -> str | None:
        """The quota of a day that is used up."""
        for quota, (part, _, _) in _WORDS.items():
            most = getattr(self.allowance, quota)
            if most and getattr(self.spent, part) >= most:
                return quota
        return None

    def _refusal(self, seconds: int) -> TooMany:
        over = self._over()
        if over is None:
            return TooMany(
                f"More than {self.allowance.per_minute} requests a minute; try again in {seconds} s",
                f"每分钟请求数超过 {self.allowance.per_minute}；请在 {seconds} 秒后重试",
                retry_after=seconds, kind="minute",
            )  # fmt: skip
        _, en, zh = _WORDS[over]
        return TooMany(
            f"Today's quota of {en} is used up; it begins anew in {seconds} s",
            f"今日{zh}配额已用完；{seconds} 秒后重新计算",
            retry_after=seconds, kind=over,
        )  # fmt: skip

    def sql_left(self) -> int | None:
        """Microseconds that questions may still take today; None for any."""
        return max(0, self.allowance.sql - self.spent.sql) if self.allowance.sql else None

    def policies(self) -> str:
        """The quotas of requests, for the header RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
        found = self.allowance
        parts = ((found.per_minute, "minute", 60), (found.per_day, "day", 86400))
        return ", ".join(f'"{name}";q={most};w={seconds}' for most, name, seconds in parts if most)

    def remaining(self, now: int, day_ends: int) -> str:
        """What is left of them, for the header RateLimit: r requests, t seconds until there are more."""
        found, parts = self.allowance, []
        if found.per_minute:
            full_in = -int((self.left - found.per_minute) * 60 // found.per_minute)
            parts.append(f'"minute";r={max(0, int(self.left))};t={max(0, full_in)}')
        if found.per_day:
            parts.append(f'"day";r={max(0, found.per_day - self.spent.requests)};t={-(-(day_ends - now) // SECOND)}')
        return ", ".join(parts)
