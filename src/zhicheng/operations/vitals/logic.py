"""From entities' values to a figure of the city: what each contributes, and what comes of it. On columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.compute.vital import Vital
from zhicheng.hub.query import read_sub
from zhicheng.kernel.columns import F8, I8, Mask
from zhicheng.standards.changes import Form
from zhicheng.standards.filter import columns, q, tree
from zhicheng.standards.filter.columns import Test
from zhicheng.standards.filter.source import Cells, Source

BUCKETS = 64
"""Steps in which values of a percentile are told apart."""
MICRO = 1_000_000
"""Contributions are whole numbers of millionths, so that sums do not depend on their order."""
_MOST = 1e9
"""A value beyond is not taken for one: sums of billions of it would not fit."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A vital sign with its names as IRIs and its condition compiled. `attributes`: everything that deciding needs."""

    vital: Vital
    attribute: str
    per: str
    test: Test | None
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """What each entity contributes: `member` says whether anything; column, amount and weight of those that do.

    The sum of amounts stands in `column` (0, or the bucket of a percentile), that of weights in the last one.
    """

    member: Mask
    column: I8
    amount: I8
    weight: I8
    number: F8


def recipe(vital: Vital, terms: Mapping[str, str] | None = None) -> Recipe:
    """The vital sign made ready; Invalid where its condition is none."""
    where = q.parse(vital.q, lambda name: iri(name, terms)) if vital.q else None
    attribute = iri(vital.attribute, terms) if vital.attribute else ""
    per = iri(vital.per, terms) if vital.per else ""
    asked = tree.attributes(where) if where is not None else frozenset()
    needed = dict.fromkeys(name for name in (attribute, per, *sorted(asked)) if name)
    test = None if where is None else columns.compile(where, read_sub)
    return Recipe(vital, attribute, per, test, tuple(needed))


def width(vital: Vital) -> int:
    """How many columns of sums a vital sign needs: the last one is of weights."""
    return (BUCKETS if vital.aggregate == "percentile" else 1) + 1


def shares(made: Recipe, source: Source) -> Shares:
    """What each row of a table contributes."""
    vital, count = made.vital, source.count
    chosen = np.ones(count, bool) if made.test is None else made.test(source)
    number = numbers(source, made.attribute) if made.attribute else np.zeros(count)
    present = has(source, made.attribute) if made.attribute else np.ones(count, bool)
    weight = np.full(count, MICRO, np.int64)
    column = np.zeros(count, np.int64)
    if vital.aggregate in ("mean", "sum", "ratio", "percentile"):
        member = chosen & ~np.isnan(number)
        amount = whole(number)
        if vital.aggregate == "ratio":
            per = numbers(source, made.per)
            member &= per > 0
            weight = whole(per)
        if vital.aggregate == "percentile":
            step = (number - vital.low) / (vital.high - vital.low) * BUCKETS
            column = np.clip(np.nan_to_num(step), 0, BUCKETS - 1).astype(np.int64)
            amount = np.ones(count, np.int64)
    elif vital.aggregate == "share":
        member = present
        amount = np.where(chosen, MICRO, 0)
        number = chosen.astype(float)
    else:
        member = present & chosen
        amount = np.full(count, MICRO, np.int64)
    nothing = ~member
    amount[nothing] = 0
    weight[nothing] = 0
    return Shares(member, column, amount, weight, number)


def whole(number: F8) -> I8:
    """Millionths, 0 for what is no number.

    >>> whole(np.array([0.5, np.nan])).tolist()
    [500000, 0]
    """
    scaled: I8 = np.rint(np.nan_to_num(number) * MICRO).astype(np.int64)
    return scaled


def figures(vital: Vital, sums: I8) -> F8:
    """The figure of each row of sums; NaN where nothing counts.

    >>> from zhicheng.standards.models.model import Label
    >>> free = Vital("free", Label("Free", "空位"), "OffStreetParking", "ratio", "a", per="b", unit="P1")
    >>> figures(free, np.array([[30 * MICRO, 120 * MICRO], [0, 0]])).tolist()
    [25.0, nan]
    """
    weight = sums[:, -1].astype(float)
    known = weight > 0
    if vital.aggregate == "percentile":
        found = _percentiles(vital, sums[:, :-1])
    elif vital.aggregate in ("sum", "count"):
        found = sums[:, 0] / MICRO
    else:
        found = np.divide(sums[:, 0], weight, out=np.zeros(len(sums)), where=known)
    made: F8 = np.where(known, found * vital.scale, np.nan)
    return made


def _percentiles(vital: Vital, counts: I8) -> F8:
    """By straight lines within the bucket that the percentile falls into."""
    below = np.cumsum(counts, axis=1)
    wanted = below[:, -1] * (vital.percentile / 100)
    bucket = np.minimum((below < wanted[:, None]).sum(axis=1), BUCKETS - 1)
    rows = np.arange(len(counts))
    own = counts[rows, bucket]
    into = np.divide(wanted - (below[rows, bucket] - own), own, out=np.zeros(len(counts)), where=own > 0)
    found: F8 = vital.low + (bucket + into) * (vital.high - vital.low) / BUCKETS
    return found


def numbers(source: Source, attribute: str) -> F8:
    """The numbers of an attribute, of its default instance where there are several; NaN for none, or beyond measure."""
    found = _cells(source, attribute)
    if found is None:
        return np.full(source.count, np.nan)
    number = np.where(found.form == Form.NUMBER, found.number, np.nan)
    sound: F8 = np.where(np.abs(number) <= _MOST, number, np.nan)
    return sound


def has(source: Source, attribute: str) -> Mask:
    """Which rows have the attribute."""
    found = _cells(source, attribute)
    return np.zeros(source.count, bool) if found is None else found.form != Form.NOTHING


def _cells(source: Source, attribute: str) -> Cells | None:
    cells = source.cells(attribute)
    return next((one for one in cells if one.dataset is None), cells[0] if cells else None)
