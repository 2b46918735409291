"""The catalogue over HTTP: types, departments and feeds with their figures, each with the question that lists what it
counts; a type with its attributes, samples, lineage and ways in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from zhicheng.hub.catalogue import flow, lineage
from zhicheng.hub.catalogue.figures import NOBODY, AttributeFigures, Held, Holdings, TypeHeld, completeness, share
from zhicheng.hub.catalogue.lineage import Edge
from zhicheng.hub.catalogue.listing import Asked, listed
from zhicheng.kernel import instants
from zhicheng.kernel.errors import NotFound
from zhicheng.security.actions import Named
from zhicheng.server.centre import Centres
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals import ways_in
from zhicheng.server.portals.asked import count_of, language_for, yes_or_no
from zhicheng.server.portals.lines import entity_lines
from zhicheng.server.portals.named import (
    FLAGS,
    Json,
    attribute_named,
    changes,
    figure,
    owners_named,
    quoted,
    said,
    source_named,
    type_named,
)  # fmt: skip
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.kinds import TYPE_NAMES
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.tally import Tally

_PAGE, _MOST = 50, 1000
_SAMPLES = 5


class Catalogue:
    """The handlers, over the figures of each tenant."""

    def __init__(self, centres: Centres) -> None:
        self.centres = centres

    async def overview(self, request: Request) -> Answer:
        """GET /api/v1/catalogue."""
        language = language_for(request)
        centre = self.centres.of(request.space)
        holdings = await centre.held()
        held = holdings.types
        tally, complete = await centre.tally()
        now = request.city.clock()
        space = request.space
        owners = owners_named(space, sorted(holdings.whole.owner), language)
        types = [_type(request, name, figures, owners, tally, now) for name, figures in held.items()]
        return json_answer(
            {
                "position": space.store.state.position,
                "at": instants.format(now),
                "counted": complete,
                "entities": figure(len(space.store.state)),
                "flow": _flow(flow.flow(tally, now), ""),
                "unowned": figure(holdings.whole.owner.get(NOBODY, 0), owner=NOBODY),
                "departments": _departments(holdings, owners),
                "types": types,
                "feeds": [_feed(request, name, held, tally, now) for name in request.city.feeds]
                if space is request.city.home
                else [],
                "apps": [
                    {**source_named(request, f"app:{name}"), "flow": _flow_of(f"app:{name}", tally, now)}
                    for name in (request.city.apps if space is request.city.home else ())
                ],
            }
        )

    async def one(self, request: Request) -> Answer:
        """GET /api/v1/catalogue/types/{type}."""
        language, space = language_for(request), request.space
        iri = space.contexts.default.expand(request.path["type"])
        centre = self.centres.of(space)
        held = (await centre.held()).types
        found = held.get(iri)
        if found is None:
            name = request.path["type"]
            raise NotFound(f"There is no entity of type {name}", f"没有类型为 {name} 的实体", type=name)
        tally, complete = await centre.tally()
        now = request.city.clock()
        owners = owners_named(space, sorted(found.owner), language)
        apps = [task.app for task in request.city.apps.values()] if space is request.city.home else []
        graph = lineage.about(lineage.edges(held, apps, space.models.terms()), iri)
        samples = await asyncio.to_thread(listed, space.store.state, Asked(iri), _SAMPLES, 0)
        return json_answer(
            {
                **_type(request, iri, found, owners, tally, now),
                "counted": complete,
                "attributes": _attributes(space, iri, found, owners),
                "samples": entity_lines(space, samples.ids, language),
                "lineage": _lineage(request, graph),
                "interfaces": ways_in.of_type(request, iri, found),
            }
        )

    async def entities(self, request: Request) -> Answer:
        """GET /api/v1/catalogue/entities: what a number counts."""
        query, space = request.query(), request.space
        expand = space.contexts.default.expand
        asked = Asked(
            type=expand(query["type"]) if query.get("type") else None,
            attribute=expand(query["attribute"]) if query.get("attribute") else None,
            missing=expand(query["missing"]) if query.get("missing") else None,
            owner=query.get("owner"),
            source=query.get("source"),
            classification=query.get("classification"),
            quality=query.get("quality"),
            located=yes_or_no(query, "located"),
        )
        limit, offset = count_of(query, "limit", _PAGE, _MOST), count_of(query, "offset", 0, 10**9, 0)
        found = await asyncio.to_thread(listed, space.store.state, asked, limit, offset)
        language = language_for(request)
        return json_answer({"total": found.total, "entities": entity_lines(space, found.ids, language)})


def _type(request: Request, iri: str, held: TypeHeld, owners: Mapping[str, str], tally: Tally, now: int) -> Json:
    """A type with its figures."""
    space = request.space
    model = space.models.model(iri)
    names = type_named(space, iri)
    short = str(names["name"])
    entities = f"entity IN (SELECT entity FROM entities WHERE list_contains(string_split(types, ','), {quoted(short)}))"
    own = flow.of_tables(tally, held.tables, now)
    return {
        **names,
        "subject": model.subject if model else None,
        **said("description", model.description if model else None, ""),
        "color": model.colour if model else None,
        "count": figure(held.count, type=short),
        "located": figure(held.located, type=short, located="true"),
        **_held(request, held, owners, now, type=short),
        "completeness": _rounded(completeness(held, _wanted(space, iri, held))),
        "flow": _flow(own, entities),
    }


def _wanted(space: Space, iri: str, held: TypeHeld) -> list[str]:
    """The attributes over which completeness is taken: those the model requires, and those of it that are in use."""
    model = space.models.model(iri)
    if model is None:
        return list(held.attributes)
    return [name for name in model.attributes if name in model.required or name in held.attributes]


def _held(request: Request, held: Held, owners: Mapping[str, str], now: int, **asked: str) -> Json:
    """Owners, sources, classes, quality flags and ages; each count with its list."""
    return {
        "owners": [
            {"id": owner, "label": owners.get(owner, owner), **figure(count, owner=owner, **asked)}
            for owner, count in _most(held.owner)
            if owner != NOBODY
        ],
        "unowned": figure(held.owner.get(NOBODY, 0), owner=NOBODY, **asked),
        "sources": [
            {**source_named(request, source), **figure(count, source=source, **asked)}
            for source, count in _most(held.source)
        ],
        "classifications": [
            {"name": name, **figure(count, classification=name, **asked)} for name, count in _most(held.classification)
        ],
        "quality": [
            {"flag": flag, **said("label", FLAGS.get(flag), flag), **figure(count, quality=flag, **asked)}
            for flag, count in _most(held.quality)
        ],
        "newest": _when(held.newest),
        "oldest": _when(held.oldest),
        "age_s": None if held.newest is None else max(0.0, (now - held.newest) / 1e6),
        "middle_age_s": None if held.middle is None else max(0.0, (now - held.middle) / 1e6),
    }


def _most(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _when(instant: int | None) -> str | None:
    return None if instant is None else instants.format(instant)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _flow(own: flow.Flow, where: str) -> Json:
    """Changes now, over the last day, hour by hour and in all, each with its question in SQL."""
    both = f"{where} AND " if where else ""
    since = f"{both}recorded_at >= TIMESTAMPTZ {quoted(instants.format(own.since))}"
    begin, end = (quoted(instants.format(instant)) for instant in own.recent)
    recent = f"{both}recorded_at >= TIMESTAMPTZ {begin} AND recorded_at < TIMESTAMPTZ {end}"
    return {
        "per_minute": {**changes(None, recent), "value": round(own.per_minute, 2)},
        "day": changes(own.day, since),
        "day_per_minute": round(own.day / 1440, 2),
        "hours": list(own.hours),
        "total": changes(own.total, where),
        "first": _when(own.first),
        "last": _when(own.last),
    }


def _flow_of(source: str, tally: Tally, now: int) -> Json:
    return _flow(flow.of_source(tally, source, now), f"source = {quoted(source)}")


def _departments(holdings: Holdings, owners: Mapping[str, str]) -> list[Json]:
    """Who owns what: each department, how many entities it describes, and their types."""
    return [
        {
            "id": owner,
            "label": owners[owner],
            **figure(holdings.whole.owner[owner], owner=owner),
            "types": [name for name, figures in holdings.types.items() if owner in figures.owner],
        }
        for owner in sorted(owners, key=lambda one: (-holdings.whole.owner[one], owners[one]))
        if owner != NOBODY
    ]


def _feed(request: Request, name: str, held: Mapping[str, TypeHeld], tally: Tally, now: int) -> Json:
    """A feed: whose, what it fills, how it is doing."""
    feed = request.city.feeds[name]
    source = feed.source
    settings, taken = feed.settings, feed.taken
    kinds = [(kind, figures.source[source]) for kind, figures in held.items() if source in figures.source]
    return {
        **source_named(request, source),
        "decoder": settings.decoder,
        "owner": settings.owner,
        "classification": settings.classification,
        "simulated": settings.simulated,
        "issued_at": _when(taken.issued_at),
        "refused": taken.refused,
        "types": [
            {
                **type_named(request.space, kind),
                **figure(count, type=request.space.contexts.default.compact(kind), source=source),
            }
            for kind, count in kinds
        ],
        "flow": _flow_of(source, tally, now),
    }


def _attributes(space: Space, iri: str, held: TypeHeld, owners: Mapping[str, str]) -> list[Json]:
    """Attributes that are there, and those the model names that nobody has."""
    model = space.models.model(iri)
    wanted = list(model.attributes) if model else []
    extra = [name for name in held.attributes if name not in wanted]
    return [_attribute(space, iri, name, held, owners) for name in (*wanted, *extra)]


def _attribute(space: Space, iri: str, name: str, held: TypeHeld, owners: Mapping[str, str]) -> Json:
    model = space.models.model(iri)
    own = held.attributes.get(name, AttributeFigures())
    known = model.attributes.get(name) if model else None
    short, kind = space.contexts.default.compact(name), space.contexts.default.compact(iri)
    return {
        **attribute_named(space, name, iri),
        **said("description", known.description if known else None, ""),
        "kinds": [TYPE_NAMES[one] for one in sorted(own.kinds)] or [TYPE_NAMES[known.kind if known else Kind.PROPERTY]],
        "unit": next((unit for unit, _ in own.units.most_common(1)), known.unit if known else None),
        "units": dict(own.units),
        "known": known is not None,
        "required": bool(model and name in model.required),
        "share": _rounded(share(own.count, held.count)),
        "count": figure(own.count, type=kind, attribute=short),
        "missing": figure(held.count - own.count, type=kind, missing=short),
        "owners": [
            {"id": owner, "label": owners.get(owner, owner), **figure(count, type=kind, attribute=short, owner=owner)}
            for owner, count in _most(own.owner)
            if owner != NOBODY
        ],
        "sources": [
            {"id": source, **figure(count, type=kind, attribute=short, source=source)}
            for source, count in _most(own.source)
        ],
        "quality": [
            {
                "flag": flag,
                **said("label", FLAGS.get(flag), flag),
                **figure(count, type=kind, attribute=short, quality=flag),
            }
            for flag, count in _most(own.quality)
        ],
        "newest": _when(own.newest),
        "oldest": _when(own.oldest),
    }


def _lineage(request: Request, graph: list[Edge]) -> Json:
    """The graph with names; edges between the same two ends are one, with their attributes."""
    space = request.space
    joined: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in graph:
        joined.setdefault((edge.kind, edge.type, edge.by), []).append(edge)
    return {
        "sources": [source_named(request, by) for by in sorted({edge.by for edge in graph})],
        "types": [type_named(space, name) for name in sorted({edge.type for edge in graph})],
        "edges": [
            {
                "kind": kind,
                "type": space.contexts.default.compact(name),
                "by": by,
                "attributes": [{**attribute_named(space, edge.attribute, name), "count": edge.count} for edge in own],
            }
            for (kind, name, by), own in joined.items()
        ],
    }


_ANSWER = Response(200, "The answer", "结果", {})
_LANG = Parameter("lang", "zh or en", "zh 或 en")
_NUMBER = {"type": "integer", "minimum": 1}
_LISTING = (
    Parameter("type", "Of this type", "类型"),
    Parameter("attribute", "With a value of this attribute", "有该属性"),
    Parameter("missing", "Without this attribute", "缺该属性"),
    Parameter("owner", "A value of which is this department's", "归属部门"),
    Parameter("source", "A value of which came by this source", "来源"),
    Parameter("classification", "A value of which is of this class", "密级"),
    Parameter("quality", "A value of which has this flag", "质量标记"),
    Parameter("located", "true: with a place, false: without", "true 有位置，false 无位置"),
    Parameter("limit", "At most so many", "最多条数", _NUMBER),
    Parameter("offset", "After so many", "跳过条数", {"type": "integer", "minimum": 0}),
    _LANG,
)


def catalogue_routes(centres: Centres) -> tuple[Route, ...]:
    """All of them."""
    own = Catalogue(centres)
    return (
        Route("GET", "/api/v1/catalogue", "city:read", own.overview,
              Named("信息资源目录", "The catalogue of data"), (_LANG,), None, (_ANSWER,)),
        Route("GET", "/api/v1/catalogue/types/{type}", "entities:read", own.one,
              Named("目录中的一个类型", "A type in the catalogue"), (_LANG,), None, (_ANSWER,)),
        Route("GET", "/api/v1/catalogue/entities", "entities:read", own.entities,
              Named("数字背后的实体", "The entities behind a number"), _LISTING, None, (_ANSWER,)),
    )  # fmt: skip
