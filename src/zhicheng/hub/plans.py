"""Plans: what an operation on one entity changes, given the entity as it is. Pure; the intake commits them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from zhicheng.kernel.errors import AlreadyExists, NotFound, ZhichengError
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.ngsild.changes import (
    add_attribute,
    add_entity,
    add_life,
    add_scope,
    add_types,
    sub_text,
    value_fields,
)
from zhicheng.standards.ngsild.model import Attribute, Entity, Quality
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.patch import merge_instances, update_attribute

Refused = tuple[str, ZhichengError]
Instances = dict[str, list[Attribute]]
Check = Callable[[Entity, bool], Entity]
"""Marks or refuses what breaks a model; told whether it is shown a part of the entity only, so that nothing is missing.

It is shown whole instances and all of the entity's types, also where the request names only what changes of them.
"""


@dataclass(slots=True)
class Plan:
    """What came of planning: rows are in the builder; here is what to tell the caller."""

    created: bool = False
    updated: list[str] = field(default_factory=list)
    not_updated: list[Refused] = field(default_factory=list)


Step = Callable[[ChangesBuilder, "Entity | None", Entity, Check], Plan]
"""Plans what an entity, or a fragment of one, does to the present entity."""


def missing(identifier: str) -> NotFound:
    """There is no such entity."""
    return NotFound(f"There is no entity {identifier}", f"没有实体 {identifier}", id=identifier)


def missing_attribute(identifier: str, name: str) -> NotFound:
    """The entity has no such attribute."""
    return NotFound(
        f"{identifier} has no attribute {name}", f"{identifier} 没有属性 {name}", id=identifier, attribute=name
    )


def act_for(attribute: Attribute) -> Act:
    """An instance with its own time is a reading, which a newer one outlives; one without is a decision."""
    return Act.SET if attribute.observed_at is None else Act.OBSERVE


def _put(
    builder: ChangesBuilder, identifier: str, name: str, instances: Iterable[Attribute], act: Act | None = None
) -> None:
    for instance in instances:
        add_attribute(builder, identifier, name, instance, act_for(instance) if act is None else act)


def _take_away(builder: ChangesBuilder, identifier: str, name: str, instance: Attribute) -> None:
    builder.add(
        identifier, name, kind=instance.kind, act=Act.REMOVE, dataset=instance.dataset,
        owner=instance.owner, classification=instance.classification,
    )  # fmt: skip


def _take_nulls_away(builder: ChangesBuilder, present: Entity, attributes: Instances) -> None:
    for name, instances in attributes.items():
        known = _known(present, name)
        for instance in instances:
            if instance.value == NULL:
                _take_away(builder, present.id, name, known[instance.dataset])


def _there(instances: Iterable[Attribute]) -> list[Attribute]:
    """Those that say something: NULL says "nothing"."""
    return [instance for instance in instances if instance.value != NULL]


def create(builder: ChangesBuilder, present: Entity | None, entity: Entity, check: Check) -> Plan:
    """A new entity."""
    if present is not None:
        raise AlreadyExists(f"{entity.id} exists already", f"{entity.id} 已存在", id=entity.id)
    attributes = {name: _there(instances) for name, instances in entity.attributes.items()}
    entity = check(replace(entity, attributes=attributes), False)
    add_entity(builder, Entity(entity.id, entity.types, {}, entity.scope))
    for name, instances in entity.attributes.items():
        _put(builder, entity.id, name, instances)
    return Plan(created=True, updated=list(entity.attributes))


def put(builder: ChangesBuilder, present: Entity | None, entity: Entity, check: Check) -> Plan:
    """The entity as given, whatever it was; one that is not there is refused."""
    if present is None:
        raise missing(entity.id)
    attributes = {name: _there(instances) for name, instances in entity.attributes.items()}
    entity = check(replace(entity, types=entity.types or present.types, attributes=attributes), False)
    if set(entity.types) != set(present.types):
        add_types(builder, entity.id, entity.types)
    if entity.scope != present.scope:
        add_scope(builder, entity.id, entity.scope)
    for name, instances in entity.attributes.items():
        _put(builder, entity.id, name, instances, Act.SET)
    for name, instances in present.attributes.items():
        kept = {instance.dataset for instance in entity.attributes.get(name, ())}
        for instance in instances:
            if instance.dataset not in kept:
                _take_away(builder, entity.id, name, instance)
    return Plan(updated=list(entity.attributes))


def _types_and_scope(builder: ChangesBuilder, present: Entity, fragment: Entity) -> None:
    united = _united(present, fragment)
    if united != present.types:
        add_types(builder, present.id, united)
    if fragment.scope == (NULL,):
        add_scope(builder, present.id, ())
    elif fragment.scope and fragment.scope != present.scope:
        add_scope(builder, present.id, fragment.scope)


def _united(present: Entity, fragment: Entity) -> tuple[str, ...]:
    """The types of both."""
    return (*present.types, *(name for name in fragment.types if name not in present.types))


def _part(present: Entity, fragment: Entity, attributes: Instances, check: Check) -> Instances:
    """The attributes that a fragment puts into the entity, checked as a part of it."""
    shown = {name: found for name, instances in attributes.items() if (found := _there(instances))}
    return check(Entity(present.id, _united(present, fragment), shown), True).attributes


def merge(builder: ChangesBuilder, present: Entity | None, fragment: Entity, check: Check) -> Plan:
    """A merge patch: NULL removes, objects are merged, the rest is replaced."""
    if present is None:
        raise missing(fragment.id)
    _types_and_scope(builder, present, fragment)
    merged = {
        name: merge_instances(present.attributes.get(name, []), changes)
        for name, changes in fragment.attributes.items()
    }
    return _changed(builder, present, fragment, merged, check)


def update_members(builder: ChangesBuilder, present: Entity | None, fragment: Entity, check: Check) -> Plan:
    """Members of instances that are there updated; one that is not there is refused."""
    present = _having(present, fragment)
    updated: Instances = {}
    for name, changes in fragment.attributes.items():
        known = _known(present, name)
        results = (update_attribute(known[change.dataset], change) for change in changes)
        updated[name] = [after for after in results if after is not None]
    return _changed(builder, present, fragment, updated, check)


def replace_instances(builder: ChangesBuilder, present: Entity | None, fragment: Entity, check: Check) -> Plan:
    """Instances that are there replaced, whatever their time; one that is not there is refused."""
    present = _having(present, fragment)
    _take_nulls_away(builder, present, fragment.attributes)
    for name, instances in _part(present, fragment, fragment.attributes, check).items():
        _put(builder, present.id, name, instances, Act.SET)
    return Plan(updated=list(fragment.attributes))


def _having(present: Entity | None, fragment: Entity) -> Entity:
    """The present entity, which has every instance that the fragment names."""
    if present is None:
        raise missing(fragment.id)
    for name, changes in fragment.attributes.items():
        if not _known(present, name).keys() >= {change.dataset for change in changes}:
            raise missing_attribute(fragment.id, name)
    return present


def _known(present: Entity, name: str) -> dict[str | None, Attribute]:
    return {instance.dataset: instance for instance in present.attributes.get(name, ())}


def _changed(
    builder: ChangesBuilder, present: Entity, fragment: Entity, results: Mapping[str, list[Attribute]], check: Check
) -> Plan:
    """Put what became of the instances that a fragment names; those that are no more go.

    Where the fragment names no time it is a decision about the instance, which keeps the time it has.
    """
    changes = {name: {change.dataset: change for change in given} for name, given in fragment.attributes.items()}
    whole = {
        name: [
            _settled(_known(present, name).get(after.dataset), changes[name][after.dataset], after)
            for after in instances
            if after.dataset in changes[name]
        ]
        for name, instances in results.items()
    }
    for name, instances in _part(present, fragment, whole, check).items():
        for instance in instances:
            add_attribute(builder, present.id, name, instance, act_for(changes[name][instance.dataset]))
    for name, instances in whole.items():
        left = {instance.dataset for instance in instances}
        for dataset, instance in _known(present, name).items():
            if dataset in changes[name] and dataset not in left:
                _take_away(builder, present.id, name, instance)
    return Plan(updated=list(changes))


_OF_VALUE = Quality.FUTURE | Quality.MODEL | Quality.RANGE
"""What is found out anew about every instance."""


def _settled(before: Attribute | None, change: Attribute, after: Attribute) -> Attribute:
    """What is not in a fragment: an instance stays whose it is, and what is known against it goes with its value."""
    if before is None:
        return replace(after, owner=change.owner, classification=change.classification, quality=change.quality)
    quality = before.quality & ~_OF_VALUE if change.value is None else change.quality
    owner, classification = before.owner or change.owner, before.classification or change.classification
    return replace(after, owner=owner, classification=classification, quality=quality)


def append(
    builder: ChangesBuilder, present: Entity | None, fragment: Entity, check: Check, *, overwrite: bool = True
) -> Plan:
    """Attributes added or, where they are there, replaced (or left, without `overwrite`)."""
    if present is None:
        raise missing(fragment.id)
    plan = Plan()
    if not overwrite and present.scope and fragment.scope not in ((), present.scope):
        plan.not_updated.append(("scope", _there_already("scope")))
        fragment = replace(fragment, scope=())
    _types_and_scope(builder, present, fragment)
    wanted: Instances = {}
    for name, instances in fragment.attributes.items():
        known = _known(present, name)
        wanted[name] = [instance for instance in instances if overwrite or instance.dataset not in known]
        if wanted[name]:
            plan.updated.append(name)
        if len(wanted[name]) < len(instances):
            plan.not_updated.append((name, _there_already(name)))
    for name, instances in _part(present, fragment, wanted, check).items():
        _put(builder, present.id, name, instances)
    return plan


def _there_already(name: str) -> AlreadyExists:
    return AlreadyExists(f"{name} is there already", f"属性 {name} 已存在", attribute=name)


def append_new(builder: ChangesBuilder, present: Entity | None, fragment: Entity, check: Check) -> Plan:
    """Attributes added; those that are there are left."""
    return append(builder, present, fragment, check, overwrite=False)


def update(builder: ChangesBuilder, present: Entity | None, fragment: Entity, check: Check) -> Plan:
    """Attributes replaced; those that are not there are told."""
    if present is None:
        raise missing(fragment.id)
    _types_and_scope(builder, present, fragment)
    plan = Plan()
    wanted: Instances = {}
    for name, instances in fragment.attributes.items():
        known = _known(present, name)
        wanted[name] = [instance for instance in instances if instance.dataset in known]
        if wanted[name]:
            plan.updated.append(name)
        if len(wanted[name]) < len(instances):
            plan.not_updated.append((name, missing_attribute(present.id, name)))
    _take_nulls_away(builder, present, wanted)
    for name, instances in _part(present, fragment, wanted, check).items():
        _put(builder, present.id, name, instances)
    return plan


def upsert_whole(builder: ChangesBuilder, present: Entity | None, entity: Entity, check: Check) -> Plan:
    """The entity as given, whether it is there or not."""
    return (create if present is None else put)(builder, present, entity, check)


def upsert_part(builder: ChangesBuilder, present: Entity | None, entity: Entity, check: Check) -> Plan:
    """A new entity, or attributes added to the one that is there."""
    return (create if present is None else append)(builder, present, entity, check)


def remove_attribute(
    builder: ChangesBuilder, present: Entity | None, identifier: str, name: str, dataset: str | None, *, every: bool
) -> Plan:
    """One instance of an attribute away, or every one."""
    if present is None:
        raise missing(identifier)
    found = [i for i in present.attributes.get(name, ()) if every or i.dataset == dataset]
    if not found:
        raise missing_attribute(identifier, name)
    for instance in found:
        _take_away(builder, identifier, name, instance)
    return Plan(updated=[name])


def remove(builder: ChangesBuilder, present: Entity | None, identifier: str) -> Plan:
    """The entity away."""
    if present is None:
        raise missing(identifier)
    add_life(builder, identifier, Act.REMOVE)
    return Plan()


def correct(builder: ChangesBuilder, identifier: str, name: str, instance: int, attribute: Attribute) -> None:
    """Another content for an earlier instance."""
    form, number, text = value_fields(attribute.kind, attribute.value)
    builder.add(
        identifier, name, kind=attribute.kind, act=Act.CORRECT, form=form, number=number, text=text,
        observed_at=attribute.observed_at, dataset=attribute.dataset, unit=attribute.unit, quality=attribute.quality,
        sub=sub_text(attribute), owner=attribute.owner, classification=attribute.classification, target=instance,
    )  # fmt: skip


def owned(entity: Entity, owner: str | None, classification: str | None) -> Entity:
    """The entity with an owner and a classification on every instance that names none."""
    if owner is None and classification is None:
        return entity
    attributes = {
        name: [owned_instance(instance, owner, classification) for instance in instances]
        for name, instances in entity.attributes.items()
    }
    return replace(entity, attributes=attributes)


def owned_instance(instance: Attribute, owner: str | None, classification: str | None) -> Attribute:
    """The instance with an owner and a classification where it names none."""
    owner, classification = instance.owner or owner, instance.classification or classification
    return replace(instance, owner=owner, classification=classification)
