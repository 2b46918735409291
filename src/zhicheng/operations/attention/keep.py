"""Matters and their entities: what is new is opened, what changed is written, what is over is closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from zhicheng.compute.terms import iri
from zhicheng.hub.intake import Intake, Origin
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Conflict, NotFound
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.operations.attention import matter as m
from zhicheng.operations.attention.matter import INTERNAL, Matter, item_id, item_of
from zhicheng.standards.filter.tree import Compare, Not, Operand, Path, Type, all_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind

_MOST = 2000
_REWORDED = 5 * MINUTE
"""A reason whose figures move is written anew no more often."""
LINGER = {"vital": 5 * MINUTE}
"""By kind: for how long a matter must be gone before it is over; half a minute for others."""
_OPEN = all_of((Type(iri(m.ITEM)), Not(Compare(Path(iri(m.STATUS)), "==", Operand("text", "closed")))))
_ORIGIN = Origin("platform", "attention", classification=INTERNAL)


@dataclass
class Attention:
    """The list of a tenant. gone: since when matters that are kept are not found any more."""

    intake: Intake
    query: Query
    gone: dict[str, int] = field(default_factory=dict)

    def items(self, *, closed: bool = False) -> dict[str, Entity]:
        """What is on the list, by id; `closed`: what was, too."""
        where = Type(iri(m.ITEM)) if closed else _OPEN
        page = self.query.select(EntityQuery(where, limit=_MOST))
        return {entity.id: entity for entity in page.entities}

    async def keep(self, found: Iterable[Matter], now: int) -> None:
        """Bring the list in line with what is found."""
        matters = {item_id(matter.key): matter for matter in found}
        items = self.items()
        fresh, changed = [], []
        for identifier, matter in matters.items():
            self.gone.pop(identifier, None)
            item = items.get(identifier)
            if item is None:
                fresh.append(item_of(matter, instants.format(matter.since or now)))
            elif (part := _changed(item, matter, now)) is not None:
                changed.append(part)
        changed += [one for identifier, item in items.items() if (one := self._over(item, identifier in matters, now))]
        if fresh:
            await self.intake.batch(fresh, _ORIGIN, "replace")
        if changed:
            await self.intake.batch(changed, _ORIGIN, "update")

    def _over(self, item: Entity, found: bool, now: int) -> Entity | None:
        if found:
            return None
        since = self.gone.setdefault(item.id, now)
        if now - since < LINGER.get(value(item, m.KIND), 30 * SECOND):
            return None
        del self.gone[item.id]
        return Entity(item.id, item.types, {iri(m.STATUS): m.said("closed")})

    async def acknowledge(self, identifier: str, person: str, note: str, now: int, origin: Origin) -> None:
        """A person has seen it: who, when and what they say. NotFound; Conflict where it is over already."""
        item = self.query.store.entity(identifier)
        if item is None or iri(m.ITEM) not in item.types:
            raise NotFound("There is no such matter", "没有该关注事项", id=identifier)
        if value(item, m.STATUS) == "closed":
            raise Conflict("This matter is over already", "该事项已经结束", id=identifier)
        attributes = {
            iri(m.STATUS): m.said("acknowledged"),
            iri(m.BY): m.said(person),
            iri(m.WHEN): m.said(instants.format(now)),
            iri(m.REMARK): m.said(note),
        }
        await self.intake.append(Entity(identifier, (), attributes), origin)


def value(item: Entity, name: str) -> str:
    """A text of an item; "" for none."""
    found = next((one.value for one in item.attributes.get(iri(name), ())), "")
    return found if isinstance(found, str) else ""


def _changed(item: Entity, matter: Matter, now: int) -> Entity | None:
    """What is different about a matter that is on the list."""
    attributes: dict[str, list[Attribute]] = {}
    worse = value(item, m.SEVERITY) != matter.severity
    if worse:
        attributes[iri(m.SEVERITY)] = m.said(matter.severity)
    stood = next(iter(item.attributes.get(iri(m.REASON), ())), None)
    words = {"zh": matter.reason.zh, "en": matter.reason.en}
    old = stood is None or now - (stood.modified_at or 0) > _REWORDED
    if (stood is None or stood.value != words) and (old or worse):
        attributes[iri(m.REASON)] = m.texts(matter.reason)
        if matter.concerns:
            attributes[iri(m.CONCERNS)] = [Attribute(Kind.RELATIONSHIP, list(matter.concerns))]
    return Entity(item.id, item.types, attributes) if attributes else None
