"""The tree on one entity, said as plainly as can be. Every other evaluator is tested against this one."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from zhicheng.kernel import instants
from zhicheng.standards.filter import patterns, scope, shapes
from zhicheng.standards.filter.tree import (
    ATTRIBUTE_MEMBERS,
    DEFAULT_INSTANCE,
    ENTITY_MEMBERS,
    And,
    Geo,
    IdPattern,
    Ids,
    Node,
    Not,
    Or,
    Path,
    Scope,
    Type,
)
from zhicheng.standards.filter.values import Target, holds, target
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind


def matches(tree: Node, entity: Entity) -> bool:
    """Whether the entity fulfils the tree.

    >>> from zhicheng.standards.filter.q import parse
    >>> entity = Entity("urn:a", ("urn:T",), {"urn:speed": [Attribute(Kind.PROPERTY, 60)]})
    >>> matches(parse("speed>50;!brand", "urn:".__add__), entity)
    True
    """
    match tree:
        case And(parts):
            return all(matches(part, entity) for part in parts)
        case Or(parts):
            return any(matches(part, entity) for part in parts)
        case Not(part):
            return not matches(part, entity)
        case Type():
            return tree.type in entity.types
        case Ids():
            return entity.id in tree.ids
        case IdPattern():
            return bool(patterns.search(tree.pattern, [entity.id])[0])
        case Scope():
            return any(scope.covers(tree, each) for each in entity.scope)
        case Geo():
            return any(_stands(tree, instance) for instance in entity.attributes.get(tree.attribute, ()))
        case _:
            return any(holds(tree, found) for found in targets(tree.path, entity))


def _stands(node: Geo, instance: Attribute) -> bool:
    if instance.kind != Kind.GEO:
        return False
    return bool(shapes.exact(node, [shapes.shape(orjson.dumps(instance.value).decode())])[0])


def targets(path: Path, entity: Entity) -> Iterator[Target]:
    """Everything the path leads to in the entity."""
    if path.attribute in ENTITY_MEMBERS:
        instant = entity.created_at if ENTITY_MEMBERS[path.attribute] == "createdAt" else entity.modified_at
        if instant is not None:
            yield Target((instants.format(instant),))
        return
    for instance in entity.attributes.get(path.attribute, ()):
        if path.dataset is None or path.dataset == (instance.dataset or DEFAULT_INSTANCE):
            yield from below(instance, path.sub, path.trail)


def below(instance: Attribute, sub: tuple[str, ...], trail: tuple[str, ...]) -> Iterator[Target]:
    """What the rest of a path leads to in an attribute instance."""
    if not sub:
        found = target(instance.kind, instance.value, trail)
    elif len(sub) == 1 and sub[0] in ATTRIBUTE_MEMBERS:
        found = member(instance, ATTRIBUTE_MEMBERS[sub[0]])
    else:
        for inner in instance.sub.get(sub[0], ()):
            yield from below(inner, sub[1:], trail)
        return
    if found is not None:
        yield found


def member(instance: Attribute, name: str) -> Target | None:
    """A member such as observedAt as something to compare."""
    instant = {
        "observedAt": instance.observed_at,
        "createdAt": instance.created_at,
        "modifiedAt": instance.modified_at,
    }.get(name)
    if instant is not None:
        return Target((instants.format(instant),))
    text = {"unitCode": instance.unit, "datasetId": instance.dataset}.get(name)
    return None if text is None else Target((text,))
