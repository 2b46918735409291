"""Entities one at a time: create, read, replace, merge, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from zhicheng.hub.intake import Origin
from zhicheng.hub.plans import missing_attribute
from zhicheng.kernel import urn
from zhicheng.kernel.errors import Invalid
from zhicheng.server.http import GEO_JSON, NO_CONTENT, Answer, Headers
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import (
    BODIES,
    ENTITY_MEDIA,
    PATCHES,
    ROOT,
    body_of,
    entity_answer,
    feature_or_entity,
    link_context,
    wanted_media,
)
from zhicheng.server.interfaces.ngsild.parameters import Query
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.model import Entity, Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.representation import Form, Representation

SOURCE = "ngsi-ld"


def origin(request: Request) -> Origin:
    """Whose change a request is."""
    departments = () if request.principal is None else request.principal.departments
    return Origin(request.name, SOURCE, departments[0] if departments else None)


def entity_id(request: Request) -> str:
    """The id in the path; Invalid where it is no URI."""
    return urn.check(request.path["id"])


async def decoded(
    request: Request, *, fragment: bool = False, nulls: bool = False, allowed: tuple[str, ...] = (*BODIES, GEO_JSON)
) -> tuple[Entity, Context]:
    """The entity of a body."""
    document, context = await body_of(request, allowed)
    feature = feature_or_entity(document, context, request.media())
    if feature is not None:
        return feature, context
    return decode_entity(document, context, fragment=fragment, nulls=nulls), context


def location_of(request: Request, identifier: str, below: str = "entities") -> Headers:
    """Where what was created can be read."""
    path = f"{ROOT}/{below}/{quote(identifier, safe=':')}"
    return ((b"location", path.encode()),)


async def create_entity(request: Request) -> Answer:
    """POST entities."""
    entity, _ = await decoded(request)
    await request.space.intake.create(entity, origin(request))
    return Answer(201, headers=location_of(request, entity.id))


async def read_entity(request: Request) -> Answer:
    """GET entities/{id}."""
    query = given.parameters_of(request)
    context = link_context(request)
    media = wanted_media(request, ENTITY_MEDIA)
    options = given.representation(query, context)
    entity = request.space.query.entity(entity_id(request))
    check_shown(entity, query, options)
    return entity_answer(request, entity, context, media, options)


def check_shown(entity: Entity, query: Query, options: Representation) -> None:
    """NotFound where the entity has none of the attributes asked for (clause 5.7.1.4)."""
    if options.attrs is not None and options.attrs.isdisjoint(entity.attributes):
        raise missing_attribute(entity.id, query["attrs"])


async def replace_entity(request: Request) -> Answer:
    """PUT entities/{id}."""
    given.parameters_of(request)
    entity, _ = await decoded(request, fragment=True)
    entity = with_id(entity, entity_id(request))
    await request.space.intake.replace(entity, origin(request))
    return NO_CONTENT


async def merge_entity(request: Request) -> Answer:
    """PATCH entities/{id}: a merge patch."""
    query = given.parameters_of(request)
    words = given.options(query, ("keyValues", "simplified", "concise", "normalized"))
    document, context = await body_of(request, (*PATCHES, GEO_JSON))
    identifier = entity_id(request)
    present = request.space.query.entity(identifier)
    simplified = given.form_of(query, words) is Form.SIMPLIFIED
    feature = feature_or_entity(document, context, request.media())
    entity = feature or decode_entity(
        document, context, fragment=True, nulls=True, simplified=simplified, kinds=kinds_of(present)
    )
    observed_at = given.instant(query, "observedAt")
    entity = with_id(entity, identifier)
    if observed_at is not None:
        entity = observed(entity, observed_at)
    if "lang" in query:
        entity = in_language(entity, query["lang"], present)
    await request.space.intake.merge(entity, origin(request))
    return NO_CONTENT


def kinds_of(entity: Entity) -> Mapping[str, Kind]:
    """What an entity's attributes are now, by IRI."""
    return {name: instances[0].kind for name, instances in entity.attributes.items() if instances}


def observed(entity: Entity, instant: int) -> Entity:
    """The entity with a time on the attributes that have none."""
    attributes = {
        name: [item if item.observed_at is not None else replace(item, observed_at=instant) for item in instances]
        for name, instances in entity.attributes.items()
    }
    return replace(entity, attributes=attributes)


def in_language(entity: Entity, lang: str, present: Entity) -> Entity:
    """Plain texts for attributes that are language properties become their text in that language (clause 5.5.12)."""
    attributes = {}
    for name, instances in entity.attributes.items():
        before = present.attributes.get(name, [])
        languages = bool(before) and before[0].kind is Kind.LANGUAGE
        attributes[name] = [
            replace(item, kind=Kind.LANGUAGE, value={lang: item.value})
            if languages and item.kind is Kind.PROPERTY and item.value != NULL
            else item
            for item in instances
        ]
    return replace(entity, attributes=attributes)


def with_id(entity: Entity, identifier: str) -> Entity:
    """The fragment with the id of the path; another id in the body is a mistake."""
    if entity.id and entity.id != identifier:
        raise Invalid(
            f"The body is about {entity.id}, the path about {identifier}",
            f"正文的 id 为 {entity.id}，路径为 {identifier}",
        )
    entity.id = identifier
    return entity


async def remove_entity(request: Request) -> Answer:
    """DELETE entities/{id}."""
    given.parameters_of(request)
    await request.space.intake.remove(entity_id(request), origin(request))
    return NO_CONTENT
