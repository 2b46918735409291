"""Every interface that programs can use, each with examples to copy; KEY stands where one's own key goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from zhicheng.security.actions import Named
from zhicheng.server.portals.named import Json
from zhicheng.server.portals.ways_in import base_of
from zhicheng.server.request import Request

KEY = "ZHICHENG_KEY"
"""What the page puts one's own key in the place of; the server never has the key in a document."""
_TYPE = "OffStreetParking"
"""The type of the examples where nothing with a place lives yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What examples are made for: the server's address, a type that lives here, whether a key is needed."""

    base: str
    type: str
    header: str | None

    def address(self, path: str, **query: object) -> str:
        """An address on this server."""
        text = urlencode({name: str(value) for name, value in query.items()}, quote_via=quote)
        return f"{self.base}{path}{'?' + text if text else ''}"


@dataclass(frozen=True, slots=True)
class Interface:
    """One of them. examples: the tool -> what makes its text; doc: the page of the documents that explains it."""

    name: str
    label: Named
    what: Named
    path: str
    action: str
    doc: str
    examples: tuple[tuple[str, Callable[[Asked], str]], ...]


def curl(address: str, header: str | None, *more: str) -> str:
    """A command line.

    >>> print(curl("http://h/x", None))
    curl "http://h/x"
    """
    parts = [f'curl "{address}"', *([f'-H "{header}"'] if header else []), *more]
    return " \\\n  ".join(parts)


def _python(asked: Asked, address: str, then: str, accept: str = "application/json") -> str:
    headers = {"Accept": accept}
    if asked.header:
        headers["Authorization"] = asked.header.partition(": ")[2]
    return (
        "import json\nfrom urllib.request import Request, urlopen\n\n"
        f"asked = Request({json.dumps(address)},\n"
        f"                headers={json.dumps(headers)})\n"
        f"with urlopen(asked) as answer:\n    {then}"
    )


def _power_query(asked: Asked, address: str) -> str:
    told = f', [Headers=[Authorization="{asked.header.partition(": ")[2]}"]]' if asked.header else ""
    return f'let\n  Source = Csv.Document(Web.Contents("{address}"{told}), [Delimiter=",", Encoding=65001]),\n' \
           "  Table = Table.PromoteHeaders(Source)\nin\n  Table"  # fmt: skip


def _entities(asked: Asked) -> str:
    return asked.address("/ngsi-ld/v1/entities", type=asked.type, limit=100, options="keyValues")


def _history(asked: Asked) -> str:
    return asked.address("/ngsi-ld/v1/temporal/entities", type=asked.type, lastN=10, options="temporalValues", limit=5)


def _geojson(asked: Asked) -> str:
    return asked.address("/ngsi-ld/v1/entities", type=asked.type, limit=1000, options="keyValues")


def _sql(asked: Asked) -> str:
    question = (
        f"SELECT entity, attribute, number, text, observed_at FROM entities WHERE type = '{asked.type}' LIMIT 1000"
    )
    return asked.address("/api/v1/sql", query=question, format="csv")


def _tiles(asked: Asked) -> str:
    return f"{asked.base}/tiles/{quote(asked.type)}/{{z}}/{{x}}/{{y}}"


def _qgis_tiles(asked: Asked) -> str:
    lines = [
        "图层 Layer > 添加图层 Add Layer > 矢量切片 Add Vector Tile Layer",
        f"URL: {_tiles(asked)}",
        "Max. Zoom: 14",
    ]
    return "\n".join([*lines, *([f"HTTP Header: {asked.header}"] if asked.header else [])])


def _qgis_geojson(asked: Asked) -> str:
    download = curl(_geojson(asked), asked.header, '-H "Accept: application/geo+json"', f"-o {asked.type}.geojson")
    return f"{download}\n\n# QGIS: 图层 Layer > 添加图层 Add Layer > 矢量 Add Vector Layer > {asked.type}.geojson"


def _stream(asked: Asked) -> str:
    return asked.address("/api/v1/stream", box="-180,-85,180,85", zoom=8, layers=asked.type)


def _new_entity(asked: Asked) -> str:
    body = {
        "id": f"urn:ngsi-ld:{asked.type}:my-first", "type": asked.type,
        "name": {"type": "Property", "value": "My first entity"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.32, 22.82]}},
    }  # fmt: skip
    return curl(
        asked.address("/ngsi-ld/v1/entities"), asked.header, '-H "Content-Type: application/json"',
        f"-d '{json.dumps(body)}'",
    )  # fmt: skip


def _new_subscription(asked: Asked) -> str:
    body = {
        "type": "Subscription", "entities": [{"type": asked.type}],
        "notification": {"endpoint": {"uri": "https://my.example/notify", "accept": "application/json"}},
    }  # fmt: skip
    return curl(
        asked.address("/ngsi-ld/v1/subscriptions"), asked.header, '-H "Content-Type: application/json"',
        f"-d '{json.dumps(body)}'",
    )  # fmt: skip


_COUNT = 'found = json.load(answer)\n    print(len(found), found[0] if found else "")'
INTERFACES: tuple[Interface, ...] = (
    Interface(
        "entities", Named("实体查询（NGSI-LD）", "Entities (NGSI-LD)"),
        Named("城市现在的样子：按类型、条件、范围取实体", "The city as it is: entities by type, condition and area"),
        "/ngsi-ld/v1/entities", "entities:read", "models",
        (("curl", lambda a: curl(_entities(a), a.header)), ("python", lambda a: _python(a, _entities(a), _COUNT)),
         ("qgis", _qgis_geojson),
         ("excel", lambda a: _power_query(a, _sql(a)))),
    ),
    Interface(
        "history", Named("历史（NGSI-LD 时态）", "History (NGSI-LD temporal)"),
        Named("每个属性的变化过程与统计", "How each attribute came to be, and aggregates of it"),
        "/ngsi-ld/v1/temporal/entities", "history:read", "semantics",
        (("curl", lambda a: curl(_history(a), a.header)), ("python", lambda a: _python(a, _history(a), _COUNT))),
    ),
    Interface(
        "sql", Named("只读 SQL", "Read-only SQL"),
        Named("对实体与历史提问，结果为 JSON、CSV、XLSX 或 Arrow",
              "Ask entities and history; answers as JSON, CSV, XLSX or Arrow"),
        "/api/v1/sql", "sql:run", "sql",
        (("curl", lambda a: curl(_sql(a), a.header)),
         ("python", lambda a: _python(a, _sql(a), 'print(answer.read().decode("utf-8")[:500])', "text/csv")),
         ("excel", lambda a: _power_query(a, _sql(a)))),
    ),
    Interface(
        "stream", Named("实时流", "The live stream"),
        Named("范围内的变化随时推送（SSE、WebSocket）", "What changes in an area, as it happens (SSE or WebSocket)"),
        "/api/v1/stream", "city:read", "stream",
        (("curl", lambda a: curl(_stream(a), a.header, "--no-buffer", "--max-time 10")),
         ("python", lambda a: _python(
             a, _stream(a), "for _, line in zip(range(10), answer):\n        print(line.decode().rstrip()[:200])",
             "text/event-stream"))),
    ),
    Interface(
        "tiles", Named("矢量瓦片", "Vector tiles"),
        Named("直接加入 GIS 与网页地图", "Straight into GIS and web maps"),
        "/tiles/{type}/{z}/{x}/{y}", "city:read", "stream",
        (("qgis", _qgis_tiles), ("curl", lambda a: curl(_tiles(a).format(z=0, x=0, y=0), a.header, "-o tile.mvt"))),
    ),
    Interface(
        "write", Named("写入实体", "Writing entities"),
        Named("新建、修改、批量写入；需要写入者或沙箱密钥", "With a writer's or a sandbox key"),
        "/ngsi-ld/v1/entities", "entities:write", "semantics",
        (("curl", _new_entity),),
    ),
    Interface(
        "subscriptions", Named("订阅与通知", "Subscriptions"),
        Named("变化发生时由平台通知您的程序，至少一次", "The platform tells your program as it happens, at least once"),
        "/ngsi-ld/v1/subscriptions", "subscriptions:write", "subscriptions",
        (("curl", _new_subscription),),
    ),
    Interface(
        "sign-in", Named("单点登录（OpenID Connect）", "Sign-in (OpenID Connect)"),
        Named("让用户用智城账号登录您的应用", "Let people sign in to your application with their account here"),
        "/.well-known/openid-configuration", "public", "identity",
        (("curl", lambda a: curl(a.address("/.well-known/openid-configuration"), None)),),
    ),
)  # fmt: skip


def interfaces_of(request: Request) -> list[Json]:
    """All interfaces, with examples for this server and a type that lives here."""
    header = None if request.city.open and request.principal is request.city.guest else f"Authorization: Bearer {KEY}"
    asked = Asked(base_of(request), _usual(request), header)
    return [
        {
            "name": one.name, "label_zh": one.label.zh, "label_en": one.label.en, "what_zh": one.what.zh,
            "what_en": one.what.en, "path": one.path, "action": one.action, "doc": one.doc,
            "examples": [{"tool": tool, "text": made(asked)} for tool, made in one.examples],
        }
        for one in INTERFACES
    ]  # fmt: skip


def _usual(request: Request) -> str:
    """The type with places of which there are most, up to what one likes to look at."""
    found = [one for one in request.space.query.types() if one.located and one.count <= 5000]
    best = max(found, key=lambda one: one.count, default=None)
    return _TYPE if best is None else request.space.contexts.default.compact(best.type)
