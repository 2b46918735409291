"""From an application's values to changes of the log: by their declaration, and only those worth a row."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhicheng.compute.app import Output, Writes
from zhicheng.compute.rows import joined
from zhicheng.compute.state import Keyed
from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import F8, I4, I8, Coded, Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Changes, ChangesBuilder
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.live import State

GONE = -1


@dataclass(slots=True)
class Emitted:
    """What was last written of each entity (and datasetId), a column an output."""

    last: Keyed


class Press:
    """Turns what `derive` gives into rows of the log."""

    def __init__(
        self, name: str, writes: Sequence[Writes], reads: Sequence[str], terms: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.outputs = [output for one in writes for output in one.outputs]
        self.names = [output.attribute for output in self.outputs]
        self._iris = [iri(name, terms) for name in self.names]
        owners = [one.type for one in writes for _ in one.outputs]
        self._types = [iri(owner, terms) for owner in owners]
        self._own = np.array([*(owner not in reads for owner in owners), False])
        self._kinds = np.array([*(output.kind for output in self.outputs), Kind.LIFE], np.uint8)
        self._units = [output.unit for output in self.outputs]

    def fresh(self) -> Emitted:
        """The memory of the beginning."""
        count = len(self.outputs)
        blank = np.full(count, np.nan), np.full(count, ABSENT, np.int64), np.full(count, -1, np.int64)
        return Emitted(Keyed(number=blank[0], at=blank[1], text=blank[2]))

    def check(self, changes: Changes) -> I4:
        """The number of each row's output, GONE for removals of entities. Invalid for what is not declared."""
        known = {name: code for code, name in enumerate(self.names)}
        named = np.array([*(known.get(value, len(known)) for value in changes.attribute.values), GONE], np.int32)
        codes: I4 = named[changes.attribute.codes]
        stray = codes == len(known)
        if stray.any():
            name = changes.attribute[int(np.flatnonzero(stray)[0])]
            raise Invalid(
                f"The application {self.name} wrote {name!r}, which it does not declare",
                f"应用 {self.name} 写入了未声明的属性 {name!r}",
            )
        bad = (changes.act >= Act.CORRECT) | ((codes == GONE) & (changes.kind != Kind.LIFE))
        bad |= changes.observed_at == ABSENT
        if bad.any():
            raise Invalid(
                f"The application {self.name} wrote a value without time, or something other than a value or removal",
                f"应用 {self.name} 写入了没有时间的值，或既非取值也非移除的变更",
            )
        return codes

    def press(self, changes: Changes, emitted: Emitted) -> Changes:
        """The rows worth storing, in order, with IRIs, kinds and units as declared."""
        codes = self.check(changes)
        worth = self._worth(changes, codes, emitted)
        if not worth.all():
            changes, codes = changes.take(worth).compact(), codes[worth]
        changes.attribute = Coded(self._iris, codes)
        changes.kind = self._kinds[codes]
        units = Coded.of(self._units)
        changes.unit = Coded(units.values, np.append(units.codes, np.int32(-1))[codes])
        return changes

    def forget(self, gone: Coded, emitted: Emitted) -> None:
        """Entities that were removed: what is written of them next is news."""
        slots = emitted.last.find(gone)
        slots = slots[slots >= 0]
        emitted.last["at"][slots] = ABSENT

    def _worth(self, changes: Changes, codes: I4, emitted: Emitted) -> Mask:
        worth = np.ones(len(changes), bool)
        said = np.flatnonzero(codes != GONE)
        keys = changes.entity.take(said)
        datasets = changes.dataset.take(said)
        if (datasets.codes >= 0).any():
            keys = joined(keys, Coded.of(value or "" for value in datasets.list()))
        slots = emitted.last.slots(keys)
        texts = _fingerprints(changes, said)
        for code, output in enumerate(self.outputs):
            own = np.flatnonzero(codes[said] == code)
            if len(own) and output.history != "all":
                rows = said[own]
                series = _Series(output, code, slots[own], changes.observed_at[rows], changes.number[rows], texts[own])
                worth[rows] = series.worth(emitted.last)
        self.forget(changes.entity.take(codes == GONE), emitted)
        return worth

    def crossed(self, changes: Changes) -> bool:
        """Whether an entity is removed and then written again: that takes two commits."""
        removals = np.flatnonzero(changes.kind == Kind.LIFE)
        last = np.zeros(len(changes.entity.values) + 1, np.intp)
        last[changes.entity.codes] = np.arange(len(changes))
        return bool((last[changes.entity.codes[removals]] != removals).any())

    def placed(self, changes: Changes, state: State) -> tuple[Changes, int]:
        """The rows with creations of own entities that are not there, and how many rows lost their entity.

        Call with the state's lock held.
        """
        index, table = state.directory.index, state.directory.table
        entity = changes.entity.compact()
        living = np.array(
            [*((code := index.get(one)) is not None and table[code] >= 0 for one in entity.values), False]
        )
        dead = ~living[entity.codes]
        if not dead.any():
            return changes, 0
        codes = self._codes_of(changes)
        made = dead & self._own[codes]
        births = self._births(entity, made, codes)
        born = np.append(np.isin(np.arange(len(entity.values)), entity.codes[made]), False)
        kept = ~dead | made | (born[entity.codes] & (codes == GONE))  # what is made and removed in one batch
        rows = Changes.concat([births, changes.take(kept)]) if len(births) else changes.take(kept)
        return rows, int(len(kept) - kept.sum())

    def _codes_of(self, changes: Changes) -> I4:
        known = {name: code for code, name in enumerate(self._iris)}
        return np.array([*(known.get(value, GONE) for value in changes.attribute.values), GONE], np.int32)[
            changes.attribute.codes
        ]

    def _births(self, entity: Coded, made: Mask, codes: I4) -> Changes:
        rows = ChangesBuilder()
        distinct, first = np.unique(entity.codes[made], return_index=True)
        outputs = codes[made][first]
        for place in np.argsort(first).tolist():
            identifier = entity.values[distinct[place]]
            add_life(rows, identifier)
            add_types(rows, identifier, (self._types[outputs[place]],))
        return rows.build()


@dataclass(frozen=True, slots=True)
class _Series:
    """Rows of one output, in order: whose they are (slots), when, what."""

    output: Output
    code: int
    slots: Index
    at: I8
    number: F8
    text: I8

    def worth(self, last: Keyed) -> Mask:
        """Which rows are worth storing; remembers the last of each."""
        order = np.argsort(self.slots, kind="stable")
        slots = self.slots[order]
        first = np.ones(len(slots), bool)
        first[1:] = slots[1:] != slots[:-1]
        columns = [last[name][:, self.code] for name in ("number", "at", "text")]
        values = self.number[order], self.at[order], self.text[order]
        back = (np.diff(values[1]) < 0) & ~first[1:]
        simple = not (self.output.least or self.output.refresh or back.any() or (values[1] < columns[1][slots]).any())
        judge = self._by_neighbours if simple else self._by_rounds
        kept = judge(slots, first, values, (columns[0], columns[1], columns[2]))
        if self.output.history == "latest":
            kept &= _newest(first, kept, values[1])
        worth = np.zeros(len(order), bool)
        worth[order] = kept
        return worth

    def _by_neighbours(self, slots: Index, first: Mask, values: Values, last: Values) -> Mask:
        """Any difference counts, nothing goes back in time: what stands before a row is the last written, or equal."""
        number, _, text = values
        before = [
            np.where(first, column[slots], np.concatenate([value[:1], value[:-1]]))
            for column, value in zip(last, values, strict=True)
        ]
        same = (number == before[0]) | (np.isnan(number) & np.isnan(before[0]))
        kept: Mask = ~(same & (text == before[2])) | (before[1] == ABSENT)
        ends = np.append(first, True)[1:]
        for column, value in zip(last, values, strict=True):
            column[slots[ends]] = value[ends]
        return kept

    def _by_rounds(self, slots: Index, first: Mask, values: Values, last: Values) -> Mask:
        """Each entity's first row, then its second, and so on: small steps count from the last row written.

        What goes back in time is worth a row, and no measure for what follows.
        """
        number, at, text = values
        starts = np.flatnonzero(first)
        turn = np.arange(len(slots)) - np.repeat(starts, np.diff([*starts, len(slots)]))
        by_turn = np.argsort(turn, kind="stable")
        kept = np.zeros(len(slots), bool)
        for rows in np.split(by_turn, np.flatnonzero(np.diff(turn[by_turn])) + 1):
            own = slots[rows]
            step = np.abs(number[rows] - last[0][own])
            changed = ~(step < self.output.least) & ~(step == 0) & ~(np.isnan(number[rows]) & np.isnan(last[0][own]))
            changed |= (text[rows] != last[2][own]) | (last[1][own] == ABSENT)
            if self.output.refresh:
                changed |= at[rows] - last[1][own] >= self.output.refresh
            back = at[rows] < last[1][own]
            kept[rows] = changed | back
            moved = changed & ~back
            for column, value in zip(last, values, strict=True):
                column[own[moved]] = value[rows[moved]]
        return kept


Values = tuple[F8, I8, I8]


def _newest(first: Mask, kept: Mask, at: I8) -> Mask:
    """Of the kept rows of each run the one with the newest instant, the last of several."""
    run = np.cumsum(first)
    rows = np.flatnonzero(kept)
    order = np.lexsort((rows, at[rows], run[rows]))
    ends = np.append(np.diff(run[rows][order]) != 0, True) if len(rows) else np.zeros(0, bool)
    newest = np.zeros(len(kept), bool)
    newest[rows[order[ends]]] = True
    return newest


def _fingerprints(changes: Changes, rows: Index) -> I8:
    """A number for form, text and sub-attributes of each row."""
    total = changes.form[rows].astype(np.int64) + changes.act[rows].astype(np.int64) * 8
    for place, column in enumerate((changes.text, changes.sub), 1):
        own = column.take(rows).compact()
        if own.values:
            known = np.array([*(zlib.crc32(value.encode()) for value in own.values), 0], np.int64)
            total ^= known[own.codes] << (place * 8)
    return total
