"""Applications for people and programs: what each reads, writes and shows, and how it is doing."""

from __future__ import annotations

import asyncio

from zhicheng.compute.app import AnyApp, Layer
from zhicheng.compute.figures import Explained
from zhicheng.security.actions import Named
from zhicheng.server.apps import AppTask
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals.views import labels_of
from zhicheng.server.request import Request
from zhicheng.server.routes import Response, Route
from zhicheng.standards.models.model import Label


async def apps(request: Request) -> Answer:
    """GET /api/v1/apps: of the tenant that the city's file describes; others have none."""
    tasks = request.city.apps.values() if request.space is request.city.home else ()
    return json_answer([await asyncio.to_thread(document, task) for task in tasks])


def document(task: AppTask) -> dict[str, object]:
    """An application at work."""
    error, found = task.error, task.explain()
    return {
        **declaration(task.app),
        "status": "ok" if error is None else "failed",
        "error": None if error is None else {"en": error.en, "zh": error.zh},
        "figures": figures(found),
        "backlog": backlog(found, task.turns) if task.turns else None,
    }


def declaration(app: AnyApp) -> dict[str, object]:
    """What an application says of itself."""
    return {
        "name": app.name,
        **_label("label", app.label),
        **_label("description", app.description),
        "reads": [{"type": one.type, "attributes": list(one.attributes)} for one in app.reads],
        "writes": [
            {"type": one.type, "attributes": [output.attribute for output in one.outputs]} for one in app.writes
        ],
        "layers": [_layer(layer) for layer in app.layers],
        "views": labels_of(app),
        "heavy": app.heavy,
    }


def figures(found: Explained) -> dict[str, object]:
    """How it is doing, as numbers; lag in seconds of recording."""
    names = (
        "epoch",
        "position",
        "end",
        "read",
        "given",
        "late",
        "repeated",
        "future",
        "amending",
        "derived",
        "written",
    )
    return {
        **{name: getattr(found, name) for name in names},
        "lost": found.lost,
        "lag_s": found.lag / 1e6,
        "out_per_in": round(found.out_per_in, 4),
        "cpu_s": round(found.cpu_seconds, 3),
        "rate": round(found.rate),
        "state_bytes": found.state_bytes,
    }


def backlog(found: Explained, turns: int) -> dict[str, object]:
    """How much of a long log it has read, and about how many seconds the rest takes: half of a core, shared by all who
    are as far behind.
    """
    cpu = found.cpu_left
    return {
        "rows": found.rows,
        "rows_left": found.rows_left,
        "done": round(found.done, 4),
        "left_s": None if cpu is None else round(2 * cpu * turns),
    }


def _layer(layer: Layer) -> dict[str, object]:
    legend = [
        {"color": step.colour, "least": None if step.least == -float("inf") else step.least, "value": step.value}
        | _label("label", step.label)
        for step in layer.legend
    ]
    shown = {"type": layer.type, "attribute": layer.attribute, "kind": layer.kind, "visible": layer.visible}
    return {**shown, **_label("label", layer.label), "legend": legend}


def _label(name: str, label: Label) -> dict[str, object]:
    return {f"{name}_zh": label.zh, f"{name}_en": label.en}


APP_ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/apps", "city:read", apps, Named("应用", "Applications, their layers and figures"), (), None,
          (Response(200, "The answer", "结果", {}),)),
)  # fmt: skip
