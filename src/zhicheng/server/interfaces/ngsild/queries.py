"""Queries over entities: as GET, as POST, and the removal of all that a query selects."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from zhicheng.hub.query import EntityQuery, Page
from zhicheng.server.http import GEO_JSON, NO_CONTENT, Answer, Headers
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import (
    ENTITY_MEDIA,
    body_of,
    entities_answer,
    link_context,
    wanted_media,
)
from zhicheng.server.interfaces.ngsild.entities import origin
from zhicheng.server.interfaces.ngsild.errors import InvalidRequest
from zhicheng.server.interfaces.ngsild.parameters import Query
from zhicheng.server.interfaces.ngsild.query_document import query_of, selectors_of
from zhicheng.server.request import Request
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.context import Context

_LIMIT = 20
_PURGE = 1000


async def query_entities(request: Request) -> Answer:
    """GET entities."""
    query = given.parameters_of(request)
    context = link_context(request)
    media = wanted_media(request, ENTITY_MEDIA)
    return page_answer(request, query, context, media, given.where_of(query, context))


def page_answer(request: Request, query: Query, context: Context, media: str, where: Node) -> Answer:
    """A page of the entities that fulfil a predicate."""
    given.needs_selection(where, query)
    words = given.options(query, given.SHOWING)
    options = given.representation(query, context, words)
    counted = given.truth(query, "count") or "count" in words
    limit = given.number(query, "limit", _LIMIT, request.city.settings.server.max_results)
    if limit == 0 and not counted:
        raise InvalidRequest(
            "limit=0 makes sense with count=true only", "limit=0 只能与 count=true 一起使用", parameter="limit"
        )
    offset = given.number(query, "offset", 0)
    loaded = options.attrs if media != GEO_JSON and options.join is None else None
    order = given.order_of(query, context)
    asked = EntityQuery(where, limit + 1, offset, order, counted, loaded)
    page = request.space.query.select(asked)
    request.tally.take(rows=len(page.entities[:limit]))
    headers = paging_headers(request, page, query, limit, offset)
    return entities_answer(request, page.entities[:limit], context, media, options, headers)


def paging_headers(request: Request, page: Page, query: Query, limit: int, offset: int) -> Headers:
    """How many there are, and where the pages before and after are."""
    return page_headers(request, query, (offset, limit), total=page.total, more=len(page.entities) > limit)


def page_headers(request: Request, query: Query, at: tuple[int, int], *, total: int | None, more: bool) -> Headers:
    """The same for a page of anything; `at`: its offset and limit, total: None where it was not asked for."""
    offset, limit = at
    headers: list[tuple[bytes, bytes]] = []
    if total is not None:
        headers.append((b"NGSILD-Results-Count", b"%d" % total))
    if request.scope["method"] != "GET" or not limit:
        return tuple(headers)
    if more:
        headers.append((b"link", _page_link(request, query, offset + limit, limit, "next")))
    if offset:
        headers.append((b"link", _page_link(request, query, max(0, offset - limit), limit, "prev")))
    return tuple(headers)


def _page_link(request: Request, query: Query, offset: int, limit: int, relation: str) -> bytes:
    text = urlencode({**query, "limit": limit, "offset": offset}, quote_via=quote)
    path = request.scope["path"]
    return f'<{path}?{text}>; rel="{relation}"; type="{wanted_media(request, ENTITY_MEDIA)}"'.encode()


async def post_query(request: Request) -> Answer:
    """POST entityOperations/query: the same as GET, with the parts of the query in a body."""
    query = dict(given.parameters_of(request))
    document, context = await body_of(request)
    query |= query_of(document)
    where = given.where_of(query, context)
    wanted = selectors_of(document, context)
    return page_answer(request, {**query, "type": query.get("type", "*")} if wanted else query, context,
                       wanted_media(request, ENTITY_MEDIA), tree.all_of([wanted, where]))  # fmt: skip


async def purge_entities(request: Request) -> Answer:
    """DELETE entities: all that fulfil a query; histories stay."""
    query = given.parameters_of(request)
    context = link_context(request)
    where = given.where_of(query, context)
    given.needs_selection(where, query)
    while True:
        page = request.space.query.select(EntityQuery(where, _PURGE, attributes=frozenset()))
        if not page.entities:
            return NO_CONTENT
        outcomes = await request.space.intake.batch_remove([entity.id for entity in page.entities], origin(request))
        if all(outcome.error is not None for outcome in outcomes):
            return NO_CONTENT
