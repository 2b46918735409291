"""@contexts kept here for clients (clause 5.13): upload, list, serve, drop; and the city's own."""

from __future__ import annotations

import secrets
from typing import cast

import orjson

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.server.accounts import HostedContext
from zhicheng.server.http import JSON_LD, NO_CONTENT, Answer, json_answer
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import BODIES, ROOT, base_url
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.core import core_url
from zhicheng.standards.ngsild.model import Json

PATH = f"{ROOT}/jsonldContexts"
_KINDS = ("Hosted", "Cached", "ImplicitlyCreated")


async def city_context(request: Request) -> Answer:
    """GET jsonldContexts/city: what short names mean here where a request does not say."""
    document = {"@context": [dict(request.space.models.terms()), core_url()]}
    return json_answer(document, media=JSON_LD, headers=((b"cache-control", b"public, max-age=3600"),))


async def add_context(request: Request) -> Answer:
    """POST jsonldContexts."""
    given.parameters_of(request)
    document = cast("Json", await request.json(*BODIES))
    identifier = secrets.token_hex(8)
    url = f"{base_url(request)}{PATH}/{identifier}"
    request.space.contexts.host(url, document)
    request.city.accounts.keep_context(request.space.tenant, identifier, url, orjson.dumps(document))
    return Answer(201, headers=((b"location", f"{PATH}/{identifier}".encode()),))


def _all(request: Request) -> list[HostedContext]:
    return request.city.accounts.contexts(request.space.tenant)


async def list_contexts(request: Request) -> Answer:
    """GET jsonldContexts."""
    query = given.parameters_of(request)
    kind = query.get("kind")
    if kind is not None and kind not in _KINDS:
        raise Invalid(f"kind is one of {', '.join(_KINDS)}", f"kind 应为 {'、'.join(_KINDS)} 之一", parameter="kind")
    found = _all(request) if kind in (None, "Hosted") else []
    if given.truth(query, "details"):
        return json_answer([_details(one) for one in found])
    return json_answer([one.url for one in found])


def _details(one: HostedContext) -> dict[str, object]:
    return {
        "URL": one.url,
        "localId": one.id,
        "kind": "Hosted",
        "createdAt": instants.format(one.created_at),
    }


def _named(request: Request) -> HostedContext:
    name = request.path["context"]
    found = next((one for one in _all(request) if name in (one.id, one.url)), None)
    if found is None:
        raise NotFound(f"There is no @context {name[:80]!r} here", f"此处没有 @context {name[:80]!r}", id=name[:80])
    return found


async def read_context(request: Request) -> Answer:
    """GET jsonldContexts/{context}."""
    query = given.parameters_of(request)
    found = _named(request)
    if given.truth(query, "details"):
        return json_answer(_details(found))
    return Answer(200, found.body, JSON_LD)


async def remove_context(request: Request) -> Answer:
    """DELETE jsonldContexts/{context}."""
    given.parameters_of(request)
    found = _named(request)
    request.city.accounts.drop_context(request.space.tenant, found.id)
    request.space.contexts.drop(found.url)
    return NO_CONTENT
