"""A matter that needs attention, as it is found, and as an entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhicheng.compute.terms import iri
from zhicheng.kernel import urn
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import CLASSIFICATION

MatterKind = Literal["feed", "application", "vital", "value", "alert"]
Severity = Literal["informational", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("informational", "low", "medium", "high", "critical")
ITEM = "AttentionItem"
KIND, SEVERITY, STATUS, SINCE, REASON = "matterKind", "severity", "status", "attentionSince", "attentionReason"
NAME, CONCERNS, BY, WHEN, REMARK = "name", "concerns", "acknowledgedBy", "acknowledgedAt", "remark"
LONGEST_NOTE = 1000
"""Characters of what a person says of a matter."""
NAMED = 20
"""So many entities a matter names; how many there are is in its reason."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What needs attention, found now.

    key: what it is about, kind first; the same matter has the same key however often it is found
    since: microseconds; None where only its finding tells
    concerns: ids of the entities it is about, at most `NAMED`
    """

    key: tuple[str, ...]
    kind: MatterKind
    severity: Severity
    title: Label
    reason: Label
    since: int | None = None
    concerns: tuple[str, ...] = ()


def item_id(key: tuple[str, ...]) -> str:
    """The entity of a matter.

    >>> item_id(("feed", "bus"))
    'urn:ngsi-ld:AttentionItem:feed:bus'
    """
    return urn.make(ITEM, *key)


def texts(label: Label) -> list[Attribute]:
    """A text in both languages as a value."""
    return [Attribute(Kind.LANGUAGE, {"zh": label.zh, "en": label.en})]


def said(value: Json) -> list[Attribute]:
    """A value that is decided, not observed."""
    return [Attribute(Kind.PROPERTY, value)]


INTERNAL = "internal"
"""What needs attention may speak of what not everyone may see."""


def item_of(matter: Matter, since: str) -> Entity:
    """The entity of a matter that is new."""
    attributes = {
        iri(NAME): texts(matter.title),
        iri(KIND): said(matter.kind),
        iri(SEVERITY): said(matter.severity),
        iri(STATUS): said("open"),
        iri(SINCE): said(since),
        iri(REASON): texts(matter.reason),
        CLASSIFICATION: said(INTERNAL),
    }
    if matter.concerns:
        attributes[iri(CONCERNS)] = [Attribute(Kind.RELATIONSHIP, list(matter.concerns))]
    return Entity(item_id(matter.key), (iri(ITEM),), attributes)
