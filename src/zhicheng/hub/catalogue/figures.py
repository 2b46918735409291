"""What the live table holds of each type and attribute, counted column-wise.

Every count is one of entities, so that `listing` can list them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from zhicheng.kernel.columns import I8, Mask
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.model import Kind, Quality
from zhicheng.storage.cells import NEVER, Cells
from zhicheng.storage.live import State, Table

NOBODY = ""
"""Stands for values that name no owner, no class, no source."""
FLAGS = tuple(flag for flag in Quality if flag)
_CODED = ("owner", "source", "classification")


@dataclass(slots=True)
class Held:
    """How many entities have such values: by owner, source, class and quality flag; and how new they are.

    newest, oldest: effective times of the newest and the oldest value; middle: their median
    """

    count: int = 0
    owner: Counter[str] = field(default_factory=Counter)
    source: Counter[str] = field(default_factory=Counter)
    classification: Counter[str] = field(default_factory=Counter)
    quality: Counter[str] = field(default_factory=Counter)
    newest: int | None = None
    oldest: int | None = None
    middle: int | None = None


@dataclass(slots=True)
class AttributeFigures(Held):
    """An attribute of a type. kinds: as it occurs; units: as they occur."""

    kinds: set[Kind] = field(default_factory=set)
    units: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class TypeHeld(Held):
    """A type. located: entities with a geometry; tables: numbers of the live tables it stands in."""

    located: int = 0
    attributes: dict[str, AttributeFigures] = field(default_factory=dict)
    tables: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """Every type that has entities, by IRI; and everything together, each entity counted once."""

    types: dict[str, TypeHeld]
    whole: TypeHeld


def holdings(state: State) -> Holdings:
    """Counts of the live table. Takes its lock one table at a time."""
    found: dict[str, list[tuple[int, _Counted]]] = {}
    every: list[tuple[int, _Counted]] = []
    for number in range(len(state.tables)):
        with state.lock:
            table = state.tables[number]
            counted = _count(table) if table.living else None
        if counted is not None:
            every.append((number, counted))
            for name in table.types:
                found.setdefault(name, []).append((number, counted))
    return Holdings({name: _type(parts) for name, parts in sorted(found.items())}, _type(every))


@dataclass(slots=True)
class _Counted:
    """One table: as a whole, by attribute, and the effective times of its values (of the newest of each entity)."""

    whole: Held
    located: int
    times: I8
    attributes: dict[str, tuple[AttributeFigures, I8]]


def _count(table: Table) -> _Counted:
    names: dict[str, list[Cells]] = {}
    for (name, _), cells in table.columns.items():
        names.setdefault(name, []).append(cells)
    every = list(table.columns.values())
    located = np.zeros(table.count, bool)
    for cells in every:
        located |= (cells.kind == Kind.GEO) & (cells.form != Form.NOTHING)
    whole = Held()
    times = _held(whole, every, table.count)
    whole.count = table.living
    attributes = {}
    for name, own in names.items():
        figures = AttributeFigures()
        when = _held(figures, own, table.count)
        if figures.count:
            _shape(figures, own)
            attributes[name] = figures, when
    return _Counted(whole, int(located.sum()), times, attributes)


def _held(figures: Held, every: list[Cells], count: int) -> I8:
    """Fill in the counts of some cells, taken together; gives the newest effective time of each entity that has any."""
    present = np.zeros(count, bool)
    newest = np.full(count, NEVER, np.int64)
    masks: dict[tuple[str, str], Mask] = {}
    for cells in every:
        there = cells.form != Form.NOTHING
        if not there.any():
            continue
        present |= there
        np.maximum(newest, np.where(there, cells.arrays["effective"][:count], NEVER), out=newest)
        for name, value, mask in _marks(cells, there):
            known = masks.get((name, value))
            masks[name, value] = mask if known is None else known | mask
    figures.count = int(present.sum())
    for (name, value), mask in masks.items():
        getattr(figures, name)[value] = int(mask.sum())
    times: I8 = newest[present]
    return times


def _marks(cells: Cells, there: Mask) -> Iterator[tuple[str, str, Mask]]:
    """Which rows have values of which owner, source, class and quality."""
    for name in _CODED:
        column = cells.coded(name)
        for code in np.unique(column.codes[there]).tolist():
            yield name, NOBODY if code < 0 else column.values[code], there & (column.codes == code)
    quality = cells.arrays["quality"][: cells.count]
    if quality[there].any():
        for flag in FLAGS:
            mask = there & ((quality & int(flag)) != 0)
            if mask.any():
                yield "quality", str(flag.name).lower(), mask


def _shape(figures: AttributeFigures, every: Iterable[Cells]) -> None:
    for cells in every:
        there = cells.form != Form.NOTHING
        figures.kinds.update(Kind(kind) for kind in np.unique(cells.kind[there]).tolist())
        units = cells.unit.take(np.flatnonzero(there))
        codes, counts = np.unique(units.codes, return_counts=True)
        for code, times in zip(codes.tolist(), counts.tolist(), strict=True):
            if code >= 0:
                figures.units[units.values[code]] += times


def _type(parts: list[tuple[int, _Counted]]) -> TypeHeld:
    made = TypeHeld(tables=tuple(number for number, _ in parts))
    _sum(made, [part.whole for _, part in parts], [part.times for _, part in parts])
    made.located = sum(part.located for _, part in parts)
    for name in sorted({name for _, part in parts for name in part.attributes}):
        own = [part.attributes[name] for _, part in parts if name in part.attributes]
        figures = made.attributes[name] = AttributeFigures()
        _sum(figures, [one for one, _ in own], [when for _, when in own])
        for one, _ in own:
            figures.kinds |= one.kinds
            figures.units += one.units
    return made


def _sum(made: Held, parts: list[Held] | list[AttributeFigures], times: list[I8]) -> None:
    made.count = sum(part.count for part in parts)
    for name in (*_CODED, "quality"):
        for part in parts:
            getattr(made, name).update(getattr(part, name))
    when = np.concatenate(times) if times else np.zeros(0, np.int64)
    when = when[when != NEVER]
    if len(when):
        made.newest, made.oldest = int(when.max()), int(when.min())
        made.middle = int(np.partition(when, len(when) // 2)[len(when) // 2])


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None where there is no whole.

    >>> share(1, 4), share(0, 0)
    (0.25, None)
    """
    return part / whole if whole else None


def completeness(held: TypeHeld, wanted: Iterable[str]) -> float | None:
    """The share of entities that have each wanted attribute, on average over the attributes."""
    shares = [held.attributes[name].count / held.count if name in held.attributes else 0.0 for name in wanted]
    return float(np.mean(shares)) if shares and held.count else None
