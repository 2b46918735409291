"""All routes of the server, and the one that describes them."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server.apps import AppTask
from zhicheng.server.http import Answer
from zhicheng.server.interfaces.ngsild.shapes import SCHEMAS
from zhicheng.server.interfaces.ngsild.table import NGSILD_ROUTES
from zhicheng.server.interfaces.oauth.table import OAUTH_ROUTES
from zhicheng.server.openapi import describe
from zhicheng.server.portals.accounts.table import ACCOUNT_ROUTES
from zhicheng.server.portals.apps import APP_ROUTES
from zhicheng.server.portals.audit import AUDIT_ROUTES
from zhicheng.server.portals.basemap import basemap_routes
from zhicheng.server.portals.centre import centre_routes
from zhicheng.server.portals.developers import DEVELOPER_ROUTES
from zhicheng.server.portals.layers import LAYER_ROUTES
from zhicheng.server.portals.operations import OPERATIONS_ROUTES
from zhicheng.server.portals.rooms import room_routes
from zhicheng.server.portals.subscriptions import SUBSCRIPTION_ROUTES
from zhicheng.server.portals.table import portal_routes
from zhicheng.server.portals.timeline import TIMELINE_ROUTES
from zhicheng.server.portals.views import view_routes
from zhicheng.server.request import Request
from zhicheng.server.routes import Response, Route
from zhicheng.server.stream.table import stream_routes
from zhicheng.server.system import SYSTEM_ROUTES, VERSION


def all_routes(apps: Mapping[str, AppTask] | None = None) -> tuple[Route, ...]:
    """Every route, /openapi.json among them; with the views of the applications at work."""
    described: list[bytes] = []
    every: list[Route] = []

    async def openapi(request: Request) -> Answer:
        return Answer(200, described[0], headers=((b"cache-control", b"no-cache"),))

    own = Route(
        "GET", "/openapi.json", PUBLIC, openapi, Named("接口说明", "The description of all routes"), (), None,
        (Response(200, "OpenAPI 3.1", "OpenAPI 3.1", {}),),
    )  # fmt: skip
    portals = (*portal_routes(), *basemap_routes(), *APP_ROUTES, *LAYER_ROUTES, *TIMELINE_ROUTES)
    centre = centre_routes(lambda: tuple(every))
    accounts = (*SUBSCRIPTION_ROUTES, *OAUTH_ROUTES, *ACCOUNT_ROUTES, *OPERATIONS_ROUTES, *room_routes(), *AUDIT_ROUTES)
    routes = (
        *NGSILD_ROUTES,
        *portals,
        *centre,
        *stream_routes(),
        *view_routes(apps or {}),
        *accounts,
        *DEVELOPER_ROUTES,
        *SYSTEM_ROUTES,
        own,
    )
    every.extend(routes)
    described.append(orjson.dumps(describe(routes, SCHEMAS, "智城 zhicheng", VERSION)))
    return routes
