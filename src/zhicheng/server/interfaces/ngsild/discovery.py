"""What there is: types and attributes of the living entities (clauses 5.7.5 to 5.7.10), and who answers here."""

from __future__ import annotations

from collections.abc import Iterable

from zhicheng.hub.query import EntityQuery, TypeFigures
from zhicheng.kernel import instants
from zhicheng.kernel.errors import NotFound
from zhicheng.server.http import Answer
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import document_answer, link_context, list_answer, wanted_media
from zhicheng.server.request import Request
from zhicheng.standards.filter.tree import Exists, Path
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.kinds import TYPE_NAMES
from zhicheng.standards.ngsild.model import Json, Kind


async def list_types(request: Request) -> Answer:
    """GET types."""
    query = given.parameters_of(request)
    context, media = link_context(request), wanted_media(request)
    figures = request.space.query.types()
    if given.truth(query, "details"):
        documents = [_type(one, context) for one in figures]
        return list_answer(request, documents, context, media)
    names: list[Json] = [context.compact(one.type) for one in figures]
    document: dict[str, Json] = {"id": "urn:ngsi-ld:EntityTypeList:city", "type": "EntityTypeList", "typeList": names}
    return document_answer(request, document, context, media)


def _type(one: TypeFigures, context: Context) -> dict[str, Json]:
    names: list[Json] = [context.compact(name) for name in sorted(one.attributes)]
    return {"id": one.type, "type": "EntityType", "typeName": context.compact(one.type), "attributeNames": names}


async def read_type(request: Request) -> Answer:
    """GET types/{type}."""
    given.parameters_of(request)
    context, media = link_context(request), wanted_media(request)
    iri = context.expand(request.path["type"])
    found = next((one for one in request.space.query.types() if one.type == iri), None)
    if found is None:
        name = request.path["type"]
        raise NotFound(f"There is no entity of type {name}", f"没有类型为 {name} 的实体", type=iri)
    details: list[Json] = [
        {
            "id": name,
            "type": "Attribute",
            "attributeName": context.compact(name),
            "attributeTypes": _kinds(found.attributes[name]),
        }
        for name in sorted(found.attributes)
    ]
    document: dict[str, Json] = {
        "id": iri,
        "type": "EntityTypeInfo",
        "typeName": context.compact(iri),
        "entityCount": found.count,
        "attributeDetails": details,
    }
    return document_answer(request, document, context, media)


def _kinds(kinds: Iterable[Kind]) -> list[Json]:
    return [TYPE_NAMES[kind] for kind in sorted(kinds) if kind in TYPE_NAMES]


async def list_attributes(request: Request) -> Answer:
    """GET attributes."""
    query = given.parameters_of(request)
    context, media = link_context(request), wanted_media(request)
    figures = request.space.query.types()
    names = sorted({name for one in figures for name in one.attributes})
    if given.truth(query, "details"):
        documents = [_attribute(name, figures, context, "Attribute") for name in names]
        return list_answer(request, documents, context, media)
    short: list[Json] = [context.compact(name) for name in names]
    document: dict[str, Json] = {
        "id": "urn:ngsi-ld:AttributeList:city",
        "type": "AttributeList",
        "attributeList": short,
    }
    return document_answer(request, document, context, media)


def _attribute(name: str, figures: list[TypeFigures], context: Context, kind: str) -> dict[str, Json]:
    holders = [one for one in figures if name in one.attributes]
    types: list[Json] = [context.compact(one.type) for one in holders]
    return {"id": name, "type": kind, "attributeName": context.compact(name), "typeNames": types}


async def read_attribute(request: Request) -> Answer:
    """GET attributes/{attribute}."""
    given.parameters_of(request)
    context, media = link_context(request), wanted_media(request)
    name = context.expand(request.path["attribute"])
    figures = request.space.query.types()
    holders = [one for one in figures if name in one.attributes]
    if not holders:
        short = request.path["attribute"]
        raise NotFound(f"No entity has an attribute {short}", f"没有实体具有属性 {short}", attribute=name)
    document = _attribute(name, figures, context, "Attribute")
    document["attributeTypes"] = _kinds(set().union(*(one.attributes[name] for one in holders)))
    document["attributeCount"] = _count(request, name)
    return document_answer(request, document, context, media)


async def source_identity(request: Request) -> Answer:
    """GET info/sourceIdentity."""
    given.parameters_of(request)
    city = request.city
    document: dict[str, Json] = {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{request.space.tenant}",
        "type": "ContextSourceIdentity",
        "contextSourceUptime": _duration(city.clock() - city.started_at),
        "contextSourceTimeAt": instants.format(city.clock()),
    }
    return document_answer(request, document, link_context(request), wanted_media(request))


def _duration(length: int) -> str:
    """Microseconds as an ISO 8601 duration.

    >>> _duration(3_661_000_000)
    'PT3661S'
    """
    return f"PT{max(0, length) // instants.SECOND}S"


def _count(request: Request, name: str) -> int:
    page = request.space.query.select(EntityQuery(Exists(Path(name)), 0, count=True))
    return page.total or 0
