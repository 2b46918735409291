"""From the log to an application's rows: those it declared, without repetitions, with late ones marked.

Everything here follows from the sequence of rows alone, so that it does not matter how the log is cut into batches.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zhicheng.compute.app import Reads
from zhicheng.compute.ordering import grouped, running_newest
from zhicheng.compute.rows import GONE, Rows, joined
from zhicheng.compute.state import Keyed
from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import I4, I8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Changes, Form
from zhicheng.standards.ngsild.changes import list_of
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import FUTURE_LIMIT, Batch

UNKNOWN = -1


@dataclass(slots=True)
class Counts:
    """What became of the rows read; for people.

    read: rows of the log; given: to the application; late among them; repeated: said again what stood
    future: ahead of their arrival; amending: corrections and erasures, which only a backfill puts in place
    """

    read: int = 0
    given: int = 0
    late: int = 0
    repeated: int = 0
    future: int = 0
    amending: int = 0


@dataclass(slots=True)
class Sieve:
    """What it remembers: of each entity of a type that is read its type, and of each series its newest reading."""

    entities: Keyed
    series: Keyed
    counts: Counts = field(default_factory=Counts)


def fresh(reads: Sequence[Reads]) -> Sieve:
    """The memory of the beginning."""
    count = len(names_of(reads))
    columns = {
        "at": np.full(count, ABSENT, np.int64),
        "number": np.full(count, np.nan),
        "text": np.zeros(count, np.int64),
    }
    return Sieve(Keyed(type=UNKNOWN, **columns), Keyed(entity=UNKNOWN, **columns))


def names_of(reads: Sequence[Reads]) -> list[str]:
    """All attributes that are read."""
    return list(dict.fromkeys(name for one in reads for name in one.attributes))


class Gate:
    """Lets rows through to an application, as its declaration says."""

    def __init__(self, reads: Sequence[Reads], terms: Mapping[str, str] | None = None) -> None:
        self.types = [one.type for one in reads]
        self.names = names_of(reads)
        self._type_codes = {iri(name, terms): code for code, name in reversed(list(enumerate(self.types)))}
        self._attribute_codes = {iri(name, terms): code for code, name in enumerate(self.names)}
        self._wanted = np.array([[name in one.attributes for name in self.names] for one in reads], bool)

    @property
    def attributes(self) -> frozenset[str]:
        """IRIs of the attributes that are read."""
        return frozenset(self._attribute_codes)

    def through(self, batch: Batch, sieve: Sieve) -> Rows:
        """The rows of a batch for the application: whole commits, in which an entity is one thing (`turn`)."""
        sieve.counts.read += len(batch)
        rows = self._part(batch, sieve)
        sieve.counts.given += len(rows)
        sieve.counts.late += int(rows.late.sum())
        return rows

    def _part(self, batch: Batch, sieve: Sieve) -> Rows:
        changes = batch.changes
        gone, were = self._named(batch, sieve)
        codes = self._codes(changes.attribute)
        chosen = np.flatnonzero((codes >= 0) & (changes.kind < Kind.TYPES))
        chosen, slots, types = self._ours(changes, chosen, codes, sieve)
        live = self._live(batch, chosen, sieve)
        chosen, slots, types = chosen[live], slots[live], types[live]
        places = self._places(changes, chosen, slots, sieve)
        keep, late = self._told(batch, chosen, places, codes[chosen], sieve)
        died, dead = _buried(batch, sieve)
        gone, were = np.concatenate([gone, died]), np.concatenate([were, dead])
        return self._rows(batch, chosen[keep], types[keep], codes, late[keep], gone, were)

    def _named(self, batch: Batch, sieve: Sieve) -> tuple[Index, I8]:
        """Take in what entities are now; gives the rows by which one of ours became something else, and what it was."""
        changes, entities = batch.changes, sieve.entities
        rows = np.flatnonzero(changes.kind == Kind.TYPES)
        column = changes.text.take(rows).compact()
        named = np.array([*map(self._type, column.values), UNKNOWN], np.int64)[column.codes]
        before = _types_at(sieve, entities.find(changes.entity.take(rows)))
        turned = (before >= 0) & (named != before)
        _forgotten(sieve, entities.find(changes.entity.take(rows[turned])))
        ours = named >= 0
        slots = entities.slots(changes.entity.take(rows[ours]))
        entities["type"][slots] = named[ours]
        return rows[turned], before[turned]

    def _type(self, text: str) -> int:
        """The code of the first of an entity's types that is read."""
        return next((self._type_codes[one] for one in list_of(text) if one in self._type_codes), UNKNOWN)

    def _codes(self, attribute: Coded) -> I4:
        known = [self._attribute_codes.get(value, -1) for value in attribute.values]
        return np.array([*known, -1], np.int32)[attribute.codes]

    def _ours(self, changes: Changes, chosen: Index, codes: I4, sieve: Sieve) -> tuple[Index, Index, I8]:
        """Of the rows those whose entity is of a type whose attribute is read; with slots and types."""
        slots = sieve.entities.find(changes.entity.take(chosen))
        types = _types_at(sieve, slots)
        ours = types >= 0
        ours[ours] = self._wanted[types[ours], codes[chosen[ours]]]
        return chosen[ours], slots[ours], types[ours]

    def _live(self, batch: Batch, chosen: Index, sieve: Sieve) -> Mask:
        """Which rows are neither corrections, nor erasures, nor readings from the future."""
        amending = batch.changes.act[chosen] >= Act.CORRECT
        observed = batch.changes.observed_at[chosen]
        future = (observed != ABSENT) & (observed - batch.recorded_at[chosen] > FUTURE_LIMIT) & ~amending
        sieve.counts.amending += int(amending.sum())
        sieve.counts.future += int(future.sum())
        live: Mask = ~(amending | future)
        return live

    def _places(self, changes: Changes, chosen: Index, slots: Index, sieve: Sieve) -> Index:
        """Where the newest of each row's series stands: entities first, those with a datasetId behind them."""
        datasets = changes.dataset.take(chosen)
        if not len(datasets.values) or (datasets.codes < 0).all():
            return slots
        named = datasets.codes >= 0
        rows = np.flatnonzero(named)
        own = sieve.series.slots(joined(changes.entity.take(chosen[rows]), datasets.take(rows)))
        sieve.series["entity"][own] = slots[rows]
        places = slots.copy()
        places[rows] = own + _SECOND
        return places

    def _told(self, batch: Batch, chosen: Index, places: Index, codes: I4, sieve: Sieve) -> tuple[Mask, Mask]:
        """Which rows tell something (no repetitions), and which are late; remembers the newest of each series."""
        keep, late = np.ones(len(chosen), bool), np.zeros(len(chosen), bool)
        texts = _fingerprints(batch.changes, chosen)
        for store, offset, rows in (
            (sieve.entities, 0, np.flatnonzero(places < _SECOND)),
            (sieve.series, _SECOND, np.flatnonzero(places >= _SECOND)),
        ):
            if len(rows):
                series = (places[rows] - offset) * len(self.names) + codes[rows]
                keep[rows], late[rows] = _newest(batch, chosen[rows], series, texts[rows], store)
        sieve.counts.repeated += int(len(keep) - keep.sum())
        return keep, late

    def _rows(self, batch: Batch, chosen: Index, types: I8, codes: I4, late: Mask, gone: Index, were: I8) -> Rows:
        attributes = codes[chosen]
        if len(gone):
            chosen = np.concatenate([chosen, gone])
            order = np.argsort(chosen, kind="stable")
            chosen, types = chosen[order], np.concatenate([types, were])[order]
            attributes = np.concatenate([attributes, np.full(len(gone), GONE, np.int32)])[order]
            late = np.concatenate([late, np.zeros(len(gone), bool)])[order]
        changes = batch.changes
        form = changes.form[chosen]
        form = np.where((changes.act[chosen] == Act.REMOVE) | (attributes == GONE), Form.NOTHING, form)
        return Rows(
            entity=changes.entity.take(chosen).compact(),
            type=Coded(self.types, types.astype(np.int32)),
            attribute=Coded(self.names, attributes.astype(np.int32)),
            dataset=changes.dataset.take(chosen),
            form=form.astype(np.uint8),
            number=changes.number[chosen],
            text=changes.text.take(chosen),
            unit=changes.unit.take(chosen),
            sub=changes.sub.take(chosen),
            at=_effective(batch, chosen),
            recorded_at=batch.recorded_at[chosen],
            position=batch.position[chosen],
            late=late,
        )


_FEW = 4096
_SECOND = 1 << 40
"""Slots of series with a datasetId are told from those without by this."""


def turn(batch: Batch) -> int | None:
    """The first row of the first commit, not the first of all, in which an entity changes its type or lives again."""
    changes = batch.changes
    structural = np.flatnonzero(changes.kind >= Kind.TYPES)
    named = structural[changes.kind[structural] == Kind.TYPES]
    died = structural[(changes.kind[structural] == Kind.LIFE) & (changes.act[structural] != Act.SET)]
    turns = changes.life[named] != batch.position[named]
    if len(died):
        death = np.full(len(changes.entity.values), np.iinfo(np.int64).max)
        np.minimum.at(death, changes.entity.codes[died], batch.position[died])
        turns |= batch.position[named] > death[changes.entity.codes[named]]
    turns &= batch.position[named] > batch.position[:1]
    if not turns.any():
        return None
    return int(np.searchsorted(batch.position, batch.position[named[turns][0]]))


def _buried(batch: Batch, sieve: Sieve) -> tuple[Index, I8]:
    """Forget the entities that were removed; gives the rows that say so of ours, and what those were."""
    changes = batch.changes
    rows = np.flatnonzero((changes.kind == Kind.LIFE) & (changes.act != Act.SET))
    slots = sieve.entities.find(changes.entity.take(rows))
    types = _types_at(sieve, slots)
    ours = types >= 0
    _forgotten(sieve, slots[ours])
    return rows[ours], types[ours]


def _types_at(sieve: Sieve, slots: Index) -> I8:
    types: I8 = np.append(sieve.entities["type"], UNKNOWN)[slots]
    return types


def _forgotten(sieve: Sieve, slots: Index) -> None:
    """These are nothing of ours any more; when most are so, they make room."""
    if not len(slots):
        return
    entities, series = sieve.entities, sieve.series
    entities["type"][slots] = UNKNOWN
    entities["at"][slots] = ABSENT
    if len(series):
        series["at"][np.isin(series["entity"], slots)] = ABSENT
    gone = entities["type"] < 0
    if len(gone) > _FEW and 2 * int(gone.sum()) > len(gone):
        moved = entities.forget(gone)
        series["entity"] = np.append(moved, UNKNOWN)[series["entity"]]
        series.forget(series["entity"] < 0)


def _effective(batch: Batch, rows: Index) -> I8:
    observed = batch.changes.observed_at[rows]
    return np.where(observed == ABSENT, batch.recorded_at[rows], observed)


def _fingerprints(changes: Changes, chosen: Index) -> I8:
    """A number for the text, unit and sub-attributes of each row; equal ones have equal numbers."""
    total = np.zeros(len(chosen), np.int64)
    for place, column in enumerate((changes.text, changes.unit, changes.sub)):
        own = column.take(chosen)
        if own.values and (own.codes >= 0).any():
            own = own.compact()
            known = np.array([*(zlib.crc32(value.encode()) + 1 for value in own.values), 0], np.int64)
            total ^= known[own.codes] << (place * 8)
    return total


def _newest(batch: Batch, rows: Index, series: Index, texts: I8, store: Keyed) -> tuple[Mask, Mask]:
    """Of rows of series (slot in `store` * attributes + attribute): which tell something, which are late.

    As docs/semantics.md folds them: a decision always takes effect; an observation, unless older than what stands.
    """
    changes = batch.changes
    at = _effective(batch, rows)
    order = grouped(series)
    series, at = series[order], at[order]
    decided = changes.act[rows][order] != Act.OBSERVE
    first = np.ones(len(rows), bool)
    first[1:] = series[1:] != series[:-1]
    flat = {name: store[name].reshape(-1) for name in ("at", "number", "text")}
    stood = flat["at"][series]
    top = running_newest(at, first, decided, stood)
    late = (at < top) & ~decided
    told = np.flatnonzero(~late)
    head = np.ones(len(told), bool)
    head[1:] = series[told][1:] != series[told][:-1]
    numbers, texts = changes.number[rows][order][told], texts[order][told]
    own, when = series[told], at[told]
    before_at = np.where(head, stood[told], np.append(0, when)[:-1])
    before_number = np.where(head, flat["number"][own], np.append(np.nan, numbers)[:-1])
    before_text = np.where(head, flat["text"][own], np.append(0, texts)[:-1])
    same = (before_at == when) & (before_text == texts) & ~decided[told]
    same &= (before_number == numbers) | (np.isnan(before_number) & np.isnan(numbers))
    last = np.append(head, True)[1:]
    for name, values in (("at", when), ("number", numbers), ("text", texts)):
        flat[name][own[last]] = values[last]
    keep, marked = np.ones(len(rows), bool), np.zeros(len(rows), bool)
    keep[order[told[same]]] = False
    marked[order] = late
    return keep, marked
