"""What applications make of reference tables, which are the same from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

import pyarrow as pa

from zhicheng.compute.app import Tables

T = TypeVar("T")


class Made(Generic[T]):
    """Makes something of each set of tables once, and anew when a newer version comes.

    >>> counted = Made(len)
    >>> counted.of({"bus": {"stops": pa.table({})}}, ["bus", "rail"])
    {'bus': 1}
    """

    def __init__(self, make: Callable[[Mapping[str, pa.Table]], T]) -> None:
        self._make = make
        self._known: dict[str, tuple[Mapping[str, pa.Table], T]] = {}

    def of(self, tables: Tables, names: Iterable[str]) -> dict[str, T]:
        """What was made of the sets of these names that there are."""
        return {name: self._one(name, tables[name]) for name in names if name in tables}

    def _one(self, name: str, tables: Mapping[str, pa.Table]) -> T:
        known = self._known.get(name)
        if known is None or known[0] is not tables:
            known = self._known[name] = (tables, self._make(tables))
        return known[1]
