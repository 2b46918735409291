"""Policies at work: who asks becomes a principal of them, and gets the tenant as far as it may see it."""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.hub.veil import Veil
from zhicheng.kernel.instants import MINUTE, SECOND, Clock
from zhicheng.security import principals
from zhicheng.security.actions import ACTIONS, PUBLIC
from zhicheng.security.cedar import values
from zhicheng.security.cedar.entities import Entity
from zhicheng.security.cedar.filters import Vocabulary
from zhicheng.security.cedar.syntax import Attr, Binary, Expr, Has, Is, Like, Lit, Var, walk
from zhicheng.security.cedar.values import Uid, Value
from zhicheng.security.decision import Principal
from zhicheng.security.policies import Policies
from zhicheng.server.http import Scope, header_of
from zhicheng.server.space import Space, veiled
from zhicheng.standards.filter.tree import EVERYTHING
from zhicheng.standards.ngsild.names import CLASSIFICATION, LOCATION, OWNER

_LOOK = SECOND
"""How long it is relied on that nobody made a new version of the policies."""
_DEPARTMENTS = 5 * SECOND
_AREAS = 10 * SECOND
"""How long it is relied on that no area of the city has changed."""
_NOWHERE = shapely.Polygon()
_MOST_SPACES = 256
_LONGEST = 100
"""Letters of a purpose."""
_ORGANISATION, _PARENT = "Organization", "hasParentOrganization"
ON_ENTITIES = frozenset(
    action for action in ACTIONS if action.startswith(("city:", "entities:", "history:", "sql:", "rooms:"))
)
"""Actions on entities, where filters say on which; all others are taken on the tenant as a whole."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What of a request policies may ask: the network it comes from, and what it says it is for."""

    network: str = ""
    purpose: str = ""


def circumstances(scope: Scope) -> Circumstances:
    """What of a request policies may ask."""
    client = scope.get("client")
    return Circumstances(str(client[0]) if client else "", (header_of(scope, b"purpose") or "")[:_LONGEST])


class Policing:
    """One tenant's policies, with those of its principals and departments who were seen so far."""

    def __init__(self, space: Space, text: Callable[[], tuple[int, str]], clock: Clock, zone: ZoneInfo) -> None:
        self._zone = zone
        self.space = space
        self._text = text
        self._clock = clock
        self._subjects: dict[Uid, Entity] = {}
        self._departments: dict[str, str | None] = {}
        self._policies: Policies | None = None
        self._version = -1
        self._looked_at = self._counted_at = -(2**62)
        self._spaces: OrderedDict[Hashable, Space] = OrderedDict()
        self._sights: dict[tuple[int, Hashable], tuple[int, Space]] = {}
        self._written = ""
        self._words = Vocabulary(
            expand=space.contexts.default.expand, short=space.contexts.default.compact, tenant=space.tenant,
            area=self._area, below=self._below, owner=OWNER, classification=CLASSIFICATION,
        )  # fmt: skip

    # what policies know -------------------------------------------------------------------------------------

    def policies(self) -> Policies:
        """The policies as they are, about everyone who was seen."""
        now = self._clock()
        if abs(now - self._looked_at) > _LOOK:
            self._looked_at = now
            version, text = self._text()
            if version != self._version:
                Policies(text, (), self._words)  # refuses what could not be looked for
                self._version, self._policies, self._written = version, None, text
                self._spaces.clear()
        if abs(now - self._counted_at) > _DEPARTMENTS:
            self._counted_at = now
            known = departments_of(self.space)
            if known != self._departments:
                self._departments, self._policies = known, None
                self._spaces.clear()
        if self._policies is None:
            subjects = (*self._subjects.values(), *principals.departments(self._departments))
            self._policies = Policies(self._written, subjects)
            self._sights.clear()
        return self._policies

    def subject(self, principal: Principal) -> Uid:
        """The principal as policies name it; one that is new or has changed makes the tables anew."""
        made = subject_of(principal)
        if self._subjects.get(made.uid) != made:
            self._subjects[made.uid] = made
            self._policies = None
        return made.uid

    def _area(self, name: str) -> BaseGeometry:
        """An area by its id: the geometry of an entity of the city. In one that is not there lies nothing."""
        found = self.space.store.entity(name, (LOCATION,)) if name.startswith("urn:") else None
        if found is None or LOCATION not in found.attributes:
            return _NOWHERE
        made: BaseGeometry = shapely.from_geojson(orjson.dumps(found.attributes[LOCATION][0].value))
        return made

    def _below(self, department: Uid) -> frozenset[str]:
        return frozenset(one.id for one in self.policies().table.entities.below(department))

    # decisions ----------------------------------------------------------------------------------------------

    def may(self, principal: Principal, action: str, around: Circumstances) -> bool:
        """Whether there is anything on which a principal may take an action; of acts on the tenant, whether it may."""
        uid = self.subject(principal)
        policies = self.policies()
        if action in ON_ENTITIES:
            return policies.may_ever(uid, action)
        return policies.allows(uid, action, principals.tenant(self.space.tenant), self._context(around))

    def actions(self, principal: Principal, around: Circumstances) -> list[str]:
        """What a principal may do, for pages."""
        within = principal.within
        return [
            action
            for action in ACTIONS
            if action != PUBLIC and (within is None or action in within) and self.may(principal, action, around)
        ]

    def sight(self, principal: Principal, action: str, around: Circumstances) -> Space:
        """The tenant as far as a principal may see it, or write to it, with an action; shared by all of one class."""
        if action not in ON_ENTITIES:
            return self.space
        uid = self.subject(principal)
        policies = self.policies()
        row = policies.table.row(uid, principals.action(action))
        context = self._context(around) if row.asks_context else {}
        timely = values.key(dict(context)) if context else None
        known = self._sights.get((id(row), timely))
        if known is None or known[0] < self._clock():
            found = self._sight(uid, action, context, timely)
            known = self._sights[id(row), timely] = self._clock() + _AREAS, found
        return known[1]

    def _sight(self, uid: Uid, action: str, context: Mapping[str, Value], timely: Hashable) -> Space:
        policies = self.policies()
        row = policies.table.row(uid, principals.action(action))
        where = policies.filter(uid, action, context, self._words)
        mask = policies.mask(uid, action, context, self._words)
        key = (policies.table.class_of(uid), action, where, timely)
        found = self._spaces.get(key)
        if found is None:
            plain = where == EVERYTHING and not any(_tells_apart(rule.rest) for rule in row.rules)
            found = self._spaces[key] = self.space if plain else veiled(self.space, Veil(where, mask.shows))
            while len(self._spaces) > _MOST_SPACES:
                self._spaces.popitem(last=False)
        self._spaces.move_to_end(key)
        return found

    def _context(self, around: Circumstances) -> Mapping[str, Value]:
        """What a request brings. The time is told to the minute, so that those who ask within one share a sight."""
        minute = self._clock() // MINUTE * MINUTE
        local = datetime.fromtimestamp(minute / SECOND, self._zone)
        context: dict[str, Value] = {
            "now": values.Datetime(minute // 1000), "hour": local.hour, "weekday": local.isoweekday(),
            "purpose": around.purpose,
        }  # fmt: skip
        with contextlib.suppress(values.Failed):
            context["network"] = values.ip(around.network)
        return context


def _tells_apart(expr: Expr) -> bool:
    """Whether it looks at more of a resource than whose it is: at which entity, or which attribute."""
    for one in walk(expr):
        match one:
            case Attr(Var("resource"), _) | Has(Var("resource"), _) | Like(Var("resource"), _):
                return True
            case Is(Var("resource"), type_) if type_ != "System":
                return True
            case Binary(_, left, right) if Var("resource") in (left, right):
                if not (isinstance(right, Lit) and isinstance(right.value, Uid) and right.value.type == "Tenant"):
                    return True
    return False


@lru_cache(maxsize=65_536)
def subject_of(principal: Principal) -> Entity:
    """A principal as policies see it. Programs of one name that may do different things are told apart."""
    if principal.kind == "Guest":
        return principals.guest(principal.tenant)
    name = principal.name
    if principal.kind != "Person":
        name = f"{name}#{','.join(principal.roles)}#{','.join(principal.departments)}"
        if principal.entities is not None:
            name += "#" + hashlib.sha256("\n".join(sorted(principal.entities)).encode()).hexdigest()[:16]
    made = principals.principal(
        name, principal.tenant, principal.roles, kind=principal.kind, entities=principal.entities,
        department=principal.departments[0] if principal.departments else None,
    )  # fmt: skip
    others = frozenset(Uid("Department", one) for one in principal.departments[1:])
    return Entity(made.uid, {**made.attributes, "name": principal.name}, made.parents | others)


def departments_of(space: Space) -> dict[str, str | None]:
    """The departments of a city, each with the one above it: its organisations that are part of others."""
    expand = space.contexts.default.expand
    parent = expand(_PARENT)
    found: dict[str, str | None] = {}
    with space.store.state.lock:
        for table in space.store.state.tables_of([expand(_ORGANISATION)]):
            for cells in table.cells(parent):
                rows = np.flatnonzero((cells.form > 0) & table.alive)
                above = cells.text.take(rows).list()
                found |= dict(zip(table.directory.names(table.entity[rows]), above, strict=True))
    for one in [above for above in found.values() if above is not None]:
        found.setdefault(one, None)
    return found
