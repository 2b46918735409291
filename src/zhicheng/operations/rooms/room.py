"""Rooms as entities: opened, led, looked at, marked, noted, closed. Every change is a change of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from zhicheng.compute.terms import iri
from zhicheng.hub.intake import Intake, Origin
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.kernel import urn
from zhicheng.kernel.errors import Conflict, Forbidden, NotFound
from zhicheng.operations.rooms import words
from zhicheng.standards.filter.tree import Compare, Operand, Path, Type, all_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import LOCATION

ROOM, MARK, NOTE = "DecisionRoom", "RoomMark", "RoomNote"
STATUS, VIEW, PRESENTER, BY, IN, COLOUR, REMARK = (
    "status", "sharedView", "presenter", "writtenBy", "inRoom", "markColour", "remark",
)  # fmt: skip
MOST_ROOMS, MOST_MARKS, MOST_NOTES = 200, 500, 2000
_DEFAULT_COLOUR = "#d9480f"


def room_id(key: str) -> str:
    """The entity of a room.

    >>> room_id("k3f9")
    'urn:ngsi-ld:DecisionRoom:k3f9'
    """
    return urn.make(ROOM, key)


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts in a room, as others see them; `origin` says who that is for the log."""

    name: str
    origin: Origin
    chief: bool = False


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms of a tenant. draw: gives a new short key."""

    intake: Intake
    query: Query
    draw: Callable[[], str]

    # looking

    def all(self) -> list[Entity]:
        """Every room, the newest first."""
        rooms = self.query.select(EntityQuery(Type(iri(ROOM)), limit=10 * MOST_ROOMS)).entities
        return sorted(rooms, key=lambda room: -(room.created_at or 0))

    def room(self, key: str) -> Entity:
        """A room; NotFound."""
        found = self.query.store.entity(room_id(key))
        if found is None or iri(ROOM) not in found.types:
            raise NotFound("There is no such room", "没有该研讨室", room=key[:80])
        return found

    def marks(self, key: str) -> list[Entity]:
        """A room's marks, in the order in which they were made; those that were taken down too."""
        return self._inside(MARK, key)

    def notes(self, key: str) -> list[Entity]:
        """A room's notes, in order."""
        return self._inside(NOTE, key)

    def _inside(self, kind: str, key: str) -> list[Entity]:
        where = all_of((Type(iri(kind)), Compare(Path(iri(IN)), "==", Operand("text", room_id(key)))))
        found = self.query.select(EntityQuery(where, limit=10 * MOST_NOTES)).entities
        return sorted(found, key=lambda one: (one.created_at or 0, one.id))

    # taking part

    async def open(self, name: str, view: Mapping[str, Json], person: Person) -> str:
        """A new room, led by who opens it; gives its key."""
        if len([room for room in self.all() if text_of(room, STATUS) == "open"]) >= MOST_ROOMS:
            raise Conflict(f"There are {MOST_ROOMS} open rooms; close one first", f"已有 {MOST_ROOMS} 个进行中的研讨室")
        key = self.draw()
        attributes = {
            iri("name"): _said(name), iri(STATUS): _said("open"), iri(VIEW): _said(dict(view)),
            iri(PRESENTER): _said(person.name), iri(BY): _said(person.name),
        }  # fmt: skip
        await self.intake.create(Entity(room_id(key), (iri(ROOM),), attributes), person.origin)
        return key

    async def look(self, key: str, view: Mapping[str, Json], person: Person) -> None:
        """The presenter shows something else."""
        room = self._at_work(key)
        if text_of(room, PRESENTER) != person.name:
            raise Forbidden("Only the presenter moves the shared view", "只有主讲人可以移动共享视图")
        await self._set(room.id, {iri(VIEW): _said(dict(view))}, person)

    async def lead(self, key: str, person: Person, present: Sequence[str]) -> None:
        """Become the presenter, where there is none or who was is not there any more."""
        room = self._at_work(key)
        presenter = text_of(room, PRESENTER)
        if presenter == person.name:
            return
        if presenter and presenter in present and not person.chief:
            raise Conflict(f"{presenter} is presenting", f"{presenter} 正在主讲", presenter=presenter)
        await self._set(room.id, {iri(PRESENTER): _said(person.name)}, person)

    async def yield_lead(self, key: str, person: Person) -> None:
        """Present no more."""
        room = self._at_work(key)
        if text_of(room, PRESENTER) == person.name:
            await self._set(room.id, {iri(PRESENTER): _said("")}, person)

    async def mark(self, key: str, document: Mapping[str, object], person: Person) -> str:
        """Draw a point, line or area with or without a text; gives its id."""
        room = self._at_work(key)
        if len([one for one in self.marks(key) if text_of(one, STATUS) != "removed"]) >= MOST_MARKS:
            raise Conflict(f"A room holds {MOST_MARKS} marks", f"研讨室最多 {MOST_MARKS} 个标注")
        attributes = {
            iri(IN): [Attribute(Kind.RELATIONSHIP, room.id)],
            iri(STATUS): _said("drawn"),
            LOCATION: [Attribute(Kind.GEO, words.shape(document.get("location")))],
            iri(COLOUR): _said(words.colour(document.get("colour", _DEFAULT_COLOUR))),
            iri(REMARK): _said(words.text(document.get("text", ""), "text", words.LONGEST_MARK, empty=True)),
            iri(BY): _said(person.name),
        }
        identifier = urn.make(MARK, key, self.draw())
        await self.intake.create(Entity(identifier, (iri(MARK),), attributes), person.origin)
        return identifier

    async def unmark(self, key: str, identifier: str, person: Person) -> None:
        """Take a mark down; the record keeps it."""
        self._at_work(key)
        found = self.query.store.entity(identifier)
        if found is None or text_of(found, IN) != room_id(key):
            raise NotFound("There is no such mark in the room", "研讨室中没有该标注")
        await self._set(identifier, {iri(STATUS): _said("removed")}, person)

    async def note(self, key: str, text: str, person: Person) -> str:
        """Say something that stays; gives its id."""
        room = self._at_work(key)
        if len(self.notes(key)) >= MOST_NOTES:
            raise Conflict(f"A room holds {MOST_NOTES} notes", f"研讨室最多 {MOST_NOTES} 条记录")
        attributes = {
            iri(IN): [Attribute(Kind.RELATIONSHIP, room.id)],
            iri(REMARK): _said(text),
            iri(BY): _said(person.name),
        }
        identifier = urn.make(NOTE, key, self.draw())
        await self.intake.create(Entity(identifier, (iri(NOTE),), attributes), person.origin)
        return identifier

    async def close(self, key: str, person: Person) -> None:
        """End it; it stays readable. By who opened it, its presenter, or an administrator."""
        room = self._at_work(key)
        if not person.chief and person.name not in (text_of(room, BY), text_of(room, PRESENTER)):
            raise Forbidden("Who opened the room, or presents, closes it", "由发起人或主讲人结束研讨")
        await self._set(room.id, {iri(STATUS): _said("closed")}, person)

    def _at_work(self, key: str) -> Entity:
        room = self.room(key)
        if text_of(room, STATUS) != "open":
            raise Conflict("This room is closed; it can be read", "该研讨室已结束，只可查看", room=key)
        return room

    async def _set(self, identifier: str, attributes: dict[str, list[Attribute]], person: Person) -> None:
        await self.intake.append(Entity(identifier, (), attributes), person.origin)


def _said(value: Json) -> list[Attribute]:
    return [Attribute(Kind.JSON if isinstance(value, dict) else Kind.PROPERTY, value)]


def value_of(entity: Entity, name: str) -> Json:
    """The value of an attribute; None for nothing."""
    return next((one.value for one in entity.attributes.get(iri(name), ())), None)


def text_of(entity: Entity, name: str) -> str:
    """The text of an attribute; "" for nothing."""
    found = value_of(entity, name)
    return found if isinstance(found, str) else ""
