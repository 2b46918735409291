"""From a kept document to a subscription that can be used."""

from __future__ import annotations

from typing import cast

from zhicheng.hub.subscriptions.document import Document, texts
from zhicheng.hub.subscriptions.model import TRIGGERS, UNLESS_TOLD, Endpoint, Kept, Subscription, Trigger
from zhicheng.hub.subscriptions.settings import SubscriptionSettings
from zhicheng.kernel import instants
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.network.post import Target, target
from zhicheng.standards.filter import geo, q, scope, tree, types
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.context import Context, Contexts
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.standards.ngsild.representation import Form, Projection, Representation, language_ranges

_MILLISECOND = 1000
_LONGEST_TIMEOUT = MINUTE
_FORMS = {
    "normalized": Form.NORMALIZED,
    "concise": Form.CONCISE,
    "keyValues": Form.SIMPLIFIED,
    "simplified": Form.SIMPLIFIED,
}
_CORE = Contexts().default
"""Knows IRIs as they are."""


def made(kept: Kept, contexts: Contexts, settings: SubscriptionSettings) -> Subscription:
    """The subscription of a document; Invalid where a part of it cannot be understood."""
    document = cast("Document", kept.document)
    told = cast("Document", document["notification"])
    where = _where(document)
    watched = document.get("watchedAttributes")
    words = texts("notificationTrigger", document["notificationTrigger"]) if "notificationTrigger" in document else ()
    triggers = Trigger(0)
    for word in words:
        triggers |= TRIGGERS[word]
    expires = document.get("expiresAt")
    return Subscription(
        str(document["id"]),
        where,
        tree.types(where),
        None if watched is None else frozenset(texts("watchedAttributes", watched)),
        triggers or UNLESS_TOLD,
        _options(document, told),
        _context(kept, contexts),
        kept.shown,
        kept.link,
        _endpoint(cast("Document", told["endpoint"]), settings),
        document.get("isActive") is not False,
        told.get("showChanges") is True,
        _microseconds(document, "throttling", SECOND, 0),
        _microseconds(document, "timeInterval", SECOND, 0),
        None if expires is None else instants.parse(str(expires)),
    )


def _context(kept: Kept, contexts: Contexts) -> Context:
    """What notifications are written in; a context that was dropped meanwhile leaves IRIs as they are."""
    return contexts.of(kept.context)  # type: ignore[arg-type]  # it came as JSON


def _where(document: Document) -> Node:
    selectors = cast("list[Document]", document.get("entities", []))
    around = cast("Document | None", document.get("geoQ"))
    return tree.all_of(
        [
            tree.any_of(_selector(one) for one in selectors) if selectors else None,
            q.parse(str(document["q"]), str) if "q" in document else None,
            None
            if around is None
            else geo.parse(
                str(around["georel"]),
                str(around["geometry"]),
                around["coordinates"],
                str(around.get("geoproperty", LOCATION)),
            ),
            scope.parse(str(document["scopeQ"])) if "scopeQ" in document else None,
        ]
    )


def _selector(one: Document) -> Node:
    return tree.all_of(
        [
            types.parse(str(one["type"]), str),
            tree.ids(texts("id", one["id"])) if "id" in one else None,
            tree.IdPattern(str(one["idPattern"])) if "idPattern" in one else None,
        ]
    )


def _options(document: Document, told: Document) -> Representation:
    lang = document.get("lang")
    if lang is not None:
        language_ranges(str(lang))
    attributes = texts("attributes", told["attributes"]) if "attributes" in told else None
    return Representation(
        _FORMS[str(told.get("format", "normalized"))],
        told.get("sysAttrs") is True,
        None if lang is None else str(lang),
        None if attributes is None else frozenset(attributes),
        _projection(told, "pick"),
        _projection(told, "omit"),
        frozenset(texts("datasetId", document["datasetId"])) if "datasetId" in document else None,
    )


def _projection(told: Document, name: str) -> Projection | None:
    return Projection.parse(",".join(texts(name, told[name])), _CORE) if name in told else None


def _endpoint(document: Document, settings: SubscriptionSettings) -> Endpoint:
    timeout = _microseconds(document, "timeout", _MILLISECOND, settings.timeout)
    return Endpoint(
        endpoint_target(document),
        str(document.get("accept", "application/json")),
        min(timeout, _LONGEST_TIMEOUT),
        _microseconds(document, "cooldown", _MILLISECOND, 0),
    )


def endpoint_target(document: Document) -> Target:
    """Where an endpoint's document leads."""
    pairs = cast("list[dict[str, str]]", document.get("receiverInfo", []))
    return target(str(document["uri"]), [(pair["key"], pair["value"]) for pair in pairs])


def _microseconds(document: Document, name: str, unit: int, unless: int) -> int:
    value = document.get(name)
    return unless if value is None else int(cast("float", value) * unit)
