"""The base map over HTTP: what there is of it, and its vector tiles, made once for each version of its tables."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.security.actions import Named
from zhicheng.sensing.basemap import SET
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals.basemap_names import named
from zhicheng.server.portals.basemap_tiles import BaseMap, prepared, tile
from zhicheng.server.portals.tiles import DEEPEST
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route
from zhicheng.server.space import Space
from zhicheng.server.system import VERSION
from zhicheng.standards.mvt import MEDIA_TYPE

_KEPT = 4096
_FOUND, _MOST_FOUND = 10, 100
_FINEST = 16
"""Zoom of the finest tiles worth asking for: a map shows them larger where it goes closer."""


class BaseMaps:
    """The base maps of the tenants, each in its newest version, and the tiles that were cut last."""

    def __init__(self) -> None:
        self._maps: dict[str, BaseMap] = {}
        self._turn = asyncio.Lock()
        self._tiles: OrderedDict[tuple[str, int, int, int, int], bytes] = OrderedDict()

    async def of(self, space: Space) -> BaseMap:
        """The base map of a tenant; NotFound where it has none."""
        version = space.store.table_version(SET)
        if not version:
            raise NotFound(
                "The city has no base map; docs/basemap.md says how to give it one",
                "本市尚无底图；docs/basemap.md 说明如何添加",
            )
        async with self._turn:
            known = self._maps.get(space.tenant)
            if known is None or known.version != version:
                tables = await asyncio.to_thread(space.store.tables, SET, version)
                known = self._maps[space.tenant] = await asyncio.to_thread(prepared, version, tables)
        return known

    async def tile(self, space: Space, zoom: int, x: int, y: int) -> tuple[int, bytes]:
        """Version and body of a tile."""
        base = await self.of(space)
        key = (space.tenant, base.version, zoom, x, y)
        found = self._tiles.get(key)
        if found is None:
            found = await asyncio.to_thread(tile, base, zoom, x, y)
            self._tiles[key] = found
            if len(self._tiles) > _KEPT:
                self._tiles.popitem(last=False)
        else:
            self._tiles.move_to_end(key)
        return base.version, found


def basemap_routes() -> tuple[Route, ...]:
    """The routes, for one server."""
    maps = BaseMaps()

    async def about(request: Request) -> Answer:
        return json_answer(_document(await maps.of(request.space)))

    async def one(request: Request) -> Answer:
        version, body = await maps.tile(request.space, *place_of(request))
        headers = ((b"etag", b'"%d-%s"' % (version, VERSION.encode())), (b"cache-control", b"no-cache"))
        if (request.header(b"if-none-match") or "").encode() == headers[0][1]:
            return Answer(304, b"", "", headers)
        return Answer(200, body, MEDIA_TYPE, headers)

    async def places(request: Request) -> Answer:
        query = request.query()
        text, base = query.get("text", "").strip(), await maps.of(request.space)
        return json_answer(await asyncio.to_thread(named, base, text, limit_of(query)) if text else [])

    return (
        Route("GET", "/api/v1/basemap/places", "city:read", places,
              Named("按名称找地点", "Places of the base map by name"),
              (Parameter("text", "Part of the name", "名称的一部分"),
               Parameter("limit", "At most so many", "最多条数", {"type": "integer", "minimum": 1})), None,
              (Response(200, "The answer", "结果", {}),)),
        Route("GET", "/api/v1/basemap", "city:read", about,
              Named("底图概况", "The base map: its bounds, version and attribution"), (), None,
              (Response(200, "The answer", "结果", {}),)),
        Route("GET", "/basemap/{z}/{x}/{y}", "city:read", one,
              Named("底图瓦片", "A vector tile of the base map"), (), None,
              (Response(200, "A vector tile with the layers of the base map", "矢量瓦片，含底图各图层", None,
                        (MEDIA_TYPE,)),)),
    )  # fmt: skip


def limit_of(query: Mapping[str, str]) -> int:
    """How many places are asked for."""
    text = query.get("limit", str(_FOUND))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and int(text) > 0):
        raise Invalid("limit is a number above 0", "limit 应为大于 0 的数", parameter="limit")
    return min(int(text), _MOST_FOUND)


def _document(base: BaseMap) -> dict[str, object]:
    return {
        "version": base.version,
        "bounds": list(base.bounds),
        "attribution": list(base.attribution),
        "layers": {layer.name: len(layer.shapes) for layer in base.layers},
        "minzoom": 0,
        "maxzoom": _FINEST,
        "tiles": "/basemap/{z}/{x}/{y}",
    }


def place_of(request: Request) -> tuple[int, int, int]:
    """The tile that a path names; Invalid for one that there is not."""
    z, x, y = request.path["z"], request.path["x"], request.path["y"]
    y, dot, ending = y.partition(".")
    if dot and ending not in ("mvt", "pbf"):
        raise NotFound("Tiles end in .mvt", "瓦片以 .mvt 结尾")
    if all(part.isascii() and part.isdecimal() and len(part) < 9 for part in (z, x, y)):
        zoom, across, down = int(z), int(x), int(y)
        if zoom <= DEEPEST and across < 2**zoom and down < 2**zoom:
            return zoom, across, down
    raise Invalid(f"There is no tile {z[:9]}/{x[:9]}/{y[:9]}", f"没有瓦片 {z[:9]}/{x[:9]}/{y[:9]}")
