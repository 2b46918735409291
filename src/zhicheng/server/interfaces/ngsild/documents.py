"""Between requests, contexts and documents: which @context is meant, what body came, how the answer is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from zhicheng.server.http import GEO_JSON, JSON, JSON_LD, MERGE_PATCH, Answer, Headers, accepted, parse_json
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.context import Context, ContextLink, Contexts, context_of, link_of
from zhicheng.standards.ngsild.core import core_url
from zhicheng.standards.ngsild.encode import encode_entities, encode_entity, targets_of
from zhicheng.standards.ngsild.geojson import decode_feature, encode_collection_geojson, encode_feature
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.standards.ngsild.representation import Representation
from zhicheng.storage.live import State

ROOT = "/ngsi-ld/v1"
OWN_CONTEXT = f"{ROOT}/jsonldContexts/city"
"""Where the city's default context is served: core terms and those of its models."""
BODIES = (JSON, JSON_LD)
PATCHES = (JSON, JSON_LD, MERGE_PATCH)
ENTITY_MEDIA = (JSON, JSON_LD, GEO_JSON)
_MOST_LINKED = 10_000


def base_url(request: Request) -> str:
    """How this server is addressed from outside."""
    own = request.city.settings.server.public_url
    host = request.header(b"host") or f"{request.city.settings.server.host}:{request.city.settings.server.port}"
    return own.rstrip("/") if own else f"{request.scope.get('scheme', 'http')}://{host}"


def url_context(request: Request, value: Json) -> Context:
    """The context a URL, object or list means; our own by its path, by whatever name we are called."""
    if value is None or (isinstance(value, str) and value.endswith(OWN_CONTEXT)):
        return request.space.contexts.default
    if isinstance(value, list):
        kept = [item for item in value if not (isinstance(item, str) and item.endswith(OWN_CONTEXT))]
        if len(kept) < len(value):
            terms: Json = dict(request.space.models.terms())
            return request.space.contexts.of([terms, *kept])
    return request.space.contexts.of(value)


def link_context(request: Request) -> Context:
    """The context of a request without a body: that of its Link header, else the city's."""
    header = request.header(b"link")
    return request.space.contexts.default if header is None else url_context(request, link_of(header))


async def body_of(request: Request, allowed: tuple[str, ...] = BODIES) -> tuple[Json, Context]:
    """The body and the context that its names are meant in; a GeoJSON body carries its context like JSON-LD."""
    media = request.check_media(allowed)
    document = cast("Json", parse_json(await request.body()))
    return document, context_for(request, document, media)


def context_for(request: Request, document: Json, media: str) -> Context:
    """The context of one document of a body."""
    own = isinstance(document, dict) and "@context" in document
    link = request.header(b"link")
    if not own and link is None and media != JSON_LD:
        return request.space.contexts.default
    check_place(document, link, media)
    return url_context(request, cast("dict[str, Json]", document)["@context"] if own else link_of(link))


_NO_CONTEXTS = Contexts()


def check_place(document: Json, link: str | None, media: str) -> None:
    """Whether the @context stands where a body of this media type may have one (clause 6.3.5)."""
    if isinstance(document, dict):
        document = {"@context": None} if "@context" in document else {}
    elsewhere = None if link is None or link_of(link) is None else _CORE_LINK
    context_of(_NO_CONTEXTS, document, elsewhere, media)


_CORE_LINK = str(ContextLink(core_url()))


def feature_or_entity(document: Json, context: Context, media: str) -> Entity | None:
    """The entity of a GeoJSON feature; None for other media types."""
    return decode_feature(document, context) if media == GEO_JSON else None


def shown_context(request: Request, context: Context) -> Json:
    """The context as an answer names it."""
    if context is request.space.contexts.default:
        return base_url(request) + OWN_CONTEXT
    return context.source


def context_headers(request: Request, context: Context) -> Headers:
    """The Link header of an answer in plain JSON."""
    link = request.header(b"link")
    url = link_of(link) if link is not None else None
    if url is None and context is request.space.contexts.default:
        url = base_url(request) + OWN_CONTEXT
    elif url is None:
        source = context.source
        urls = [item for item in (source if isinstance(source, list) else [source]) if isinstance(item, str)]
        url = urls[0] if urls and not (isinstance(source, list) and len(urls) < len(source)) else None
    return () if url is None else ((b"link", str(ContextLink(url)).encode("latin-1", "replace")),)


def entity_answer(request: Request, entity: Entity, context: Context, media: str, options: Representation) -> Answer:
    """One entity."""
    linked = linked_to([entity], options, request)
    if media == GEO_JSON:
        return _with_context(request, encode_feature(entity, context, options, linked), context, GEO_JSON)
    return document_answer(request, encode_entity(entity, context, options, linked), context, media)


def entities_answer(
    request: Request,
    entities: Sequence[Entity],
    context: Context,
    media: str,
    options: Representation,
    headers: Headers = (),
) -> Answer:
    """A list of entities."""
    linked = linked_to(entities, options, request)
    if media == GEO_JSON:
        collection = encode_collection_geojson(entities, context, options, linked)
        return _with_context(request, collection, context, GEO_JSON, headers)
    return list_answer(request, encode_entities(entities, context, options, linked), context, media, headers)


def document_answer(
    request: Request, document: dict[str, Json], context: Context, media: str, headers: Headers = ()
) -> Answer:
    """One document, with its @context inside or beside it."""
    if media == JSON_LD:
        return _with_context(request, document, context, media, headers)
    return Answer(200, orjson.dumps(document), media, (*context_headers(request, context), *headers))


def list_answer(
    request: Request, documents: Sequence[dict[str, Json]], context: Context, media: str, headers: Headers = ()
) -> Answer:
    """Documents, each with its @context inside, or all with one beside them."""
    if media == JSON_LD:
        shown = shown_context(request, context)
        for document in documents:
            document["@context"] = shown
        return Answer(200, orjson.dumps(documents), media, headers)
    return Answer(200, orjson.dumps(documents), media, (*context_headers(request, context), *headers))


def _with_context(
    request: Request, document: dict[str, Json], context: Context, media: str, headers: Headers = ()
) -> Answer:
    prefer = (request.header(b"prefer") or "").replace(" ", "")
    if media == GEO_JSON and prefer == "body=json":
        return Answer(200, orjson.dumps(document), media, (*context_headers(request, context), *headers))
    return Answer(200, orjson.dumps({**document, "@context": shown_context(request, context)}), media, headers)


def wanted_media(request: Request, offered: tuple[str, ...] = BODIES) -> str:
    """The media type of the answer."""
    return accepted(request.header(b"accept"), offered)


def linked_to(
    entities: Sequence[Entity], options: Representation, request: Request, state: State | None = None
) -> Mapping[str, Entity]:
    """The entities that relationships lead to, as far as the request wants to follow them."""
    if options.join is None:
        return {}
    found: dict[str, Entity] = {}
    level: Sequence[Entity] = entities
    for _ in range(options.join_level):
        targets = {
            target
            for entity in level
            for instances in entity.attributes.values()
            for instance in instances
            for target in targets_of(instance)
        }
        new = request.space.query.entities(sorted(targets - found.keys())[: _MOST_LINKED - len(found)], state)
        if not new:
            break
        found.update(new)
        level = list(new.values())
    return found
