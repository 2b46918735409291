"""The routes of the information-resource centre (信息资源中心): catalogue, SQL, objects, reference model, documents."""

from __future__ import annotations

from collections.abc import Callable

from zhicheng.server.centre import Centres
from zhicheng.server.portals.catalogue import catalogue_routes
from zhicheng.server.portals.docs import DOC_ROUTES
from zhicheng.server.portals.fragmentation import fragmentation_routes
from zhicheng.server.portals.objects import object_routes
from zhicheng.server.portals.reference import reference_routes
from zhicheng.server.portals.sql import sql_routes
from zhicheng.server.routes import Route


def centre_routes(routes: Callable[[], tuple[Route, ...]]) -> tuple[Route, ...]:
    """All of them, for one server; `routes` gives those of the whole server once they are made."""
    centres = Centres()
    own = (catalogue_routes, object_routes, fragmentation_routes)
    return (
        *sql_routes(),
        *(route for make in own for route in make(centres)),
        *reference_routes(centres, routes),
        *DOC_ROUTES,
    )
