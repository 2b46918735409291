"""What columns a tree is evaluated on: a table of entities; and testing coded text once a distinct value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.standards.ngsild.model import Attribute

ReadSub = Callable[[str], Mapping[str, Sequence[Attribute]]]
"""Gives the sub-attributes, by IRI, that a text of the column `sub` holds."""
TextTest = Callable[[list[str]], Iterable[bool]]


class Cells(Protocol):
    """One (attribute, datasetId) of a table, a row an entity; `standards.changes.Form` says how values are held.

    Rows whose form is `Form.NOTHING` lack the attribute; their other columns mean nothing.
    """

    @property
    def dataset(self) -> str | None: ...
    @property
    def kind(self) -> I1: ...
    @property
    def form(self) -> I1: ...
    @property
    def number(self) -> F8: ...
    @property
    def text(self) -> Coded: ...
    @property
    def observed_at(self) -> I8: ...
    @property
    def created_at(self) -> I8: ...
    @property
    def modified_at(self) -> I8: ...
    @property
    def unit(self) -> Coded: ...
    @property
    def sub(self) -> Coded: ...

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        """West, south, east, north of each row's geometry; NaN where there is none."""


class Source(Protocol):
    """A table of entities of the same types. scope: JSON lists; instants: microseconds or ABSENT."""

    @property
    def count(self) -> int: ...
    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def scope(self) -> Coded: ...
    @property
    def created_at(self) -> I8: ...
    @property
    def modified_at(self) -> I8: ...

    def cells(self, attribute: str) -> Sequence[Cells]:
        """Every instance column of an attribute; none where the table lacks it."""


FEW = 256
"""So many distinct values are all tested without asking which of them are used."""


def by_text(column: Coded, rows: Mask, test: TextTest) -> Mask:
    """Which of the rows hold a text that passes; each distinct text is tested once.

    >>> rows = np.array([True, True, True, False])
    >>> by_text(Coded.of(["a", "b", None, "a"]), rows, lambda texts: [text == "a" for text in texts])
    array([ True, False, False, False])
    """
    values = column.values
    if len(values) <= FEW:
        passed = test(values)
        table = np.zeros(len(values) + 1, np.bool_)
        table[:-1] = np.fromiter(passed, np.bool_, len(values))
    else:
        used = _used(column, rows)
        table = np.zeros(len(values) + 1, np.bool_)
        table[used] = np.fromiter(test([values[code] for code in used.tolist()]), np.bool_, len(used))
    found: Mask = table.take(column.codes)
    found &= rows
    return found


def _used(column: Coded, rows: Mask) -> Index:
    """The codes that the rows use."""
    codes = column.codes if rows.all() else column.codes[rows]
    if len(column.values) > 8 * len(codes):
        distinct = np.unique(codes)
        return np.asarray(distinct[distinct >= 0], np.intp)
    return np.flatnonzero(np.bincount(codes + 1, minlength=len(column.values) + 1)[1:])
