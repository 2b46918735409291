"""One object, all departments (B25): everything known about one place, thing, line or building, by whom and since when;
what it is linked with, and what lies within or around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from zhicheng.hub.registers import fragments
from zhicheng.hub.registers.fragments import Described
from zhicheng.hub.registers.links import referring
from zhicheng.hub.registers.surroundings import within, zone
from zhicheng.hub.shown import shown_of
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Language, NotFound
from zhicheng.security.actions import Named
from zhicheng.server.centre import Centres
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals import view
from zhicheng.server.portals.asked import count_of, language_for
from zhicheng.server.portals.lines import entity_line, entity_lines, ids_of
from zhicheng.server.portals.named import Json, attribute_named, owners_named, source_named, type_named
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.live import State

_METRES, _MOST_METRES = 200, 5000
_SAMPLES = 5
_PAGE, _MOST = 50, 1000
_RELATIONS = (Kind.RELATIONSHIP, Kind.LIST_RELATIONSHIP)


class Objects:
    """The handlers, over the figures of each tenant."""

    def __init__(self, centres: Centres) -> None:
        self.centres = centres

    async def one(self, request: Request) -> Answer:
        """GET /api/v1/objects/{id}."""
        space, language = request.space, language_for(request)
        identifier = request.path["id"]
        metres = count_of(request.query(), "metres", _METRES, _MOST_METRES)
        space.query.entity(identifier)  # NotFound
        found = await self.centres.of(space).described()
        return json_answer(await asyncio.to_thread(_document, request, identifier, found, metres, language))

    async def around(self, request: Request) -> Answer:
        """GET /api/v1/objects/{id}/around: entities of a type within or around it."""
        query, space, language = request.query(), request.space, language_for(request)
        entity = space.query.entity(request.path["id"])
        kind = query.get("type")
        iri = space.contexts.default.expand(kind) if kind else None
        limit, offset = count_of(query, "limit", _PAGE, _MOST), count_of(query, "offset", 0, 10**9, 0)
        metres = count_of(query, "metres", _METRES, _MOST_METRES)
        ids = await asyncio.to_thread(_around_ids, space, entity, metres, iri)
        page = ids[offset : offset + limit]
        return json_answer({"total": len(ids), "entities": entity_lines(space, page, language)})

    async def referring(self, request: Request) -> Answer:
        """GET /api/v1/objects/{id}/referring: entities that name it by an attribute."""
        query, space, language = request.query(), request.space, language_for(request)
        identifier = request.path["id"]
        space.query.entity(identifier)
        wanted = space.contexts.default.expand(query["attribute"]) if query.get("attribute") else None
        limit, offset = count_of(query, "limit", _PAGE, _MOST), count_of(query, "offset", 0, 10**9, 0)
        ids = await asyncio.to_thread(_referring_ids, space.store.state, identifier, wanted)
        return json_answer({"total": len(ids), "entities": entity_lines(space, ids[offset : offset + limit], language)})


# one object -----------------------------------------------------------------------------------------------------------


def _document(request: Request, identifier: str, found: Described, metres: int, language: Language) -> Json:
    space, city = request.space, request.city
    entity = space.query.entity(identifier)
    code = space.store.state.directory.index[identifier]
    ids = [one for one in ids_of(space, fragments.members(found, code)) if one != identifier]
    records = [entity, *space.query.entities(ids).values()]
    now, stale = city.now(), city.stale_in(space)
    return {
        **entity_line(space, entity, language),
        "types": [type_named(space, name) for name in entity.types],
        "created_at": None if entity.created_at is None else instants.format(entity.created_at),
        "geometry": _geometry(space, entity),
        "records": [
            {**entity_line(space, one, language), "departments": sorted(_owners(one)), "linked": one is not entity}
            for one in records
        ],
        "departments": _departments(request, records, now, stale, language),
        "links": _links(space, records, language),
        "referring": _referring(space, records, language),
        "around": _around(space, entity, metres, language),
    }


def _owners(entity: Entity) -> set[str]:
    return {one.owner for instances in entity.attributes.values() for one in instances if one.owner}


def _geometry(space: Space, entity: Entity) -> object:
    shown = shown_of(space.models, entity.types).location
    instances = entity.attributes.get(shown) or [
        one for own in entity.attributes.values() for one in own if one.kind is Kind.GEO
    ]
    return instances[0].value if instances else None


def _departments(
    request: Request, records: list[Entity], now: int, stale: frozenset[str], language: Language
) -> list[Json]:
    """What each department says, of all records together; values that others contradict are marked."""
    space = request.space
    says: dict[tuple[str, str], list[Json]] = {}
    values: dict[str, dict[str, set[str]]] = {}
    for entity in records:
        document = view.entity_document(space, entity, now, language, entity.source in stale)
        listed = document["attributes"]
        for one in listed if isinstance(listed, list) else []:
            by = (one["owner"] or "", "" if one["owner"] else _maker(one["source"]))
            row = {**one, "entity": entity.id, "stale": one["source"] in stale}
            says.setdefault(by, []).append(row)
            values.setdefault(one["iri"], {}).setdefault("|".join(by), set()).add(str(one["value"]))
    differing = {
        name for name, own in values.items() if len(own) > 1 and len({tuple(sorted(said)) for said in own.values()}) > 1
    }
    names = owners_named(space, {owner for owner, _ in says}, language)
    made: list[Json] = []
    for (owner, source), rows in sorted(says.items(), key=lambda item: (not item[0][0], -len(item[1]))):
        for row in rows:
            row["differs"] = row["iri"] in differing and row["iri"] != _identity(space)
        label = names[owner] if owner or not source else str(source_named(request, source)[f"label_{language}"])
        made.append({"id": owner or None, "source": source or None, "label": label, "attributes": rows})
    return made


def _maker(source: object) -> str:
    """The application that made a value nobody owns; "" for everything else."""
    return source if isinstance(source, str) and source.startswith("app:") else ""


def _identity(space: Space) -> str:
    return space.contexts.default.expand("sameAs")


def _links(space: Space, records: list[Entity], language: Language) -> list[Json]:
    """Entities that the records name, by attribute."""
    named: list[tuple[str, str]] = []
    for entity in records:
        for name, instances in entity.attributes.items():
            for one in instances:
                named += [(name, target) for target in _targets(one)]
    known = space.query.entities([target for _, target in named])
    made = []
    for name, target in dict.fromkeys(named):
        line = entity_line(space, known[target], language) if target in known else {"id": target, "label": None}
        made.append({"attribute": attribute_named(space, name), "known": target in known, **line})
    return made


def _targets(instance: Attribute) -> list[str]:
    if instance.kind not in _RELATIONS:
        return []
    values = instance.value if isinstance(instance.value, list) else [instance.value]
    return [one for one in values if isinstance(one, str)]


def _referring(space: Space, records: Iterable[Entity], language: Language) -> list[Json]:
    """Entities that name one of the records, by attribute and type: how many, and the first of them."""
    made: list[Json] = []
    state = space.store.state
    for entity in records:
        with state.lock:
            groups = [
                (one.attribute, one.table.types, one.table.directory.names(one.table.entity[one.rows]))
                for one in referring(state, entity.id)
            ]
        for attribute, types, ids in groups:
            short = space.contexts.default.compact(attribute)
            address = f"/api/v1/objects/{quote(entity.id, safe='')}/referring?{urlencode({'attribute': short})}"
            made.append(
                {
                    "attribute": attribute_named(space, attribute),
                    "type": type_named(space, types[0]) if types else None,
                    "to": entity.id,
                    "value": len(ids),
                    "list": address,
                    "samples": entity_lines(space, list(ids)[:_SAMPLES], language),
                }
            )
    return sorted(made, key=lambda one: str(one["attribute"]))


def _referring_ids(state: State, identifier: str, attribute: str | None) -> list[str]:
    with state.lock:
        return [
            name
            for one in referring(state, identifier)
            if attribute is None or one.attribute == attribute
            for name in one.table.directory.names(one.table.entity[one.rows])
        ]


def _locations(space: Space, state: State) -> dict[int, str]:
    return {number: shown_of(space.models, table.types).location for number, table in enumerate(state.tables)}


def _around(space: Space, entity: Entity, metres: int, language: Language) -> Json | None:
    """What lies within an area, or so near a place or line, by type."""
    found = zone(_geometry(space, entity), metres)  # type: ignore[arg-type]  # a geometry is JSON
    if found is None:
        return None
    state = space.store.state
    counts: dict[str, list[str]] = {}
    with state.lock:
        for table, rows in within(state, found[0], _locations(space, state)):
            ids = [one for one in table.directory.names(table.entity[rows]) if one != entity.id]
            for name in table.types[:1]:
                counts.setdefault(name, []).extend(ids)
    address = f"/api/v1/objects/{quote(entity.id, safe='')}/around"
    return {
        "area": found[1],
        "metres": None if found[1] else metres,
        "types": [
            {
                **type_named(space, name),
                "value": len(ids),
                "list": f"{address}?{urlencode({'type': space.contexts.default.compact(name), 'metres': metres})}",
                "samples": entity_lines(space, ids[:_SAMPLES], language),
            }
            for name, ids in sorted(counts.items(), key=lambda item: -len(item[1]))
            if ids
        ],
    }


def _around_ids(space: Space, entity: Entity, metres: int, type_: str | None) -> list[str]:
    found = zone(_geometry(space, entity), metres)  # type: ignore[arg-type]  # a geometry is JSON
    if found is None:
        raise NotFound(f"{entity.id} has no place", f"{entity.id} 没有位置", id=entity.id)
    state = space.store.state
    with state.lock:
        return [
            one
            for table, rows in within(state, found[0], _locations(space, state))
            if type_ is None or table.types[:1] == (type_,)
            for one in table.directory.names(table.entity[rows])
            if one != entity.id
        ]


_ANSWER = Response(200, "The answer", "结果", {})
_LANG = Parameter("lang", "zh or en", "zh 或 en")
_NUMBER = {"type": "integer", "minimum": 1}
_TYPE = Parameter("type", "Of this type", "类型")
_LIMIT = Parameter("limit", "At most so many", "最多条数", _NUMBER)
_OFFSET = Parameter("offset", "After so many", "跳过条数", {"type": "integer", "minimum": 0})
_WIDE = Parameter("metres", "How near, around places and lines", "点与线周边的距离（米）", _NUMBER)


def object_routes(centres: Centres) -> tuple[Route, ...]:
    """All of them."""
    own = Objects(centres)
    return (
        Route("GET", "/api/v1/objects/{id}", "entities:read", own.one,
              Named("全息档案：一个对象，所有部门", "One object, all departments"), (_WIDE, _LANG), None, (_ANSWER,)),
        Route("GET", "/api/v1/objects/{id}/around", "entities:read", own.around,
              Named("对象之内或周边", "What lies within or around an object"),
              (_TYPE, _WIDE, _LIMIT, _OFFSET, _LANG), None, (_ANSWER,)),
        Route("GET", "/api/v1/objects/{id}/referring", "entities:read", own.referring,
              Named("指向对象的实体", "Entities that name an object"),
              (Parameter("attribute", "By this attribute", "属性"), _LIMIT, _OFFSET, _LANG), None, (_ANSWER,)),
    )  # fmt: skip
