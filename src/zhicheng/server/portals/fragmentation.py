"""The fragmentation index (信息碎片化指数) over HTTP, the objects behind it, and records that may be the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import numpy as np

from zhicheng.analysis import linkage
from zhicheng.hub.registers import fragments
from zhicheng.hub.registers.fragments import Described
from zhicheng.kernel.errors import Invalid, Language
from zhicheng.security.actions import Named
from zhicheng.server.centre import Centre, Centres
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals import view
from zhicheng.server.portals.asked import count_of, language_for
from zhicheng.server.portals.lines import entity_lines, ids_of
from zhicheng.server.portals.named import Json, owners_named, type_named
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route
from zhicheng.server.space import Space

_PAGE, _MOST = 50, 1000
_STATES = ("all", "joined", "linked", "alone")
_MOST_COMPARED = 50_000
"""Records of a type among which candidates are looked for."""


class Fragmentation:
    """The handlers, over the figures of each tenant."""

    def __init__(self, centres: Centres) -> None:
        self.centres = centres

    async def index(self, request: Request) -> Answer:
        """GET /api/v1/fragmentation: the index, by type and pair of departments."""
        space, language = request.space, language_for(request)
        found = await self.centres.of(space).described()
        return json_answer(await asyncio.to_thread(_indices, space, found, language))

    async def listed(self, request: Request) -> Answer:
        """GET /api/v1/fragmentation/objects: the objects behind the index."""
        query, space, language = request.query(), request.space, language_for(request)
        state = query.get("state", "all")
        if state not in _STATES:
            raise Invalid(
                f"state is one of {', '.join(_STATES)}", f"state 应为 {'、'.join(_STATES)} 之一", parameter="state"
            )
        kind = space.contexts.default.expand(query["type"]) if query.get("type") else None
        pair = [query[name] for name in ("owner", "other") if query.get(name)]
        limit, offset = count_of(query, "limit", _PAGE, _MOST), count_of(query, "offset", 0, 10**9, 0)
        found = await self.centres.of(space).described()
        page, total = await asyncio.to_thread(fragments.objects, found, kind, pair, state, limit, offset)
        owners = owners_named(space, {owner for one in page for owner in one.owners}, language)
        made = [
            {
                "records": entity_lines(space, ids_of(space, one.records), language),
                "departments": [{"id": owner, "label": owners[owner]} for owner in one.owners],
            }
            for one in page
        ]
        return json_answer({"total": total, "objects": made})

    async def candidates(self, request: Request) -> Answer:
        """GET /api/v1/fragmentation/candidates: records that may be the same, by place and name; people decide."""
        query, space, language = request.query(), request.space, language_for(request)
        if not query.get("type"):
            raise Invalid("Say which type", "请指定类型", parameter="type")
        iri = space.contexts.default.expand(query["type"])
        limit = count_of(query, "limit", _PAGE, _MOST)
        centre = self.centres.of(space)
        found = await centre.described()
        return json_answer(await asyncio.to_thread(_candidates, centre, found, iri, limit, language))


def _indices(space: Space, found: Described, language: Language) -> Json:
    owners = owners_named(space, found.owners, language)
    return {
        "position": found.position,
        **_index(space, fragments.index(found), owners),
        "types": [
            {**type_named(space, name), **_index(space, fragments.index(found, name), owners)}
            for name in fragments.types_of(found)
        ],
    }


def _index(space: Space, one: fragments.Index, owners: Mapping[str, str]) -> Json:
    kind = {"type": space.contexts.default.compact(one.type)} if one.type else {}

    def figure(value: int, **asked: str) -> Json:
        return {"value": value, "list": f"/api/v1/fragmentation/objects?{urlencode({**kind, **asked})}"}

    return {
        "index": None if one.share is None else round(one.share, 4),
        "objects": figure(one.objects, state="all"),
        "joined": figure(one.joined, state="joined"),
        "linked": figure(one.linked, state="linked"),
        "alone": figure(one.objects - one.joined, state="alone"),
        "pairs": [
            {
                "departments": [{"id": name, "label": owners.get(name, name)} for name in pair],
                **figure(count, state="joined", owner=pair[0], other=pair[1]),
            }
            for pair, count in one.pairs.items()
        ],
    }


def _candidates(centre: Centre, found: Described, iri: str, limit: int, language: Language) -> Json:
    """Pairs of records of a type that may be the same object."""
    space = centre.space
    state = space.store.state
    owner_of = dict(zip(found.entity.tolist(), found.owner.tolist(), strict=True))
    codes: list[int] = []
    names: list[str | None] = []
    places: list[tuple[float, float]] = []
    with state.lock:
        for table in state.tables_of([iri]):
            rows = np.flatnonzero(table.alive)
            cells = view.located(space, table)
            if cells is None or not len(rows):
                continue
            west, south, east, north = (side[rows] for side in cells.bounds())
            codes += table.entity[rows].tolist()
            names += view.labels_at(space, table, rows).list()
            places += zip(((west + east) / 2).tolist(), ((south + north) / 2).tolist(), strict=True)
    if len(codes) > _MOST_COMPARED:
        raise Invalid(
            f"There are {len(codes)} records of this type; candidates are looked for among {_MOST_COMPARED}",
            f"该类型有 {len(codes)} 条记录；最多在 {_MOST_COMPARED} 条中查找候选",
        )
    lon, lat = np.array(places, np.float64).reshape(-1, 2).T
    owner = np.array([owner_of.get(code, -1) for code in codes], np.int64)
    group = np.array([found.group[code] if code < len(found.group) else -code for code in codes], np.int64)
    pairs = linkage.candidates(lon, lat, names, owner, group)
    ids = ids_of(space, codes)
    known = owners_named(space, found.owners, language)
    made = []
    for left, right, metres, alike in zip(
        pairs.left[:limit].tolist(), pairs.right[:limit].tolist(), pairs.metres.tolist(), pairs.likeness.tolist(),
        strict=False,
    ):  # fmt: skip
        made.append(
            {
                "records": entity_lines(space, [ids[left], ids[right]], language),
                "departments": [
                    {"id": found.owners[one], "label": known[found.owners[one]]} if one >= 0 else None
                    for one in (int(owner[left]), int(owner[right]))
                ],
                "metres": round(metres, 1),
                "likeness": round(alike, 3),
            }
        )
    return {"total": len(pairs.left), "candidates": made}


_ANSWER = Response(200, "The answer", "结果", {})
_LANG = Parameter("lang", "zh or en", "zh 或 en")
_TYPE = Parameter("type", "Of this type", "类型")
_LIMIT = Parameter("limit", "At most so many", "最多条数", {"type": "integer", "minimum": 1})
_OFFSET = Parameter("offset", "After so many", "跳过条数", {"type": "integer", "minimum": 0})
_STATE = Parameter(
    "state", "all, joined, linked or alone", "all 全部、joined 已汇聚、linked 多记录关联、alone 单一部门",
    {"type": "string", "enum": [*_STATES]},
)  # fmt: skip


def fragmentation_routes(centres: Centres) -> tuple[Route, ...]:
    """All of them."""
    own = Fragmentation(centres)
    return (
        Route("GET", "/api/v1/fragmentation", "city:read", own.index,
              Named("信息碎片化指数", "The fragmentation index"), (_LANG,), None, (_ANSWER,)),
        Route("GET", "/api/v1/fragmentation/objects", "entities:read", own.listed,
              Named("指数背后的对象", "The objects behind the index"),
              (_TYPE, _STATE,
               Parameter("owner", "Described by this department", "部门"),
               Parameter("other", "And by this one", "另一部门"), _LIMIT, _OFFSET, _LANG), None, (_ANSWER,)),
        Route("GET", "/api/v1/fragmentation/candidates", "entities:read", own.candidates,
              Named("可能相同的记录", "Records that may be the same"), (_TYPE, _LIMIT, _LANG), None, (_ANSWER,)),
    )  # fmt: skip
