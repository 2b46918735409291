"""Relationships between entities, read from the columns of the live table in either direction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import orjson

from zhicheng.kernel.columns import I4, Index
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

_RELATIONS = (int(Kind.RELATIONSHIP), int(Kind.LIST_RELATIONSHIP))


@dataclass(frozen=True, slots=True)
class Edges:
    """Relationships by directory codes: the entity that has it, the one it names (living ones only)."""

    origin: I4
    target: I4


@dataclass(frozen=True, slots=True)
class Referring:
    """Entities of one table that name an entity by one attribute."""

    table: Table
    attribute: str
    rows: Index


def edges(state: State, attributes: Collection[str]) -> Edges:
    """All relationships of some attributes. Call with the state's lock held."""
    origins: list[I4] = []
    targets: list[I4] = []
    for table in state.tables:
        for (name, _), cells in table.columns.items():
            if name in attributes and table.living:
                for rows, codes in _named(cells, state):
                    origins.append(table.entity[rows])
                    targets.append(codes)
    if not origins:
        none = np.zeros(0, np.int32)
        return Edges(none, none)
    return Edges(np.concatenate(origins), np.concatenate(targets))


def _named(cells: Cells, state: State) -> Iterator[tuple[Index, I4]]:
    """Rows with the directory codes of what they name; a row comes once for each entity it names."""
    there = np.isin(cells.kind, _RELATIONS)
    index = state.directory.index
    values, codes = cells.text.values, cells.text.codes
    rows = np.flatnonzero(there & (cells.form == Form.TEXT) & (codes >= 0))
    if len(rows):
        mapped = np.array([index.get(value, -1) for value in values], np.int32)[codes[rows]]
        alive = _living(state, mapped)
        yield rows[alive], mapped[alive]
    for row in np.flatnonzero(there & (cells.form == Form.JSON) & (codes >= 0)).tolist():
        named = [index[one] for one in _list(values[codes[row]]) if one in index]
        found = np.array(named, np.int32)
        found = found[_living(state, found)]
        yield np.full(len(found), row, np.intp), found


def _living(state: State, codes: I4) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    alive: np.ndarray[tuple[int], np.dtype[np.bool_]] = (codes >= 0) & (state.directory.table[codes] >= 0)
    return alive


def _list(text: str) -> list[str]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    found = found if isinstance(found, list) else [found]
    return [one for one in found if isinstance(one, str)]


def referring(state: State, identifier: str) -> Iterator[Referring]:
    """Who names an entity, by table and attribute. Call with the state's lock held."""
    for table in state.tables:
        for (name, _), cells in table.columns.items():
            pool = cells.pools["text"]
            if not table.living or not pool.values or not np.isin(cells.kind, _RELATIONS).any():
                continue
            wanted = {pool.index[identifier]} if identifier in pool.index else set()
            quoted = orjson.dumps(identifier).decode()
            lists = np.unique(cells.text.codes[cells.form == Form.JSON]).tolist()
            wanted |= {code for code in lists if code >= 0 and quoted in pool.values[code]}
            if wanted:
                rows = np.flatnonzero(np.isin(cells.text.codes, list(wanted)) & np.isin(cells.kind, _RELATIONS))
                if len(rows):
                    yield Referring(table, name, rows)
