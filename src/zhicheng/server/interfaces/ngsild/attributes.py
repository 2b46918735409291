"""Attributes of an entity: append, update, read, replace, remove, and their bare values."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import orjson

from zhicheng.hub.intake import Outcome
from zhicheng.hub.plans import missing_attribute
from zhicheng.kernel.errors import Invalid
from zhicheng.server.http import JSON_LD, NO_CONTENT, Answer, accepted, json_answer, language_of
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import (
    BODIES,
    PATCHES,
    body_of,
    context_headers,
    document_answer,
    link_context,
    wanted_media,
)
from zhicheng.server.interfaces.ngsild.entities import entity_id, kinds_of, observed, origin, with_id
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.decode import decode_attribute, decode_entity
from zhicheng.standards.ngsild.encode import encode_attribute
from zhicheng.standards.ngsild.model import Attribute, Entity, Json
from zhicheng.standards.ngsild.representation import Form


def updated_answer(request: Request, outcome: Outcome, context: Context) -> Answer:
    """204 where everything was taken, else 207 with what was and what was not, and why (clause 5.2.18)."""
    if not outcome.not_updated:
        return NO_CONTENT
    language = language_of(request.header(b"accept-language"))
    refused = [
        {"attributeName": context.compact(name), "reason": error.text(language)} for name, error in outcome.not_updated
    ]
    return json_answer({"updated": [context.compact(name) for name in outcome.updated], "notUpdated": refused}, 207)


async def fragment_of(request: Request, allowed: tuple[str, ...], *, nulls: bool) -> tuple[Entity, Context]:
    """The attributes of a body, as a fragment of the path's entity."""
    document, context = await body_of(request, allowed)
    identifier = entity_id(request)
    present = request.space.query.entity(identifier)
    query = given.parameters_of(request)
    words = given.options(query, ("keyValues", "simplified", "concise", "normalized", "noOverwrite"))
    simplified = given.form_of(query, words) is Form.SIMPLIFIED
    kinds = kinds_of(present) if nulls or simplified else None
    fragment = decode_entity(document, context, fragment=True, nulls=nulls, simplified=simplified, kinds=kinds)
    fragment = with_id(fragment, identifier)
    instant = given.instant(query, "observedAt")
    return (fragment if instant is None else observed(fragment, instant)), context


async def append_attributes(request: Request) -> Answer:
    """POST entities/{id}/attrs."""
    words = given.parameters_of(request).get("options", "").split(",")
    fragment, context = await fragment_of(request, BODIES, nulls=False)
    _need_values(fragment)
    outcome = await request.space.intake.append(fragment, origin(request), overwrite="noOverwrite" not in words)
    return updated_answer(request, outcome, context)


def _need_values(fragment: Entity) -> None:
    for name, instances in fragment.attributes.items():
        if any(instance.value is None for instance in instances):
            raise Invalid(f"The attribute {name} has no value", f"属性 {name} 没有值", attribute=name)


async def update_attributes(request: Request) -> Answer:
    """PATCH entities/{id}/attrs."""
    fragment, context = await fragment_of(request, PATCHES, nulls=True)
    _need_values(fragment)
    outcome = await request.space.intake.update(fragment, origin(request))
    return updated_answer(request, outcome, context)


def attribute_name(request: Request, context: Context) -> str:
    """The IRI of the attribute in the path."""
    return context.expand(request.path["attribute"])


def instances_of(request: Request, context: Context) -> tuple[str, list[Attribute]]:
    """The attribute of the path and its instances; NotFound where there is none."""
    name = attribute_name(request, context)
    identifier = entity_id(request)
    found = request.space.query.entity(identifier).attributes.get(name)
    if not found:
        raise missing_attribute(identifier, request.path["attribute"])
    return name, found


async def read_attribute(request: Request) -> Answer:
    """GET entities/{id}/attrs/{attribute}."""
    query = given.parameters_of(request)
    context = link_context(request)
    media = wanted_media(request)
    name, instances = instances_of(request, context)
    options = given.representation(query, context)
    if options.datasets is not None:
        instances = [item for item in instances if (item.dataset or "@none") in options.datasets]
        if not instances:
            raise missing_attribute(entity_id(request), request.path["attribute"])
    document = encode_attribute(name, instances, context, options)
    if isinstance(document, dict):
        return document_answer(request, document, context, media)
    if media == JSON_LD:
        return json_answer(document, media=media)
    return json_answer(document, headers=context_headers(request, context))


async def _attribute_body(request: Request, *, nulls: bool) -> tuple[str, list[Attribute]]:
    document, context = await body_of(request, PATCHES if nulls else BODIES)
    query = given.parameters_of(request)
    name = attribute_name(request, context)
    present = request.space.query.entity(entity_id(request)).attributes.get(name)
    kind = present[0].kind if present else None
    words = given.options(query, ("keyValues", "simplified", "concise", "normalized"))
    simplified = given.form_of(query, words) is Form.SIMPLIFIED
    changes = decode_attribute(
        request.path["attribute"], document, context, nulls=nulls, fragment=nulls, simplified=simplified, kind=kind
    )
    dataset = query.get("datasetId")
    if dataset not in (None, "@none"):
        changes = [item if item.dataset is not None else replace(item, dataset=dataset) for item in changes]
    instant = given.instant(query, "observedAt")
    if instant is not None:
        changes = [item if item.observed_at is not None else replace(item, observed_at=instant) for item in changes]
    return name, changes


async def update_attribute(request: Request) -> Answer:
    """PATCH entities/{id}/attrs/{attribute}: a partial update."""
    name, changes = await _attribute_body(request, nulls=True)
    await request.space.intake.update_attribute(entity_id(request), name, changes, origin(request), whole=False)
    return NO_CONTENT


async def replace_attribute(request: Request) -> Answer:
    """PUT entities/{id}/attrs/{attribute}."""
    name, changes = await _attribute_body(request, nulls=False)
    await request.space.intake.update_attribute(entity_id(request), name, changes, origin(request), whole=True)
    return NO_CONTENT


async def remove_attribute(request: Request) -> Answer:
    """DELETE entities/{id}/attrs/{attribute}."""
    query = given.parameters_of(request)
    name = attribute_name(request, link_context(request))
    dataset = query.get("datasetId")
    await request.space.intake.remove_attribute(
        entity_id(request), name, origin(request), dataset=None if dataset == "@none" else dataset,
        every=given.truth(query, "deleteAll"),
    )  # fmt: skip
    return NO_CONTENT


_BARE = ("application/json", "application/ld+json", "text/plain")


async def read_value(request: Request) -> Answer:
    """GET entities/{id}/attrs/{attribute}/value: the value alone, as JSON or, of text, as text."""
    query = given.parameters_of(request)
    media = accepted(request.header(b"accept"), _BARE)
    _, instances = instances_of(request, link_context(request))
    wanted = query.get("datasetId", "@none")
    chosen = next((item for item in instances if (item.dataset or "@none") == wanted), None)
    if chosen is None:
        raise missing_attribute(entity_id(request), request.path["attribute"])
    value = chosen.value
    if type(value) is float and value.is_integer():
        value = int(value)
    if media == "text/plain":
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return Answer(200, text.encode(), "text/plain; charset=utf-8")
    return json_answer(value, media=media)


async def replace_value(request: Request) -> Answer:
    """PUT entities/{id}/attrs/{attribute}/value: another value, everything else of the attribute stays."""
    query = given.parameters_of(request)
    name, instances = instances_of(request, link_context(request))
    wanted = query.get("datasetId", "@none")
    present = next((item for item in instances if (item.dataset or "@none") == wanted), None)
    if present is None:
        raise missing_attribute(entity_id(request), request.path["attribute"])
    media = request.check_media(_BARE)
    raw = await request.body()
    value = raw.decode("utf-8", "replace") if media == "text/plain" else cast("Json", await request.json(*_BARE))
    [fresh] = decode_attribute(
        request.path["attribute"], value, link_context(request), simplified=True, kind=present.kind
    )
    changed = replace(present, kind=fresh.kind, value=fresh.value, observed_at=given.instant(query, "observedAt"))
    await request.space.intake.update_attribute(entity_id(request), name, [changed], origin(request), whole=True)
    return NO_CONTENT
