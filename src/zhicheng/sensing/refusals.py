"""What was not taken from a file, and why: columns, so that a million bad rows can be listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zhicheng.kernel.columns import I8, Coded

LONGEST = 80
"""Characters of a refused value that are kept."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One cell or row that was refused; `row` counts as a spreadsheet does, the header being row 1."""

    row: int
    column: str | None
    value: str | None
    en: str
    zh: str


@dataclass(slots=True)
class Refusals:
    """Refused cells and rows as columns; `duplicates` counts rows that repeat the id and time of an earlier one."""

    rows: I8
    column: Coded
    value: Coded
    en: Coded
    zh: Coded
    duplicates: int = 0

    @classmethod
    def of(cls, rows: I8, column: Coded, value: Coded, reason: tuple[str, str]) -> Refusals:
        """Rows refused for one reason (en, zh).

        >>> refused = Refusals.of(np.array([7]), Coded.of(["lat"]), Coded.of(["x"]), ("not a number", "不是数字"))
        >>> next(iter(refused))
        Refusal(row=7, column='lat', value='x', en='not a number', zh='不是数字')
        """
        count = len(rows)
        short = Coded([text[:LONGEST] for text in value.values], value.codes)
        return cls(
            rows.astype(np.int64), column, short, Coded.constant(reason[0], count), Coded.constant(reason[1], count)
        )

    @classmethod
    def none(cls) -> Refusals:
        """Nothing refused."""
        empty = Coded.constant(None, 0)
        return cls(np.zeros(0, np.int64), empty, empty, empty, empty)

    @classmethod
    def one(cls, refusal: Refusal) -> Refusals:
        """A single refusal."""
        return cls.of(
            np.array([refusal.row], np.int64),
            Coded.of([refusal.column]),
            Coded.of([refusal.value]),
            (refusal.en, refusal.zh),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Refusal]:
        columns = (self.column.list(), self.value.list(), self.en.list(), self.zh.list())
        for row, column, value, en, zh in zip(self.rows.tolist(), *columns, strict=True):
            yield Refusal(row, column, value, en or "", zh or "")

    def row_count(self) -> int:
        """How many rows have something refused."""
        return len(np.unique(self.rows))

    def reasons(self) -> dict[tuple[str, str], int]:
        """How often each reason (en, zh) occurs."""
        count: dict[tuple[str, str], int] = {}
        for en, zh in zip(self.en.list(), self.zh.list(), strict=True):
            count[en or "", zh or ""] = count.get((en or "", zh or ""), 0) + 1
        return count

    @staticmethod
    def concat(parts: Sequence[Refusals]) -> Refusals:
        """All parts, by row."""
        parts = [part for part in parts if len(part) or part.duplicates]
        if not parts:
            return Refusals.none()
        rows = np.concatenate([part.rows for part in parts])
        order = np.argsort(rows, kind="stable")
        names = ("column", "value", "en", "zh")
        merged = {name: Coded.concat([getattr(part, name) for part in parts]).take(order) for name in names}
        return Refusals(rows[order], **merged, duplicates=sum(part.duplicates for part in parts))
