"""Readings one by one, each with what its entity had said before of the other attributes: a table for the filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from zhicheng.compute.ordering import grouped
from zhicheng.compute.rows import Rows
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.ngsild.model import Kind


def remembered(attributes: Sequence[str]) -> dict[str, Any]:
    """The columns of a table that remembers what entities last said of some attributes."""
    count = len(attributes)
    return {"number": np.full(count, np.nan), "form": np.zeros(count, np.uint8), "text": np.full(count, -1, np.int64)}


@dataclass(frozen=True, slots=True)
class Held:
    """One attribute of all lines, as the filter reads it."""

    form: I1
    number: F8
    text: Coded

    @property
    def dataset(self) -> str | None:
        return None

    @property
    def kind(self) -> I1:
        return np.full(len(self.form), Kind.PROPERTY, np.uint8)

    @property
    def observed_at(self) -> I8:
        return np.full(len(self.form), ABSENT, np.int64)

    @property
    def created_at(self) -> I8:
        return self.observed_at

    @property
    def modified_at(self) -> I8:
        return self.observed_at

    @property
    def unit(self) -> Coded:
        return Coded.constant(None, len(self.form))

    @property
    def sub(self) -> Coded:
        return Coded.constant(None, len(self.form))

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        """No line has a geometry."""
        nowhere = np.full(len(self.form), np.nan)
        return nowhere, nowhere, nowhere, nowhere


@dataclass(frozen=True)
class Lines:
    """Readings by entity, then in log order. first, last: of their entity's.

    rows: their places among those given; gone: which say that the entity was removed
    """

    slots: Index
    rows: Index
    first: Mask
    last: Mask
    gone: Mask
    held: Mapping[str, Held]
    kind: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.slots)

    @cached_property
    def ids(self) -> Sequence[str]:
        return [""] * self.count

    @property
    def types(self) -> tuple[str, ...]:
        return self.kind

    @property
    def scope(self) -> Coded:
        return Coded.constant(None, self.count)

    @property
    def created_at(self) -> I8:
        return np.full(self.count, ABSENT, np.int64)

    @property
    def modified_at(self) -> I8:
        return self.created_at

    def cells(self, attribute: str) -> Sequence[Held]:
        """The attribute, if it is read."""
        found = self.held.get(attribute)
        return () if found is None else (found,)


def lines(rows: Rows, table: Keyed, pool: list[str], attributes: Sequence[str], kind: str) -> Lines:
    """The rows as lines; `table` goes on to what their entities said last.

    pool: texts that codes of the table stand for; attributes: IRIs, in the order of the table
    """
    slots = table.slots(rows.entity)
    order = grouped(slots)
    own = slots[order]
    first = np.append(True, own[1:] != own[:-1])
    last = np.append(first[1:], True)
    codes = np.array([*map({name: place for place, name in enumerate(attributes)}.get, rows.attribute.values), -1])
    named = codes[rows.attribute.codes][order]
    gone = rows.gone[order]
    texts = _pooled(rows.text.take(order), pool)
    held = {}
    for place, iri in enumerate(attributes):
        said = (named == place) | gone
        source = np.maximum.accumulate(np.where(said | first, np.arange(len(own)), 0))
        stood = ~said[source]
        form = np.where(stood, table["form"][own, place], rows.form[order][source]).astype(np.uint8)
        number = np.where(stood, table["number"][own, place], rows.number[order][source])
        text = np.where(stood, table["text"][own, place], texts[source])
        for column, values in (("form", form), ("number", number), ("text", text)):
            table[column][own[last], place] = values[last]
        held[iri] = Held(form, number, Coded(pool, text.astype(np.int32)))
    return Lines(own, order, first, last, gone, held, (kind,))


def _pooled(text: Coded, pool: list[str]) -> I8:
    """The codes of texts in the pool, new ones added in the order in which they come."""
    known = {value: code for code, value in enumerate(pool)}
    text = text.compact()
    used, at = np.unique(text.codes[text.codes >= 0], return_index=True)
    mapped = np.full(len(text.values) + 1, -1, np.int64)
    for code in used[np.argsort(at)].tolist():
        value = text.values[code]
        if value not in known:
            known[value] = len(pool)
            pool.append(value)
        mapped[code] = known[value]
    found: I8 = mapped[text.codes]
    return found
