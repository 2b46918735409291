"""Decision rooms (研讨), /api/v1/rooms: people look at one map together. What stays is in the log; presence is not."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from zhicheng.compute.terms import iri
from zhicheng.hub.intake import Origin
from zhicheng.hub.temporal import Window
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.operations.rooms import room as r
from zhicheng.operations.rooms import words
from zhicheng.operations.rooms.presence import Here, Presence
from zhicheng.operations.rooms.room import Person, Rooms, room_id, text_of, value_of
from zhicheng.security.actions import Named
from zhicheng.server.http import JSON, NO_CONTENT, Answer, json_answer
from zhicheng.server.request import Request
from zhicheng.server.routes import Body, Handler, Parameter, Response, Route
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.standards.ngsild.names import LOCATION

_Handler = Callable[[Request, "Desk"], Awaitable[Answer]]
_AT = "/api/v1/rooms"
_LONGEST_WAIT = 15.0
_LONGEST_PERSON = 40
_LARGEST = 65_536
"""Bytes of the largest request."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The rooms of one tenant and who is in them."""

    rooms: Rooms
    presence: Presence


class Desks:
    """A desk for each tenant, made when it is first asked for."""

    def __init__(self) -> None:
        self._desks: dict[str, Desk] = {}

    def of(self, request: Request) -> Desk:
        """The desk of a request's tenant."""
        space = request.space
        found = self._desks.get(space.tenant)
        if found is None:
            presence = Presence(request.city.clock)
            space.store.listen(presence.listener())
            found = Desk(Rooms(space.intake, space.query, lambda: secrets.token_hex(4)), presence)
            self._desks[space.tenant] = found
        return found


def room_routes() -> tuple[Route, ...]:
    """All of them, for one server."""
    desks = Desks()
    return tuple(
        Route(method, _AT + path, action, _with(desks, handler), named, parameters, body, (_ANSWER,), _LARGEST)
        for method, path, action, handler, named, parameters, body in _TABLE
    )


def _with(desks: Desks, handler: _Handler) -> Handler:
    async def handled(request: Request) -> Answer:
        return await handler(request, desks.of(request))

    return handled


def _person(request: Request, said: object) -> Person:
    """Who acts. With a credential the name is its own; a city open to all takes the name that a person gives."""
    principal = request.principal
    name = request.name
    if principal is request.city.guest and said is not None:
        name = words.text(said, "as", _LONGEST_PERSON)
    chief = principal is not None and "admin" in principal.roles and principal is not request.city.guest
    return Person(name, Origin(request.name, "rooms"), chief)


async def _asked(request: Request, desk: Desk) -> tuple[dict[str, object], Person]:
    """The body of a change and who makes it."""
    body = await request.json(JSON)
    if not isinstance(body, dict):
        raise Invalid("The body is an object", "正文应为对象")
    person = _person(request, body.get("as"))
    desk.presence.count_write(f"{request.name}/{person.name}")
    return body, person


# looking


async def listed(request: Request, desk: Desk) -> Answer:
    """GET /api/v1/rooms."""
    rooms = await asyncio.to_thread(desk.rooms.all)
    return json_answer([_room(one) | {"people": len(desk.presence.people(_key(one)))} for one in rooms])


async def read(request: Request, desk: Desk) -> Answer:
    """GET /api/v1/rooms/{key}: what changed after `position`, once there is news; all of it without one."""
    key, query = request.path["key"], request.query()
    desk.rooms.room(key)
    turn, since = _count(query.get("turn", "-1")), _count(query.get("position", "0"))
    wait = min(_LONGEST_WAIT, max(0, _count(query.get("wait", "0"))))
    turn = await desk.presence.news(key, turn, wait)
    room, marks, notes = await asyncio.to_thread(_contents, desk.rooms, key)
    changed = [one.version for one in (room, *marks, *notes)]
    return json_answer(
        {
            "turn": turn,
            "position": max(changed),
            "me": _person(request, query.get("as")).name,
            "room": _room(room),
            "marks": [_mark(one) for one in marks if one.version > since],
            "notes": [_note(one) for one in notes if one.version > since],
            "people": [_here(session, one) for session, one in desk.presence.people(key).items()],
        }
    )


def _contents(rooms: Rooms, key: str) -> tuple[Entity, list[Entity], list[Entity]]:
    return rooms.room(key), rooms.marks(key), rooms.notes(key)


def _count(text: str) -> int:
    try:
        return int(text[:18])
    except ValueError:
        raise Invalid("turn, position and wait are whole numbers", "turn、position 和 wait 应为整数") from None


async def record(request: Request, desk: Desk) -> Answer:
    """GET /api/v1/rooms/{key}/record: all that was shown, drawn and said, with who and when."""
    key = request.path["key"]
    room, marks, notes = await asyncio.to_thread(_contents, desk.rooms, key)
    events = await asyncio.to_thread(_events, request.space, key)
    document = {
        "room": _room(room), "marks": [_mark(one) for one in marks], "notes": [_note(one) for one in notes],
        "events": events,
    }  # fmt: skip
    name = f'attachment; filename="room-{key}.json"'.encode()
    return json_answer(document, headers=((b"content-disposition", name),) if "download" in request.query() else ())


def _events(space: Space, key: str) -> list[dict[str, object]]:
    """What happened to the room itself: its state, its presenter, its views."""
    names = {iri(name): name for name in (r.STATUS, r.PRESENTER, r.VIEW)}
    series = space.temporal.series([room_id(key)], Window(tuple(names), time="createdAt"))
    batch = series.batch
    rows = zip(
        batch.changes.attribute.list(), batch.changes.text.list(), batch.recorded_at.tolist(), batch.principal.list(),
        strict=True,
    )  # fmt: skip
    found: list[dict[str, object]] = [
        {"what": names[name or ""], "value": text, "at": instants.format(at), "principal": principal}
        for name, text, at, principal in rows
    ]
    return sorted(found, key=lambda one: str(one["at"]))


# taking part


async def opened(request: Request, desk: Desk) -> Answer:
    """POST /api/v1/rooms."""
    body, person = await _asked(request, desk)
    name = words.text(body.get("name"), "name", words.LONGEST_NAME)
    key = await desk.rooms.open(name, words.view(body.get("view", {})), person)
    return json_answer(_room(desk.rooms.room(key)), 201)


async def viewed(request: Request, desk: Desk) -> Answer:
    """PUT /api/v1/rooms/{key}/view: the presenter shows something else."""
    body, person = await _asked(request, desk)
    await desk.rooms.look(request.path["key"], words.view(body.get("view")), person)
    return NO_CONTENT


async def led(request: Request, desk: Desk) -> Answer:
    """PUT /api/v1/rooms/{key}/presenter: present, or, with lead false, present no more."""
    body, person = await _asked(request, desk)
    key = request.path["key"]
    if body.get("lead", True):
        present = [one.name for one in desk.presence.people(key).values()]
        await desk.rooms.lead(key, person, present)
    else:
        await desk.rooms.yield_lead(key, person)
    return NO_CONTENT


async def marked(request: Request, desk: Desk) -> Answer:
    """POST /api/v1/rooms/{key}/marks."""
    body, person = await _asked(request, desk)
    return json_answer({"id": await desk.rooms.mark(request.path["key"], body, person)}, 201)


async def unmarked(request: Request, desk: Desk) -> Answer:
    """DELETE /api/v1/rooms/{key}/marks/{id}."""
    person = _person(request, request.query().get("as"))
    desk.presence.count_write(f"{request.name}/{person.name}")
    await desk.rooms.unmark(request.path["key"], request.path["id"], person)
    return NO_CONTENT


async def noted(request: Request, desk: Desk) -> Answer:
    """POST /api/v1/rooms/{key}/notes."""
    body, person = await _asked(request, desk)
    text = words.text(body.get("text"), "text", words.LONGEST_NOTE)
    return json_answer({"id": await desk.rooms.note(request.path["key"], text, person)}, 201)


async def closed(request: Request, desk: Desk) -> Answer:
    """POST /api/v1/rooms/{key}/close."""
    _, person = await _asked(request, desk)
    await desk.rooms.close(request.path["key"], person)
    return NO_CONTENT


async def here(request: Request, desk: Desk) -> Answer:
    """PUT /api/v1/rooms/{key}/people/{session}: who is there, and where they point; to be said again every 10 s."""
    body = await request.json(JSON)
    if not isinstance(body, dict):
        raise Invalid("The body is an object", "正文应为对象")
    key, session = request.path["key"], request.path["session"][:40]
    desk.rooms.room(key)
    person = _person(request, body.get("as"))
    if body.get("left"):
        desk.presence.leave(key, session)
        return NO_CONTENT
    cursor = body.get("cursor")
    at: tuple[float, float] | None = None
    if cursor is not None:
        point = words.shape({"type": "Point", "coordinates": cursor})["coordinates"]
        at = (float(point[0]), float(point[1]))  # type: ignore[index,arg-type]  # words.shape has looked at it
    desk.presence.here(key, session, person.name, at, following=body.get("following") is not False)
    return NO_CONTENT


# documents


def _key(room: Entity) -> str:
    return room.id.rpartition(":")[2]


def _when(instant: int | None) -> str | None:
    return None if instant is None else instants.format(instant)


def _room(room: Entity) -> dict[str, Json]:
    return {
        "key": _key(room),
        "id": room.id,
        "name": text_of(room, "name"),
        "status": text_of(room, r.STATUS),
        "view": value_of(room, r.VIEW),
        "presenter": text_of(room, r.PRESENTER) or None,
        "by": text_of(room, r.BY),
        "created_at": _when(room.created_at),
        "modified_at": _when(room.modified_at),
    }


def _mark(mark: Entity) -> dict[str, Json]:
    location = next((one.value for one in mark.attributes.get(LOCATION, ())), None)
    return {
        "id": mark.id,
        "status": text_of(mark, r.STATUS),
        "location": location,
        "colour": text_of(mark, r.COLOUR),
        "text": text_of(mark, r.REMARK),
        "by": text_of(mark, r.BY),
        "created_at": _when(mark.created_at),
    }


def _note(note: Entity) -> dict[str, Json]:
    return {
        "id": note.id,
        "text": text_of(note, r.REMARK),
        "by": text_of(note, r.BY),
        "created_at": _when(note.created_at),
    }


def _here(session: str, one: Here) -> dict[str, Json]:
    cursor: list[Json] | None = None if one.cursor is None else [*one.cursor]
    return {"session": session, "name": one.name, "cursor": cursor, "following": one.following}


_OBJECT: dict[str, object] = {"type": "object"}
_BODY = Body(_OBJECT, (JSON,))
_ANSWER = Response(200, "The answer", "结果", {})
_WHOLE = {"type": "integer"}
_AS = Parameter("as", "Who acts, in a city that is open to all", "操作人（仅用于开放模式）")
_NEWS = (
    Parameter("turn", "Of the last answer; with wait, to wait for news", "上次结果的 turn，配合 wait 等待更新", _WHOLE),
    Parameter("position", "Of the last answer; what is newer is told", "上次结果的 position，仅返回更新的内容", _WHOLE),
    _AS,
    Parameter("wait", "Seconds to wait for news, 15 at most", "等待秒数，最多 15", _WHOLE),
)  # fmt: skip
_TABLE: tuple[tuple[str, str, str, _Handler, Named, tuple[Parameter, ...], Body | None], ...] = (
    ("GET", "", "rooms:read", listed, Named("研讨室列表", "All rooms"), (), None),
    ("POST", "", "rooms:write", opened, Named("发起研讨", "Open a room"), (), _BODY),
    ("GET", "/{key}", "rooms:read", read, Named("研讨室", "A room, with news as they come"), _NEWS, None),
    ("GET", "/{key}/record", "rooms:read", record, Named("研讨记录", "The record of a room"),
     (Parameter("download", "1: as a file", "1 表示下载为文件"),), None),
    ("PUT", "/{key}/view", "rooms:write", viewed, Named("移动共享视图", "Move the shared view"), (), _BODY),
    ("PUT", "/{key}/presenter", "rooms:write", led, Named("主讲", "Present, or present no more"), (), _BODY),
    ("POST", "/{key}/marks", "rooms:write", marked, Named("标注", "Draw a mark"), (), _BODY),
    ("DELETE", "/{key}/marks/{id}", "rooms:write", unmarked, Named("撤下标注", "Take a mark down"), (_AS,), None),
    ("POST", "/{key}/notes", "rooms:write", noted, Named("发言", "Say something that stays"), (), _BODY),
    ("POST", "/{key}/close", "rooms:write", closed, Named("结束研讨", "Close a room"), (), _BODY),
    ("PUT", "/{key}/people/{session}", "rooms:read", here, Named("在场", "Be in a room"), (), _BODY),
)  # fmt: skip
