"""What a class of principals may see, as a state of its own: everything that reads one is bound by it.

A veil is a predicate over entities and a question to each value (attribute, owner, classification). Behind it hidden
entities do not live and hidden values are absent, for queries, counts, tiles, streams and exports alike, so that
nothing has to be filtered afterwards and no count tells what a list hides.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zhicheng.hub.excerpt import Excerpt, ExcerptCells
from zhicheng.hub.query import read_sub
from zhicheng.hub.veiled_table import VeiledTable
from zhicheng.kernel.columns import Coded, Index, Mask
from zhicheng.standards.changes import Changes
from zhicheng.standards.filter import columns, tree
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.cells import Cells
from zhicheng.storage.directory import Directory
from zhicheng.storage.live import State, Table

Shows = Callable[[str, str | None, str | None], bool]
"""Whether values of an attribute (IRI) with this owner and classification are shown."""


@dataclass(frozen=True, slots=True)
class Veil:
    """where: the entities that are seen; shows: which of their values"""

    where: Node
    shows: Shows

    def sees(self, table: Table) -> Mask:
        """Which rows of a table are seen. Call with the state's lock held."""
        return table.alive & columns.compile(self.where, read_sub)(table)

    def sees_rows(self, table: Table, rows: Index) -> Mask:
        """The same of some rows only."""
        if len(rows) > table.count // 2:
            return self.sees(table)[rows]
        return table.alive[rows] & columns.compile(self.where, read_sub)(Excerpt(table, rows))

    def fulfil(self, table: Table, rows: Index, where: Node) -> Mask:
        """Which of some rows are seen and fulfil a predicate, as far as their values are shown."""
        return self.sees_rows(table, rows) & _VeiledExcerpt(table, rows, self).fulfil(where)

    def shown(self, entity: Entity) -> Entity:
        """An entity with the values that are shown."""
        attributes = {
            name: [one for one in instances if self.shows(name, one.owner, one.classification)]
            for name, instances in entity.attributes.items()
        }
        return replace(entity, attributes={name: shown for name, shown in attributes.items() if shown})

    def shown_rows(self, changes: Changes) -> Mask:
        """Which rows hold a value that is shown; rows about whole entities have no attribute and are."""
        return self.shown_triples(changes.attribute, changes.owner, changes.classification)

    def shown_triples(self, attribute: Coded, owner: Coded, classification: Coded) -> Mask:
        """The same, column by column."""
        sizes = len(owner.values) + 1, len(classification.values) + 1
        key = (attribute.codes.astype(np.int64) + 1) * sizes[0] + owner.codes + 1
        key = key * sizes[1] + classification.codes + 1
        kinds, which = np.unique(key, return_inverse=True)
        shown = []
        for kind in kinds.tolist():
            rest, one = divmod(kind, sizes[1])
            name, whose = divmod(rest, sizes[0])
            asked = _text(attribute, name - 1), _text(owner, whose - 1), _text(classification, one - 1)
            shown.append(asked[0] is None or self.shows(asked[0], asked[1], asked[2]))
        found: Mask = np.array(shown, np.bool_)[which]
        return found

    def hidden(self, attribute: str, cells: Cells, rows: Index) -> Mask:
        """Which of some rows hold a value that is not shown."""
        owners, classes = cells.pools["owner"].values, cells.pools["classification"].values
        shown = np.array(
            [[self.shows(attribute, owner, one) for one in (*classes, None)] for owner in (*owners, None)], np.bool_
        )
        if shown.all():
            return np.zeros(len(rows), np.bool_)
        hidden: Mask = ~shown[cells.codes["owner"][rows], cells.codes["classification"][rows]]
        return hidden


class _VeiledExcerpt(Excerpt):
    """Some rows of a table, without the values that are hidden."""

    def __init__(self, table: Table, rows: Index, veil: Veil) -> None:
        super().__init__(table, rows)
        self._veil = veil

    def cells(self, attribute: str) -> Sequence[ExcerptCells]:
        return [
            ExcerptCells(cells, self.rows, self._veil.hidden(attribute, cells, self.rows))
            for cells in self.table.cells(attribute)
        ]


def _text(column: Coded, code: int) -> str | None:
    return None if code < 0 else column.values[code]


class VeiledState(State):
    """A state behind a veil; live or past. Kept in step with what is behind it whenever its lock is taken."""

    def __init__(self, behind: State, veil: Veil, *, moving: bool = False) -> None:
        self.behind = behind
        self.veil = veil
        self._moving = moving
        self.lock = _Lock(behind.lock, self._refresh)  # type: ignore[assignment]  # it is used as one
        self._directory = copy.copy(behind.directory)
        self._tables: list[Table] = []
        self._at = -1

    @property
    def tables(self) -> list[Table]:  # type: ignore[override]  # a plain member there
        """See `State`; some look at how many there are before they take the lock."""
        self._follow()
        return self._tables

    @property
    def directory(self) -> Directory:  # type: ignore[override]  # a plain member there
        """See `State`."""
        self._follow()
        return self._directory

    def _kept_up(self) -> bool:
        return self._at == self.behind.position and len(self._tables) == len(self.behind.tables)

    def _follow(self) -> None:
        if not self._kept_up():
            with self.behind.lock:
                self._refresh()

    @property
    def position(self) -> int:  # type: ignore[override]  # a plain member there
        return self.behind.position

    @property
    def recorded_at(self) -> int:  # type: ignore[override]  # a plain member there
        return self.behind.recorded_at

    def __len__(self) -> int:
        with self.lock:
            return sum(table.living for table in self.tables)

    def table(self, types: tuple[str, ...]) -> int:
        """See `State`."""
        return self.behind.table(types)

    def _refresh(self) -> None:
        """Take over what changed; the lock is held."""
        behind = self.behind
        if self._moving:
            self._tables, self._at = [], -1
        elif self._kept_up():
            return
        directory = copy.copy(behind.directory)
        placed, modified = behind.directory.table.copy(), behind.directory.modified_at.copy()
        changed = self._changed()
        for number, table in enumerate(behind.tables):
            if number == len(self._tables):
                self._tables.append(VeiledTable(table, self.veil.sees_rows, self.veil.hidden))
            veiled = self._tables[number]
            assert isinstance(veiled, VeiledTable)
            veiled.update(directory, changed[number])
            placed[veiled.hidden] = -1
            codes, times = veiled.modified
            modified[codes] = times
        directory.table, directory.modified_at = placed, modified
        directory.deleted_at = np.zeros_like(behind.directory.deleted_at)
        self._directory = directory
        self._at = behind.position

    def _changed(self) -> list[Index]:
        """By table, the rows of living entities that changed since it was last looked."""
        directory = self.behind.directory
        codes = np.flatnonzero(directory.version > self._at)
        tables = directory.table[codes]
        return [directory.row[codes[tables == number]] for number in range(len(self.behind.tables))]


class _Lock:
    """The lock of the state behind; whoever takes it finds the veiled state up to date."""

    def __init__(self, behind: Any, refresh: Callable[[], None]) -> None:
        self._behind = behind
        self._refresh = refresh

    def __enter__(self) -> None:
        self._behind.acquire()
        try:
            self._refresh()
        except BaseException:
            self._behind.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._behind.release()


def moves(where: Node) -> bool:
    """Whether the predicate looks at where something is, so that it holds at some times and not at others."""
    return any(isinstance(node, tree.Geo) for node in tree.walk(where))


def hidden_among(veil: Veil, state: State, identifiers: Collection[str]) -> frozenset[str]:
    """Those of some living entities that are not seen."""
    found = set()
    with state.lock:
        for identifier in identifiers:
            place = state.find(identifier)
            if place is not None and not veil.sees_rows(place[0], np.array([place[1]], np.intp))[0]:
                found.add(identifier)
    return frozenset(found)
