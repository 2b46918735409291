"""The entities behind a number of the catalogue: the same question, answered with ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zhicheng.hub.catalogue.figures import NOBODY
from zhicheng.kernel.columns import Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.model import Kind, Quality
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table


@dataclass(frozen=True, slots=True)
class Asked:
    """Entities of a type (None: of any) that have a value of whom all is true that is said; "" asks for nothing said.

    attribute: of this attribute only; missing: that do not have this attribute; located: with or without a geometry
    """

    type: str | None = None
    attribute: str | None = None
    missing: str | None = None
    owner: str | None = None
    source: str | None = None
    classification: str | None = None
    quality: str | None = None
    located: bool | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of entities: their ids, and how many there are in all."""

    ids: list[str]
    total: int


def listed(state: State, asked: Asked, limit: int, offset: int) -> Listed:
    """A page of the entities, in the order of the live table."""
    flag = _flag(asked.quality)
    with state.lock:
        matches = [(table, rows) for table, rows in _matching(state, asked, flag) if len(rows)]
        total = sum(len(rows) for _, rows in matches)
        ids: list[str] = []
        for table, rows in matches:
            chosen = rows[offset : offset + limit - len(ids)]
            offset = max(0, offset - len(rows))
            ids.extend(table.directory.names(table.entity[chosen]))
            if len(ids) >= limit:
                break
    return Listed(ids, total)


def _flag(name: str | None) -> int:
    if name is None:
        return 0
    try:
        return int(Quality[name.upper()])
    except KeyError:
        known = ", ".join(str(flag.name).lower() for flag in Quality if flag)
        raise Invalid(
            f"There is no quality flag {name!r}; there are {known}", f"没有质量标记 {name!r}；可用：{known}"
        ) from None


def _matching(state: State, asked: Asked, flag: int) -> Iterator[tuple[Table, Index]]:
    for table in state.tables_of(None if asked.type is None else [asked.type]):
        if not table.living:
            continue
        mask = table.alive & _with(table, asked, flag)
        if asked.missing is not None:
            mask &= ~_has(table.cells(asked.missing), table.count)
        if asked.located is not None:
            mask &= _located(table) == asked.located
        yield table, np.flatnonzero(mask)


def _with(table: Table, asked: Asked, flag: int) -> Mask:
    every = list(table.columns.values()) if asked.attribute is None else list(table.cells(asked.attribute))
    said = [
        (name, value) for name in ("owner", "source", "classification") if (value := getattr(asked, name)) is not None
    ]
    if not said and not flag and asked.attribute is None:
        return np.ones(table.count, bool)
    mask = np.zeros(table.count, bool)
    for cells in every:
        own = cells.form != Form.NOTHING
        for name, value in said:
            own = own & _is(cells, name, value)
        if flag:
            own = own & ((cells.arrays["quality"][: table.count] & flag) != 0)
        mask |= own
    return mask


def _is(cells: Cells, name: str, value: str) -> Mask:
    column = cells.coded(name)
    wanted = -1 if value == NOBODY else cells.pools[name].index.get(value, -2)
    found: Mask = column.codes == wanted
    return found


def _has(every: object, count: int) -> Mask:
    mask = np.zeros(count, bool)
    for cells in every if isinstance(every, list) else []:
        mask |= cells.form != Form.NOTHING
    return mask


def _located(table: Table) -> Mask:
    mask = np.zeros(table.count, bool)
    for cells in table.columns.values():
        mask |= (cells.kind == Kind.GEO) & (cells.form != Form.NOTHING)
    return mask
