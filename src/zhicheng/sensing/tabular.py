"""Decoders of polled tables (`csv`, `json`, `geojson`, `xlsx`, `parquet`) and of NGSI-LD documents (`ngsi-ld`)."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, cast

from zhicheng.kernel.errors import BadConfiguration, TooLarge, ZhichengError
from zhicheng.sensing.decoded import Decoded, DecodeSettings, Refusal
from zhicheng.sensing.documents import ngsild_documents
from zhicheng.sensing.readers import READERS, unpacked
from zhicheng.sensing.refusals import Refusals
from zhicheng.sensing.tables import Expand, decode_table
from zhicheng.sensing.transit_names import iri
from zhicheng.standards.changes import Changes
from zhicheng.standards.ngsild.context import Context, Contexts
from zhicheng.standards.ngsild.decode import decode_entity

if TYPE_CHECKING:
    from zhicheng.standards.ngsild.model import Entity, Json

SHOWN = 1_000
"""Refusals of one body that are listed; a feed repeats its mistakes."""
_PACKED = ("xlsx", "parquet")
"""Formats whose rows may take far more room than their bytes."""


def table_decoder(form: str) -> Callable[[bytes, DecodeSettings], Decoded]:
    """The decoder of a format: reads with `settings.mapping`, gives `changes`.

    >>> from zhicheng.sensing.mapping import TableMapping, Value
    >>> mapping = TableMapping(type=("Bin",), id="urn:ngsi-ld:Bin:{n}", attributes={"fillingLevel": Value("f")})
    >>> decoded = table_decoder("json")(b'[{"n": 1, "f": 0.5}]', DecodeSettings("bins", mapping=mapping))
    >>> decoded.changes.number.tolist()
    [0.5]
    """

    def decode(body: bytes, settings: DecodeSettings) -> Decoded:
        mapping = settings.mapping
        if mapping is None:
            raise BadConfiguration(
                f"Feed {settings.feed} needs [feeds.{settings.feed}.mapping], which says what its columns mean",
                f"数据源 {settings.feed} 需要 [feeds.{settings.feed}.mapping]，说明各列的含义",
                feed=settings.feed,
            )
        _check_size(max(len(body), unpacked(form, body)), settings)
        expand: Expand = settings.contexts.default.expand if settings.contexts else iri
        parts: list[Changes] = []
        refused: list[Refusals] = []
        rows = 0
        for block in READERS[form](io.BytesIO(body), mapping):
            rows += block.batch.nbytes
            if form in _PACKED:
                _check_size(rows, settings)
            changes, refusals = decode_table(block.batch, mapping, expand, block.numbers)
            parts.append(changes)
            refused += [block.refused, refusals]
        merged = Changes.concat(parts) if parts else None
        return Decoded([], changes=merged, refused=_listed(Refusals.concat(refused)))

    return decode


def _listed(refusals: Refusals) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            f"row {one.row}" + (f", {one.column}" if one.column else ""),
            f"{one.value!r}: {one.en}" if one.value is not None else one.en,
            f"{one.value!r}：{one.zh}" if one.value is not None else one.zh,
        )
        for one in islice(refusals, SHOWN)
    )


def decode_ngsild(body: bytes, settings: DecodeSettings) -> Decoded:
    """Entities of an NGSI-LD document: an array, one object, or JSON lines; each is refused by itself.

    >>> decoded = decode_ngsild(b'[{"id": "urn:ngsi-ld:Bin:1", "type": "Bin"}, {"id": 7}]', DecodeSettings("x"))
    >>> [one.id for one in decoded.entities], [one.id for one in decoded.refused]
    (['urn:ngsi-ld:Bin:1'], ['7'])
    """
    _check_size(len(body), settings)
    contexts = settings.contexts or Contexts()
    entities: list[Entity] = []
    refused: list[Refusal] = []
    for number, document in enumerate(ngsild_documents(body), 1):
        try:
            entities.append(decode_entity(document, _context(contexts, document)))
        except ZhichengError as error:
            shown = document.get("id") if isinstance(document, dict) else None
            refused.append(Refusal(str(shown or f"#{number}"), error.en, error.zh))
    return Decoded(entities, refused=tuple(refused))


def _context(contexts: Contexts, document: object) -> Context:
    return contexts.of(cast("Json", document.get("@context"))) if isinstance(document, dict) else contexts.default


def _check_size(size: int, settings: DecodeSettings) -> None:
    if size > settings.limit:
        raise TooLarge(
            f"The body has, or unpacks to, {size:,} bytes; {settings.limit:,} are read; raise max_size if right",
            f"内容（解压后）为 {size:,} 字节，上限为 {settings.limit:,} 字节；如属正常，请调大 max_size",
            limit=settings.limit,
        )
