"""What an application remembers: keys with columns beside them, and its bytes.

A state is a dataclass whose fields are `Keyed` tables, arrays, numbers, texts, lists, dicts with text keys, or
dataclasses of such. `pack` makes the same bytes of the same content; `unpack` fills a fresh state with them.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhicheng.compute.ordering import carried
from zhicheng.kernel.columns import F8, Coded, Index, Mask
from zhicheng.kernel.errors import Corrupt

Column = npt.NDArray[Any]
S = TypeVar("S")


class Packed(ABC):
    """A part of a state that says itself what is to be kept."""

    __slots__ = ()

    @abstractmethod
    def kept(self) -> dict[str, object]:
        """What is written."""

    @abstractmethod
    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what was written."""


class Keyed(Packed):
    """Keys (texts) with columns of their own: a key has a slot, a slot indexes every column.

    A column is declared by what it holds for a new key: a number, a truth value, or an array (one row a key).

    >>> parks = Keyed(free=np.nan, newest=0)
    >>> slots = parks.slots(Coded.of(["urn:b", "urn:a", "urn:b"]))
    >>> slots.tolist(), parks.names
    ([0, 1, 0], ['urn:b', 'urn:a'])
    >>> parks["free"][slots] = [5.0, 7.0, 6.0]
    >>> parks["free"].tolist(), parks["newest"].tolist()
    ([6.0, 7.0], [0, 0])
    """

    __slots__ = ("_capacity", "_columns", "_defaults", "_index", "names")

    def __init__(self, **columns: float | npt.NDArray[Any]) -> None:
        self.names: list[str] = []
        self._index: dict[str, int] = {}
        self._defaults = {name: np.asarray(default) for name, default in columns.items()}
        self._capacity = 0
        self._columns = {name: self._blank(name, 0) for name in columns}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, column: str) -> Column:
        """The column, one row a slot; writing to it writes to the table. New keys make it stale: slots first."""
        return self._columns[column][: len(self.names)]

    def __setitem__(self, column: str, values: Any) -> None:
        self._columns[column][: len(self.names)] = values

    def slots(self, keys: Coded) -> Index:
        """The slot of each row's key, new keys added in the rows' order; -1 for nothing."""
        if len(keys.values) > len(keys.codes):
            keys = keys.compact()
        known = self._known(keys.values)
        found = known[keys.codes]
        if (found == -2).any():
            rows = np.flatnonzero(found == -2)
            codes, first = np.unique(keys.codes[rows], return_index=True)
            codes = codes[np.argsort(first)]
            known[codes] = np.arange(len(self.names), len(self.names) + len(codes))
            self._add([keys.values[code] for code in codes.tolist()])
            found = known[keys.codes]
        return found

    def find(self, keys: Coded) -> Index:
        """The slot of each row's key; -1 where it is not known."""
        if len(keys.values) > len(keys.codes):
            keys = keys.compact()
        return np.maximum(self._known(keys.values)[keys.codes], -1)

    def carry(self, column: str, slots: Index, values: F8) -> F8:
        """The latest value of each row's key, NaN being none, the row's own included; the column takes the last.

        >>> parks = Keyed(total=np.nan)
        >>> slots = parks.slots(Coded.of(["a", "a", "b"]))
        >>> parks.carry("total", slots, np.array([80.0, np.nan, np.nan])).tolist(), parks["total"].tolist()
        ([80.0, 80.0, nan], [80.0, nan])
        """
        found = carried(slots, values, self[column])
        self[column][slots] = found
        return found

    def keys(self, slots: Index) -> Coded:
        """The keys of slots."""
        return Coded(self.names, slots.astype(np.int32)).compact()

    def forget(self, gone: Mask) -> Index:
        """Drop keys (a truth value a slot); gives the new slot of each old one, -1 for those dropped."""
        kept = np.flatnonzero(~gone)
        moved = np.full(len(gone), -1, np.intp)
        moved[kept] = np.arange(len(kept))
        for name, column in self._columns.items():
            fresh = self._blank(name, len(kept))
            fresh[:] = column[kept]
            self._columns[name] = fresh
        self._capacity = len(kept)
        self._take([self.names[slot] for slot in kept.tolist()])
        return moved

    def drop(self, keys: Coded) -> None:
        """Drop keys, those of them that there are."""
        slots = self.find(keys)
        if (slots >= 0).any():
            self.forget(np.isin(np.arange(len(self)), slots))

    def kept(self) -> dict[str, object]:
        """What is written: keys and columns, without the room for more."""
        return {"names": self.names, "columns": {name: self[name] for name in self._columns}}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what was written. Columns declared since begin at their defaults; others are let go."""
        self._take(list(kept["names"]))
        self._capacity = len(self.names)
        for name in self._columns:
            self._columns[name] = self._blank(name, self._capacity)
            if name in kept["columns"]:
                self._columns[name][:] = kept["columns"][name]

    def _take(self, names: list[str]) -> None:
        self.names = names
        self._index = {name: slot for slot, name in enumerate(names)}

    def _known(self, values: Sequence[str]) -> Index:
        """Slots of distinct keys, -2 for new ones; the last, for code -1, is nothing."""
        get = self._index.get
        return np.array([*(get(value, -2) for value in values), -1], np.intp)

    def _add(self, names: list[str]) -> None:
        for name in names:
            self._index[name] = len(self.names)
            self.names.append(name)
        if len(self.names) > self._capacity:
            self._capacity = max(2 * self._capacity, len(self.names), 16)
            for name, column in self._columns.items():
                grown = self._blank(name, self._capacity)
                grown[: len(column)] = column
                self._columns[name] = grown

    def _blank(self, name: str, count: int) -> Column:
        default = self._defaults[name]
        return np.tile(default, (count, *(1,) * default.ndim)) if default.ndim else np.full(count, default)


_ARRAY, _CODED = 1, 2
_LEAVES = (str, np.ndarray, int, float, bytes, Coded)
_WORTH_COMPRESSING = 4096
_ZSTD = pa.Codec("zstd", compression_level=1)


def pack(state: object) -> bytes:
    """The bytes of a state: the same content gives the same bytes.

    >>> table = Keyed(free=np.nan)
    >>> slots = table.slots(Coded.of(["urn:a"]))
    >>> table["free"][slots] = 5
    >>> fresh = unpack(pack(table), Keyed(free=np.nan))
    >>> fresh.names, fresh["free"].tolist()
    (['urn:a'], [5.0])
    """
    body: bytes = _ENCODER.encode(_plain(state))
    if len(body) < _WORTH_COMPRESSING:
        return b"\0" + body
    compressed: bytes = _ZSTD.compress(body, asbytes=True)
    return b"\1" + len(body).to_bytes(8, "little") + compressed


def unpack(data: bytes, fresh: S) -> S:
    """The state of some bytes; `fresh` is a new one, which says of what it is made. Damaged bytes raise Corrupt."""
    try:
        body = data[1:] if data[:1] == b"\0" else _inflated(data)
        restored: S = _filled(fresh, _DECODER.decode(body))
    except (msgspec.DecodeError, pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"The state of an application cannot be read: {error}", f"无法读取应用的状态：{error}") from error
    return restored


def _inflated(data: bytes) -> bytes:
    body: bytes = _ZSTD.decompress(data[9:], int.from_bytes(data[1:9], "little"), asbytes=True)
    return body


def _plain(part: object) -> object:
    """A part as msgpack takes it; arrays and coded columns are left to the encoder."""
    if isinstance(part, _LEAVES):
        return part
    if isinstance(part, Packed):
        return _plain(part.kept())
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        return {field.name: _plain(getattr(part, field.name)) for field in dataclasses.fields(part)}
    if isinstance(part, Mapping):
        return {name: _plain(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return part if part and isinstance(part[0], str) else [_plain(value) for value in part]
    return part


def _filled(fresh: Any, kept: Any) -> Any:
    if isinstance(fresh, Packed):
        fresh.restore(kept)
        return fresh
    if dataclasses.is_dataclass(fresh) and not isinstance(fresh, type):
        parts = {field.name: getattr(fresh, field.name) for field in dataclasses.fields(fresh) if field.init}
        return dataclasses.replace(
            fresh, **{name: _filled(part, kept[name]) for name, part in parts.items() if name in kept}
        )
    if isinstance(fresh, Mapping):
        return {name: _filled(fresh.get(name), value) for name, value in kept.items()}
    if isinstance(fresh, tuple):
        return tuple(kept)
    return kept


def _enc_hook(item: object) -> object:
    if isinstance(item, Coded):
        return msgspec.msgpack.Ext(_CODED, _ENCODER.encode([item.values, item.codes.astype(np.int32).tobytes()]))
    if isinstance(item, np.ndarray):
        head = _ENCODER.encode([item.dtype.str, list(item.shape)])
        return msgspec.msgpack.Ext(
            _ARRAY, len(head).to_bytes(2, "little") + head + np.ascontiguousarray(item).tobytes()
        )
    if isinstance(item, np.generic):
        return item.item()
    raise TypeError(f"the state of an application cannot hold {type(item).__name__}")


def _ext_hook(code: int, data: memoryview) -> object:
    if code == _CODED:
        values, codes = _DECODER.decode(data)
        return Coded(values, np.frombuffer(codes, np.int32).copy())
    head = int.from_bytes(data[:2], "little")
    dtype, shape = _DECODER.decode(data[2 : 2 + head])
    return np.frombuffer(data[2 + head :], np.dtype(dtype)).reshape(shape).copy()


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_enc_hook)
_DECODER = msgspec.msgpack.Decoder(ext_hook=_ext_hook)
