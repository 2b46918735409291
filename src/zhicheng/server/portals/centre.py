"""The routes of the information-resource centre (信息资源中心)."""

from __future__ import annotations

from zhicheng.server.centre import Centres
from zhicheng.server.portals.catalogue import catalogue_routes
from zhicheng.server.portals.fragmentation import fragmentation_routes
from zhicheng.server.portals.objects import object_routes
from zhicheng.server.portals.sql import sql_routes
from zhicheng.server.routes import Route


def centre_routes() -> tuple[Route, ...]:
    """All of them, for one server."""
    centres = Centres()
    return (*sql_routes(), *catalogue_routes(centres), *object_routes(centres), *fragmentation_routes(centres))
