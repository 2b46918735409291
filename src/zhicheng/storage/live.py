"""The live table: the fold of the log as columns in memory (docs/semantics.md gives the rules).

Entities of one set of types stand in one `Table`; each (attribute, datasetId) of it is a `Cells`. One
writer applies batches; readers hold `lock` while they look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from zhicheng.kernel.columns import I4, I8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Changes, Form
from zhicheng.standards.ngsild.changes import list_of
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.cells import Cells, Pool
from zhicheng.storage.directory import Directory
from zhicheng.storage.erasures import ordered
from zhicheng.storage.log import FUTURE_LIMIT, Batch

_LIFE, _TYPES, _SET = int(Kind.LIFE), int(Kind.TYPES), int(Act.SET)
"""Numbers, for loops over rows: looking up a member of an enumeration costs more than all else there."""
History = Callable[[str, str], Batch]
"""Gives all rows ever stored of an (entity, attribute), in log order."""


class Table:
    """The rows of all living entities that have exactly these types."""

    __slots__ = ("_capacity", "_free", "columns", "count", "directory", "entity", "types")

    def __init__(self, types: tuple[str, ...], directory: Directory) -> None:
        self.types = types
        self.directory = directory
        self.count = 0
        self.entity: I4 = np.full(16, -1, np.int32)
        self.columns: dict[tuple[str, str | None], Cells] = {}
        self._capacity = 16
        self._free: list[int] = []

    def add(self, entities: Sequence[int]) -> Index:
        """Give each entity (by directory code) a row."""
        reused = [self._free.pop() for _ in range(min(len(self._free), len(entities)))]
        fresh = len(entities) - len(reused)
        self.reserve(self.count + fresh)
        rows = np.array([*reused, *range(self.count, self.count + fresh)], dtype=np.intp)
        self.count += fresh
        for cells in self.columns.values():
            cells.count = self.count
        self.entity[rows] = entities
        return rows

    def remove(self, rows: Index) -> None:
        """Free rows, forgetting their cells."""
        self.entity[rows] = -1
        for cells in self.columns.values():
            cells.clear(rows)
        self._free.extend(rows.tolist())

    def reserve(self, count: int) -> None:
        """Make room for at least so many rows."""
        while self._capacity < count:
            self._grow()

    def restore(self, entity: I4) -> None:
        """Take over the rows of a snapshot, before any column is made."""
        self.count = len(entity)
        self.entity[: self.count] = entity
        self._free = np.flatnonzero(entity < 0).tolist()

    def _grow(self) -> None:
        self._capacity *= 2
        entity = np.full(self._capacity, -1, np.int32)
        entity[: self.count] = self.entity[: self.count]
        self.entity = entity
        for cells in self.columns.values():
            cells.grow(self._capacity)

    def column(self, attribute: str, dataset: str | None) -> Cells:
        """The cells of an attribute, made if new."""
        cells = self.columns.get((attribute, dataset))
        if cells is None:
            cells = self.columns[attribute, dataset] = Cells(dataset, self._capacity)
            cells.count = self.count
        return cells

    @property
    def alive(self) -> Mask:
        """Which rows hold an entity."""
        return self.entity[: self.count] >= 0

    @property
    def living(self) -> int:
        """How many entities there are."""
        return self.count - len(self._free)

    # what filters read (standards/filter/columns.Source)
    @property
    def ids(self) -> Sequence[str]:
        return self.directory.names(self.entity[: self.count])

    @property
    def scope(self) -> Coded:
        return Coded(self.directory.scopes.values, self.directory.scope[self.entity[: self.count]])

    @property
    def created_at(self) -> I8:
        return self.directory.created_at[self.entity[: self.count]]

    @property
    def modified_at(self) -> I8:
        return self.directory.modified_at[self.entity[: self.count]]

    def cells(self, attribute: str) -> Sequence[Cells]:
        return [cells for (name, _), cells in self.columns.items() if name == attribute]


class State:
    """All tables and the directory of entities, as of one position of the log."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.directory = Directory()
        self.tables: list[Table] = []
        self._by_types: dict[tuple[str, ...], int] = {}
        self._attributes = Pool()
        self._datasets = Pool()
        self.position = 0
        self.recorded_at = 0

    def __len__(self) -> int:
        return sum(table.living for table in self.tables)

    def table(self, types: tuple[str, ...]) -> int:
        """Number of the table for a set of types, made if new."""
        number = self._by_types.get(types)
        if number is None:
            number = self._by_types[types] = len(self.tables)
            self.tables.append(Table(types, self.directory))
        return number

    def tables_of(self, types: Iterable[str] | None) -> Iterator[Table]:
        """Tables whose entities have one of the types; all for None."""
        wanted = None if types is None else set(types)
        return (table for table in self.tables if wanted is None or not wanted.isdisjoint(table.types))

    def find(self, identifier: str) -> tuple[Table, int, int] | None:
        """Table, row and directory code of a living entity."""
        code = self.directory.index.get(identifier)
        if code is None or (number := int(self.directory.table[code])) < 0:
            return None
        return self.tables[number], int(self.directory.row[code]), code

    def apply(self, batch: Batch, history: History | None = None, valid: int | None = None) -> None:
        """Fold in rows that follow the present position in the log. Call with the lock held.

        history: asked only when the batch holds corrections or erasures
        valid: of that history only what holds by then counts
        """
        if not len(batch):
            return
        changes = batch.changes
        codes = self.directory.codes(changes.entity)
        structural = np.flatnonzero(changes.kind >= Kind.TYPES)
        if len(structural):
            self._structure(batch, codes, structural)
        self.directory.touch(codes, batch)
        plain = (changes.kind < Kind.TYPES) & (changes.act <= Act.REMOVE)
        plain &= batch.effective - batch.recorded_at <= FUTURE_LIMIT
        plain &= self.directory.life[codes] == changes.life
        if plain.any():
            self._cells(batch, codes, np.flatnonzero(plain))
        amending = np.flatnonzero((changes.kind < Kind.TYPES) & (changes.act >= Act.CORRECT))
        if len(amending):
            self._amend(batch, amending, history, valid)
        self.position = int(batch.position[-1])
        self.recorded_at = int(batch.recorded_at[-1])

    def adopt(self, other: State, identifiers: Iterable[str]) -> None:
        """Have entities be as they are in another state: alive or not. Call with the lock held."""
        directory = self.directory
        for identifier in identifiers:
            code = directory.code(identifier)
            if directory.table[code] >= 0:
                self._bury(code, 0, erased=True)
            found = other.find(identifier)
            if found is not None:
                number = self.table(found[0].types)
                row = int(self.tables[number].add([code])[0])
                directory.adopt(code, other.directory, found[2])
                directory.table[code], directory.row[code] = number, row
                for (attribute, dataset), cells in found[0].columns.items():
                    if cells.arrays["instance"][found[1]] >= 0:
                        _copy_cell(cells, found[1], self.tables[number].column(attribute, dataset), row)

    def compact(self) -> None:
        """Let go of texts that no row has any more. Call with the lock held."""
        self.directory.compact()
        for table in self.tables:
            for cells in table.columns.values():
                cells.compact()

    def _structure(self, batch: Batch, codes: I4, rows: Index) -> None:
        """Births, deaths, types and scopes, in log order; adjacent births share one step."""
        changes, directory = batch.changes, self.directory
        born: dict[int, int] = {}
        numbers = (codes, changes.kind, changes.act, changes.life, batch.recorded_at, batch.effective)
        texts, sources = changes.text.take(rows).list(), batch.source.take(rows).list()
        listed = zip(*(column[rows].tolist() for column in numbers), texts, sources, strict=True)
        for code, kind, act, life, recorded_at, effective, text, source in listed:
            if kind == _LIFE and act == _SET:
                directory.bear(code, life, recorded_at, source)
                born[code] = -1
            elif kind == _LIFE:
                self._place(born)
                born = {}
                self._bury(code, effective, erased=act == Act.ERASE)
            elif directory.life[code] != life:
                continue
            elif kind == _TYPES:
                number = self.table(list_of(text))
                if code in born:
                    born[code] = number
                else:
                    self._move(code, number)
            else:
                directory.scope[code] = -1 if text is None else directory.scopes.code(text)
        self._place(born)

    def _place(self, born: dict[int, int]) -> None:
        """Give the newborn their rows, table by table."""
        directory = self.directory
        for number in set(born.values()):
            target = number if number >= 0 else self.table(())
            newborn = [code for code, chosen in born.items() if chosen == number]
            directory.row[newborn] = self.tables[target].add(newborn)
            directory.table[newborn] = target

    def _bury(self, code: int, when: int, *, erased: bool) -> None:
        number = int(self.directory.table[code])
        if number >= 0:
            self.tables[number].remove(np.array([self.directory.row[code]], dtype=np.intp))
        self.directory.bury(code, when, erased=erased)

    def _move(self, code: int, number: int) -> None:
        """Take an entity with all its cells into another table."""
        directory = self.directory
        old, row = self.tables[directory.table[code]], int(directory.row[code])
        new = self.tables[number]
        if old is new:
            return
        target = int(new.add([code])[0])
        for (attribute, dataset), cells in old.columns.items():
            if cells.arrays["instance"][row] >= 0:
                _copy_cell(cells, row, new.column(attribute, dataset), target)
        old.remove(np.array([row], dtype=np.intp))
        directory.table[code], directory.row[code] = number, target

    def _cells(self, batch: Batch, codes: I4, rows: Index) -> None:
        """Attribute rows, column-wise by cells."""
        for cells, places, own, repeated in self.by_cells(batch.changes, codes, rows):
            chosen = batch.take(own)
            if not repeated:
                _settle(cells, places, chosen)
            elif (chosen.changes.act == Act.OBSERVE).all():
                _settle_readings(cells, places, chosen)
            else:
                _settle_rounds(cells, places, chosen)

    def by_cells(self, changes: Changes, codes: I4, rows: Index) -> Iterator[tuple[Cells, Index, Index, bool]]:
        """Rows of living entities split by table and attribute: the cells, the rows' places in them, the rows
        (by place, then as given) and whether a place comes more than once.
        """
        if not len(rows):
            return
        tables = self.directory.table[codes[rows]].astype(np.int64)
        attributes = self._attributes.encode(changes.attribute.take(rows)).astype(np.int64)
        datasets = self._datasets.encode(changes.dataset.take(rows)).astype(np.int64) + 1
        key = (tables << 42) | (attributes << 21) | datasets
        places = self.directory.row[codes[rows]]
        order = np.lexsort((places, key))
        key, places, rows = key[order], places[order], rows[order]
        step = np.diff(key, prepend=-1)
        repeated = (step == 0) & (np.diff(places, prepend=-1) == 0)
        starts = np.flatnonzero(step)
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(key)], strict=True):
            first = int(key[start])
            dataset = (first & 0x1FFFFF) - 1
            cells = self.tables[first >> 42].column(
                self._attributes.values[(first >> 21) & 0x1FFFFF],
                None if dataset < 0 else self._datasets.values[dataset],
            )
            yield cells, places[start:end], rows[start:end], bool(repeated[start:end].any())

    def unchanged(self, changes: Changes, *, timed: bool) -> Mask:
        """Which rows say what the live table says already: the same value and, if `timed`, of the same instant.

        Call with the lock held.
        """
        found = np.zeros(len(changes), bool)
        index = self.directory.index
        mapped = np.array([*(index.get(value, -1) for value in changes.entity.values), -1], np.int32)
        codes = mapped[changes.entity.codes]
        alive = (codes >= 0) & (changes.kind < Kind.TYPES) & (changes.act <= Act.SET)
        alive[alive] = self.directory.table[codes[alive]] >= 0
        for cells, places, own, _ in self.by_cells(changes, codes, np.flatnonzero(alive)):
            found[own] = cells.same(places, changes.take(own), timed=timed)
        return found

    def _amend(self, batch: Batch, rows: Index, history: History | None, valid: int | None) -> None:
        """Corrections and erasures: fold the cells they concern anew from history."""
        changes = batch.changes
        concerned = {(changes.entity[row], changes.attribute[row]) for row in rows.tolist()}
        for entity, attribute in concerned:
            found = self.find(entity or "")
            if found is None or entity is None or attribute is None or history is None:
                continue
            table, place, code = found
            past = amended(history(entity, attribute))
            past = past.take(past.changes.life == self.directory.life[code])
            if valid is not None:
                past = past.take(np.minimum(past.effective, past.recorded_at) <= valid)
            named = {dataset for name, dataset in table.columns if name == attribute}
            for dataset in named.union(past.changes.dataset.list()):
                _refold(table.column(attribute, dataset), place, past.take(_of_dataset(past, dataset)))


def _of_dataset(batch: Batch, dataset: str | None) -> Mask:
    column = batch.changes.dataset
    same: Mask = np.array([*(value == dataset for value in column.values), dataset is None])[column.codes]
    return same


def _refold(cells: Cells, place: int, past: Batch) -> None:
    """Fold one cell from all its rows, in log order."""
    rows = np.array([place], dtype=np.intp)
    cells.clear(rows)
    past = past.take(past.effective - past.recorded_at <= FUTURE_LIMIT)
    changes = past.changes
    # runs of readings, and of decisions, which all take effect; what takes away stands for itself
    run = np.where((changes.act == Act.REMOVE) | (changes.form == Form.NOTHING), 0, changes.act)
    starts = np.flatnonzero((np.diff(run, prepend=0) != 0) | (run == 0))
    for start, end in zip(starts.tolist(), np.append(starts, len(past))[1:].tolist(), strict=True):
        if run[start] == Act.OBSERVE:
            _settle_readings(cells, np.full(end - start, place), past.take(np.arange(start, end)))
        else:
            for row in sorted({start, end - 1}):
                _settle(cells, rows, past.take(np.array([row])))


def amended(batch: Batch) -> Batch:
    """Rows with their corrections put in place: the newest correction of an instance replaces its content.

    Retracted and erased instances are gone, and so are the correcting rows themselves. The instance keeps its
    position and, unless the correction names another, its time; the row's recorded_at stays the instance's own.
    """
    changes = batch.changes
    corrections = np.flatnonzero(changes.act >= Act.CORRECT)
    if not len(corrections):
        return batch
    erased = np.zeros(len(batch), bool)
    for order in ordered(batch):
        erased |= order.matches(changes, batch.position, batch.ordinal)
    newest = dict(zip(changes.target[corrections].tolist(), corrections.tolist(), strict=True))
    says = (changes.observed_at[corrections] != ABSENT) & (changes.form[corrections] != Form.NOTHING)
    timed = corrections[says]
    times = dict(zip(changes.target[timed].tolist(), changes.observed_at[timed].tolist(), strict=True))
    instances = batch.instance.tolist()
    content = np.array([newest.get(instance, row) for row, instance in enumerate(instances)])
    observed = changes.observed_at.tolist()
    moved = np.array([times.get(instance, observed[row]) for row, instance in enumerate(instances)])
    retracted = (content != np.arange(len(batch))) & (changes.form[content] == Form.NOTHING)
    kept = np.flatnonzero((changes.act < Act.CORRECT) & ~retracted & ~erased)
    source = content[kept]
    mended = batch.take(kept)
    replaced = changes.take(source)
    replaced.observed_at = moved[kept]
    replaced.act = mended.changes.act
    replaced.life = mended.changes.life
    mended.modified_at = batch.modified_at[source]
    mended.changes = replaced
    return mended


def _settle(cells: Cells, places: Index, batch: Batch) -> None:
    """One row for each place: those that take effect are written."""
    takes = (batch.changes.act != Act.OBSERVE) | (batch.effective >= cells.arrays["effective"][places])
    if not takes.all():
        places, batch = places[takes], batch.take(takes)
    absent = cells.arrays["form"][places] == Form.NOTHING
    created = np.where(absent, batch.recorded_at, cells.arrays["created_at"][places])
    cells.write(places, batch, created)


def _settle_readings(cells: Cells, places: Index, batch: Batch) -> None:
    """Only observations, several to a place: the latest effective wins, at equal times the later in the log."""
    takes = batch.effective >= cells.arrays["effective"][places]
    places, batch = places[takes], batch.take(takes)
    if not len(places):
        return
    first = np.flatnonzero(np.diff(places, prepend=-1))
    order = np.lexsort((np.arange(len(places)), batch.effective, places))
    last = order[np.append(first[1:], len(places)) - 1]
    rows = places[first]
    absent = cells.arrays["form"][rows] == Form.NOTHING
    created = np.where(absent, batch.recorded_at[first], cells.arrays["created_at"][rows])
    cells.write(rows, batch.take(last), created)


def _settle_rounds(cells: Cells, places: Index, batch: Batch) -> None:
    """Mixed acts, several to a place: first each place's first row, then its second, and so on."""
    first = np.flatnonzero(np.diff(places, prepend=-1))
    turn = np.arange(len(places)) - np.repeat(first, np.diff([*first, len(places)]))
    for number in range(int(turn.max()) + 1):
        rows = np.flatnonzero(turn == number)
        _settle(cells, places[rows], batch.take(rows))


def _copy_cell(source: Cells, row: int, target: Cells, place: int) -> None:
    for name, array in source.arrays.items():
        target.arrays[name][place] = array[row]
    for name, codes in source.codes.items():
        code = int(codes[row])
        target.codes[name][place] = -1 if code < 0 else target.pools[name].code(source.pools[name].values[code])
    if source.boxes is not None:
        if target.boxes is None:
            target.boxes = np.full((len(target.arrays["kind"]), 4), np.nan)
        target.boxes[place] = source.boxes[row]
