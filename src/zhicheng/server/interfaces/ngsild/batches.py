"""Many entities in one request: create, upsert, update, merge, delete; each taken or refused by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from zhicheng.hub.intake import How, Outcome
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.server.http import NO_CONTENT, Answer, json_answer, language_of, parse_json
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import BODIES, context_for
from zhicheng.server.interfaces.ngsild.entities import origin
from zhicheng.server.problems import document
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.decode import decode_batch
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.standards.ngsild.names import is_uri

_THREAD_FROM = 500_000
"""Bytes of a body from which it is decoded beside the event loop."""


async def decoded(request: Request, *, nulls: bool = False) -> list[Entity | ZhichengError]:
    """The entities of a body, or the error of each in its place."""
    media = request.check_media(BODIES)
    body = await request.body()

    def read() -> list[Entity | ZhichengError]:
        def context(item: Json) -> object:
            return context_for(request, item, media)

        return decode_batch(parse_json(body), context, nulls=nulls)  # type: ignore[arg-type]  # it gives a Context

    return read() if len(body) < _THREAD_FROM else await asyncio.to_thread(read)


async def run(request: Request, entities: Sequence[Entity | ZhichengError], how: How) -> list[Outcome]:
    """Have the hub take those that could be read; outcomes in the order of the body."""
    good = [item for item in entities if isinstance(item, Entity)]
    outcomes = iter(await request.space.intake.batch(good, origin(request), how) if good else [])
    return [
        next(outcomes) if isinstance(item, Entity) else Outcome(str(item.facts.get("id", "")), error=item)
        for item in entities
    ]


def result(request: Request, outcomes: Sequence[Outcome], complete: Callable[[], Answer]) -> Answer:
    """`complete` where every entity was taken, else 207 with both lists (clause 5.2.16)."""
    language = language_of(request.header(b"accept-language"))
    errors: list[dict[str, object]] = []
    for outcome in outcomes:
        if outcome.error is not None:
            errors.append({"entityId": outcome.id, "error": document(outcome.error, language, ngsild=True)})
        elif outcome.not_updated:
            names = [name for name, _ in outcome.not_updated]
            partly = outcome.not_updated[0][1]
            problem = document(partly, language, ngsild=True) | {"attributes": names}
            errors.append({"entityId": outcome.id, "error": problem})
    if not errors:
        return complete()
    failed = {error["entityId"] for error in errors}
    taken = [outcome.id for outcome in outcomes if outcome.error is None and outcome.id not in failed]
    return json_answer({"success": taken, "errors": errors}, 207)


async def create(request: Request) -> Answer:
    """POST entityOperations/create."""
    given.parameters_of(request)
    outcomes = await run(request, await decoded(request), "create")
    return result(request, outcomes, lambda: json_answer([outcome.id for outcome in outcomes], 201))


async def upsert(request: Request) -> Answer:
    """POST entityOperations/upsert: replace (default) or update what is there."""
    words = given.options(given.parameters_of(request), ("replace", "update"))
    how: How = "update" if "update" in words else "replace"
    outcomes = await run(request, await decoded(request), how)
    created = [outcome.id for outcome in outcomes if outcome.created]
    return result(request, outcomes, lambda: json_answer(created, 201) if created else NO_CONTENT)


async def update(request: Request) -> Answer:
    """POST entityOperations/update: attributes of entities that are there."""
    words = given.options(given.parameters_of(request), ("replace", "noOverwrite", "update"))
    how: How = "only-update-no-overwrite" if "noOverwrite" in words else "only-update"
    outcomes = await run(request, await decoded(request), how)
    return result(request, outcomes, lambda: NO_CONTENT)


async def merge(request: Request) -> Answer:
    """POST entityOperations/merge."""
    given.parameters_of(request)
    outcomes = await run(request, await decoded(request, nulls=True), "merge")
    return result(request, outcomes, lambda: NO_CONTENT)


async def delete(request: Request) -> Answer:
    """POST entityOperations/delete."""
    given.parameters_of(request)
    ids = await request.json(*BODIES)
    if not isinstance(ids, list) or not ids or not all(is_uri(item) for item in ids):
        raise Invalid("The body is a list of entity ids (URIs)", "正文应为实体 id（URI）的列表")
    outcomes = await request.space.intake.batch_remove(ids, origin(request))
    return result(request, outcomes, lambda: NO_CONTENT)
