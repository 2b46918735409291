"""The routes of the portals: the pages and what they ask for."""

from __future__ import annotations

from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server.portals import api, pages
from zhicheng.server.portals.tiles import Tiles
from zhicheng.server.routes import Body, Parameter, Response, Route
from zhicheng.standards.mvt import MEDIA_TYPE

_LANG = Parameter("lang", "zh or en", "zh 或 en")
_TIME = {"type": "string", "format": "date-time"}
_AT = Parameter("at", "As of this instant; without it, now", "截至该时刻；省略则为当前", _TIME)
_VALUE = Parameter("value", "An attribute: its value is the property `value`", "属性名：其值写入属性 value")
_Q = Parameter("q", "A filter in NGSI-LD's query language", "NGSI-LD 查询条件")
_PAGE = Response(200, "The page", "页面", None, ("text/html",))
_FILE = Response(200, "The file", "文件", None, ("application/octet-stream",))
_TILE = Response(200, "A vector tile with the layer entities", "矢量瓦片，图层名为 entities", None, (MEDIA_TYPE,))
_PAYLOAD = Body({}, ("application/octet-stream",))
_ANSWER = Response(200, "The answer", "结果", {})
_NUMBER = {"type": "integer", "minimum": 1}


def portal_routes() -> tuple[Route, ...]:
    """All of them, for one server."""
    return (
        *(Route("GET", path, PUBLIC, pages.page, title, (), None, (_PAGE,)) for path, title in pages.PAGES),
        Route("GET", "/static/{...}", PUBLIC, pages.static, Named("页面文件", "Files of the page"), (), None, (_FILE,)),
        Route("GET", "/favicon.ico", PUBLIC, pages.icon, Named("图标", "Icon"), (), None, (_FILE,)),
        Route(
            "GET", "/api/v1/state", "city:read", api.state, Named("城市状态", "The city's state"), (), None, (_ANSWER,)
        ),
        Route(
            "GET",
            "/api/v1/types",
            "city:read",
            api.types,
            Named("地图上的类型", "Types, as layers"),
            (_LANG, _AT),
            None,
            (_ANSWER,),
        ),
        Route(
            "GET",
            "/api/v1/types/{type}/extent",
            "city:read",
            api.extent,
            Named("类型的范围", "Where a type's entities lie"),
            (_AT,),
            None,
            (_ANSWER,),
        ),
        Route(
            "GET",
            "/api/v1/entities/{id}",
            "entities:read",
            api.entity,
            Named("实体面板", "An entity as a person sees it"),
            (_LANG, _AT),
            None,
            (_ANSWER,),
        ),
        Route(
            "GET",
            "/api/v1/entities/{id}/history",
            "history:read",
            api.history,
            Named("属性历史", "An attribute's history"),
            (
                Parameter("attribute", "Which attribute", "属性名"),
                Parameter("dataset", "Which datasetId", "datasetId"),
                Parameter("from", "Not before", "开始时间", _TIME),
                Parameter("to", "Not after", "结束时间", _TIME),
                Parameter("points", "About how many points", "大致点数", _NUMBER),
            ),
            None,
            (_ANSWER,),
        ),
        Route(
            "GET",
            "/api/v1/search",
            "city:read",
            api.search,
            Named("搜索实体", "Search entities"),
            (
                Parameter("text", "Part of the id or name", "id 或名称的一部分"),
                Parameter("limit", "At most so many", "最多条数", _NUMBER),
                Parameter("each", "At most so many of each type", "每种类型最多条数", _NUMBER),
                _AT,
            ),
            None,
            (_ANSWER,),
        ),
        Route(
            "GET",
            "/api/v1/feeds",
            "feeds:read",
            api.feeds,
            Named("数据源状态", "How feeds are doing"),
            (),
            None,
            (_ANSWER,),
        ),
        Route(
            "POST",
            "/api/v1/feeds/{name}",
            "feeds:push",
            api.push,
            Named("推送数据", "Push a payload to a feed"),
            (),
            _PAYLOAD,
            (_ANSWER,),
        ),
        Route(
            "GET",
            "/tiles/{type}/{z}/{x}/{y}",
            "city:read",
            api.tile_route(Tiles()),
            Named("矢量瓦片", "A vector tile"),
            (_VALUE, _Q, _AT),
            None,
            (_TILE,),
        ),
    )
