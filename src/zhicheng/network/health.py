"""How a feed is doing: what it last brought, what last went wrong, and whether its data can still be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from zhicheng.kernel.errors import ZhichengError

Status = Literal["starting", "ok", "late", "stale", "failed", "ended"]
FAILURES = 3
"""Failures on end after which a feed that once worked counts as failed."""

STATUS_ZH: dict[Status, str] = {
    "starting": "启动中",
    "ok": "正常",
    "late": "延迟",
    "stale": "数据陈旧",
    "failed": "故障",
    "ended": "已结束",
}


@dataclass(frozen=True, slots=True)
class Health:
    """A feed's record; instants in microseconds, None where it never happened.

    `answered_at`: the source last answered, with news or without; `payload_at`: it last brought something new
    that was taken. `failures` are those on end; `refused` counts payloads that could not be read. `beat`: the usual
    time between two payloads, the newest weighing most; 0 until there are two.
    """

    name: str
    kind: str
    started_at: int
    late_after: int
    stale_after: int
    answered_at: int | None = None
    payload_at: int | None = None
    failed_at: int | None = None
    error_en: str = ""
    error_zh: str = ""
    failures: int = 0
    payloads: int = 0
    refused: int = 0
    unchanged: int = 0
    bytes: int = 0
    ended: bool = False
    beat: int = 0

    def status(self, now: int) -> Status:
        """What to show: failed, stale (nothing new for too long), late (no answer), or fine.

        >>> health = Health("bus", "http", 0, late_after=10, stale_after=100)
        >>> health.status(5), health.status(20), health.answered(8).taken(8, 1).status(30)
        ('starting', 'late', 'late')
        """
        if self.ended:
            return "ended"
        if self.failures >= FAILURES or (self.failures and self.answered_at is None):
            return "failed"
        if now - (self.payload_at if self.payload_at is not None else self.started_at) > self.stale_after:
            return "stale"
        if now - (self.answered_at if self.answered_at is not None else self.started_at) > self.late_after:
            return "late"
        return "starting" if self.answered_at is None else "ok"

    def answered(self, now: int) -> Health:
        """The source answered and nothing went wrong."""
        return replace(self, answered_at=now, failures=0)

    def taken(self, now: int, size: int) -> Health:
        """A payload was stored.

        >>> health = Health("bus", "http", 0, 10, 100)
        >>> health.taken(100, 1).taken(110, 1).beat, health.taken(100, 1).taken(110, 1).taken(130, 1).beat
        (10, 13)
        """
        gap = 0 if self.payload_at is None else now - self.payload_at
        beat = (7 * self.beat + 3 * gap) // 10 if self.beat else gap
        return replace(self, payload_at=now, payloads=self.payloads + 1, bytes=self.bytes + size, beat=beat)

    def failed(self, now: int, error: ZhichengError) -> Health:
        """Something went wrong."""
        return replace(self, failed_at=now, error_en=error.en, error_zh=error.zh, failures=self.failures + 1)
