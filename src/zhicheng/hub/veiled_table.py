"""Tables and cells behind a veil: rows that hold no entity, cells that hold no value, for who may not see them.

They are kept while what is behind them changes: verdicts and copied arrays are brought up to date row by row.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from zhicheng.kernel.columns import I4, I8, Index, Mask, Scalar
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Form
from zhicheng.storage.cells import Cells
from zhicheng.storage.directory import Directory
from zhicheng.storage.live import Table

Sees = Callable[[Table, Index], Mask]
"""Which of some rows of a table are seen."""
Hides = Callable[[str, Cells, Index], Mask]
"""Which of some rows of an attribute's cells hold a value that is not shown."""
_Key = tuple[str, str | None]
_EMPTY: Mapping[str, float] = {
    "kind": 0, "form": int(Form.NOTHING), "quality": 0, "number": np.nan, "observed_at": ABSENT, "effective": ABSENT,
    "instance": -1, "created_at": 0, "modified_at": 0,
}  # fmt: skip


class VeiledTable(Table):
    """A table of which some rows hold no entity, and some cells no value."""

    __slots__ = ("_living", "_modified", "_seen", "_sees", "_was", "behind")

    def __init__(self, behind: Table, sees: Sees, hides: Hides) -> None:
        self.behind = behind
        self.types = behind.types
        self.directory = behind.directory
        self.count = 0
        self.entity = np.zeros(0, np.int32)
        self._was: I4 = self.entity
        self.columns = cast(Any, _Columns(behind, hides))
        self._sees = sees
        self._seen: Mask = np.zeros(0, np.bool_)
        self._modified: I8 = np.zeros(0, np.int64)
        self._living = 0

    def update(self, directory: Directory, changed: Index) -> None:
        """Look again at rows whose entities changed, and at those that have another entity, or none, by now.

        directory: what is told of entities from now on
        """
        self.directory = directory
        entity = self.behind.entity[: self.behind.count]
        moved = np.flatnonzero(entity[: self.count] != self._was)
        rows = np.union1d(np.concatenate([changed, moved]), np.arange(self.count, len(entity)))
        self.count = len(entity)
        if len(rows):
            self._seen = _longer(self._seen, self.count)
            self._seen[rows] = self._sees(self.behind, rows)
            self._living = int(np.count_nonzero(self._seen))
            self._was = entity.copy()
            self.entity = np.where(self._seen, entity, np.int32(-1))
            cast(Any, self.columns).update(self._seen, rows)
            self._modified = _longer(self._modified, self.count)
            created = directory.created_at[entity[rows]]
            self._modified[rows] = np.maximum(created, cast(_Columns, self.columns).modified_at(rows))

    @property
    def modified(self) -> tuple[I4, I8]:
        """The codes of the entities that are seen, and when the newest of what is shown of each was written."""
        return self._was[self._seen], self._modified[self._seen]

    @property
    def living(self) -> int:
        """How many entities are seen."""
        return self._living

    @property
    def alive(self) -> Mask:
        """Which rows hold an entity that is seen."""
        return self._seen.copy()

    @property
    def hidden(self) -> I4:
        """The codes of the entities that are not seen."""
        return self._was[(self._was >= 0) & ~self._seen]


class _Columns(Mapping[_Key, Cells]):
    """The columns that hold anything to be seen, each veiled when it is first looked at."""

    def __init__(self, behind: Table, hides: Hides) -> None:
        self._behind = behind
        self._hides = hides
        self._seen: Mask = np.zeros(0, np.bool_)
        self._made: dict[_Key, VeiledCells] = {}
        self._shown: dict[_Key, Cells] | None = None

    def update(self, seen: Mask, rows: Index) -> None:
        """Some rows have changed, or are seen or not seen by now."""
        self._seen = seen
        self._shown = None
        for made in self._made.values():
            made.update(seen, rows)

    def modified_at(self, rows: Index) -> I8:
        """When the newest of the values was written that some rows show."""
        newest = np.zeros(len(rows), np.int64)
        for key, cells in list(self._behind.columns.items()):
            present = np.flatnonzero(cells.form[rows] > Form.NOTHING)
            shown = present[~self._hides(key[0], cells, rows[present])]
            newest[shown] = np.maximum(newest[shown], cells.modified_at[rows[shown]])
        return newest

    def _of(self, key: _Key) -> Cells | None:
        behind = self._behind.columns[key]
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = VeiledCells(key[0], behind, self._hides)
            made.update(self._seen, np.arange(len(self._seen)))
        return (made if made.veils else behind) if made.shows else None

    def _all(self) -> dict[_Key, Cells]:
        if self._shown is None:
            found = ((key, self._of(key)) for key in list(self._behind.columns))
            self._shown = {key: cells for key, cells in found if cells is not None}
        return self._shown

    def __getitem__(self, key: _Key) -> Cells:
        found = self._of(key)
        if found is None:
            raise KeyError(key)
        return found

    def items(self) -> ItemsView[_Key, Cells]:
        """All of them at once."""
        return self._all().items()

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class VeiledCells(Cells):
    """Cells of which some rows are blank.

    shows: whether any row shows a value; veils: whether any row is blank
    """

    __slots__ = ("_attribute", "_behind", "_blank", "_boxes", "_hides", "_shown", "shows", "veils")

    def __init__(self, attribute: str, behind: Cells, hides: Hides) -> None:
        self.dataset = behind.dataset
        self.count = 0
        self.pools = behind.pools
        self.arrays = cast(Any, _Blanked(behind.arrays, _EMPTY))
        self.codes = cast(Any, _Blanked(behind.codes, dict.fromkeys(behind.codes, -1)))
        self.shows = self.veils = False
        self._attribute = attribute
        self._behind = behind
        self._hides = hides
        self._boxes = _Blanked({}, {"boxes": np.nan})
        self._blank: Mask = np.zeros(0, np.bool_)
        self._shown: Mask = np.zeros(0, np.bool_)

    def update(self, seen: Mask, rows: Index) -> None:
        """Some rows have changed, or are seen or not seen by now."""
        self.count = len(seen)
        self._blank, self._shown = _longer(self._blank, self.count), _longer(self._shown, self.count)
        present = self._behind.form[rows] > Form.NOTHING
        blank = ~seen[rows]
        asked = np.flatnonzero(present & ~blank)
        blank[asked] = self._hides(self._attribute, self._behind, rows[asked])
        self._blank[rows], self._shown[rows] = blank, present & ~blank
        self.shows, self.veils = bool(self._shown.any()), bool(self._blank.any())
        for arrays in (self.arrays, self.codes, self._boxes):
            cast(_Blanked, arrays).update(self._blank, rows)

    def holding(self, row: int) -> Cells | None:
        """See `Cells`."""
        return None if self._blank[row] else self._behind

    @property
    def boxes(self) -> Any:  # type: ignore[override]  # a plain member there
        """See `Cells`."""
        found = self._behind.boxes
        return None if found is None else self._boxes.of("boxes", found)


class _Blanked(Mapping[str, Any]):
    """Arrays with some rows empty; each is copied when it is first asked for, and kept up to date from then on."""

    def __init__(self, behind: Mapping[str, Any], empty: Mapping[str, float]) -> None:
        self._behind = behind
        self._empty = empty
        self._blank: Mask = np.zeros(0, np.bool_)
        self._made: dict[str, tuple[Any, Any]] = {}
        """By name: the array that was copied, and the copy. A column that grows or is recoded gets new arrays."""

    def update(self, blank: Mask, rows: Index) -> None:
        """Some rows have changed; which are empty now."""
        self._blank = blank
        few = len(rows) <= len(blank) // 4
        self._made = {name: made for name, made in self._made.items() if few and len(made[0]) >= len(blank)}
        empty = rows[blank[rows]]
        for name, (source, copied) in self._made.items():
            copied[rows] = source[rows]
            copied[empty] = self._empty[name]

    def __getitem__(self, name: str) -> Any:
        return self.of(name, self._behind[name])

    def of(self, name: str, source: Any) -> Any:
        """An array, blanked."""
        made = self._made.get(name)
        if made is None or made[0] is not source:
            made = self._made[name] = source, source.copy()
            made[1][: len(self._blank)][self._blank] = self._empty[name]
        return made[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._behind)

    def __len__(self) -> int:
        return len(self._behind)


def _longer(values: npt.NDArray[Scalar], count: int) -> npt.NDArray[Scalar]:
    longer = np.zeros(count, values.dtype)
    longer[: len(values)] = values
    return longer
