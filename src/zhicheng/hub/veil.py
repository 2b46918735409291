"""What a class of principals may see, as a state of its own: everything that reads one is bound by it.

A veil is a predicate over entities and a question to each value (attribute, owner, classification). Behind it hidden
entities do not live and hidden values are absent, for queries, counts, tiles, streams and exports alike, so that
nothing has to be filtered afterwards and no count tells what a list hides.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from zhicheng.hub.excerpt import Excerpt, ExcerptCells
from zhicheng.hub.query import read_sub
from zhicheng.kernel.columns import I4, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Changes, Form
from zhicheng.standards.filter import columns, tree
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.cells import Cells
from zhicheng.storage.directory import Directory
from zhicheng.storage.live import State, Table

Shows = Callable[[str, str | None, str | None], bool]
"""Whether values of an attribute (IRI) with this owner and classification are shown."""
_EMPTY: Mapping[str, float] = {
    "kind": 0, "form": int(Form.NOTHING), "quality": 0, "number": np.nan, "observed_at": ABSENT, "effective": ABSENT,
    "instance": -1, "created_at": 0, "modified_at": 0,
}  # fmt: skip


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

    def _follow(self) -> None:
        if self._at != self.behind.position or len(self._tables) != len(self.behind.tables):
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
            self._tables = []
        elif self._at == behind.position and len(self._tables) == len(behind.tables):
            return
        directory = copy.copy(behind.directory)
        placed = behind.directory.table.copy()
        for number, table in enumerate(behind.tables):
            if number == len(self._tables):
                self._tables.append(VeiledTable(table, self.veil))
            veiled = self._tables[number]
            assert isinstance(veiled, VeiledTable)
            placed[veiled.update(directory)] = -1
        directory.table = placed
        directory.deleted_at = np.zeros_like(behind.directory.deleted_at)
        self._directory = directory
        self._at = behind.position


class VeiledTable(Table):
    """A table of which some rows hold no entity, and some cells no value."""

    __slots__ = ("_alive", "_newest", "_seen", "_veil", "behind")

    def __init__(self, behind: Table, veil: Veil) -> None:
        self.behind = behind
        self.types = behind.types
        self._veil = veil
        self._seen: Mask = np.zeros(0, np.bool_)
        self._alive: Mask = np.zeros(0, np.bool_)
        self.count = 0
        self._look(self._alive, np.zeros(0, np.intp))
        self._newest = -1

    def update(self, directory: Directory) -> I4:
        """Look again at the rows that changed; gives the codes of the entities that are hidden."""
        behind = self.behind
        self.directory = directory
        self.count = behind.count
        alive = behind.alive
        changed = self._changed(alive)
        if len(changed) or not np.array_equal(alive, self._alive):
            self._look(alive, changed)
        hidden: I4 = behind.entity[: self.count][alive & ~self._seen]
        return hidden

    def _look(self, alive: Mask, changed: Index) -> None:
        seen = np.zeros(self.count, np.bool_)
        seen[: len(self._seen)] = self._seen
        if len(changed) > self.count // 2:
            seen = self._veil.sees(self.behind)
        elif len(changed):
            seen[changed] = self._veil.sees_rows(self.behind, changed)
        self._seen, self._alive = seen & alive, alive
        self.entity = np.where(self._seen, self.behind.entity[: self.count], np.int32(-1))
        self.columns = cast(Any, _Columns(self.behind, self._veil, self._seen))

    def _changed(self, alive: Mask) -> Index:
        versions = self.behind.directory.version[self.behind.entity[: self.count]]
        found = np.flatnonzero(alive & (versions > self._newest))
        if len(found):
            self._newest = int(versions[found].max())
        return found

    @property
    def living(self) -> int:
        """How many entities are seen."""
        return int(self._seen.sum())

    @property
    def alive(self) -> Mask:
        """Which rows hold an entity that is seen."""
        return self._seen.copy()


class _Columns(Mapping[tuple[str, str | None], Cells]):
    """The columns that hold anything to be seen, each veiled when it is first looked at."""

    def __init__(self, behind: Table, veil: Veil, seen: Mask) -> None:
        self._behind = behind
        self._veil = veil
        self._rows = np.flatnonzero(seen)
        self._unseen = np.flatnonzero(~seen)
        self._made: dict[tuple[str, str | None], Cells | None] = {}

    def _of(self, key: tuple[str, str | None]) -> Cells | None:
        if key not in self._made:
            self._made[key] = self._veiled(key)
        return self._made[key]

    def _veiled(self, key: tuple[str, str | None]) -> Cells | None:
        cells = self._behind.columns[key]
        present = self._rows[cells.form[self._rows] > 0]
        hidden = present[self._veil.hidden(key[0], cells, present)]
        if len(hidden) == len(present):
            return None
        blank = np.concatenate([self._unseen, hidden])
        return VeiledCells(cells, blank) if len(blank) else cells

    def __getitem__(self, key: tuple[str, str | None]) -> Cells:
        found = self._of(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        return (key for key in list(self._behind.columns) if self._of(key) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class VeiledCells(Cells):
    """Cells of which some rows are blank."""

    __slots__ = ("_blank", "_boxes", "_placed")

    def __init__(self, behind: Cells, blank: Index) -> None:
        self.dataset = behind.dataset
        self.count = behind.count
        self.pools = behind.pools
        self.arrays = cast(Any, _Blanked(behind.arrays, blank, _EMPTY))
        self.codes = cast(Any, _Blanked(behind.codes, blank, None))
        self._boxes = behind.boxes
        self._blank = blank
        self._placed = False

    @property
    def boxes(self) -> Any:  # type: ignore[override]  # a plain member there
        """See `Cells`."""
        if self._boxes is not None and not self._placed:
            self._boxes = self._boxes.copy()
            self._boxes[self._blank] = np.nan
            self._placed = True
        return self._boxes


class _Blanked(Mapping[str, Any]):
    """Arrays with some rows empty; each is copied when it is first asked for."""

    def __init__(self, behind: Mapping[str, Any], blank: Index, empty: Mapping[str, float] | None) -> None:
        self._behind = behind
        self._blank = blank
        self._empty = empty
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        found = self._made.get(name)
        if found is None:
            found = self._behind[name].copy()
            found[self._blank] = -1 if self._empty is None else self._empty[name]
            self._made[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._behind)

    def __len__(self) -> int:
        return len(self._behind)


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
