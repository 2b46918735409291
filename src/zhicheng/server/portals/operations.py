"""The operations centre, /api/v1/vitals and /api/v1/attention: how the city is, and what needs attention."""

from __future__ import annotations

import asyncio

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.hub.intake import Origin
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.operations.attention import matter as m
from zhicheng.operations.attention.keep import value
from zhicheng.operations.vitals.model import entity_of
from zhicheng.operations.vitals.now import Maker
from zhicheng.security.actions import Named
from zhicheng.server.attention import why_of
from zhicheng.server.http import JSON, Answer, json_answer
from zhicheng.server.portals.view import labels_at, located
from zhicheng.server.request import Request
from zhicheng.server.routes import Body, Parameter, Response, Route
from zhicheng.server.space import Space
from zhicheng.server.vitals import Reading
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.standards.units import UNITS

_MAKERS, _MOST_MAKERS = 20, 200
_RANK = {"open": 0, "acknowledged": 1, "closed": 2}
_ANSWER = Response(200, "The answer", "结果", {})


# vital signs


async def vitals(request: Request) -> Answer:
    """GET /api/v1/vitals: of the tenant that the city's file describes; others have none."""
    if request.space is not request.city.home:
        return json_answer([])
    readings = await request.city.vitals.readings(request.city.now())
    return json_answer([_reading(one) for one in readings])


async def why(request: Request) -> Answer:
    """GET /api/v1/vitals/{name}/why: the entities that make a vital sign what it is, the worst first."""
    if request.space is not request.city.home:
        raise NotFound("There are no vital signs here", "此处没有运行体征")
    text = request.query().get("limit", str(_MAKERS))
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= _MOST_MAKERS):
        raise Invalid(f"limit lies between 1 and {_MOST_MAKERS}", f"limit 应在 1 到 {_MOST_MAKERS} 之间")
    city = request.city
    reading, makers, total = await city.vitals.why(request.path["name"], city.now(), int(text))
    entities = await asyncio.to_thread(_makers, request.space, makers)
    return json_answer({**_reading(reading), "total": total, "entities": entities})


def _reading(one: Reading) -> dict[str, object]:
    vital, past, stand = one.vital, one.past, one.stand
    reason = why_of(one)
    return {
        "name": vital.name,
        "label_zh": vital.label.zh,
        "label_en": vital.label.en,
        "entity": entity_of(vital.name),
        "type": vital.type,
        "attribute": vital.attribute or None,
        "aggregate": vital.aggregate,
        "q": vital.q or None,
        "unit": vital.unit,
        "symbol": UNITS[vital.unit].symbol,
        "value": _number(one.now.figure),
        "counted": one.now.counted,
        "silent": one.now.silent,
        "at": None if one.now.at is None else instants.format(one.now.at),
        "standing": stand.standing,
        "cause": stand.cause,
        "side": stand.side,
        "bound": stand.bound,
        "why_zh": reason.zh,
        "why_en": reason.en,
        "bad": vital.bad,
        "watch": vital.watch,
        "alarm": vital.alarm,
        "usual": {"low": _number(one.low), "middle": _number(one.middle), "high": _number(one.high)},
        "trend": {"at": (past.at // instants.SECOND).tolist(), "value": _numbers(past.figure)},
        "band": {
            "at": (past.usual_at // instants.SECOND).tolist(),
            "low": _numbers(past.usual.low),
            "middle": _numbers(past.usual.middle),
            "high": _numbers(past.usual.high),
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def _numbers(values: F8) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _makers(space: Space, makers: list[Maker]) -> list[dict[str, object]]:
    with space.store.state.lock:
        return [_maker(space, one) for one in makers if one.table.entity[one.row] >= 0]


def _maker(space: Space, one: Maker) -> dict[str, object]:
    row = np.array([one.row], np.intp)
    cells = located(space, one.table)
    box = [np.nan] * 4 if cells is None else [float(side[one.row]) for side in cells.bounds()]
    place = {} if np.isnan(box[0]) else {"lon": (box[0] + box[2]) / 2, "lat": (box[1] + box[3]) / 2}
    return {
        "id": one.table.directory.ids[int(one.table.entity[one.row])],
        "label": labels_at(space, one.table, row)[0],
        "value": _number(one.number),
        "at": instants.format(one.at),
        **place,
    }


# what needs attention


async def attention(request: Request) -> Answer:
    """GET /api/v1/attention: what is open or acknowledged; with `closed` what is over, too."""
    if request.space is not request.city.home:
        return json_answer([])
    closed = request.query().get("closed", "") in ("1", "true")
    items = await asyncio.to_thread(lambda: request.city.attention.list.items(closed=closed))
    return json_answer([_item(one) for one in sorted(items.values(), key=_order)])


def _order(item: Entity) -> tuple[int, int, int]:
    severity = value(item, m.SEVERITY)
    rank = m.SEVERITIES.index(severity) if severity in m.SEVERITIES else 0
    return _RANK.get(value(item, m.STATUS), 2), -rank, -(item.created_at or 0)


def _item(item: Entity) -> dict[str, object]:
    def text(name: str) -> Json:
        return next((one.value for one in item.attributes.get(iri(name), ())), None)

    title, reason = text(m.NAME), text(m.REASON)
    concerns = text(m.CONCERNS)
    return {
        "id": item.id,
        "kind": text(m.KIND),
        "severity": text(m.SEVERITY),
        "status": text(m.STATUS),
        "since": text(m.SINCE),
        "title_zh": _in(title, "zh"),
        "title_en": _in(title, "en"),
        "reason_zh": _in(reason, "zh"),
        "reason_en": _in(reason, "en"),
        "concerns": concerns if isinstance(concerns, list) else [concerns] if concerns else [],
        "acknowledged_by": text(m.BY),
        "acknowledged_at": text(m.WHEN),
        "remark": text(m.REMARK),
        "version": item.version,
    }


def _in(texts: Json, language: str) -> Json:
    return texts.get(language) if isinstance(texts, dict) else texts


async def acknowledge(request: Request) -> Answer:
    """POST /api/v1/attention/{id}/acknowledge: a person has seen it; what they say about it stays with it."""
    body = await request.json(JSON)
    note = body.get("note", "") if isinstance(body, dict) else None
    if not isinstance(note, str) or len(note) > m.LONGEST_NOTE:
        raise Invalid(
            f"note is a text of at most {m.LONGEST_NOTE} characters", f"note 为不超过 {m.LONGEST_NOTE} 字的文字"
        )
    if request.space is not request.city.home:
        raise NotFound("There is no such matter", "没有该关注事项")
    identifier, kept = request.path["id"], request.city.attention.list
    await kept.acknowledge(identifier, request.name, note, request.city.clock(), Origin(request.name, "operations"))
    return json_answer(_item(request.space.query.entity(identifier)))


_NOTE: dict[str, object] = {"type": "object", "properties": {"note": {"type": "string"}}}
OPERATIONS_ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/vitals", "city:read", vitals, Named("城市运行体征", "The city's vital signs"), (), None,
          (_ANSWER,)),
    Route("GET", "/api/v1/vitals/{name}/why", "entities:read", why,
          Named("体征成因", "Who makes a vital sign what it is"),
          (Parameter("limit", "At most so many entities", "最多对象数", {"type": "integer", "minimum": 1}),), None,
          (_ANSWER,)),
    Route("GET", "/api/v1/attention", "city:read", attention, Named("关注事项", "What needs attention"),
          (Parameter("closed", "1: what is over, too", "1 表示包含已结束的事项"),), None, (_ANSWER,)),
    Route("POST", "/api/v1/attention/{id}/acknowledge", "attention:acknowledge", acknowledge,
          Named("确认关注事项", "Acknowledge what needs attention"), (), Body(_NOTE, (JSON,)), (_ANSWER,), 16_384),
)  # fmt: skip
