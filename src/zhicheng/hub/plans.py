"""Plans: what an operation on one entity changes, given the entity as it is. Pure; the intake commits them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from zhicheng.kernel.errors import AlreadyExists, NotFound, ZhichengError
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.ngsild.changes import add_attribute, add_entity, add_life, add_scope, add_types
from zhicheng.standards.ngsild.model import Attribute, Entity
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.patch import merge_instances, update_attribute

Refused = tuple[str, ZhichengError]


@dataclass(slots=True)
class Plan:
    """What came of planning: rows are in the builder; here is what to tell the caller."""

    created: bool = False
    updated: list[str] = field(default_factory=list)
    not_updated: list[Refused] = field(default_factory=list)


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


def _put(builder: ChangesBuilder, identifier: str, name: str, instances: Iterable[Attribute]) -> None:
    for instance in instances:
        add_attribute(builder, identifier, name, instance, act_for(instance))


def _take_away(builder: ChangesBuilder, identifier: str, name: str, instance: Attribute) -> None:
    builder.add(identifier, name, kind=instance.kind, act=Act.REMOVE, dataset=instance.dataset)


def create(builder: ChangesBuilder, present: Entity | None, entity: Entity) -> Plan:
    """A new entity."""
    if present is not None:
        raise AlreadyExists(f"{entity.id} exists already", f"{entity.id} 已存在", id=entity.id)
    fresh = Entity(entity.id, entity.types, {}, entity.scope)
    add_entity(builder, fresh)
    for name, instances in entity.attributes.items():
        _put(builder, entity.id, name, (i for i in instances if i.value != NULL))
    return Plan(created=True, updated=list(entity.attributes))


def put(builder: ChangesBuilder, present: Entity | None, entity: Entity) -> Plan:
    """The entity as given, whatever it was; one that is not there is refused."""
    if present is None:
        raise missing(entity.id)
    if entity.types and set(entity.types) != set(present.types):
        add_types(builder, entity.id, entity.types)
    if entity.scope != present.scope:
        add_scope(builder, entity.id, entity.scope)
    for name, instances in entity.attributes.items():
        for instance in instances:
            add_attribute(builder, entity.id, name, instance, Act.SET)
    for name, instances in present.attributes.items():
        kept = {instance.dataset for instance in entity.attributes.get(name, ())}
        for instance in instances:
            if instance.dataset not in kept:
                _take_away(builder, entity.id, name, instance)
    return Plan(updated=list(entity.attributes))


def _types_and_scope(builder: ChangesBuilder, present: Entity, fragment: Entity) -> None:
    added = [name for name in fragment.types if name not in present.types]
    if added:
        add_types(builder, present.id, (*present.types, *added))
    if fragment.scope == (NULL,):
        add_scope(builder, present.id, ())
    elif fragment.scope and fragment.scope != present.scope:
        add_scope(builder, present.id, fragment.scope)


def merge(builder: ChangesBuilder, present: Entity | None, fragment: Entity) -> Plan:
    """A merge patch: NULL removes, objects are merged, the rest is replaced."""
    if present is None:
        raise missing(fragment.id)
    _types_and_scope(builder, present, fragment)
    plan = Plan()
    for name, changes in fragment.attributes.items():
        before = present.attributes.get(name, [])
        after = {instance.dataset: instance for instance in merge_instances(before, changes)}
        named = {change.dataset for change in changes}
        _put(builder, present.id, name, (after[dataset] for dataset in named if dataset in after))
        for instance in before:
            if instance.dataset in named and instance.dataset not in after:
                _take_away(builder, present.id, name, instance)
        plan.updated.append(name)
    return plan


def append(builder: ChangesBuilder, present: Entity | None, fragment: Entity, *, overwrite: bool = True) -> Plan:
    """Attributes added or, where they are there, replaced (or left, without `overwrite`)."""
    if present is None:
        raise missing(fragment.id)
    _types_and_scope(builder, present, fragment)
    plan = Plan()
    for name, instances in fragment.attributes.items():
        known = {instance.dataset for instance in present.attributes.get(name, ())}
        wanted = [instance for instance in instances if overwrite or instance.dataset not in known]
        _put(builder, present.id, name, wanted)
        if wanted:
            plan.updated.append(name)
        if len(wanted) < len(instances):
            text = (f"{name} is there already", f"属性 {name} 已存在")
            plan.not_updated.append((name, AlreadyExists(*text, attribute=name)))
    return plan


def update(builder: ChangesBuilder, present: Entity | None, fragment: Entity) -> Plan:
    """Attributes replaced; those that are not there are told."""
    if present is None:
        raise missing(fragment.id)
    _types_and_scope(builder, present, fragment)
    plan = Plan()
    for name, instances in fragment.attributes.items():
        known = {instance.dataset: instance for instance in present.attributes.get(name, ())}
        wanted = [instance for instance in instances if instance.dataset in known]
        for instance in wanted:
            if instance.value == NULL:
                _take_away(builder, present.id, name, known[instance.dataset])
        _put(builder, present.id, name, (instance for instance in wanted if instance.value != NULL))
        if wanted:
            plan.updated.append(name)
        if len(wanted) < len(instances):
            plan.not_updated.append((name, missing_attribute(present.id, name)))
    return plan


def change_attribute(
    builder: ChangesBuilder,
    present: Entity | None,
    identifier: str,
    name: str,
    changes: list[Attribute],
    *,
    whole: bool,
) -> Plan:
    """One attribute: its members updated, or (whole) replaced."""
    if present is None:
        raise missing(identifier)
    known = {instance.dataset: instance for instance in present.attributes.get(name, ())}
    for change in changes:
        before = known.get(change.dataset)
        if before is None:
            raise missing_attribute(identifier, name)
        after = change if whole else update_attribute(before, change)
        if after is None or after.value == NULL:
            _take_away(builder, identifier, name, before)
        else:
            _put(builder, identifier, name, [after])
    return Plan(updated=[name])


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


def owned(entity: Entity, owner: str | None, classification: str | None) -> Entity:
    """The entity with an owner and a classification on every instance that names none."""
    if owner is None and classification is None:
        return entity
    attributes = {
        name: [replace(i, owner=i.owner or owner, classification=i.classification or classification) for i in instances]
        for name, instances in entity.attributes.items()
    }
    return replace(entity, attributes=attributes)
