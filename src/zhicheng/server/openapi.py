"""The description of all routes, OpenAPI 3.1, made from the table that serves them: it cannot say anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from zhicheng.security.actions import ACTIONS, PUBLIC
from zhicheng.server.http import JSON
from zhicheng.server.problems import PROBLEM_JSON, is_ngsild
from zhicheng.server.routes import Body, Response, Route

_PARAMETER = re.compile(r"\{([^}]+)\}")
_TEXT = {"type": "string"}
PROBLEM: dict[str, object] = {
    "type": "object",
    "description": "RFC 7807 problem details, in the language of Accept-Language (zh, en).",
    "required": ["type", "title"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "detail": _TEXT,
        "status": {"type": "integer"},
        "path": {**_TEXT, "description": "JSON Pointer into the body"},
        "parameter": _TEXT,
        "reference": {**_TEXT, "description": "Number of a defect in the log"},
    },
}


def describe(routes: Iterable[Route], schemas: Mapping[str, object], title: str, version: str) -> dict[str, object]:
    """The OpenAPI document of some routes; `schemas` are what bodies and answers refer to."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path.replace("{...}", "{file}"), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Everything this city answers over HTTP. 本城市提供的全部 HTTP 接口。",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM, **schemas},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, object]:
    action = ACTIONS[route.action]
    operation: dict[str, object] = {
        "operationId": route.name,
        "summary": f"{route.summary.en} · {route.summary.zh}",
        "description": f"Action · 权限：`{route.action}` ({action.en} · {action.zh})",
        "tags": [_tag(route.path)],
        "x-action": route.action,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route),
        "security": [] if route.action == PUBLIC else [{"token": []}],
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(route.body)}
    return operation


def _tag(path: str) -> str:
    steps = path.strip("/").split("/")
    if is_ngsild(path):
        return f"NGSI-LD {steps[2]}"
    return steps[0] or "page"


def _path_parameters(route: Route) -> list[dict[str, object]]:
    names = [name.replace("...", "file") for name in _PARAMETER.findall(route.path)]
    return [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]


def _query_parameters(route: Route) -> list[dict[str, object]]:
    return [
        {"name": one.name, "in": "query", "description": f"{one.en} · {one.zh}", "schema": one.schema}
        for one in route.parameters
    ]


def _header_parameters(route: Route) -> list[dict[str, object]]:
    if not is_ngsild(route.path) or route.action == PUBLIC:
        return []
    return [
        {
            "name": "Link",
            "in": "header",
            "description": "The @context of names in the request · 请求所用名称的 @context",
            "schema": _TEXT,
        },
        {
            "name": "NGSILD-Tenant",
            "in": "header",
            "description": "Confirms the credential's tenant · 确认凭证所属租户",
            "schema": _TEXT,
        },
    ]


def _content(part: Body | Response) -> dict[str, object]:
    schema = part.schema
    return {media: {} if schema is None else {"schema": schema} for media in part.media}


def _responses(route: Route) -> dict[str, object]:
    found: dict[str, object] = {}
    for response in route.responses:
        made: dict[str, object] = {"description": f"{response.en} · {response.zh}"}
        if response.status not in (201, 204) or response.schema is not None:
            made["content"] = _content(response)
        found[str(response.status)] = made
    media = JSON if is_ngsild(route.path) else PROBLEM_JSON
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status in _errors(route):
        found[str(status)] = {"description": HTTPStatus(status).phrase, "content": {media: problem}}
    return found


def _errors(route: Route) -> list[int]:
    statuses = {400}
    if route.action != PUBLIC:
        statuses |= {401, 403, 404}
    if is_ngsild(route.path):
        statuses |= {406, 503}
    if _PARAMETER.search(route.path):
        statuses.add(404)
    if route.body is not None:
        statuses |= {409, 413, 415, 501, 507}
    return sorted(statuses)
