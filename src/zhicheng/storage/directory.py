"""The directory of the live table: every entity's code, life, version and place."""

from __future__ import annotations

import numpy as np

from zhicheng.kernel.columns import I4, I8, Coded
from zhicheng.storage.cells import Pool
from zhicheng.storage.log import Batch

_ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "table": (np.int32, -1),
    "row": (np.int64, -1),
    "life": (np.int64, 0),
    "next_life": (np.int64, 0),
    "version": (np.int64, 0),
    "next_version": (np.int64, 0),
    "created_at": (np.int64, 0),
    "modified_at": (np.int64, 0),
    "deleted_at": (np.int64, 0),
    "scope": (np.int32, -1),
    "source": (np.int32, -1),
}


class Directory:
    """Columns by entity code.

    table, row: where a living entity stands, -1 when dead; life: position of its creation, 0 when dead
    version: position of its last change; next_life, next_version: the same, of commits on their way to disk
    deleted_at: when it died, 0 if it did not
    """

    table: I4
    row: I8
    life: I8
    next_life: I8
    version: I8
    next_version: I8
    created_at: I8
    modified_at: I8
    deleted_at: I8
    scope: I4
    source: I4

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self.scopes = Pool()
        self.sources = Pool()
        self._capacity = 64
        self._free: list[int] = []
        for name, (dtype, empty) in _ARRAYS.items():
            setattr(self, name, np.full(self._capacity, empty, dtype))

    def codes(self, column: Coded) -> I4:
        """The codes of a column of ids, giving new ones where needed."""
        index = self.index
        mapped = []
        for value in column.values:
            code = index.get(value)
            mapped.append(self._add(value) if code is None else code)
        return np.array([*mapped, -1], dtype=np.int32)[column.codes]

    def code(self, identifier: str) -> int:
        """The code of an id, a new one if it is new."""
        code = self.index.get(identifier)
        return self._add(identifier) if code is None else code

    def _add(self, identifier: str) -> int:
        if self._free:
            code = self._free.pop()
            self.ids[code] = identifier
        else:
            code = len(self.ids)
            if code >= self._capacity:
                self._grow()
            self.ids.append(identifier)
        self.index[identifier] = code
        return code

    def _grow(self) -> None:
        for name, (dtype, empty) in _ARRAYS.items():
            grown = np.full(self._capacity * 2, empty, dtype)
            grown[: self._capacity] = getattr(self, name)
            setattr(self, name, grown)
        self._capacity *= 2

    def restore(self, ids: list[str], columns: dict[str, I8]) -> None:
        """Take over the entities of a snapshot."""
        while self._capacity <= len(ids):
            self._grow()
        self.ids = ids
        self.index = {identifier: code for code, identifier in enumerate(ids) if identifier}
        self._free = [code for code, identifier in enumerate(ids) if not identifier]
        for name, column in columns.items():
            getattr(self, name)[: len(ids)] = column
        self.settle_all()

    def names(self, codes: I4) -> list[str]:
        """The ids of codes; of -1, an empty text."""
        ids = self.ids
        return [ids[code] if code >= 0 else "" for code in codes.tolist()]

    def bear(self, code: int, life: int, when: int, source: str | None) -> None:
        """An entity comes into being."""
        self.life[code] = life
        self.created_at[code] = when
        self.deleted_at[code] = 0
        self.scope[code] = -1
        self.source[code] = -1 if source is None else self.sources.code(source)

    def bury(self, code: int, when: int, *, erased: bool) -> None:
        """An entity is no more; of an erased one nothing is remembered."""
        self.table[code], self.row[code], self.life[code], self.scope[code] = -1, -1, 0, -1
        self.deleted_at[code] = 0 if erased else when

    def adopt(self, code: int, other: Directory, theirs: int) -> None:
        """An entity lives as it does elsewhere."""
        for name in ("life", "version", "created_at", "modified_at", "deleted_at"):
            getattr(self, name)[code] = getattr(other, name)[theirs]
        scope, source = int(other.scope[theirs]), int(other.source[theirs])
        self.scope[code] = -1 if scope < 0 else self.scopes.code(other.scopes.values[scope])
        self.source[code] = -1 if source < 0 else self.sources.code(other.sources.values[source])

    def compact(self) -> None:
        """Let go of the scopes that no entity is in any more."""
        column = Coded(self.scopes.values, self.scope).compact()
        self.scopes, self.scope = Pool(column.values), column.codes

    def touch(self, codes: I4, batch: Batch) -> None:
        """The batch's entities changed; rows are in log order, so the last of each counts."""
        self.version[codes] = batch.position
        self.modified_at[codes] = batch.recorded_at
        self.next_version[codes] = np.maximum(self.next_version[codes], self.version[codes])

    def settle(self, codes: I4) -> None:
        """Commits on their way did not arrive: what is planned is what is."""
        self.next_life[codes] = self.life[codes]
        self.next_version[codes] = self.version[codes]

    def settle_all(self) -> None:
        """No commit is on its way."""
        self.next_life[:], self.next_version[:] = self.life, self.version

    def forget(self, before: int) -> int:
        """Free the codes of the dead whose last change is not after the position; gives how many."""
        dead = (self.table[: len(self.ids)] < 0) & (self.next_life[: len(self.ids)] == 0)
        dead &= self.next_version[: len(self.ids)] <= before
        gone = [code for code in np.flatnonzero(dead).tolist() if self.ids[code]]
        for code in gone:
            del self.index[self.ids[code]]
            self.ids[code] = ""
        if gone:
            self.version[gone] = self.next_version[gone] = self.deleted_at[gone] = 0
            self._free.extend(gone)
        return len(gone)
