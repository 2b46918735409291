"""Intake: the one way in. Who owns a value, whether it fits its model, what it changes; then one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from zhicheng.hub import plans
from zhicheng.hub.plans import Plan, Refused
from zhicheng.kernel.errors import Invalid, NotFound, ZhichengError
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check
from zhicheng.standards.ngsild.changes import add_attribute, add_life, value_fields
from zhicheng.standards.ngsild.model import Attribute, Entity, Quality
from zhicheng.storage.log import Commit, Cursor, HistoryQuery, Producer, Receipt, VersionConflict
from zhicheng.storage.port import Store

CheckPolicy = Literal["off", "warn", "reject"]
How = Literal["create", "replace", "update", "only-update", "only-update-no-overwrite", "merge"]


class Present(Protocol):
    """Reads an entity as it is, with some attributes or all, and remembers its version for the commit."""

    def __call__(self, identifier: str, attributes: Collection[str] | None = None) -> Entity | None: ...


Planned: TypeAlias = Callable[[ChangesBuilder, Present], Plan]
_TRIES = 64


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

    # one entity ---------------------------------------------------------------------------------------------

    async def create(self, entity: Entity, origin: Origin) -> Outcome:
        """A new entity; AlreadyExists."""
        checked = self.checked(entity, origin)
        return await self._one(
            entity.id, origin, lambda rows, present: plans.create(rows, present(entity.id, _NONE), checked)
        )

    async def replace(self, entity: Entity, origin: Origin) -> Outcome:
        """The entity as given, in place of the one that is there; NotFound."""
        checked = self.checked(entity, origin)
        return await self._one(entity.id, origin, lambda rows, present: plans.put(rows, present(entity.id), checked))

    async def merge(self, fragment: Entity, origin: Origin) -> Outcome:
        """A merge patch of the entity; NotFound."""
        checked = self.checked(fragment, origin, partial=True)
        return await self._one(
            fragment.id, origin, lambda rows, present: plans.merge(rows, present(fragment.id), checked)
        )

    async def append(self, fragment: Entity, origin: Origin, *, overwrite: bool = True) -> Outcome:
        """Attributes added or replaced; NotFound."""
        checked = self.checked(fragment, origin, partial=True)
        return await self._one(
            fragment.id,
            origin,
            lambda rows, present: plans.append(
                rows, present(fragment.id, _NONE if overwrite else None), checked, overwrite=overwrite
            ),
        )

    async def update(self, fragment: Entity, origin: Origin) -> Outcome:
        """Attributes that are there replaced; NotFound."""
        checked = self.checked(fragment, origin, partial=True)
        return await self._one(
            fragment.id, origin, lambda rows, present: plans.update(rows, present(fragment.id), checked)
        )

    async def update_attribute(
        self, identifier: str, name: str, changes: list[Attribute], origin: Origin, *, whole: bool
    ) -> Outcome:
        """One attribute's members updated, or the attribute replaced; NotFound."""
        fragment = self.checked(Entity(identifier, (), {name: changes}), origin, partial=True)
        owned = fragment.attributes[name]
        return await self._one(
            identifier,
            origin,
            lambda rows, present: plans.change_attribute(
                rows, present(identifier), identifier, name, owned, whole=whole
            ),
        )

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
        partial = how not in ("create", "replace")
        ready: list[Entity | ZhichengError] = []
        for entity in entities:
            try:
                ready.append(self.checked(entity, origin, partial=partial))
            except ZhichengError as error:
                ready.append(error)
        planner, attributes = _PLANNERS[how]

        def planned(rows: ChangesBuilder, present: Present) -> list[Outcome]:
            return _each(rows, ready, entities, lambda one, rows: planner(rows, present(one.id, attributes), one))

        return await self._many(origin, planned)

    async def batch_remove(self, identifiers: Sequence[str], origin: Origin) -> list[Outcome]:
        """Each entity away."""
        entities = [Entity(identifier, ()) for identifier in identifiers]

        def planned(rows: ChangesBuilder, present: Present) -> list[Outcome]:
            return _each(rows, entities, entities, lambda one, rows: plans.remove(rows, present(one.id, _NONE), one.id))

        return await self._many(origin, planned)

    # history ------------------------------------------------------------------------------------------------

    async def add_instances(self, entity: Entity, origin: Origin) -> Outcome:
        """Instances of attributes over time; an entity that is not there is created."""
        checked = self.checked(entity, origin, partial=True)

        def planned(rows: ChangesBuilder, present: Present) -> Plan:
            if present(entity.id, _NONE) is not None:
                plan = Plan(updated=list(entity.attributes))
            elif entity.types:
                plan = plans.create(rows, None, Entity(entity.id, entity.types, {}, entity.scope))
            else:
                raise plans.missing(entity.id)
            for name, instances in checked.attributes.items():
                for instance in instances:
                    add_attribute(rows, entity.id, name, instance, plans.act_for(instance))
            return plan

        return await self._one(entity.id, origin, planned)

    async def correct(
        self, identifier: str, name: str, instance: int, attribute: Attribute | None, origin: Origin
    ) -> Outcome:
        """Another value in the place of an earlier instance; None retracts it. NotFound."""
        self._check_instance(identifier, name, instance)

        def planned(rows: ChangesBuilder, present: Present) -> Plan:
            if attribute is None:
                rows.add(identifier, name, act=Act.CORRECT, target=instance)
            else:
                form, number, text = value_fields(attribute.kind, attribute.value)
                rows.add(
                    identifier, name, kind=attribute.kind, act=Act.CORRECT, form=form, number=number, text=text,
                    observed_at=attribute.observed_at, dataset=attribute.dataset, unit=attribute.unit, target=instance,
                    owner=attribute.owner or origin.owner, classification=attribute.classification,
                )  # fmt: skip
            return Plan(updated=[name])

        return await self._one(identifier, origin, planned)

    def _check_instance(self, identifier: str, name: str, instance: int) -> None:
        series = self.store.history(HistoryQuery((identifier,), (name,), time="effective"))
        if instance not in series.instance:
            raise NotFound(f"{name} of {identifier} has no such instance", f"{identifier} 的 {name} 没有该实例")

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

    def checked(self, entity: Entity, origin: Origin, *, partial: bool = False) -> Entity:
        """The entity with owners, and marked or refused where it breaks the model of its type."""
        entity = plans.owned(entity, origin.owner, origin.classification)
        types = entity.types
        if partial and not types and (present := self.store.entity(entity.id, _NONE)) is not None:
            types = present.types
        model = None if self.models is None else self.models.first(types)
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
        known = model.attributes
        attributes = {
            name: [replace(i, quality=i.quality | Quality.MODEL) for i in instances]
            if name in known and known[name].name in broken
            else instances
            for name, instances in entity.attributes.items()
        }
        return replace(entity, attributes=attributes)

    async def _one(self, identifier: str, origin: Origin, planned: Planned) -> Outcome:
        def wrapped(rows: ChangesBuilder, present: Present) -> list[Outcome]:
            plan = planned(rows, present)
            return [Outcome(identifier, None, plan.created, tuple(plan.updated), tuple(plan.not_updated))]

        return (await self._many(origin, wrapped))[0]

    async def _many(self, origin: Origin, planned: Callable[[ChangesBuilder, Present], list[Outcome]]) -> list[Outcome]:
        """Plan and commit; where an entity came or went meanwhile, plan again."""
        for attempt in range(_TRIES):
            rows = ChangesBuilder()
            read: dict[str, int] = {}

            def present(
                identifier: str, attributes: Collection[str] | None = None, read: dict[str, int] = read
            ) -> Entity | None:
                entity = self.store.entity(identifier, attributes)
                read[identifier] = 0 if entity is None else entity.version
                return entity

            outcomes = planned(rows, present)
            if not len(rows):
                return outcomes
            try:
                receipt = await self.commit(rows.build(), origin, read)
            except VersionConflict:
                if attempt == _TRIES - 1:
                    raise
                continue
            return [outcome if outcome.error else replace(outcome, receipt=receipt) for outcome in outcomes]
        raise AssertionError("unreachable")

    async def commit(self, changes: Changes, origin: Origin, expected: Mapping[str, int] | None = None) -> Receipt:
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
        return await asyncio.wrap_future(self.store.submit(commit))


def _upsert_replace(rows: ChangesBuilder, present: Entity | None, entity: Entity) -> Plan:
    return plans.create(rows, None, entity) if present is None else plans.put(rows, present, entity)


def _upsert_update(rows: ChangesBuilder, present: Entity | None, entity: Entity) -> Plan:
    return plans.create(rows, None, entity) if present is None else plans.append(rows, present, entity)


def _append_only(rows: ChangesBuilder, present: Entity | None, entity: Entity) -> Plan:
    return plans.append(rows, present, entity, overwrite=False)


_NONE: Collection[str] = ()
_PLANNERS: dict[How, tuple[Callable[[ChangesBuilder, Entity | None, Entity], Plan], Collection[str] | None]] = {
    "create": (plans.create, _NONE),
    "replace": (_upsert_replace, None),
    "update": (_upsert_update, _NONE),
    "only-update": (plans.append, _NONE),
    "only-update-no-overwrite": (_append_only, None),
    "merge": (plans.merge, None),
}
"""How to plan, and which of the present attributes that needs: none, or (None) all."""


def _each(
    rows: ChangesBuilder,
    ready: Sequence[Entity | ZhichengError],
    entities: Sequence[Entity],
    plan_one: Callable[[Entity, ChangesBuilder], Plan],
) -> list[Outcome]:
    """Plan each entity; one that is refused leaves no rows. Of several with one id the first counts."""
    outcomes = []
    seen: set[str] = set()
    for entity, one in zip(entities, ready, strict=True):
        before = len(rows)
        try:
            if isinstance(one, ZhichengError):
                raise one
            if entity.id in seen:
                raise Invalid(f"{entity.id} is in the batch twice", f"{entity.id} 在批次中出现两次", id=entity.id)
            plan = plan_one(one, rows)
        except ZhichengError as error:
            del rows.rows[before:]
            outcomes.append(Outcome(entity.id, error=error))
            continue
        seen.add(entity.id)
        outcomes.append(Outcome(entity.id, None, plan.created, tuple(plan.updated), tuple(plan.not_updated)))
    return outcomes
