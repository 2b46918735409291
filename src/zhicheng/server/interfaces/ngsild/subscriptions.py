"""Subscriptions over NGSI-LD (GS CIM 009 clauses 5.8 and 6.10 to 6.11): create, list, read, change, remove."""

from __future__ import annotations

import secrets
from typing import cast

from zhicheng.hub.subscriptions import document as documents
from zhicheng.hub.subscriptions.document import Document
from zhicheng.hub.subscriptions.line import Line
from zhicheng.hub.subscriptions.model import Kept, Maker
from zhicheng.hub.subscriptions.notifier import Notifier
from zhicheng.kernel import instants, urn
from zhicheng.kernel.errors import Invalid
from zhicheng.server.http import NO_CONTENT, Answer
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import (
    OWN_CONTEXT,
    PATCHES,
    base_url,
    body_of,
    document_answer,
    link_context,
    list_answer,
    shown_context,
    url_context,
    wanted_media,
)
from zhicheng.server.interfaces.ngsild.entities import location_of
from zhicheng.server.interfaces.ngsild.errors import InvalidRequest
from zhicheng.server.interfaces.ngsild.queries import page_headers
from zhicheng.server.request import Request
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json

_LIMIT = 20
_PREFIX = "urn:ngsi-ld:Subscription:"
_SHOWING = ("sysAttrs", "count", "extras")
HIDDEN = "***"
"""Stands for the value of a header that only those may see who may change the subscription."""


def notifier_of(request: Request) -> Notifier:
    """The notifier of the credential's tenant."""
    return request.city.subscribers.of(request.space)


async def create_subscription(request: Request) -> Answer:
    """POST subscriptions."""
    given.parameters_of(request)
    body, context = await body_of(request)
    if isinstance(body, dict):
        body = {"id": _PREFIX + secrets.token_hex(8), **body}
    now = request.city.clock()
    document = documents.read(body, context, now)
    kept = _kept(request, document, context, now, now)
    await notifier_of(request).create(kept)
    return Answer(201, headers=location_of(request, str(document["id"]), "subscriptions"))


def _kept(request: Request, document: Document, context: Context, created_at: int, now: int) -> Kept:
    """A document as it is kept, with the context that its notifications are to be in."""
    named = document.get("jsonldContext")
    wanted = context if named is None else url_context(request, named)
    default = wanted is request.space.contexts.default
    shown = shown_context(request, wanted)
    link = base_url(request) + OWN_CONTEXT if default else _link(wanted.source)
    source = None if default else wanted.source
    made = cast("dict[str, object]", document)
    return Kept(made, source, shown, link, request.name, created_at, now, maker_of(request))


def maker_of(request: Request) -> Maker:
    """By which credential, and from where, a request was made."""
    acts, around = request.principal, request.circumstances
    assert acts is not None  # nobody is let in to this without
    within = None if acts.within is None else tuple(sorted(acts.within))
    return Maker(acts.credential, within, around.network, around.purpose)


def _link(source: Json) -> str | None:
    """The one URL that stands for a context, if it has one."""
    items = source if isinstance(source, list) else [source]
    urls = [item for item in items if isinstance(item, str)]
    return urls[0] if len(urls) == len(items) else None


async def list_subscriptions(request: Request) -> Answer:
    """GET subscriptions."""
    query = given.parameters_of(request)
    words = given.options(query, _SHOWING)
    counted = given.truth(query, "count") or "count" in words
    limit = given.number(query, "limit", _LIMIT, request.city.settings.server.max_results)
    offset = given.number(query, "offset", 0)
    if limit == 0 and not counted:
        raise InvalidRequest(
            "limit=0 makes sense with count=true only", "limit=0 只能与 count=true 一起使用", parameter="limit"
        )
    context, media, notifier = link_context(request), wanted_media(request), notifier_of(request)
    everything = sorted(notifier.kept)
    chosen = [shown(request, one, context, words) for one in everything[offset : offset + limit]]
    total, more = len(everything) if counted else None, len(everything) > offset + limit
    headers = page_headers(request, query, (offset, limit), total=total, more=more)
    return list_answer(request, chosen, context, media, headers)


async def read_subscription(request: Request) -> Answer:
    """GET subscriptions/{id}."""
    query = given.parameters_of(request)
    words = given.options(query, _SHOWING)
    context, media = link_context(request), wanted_media(request)
    return document_answer(request, shown(request, subscription_id(request), context, words), context, media)


async def change_subscription(request: Request) -> Answer:
    """PATCH subscriptions/{id}: members of the fragment take the place of those that are there.

    It is theirs then who changed it, and tells what they may see.
    """
    given.parameters_of(request)
    patch, context = await body_of(request, PATCHES)
    notifier = notifier_of(request)
    before = notifier.get(subscription_id(request))
    now = request.city.clock()
    names = documents.written(cast("Document", before.document), context)
    if isinstance(patch, dict):
        patch = {name: value for name, value in patch.items() if name != "@context"}
        _no_hidden(patch)
    whole = documents.merged(names, patch)
    if isinstance(patch, dict) and "expiresAt" not in patch and "expiresAt" in whole:
        document = documents.read(whole, context, 0)
    else:
        document = documents.read(whole, context, now)
    kept = _kept(request, document, context, before.created_at, now)
    if isinstance(patch, dict) and "jsonldContext" not in patch:
        kept.context, kept.shown, kept.link = before.context, before.shown, before.link
    await notifier.change(kept)
    return NO_CONTENT


def _no_hidden(patch: Document) -> None:
    """A header's value that was shown hidden must not come back as its value."""
    told = patch.get("notification")
    endpoint = told.get("endpoint") if isinstance(told, dict) else None
    pairs = endpoint.get("receiverInfo") if isinstance(endpoint, dict) else None
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and pair.get("value") == HIDDEN:
            raise Invalid(
                f"{HIDDEN} stands for a value that is not shown; send the value itself",
                f"{HIDDEN} 代表未显示的值；请发送实际的值",
                path="/notification/endpoint/receiverInfo",
            )


async def remove_subscription(request: Request) -> Answer:
    """DELETE subscriptions/{id}."""
    given.parameters_of(request)
    await notifier_of(request).remove(subscription_id(request))
    return NO_CONTENT


def subscription_id(request: Request) -> str:
    """The id in the path; Invalid where it is no URI."""
    return urn.check(request.path["id"])


def shown(request: Request, identifier: str, context: Context, words: frozenset[str]) -> Document:
    """A subscription as answers hold it: with its status, its counters, and the figures of ours if asked for."""
    notifier = notifier_of(request)
    kept = notifier.get(identifier)
    document = documents.written(cast("Document", kept.document), context)
    line = notifier.lines.get(identifier)
    document["status"] = "paused" if line is None else line.one.status(request.city.clock())
    document.setdefault("isActive", True)
    told = cast("Document", document["notification"])
    told.update(_counters(line))
    _hide(told, hidden=not request.may("subscriptions:write"))
    if "sysAttrs" in words:
        document["createdAt"] = instants.format(kept.created_at)
        document["modifiedAt"] = instants.format(kept.modified_at)
    if "extras" in words:
        document.update(figures(notifier, identifier, request.city.clock()))
    return document


def _hide(told: Document, *, hidden: bool) -> None:
    endpoint = cast("Document", told["endpoint"])
    pairs = cast("list[Document]", endpoint.get("receiverInfo", []))
    if hidden and pairs:
        told["endpoint"] = {**endpoint, "receiverInfo": [{**pair, "value": HIDDEN} for pair in pairs]}


def _counters(line: Line | None) -> Document:
    """How the notifications went (clause 5.2.14)."""
    if line is None:
        return {"status": "failed"}
    progress = line.progress
    found: Document = {"status": "failed" if progress.failing else "ok"}
    if progress.times_sent or progress.times_failed:
        found |= {"timesSent": progress.times_sent + progress.times_failed, "timesFailed": progress.times_failed}
    for name, instant in (
        ("lastNotification", progress.last_notification),
        ("lastSuccess", progress.last_success),
        ("lastFailure", progress.last_failure),
    ):
        if instant:
            found[name] = instants.format(instant)
    return found


def figures(notifier: Notifier, identifier: str, now: int) -> Document:
    """What NGSI-LD has no words for: how far behind it is, in seconds and commits, what waits, what was put aside."""
    line = notifier.lines.get(identifier)
    letters = len(notifier.letters.of(identifier))
    if line is None:
        error = notifier.broken.get(identifier)
        return {"lag": 0, "queueLength": 0, "deadLetters": letters, "error": "" if error is None else error.en}
    waiting = line.waiting()
    return {
        "lag": 0 if waiting.oldest is None else round(max(0, now - waiting.oldest) / instants.SECOND, 3),
        "commitsBehind": max(0, notifier.store.state.position - line.position),
        "queueLength": waiting.queue,
        "readingFromLog": line.behind,
        "deadLetters": letters,
    }
