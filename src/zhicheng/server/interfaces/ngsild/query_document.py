"""The body of a query: NGSI-LD's Query document (clause 5.2.23) as parameters and predicate."""

from __future__ import annotations

from typing import cast

import orjson

from zhicheng.kernel import urn
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.filter import tree, types
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json

_GEO_MEMBERS = ("georel", "geometry", "coordinates", "geoproperty")
_QUERY_MEMBERS = {
    "type", "entities", "attrs", "q", "geoQ", "csf", "temporalQ", "scopeQ", "lang", "pick", "omit", "datasetId", "join",
    "joinLevel", "containedBy", "orderBy", "ordering", "local", "expandValues", "aggrParams", "@context",
}  # fmt: skip


def query_of(document: Json) -> dict[str, str]:
    """The members of a Query document (clause 5.2.23) as the parameters of the same meaning."""
    if not isinstance(document, dict) or document.get("type") != "Query":
        raise Invalid('The body is an object with "type": "Query"', '正文应为含 "type": "Query" 的对象')
    unknown = sorted(document.keys() - _QUERY_MEMBERS)
    if unknown:
        raise Invalid(
            f"A Query has no member {unknown[0][:60]!r}",
            f"Query 没有成员 {unknown[0][:60]!r}",
            path="/" + unknown[0][:60],
        )
    query: dict[str, str] = {}
    for name in ("q", "scopeQ", "lang", "join", "joinLevel", "expandValues"):
        value = document.get(name)
        if value is not None:
            query[name] = text_of(name, value)
    for name in ("attrs", "pick", "omit", "datasetId", "orderBy"):
        value = document.get(name)
        if value is not None:
            items = value if isinstance(value, list) else [value]
            query[name] = ",".join(text_of(name, item) for item in items)
    ordering = document.get("ordering")
    if isinstance(ordering, dict) and isinstance(ordering.get("orderBy"), list):
        query["orderBy"] = ",".join(text_of("orderBy", item) for item in cast("list[Json]", ordering["orderBy"]))
    around = document.get("geoQ")
    if around is not None:
        if not isinstance(around, dict) or around.keys() - set(_GEO_MEMBERS):
            raise Invalid(
                "geoQ is an object of georel, geometry, coordinates",
                "geoQ 应为含 georel、geometry、coordinates 的对象",
                path="/geoQ",
            )
        for name, value in around.items():
            query[name] = value if isinstance(value, str) else orjson.dumps(value).decode()
    return query


def text_of(name: str, value: Json) -> str:
    """A member that is text; a whole number is taken for its digits."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Invalid(f"/{name}: must be text", f"/{name}：应为文本", path=f"/{name}")


def selectors_of(document: Json, context: Context) -> Node | None:
    """`entities` of a Query: any of its selectors (id, idPattern, type)."""
    chosen = cast("dict[str, Json]", document).get("entities")
    if chosen is None:
        return None
    if not isinstance(chosen, list) or not chosen:
        raise Invalid("/entities: must be a list of selectors", "/entities：应为选择器列表", path="/entities")
    nodes = []
    for at, item in enumerate(chosen):
        if not isinstance(item, dict) or "type" not in item or item.keys() - {"id", "idPattern", "type"}:
            raise Invalid(
                f"/entities/{at}: a selector has a type, and perhaps id and idPattern",
                f"/entities/{at}：选择器需要 type，可加 id 和 idPattern",
                path=f"/entities/{at}",
            )
        ids = item.get("id")
        nodes.append(
            tree.all_of(
                [
                    types.parse(text_of("type", item["type"]), context.expand),
                    tree.ids(urn.check(text_of("id", one)) for one in (ids if isinstance(ids, list) else [ids]))
                    if ids
                    else None,
                    tree.IdPattern(text_of("idPattern", item["idPattern"])) if "idPattern" in item else None,
                ]
            )
        )
    return tree.any_of(nodes)
