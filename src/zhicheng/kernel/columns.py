"""Columns: dictionary-encoded text beside NumPy arrays, the shape in which data moves through the platform."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

I1 = npt.NDArray[np.uint8]
I4 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int64]
F8 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
Rows = Index | Mask | slice

Scalar = TypeVar("Scalar", bound=np.generic)


class Coded:
    """A column of text or nothing: `codes[i]` points into `values`; -1 is nothing. Values are distinct.

    >>> column = Coded.of(["a", None, "a"])
    >>> column.values, column.codes.tolist(), column.list()
    (['a'], [0, -1, 0], ['a', None, 'a'])
    """

    __slots__ = ("codes", "values")

    def __init__(self, values: list[str], codes: I4) -> None:
        self.values = values
        self.codes = codes

    @classmethod
    def of(cls, items: Iterable[str | None]) -> Coded:
        """Encode text, keeping order; distinct values in order of first appearance."""
        items = tuple(items)
        if items.count(None) == len(items):
            return cls([], np.full(len(items), -1, dtype=np.int32))
        known: dict[str | None, int] = {None: -1}
        add = known.setdefault
        codes = [add(item, len(known) - 1) for item in items]
        values = [value for value in known if value is not None]
        return cls(values, np.array(codes, dtype=np.int32))

    @classmethod
    def constant(cls, value: str | None, count: int) -> Coded:
        """The same value `count` times."""
        if value is None:
            return cls([], np.full(count, -1, dtype=np.int32))
        return cls([value], np.zeros(count, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str | None:
        code = self.codes[row]
        return None if code < 0 else self.values[code]

    def take(self, rows: Rows) -> Coded:
        """The chosen rows, sharing the values."""
        return Coded(self.values, self.codes[rows])

    def list(self) -> list[str | None]:
        """Decoded, one item a row."""
        lookup: list[str | None] = [*self.values, None]
        return [lookup[code] for code in self.codes.tolist()]

    def compact(self) -> Coded:
        """The same rows with only the values they use."""
        used = np.zeros(len(self.values) + 1, bool)
        used[self.codes] = True
        if used[:-1].all():
            return self
        mapped = np.cumsum(used[:-1], dtype=np.int32) - 1
        values = [self.values[code] for code in np.flatnonzero(used[:-1]).tolist()]
        return Coded(values, np.append(mapped, np.int32(-1))[self.codes])

    @staticmethod
    def concat(parts: Sequence[Coded]) -> Coded:
        """One column of all parts, in order."""
        if not any(part.values for part in parts):
            return Coded([], np.full(sum(map(len, parts)), -1, dtype=np.int32))
        known: dict[str, int] = {}
        add = known.setdefault
        codes = []
        for part in parts:
            mapped = np.array([*(add(value, len(known)) for value in part.values), -1], dtype=np.int32)
            codes.append(mapped[part.codes])
        return Coded(list(known), np.concatenate(codes) if codes else np.zeros(0, dtype=np.int32))
