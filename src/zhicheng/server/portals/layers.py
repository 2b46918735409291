"""Layers of the map: those that applications declare, and one for each other type that has places."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from zhicheng.compute.app import AnyApp, Step
from zhicheng.hub.query import TypeFigures
from zhicheng.operations.rooms.room import MARK
from zhicheng.security.actions import Named
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.moment import Moment, moment_of
from zhicheng.server.portals.view import located
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route
from zhicheng.server.space import Space
from zhicheng.standards.models.model import Label

_COLOUR = "#3b6ea8"
"""Of a type that no model knows."""
_SHOWN = 20_000
"""A type with more places is not shown until somebody turns its layer on."""
_KINDS = {"LineString": "lines", "MultiLineString": "lines", "Polygon": "areas", "MultiPolygon": "areas"}
_OWN = {MARK}
"""Types that pages of their own show: what people draw in a room is for that room."""


async def layers(request: Request) -> Answer:
    """GET /api/v1/layers."""
    moment = await moment_of(request, request.query())
    space, city = request.space, request.city
    apps = [task.app for task in city.apps.values()] if space.tenant == city.home.tenant else []
    figures = {one.type: one for one in space.query.types(moment.state)}
    found = [*_declared(space, apps, figures)]
    taken = {str(one["type"]) for one in found}
    for iri, one in figures.items():
        if one.located and space.contexts.default.compact(iri) not in taken | _OWN:
            found.append(_usual(space, moment, one))
    return json_answer(found)


def _declared(space: Space, apps: list[AnyApp], figures: dict[str, TypeFigures]) -> Iterator[dict[str, object]]:
    """Those of applications; a second layer of one type says its attribute in its key."""
    keys: set[str] = set()
    for app in apps:
        for layer in app.layers:
            key = f"{app.name}.{layer.type}"
            key = f"{key}.{layer.attribute}" if key in keys else key
            keys.add(key)
            iri = space.contexts.default.expand(layer.type)
            yield {
                "key": key,
                "type": layer.type,
                "attribute": layer.attribute,
                "label": _label(layer.label),
                "legend": [_step(step) for step in layer.legend],
                "kind": layer.kind,
                "visible": layer.visible,
                "app": app.name,
                **_figures(space, iri, figures.get(iri, TypeFigures(iri))),
            }


def _usual(space: Space, moment: Moment, one: TypeFigures) -> dict[str, object]:
    model = space.models.model(one.type)
    name = space.contexts.default.compact(one.type)
    return {
        "key": name,
        "type": name,
        "attribute": None,
        "label": _label(model.label) if model else {"zh": name, "en": name},
        "legend": [],
        "kind": _kind(space, moment, one.type),
        "visible": one.located <= _SHOWN,
        "app": None,
        **_figures(space, one.type, one),
    }


def _figures(space: Space, iri: str, one: TypeFigures) -> dict[str, object]:
    model = space.models.model(iri)
    return {"count": one.count, "located": one.located, "color": model.colour if model else _COLOUR}


def _kind(space: Space, moment: Moment, iri: str) -> str:
    """Points, unless the first of its geometries is something else."""
    with moment.state.lock:
        for table in moment.state.tables_of([iri]):
            cells = located(space, table)
            if cells is not None and cells.boxes is not None and (rows := (cells.form > 0).nonzero()[0]).size:
                text = cells.text_at("text", int(rows[0]))
                return _KINDS.get(orjson.loads(text).get("type", "") if text else "", "points")
    return "points"


def _step(step: Step) -> dict[str, object]:
    found: dict[str, object] = {"color": step.colour, "label": _label(step.label)}
    if step.value is not None:
        found["value"] = step.value
    elif step.least != -float("inf"):
        found["least"] = step.least
    return found


def _label(label: Label) -> dict[str, str]:
    return {"zh": label.zh, "en": label.en}


_AT = Parameter("at", "As of this instant", "截至该时刻", {"type": "string", "format": "date-time"})
LAYER_ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/layers", "city:read", layers, Named("图层", "Layers of the map"), (_AT,), None,
          (Response(200, "The answer", "结果", {}),)),
)  # fmt: skip
