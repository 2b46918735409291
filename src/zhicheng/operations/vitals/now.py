"""A vital sign as it is now, and who makes it so: straight from the live table's columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import F8, I8, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.operations.vitals import logic
from zhicheng.operations.vitals.logic import Recipe, Shares
from zhicheng.storage.live import State, Table


@dataclass(frozen=True, slots=True)
class Now:
    """figure: NaN where nothing counts; counted: entities that do; silent: too long unheard of; at: newest value."""

    figure: float
    counted: int
    silent: int
    at: int | None


@dataclass(frozen=True, slots=True)
class Maker:
    """An entity's part in a figure: its own value (NaN where it has none) and when it was heard of."""

    table: Table
    row: int
    number: float
    at: int


@dataclass(frozen=True, slots=True)
class _Part:
    """The entities of one table: those that live, their shares, and which are heard of."""

    table: Table
    shares: Shares
    alive: Mask
    fresh: Mask
    at: I8


def _parts(state: State, made: Recipe, now: int) -> Iterator[_Part]:
    for table in state.tables_of([iri(made.vital.type)]):
        if table.living:
            at = _heard(table, made)
            known = table.alive & (at != ABSENT)
            fresh = known & (now - at <= made.vital.fresh) if made.vital.fresh else known
            yield _Part(table, logic.shares(made, table), known, fresh, at)


def _heard(table: Table, made: Recipe) -> I8:
    """When each entity last said any of what counts."""
    newest = np.full(table.count, ABSENT, np.int64)
    for name in made.attributes:
        for cells in table.cells(name):
            if cells.dataset is None:
                at = np.where(cells.observed_at == ABSENT, cells.modified_at, cells.observed_at)
                newest = np.maximum(newest, np.where(cells.form > 0, at, ABSENT))
    return newest


def now_of(state: State, made: Recipe, now: int) -> Now:
    """The figure now. Call with the state's lock held."""
    sums = np.zeros((1, logic.width(made.vital)), np.int64)
    counted = silent = 0
    newest = ABSENT
    for part in _parts(state, made, now):
        shares = part.shares
        member = shares.member & part.alive
        fresh = member & part.fresh
        rest = member if made.vital.lasting else fresh
        np.add.at(sums[0], shares.column[fresh], shares.amount[fresh])
        sums[0, -1] += int(shares.weight[rest].sum())
        counted += int(fresh.sum())
        silent += int((member & ~part.fresh).sum())
        if member.any():
            newest = max(newest, int(part.at[member].max()))
    figure = float(np.round(logic.figures(made.vital, sums)[0], 4))
    return Now(figure, counted, silent, None if newest == ABSENT else newest)


def makers(state: State, made: Recipe, now: int, side: str, bound: float | None, limit: int) -> tuple[list[Maker], int]:
    """Who makes the figure high or low, the worst first, and how many there are. Call with the state's lock held.

    bound: the figure's own, which single entities are measured by where their values can be
    """
    found = [(part, *_blamed(part, made, side, bound)) for part in _parts(state, made, now)]
    found = [(part, rows, worst, own) for part, rows, worst, own in found if len(rows)]
    if not found:
        return [], 0
    worst = np.concatenate([values for _, _, values, _ in found])
    which = np.concatenate([np.full(len(rows), number) for number, (_, rows, _, _) in enumerate(found)])
    place = np.concatenate([np.arange(len(rows)) for _, rows, _, _ in found])
    order = np.argsort(-worst, kind="stable")[:limit]
    named = []
    for number, at in zip(which[order].tolist(), place[order].tolist(), strict=True):
        part, rows, _, own = found[number]
        row = int(rows[at])
        named.append(Maker(part.table, row, float(own[at]), int(part.at[row])))
    return named, len(worst)


def _blamed(part: _Part, made: Recipe, side: str, bound: float | None) -> tuple[Index, F8, F8]:
    """Rows that are part of the reason, how bad each is, and its own value."""
    vital, shares = made.vital, part.shares
    sign = -1.0 if side == "low" else 1.0
    if vital.aggregate in ("heard", "count"):
        unheard = part.alive & shares.member & ~part.fresh
        rows = np.flatnonzero(unheard if side == "low" else part.fresh & shares.member)
        age = -part.at[rows].astype(float) if side == "low" else part.at[rows].astype(float)
        return rows, age, np.full(len(rows), np.nan)
    member = shares.member & part.fresh
    if vital.aggregate == "share":
        rows = np.flatnonzero(member & (shares.amount == 0 if side == "low" else shares.amount > 0))
        return rows, part.at[rows].astype(float), logic.numbers(part.table, made.attribute)[rows]
    rows = np.flatnonzero(member)
    own = shares.number[rows]
    if vital.aggregate == "ratio":
        own = own / (shares.weight[rows] / logic.MICRO) * vital.scale
    beyond = sign * own >= sign * bound if bound is not None and vital.aggregate != "sum" else np.ones(len(rows), bool)
    if beyond.any():
        rows, own = rows[beyond], own[beyond]
    return rows, sign * own, own
