"""Where moving things were: at which times each entity lay where who asks may see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhicheng.hub.excerpt import Excerpt, ExcerptCells
from zhicheng.hub.query import read_sub
from zhicheng.hub.veil import Veil
from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.standards.filter import columns
from zhicheng.storage.cells import box_of
from zhicheng.storage.live import Table
from zhicheng.storage.log import HistoryQuery, Series
from zhicheng.storage.port import Store


class Whereabouts:
    """The veil's predicate over the history of locations; everything else that it asks of an entity is as of now."""

    def __init__(self, store: Store, veil: Veil, location: str) -> None:
        self._store = store
        self._veil = veil
        self._location = location

    def ever(self, names: Sequence[str]) -> list[bool]:
        """Which living entities were seen at some time."""
        entity, _, seen = self._instances(names)
        found = {name for name, one in zip(entity.list(), seen.tolist(), strict=True) if one}
        return [name in found for name in names]

    def divided(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The living entities that were seen at all times, and those that were at some."""
        entity, _, seen = self._instances(names)
        some = np.bincount(entity.codes[seen], minlength=len(entity.values))
        every = np.bincount(entity.codes, minlength=len(entity.values))
        always = [name for name, one, all_ in zip(entity.values, some, every, strict=True) if one == all_]
        sometimes = [name for name, one, all_ in zip(entity.values, some, every, strict=True) if 0 < one < all_]
        return always, sometimes

    def seen(self, entity: Coded, effective: I8, asked: Mask) -> Mask:
        """Which rows took effect while their entity was seen; before its first known place it counts as there."""
        used = entity.take(np.flatnonzero(asked)).compact()
        found = np.zeros(len(effective), np.bool_)
        found[asked] = self._while_seen(used, effective[asked])
        return found

    def _while_seen(self, entity: Coded, effective: I8) -> Mask:
        whose, since, seen = self._instances(entity.values)
        if not len(since):
            return np.zeros(len(effective), np.bool_)
        rank = {name: code for code, name in enumerate(entity.values)}
        code = np.array([rank[name] for name in whose.values], np.int64)[whose.codes]
        moments = np.unique(since)
        place = code * (len(moments) + 1) + np.searchsorted(moments, since, "right")
        order = np.lexsort((np.arange(len(place)), place))
        place, code, seen = place[order], code[order], seen[order]
        wanted = entity.codes.astype(np.int64) * (len(moments) + 1) + np.searchsorted(moments, effective, "right")
        first = np.searchsorted(code, entity.codes)
        at = np.maximum(np.searchsorted(place, wanted, "right") - 1, first)
        known = (first < len(code)) & (code[np.minimum(first, len(code) - 1)] == entity.codes)
        found: Mask = known & seen[np.minimum(at, len(seen) - 1)]
        return found

    def _instances(self, names: Sequence[str]) -> tuple[Coded, I8, Mask]:
        """Each place that living entities had: whose, since when, and whether it was seen there.

        Those that never had one count once, as they are.
        """
        series = self._store.history(HistoryQuery(tuple(names), (self._location,), time="effective"))
        batch = series.batch
        batch.changes.entity = batch.changes.entity.compact()
        parts: list[tuple[Coded, I8, Mask]] = []
        with self._store.state.lock:
            found = [self._store.state.find(name) for name in batch.changes.entity.values]
            tables = {id(place[0]): place[0] for place in found if place is not None}
            own = np.array([*(-1 if place is None else place[1] for place in found), -1])[batch.changes.entity.codes]
            of = np.array([*(0 if place is None else id(place[0]) for place in found), 0])[batch.changes.entity.codes]
            for number, table in tables.items():
                rows = np.flatnonzero(of == number)
                part = Series(batch.take(rows), series.effective[rows], series.instance[rows])
                source = _Then(table, own[rows].astype(np.intp), self._location, part)
                seen = columns.compile(self._veil.where, read_sub)(source)
                parts.append((part.batch.changes.entity, part.effective, seen))
            parts.append(self._placeless(names, frozenset(batch.changes.entity.values)))
        return (
            Coded.concat([part[0] for part in parts]).compact(),
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
        )

    def _placeless(self, names: Sequence[str], placed: frozenset[str]) -> tuple[Coded, I8, Mask]:
        rest = [name for name in names if name not in placed and self._store.state.find(name) is not None]
        seen = []
        for name in rest:
            place = self._store.state.find(name)
            assert place is not None
            seen.append(bool(self._veil.sees_rows(place[0], np.array([place[1]], np.intp))[0]))
        return Coded.of(rest), np.zeros(len(rest), np.int64), np.array(seen, np.bool_)


class _Then(Excerpt):
    """Entities of a table with the locations that they once had."""

    def __init__(self, table: Table, rows: Index, location: str, places: Series) -> None:
        super().__init__(table, rows)
        self._location = location
        self._places = places

    def cells(self, attribute: str) -> Sequence[ExcerptCells]:
        if attribute != self._location:
            return super().cells(attribute)
        return [_Places(cells, self.rows, self._places) for cells in self.table.cells(attribute)[:1]]


class _Places(ExcerptCells):
    """Locations from history in the place of the present ones."""

    def __init__(self, cells: object, rows: Index, places: Series) -> None:
        super().__init__(cells, rows)  # type: ignore[arg-type]  # the table's own cells
        self._changes = places.batch.changes

    @property
    def dataset(self) -> str | None:
        return None

    @property
    def kind(self) -> I1:
        return self._changes.kind

    @property
    def form(self) -> I1:
        return self._changes.form

    @property
    def number(self) -> F8:
        return self._changes.number

    @property
    def text(self) -> Coded:
        return self._changes.text

    @property
    def observed_at(self) -> I8:
        return self._changes.observed_at

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        texts = self._changes.text
        boxes = np.array([*(box_of(text) for text in texts.values), (np.nan,) * 4])[texts.codes]
        return boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
