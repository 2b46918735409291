"""Which values of a tenant are protected: classified, and not public. Answers that may hold one are acts for the log.

Known by kind (attribute, owner, classification) from every commit, and kept, since history holds values that live no
more: who asks in how many answers a value could have been has to look at no value.
"""

from __future__ import annotations

from collections.abc import Set
from weakref import WeakKeyDictionary

import numpy as np
import orjson

from zhicheng.hub.veil import Veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.standards.ngsild.names import CLASSIFICATION
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import Table
from zhicheng.storage.log import Batch
from zhicheng.storage.port import Store
from zhicheng.storage.records import Record, Records

OPEN = "public"
"""The classification of what anybody may see."""
Kind = tuple[str, str | None, str]
Kinds = frozenset[Kind]
_KEPT = "classified"


class Classified:
    """The protected kinds of values of one tenant."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self.kinds: Kinds = frozenset(tuple(orjson.loads(record.id)) for record in records.all(_KEPT))
        self.entities = False
        """Whether whole entities are classified, by their attribute `classification`."""
        self._shown: WeakKeyDictionary[Store, tuple[Kinds, bool]] = WeakKeyDictionary()
        self._found: WeakKeyDictionary[Store, tuple[int, bool]] = WeakKeyDictionary()
        store.listen(self._heard)
        with store.state.lock:
            for table in store.state.tables:
                for (attribute, _), cells in list(table.columns.items()):
                    self._living(attribute, cells)

    def _living(self, attribute: str, cells: Cells) -> None:
        owners, classes = cells.pools["owner"].values, cells.pools["classification"].values
        if any(one != OPEN for one in classes):
            self._add({(attribute, owner, one) for owner in (*owners, None) for one in classes if one != OPEN})
        self.entities = self.entities or attribute == CLASSIFICATION

    def _add(self, kinds: Set[Kind]) -> None:
        """Kinds that are new are few, and kept."""
        fresh = kinds - self.kinds
        if fresh:
            self.kinds |= fresh
            self._records.write([Record(_KEPT, orjson.dumps(kind).decode(), b"") for kind in fresh])

    def _heard(self, batch: Batch) -> None:
        """A commit: what in it is protected. In the writer's thread, so as little as can be."""
        changes = batch.changes
        if any(one != OPEN for one in changes.classification.values):
            columns = (changes.attribute, changes.owner, changes.classification)
            coded = np.unique(np.stack([column.codes for column in columns]), axis=1)
            self._add(
                {
                    (
                        columns[0].values[attribute],
                        columns[1].values[owner] if owner >= 0 else None,
                        columns[2].values[one],
                    )
                    for attribute, owner, one in coded.T.tolist()
                    if one >= 0 and attribute >= 0 and columns[2].values[one] != OPEN
                }
            )
        self.entities = self.entities or CLASSIFICATION in changes.attribute.values

    def may_be_in(self, store: Store, identifier: str | None = None) -> bool:
        """Whether what is read of a store, veiled or not, may hold a protected value.

        identifier: where one living entity is read and nothing beside it
        """
        if not self.kinds and not self.entities:
            return False
        if identifier is not None:
            return self._in_entity(identifier, store.veil if isinstance(store, VeiledStore) else None)
        return self._shows_values(store) or (self.entities and self._shows_entities(store))

    def _shows_values(self, store: Store) -> bool:
        if not isinstance(store, VeiledStore):
            return bool(self.kinds)
        known = self._shown.get(store)
        if known is None or known[0] is not self.kinds:
            known = self._shown[store] = self.kinds, any(store.veil.shows(*kind) for kind in self.kinds)
        return known[1]

    def _shows_entities(self, store: Store) -> bool:
        known = self._found.get(store)
        if known is None or known[0] != store.state.position:
            with store.state.lock:
                found = any(map(_holds_classified, store.state.tables))
            known = self._found[store] = store.state.position, found
        return known[1]

    def _in_entity(self, identifier: str, veil: Veil | None) -> bool:
        state = self._store.state
        with state.lock:
            place = state.find(identifier)
            if place is None:
                return False
            table, row, _ = place
            return any(_protects(attribute, cells, row, veil) for (attribute, _), cells in list(table.columns.items()))


def _protects(attribute: str, cells: Cells, row: int, veil: Veil | None) -> bool:
    """Whether a cell holds a value that is protected, or makes its whole entity so."""
    if not cells.form[row]:
        return False
    if attribute == CLASSIFICATION and cells.text.take(np.array([row])).list()[0] != OPEN:
        return True
    code = int(cells.codes["classification"][row])
    if code < 0 or (one := cells.pools["classification"].values[code]) == OPEN:
        return False
    owner = int(cells.codes["owner"][row])
    return veil is None or veil.shows(attribute, cells.pools["owner"].values[owner] if owner >= 0 else None, one)


def _holds_classified(table: Table) -> bool:
    for (attribute, _), cells in table.columns.items():
        if attribute == CLASSIFICATION:
            rows = np.flatnonzero((cells.form > 0) & table.alive)
            if any(text != OPEN for text in set(cells.text.take(rows).list())):
                return True
    return False
