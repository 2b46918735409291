"""The city at an instant as the views of applications see it: entities straight from the columns of a state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import numpy as np
import pyarrow as pa

from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import Index
from zhicheng.server.moment import Moment
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.entities import entity_at, entity_of
from zhicheng.storage.live import Table

T = TypeVar("T")
Made = dict[tuple[str, str, object], tuple[int, object]]
"""What was made of reference tables: by tenant, set and function; with the version it is of."""


class Sight:
    """One look at a state (see `standards.models.seen.Seen`)."""

    def __init__(self, space: Space, moment: Moment, made: Made) -> None:
        self.now = moment.now
        self.stale = moment.stale
        self._space = space
        self._state = moment.state
        self._made = made
        self._terms = space.models.terms()

    def some(self, type_: str, attribute: str = "", values: Collection[str] = ()) -> list[Entity]:
        """See `Seen`."""
        name = iri(attribute, self._terms) if attribute else ""
        found: list[Entity] = []
        with self._state.lock:
            for table in self._state.tables_of([iri(type_, self._terms)]):
                rows = _rows(table, name, values) if name else np.flatnonzero(table.alive)
                found += [entity_at(table, row) for row in rows.tolist()]
        return found

    def one(self, identifier: str) -> Entity | None:
        """See `Seen`."""
        with self._state.lock:
            return entity_of(self._state, identifier)

    def made(self, tables: str, make: Callable[[Mapping[str, pa.Table]], T]) -> T | None:
        """See `Seen`."""
        version = self._space.store.table_version(tables)
        key = (self._space.tenant, tables, make)
        known = self._made.get(key)
        if known is None or known[0] != version:
            fresh = make(self._space.store.tables(tables, version)) if version else None
            known = self._made[key] = (version, fresh)
        return known[1]  # type: ignore[return-value]  # the function in the key made it


def _rows(table: Table, name: str, values: Collection[str]) -> Index:
    """Rows of which the attribute is one of the texts, in any of its instances; lists of one count as it."""
    wanted = frozenset(values)
    fitting = np.zeros(table.count, np.bool_)
    for cells in table.cells(name):
        if cells.pools["text"].values:
            known = cells.pools["text"].index
            codes = [known[value] for value in wanted if value in known]
            fitting |= np.isin(cells.codes["text"][: table.count], codes) & (cells.form > 0)
    return np.flatnonzero(fitting & table.alive)
