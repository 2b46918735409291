"""The views of applications over HTTP: each at its own path, and at that of its standard where it names one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import orjson

from zhicheng.compute.app import AnyApp
from zhicheng.compute.views import Ask, Asked, View
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.instants import SECOND
from zhicheng.security.actions import Named
from zhicheng.server.apps import AppTask
from zhicheng.server.http import Answer, accepted, language_of
from zhicheng.server.moment import moment_of
from zhicheng.server.request import Request
from zhicheng.server.routes import Handler, Parameter, Response, Route
from zhicheng.server.seen import Made, Sight

_Kept: TypeAlias = "dict[tuple[object, ...], tuple[tuple[int, int], bytes]]"
_MOST_KEPT = 512
_AT = Parameter("at", "As of this instant", "截至该时刻", {"type": "string", "format": "date-time"})
_LANG = Parameter("lang", "zh or en", "zh 或 en")


def view_routes(tasks: Mapping[str, AppTask]) -> tuple[Route, ...]:
    """The routes of all views of the applications at work."""
    made: Made = {}
    return tuple(route for task in tasks.values() for view in task.app.views for route in _routes(task, view, made))


def _routes(task: AppTask, view: View, made: Made) -> Iterator[Route]:
    handler = _handler(task, view, made, {})
    told = (*(_parameter(ask) for ask in view.parameters), _AT, _LANG)
    answer = Response(200, "The answer", "结果", None if view.media[0] != "application/json" else {}, view.media)
    for path in filter(None, (f"/api/v1/apps/{task.app.name}/{view.name}", view.path)):
        yield Route("GET", path, "entities:read", handler, Named(view.label.zh, view.label.en), told, None, (answer,))


def _parameter(ask: Ask) -> Parameter:
    return Parameter(ask.name, ask.label.en, ask.label.zh, {"type": "number" if ask.number else "string"})


def _handler(task: AppTask, view: View, made: Made, kept: _Kept) -> Handler:
    async def answer(request: Request) -> Answer:
        query = request.query()
        check_parameters(query, view)
        if request.space.tenant != request.city.settings.city.tenant:
            raise NotFound(f"The application {task.app.name} does not run here", f"应用 {task.app.name} 未在此运行")
        wanted = query.get("lang")
        language = (
            "zh" if wanted == "zh" else "en" if wanted == "en" else language_of(request.header(b"accept-language"))
        )
        asked = Asked(query, accepted(request.header(b"accept"), view.media), language)
        body = await _body(request, task, view, asked, made, kept)
        return Answer(200, body, asked.media, ((b"cache-control", b"no-cache"), (b"vary", b"accept, accept-language")))

    return answer


async def _body(request: Request, task: AppTask, view: View, asked: Asked, made: Made, kept: _Kept) -> bytes:
    """The answer; what is asked for again within its second, with nothing changed, is not made again."""
    at = await moment_of(request, asked.query)
    stamp = (at.state.position, at.now // SECOND)
    key = (request.space.number, asked.media, asked.language, at.stale, *sorted(asked.query.items()))
    known = None if at.past else kept.get(key)
    if known is not None and known[0] == stamp:
        return known[1]
    found = await asyncio.to_thread(view.answer, Sight(request.space, at, made), asked, task.params)
    body = found if isinstance(found, bytes) else orjson.dumps(found)
    if not at.past:
        if len(kept) >= _MOST_KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = (stamp, body)
    return body


def check_parameters(query: Mapping[str, str], view: View) -> None:
    """Refuse a parameter that nobody knows, and a number that is none."""
    known = {ask.name: ask for ask in view.parameters}
    for name in query:
        if name not in known and name not in ("at", "lang"):
            listed = ", ".join((*known, "at", "lang"))
            raise Invalid(
                f"There is no parameter {name[:40]!r}; there is {listed}",
                f"没有参数 {name[:40]!r}；可用：{listed}", parameter=name[:40],
            )  # fmt: skip
        if name in known and known[name].number:
            number(query, name)


def number(query: Mapping[str, str], name: str) -> float:
    """A parameter as a finite number."""
    try:
        found = float(query[name])
    except ValueError:
        found = float("nan")
    if not abs(found) < float("inf"):
        raise Invalid(f"{name} is a number", f"{name} 应为数字", parameter=name)
    return found


def labels_of(app: AnyApp) -> list[dict[str, object]]:
    """An application's views, for the list of applications."""
    return [
        {
            "name": view.name,
            "label_zh": view.label.zh,
            "label_en": view.label.en,
            "path": f"/api/v1/apps/{app.name}/{view.name}",
            "alias": view.path or None,
        }
        for view in app.views
    ]
