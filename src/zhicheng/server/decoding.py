"""What reads a feed's payloads: the decoders of `sensing` by name, tables by their mapping, and NGSI-LD documents."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from zhicheng.hub.readings import Snapshot
from zhicheng.kernel import settings
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.kernel.settings import Where
from zhicheng.network.source import Payload
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.decoders import DECODERS, decoder
from zhicheng.sensing.documents import ngsild_documents
from zhicheng.sensing.imports import Opened, batches
from zhicheng.sensing.mapping import Mappings, TableMapping
from zhicheng.server.settings import CityFeed
from zhicheng.server.space import Space
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.models.names import term
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.model import Entity, Quality

OWN = ("table", "ngsi-ld")
"""Decoders that need the city's contexts and mappings, and so live here."""
_CHANGED_ONLY = ("ArrivalEstimation",)


@dataclass(frozen=True, slots=True)
class Content:
    """What a payload held: a whole data set, or readings; reference tables; and how much was left out."""

    snapshot: Snapshot | None = None
    readings: Changes | None = None
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    issued_at: int | None = None
    refused: int = 0
    reasons: tuple[tuple[str, str], ...] = ()
    """The first few reasons (en, zh)."""


Read = Callable[[Payload, Static | None], Content]


@dataclass(frozen=True, slots=True)
class NgsildOptions:
    """options of the decoder ngsi-ld: stamp = observedAt is when the payload came; simulated = marked as 模拟 (simulated)

    full: an entity that came by this feed and is not in the payload is gone; changed_only: equal values are no news
    """

    stamp: bool = False
    simulated: bool = False
    full: bool = False
    changed_only: bool = False


def reader_of(name: str, feed: CityFeed, space: Space, file: str) -> Read:
    """The function that reads a feed's payloads; its options and mapping are checked now."""
    where = Where(file).of("feeds").of(name)
    if feed.decoder == "table":
        mapping = settings.read(TableMapping, {"files": "*", **feed.mapping}, where.of("mapping"))
        return lambda payload, _: _table(payload, Mappings({name: mapping}), space)
    if feed.decoder == "ngsi-ld":
        options = settings.read(NgsildOptions, feed.options, where.of("options"))
        return lambda payload, _: _ngsild(payload, options, space)
    if feed.decoder not in DECODERS:
        known = [*DECODERS, *OWN]
        raise settings.unknown(where.of("decoder"), feed.decoder, known)
    chosen = decoder(feed.decoder)
    latest = frozenset(term(short) for short in _CHANGED_ONLY)

    def read(payload: Payload, static: Static | None) -> Content:
        found = chosen.decode(
            payload.body, DecodeSettings(name, feed.network or None, static, feed.max_size, options=feed.options)
        )
        snapshot = Snapshot(found.entities, found.full, found.whole, found.issued_at, found.removed, latest)
        reasons = tuple((one.en, one.zh) for one in found.refused[:5])
        return Content(snapshot, None, found.tables, found.issued_at, len(found.refused), reasons)

    return read


def _table(payload: Payload, mappings: Mappings, space: Space) -> Content:
    parts: list[Changes] = []
    refused, reasons = 0, []
    opened = Opened(payload.name, io.BytesIO(payload.body), len(payload.body))
    for batch in batches([opened], mappings, space.contexts.default.expand):
        if len(batch.changes):
            parts.append(batch.changes)
        refused += len(batch.refusals)
        reasons += [(one.en, one.zh) for one in list(batch.refusals)[:5]]
        if not len(batch.changes) and batch.rows == 0 and len(batch.refusals):
            raise Invalid(*reasons[-1])
    changes = Changes.concat(parts) if parts else ChangesBuilder().build()
    return Content(None, changes, refused=refused, reasons=tuple(reasons[:5]))


def _ngsild(payload: Payload, options: NgsildOptions, space: Space) -> Content:
    entities: list[Entity] = []
    reasons: list[tuple[str, str]] = []
    documents = ngsild_documents(payload.body)
    for document in documents:
        try:
            entities.append(read_document(document, space))
        except ZhichengError as error:
            reasons.append((error.en, error.zh))
    if documents and not entities:
        raise Invalid(*reasons[0])
    for entity in entities:
        for instances in entity.attributes.values():
            for instance in instances:
                if options.stamp and instance.observed_at is None:
                    instance.observed_at = payload.fetched_at
                if options.simulated:
                    instance.quality |= Quality.SIMULATED
    latest = frozenset(name for entity in entities for name in entity.types) if options.changed_only else frozenset()
    snapshot = Snapshot(entities, options.full, False, None, (), latest)
    return Content(snapshot, refused=len(reasons), reasons=tuple(reasons[:5]))


def read_document(document: object, space: Space) -> Entity:
    """One NGSI-LD entity document with the @context it carries, else the city's."""
    value = document.get("@context") if isinstance(document, dict) else None
    return decode_entity(document, space.contexts.of(value))
