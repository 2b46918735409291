"""Our own interface, /api/v1 and /tiles: what the map page asks for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping

import numpy as np

from zhicheng.hub.plans import missing
from zhicheng.hub.temporal import Window
from zhicheng.kernel import instants
from zhicheng.kernel.columns import I8, Coded
from zhicheng.kernel.errors import Invalid, Language, NotFound, UnsupportedMedia
from zhicheng.network.health import STATUS_ZH
from zhicheng.sensing.basemap import SET as BASEMAP
from zhicheng.server.feeds import FeedTask
from zhicheng.server.http import Answer, json_answer, language_of
from zhicheng.server.moment import Moment, moment_of
from zhicheng.server.portals import view
from zhicheng.server.portals.basemap import place_of
from zhicheng.server.portals.tiles import Tiles
from zhicheng.server.request import Request
from zhicheng.server.routes import Handler
from zhicheng.server.space import Space
from zhicheng.server.stream.watch import look_of
from zhicheng.standards.changes import Form
from zhicheng.standards.mvt import MEDIA_TYPE
from zhicheng.standards.ngsild.changes import value_of
from zhicheng.standards.ngsild.model import Kind
from zhicheng.standards.ngsild.temporal import format_many
from zhicheng.storage.live import State, Table
from zhicheng.storage.log import HistoryQuery, Series
from zhicheng.storage.series import aggregate

_FOUND = 20
_MOST_FOUND = 100
_POINTS = 500
_MOST_POINTS = 5000


def _language(request: Request, query: Mapping[str, str]) -> Language:
    wanted = query.get("lang")
    if wanted in ("zh", "en"):
        return "zh" if wanted == "zh" else "en"
    return language_of(request.header(b"accept-language"))


def _count(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and int(text) > 0):
        raise Invalid(f"{name} is a number above 0", f"{name} 应为大于 0 的数", parameter=name)
    return min(int(text), most)


def _instant(query: Mapping[str, str], name: str) -> int | None:
    return instants.parse(query[name]) if query.get(name) else None


async def state(request: Request) -> Answer:
    """GET /api/v1/state."""
    place = request.city.settings.city
    document: dict[str, object] = {
        "position": request.space.store.state.position,
        "now": instants.format(request.city.now()),
        "time_zone": place.time_zone,
        "name": {"zh": place.name.zh, "en": place.name.en},
        "basemap": request.space.store.table_version(BASEMAP),
    }
    if place.bounds:
        document["bounds"] = list(place.bounds)
    if place.centre:
        document["centre"] = list(place.centre)
    return json_answer(document)


async def types(request: Request) -> Answer:
    """GET /api/v1/types."""
    moment = await moment_of(request, request.query())
    found = request.space.query.types(moment.state)
    return json_answer([view.type_document(request.space, one) for one in found])


async def extent(request: Request) -> Answer:
    """GET /api/v1/types/{type}/extent."""
    name = request.path["type"]
    moment = await moment_of(request, request.query())
    found = view.extent_of(request.space, moment.state, request.space.contexts.default.expand(name))
    if found is None:
        raise NotFound(f"No entity of type {name} has a place", f"没有类型为 {name} 且带位置的实体", type=name)
    return json_answer(found)


async def entity(request: Request) -> Answer:
    """GET /api/v1/entities/{id}."""
    query, identifier = request.query(), request.path["id"]
    moment = await moment_of(request, query)
    found = request.space.query.entities([identifier], moment.state).get(identifier)
    if found is None:
        raise missing(identifier)
    stale = found.source in moment.stale
    return json_answer(view.entity_document(request.space, found, moment.now, _language(request, query), stale))


async def search(request: Request) -> Answer:
    """GET /api/v1/search: entities whose id, label or other name holds the text, in any case; the closest first."""
    query = request.query()
    text = query.get("text", "").strip().casefold()
    if not text:
        return json_answer([])
    limit = _count(query, "limit", _FOUND, _MOST_FOUND)
    each = _count(query, "each", limit, limit)
    moment = await moment_of(request, query)
    found = await asyncio.to_thread(_search, request, moment.state, text, (each, limit))
    return json_answer(found)


def _search(request: Request, state: State, text: str, most: tuple[int, int]) -> list[dict[str, object]]:
    """At most so many of each type, and of all; of those that there are, the closest."""
    found: list[tuple[tuple[int, int], dict[str, object]]] = []
    with state.lock:
        for table in state.tables:
            found += _search_table(request.space, table, text, most[0])
    return [one for _, one in sorted(found, key=lambda pair: pair[0])[: most[1]]]


def _search_table(
    space: Space, table: Table, text: str, most: int
) -> Iterator[tuple[tuple[int, int], dict[str, object]]]:
    rows = np.flatnonzero(table.alive)
    if not len(rows):
        return
    labels = view.labels_at(space, table, rows)
    names = table.directory.names(table.entity[rows])
    closeness = np.min([*(_closeness(one, text) for one in (labels, *view.other_names_at(space, table, rows)))], axis=0)
    by_id = np.array([text in name.casefold() for name in names])
    closeness = np.where(by_id, np.minimum(closeness, _BY_ID), closeness)
    hits = np.flatnonzero(closeness < _FAR)
    cells, short = view.located(space, table), view.short_names_at(space, table, rows)
    kind = space.contexts.default.compact(table.types[0]) if table.types else ""
    for at in hits[np.argsort(closeness[hits], kind="stable")][:most].tolist():
        place = _place_of(cells, int(rows[at]))
        one = {"id": names[at], "type": kind, "label": labels[at], "short": short[at], "lon": place[0], "lat": place[1]}
        yield (int(closeness[at]), len(labels[at] or names[at])), one


_BY_ID, _FAR = 3, 4


def _closeness(names: Coded, text: str) -> I8:
    """How close a text comes to names: 0 it is the name, 1 it begins it, 2 it is part of it, _FAR it is not."""
    return np.array([*(_nearness(name.casefold(), text) for name in names.values), _FAR])[names.codes]


_NUMBERED = re.compile(r"(?:line|route|bus)?\s*([a-z]?\d{1,4}[a-z]?)\s*路?")
"""How people ask for a line that is called by its number alone."""


def _nearness(name: str, text: str) -> int:
    """How close a text comes to one name, both case-folded.

    >>> _nearness("1", "1路"), _nearness("南湖公园", "南湖"), _nearness("东南湖", "南湖"), _nearness("北湖", "南湖")
    (0, 1, 2, 4)
    """
    if text in name:
        return 0 if name == text else 1 if name.startswith(text) else 2
    asked = _NUMBERED.fullmatch(text)
    return 0 if asked is not None and asked[1] == name else _FAR


def _place_of(cells: object, row: int) -> tuple[float | None, float | None]:
    boxes = getattr(cells, "boxes", None)
    if boxes is None or np.isnan(boxes[row][0]):
        return None, None
    west, south, east, north = boxes[row].tolist()
    return (west + east) / 2, (south + north) / 2


async def history(request: Request) -> Answer:
    """GET /api/v1/entities/{id}/history: values of one attribute, thinned to about as many points as asked for."""
    query = request.query()
    name = query.get("attribute")
    if not name:
        raise Invalid("Say which attribute", "请指定属性", parameter="attribute")
    iri = request.space.contexts.default.expand(name)
    start, end = _instant(query, "from"), _instant(query, "to")
    points = _count(query, "points", _POINTS, _MOST_POINTS)
    window = Window((iri,), start, None if end is None else end + 1)
    return json_answer(await asyncio.to_thread(_history, request, window, query.get("dataset"), points))


def _history(request: Request, window: Window, dataset: str | None, points: int) -> dict[str, object]:
    space, identifier = request.space, request.path["id"]
    space.temporal.head(identifier)
    series = _effective(request, identifier, window)
    changes = series.batch.changes
    wanted = [code for code, value in enumerate(changes.dataset.values) if value == dataset]
    rows = np.flatnonzero(np.isin(changes.dataset.codes, wanted) if dataset else changes.dataset.codes < 0)
    series = Series(series.batch.take(rows), series.effective[rows], series.instance[rows])
    changes = series.batch.changes
    present = changes.form != Form.NOTHING
    units = [unit for unit in changes.unit.take(present).list()[-1:] if unit]
    unit = units[0] if units else None
    numeric = bool(present.any()) and bool((changes.form[present] == Form.NUMBER).all())
    if numeric and len(series) > points:
        return {"unit": unit, "rows": _thinned(series, points), "aggregated": True}
    times = format_many(series.effective)
    if numeric:
        values = [None if number != number else number for number in changes.number.tolist()]
        return {"unit": unit, "rows": [[t, v, v, v] for t, v in zip(times, values, strict=True)], "aggregated": False}
    kept = range(max(0, len(series) - points), len(series))
    return {"unit": unit, "rows": [[times[row], _text(series, row)] for row in kept], "aggregated": False}


def _effective(request: Request, identifier: str, window: Window) -> Series:
    asked = HistoryQuery((identifier,), window.attributes, window.start, window.end, "effective")
    return request.space.store.history(asked)


def _text(series: Series, row: int) -> str | None:
    changes = series.batch.changes
    form = int(changes.form[row])
    if form == Form.NOTHING:
        return None
    if form == Form.BOOLEAN:
        return "true" if changes.number[row] else "false"
    if form == Form.NUMBER:
        return str(value_of(Kind.PROPERTY, form, float(changes.number[row]), None))
    return changes.text[row]


def _thinned(series: Series, points: int) -> list[list[object]]:
    """Mean, least and greatest of equal periods, each placed at its middle."""
    first, last = int(series.effective.min()), int(series.effective.max())
    period = max(1, -(-(last - first + 1) // points))
    buckets = aggregate(series, period, first, ("avg", "min", "max"))
    times = format_many(buckets.start + period // 2)
    columns = (buckets.number[name].tolist() for name in ("avg", "min", "max"))
    return [list(row) for row in zip(times, *columns, strict=True)]


async def feeds(request: Request) -> Answer:
    """GET /api/v1/feeds."""
    city = request.city
    if request.space is not city.home:
        return json_answer([])
    now = city.clock()
    return json_answer([_feed(name, now, city.feeds[name]) for name in city.feeds])


async def push(request: Request) -> Answer:
    """POST /api/v1/feeds/{name}: a payload for a feed that is pushed, in the form its decoder reads."""
    city, name = request.city, request.path["name"]
    feed = city.feeds.get(name) if request.space is city.home else None
    if feed is None or not feed.settings.push:
        raise NotFound(
            f"There is no feed {name!r} that is pushed; [feeds.{name}] with push = true makes one",
            f"没有可推送的数据源 {name!r}；请配置 [feeds.{name}] 并设置 push = true",
        )
    if (coding := request.header(b"content-encoding")) not in (None, "identity"):
        raise UnsupportedMedia(f"Send the body without {coding}", f"请发送未经 {coding} 压缩的正文")
    done = await feed.push(await request.body(), request.name)
    counts = {key: getattr(done, key) for key in ("rows", "created", "removed", "repeated", "refused")}
    return json_answer({**counts, "reasons": [{"en": en, "zh": zh} for en, zh in done.reasons]})


def _feed(name: str, now: int, feed: FeedTask) -> dict[str, object]:
    health, taken = feed.health, feed.taken
    status = health.status(now)
    return {
        "name": name,
        "kind": health.kind,
        "decoder": feed.settings.decoder,
        "status": status,
        "status_zh": STATUS_ZH[status],
        "payload_at": None if health.payload_at is None else instants.format(health.payload_at),
        "answered_at": None if health.answered_at is None else instants.format(health.answered_at),
        "failed_at": None if health.failed_at is None else instants.format(health.failed_at),
        "error_en": health.error_en,
        "error_zh": health.error_zh,
        "failures": health.failures,
        "payloads": health.payloads,
        "unchanged": health.unchanged,
        "bytes": health.bytes,
        "refused_payloads": health.refused,
        "rows": taken.rows,
        "created": taken.created,
        "removed": taken.removed,
        "repeated": taken.repeated,
        "refused": taken.refused,
        "reasons": [{"en": en, "zh": zh} for en, zh in taken.reasons],
        "issued_at": None if taken.issued_at is None else instants.format(taken.issued_at),
    }


def tile_route(tiles: Tiles) -> Handler:
    """The handler of GET /tiles/{type}/{z}/{x}/{y} with the tiles it has made before."""

    async def tile(request: Request) -> Answer:
        return _tile(request, tiles, await moment_of(request, request.query()))

    return tile


def _tile(request: Request, tiles: Tiles, moment: Moment) -> Answer:
    space = request.space
    query = request.query()
    look = look_of(request.path["type"], query.get("value") or None, query.get("q"), space.contexts.default)
    body = tiles.tile(space, look, place_of(request), moment)
    return Answer(200, body, MEDIA_TYPE, ((b"cache-control", b"no-cache"),))
