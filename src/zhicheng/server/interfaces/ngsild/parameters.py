"""The parameters of NGSI-LD requests: what each means, and how they become queries and representations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar, cast

from zhicheng.hub.ordering import Order
from zhicheng.kernel import instants, urn
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.geometry import check as check_geometry
from zhicheng.server.http import parse_json
from zhicheng.server.interfaces.ngsild.errors import InvalidRequest, TooManyResults
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter
from zhicheng.standards.filter import geo, q, scope, tree, types
from zhicheng.standards.filter.tree import EVERYTHING, Node, Path
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.standards.ngsild.representation import Form, Projection, Representation, language_ranges

T = TypeVar("T")
Query = Mapping[str, str]
INTEGER = {"type": "integer", "minimum": 0}
TRUTH = {"type": "boolean"}
DATE_TIME = {"type": "string", "format": "date-time"}
_FORMS = {
    "normalized": Form.NORMALIZED,
    "concise": Form.CONCISE,
    "simplified": Form.SIMPLIFIED,
    "keyValues": Form.SIMPLIFIED,
}
_PATTERN = re.compile(r"(?P<path>[^;]+?)(?:;(?P<way>asc|desc|dist-asc|dist-desc))?")


def _text(name: str, en: str, zh: str) -> Parameter:
    return Parameter(name, en, zh)


ID = _text("id", "Ids (URIs), separated by commas", "实体 id（URI），用逗号分隔")
TYPE = _text(
    "type",
    "Types: A,B or A|B for any, A;B for all, with parentheses",
    "类型：A,B 或 A|B 表示任一，A;B 表示全部，可加括号",
)
ID_PATTERN = _text("idPattern", "Regular expression that occurs in the id", "在 id 中匹配的正则表达式")
ATTRS = _text("attrs", "Attributes to show; an entity must have one of them", "要显示的属性；实体须至少具有其一")
Q = _text("q", 'Condition on values: speed>50;name=="Bus 7"', '对值的条件：speed>50;name=="Bus 7"')
GEOREL = _text(
    "georel",
    "near;maxDistance==metres, within, contains, intersects, disjoint, equals, overlaps",
    "空间关系：near;maxDistance==米数、within、contains、intersects、disjoint、equals、overlaps",
)
GEOMETRY = _text("geometry", "Type of the geometry to compare with", "用于比较的几何类型")
COORDINATES = _text("coordinates", "Its coordinates, as JSON", "几何坐标（JSON）")
GEOPROPERTY = _text(
    "geoproperty", "The attribute to compare; location where not given", "用于比较的地理属性，默认为 location"
)
SCOPE_Q = _text("scopeQ", "Scopes: /Madrid/#, /Madrid/+/Park", "范围：/Madrid/#、/Madrid/+/Park")
LIMIT = Parameter("limit", "Entities of a page", "每页实体数", INTEGER)
OFFSET = Parameter("offset", "Entities to skip", "跳过的实体数", INTEGER)
COUNT = Parameter(
    "count",
    "Tell how many there are in all, in the header NGSILD-Results-Count",
    "在 NGSILD-Results-Count 头中给出总数",
    TRUTH,
)
ORDER_BY = _text(
    "orderBy",
    "Attributes to sort by, each ;asc, ;desc, ;dist-asc or ;dist-desc",
    "排序属性，可加 ;asc、;desc、;dist-asc、;dist-desc",
)
ORDER_GEOMETRY = _text(
    "orderGeometry", "Type of the geometry that distances are from; Point", "距离排序的参考几何类型；Point"
)
ORDER_COORDINATES = _text("orderCoordinates", "Its coordinates, as JSON", "参考几何坐标（JSON）")
OPTIONS = _text(
    "options",
    "normalized, concise, keyValues, sysAttrs, count and the like, separated by commas",
    "normalized、concise、keyValues、sysAttrs、count 等，用逗号分隔",
)
FORMAT = _text("format", "normalized, concise or simplified", "normalized、concise 或 simplified")
LANG = _text("lang", "Natural languages wanted, as in Accept-Language", "期望的自然语言，同 Accept-Language")
PICK = _text("pick", "Members to show: id,type,speed,owner{name}", "要显示的成员：id,type,speed,owner{name}")
OMIT = _text("omit", "Members to leave out", "要省略的成员")
DATASET_ID = _text(
    "datasetId",
    "Instances with these datasetIds; @none is the default one",
    "具有这些 datasetId 的实例；@none 为默认实例",
)
GEOMETRY_PROPERTY = _text(
    "geometryProperty", "The attribute that is a GeoJSON feature's geometry", "作为 GeoJSON 几何的属性"
)
JOIN = _text("join", "inline or flat: show linked entities too", "inline 或 flat：同时显示关联实体")
JOIN_LEVEL = Parameter("joinLevel", "How many steps far", "关联层数", {"type": "integer", "minimum": 1})
LOCAL = Parameter("local", "Only what is here; there is nothing else", "仅限本系统；没有其他来源", TRUTH)
EXPAND_VALUES = _text("expandValues", "Attributes whose values in q are vocabulary terms", "q 中取值为词汇术语的属性")
DETAILS = Parameter("details", "With figures, not names alone", "给出详情而不只是名称", TRUTH)
OBSERVED_AT = Parameter(
    "observedAt", "observedAt of attributes that have none", "未给出 observedAt 的属性所用的时间", DATE_TIME
)
DELETE_ALL = Parameter("deleteAll", "Every instance, not the default one alone", "删除全部实例而不只是默认实例", TRUTH)

REPRESENTATION = (OPTIONS, FORMAT, LANG, PICK, OMIT, DATASET_ID, GEOMETRY_PROPERTY, JOIN, JOIN_LEVEL, LOCAL)
SELECTION = (ID, TYPE, ID_PATTERN, ATTRS, Q, GEOREL, GEOMETRY, COORDINATES, GEOPROPERTY, SCOPE_Q, EXPAND_VALUES)
PAGING = (LIMIT, OFFSET, COUNT, ORDER_BY, ORDER_GEOMETRY, ORDER_COORDINATES)


def parameters_of(request: Request) -> dict[str, str]:
    """The request's parameters; Invalid for one that the route does not have, naming the nearest."""
    raw: bytes = request.scope["query_string"]
    if not raw:
        return {}
    found = request.query()
    for name in found:
        if name not in request.known:
            near = get_close_matches(name, sorted(request.known), n=1)
            known = ", ".join(sorted(request.known)) or "-"
            raise InvalidRequest(
                f"There is no parameter {name[:60]!r} here; "
                + (f"did you mean {near[0]!r}?" if near else f"there is {known}"),
                f"此处没有参数 {name[:60]!r}；" + (f"是否应为 {near[0]!r}？" if near else f"可用参数：{known}"),
                parameter=name[:60],
            )
    return found


def list_of(text: str) -> list[str]:
    """The items of a list with commas; Invalid for an empty one."""
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise InvalidRequest(f"{text[:80]!r} is a list with an empty item", f"{text[:80]!r} 的列表中有空项")
    return items


def number(query: Query, name: str, default: int, most: int | None = None, least: int = 0) -> int:
    """A whole number, between bounds."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 16) or int(text) < least:
        raise InvalidRequest(
            f"{name} is a whole number of at least {least}, not {text[:40]!r}",
            f"{name} 应为不小于 {least} 的整数，而不是 {text[:40]!r}",
            parameter=name,
        )
    if most is not None and int(text) > most:
        raise TooManyResults(
            f"{name} is at most {most}; ask for one page after the other",
            f"{name} 最大为 {most}；请分页请求",
            parameter=name,
        )
    return int(text)


def truth(query: Query, name: str) -> bool:
    """True or false; false where it is not there."""
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidRequest(
            f"{name} is true or false, not {text[:40]!r}", f"{name} 应为 true 或 false", parameter=name
        )
    return text == "true"


def options(query: Query, known: Iterable[str]) -> frozenset[str]:
    """The words of `options`; unknown ones are refused."""
    text = query.get("options")
    if not text:
        return frozenset()
    words = frozenset(list_of(text))
    unknown = sorted(words - frozenset(known))
    if unknown:
        raise InvalidRequest(
            f"There is no option {unknown[0][:40]!r} here; there is {', '.join(sorted(known))}",
            f"此处没有选项 {unknown[0][:40]!r}；可用：{'、'.join(sorted(known))}",
            parameter="options",
        )
    return words


SHOWING = frozenset((*_FORMS, "sysAttrs", "count", "extras"))


def form_of(query: Query, words: frozenset[str]) -> Form:
    """normalized, concise or simplified, from `format` or `options`."""
    wanted = query.get("format")
    if wanted is not None and wanted not in _FORMS:
        raise InvalidRequest(
            f"format is normalized, concise or simplified, not {wanted[:40]!r}",
            f"format 应为 normalized、concise 或 simplified，而不是 {wanted[:40]!r}",
            parameter="format",
        )
    named = [wanted] if wanted is not None else sorted(words & _FORMS.keys())
    if len({_FORMS[name] for name in named}) > 1:
        raise InvalidRequest(
            f"options name {' and '.join(named)}", f"options 同时指定了 {'、'.join(named)}", parameter="options"
        )
    return _FORMS[named[0]] if named else Form.NORMALIZED


_SHOWN = frozenset(
    ("options", "format", "lang", "attrs", "pick", "omit", "datasetId", "join", "joinLevel", "geometryProperty")
)
_PLAIN = Representation()


def representation(query: Query, context: Context, words: frozenset[str] | None = None) -> Representation:
    """How the answer is to be written."""
    if _SHOWN.isdisjoint(query):
        return _PLAIN
    chosen = options(query, SHOWING) if words is None else words
    join = query.get("join")
    if join not in (None, "inline", "flat", "@none"):
        raise InvalidRequest(
            f"join is inline or flat, not {str(join)[:40]!r}", "join 应为 inline 或 flat", parameter="join"
        )
    lang = query.get("lang")
    if lang is not None:
        language_ranges(lang)
    return Representation(
        form_of(query, chosen),
        "sysAttrs" in chosen,
        lang,
        _given(query, "attrs", lambda text: names_of(text, context)),
        _given(query, "pick", lambda text: Projection.parse(text, context)),
        _given(query, "omit", lambda text: Projection.parse(text, context)),
        _given(query, "datasetId", lambda text: frozenset(list_of(text))),
        "extras" in chosen,
        None if join == "@none" else join,
        number(query, "joinLevel", 1, least=1),
        context.expand(query["geometryProperty"]) if "geometryProperty" in query else LOCATION,
        next((one for one in query.get("datasetId", "").split(",") if one and one != "@none"), None),
    )


def _given(query: Query, name: str, read: Callable[[str], T]) -> T | None:
    return read(query[name]) if name in query else None


@lru_cache(maxsize=1024)
def _names(text: str, context: Context) -> frozenset[str]:
    return frozenset(context.expand(name) for name in list_of(text))


def names_of(text: str, context: Context) -> frozenset[str]:
    """A list of attribute names as IRIs."""
    return _names(text, context)


def where_of(query: Query, context: Context) -> Node:
    """Everything a request asks of an entity, as one predicate."""
    return _where(tuple((name, query[name]) for name in _ASKED if name in query), context)


_ASKED = tuple(parameter.name for parameter in SELECTION)


@lru_cache(maxsize=1024)
def _where(asked: tuple[tuple[str, str], ...], context: Context) -> Node:
    query = dict(asked)
    parts: list[Node | None] = [
        types.parse(query["type"], context.expand) if "type" in query else None,
        tree.ids(urn.check(one) for one in list_of(query["id"])) if "id" in query else None,
        tree.IdPattern(query["idPattern"]) if "idPattern" in query else None,
        _having(names_of(query["attrs"], context)) if "attrs" in query else None,
        q.parse(query["q"], context.expand, _expand_values(query)) if "q" in query else None,
        _geo(query, context),
        scope.parse(query["scopeQ"]) if "scopeQ" in query else None,
    ]
    return tree.all_of(parts)


def _expand_values(query: Query) -> tuple[str, ...]:
    return tuple(list_of(query["expandValues"])) if "expandValues" in query else ()


def _having(names: Iterable[str]) -> Node:
    return tree.any_of(tree.Exists(Path(name)) for name in sorted(names))


def _geo(query: Query, context: Context) -> Node | None:
    given = [name for name in ("georel", "geometry", "coordinates", "geoproperty") if name in query]
    if not given:
        return None
    missing = [name for name in ("georel", "geometry", "coordinates") if name not in query]
    if missing:
        raise InvalidRequest(
            f"A geoquery needs georel, geometry and coordinates; {missing[0]} is missing",
            f"地理查询需要 georel、geometry 和 coordinates；缺少 {missing[0]}",
            parameter=missing[0],
        )
    attribute = context.expand(query.get("geoproperty", "location"))
    return geo.parse(query["georel"], query["geometry"], query["coordinates"], attribute)


def needs_selection(where: Node, query: Query) -> Node:
    """The predicate, if the request says what it is about at all (clause 5.7.2.4): everything at once is refused."""
    if where == EVERYTHING and "type" not in query and "local" not in query:
        raise InvalidRequest(
            "Say which entities: by type, id, idPattern, attrs, q, georel or scopeQ; type=* means all of them",
            "请说明所需实体：type、id、idPattern、attrs、q、georel 或 scopeQ；type=* 表示全部",
        )
    return where


def order_of(query: Query, context: Context) -> tuple[Order, ...]:
    """How the answer is to be sorted."""
    text = query.get("orderBy")
    if text is None:
        return ()
    return tuple(_order(item, query, context) for item in list_of(text))


def _order(item: str, query: Query, context: Context) -> Order:
    found = _PATTERN.fullmatch(item)
    if found is None:
        raise InvalidRequest(
            f"orderBy {item[:60]!r} is not a path with ;asc, ;desc, ;dist-asc or ;dist-desc",
            f"orderBy {item[:60]!r} 不是可加 ;asc、;desc、;dist-asc、;dist-desc 的路径",
            parameter="orderBy",
        )
    path, way = found["path"], found["way"] or "asc"
    node = Path("id") if path == "id" else cast("tree.Exists", q.parse(path, context.expand)).path
    near = _reference(query) if way.startswith("dist") else None
    return Order(node, way.endswith("desc"), near)


def _reference(query: Query) -> tuple[float, float]:
    kind = query.get("orderGeometry", query.get("geometry", "Point"))
    text = query.get("orderCoordinates", query.get("coordinates"))
    if text is None or kind != "Point":
        raise InvalidRequest(
            "Sorting by distance needs orderGeometry=Point and orderCoordinates=[lon,lat]",
            "按距离排序需要 orderGeometry=Point 和 orderCoordinates=[经度,纬度]",
            parameter="orderCoordinates",
        )
    coordinates = parse_json(text.encode())
    check_geometry(cast("dict[str, Json]", {"type": "Point", "coordinates": coordinates}))
    lon, lat = cast("list[float]", coordinates)[:2]
    return float(lon), float(lat)


def instant(query: Query, name: str) -> int | None:
    """A date-time, in microseconds."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return instants.parse(text)
    except Invalid as error:
        raise InvalidRequest(f"{name}: {error.en}", f"{name}：{error.zh}", parameter=name) from None
