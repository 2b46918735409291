"""Readings: many changes at once from feeds, devices and imports, column-wise from end to end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhicheng.hub.intake import Intake, Origin
from zhicheng.hub.plans import act_for
from zhicheng.kernel.columns import Coded, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Changes, ChangesBuilder
from zhicheng.standards.models.column_check import check_columns, models_of
from zhicheng.standards.ngsild.changes import add_attribute, add_life, add_scope, add_types, list_of
from zhicheng.standards.ngsild.model import Entity, Kind
from zhicheng.storage.live import State
from zhicheng.storage.log import Receipt, VersionConflict

_TRIES = 16


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of it: rows stored, entities created and removed, rows that said nothing new, rows refused by model."""

    receipt: Receipt | None
    rows: int = 0
    created: int = 0
    removed: int = 0
    repeated: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All a source knows at an instant, as its decoder gives it.

    full: entities that came by this source before and are not here are gone
    whole: so are attributes of the entities that are here; removed: ids that the source says are gone
    latest: types (IRIs) of which only changed values are worth a row, not each repetition of a value
    """

    entities: Sequence[Entity]
    full: bool = False
    whole: bool = False
    issued_at: int | None = None
    removed: Collection[str] = ()
    latest: Collection[str] = ()


class Readings:
    """The column-wise half of the intake."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.store = intake.store

    async def observe(self, changes: Changes, origin: Origin) -> Observed:
        """Store readings; entities that are not there are created as `changes.types` says."""
        changes = owned(changes, origin)
        for _ in range(_TRIES):
            rows, facts = self._observed(changes)
            try:
                return await self._commit(rows, facts, origin)
            except VersionConflict:
                continue
        raise Invalid("The entities keep changing; send the readings again", "实体持续变化，请重新发送读数")

    async def sync(self, snapshot: Snapshot, origin: Origin) -> Observed:
        """Make what came by this source equal to the snapshot."""
        for _ in range(_TRIES):
            rows, facts = self._synced(snapshot, origin)
            try:
                return await self._commit(rows, facts, origin)
            except VersionConflict:
                continue
        raise Invalid("The entities keep changing; send the snapshot again", "实体持续变化，请重新发送快照")

    async def _commit(self, rows: Changes, facts: Observed, origin: Origin) -> Observed:
        if not len(rows) and origin.cursor is None:
            return facts
        receipt = await self.intake.commit(rows, origin)
        if receipt.repeated:
            return Observed(receipt, repeated=len(rows) + facts.repeated, refused=facts.refused)
        return replace(facts, receipt=receipt, rows=len(rows))

    def _observed(self, changes: Changes) -> tuple[Changes, Observed]:
        state = self.store.state
        with state.lock:
            dead = _newest_of_dead(state, changes)
            if dead.any():
                changes = changes.take(~dead)
            same = state.unchanged(changes, timed=True) & _tells_repetition(changes)
            if same.any():
                changes = changes.take(~same)
            changes, refused = self._checked(state, changes)
            births = _births(state, changes)
        repeated = int(same.sum() + dead.sum())
        rows = changes if births is None else Changes.concat([births, changes])
        return rows, Observed(None, 0, 0 if births is None else len(births) // 2, 0, repeated, refused)

    def _synced(self, snapshot: Snapshot, origin: Origin) -> tuple[Changes, Observed]:
        state = self.store.state
        with state.lock:
            rows = ChangesBuilder()
            created = _drafts(state, snapshot, origin.source, rows)
            changes = owned(rows.build(), origin)
            latest = _of_types(state, changes, snapshot)
            same = state.unchanged(changes, timed=True)
            if latest.any():
                same |= latest & state.unchanged(changes, timed=False)
            gone = ChangesBuilder()
            if snapshot.whole:
                _vanished_attributes(state, snapshot, changes, origin.source, gone)
            removed = _vanished(state, snapshot, origin.source)
            for identifier in removed:
                gone.add(identifier, None, kind=Kind.LIFE, act=Act.REMOVE, observed_at=snapshot.issued_at)
            fresh, refused = self._checked(state, changes.take(~same), snapshot.entities)
        kept = Changes.concat([fresh, owned(gone.build(), origin)]) if len(gone) else fresh
        return kept, Observed(None, 0, created, len(removed), int(same.sum()), refused)

    def _checked(self, state: State, changes: Changes, drafts: Sequence[Entity] = ()) -> tuple[Changes, int]:
        """The rows with quality bits where they break their models, without those of types that reject them."""
        models, settings = self.intake.models, self.intake.settings
        if models is None or not len(changes):
            return changes, 0
        types = {entity.id: entity.types for entity in drafts}
        for identifier in changes.entity.values:
            if (found := state.find(identifier)) is not None:
                types[identifier] = found[0].types
        known, which = models_of(changes, models, types)
        policies = [(settings.checks or {}).get(model.iri, settings.default_check) for model in known]
        if not known or all(policy == "off" for policy in policies):
            return changes, 0
        bits = check_columns(changes, known, which)
        policy = np.array([("off", "warn", "reject").index(policy) for policy in [*policies, "off"]])
        row_policy = policy[which[changes.entity.codes]]
        bad = (bits > 0) & (row_policy == 2)
        changes.quality = changes.quality | np.where(row_policy > 0, bits, 0).astype(np.uint8)
        return (changes.take(~bad), int(bad.sum())) if bad.any() else (changes, 0)


def owned(changes: Changes, origin: Origin) -> Changes:
    """The rows with the origin's owner and classification where they name none."""
    owner, classification = changes.owner, changes.classification
    if origin.owner is not None:
        owner = _filled(owner, origin.owner)
    if origin.classification is not None:
        classification = _filled(classification, origin.classification)
    return replace(changes, owner=owner, classification=classification)


def _filled(column: Coded, value: str) -> Coded:
    if not column.values:
        return Coded.constant(value, len(column))
    codes = np.where(column.codes < 0, len(column.values), column.codes).astype(np.int32)
    return (
        Coded([*column.values, value], codes)
        if value not in column.values
        else Coded.of(item or value for item in column.list())
    )


def _tells_repetition(changes: Changes) -> Mask:
    """Rows that can be told from another of the same content: decisions, and readings that have a time."""
    told: Mask = (changes.act != Act.OBSERVE) | (changes.observed_at != ABSENT)
    return told


def _newest_of_dead(state: State, changes: Changes) -> Mask:
    """Rows of removed entities none of whose readings is later than the removal: they revive nothing."""
    index, directory = state.directory.index, state.directory
    count = len(changes.entity.values)
    dead, deaths = np.zeros(count, bool), np.zeros(count, np.int64)
    for code, identifier in enumerate(changes.entity.values):
        known = index.get(identifier)
        if known is not None and directory.table[known] < 0 and directory.deleted_at[known]:
            dead[code], deaths[code] = True, directory.deleted_at[known]
    if not dead.any():
        return np.zeros(len(changes), bool)
    newest = np.full(count, np.iinfo(np.int64).min)
    times = np.where(changes.observed_at == ABSENT, np.iinfo(np.int64).max, changes.observed_at)
    np.maximum.at(newest, changes.entity.codes, times)
    return (dead & (newest <= deaths))[changes.entity.codes]


def _births(state: State, changes: Changes) -> Changes | None:
    """Creation rows for the entities that are not there."""
    index, table = state.directory.index, state.directory.table
    used = np.unique(changes.entity.codes).tolist()
    rows = ChangesBuilder()
    for code in used:
        identifier = changes.entity.values[code]
        known = index.get(identifier)
        if known is not None and table[known] >= 0:
            continue
        types = changes.types.get(identifier)
        if not types:
            raise Invalid(
                f"{identifier} does not exist and its type is not given",
                f"{identifier} 不存在，且未给出类型",
                id=identifier,
            )
        add_life(rows, identifier)
        add_types(rows, identifier, types)
    return rows.build() if len(rows) else None


def _drafts(state: State, snapshot: Snapshot, source: str, rows: ChangesBuilder) -> int:
    """Rows of the snapshot's entities, creations included; gives how many are created."""
    directory = state.directory
    born: set[str] = set()
    for entity in snapshot.entities:
        code = directory.index.get(entity.id)
        if code is not None and directory.table[code] >= 0:
            _keep_up(state, entity, code, source, rows)
        elif entity.id not in born:
            if code is not None and snapshot.issued_at is not None and directory.deleted_at[code] > snapshot.issued_at:
                continue
            add_life(rows, entity.id)
            add_types(rows, entity.id, entity.types)
            if entity.scope:
                add_scope(rows, entity.id, entity.scope)
            born.add(entity.id)
        for name, instances in entity.attributes.items():
            for instance in instances:
                add_attribute(rows, entity.id, name, instance, act_for(instance))
    return len(born)


def _keep_up(state: State, entity: Entity, code: int, source: str, rows: ChangesBuilder) -> None:
    """Types that a living entity gains; the scope that its own source gives it. What others said of it stays."""
    directory = state.directory
    types = state.tables[directory.table[code]].types
    if not set(entity.types) <= set(types):
        add_types(rows, entity.id, (*types, *(name for name in entity.types if name not in types)))
    scope, own = int(directory.scope[code]), directory.sources.index.get(source)
    if entity.scope and directory.source[code] == own:
        if scope < 0 or list_of(directory.scopes.values[scope]) != entity.scope:
            add_scope(rows, entity.id, entity.scope)


def _of_types(state: State, changes: Changes, snapshot: Snapshot) -> Mask:
    """Rows of entities of the types of which only changes count."""
    latest = set(snapshot.latest)
    if not latest:
        return np.zeros(len(changes), bool)
    chosen = {entity.id for entity in snapshot.entities if not latest.isdisjoint(entity.types)}
    return np.array([*(value in chosen for value in changes.entity.values), False])[changes.entity.codes]


def _vanished(state: State, snapshot: Snapshot, source: str) -> list[str]:
    """Living entities that came by the source and are not in the snapshot."""
    directory = state.directory
    gone = {i for i in snapshot.removed if (code := directory.index.get(i)) is not None and directory.table[code] >= 0}
    known = directory.sources.index.get(source)
    if snapshot.full and known is not None:
        count = len(directory.ids)
        own = np.flatnonzero((directory.source[:count] == known) & (directory.table[:count] >= 0))
        present = {entity.id for entity in snapshot.entities}
        gone |= {directory.ids[code] for code in own.tolist()} - present
    return sorted(gone)


def _vanished_attributes(state: State, snapshot: Snapshot, changes: Changes, source: str, gone: ChangesBuilder) -> None:
    """Removals of attributes that came by the source before and are not in the snapshot's entities."""
    directory = state.directory
    codes = np.array(
        [
            code
            for e in snapshot.entities
            if (code := directory.index.get(e.id)) is not None and directory.table[code] >= 0
        ],
        np.int64,
    )
    mapped = np.array([directory.index.get(value, -1) for value in changes.entity.values], np.int32)
    rows_codes = mapped[changes.entity.codes] if len(changes) else np.zeros(0, np.int32)
    living = np.flatnonzero((rows_codes >= 0) & (changes.kind < Kind.TYPES))
    living = living[directory.table[rows_codes[living]] >= 0]
    touched = {id(cells): places for cells, places, _, _ in state.by_cells(changes, rows_codes, living)}
    for number in np.unique(directory.table[codes]).tolist():
        table = state.tables[number]
        places = directory.row[codes[directory.table[codes] == number]]
        for (name, dataset), cells in table.columns.items():
            known = cells.pools["source"].index.get(source, -2)
            held = places[(cells.arrays["form"][places] > 0) & (cells.codes["source"][places] == known)]
            for place in np.setdiff1d(held, touched.get(id(cells), np.zeros(0, np.intp))).tolist():
                gone.add(
                    directory.ids[table.entity[place]], name, kind=int(cells.arrays["kind"][place]), act=Act.REMOVE,
                    dataset=dataset, observed_at=snapshot.issued_at,
                )  # fmt: skip
