"""What a question in SQL may take."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.settings import Duration, Size


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """[sql]: memory and time of one question, rows of its answer, how many are answered at once and how many wait."""

    memory: Size = 512_000_000
    time: Duration = 30_000_000
    rows: int = 100_000
    at_once: int = 2
    waiting: int = 8

    def __post_init__(self) -> None:
        if self.rows < 1 or self.at_once < 1 or self.waiting < 0:
            raise Invalid(
                "rows and at_once are at least 1, waiting at least 0", "rows、at_once 至少为 1，waiting 至少为 0"
            )
