"""A store behind a veil: the port of storage for a class of principals. What they may not see is not there for them,
what they may not write is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhicheng.hub.veil import Veil, VeiledState, hidden_among, moves
from zhicheng.hub.whereabouts import Whereabouts
from zhicheng.kernel.columns import Coded, Mask
from zhicheng.kernel.errors import Forbidden, ZhichengError
from zhicheng.standards.changes import Changes
from zhicheng.standards.filter import document
from zhicheng.standards.filter.tree import EVERYTHING
from zhicheng.standards.ngsild.changes import attribute_of, list_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.entities import entity_of
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch, Commit, Cursor, Figures, HistoryQuery, Receipt, Series
from zhicheng.storage.moments import NEVER, Moments
from zhicheng.storage.port import Store
from zhicheng.storage.series import series_of
from zhicheng.storage.sight import Sight


class VeiledStore:
    """See `storage.port.Store`. Cursors, tables and blobs are those of the store behind it."""

    def __init__(self, behind: Store, veil: Veil, location: str) -> None:
        self.behind = behind
        self.veil = veil
        self.state: State = VeiledState(behind.state, veil)
        self._whereabouts = Whereabouts(behind, veil, location) if moves(veil.where) else None
        self._past: WeakKeyDictionary[State, VeiledState] = WeakKeyDictionary()

    @property
    def failure(self) -> ZhichengError | None:
        """See the port."""
        return self.behind.failure

    # writing -------------------------------------------------------------------------------------------------

    def submit(self, commit: Commit) -> Future[Receipt]:
        """See the port; Forbidden for what the veil does not let write."""
        self._check(commit.columns)
        return self.behind.submit(commit)

    def commit(self, commit: Commit) -> Receipt:
        """See the port."""
        return self.submit(commit).result()

    def _check(self, changes: Changes) -> None:
        names = changes.entity.compact().values
        refused = hidden_among(self.veil, self.behind.state, names)
        if self.veil.where != EVERYTHING:
            living = {name for name in names if self.behind.entity(name, ()) is not None}
            made = _made(changes, frozenset(names) - living)
            refused |= {one.id for one in made if not document.matches(self.veil.where, one)}
        if refused:
            name = min(refused)
            raise Forbidden(f"You may not write {name}", f"您无权写入 {name}", id=name)
        for attribute, owner, classification in _kinds(changes):
            if not self.veil.shows(attribute, owner, classification):
                raise Forbidden(
                    f"You may not write {attribute} of this owner and classification",
                    f"您无权写入该归属部门或密级的属性 {attribute}",
                    attribute=attribute,
                )

    # reading -------------------------------------------------------------------------------------------------

    def entity(self, identifier: str, attributes: Collection[str] | None = None) -> Entity | None:
        """See the port."""
        with self.state.lock:
            return entity_of(self.state, identifier, attributes)

    def history(self, query: HistoryQuery) -> Series:
        """See the port."""
        return series_of(self.rows(query), query)

    def rows(self, query: HistoryQuery) -> Batch:
        """See the port."""
        return self.shown(self.behind.rows(query))

    def shown(self, batch: Batch) -> Batch:
        """The rows that are seen: of entities seen now (of moving ones while they were where they are seen), and of
        values that are shown. Of entities that are gone only where every entity is seen.
        """
        changes = batch.changes
        keep = self._of_seen(changes.entity)
        keep &= self.veil.shown_rows(changes)
        if self._whereabouts is not None and keep.any():
            keep &= self._whereabouts.seen(changes.entity, batch.effective, keep)
        return batch if keep.all() else batch.take(np.flatnonzero(keep))

    def _of_seen(self, entity: Coded) -> Mask:
        if self.veil.where == EVERYTHING:
            return np.ones(len(entity.codes), np.bool_)
        if self._whereabouts is not None:
            seen = self._whereabouts.ever(entity.values)
        else:
            with self.state.lock:
                seen = [self.state.find(name) is not None for name in entity.values]
        found: Mask = np.array([*seen, False], np.bool_)[entity.codes]
        return found

    def as_of(self, valid: int, known: int | None = None) -> State:
        """See the port."""
        return VeiledState(self.behind.as_of(valid, known), self.veil)

    def veiled(self, state: State) -> State:
        """A past state of the store behind, veiled; made once."""
        found = self._past.get(state)
        if found is None:
            found = self._past[state] = VeiledState(state, self.veil)
        return found

    def moving(self, state: State) -> State:
        """A past state that moves on, veiled anew whenever it is looked at."""
        return VeiledState(state, self.veil, moving=True)

    def moments(self, start: int, end: int, grain: int) -> Moments:
        """When things happened is not told to who sees only a part: it would tell of the rest."""
        return NEVER

    def first_moment(self) -> int | None:
        """See the port."""
        return self.behind.first_moment()

    def during(self, after: int, until: int) -> Batch:
        """See the port."""
        return self.shown(self.behind.during(after, until))

    def tail(self, after: int, limit: int = 65_536) -> Batch:
        """See the port; rows that are not seen are left out, so that a batch may be empty before the end."""
        return self.shown(self.behind.tail(after, limit))

    def scan(self, after: int, attributes: Collection[str], limit: int = 65_536) -> Iterator[tuple[int, Batch]]:
        """See the port."""
        return ((position, self.shown(batch)) for position, batch in self.behind.scan(after, attributes, limit))

    def rows_after(self, position: int) -> int:
        """See the port; those that are not seen are counted too."""
        return self.behind.rows_after(position)

    def relations(self) -> Iterator[tuple[str, pa.Table]]:
        """See the port."""
        for name, table in self.behind.relations():
            yield name, self._shown_table(table)

    def _shown_table(self, table: pa.Table) -> pa.Table:
        entity = _coded(table, "entity")
        keep = self._of_seen(entity)
        columns = [_coded(table, name) for name in ("attribute", "owner", "classification")]
        keep &= self.veil.shown_triples(*columns)
        if self._whereabouts is not None and keep.any():
            effective = pc.coalesce(table["observed_at"], table["recorded_at"]).to_numpy().astype(np.int64)
            keep &= self._whereabouts.seen(entity, effective, keep)
        return table.filter(pa.array(keep))

    def sight(self) -> Sight:
        """What of the log is seen, for who reads its files."""
        if self.veil.where == EVERYTHING:
            return Sight(None, (), self.veil.shows, self.shown)
        state = self.behind.state if self._whereabouts is not None else self.state
        with state.lock:
            names = [
                name
                for table in state.tables
                for name in table.directory.names(table.entity[: table.count][table.alive])
            ]
        always, sometimes = (names, []) if self._whereabouts is None else self._whereabouts.divided(names)
        return Sight(always, sometimes, self.veil.shows, self.shown)

    # what is the same for all --------------------------------------------------------------------------------

    def cursor(self, reader: str, shard: int = 0) -> Cursor | None:
        """See the port."""
        return self.behind.cursor(reader, shard)

    def listen(self, listener: Callable[[Batch], None]) -> None:
        """See the port; for those who only want to know that something happened."""
        self.behind.listen(listener)

    def put_blob(self, content: bytes) -> str:
        """See the port."""
        return self.behind.put_blob(content)

    def blob(self, digest: str) -> bytes:
        """See the port."""
        return self.behind.blob(digest)

    def put_table(self, name: str, tables: Mapping[str, pa.Table]) -> int:
        """See the port."""
        return self.behind.put_table(name, tables)

    def table_version(self, name: str) -> int:
        """See the port."""
        return self.behind.table_version(name)

    def tables(self, name: str, version: int | None = None) -> dict[str, pa.Table]:
        """See the port."""
        return self.behind.tables(name, version)

    def figures(self) -> Figures:
        """See the port."""
        return self.behind.figures()

    def close(self) -> None:
        """The store behind is closed by who opened it."""


def _made(changes: Changes, names: frozenset[str]) -> list[Entity]:
    """The entities that rows make, as they will be."""
    types = {name: list(of) for name, of in changes.types.items()}
    values: dict[str, dict[str, list[Attribute]]] = {name: {} for name in names}
    for row, name in enumerate(changes.entity.list()):
        if name not in names:
            continue
        attribute, kind = changes.attribute[row], int(changes.kind[row])
        if attribute is not None:
            value = attribute_of(
                kind, int(changes.form[row]), float(changes.number[row]), changes.text[row],
                observed_at=int(changes.observed_at[row]), dataset=changes.dataset[row], unit=changes.unit[row],
                owner=changes.owner[row], classification=changes.classification[row],
            )  # fmt: skip
            values[str(name)].setdefault(attribute, []).append(value)
        elif kind == Kind.TYPES:
            types[str(name)] = list(list_of(changes.text[row]))
    return [Entity(name, tuple(types.get(name, ())), found) for name, found in values.items()]


def _kinds(changes: Changes) -> set[tuple[str, str | None, str | None]]:
    """Attributes with owners and classifications that rows name."""
    columns = (changes.attribute, changes.owner, changes.classification)
    pairs = np.unique(np.stack([column.codes for column in columns]), axis=1)
    named = (
        [None if code < 0 else column.values[code] for column, code in zip(columns, each, strict=True)]
        for each in pairs.T.tolist()
    )
    return {(attribute, owner, one) for attribute, owner, one in named if attribute is not None}


def _coded(table: pa.Table, name: str) -> Coded:
    """A column of texts as codes."""
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Coded(column.dictionary.to_pylist(), codes)
