"""A feed's payload to what the hub takes: its decoder by name, and what the city's file says of the feed as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from zhicheng.hub.readings import Snapshot
from zhicheng.kernel import settings
from zhicheng.kernel.settings import Where
from zhicheng.network.source import Payload
from zhicheng.sensing.decoded import Decoded, DecodeSettings
from zhicheng.sensing.decoders import DECODERS
from zhicheng.sensing.mapping import TableMapping
from zhicheng.server.settings import CityFeed
from zhicheng.server.space import Space
from zhicheng.standards.changes import Changes
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.models.names import term
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Attribute, Entity, Quality

_CHANGED_ONLY = ("ArrivalEstimation",)
"""Types that a live feed repeats in every payload; only changed values of theirs are worth a row."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Content:
    """What a payload held: a whole data set, or readings; reference tables; and how much was left out, with reasons."""

    snapshot: Snapshot | None = None
    readings: Changes | None = None
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    issued_at: int | None = None
    refused: int = 0
    reasons: tuple[tuple[str, str], ...] = ()


Read = Callable[[Payload, Static | None], Content]


def settings_of(name: str, feed: CityFeed, contexts: Contexts, file: str) -> DecodeSettings:
    """What a feed's decoder is told; BadConfiguration where decoder or mapping make no sense."""
    where = Where(file).of("feeds").of(name)
    chosen = DECODERS.get(feed.decoder)
    if chosen is None:
        raise settings.unknown(where.of("decoder"), feed.decoder, DECODERS)
    if "mapping" in chosen.needs and not feed.mapping:
        raise where.refuse("needs a mapping, which says what its columns mean", "需要 mapping 来说明各列的含义")
    mapping = settings.read(TableMapping, feed.mapping, where.of("mapping")) if feed.mapping else None
    return DecodeSettings(
        name, feed.network or None, None, feed.max_size, mapping=mapping, contexts=contexts, options=feed.options
    )


def reader_of(name: str, feed: CityFeed, space: Space, file: str) -> Read:
    """The function that reads a feed's payloads."""
    known = settings_of(name, feed, space.contexts, file)
    decode = DECODERS[feed.decoder].decode

    def read(payload: Payload, static: Static | None) -> Content:
        return _content(decode(payload.body, replace(known, static=static, name=payload.name)), payload, feed)

    return read


def _content(decoded: Decoded, payload: Payload, feed: CityFeed) -> Content:
    refused, reasons = len(decoded.refused), tuple((one.en, one.zh) for one in decoded.refused[:_SHOWN])
    if decoded.changes is not None:
        changes = decoded.changes
        if feed.simulated:
            changes = replace(changes, quality=changes.quality | np.uint8(Quality.SIMULATED))
        return Content(None, changes, decoded.tables, decoded.issued_at, refused, reasons)
    entities = [_marked(entity, payload.fetched_at, feed) for entity in decoded.entities]
    snapshot = Snapshot(
        entities, decoded.full or feed.full, decoded.whole,
        decoded.issued_at, decoded.removed, _changed_only(decoded, feed),
    )  # fmt: skip
    return Content(snapshot, None, decoded.tables, decoded.issued_at, refused, reasons)


def _changed_only(decoded: Decoded, feed: CityFeed) -> frozenset[str]:
    if feed.changed_only:
        return frozenset(name for entity in decoded.entities for name in entity.types)
    return frozenset(term(short) for short in _CHANGED_ONLY)


def _marked(entity: Entity, at: int, feed: CityFeed) -> Entity:
    """The draft with its values' times and marks as the city's file says; drafts are not to be changed themselves."""
    if not (feed.stamp or feed.simulated):
        return entity

    def mark(instance: Attribute) -> Attribute:
        observed = at if feed.stamp and instance.observed_at is None else instance.observed_at
        quality = instance.quality | Quality.SIMULATED if feed.simulated else instance.quality
        return replace(instance, observed_at=observed, quality=quality)

    attributes = {name: [mark(instance) for instance in instances] for name, instances in entity.attributes.items()}
    return replace(entity, attributes=attributes)
