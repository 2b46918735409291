"""Notifications as documents: of one entity, and of what a receiver is sent (GS CIM 009 clauses 5.3.1 and 5.8.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import orjson

from zhicheng.hub.subscriptions.model import TRIGGERS, UNLESS_TOLD, Notice, Subscription, Trigger
from zhicheng.kernel import instants
from zhicheng.standards.ngsild.context import ContextLink
from zhicheng.standards.ngsild.encode import encode_attribute, encode_entity
from zhicheng.standards.ngsild.geojson import encode_feature
from zhicheng.standards.ngsild.kinds import VALUE_MEMBERS
from zhicheng.standards.ngsild.model import Attribute, Entity, Json
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.representation import Form

JSON_LD = "application/ld+json"
GEO_JSON = "application/geo+json"
MOST_ENTITIES = 1000
"""Entities of one notification; those of a larger commit come in several."""
_PREFIX = "urn:ngsi-ld:Notification:"
Before = Mapping[tuple[str, str | None], Attribute]
"""What instances were before a commit, by attribute (IRI) and datasetId."""


def notification_id(subscription: str, position: int, part: int = 0) -> str:
    """The id of what a commit means for a subscription: the same however often it is sent.

    >>> notification_id("urn:ngsi-ld:Subscription:7", 12), notification_id("urn:ngsi-ld:Subscription:7", 12, 1)
    ('urn:ngsi-ld:Notification:7:12', 'urn:ngsi-ld:Notification:7:12.1')
    """
    name = subscription.removeprefix("urn:ngsi-ld:Subscription:").replace("/", "%2F")
    return f"{_PREFIX}{name}:{position}" + (f".{part}" if part else "")


def split(notice: Notice) -> list[Notice]:
    """A notification as one or several of a size that receivers can bear."""
    if len(notice.data) <= MOST_ENTITIES:
        return [notice]
    return [
        replace(
            notice,
            id=notification_id(notice.subscription, notice.position, part),
            data=notice.data[part * MOST_ENTITIES : (part + 1) * MOST_ENTITIES],
        )
        for part in range(-(-len(notice.data) // MOST_ENTITIES))
    ]


def entity_document(one: Subscription, entity: Entity, before: Before | None = None) -> bytes:
    """An entity as a subscription wants it, with what its instances were before where that is asked for."""
    if one.endpoint.media == GEO_JSON:
        return orjson.dumps(encode_feature(entity, one.context, one.options))
    document = encode_entity(entity, one.context, one.options)
    if before:
        _add_previous(document, entity, one, before)
    return orjson.dumps(document)


def gone_document(one: Subscription, entity: Entity) -> bytes:
    """What is said of an entity that is no more: id, type and when it went."""
    types: list[Json] = [one.context.compact(iri) for iri in entity.types]
    document: dict[str, Json] = {
        "id": entity.id,
        "type": types[0] if len(types) == 1 else types,
        "deletedAt": instants.format(entity.deleted_at or 0),
    }
    if one.endpoint.media == GEO_JSON:
        properties = {name: value for name, value in document.items() if name != "id"}
        return orjson.dumps({"id": entity.id, "type": "Feature", "geometry": None, "properties": properties})
    return orjson.dumps(document)


def without(entity: Entity, gone: Sequence[tuple[str, Attribute]], at: int) -> Entity:
    """The entity with NGSI-LD Null for each instance that was taken away."""
    attributes = dict(entity.attributes)
    for name, was in gone:
        null = Attribute(was.kind, NULL, dataset=was.dataset, deleted_at=at)
        attributes[name] = [*attributes.get(name, ()), null]
    return replace(entity, attributes=attributes)


def _add_previous(document: dict[str, Json], entity: Entity, one: Subscription, before: Before) -> None:
    """PreviousValue and its kin (clause 4.5.2) beside each instance that was another before."""
    for name, instances in entity.attributes.items():
        short = one.context.compact(name)
        if short not in document:
            continue
        shown = document[short]
        items = shown if isinstance(shown, list) and len(instances) > 1 else [shown]
        for number, (instance, item) in enumerate(zip(instances, items, strict=False)):
            was = before.get((name, instance.dataset))
            if was is not None:
                made = item if isinstance(item, dict) and not _bare(item) else {VALUE_MEMBERS[instance.kind]: item}
                made.update(_previous(name, was, one))
                items[number] = made
        if not (isinstance(shown, list) and len(instances) > 1):
            document[short] = items[0]


def _bare(item: dict[str, Json]) -> bool:
    """Whether an object is a concise value rather than an attribute: a geometry."""
    return "coordinates" in item or "geometries" in item


def _previous(name: str, was: Attribute, one: Subscription) -> dict[str, Json]:
    member = VALUE_MEMBERS[was.kind]
    whole = encode_attribute(name, [was], one.context, replace(one.options, form=Form.NORMALIZED, sys_attrs=False))
    value = cast("dict[str, Json]", whole).get(member)
    return {f"previous{member[0].upper()}{member[1:]}": value}


def body(one: Subscription, notice: Notice, now: int) -> bytes:
    """The notification as it is sent."""
    head: dict[str, object] = {
        "id": notice.id,
        "type": "Notification",
        "subscriptionId": notice.subscription,
        "notifiedAt": instants.format(now),
    }
    said = words(notice.triggers)
    if said:
        head["notificationTrigger"] = said
    geo = one.endpoint.media == GEO_JSON
    if one.endpoint.media == JSON_LD or (geo and one.link is None):
        head["@context"] = one.shown
    data = b",".join(document for _, document in notice.data)
    listed = b'{"type":"FeatureCollection","features":[' + data + b"]}" if geo else b"[" + data + b"]"
    return orjson.dumps(head)[:-1] + b',"data":' + listed + b"}"


def headers(one: Subscription, tenant: str | None) -> list[tuple[bytes, bytes]]:
    """What goes along: the media type, the context of plain JSON, the tenant where it is not the only one."""
    found = [(b"Content-Type", one.endpoint.media.encode())]
    if one.endpoint.media != JSON_LD and one.link is not None:
        found.append((b"Link", str(ContextLink(one.link)).encode("latin-1", "replace")))
    if tenant is not None:
        found.append((b"NGSILD-Tenant", tenant.encode()))
    return found


def words(triggers: Trigger) -> list[str]:
    """What happened, in NGSI-LD's words.

    >>> words(Trigger.ATTRIBUTE_CREATED | Trigger.ENTITY_CREATED), words(Trigger.ENTITY_CHANGED)
    (['entityCreated', 'attributeCreated'], ['entityUpdated'])
    """
    if triggers & Trigger.ENTITY_CHANGED and not triggers & UNLESS_TOLD:
        return ["entityUpdated"]
    return [word for word, trigger in TRIGGERS.items() if word != "entityUpdated" and trigger & triggers]
