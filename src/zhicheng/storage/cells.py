"""One attribute of one table of the live state, as columns: the latest instance of each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import orjson

from zhicheng.kernel.columns import F8, I1, I4, I8, Coded, Index, Mask, Scalar
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.geometry import bounds
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Changes, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import Batch

NEVER = ABSENT
"""Effective time of a cell that no change has touched: every observation comes after it."""

_ARRAYS: dict[str, tuple[type[np.generic], float]] = {
    "kind": (np.uint8, 0),
    "form": (np.uint8, 0),
    "quality": (np.uint8, 0),
    "number": (np.float64, np.nan),
    "observed_at": (np.int64, ABSENT),
    "effective": (np.int64, NEVER),
    "instance": (np.int64, -1),
    "created_at": (np.int64, 0),
    "modified_at": (np.int64, 0),
}
_CODED = ("text", "unit", "sub", "owner", "classification", "source")
_NOWHERE = (np.nan, np.nan, np.nan, np.nan)
PLAIN = ("kind", "form", "quality", "number", "observed_at")


class Pool:
    """The distinct texts of a column, each with a code; forgets the unused ones when they prevail."""

    __slots__ = ("index", "values")

    def __init__(self, values: Sequence[str] = ()) -> None:
        self.values = list(values)
        self.index = {value: code for code, value in enumerate(self.values)}

    def encode(self, column: Coded) -> I4:
        """The pool's codes of a column, adding what is new."""
        if len(column.values) > len(column.codes):
            column = column.compact()
        mapped = [self.code(value) for value in column.values]
        return np.array([*mapped, -1], dtype=np.int32)[column.codes]

    def code(self, value: str) -> int:
        """The code of a text, a new one if it is new."""
        code = self.index.get(value)
        if code is None:
            code = self.index[value] = len(self.values)
            self.values.append(value)
        return code


class Cells:
    """The instances of one (attribute, datasetId) in one table: arrays as long as the table's capacity.

    form 0 means absent; then `effective` and `instance` tell of the removal, if there was one.
    """

    __slots__ = ("arrays", "boxes", "codes", "count", "dataset", "pools")

    def __init__(self, dataset: str | None, capacity: int) -> None:
        self.dataset = dataset
        self.count = 0
        self.arrays = {name: np.full(capacity, empty, dtype) for name, (dtype, empty) in _ARRAYS.items()}
        self.codes = {name: np.full(capacity, -1, np.int32) for name in _CODED}
        self.pools = {name: Pool() for name in _CODED}
        self.boxes: F8 | None = None

    def grow(self, capacity: int) -> None:
        """Make room for more rows."""
        for name, (_, empty) in _ARRAYS.items():
            self.arrays[name] = _grown(self.arrays[name], capacity, empty)
        for name in _CODED:
            self.codes[name] = _grown(self.codes[name], capacity, -1)
        if self.boxes is not None:
            self.boxes = np.concatenate([self.boxes, np.full((capacity - len(self.boxes), 4), np.nan)])

    def clear(self, rows: Index) -> None:
        """Forget everything about the rows."""
        for name, (_, empty) in _ARRAYS.items():
            self.arrays[name][rows] = empty
        for codes in self.codes.values():
            codes[rows] = -1
        if self.boxes is not None:
            self.boxes[rows] = np.nan

    def write(self, rows: Index, batch: Batch, created_at: I8) -> None:
        """Put the batch's instances into distinct rows."""
        changes = batch.changes
        arrays = self.arrays
        for name in PLAIN:
            arrays[name][rows] = getattr(changes, name)
        arrays["form"][rows] = np.where(changes.act == Act.REMOVE, Form.NOTHING, changes.form)
        arrays["effective"][rows] = batch.effective
        arrays["instance"][rows] = batch.instance
        arrays["created_at"][rows] = created_at
        arrays["modified_at"][rows] = batch.modified_at
        for name in _CODED:
            column = batch.source if name == "source" else getattr(changes, name)
            pool = self.pools[name]
            if column.values or pool.values:
                self.codes[name][rows] = pool.encode(column)
        if self.boxes is not None or (changes.kind == Kind.GEO).any():
            self._place(rows, changes)
        for name in ("text", "sub"):
            if len(self.pools[name].values) > 2 * len(arrays["kind"]) + 1024:
                self._forget(name)

    def compact(self) -> None:
        """Drop the texts that no row has any more."""
        for name in _CODED:
            self._forget(name)

    def _place(self, rows: Index, changes: Changes) -> None:
        """Keep the bounds of geometries beside them."""
        if self.boxes is None:
            self.boxes = np.full((len(self.arrays["kind"]), 4), np.nan)
        text = changes.text.compact()
        boxes = np.array([*(box_of(value) for value in text.values), _NOWHERE])
        geo = (changes.kind == Kind.GEO) & (changes.act != Act.REMOVE)
        self.boxes[rows] = boxes[np.where(geo, text.codes, -1)]

    def _forget(self, name: str) -> None:
        """Drop the texts that no row has any more."""
        column = Coded(self.pools[name].values, self.codes[name]).compact()
        self.pools[name] = Pool(column.values)
        self.codes[name] = column.codes

    def same(self, places: Index, changes: Changes, *, timed: bool) -> Mask:
        """Which of the changes hold the value (and, if `timed`, the time) that stands in their place."""
        arrays = self.arrays
        found: Mask = arrays["form"][places] == changes.form
        found &= arrays["kind"][places] == changes.kind
        numbers = arrays["number"][places]
        found &= (numbers == changes.number) | (np.isnan(numbers) & np.isnan(changes.number))
        for name in ("text", "unit", "sub"):
            column: Coded = getattr(changes, name)
            known = self.pools[name].index
            if len(column.values) > len(column.codes):
                column = column.compact()
            mapped = np.array([*(known.get(value, -2) for value in column.values), -1], np.int32)
            found &= self.codes[name][places] == mapped[column.codes]
        if timed:
            found &= arrays["observed_at"][places] == changes.observed_at
        return found

    def holding(self, row: int) -> Cells | None:
        """The cells to read one row from; None where nothing of it may be read."""
        return self

    def text_at(self, name: str, row: int) -> str | None:
        """One of the coded values of a row."""
        values = self.pools[name].values
        if not values or (code := self.codes[name].item(row)) < 0:
            return None
        return values[code]

    def coded(self, name: str) -> Coded:
        """One of the coded columns, as long as the table has rows."""
        return Coded(self.pools[name].values, self.codes[name][: self.count])

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        """West, south, east, north of each row's geometry; NaN where there is none."""
        if self.boxes is None:
            nowhere = np.full(self.count, np.nan)
            return nowhere, nowhere, nowhere, nowhere
        boxes = self.boxes[: self.count]
        return boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]

    # what filters read (standards/filter/columns.Cells)
    @property
    def kind(self) -> I1:
        return self.arrays["kind"][: self.count]

    @property
    def form(self) -> I1:
        return self.arrays["form"][: self.count]

    @property
    def number(self) -> F8:
        return self.arrays["number"][: self.count]

    @property
    def observed_at(self) -> I8:
        return self.arrays["observed_at"][: self.count]

    @property
    def created_at(self) -> I8:
        return self.arrays["created_at"][: self.count]

    @property
    def modified_at(self) -> I8:
        return self.arrays["modified_at"][: self.count]

    @property
    def text(self) -> Coded:
        return self.coded("text")

    @property
    def unit(self) -> Coded:
        return self.coded("unit")

    @property
    def sub(self) -> Coded:
        return self.coded("sub")


def _grown(array: npt.NDArray[Scalar], capacity: int, empty: float) -> npt.NDArray[Scalar]:
    grown = np.full(capacity, empty, array.dtype)
    grown[: len(array)] = array
    return grown


def box_of(text: str) -> tuple[float, float, float, float]:
    """Bounds of a GeoJSON geometry; NaN for text that is none."""
    try:
        geometry = orjson.loads(text)
        if geometry["type"] == "Point":
            x, y = geometry["coordinates"][:2]
            return (x, y, x, y)
        return bounds(geometry)
    except (KeyError, ValueError, TypeError, Invalid):
        return _NOWHERE
