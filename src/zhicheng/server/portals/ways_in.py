"""The interfaces of a type with examples to copy: curl, Python, QGIS, a spreadsheet; with the real host."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from zhicheng.hub.catalogue.figures import TypeHeld
from zhicheng.server.portals.named import Json, quoted
from zhicheng.server.request import Request

_TOKEN = "TOKEN"


def base_of(request: Request) -> str:
    """How this server is called from outside: as its settings say, else as this request called it."""
    told = request.city.settings.server.public_url.rstrip("/")
    if told:
        return told
    settings = request.city.settings.server
    host = request.header(b"host") or f"{settings.host}:{settings.port}"
    forwarded = request.header(b"x-forwarded-proto") or ""
    return f"{'https' if forwarded == 'https' else 'http'}://{host}"


def of_type(request: Request, iri: str, held: TypeHeld) -> list[Json]:
    """Ways to the entities of a type, each with its address and an example to copy."""
    base, short = base_of(request), request.space.contexts.default.compact(iri)
    header = None if request.city.open else f"Authorization: Bearer {_TOKEN}"
    entities = f"{base}/ngsi-ld/v1/entities?{urlencode({'type': short, 'limit': 20})}"
    sql = (
        "SELECT entity, attribute, coalesce(CAST(number AS VARCHAR), text) AS value, unit, observed_at "
        f"FROM entities WHERE type = {quoted(short)}"
    )
    table = f"{base}/api/v1/sql?{urlencode({'query': sql, 'format': 'csv', 'rows': 100000}, quote_via=quote)}"
    made = [
        _way("curl", "NGSI-LD", "NGSI-LD", entities, _curl(entities, header)),
        _way("python", "Python", "Python", entities, _python(base, short, header)),
        _way("excel", "Excel（获取数据 → 自网站）", "Excel (Get data, from the web)", table, _excel(table, header)),
        _way("sql", "SQL", "SQL", f"{base}/api/v1/sql", sql),
    ]
    if held.located:
        features = f"{base}/ngsi-ld/v1/entities?{urlencode({'type': short, 'limit': 1000, 'options': 'keyValues'})}"
        tiles = f"{base}/tiles/{quote(short, safe='')}/{{z}}/{{x}}/{{y}}.mvt"
        made[2:2] = [
            _way("qgis", "QGIS（矢量瓦片）", "QGIS (vector tiles)", tiles, _qgis(tiles, short, header)),
            _way("geojson", "GeoJSON", "GeoJSON", features, _curl(features, header, "application/geo+json")),
        ]
    return made


def _way(kind: str, zh: str, en: str, address: str, example: str) -> Json:
    return {"kind": kind, "label_zh": zh, "label_en": en, "address": address, "example": example}


def _curl(address: str, header: str | None, accept: str = "application/json") -> str:
    token = f' \\\n     -H "{header}"' if header else ""
    return f'curl "{address}" \\\n     -H "Accept: {accept}"{token}'


def _python(base: str, short: str, header: str | None) -> str:
    token = ', "Authorization": "Bearer TOKEN"' if header else ""
    return (
        "import json\nfrom urllib.request import Request, urlopen\n\n"
        f"address = {json.dumps(f'{base}/ngsi-ld/v1/entities?type={quote(short)}&limit=1000&options=keyValues')}\n"
        f'asked = Request(address, headers={{"Accept": "application/json"{token}}})\n'
        "with urlopen(asked) as answer:\n"
        "    entities = json.load(answer)\n"
        'print(len(entities), entities[0]["id"])'
    )


def _excel(table: str, header: str | None) -> str:
    options = f', [Headers=[Authorization="Bearer {_TOKEN}"]]' if header else ""
    return f'= Csv.Document(Web.Contents("{table}"{options}), [Delimiter=",", Encoding=65001])'


def _qgis(tiles: str, short: str, header: str | None) -> str:
    lines = [
        f"{short}: Layer > Add Layer > Add Vector Tile Layer > New Generic Connection",
        f"URL: {tiles}",
        "Max. Zoom: 14",
    ]
    return "\n".join([*lines, *([f"Header: {header}"] if header else [])])
