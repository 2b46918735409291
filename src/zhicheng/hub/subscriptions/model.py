"""A subscription as the platform works with it: what it watches, and how whoever asked is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from types import MappingProxyType

import msgspec

from zhicheng.hub.excerpt import Excerpt
from zhicheng.hub.veil import Veil
from zhicheng.kernel.columns import Index, Mask
from zhicheng.network.post import Target
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.representation import Representation
from zhicheng.storage.live import Table


class Trigger(IntFlag):
    """What can happen to an entity in a commit."""

    ENTITY_CREATED = 1
    ENTITY_DELETED = 2
    ATTRIBUTE_CREATED = 4
    ATTRIBUTE_UPDATED = 8
    ATTRIBUTE_DELETED = 16
    ENTITY_CHANGED = 32
    """Its types or scopes."""


_ANY_ATTRIBUTE = Trigger.ATTRIBUTE_CREATED | Trigger.ATTRIBUTE_UPDATED | Trigger.ATTRIBUTE_DELETED
TRIGGERS = MappingProxyType(
    {
        "entityCreated": Trigger.ENTITY_CREATED,
        "entityUpdated": _ANY_ATTRIBUTE | Trigger.ENTITY_CHANGED,
        "entityDeleted": Trigger.ENTITY_DELETED,
        "attributeCreated": Trigger.ATTRIBUTE_CREATED,
        "attributeUpdated": Trigger.ATTRIBUTE_UPDATED,
        "attributeDeleted": Trigger.ATTRIBUTE_DELETED,
    }
)
"""NGSI-LD's words for what triggers a notification (GS CIM 009 5.2.12)."""
UNLESS_TOLD = Trigger.ATTRIBUTE_CREATED | Trigger.ATTRIBUTE_UPDATED


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to tell. media: of the body; timeout, cooldown (least wait after a failure): microseconds"""

    to: Target
    media: str
    timeout: int
    cooldown: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription, ready for use; names are IRIs.

    where: everything asked of an entity; kinds: types of which each match has one, None where that is not said
    watched: attributes whose change counts, None for all; changes: tell what an attribute was before
    throttling: least time between two notifications; interval: told so often whatever happens, 0 for as it happens
    context: the names that notifications are written in; shown: how they name it, link: its URL for a Link header
    veil: what its maker may see, None for everything; barred: its maker may not have it any more
    """

    id: str
    where: Node
    kinds: frozenset[str] | None
    watched: frozenset[str] | None
    triggers: Trigger
    options: Representation
    context: Context
    shown: object
    link: str | None
    endpoint: Endpoint
    active: bool = True
    changes: bool = False
    throttling: int = 0
    interval: int = 0
    expires_at: int | None = None
    veil: Veil | None = None
    barred: bool = False

    @property
    def sight(self) -> tuple[Veil | None, bool]:
        """What its maker does not see, and whether they may have it no more."""
        return self.veil, self.barred

    def fulfilled(self, table: Table, rows: Index) -> Mask:
        """Which of some rows of a table its maker sees and asks for. Call with the state's lock held."""
        if self.veil is None:
            return Excerpt(table, rows).fulfil(self.where)
        return self.veil.fulfil(table, rows, self.where)

    def status(self, now: int) -> str:
        """active, paused or expired, as NGSI-LD says it."""
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active" if self.active and not self.barred else "paused"


class Maker(msgspec.Struct, frozen=True):
    """Who made something, such that what they may do and see can be asked again later.

    credential: the token, person, key or client (`security.decision.Principal.credential`); within: the actions that
    it was given, None for all; network, purpose: what policies were told of the request
    """

    credential: str
    within: tuple[str, ...] | None = None
    network: str = ""
    purpose: str = ""


class Kept(msgspec.Struct):
    """A subscription as it is kept: the document with its names as IRIs, and whose it is.

    context: the @context as it was given, None for the city's own; shown, link: how notifications name it
    owner: the principal that made it; maker: by which credential and from where
    """

    document: dict[str, object]
    context: object
    shown: object
    link: str | None
    owner: str
    created_at: int
    modified_at: int
    maker: Maker = Maker("")


class Progress(msgspec.Struct):
    """How far a subscription has come, and how it went; instants in microseconds, 0 for never.

    position: of the log, up to which everything is delivered or put aside
    """

    position: int
    times_sent: int = 0
    times_failed: int = 0
    last_notification: int = 0
    last_success: int = 0
    last_failure: int = 0
    failing: bool = False


class Letter(msgspec.Struct):
    """A notification that was put aside. Only where it is in the log is kept, never what it said: so what is erased
    there is nowhere else.
    """

    id: str
    first: int
    position: int
    at: int
    attempts: int
    entities: int
    error_en: str
    error_zh: str


@dataclass(slots=True)
class Notice:
    """What one commit means for one subscription: a notification to be.

    position: of the commit, 0 for what is told by the clock; first: of the first, where several are told together
    data: each entity's id and document, as JSON
    counted: whether the subscription has not come further until this is delivered
    """

    subscription: str
    id: str
    position: int
    recorded_at: int
    triggers: Trigger
    data: list[tuple[str, bytes]]
    first: int = 0
    counted: bool = True

    def __post_init__(self) -> None:
        self.first = self.first or self.position

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        return 300 + sum(len(document) + 200 for _, document in self.data)
