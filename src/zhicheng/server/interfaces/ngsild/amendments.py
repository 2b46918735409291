"""History written: instances added, corrected, retracted; attributes and entities erased for good."""

from __future__ import annotations

from zhicheng.kernel.errors import Invalid
from zhicheng.server.http import NO_CONTENT, Answer
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.attributes import attribute_name
from zhicheng.server.interfaces.ngsild.documents import BODIES, PATCHES, body_of, link_context
from zhicheng.server.interfaces.ngsild.entities import entity_id, location_of, origin, with_id
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.decode import decode_attribute, decode_entity
from zhicheng.standards.ngsild.encode import parse_instance_id


async def add_evolution(request: Request) -> Answer:
    """POST temporal/entities: an entity with instances of its attributes, new or to be added to one that is there."""
    given.parameters_of(request)
    document, context = await body_of(request, BODIES)
    entity = decode_entity(document, context, temporal=True)
    outcome = await request.space.intake.add_instances(entity, origin(request))
    if outcome.created:
        return Answer(201, headers=location_of(request, entity.id, "temporal/entities"))
    return NO_CONTENT


async def add_instances(request: Request) -> Answer:
    """POST temporal/entities/{id}/attrs."""
    given.parameters_of(request)
    document, context = await body_of(request, BODIES)
    fragment = with_id(decode_entity(document, context, fragment=True, temporal=True), entity_id(request))
    if not fragment.attributes:
        raise Invalid("The body holds no attribute", "正文中没有属性")
    fragment.types = ()
    await request.space.intake.add_instances(fragment, origin(request))
    return NO_CONTENT


async def erase_entity(request: Request) -> Answer:
    """DELETE temporal/entities/{id}: the entity and all its history, for good."""
    given.parameters_of(request)
    identifier = entity_id(request)
    request.space.temporal.head(identifier)
    await request.space.intake.erase(identifier, origin(request))
    return NO_CONTENT


async def erase_attribute(request: Request) -> Answer:
    """DELETE temporal/entities/{id}/attrs/{attribute}: the attribute's history, for good."""
    given.parameters_of(request)
    identifier = entity_id(request)
    request.space.temporal.head(identifier)
    await request.space.intake.erase(identifier, origin(request), attribute_name(request, link_context(request)))
    return NO_CONTENT


async def correct_instance(request: Request) -> Answer:
    """PATCH temporal/entities/{id}/attrs/{attribute}/{instance}."""
    given.parameters_of(request)
    document, context = await body_of(request, PATCHES)
    name, short = attribute_name(request, context), request.path["attribute"]
    if isinstance(document, dict) and len(document.keys() - {"@context"}) == 1 and short in document:
        document = document[short]
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    found = decode_attribute(short, document, context)
    if len(found) != 1:
        raise Invalid("A correction is one instance", "更正应为单个实例")
    instance = parse_instance_id(request.path["instance"])
    await request.space.intake.correct(entity_id(request), name, instance, found[0], origin(request))
    return NO_CONTENT


async def retract_instance(request: Request) -> Answer:
    """DELETE temporal/entities/{id}/attrs/{attribute}/{instance}: as if it had never been said."""
    given.parameters_of(request)
    name = attribute_name(request, link_context(request))
    instance = parse_instance_id(request.path["instance"])
    await request.space.intake.correct(entity_id(request), name, instance, None, origin(request))
    return NO_CONTENT
