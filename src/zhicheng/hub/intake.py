"""Intake: the one way in. Who owns a value, whether it fits its model, what it changes; then one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias
from weakref import WeakValueDictionary

import numpy as np

from zhicheng.hub import plans
from zhicheng.hub.plans import Plan, Refused, Step
from zhicheng.hub.receipts import Receipts
from zhicheng.kernel.errors import Invalid, NotFound, ZhichengError
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check, check_value
from zhicheng.standards.models.model import AttributeModel, Model
from zhicheng.standards.models.violations import quality_of
from zhicheng.standards.ngsild.changes import add_attribute, add_life, attribute_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.log import Commit, Cursor, HistoryQuery, Producer, Receipt, VersionConflict
from zhicheng.storage.port import Store

CheckPolicy = Literal["off", "warn", "reject"]
How = Literal["create", "replace", "update", "only-update", "only-update-no-overwrite", "merge"]


class Present(Protocol):
    """Reads an entity as it is, with some attributes or all, and remembers its version for the commit."""

    def __call__(self, identifier: str, attributes: Collection[str] | None = None) -> Entity | None: ...


Planned: TypeAlias = Callable[[ChangesBuilder, Present], Plan]
_TRIES = 16
_FEW_ROWS = 64
"""Up to so many rows go to the store as rows: it makes them into columns together with those of other commits."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose changes these are, and by which way they came."""

    principal: str
    source: str
    owner: str | None = None
    classification: str | None = None
    producer: Producer | None = None
    cursor: Cursor | None = None
    derived_from: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entity of a request; names are IRIs. With `error`, nothing of it was stored."""

    id: str
    receipt: Receipt | None = None
    created: bool = False
    updated: tuple[str, ...] = ()
    not_updated: tuple[Refused, ...] = ()
    error: ZhichengError | None = None


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """default_check: what to do with an entity that breaks its model; checks: the same by type (IRI)."""

    default_check: CheckPolicy = "warn"
    checks: Mapping[str, CheckPolicy] | None = None


class Intake:
    """Turns requests into commits. Each method plans against what is and retries where that changed meanwhile."""

    def __init__(self, store: Store, models: Catalogue | None = None, settings: IntakeSettings | None = None) -> None:
        self.store = store
        self.models = models
        self.settings = settings or IntakeSettings()
        self._receipts: Receipts | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # one entity ---------------------------------------------------------------------------------------------

    async def create(self, entity: Entity, origin: Origin) -> Outcome:
        """A new entity; AlreadyExists."""
        return await self._step(entity, origin, plans.create, _NONE)

    async def replace(self, entity: Entity, origin: Origin) -> Outcome:
        """The entity as given, in place of the one that is there; NotFound."""
        return await self._step(entity, origin, plans.put)

    async def merge(self, fragment: Entity, origin: Origin) -> Outcome:
        """A merge patch of the entity; NotFound."""
        return await self._step(fragment, origin, plans.merge)

    async def append(self, fragment: Entity, origin: Origin, *, overwrite: bool = True) -> Outcome:
        """Attributes added or replaced; NotFound."""
        if overwrite:
            return await self._step(fragment, origin, plans.append, _NONE)
        return await self._step(fragment, origin, plans.append_new)

    async def update(self, fragment: Entity, origin: Origin) -> Outcome:
        """Attributes that are there replaced; NotFound."""
        return await self._step(fragment, origin, plans.update)

    async def update_attribute(
        self, identifier: str, name: str, changes: list[Attribute], origin: Origin, *, whole: bool
    ) -> Outcome:
        """One attribute's members updated, or the attribute replaced; NotFound."""
        step = plans.replace_instances if whole else plans.update_members
        return await self._step(Entity(identifier, (), {name: changes}), origin, step)

    async def remove_attribute(
        self, identifier: str, name: str, origin: Origin, *, dataset: str | None = None, every: bool = False
    ) -> Outcome:
        """One instance of an attribute away, or every one; NotFound."""
        return await self._one(
            identifier,
            origin,
            lambda rows, present: plans.remove_attribute(
                rows, present(identifier), identifier, name, dataset, every=every
            ),
        )

    async def remove(self, identifier: str, origin: Origin) -> Outcome:
        """The entity away; NotFound. Its history stays."""
        return await self._one(
            identifier, origin, lambda rows, present: plans.remove(rows, present(identifier, _NONE), identifier)
        )

    # many ---------------------------------------------------------------------------------------------------

    async def batch(self, entities: Sequence[Entity], origin: Origin, how: How) -> list[Outcome]:
        """Each entity by itself, all that may be in one commit; outcomes in the entities' order."""
        step, attributes = _STEPS[how]
        given = [plans.owned(entity, origin.owner, origin.classification) for entity in entities]

        def planned(rows: ChangesBuilder, present: Present) -> list[Outcome]:
            return _each(rows, given, lambda one, rows: step(rows, present(one.id, attributes), one, self.checked))

        return await self._many(origin, planned)

    async def batch_remove(self, identifiers: Sequence[str], origin: Origin) -> list[Outcome]:
        """Each entity away."""
        entities = [Entity(identifier, ()) for identifier in identifiers]

        def planned(rows: ChangesBuilder, present: Present) -> list[Outcome]:
            return _each(rows, entities, lambda one, rows: plans.remove(rows, present(one.id, _NONE), one.id))

        return await self._many(origin, planned)

    # history ------------------------------------------------------------------------------------------------

    async def add_instances(self, entity: Entity, origin: Origin) -> Outcome:
        """Instances of attributes over time; an entity that is not there is created."""
        given = plans.owned(entity, origin.owner, origin.classification)

        def planned(rows: ChangesBuilder, present: Present) -> Plan:
            before = present(entity.id, _NONE)
            if before is None and not entity.types:
                raise plans.missing(entity.id)
            if before is None:
                plans.create(rows, None, replace(entity, attributes={}), _unchecked)
            types = entity.types if before is None else before.types
            checked = self.checked(replace(given, types=types), True)
            for name, instances in checked.attributes.items():
                for instance in instances:
                    add_attribute(rows, entity.id, name, instance, plans.act_for(instance))
            return Plan(before is None, list(entity.attributes))

        return await self._one(entity.id, origin, planned)

    async def correct(
        self, identifier: str, name: str, instance: int, attribute: Attribute | None, origin: Origin
    ) -> Outcome:
        """Another value in the place of an earlier instance; None retracts it. NotFound.

        The instance keeps its datasetId and, unless the correction names others, its time and its owner.
        """
        earlier = await asyncio.to_thread(self._instance, identifier, name, instance)

        def planned(rows: ChangesBuilder, present: Present) -> Plan:
            if attribute is None:
                rows.add(identifier, name, act=Act.CORRECT, dataset=earlier.dataset, target=instance)
                return Plan(updated=[name])
            given = plans.owned_instance(attribute, earlier.owner, earlier.classification)
            given = plans.owned_instance(given, origin.owner, origin.classification)
            given = replace(given, dataset=earlier.dataset)
            living = present(identifier, _NONE)
            part = Entity(identifier, () if living is None else living.types, {name: [given]})
            plans.correct(rows, identifier, name, instance, self.checked(part, True).attributes[name][0])
            return Plan(updated=[name])

        return await self._one(identifier, origin, planned)

    def _instance(self, identifier: str, name: str, instance: int) -> Attribute:
        """An instance as history shows it; NotFound."""
        series = self.store.history(HistoryQuery((identifier,), (name,), time="effective"))
        rows = np.flatnonzero(series.instance == instance)
        if not len(rows):
            raise NotFound(f"{name} of {identifier} has no such instance", f"{identifier} 的 {name} 没有该实例")
        row, changes = int(rows[0]), series.batch.changes
        kind, number = Kind(int(changes.kind[row])), float(changes.number[row])
        return attribute_of(
            kind, int(changes.form[row]), number, changes.text[row], dataset=changes.dataset[row],
            owner=changes.owner[row], classification=changes.classification[row],
        )  # fmt: skip

    async def erase(self, identifier: str, origin: Origin, name: str | None = None) -> Outcome:
        """Destroy an entity, or one attribute of it, with all its history. It cannot be undone."""

        def planned(rows: ChangesBuilder, present: Present) -> Plan:
            if name is None:
                add_life(rows, identifier, Act.ERASE)
            else:
                rows.add(identifier, name, act=Act.ERASE, form=Form.NOTHING)
            return Plan()

        return await self._one(identifier, origin, planned)

    # the way --------------------------------------------------------------------------------------------------

    def checked(self, entity: Entity, partial: bool) -> Entity:
        """The entity, marked or refused where it breaks the model of its types; of a part of one nothing is missing."""
        model = None if self.models is None else self.models.first(entity.types)
        if model is None:
            return entity
        policy = (self.settings.checks or {}).get(model.iri, self.settings.default_check)
        violations = [] if policy == "off" else check(entity, model, partial=partial)
        if not violations:
            return entity
        if policy == "reject":
            raise Invalid(
                "; ".join(f"{found.path}: {found.en}" for found in violations),
                "；".join(f"{found.path}：{found.zh}" for found in violations),
                id=entity.id,
            )
        broken = {found.path.split(".")[0] for found in violations}
        attributes = {
            name: [_marked(instance, known, model) for instance in instances]
            if (known := model.attributes.get(name)) is not None and known.name in broken
            else instances
            for name, instances in entity.attributes.items()
        }
        return replace(entity, attributes=attributes)

    async def _step(
        self, entity: Entity, origin: Origin, step: Step, attributes: Collection[str] | None = None
    ) -> Outcome:
        """One entity, planned by `step`, which reads these of the present attributes (None: all)."""
        given = plans.owned(entity, origin.owner, origin.classification)
        return await self._one(
            entity.id, origin, lambda rows, present: step(rows, present(entity.id, attributes), given, self.checked)
        )

    async def _one(self, identifier: str, origin: Origin, planned: Planned) -> Outcome:
        def wrapped(rows: ChangesBuilder, present: Present) -> list[Outcome]:
            plan = planned(rows, present)
            return [Outcome(identifier, None, plan.created, tuple(plan.updated), tuple(plan.not_updated))]

        return (await self._many(origin, wrapped))[0]

    async def _many(self, origin: Origin, planned: Callable[[ChangesBuilder, Present], list[Outcome]]) -> list[Outcome]:
        """Plan and commit. Where an entity changed meanwhile, plan again, in turn with others who met with that."""
        try:
            return await self._planned(origin, planned)
        except VersionConflict as error:
            turn = self._turns.setdefault(str(error.facts.get("entity")), asyncio.Lock())
        async with turn:
            for _ in range(_TRIES):
                with suppress(VersionConflict):
                    return await self._planned(origin, planned)
            return await self._planned(origin, planned)

    async def _planned(
        self, origin: Origin, planned: Callable[[ChangesBuilder, Present], list[Outcome]]
    ) -> list[Outcome]:
        """Plan against what is and commit; VersionConflict where that changed meanwhile."""
        rows = ChangesBuilder()
        read: dict[str, int] = {}

        def present(identifier: str, attributes: Collection[str] | None = None) -> Entity | None:
            entity = self.store.entity(identifier, attributes)
            read[identifier] = 0 if entity is None else entity.version
            return entity

        outcomes = planned(rows, present)
        if not len(rows):
            return outcomes
        changes = rows if len(rows) <= _FEW_ROWS else rows.build()
        receipt = await self.commit(changes, origin, read)
        return [outcome if outcome.error else replace(outcome, receipt=receipt) for outcome in outcomes]

    async def commit(
        self, changes: Changes | ChangesBuilder, origin: Origin, expected: Mapping[str, int] | None = None
    ) -> Receipt:
        """Hand the rows to the store and wait until they are durable and visible."""
        commit = Commit(
            changes,
            origin.principal,
            origin.source,
            origin.producer,
            origin.cursor,
            origin.derived_from,
            expected or {},
        )
        loop = asyncio.get_running_loop()
        if self._receipts is None or self._receipts.loop is not loop:
            self._receipts = Receipts(loop)
        return await self._receipts.of(self.store.submit(commit))


def _marked(instance: Attribute, attribute: AttributeModel, model: Model) -> Attribute:
    """The instance with the quality bits of what in it breaks the model."""
    return replace(instance, quality=instance.quality | quality_of(check_value(instance, attribute, model)))


def _unchecked(entity: Entity, partial: bool) -> Entity:
    return entity


_NONE: Collection[str] = ()
_STEPS: dict[How, tuple[Step, Collection[str] | None]] = {
    "create": (plans.create, _NONE),
    "replace": (plans.upsert_whole, None),
    "update": (plans.upsert_part, _NONE),
    "only-update": (plans.append, _NONE),
    "only-update-no-overwrite": (plans.append_new, None),
    "merge": (plans.merge, None),
}
"""How to plan, and which of the present attributes that needs: none, or (None) all."""


def _each(
    rows: ChangesBuilder, entities: Sequence[Entity], plan_one: Callable[[Entity, ChangesBuilder], Plan]
) -> list[Outcome]:
    """Plan each entity; one that is refused leaves no rows. Of several with one id the first that is taken counts."""
    outcomes = []
    seen: set[str] = set()
    for entity in entities:
        before = len(rows)
        try:
            if entity.id in seen:
                raise Invalid(f"{entity.id} is in the batch twice", f"{entity.id} 在批次中出现两次", id=entity.id)
            plan = plan_one(entity, rows)
        except ZhichengError as error:
            del rows.rows[before:]
            outcomes.append(Outcome(entity.id, error=error))
            continue
        seen.add(entity.id)
        outcomes.append(Outcome(entity.id, None, plan.created, tuple(plan.updated), tuple(plan.not_updated)))
    return outcomes
