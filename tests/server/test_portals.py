"""What the map page asks for: types, extents, an entity, its history, search, tiles; and feeds that fall behind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import orjson
import pytest

from tests.server.parks import ENTITIES, ONE, OPERATIONS, PARK, park
from tests.standards.vector_tiles import Feature, read

Start = Callable[..., Awaitable[httpx.AsyncClient]]
HISTORY = f"/api/v1/entities/{PARK}/history"


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post(ENTITIES, json=park())).status_code == 201
    return client


def features_of(tile: bytes) -> list[Feature]:
    layers = read(tile)
    assert set(layers) == {"entities"}
    return layers["entities"]


def tile_of(lon: float, lat: float, zoom: int) -> str:
    side = 2**zoom
    down = (0.5 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)) * side
    return f"{zoom}/{int((lon / 360 + 0.5) * side)}/{int(down)}"


async def test_types_and_where_they_lie(city: httpx.AsyncClient) -> None:
    [one] = (await city.get("/api/v1/types")).json()
    assert (one["name"], one["count"], one["located"], one["label_zh"]) == ("OffStreetParking", 1, 1, "路外停车场")
    assert one["color"].startswith("#")
    extent = (await city.get("/api/v1/types/OffStreetParking/extent")).json()
    assert extent == {"west": 108.315, "south": 22.829, "east": 108.315, "north": 22.829}
    missing = await city.get("/api/v1/types/Nothing/extent")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


async def test_an_entity_as_a_person_sees_it(city: httpx.AsyncClient) -> None:
    found = (await city.get(f"/api/v1/entities/{PARK}")).json()
    assert (found["label"], found["types"], found["stale"]) == ("Station square", ["OffStreetParking"], False)
    free = next(one for one in found["attributes"] if one["name"] == "availableSpotNumber")
    assert (free["value"], free["unit"], free["numeric"], free["kind"]) == (121, "C62", True, "Property")
    assert free["age_s"] > 0 and free["label_zh"] and free["source"] == "ngsi-ld"
    assert (await city.get("/api/v1/entities/urn:x:none")).status_code == 404


async def test_history_whole_and_thinned(city: httpx.AsyncClient) -> None:
    values = [
        {"type": "Property", "value": n, "observedAt": f"2026-11-19T{n // 60:02d}:{n % 60:02d}:00Z"} for n in range(600)
    ]
    added = await city.post(f"/ngsi-ld/v1/temporal/entities/{PARK}/attrs", json={"availableSpotNumber": values})
    assert added.status_code == 204
    asked = {"attribute": "availableSpotNumber", "to": "2026-11-19T23:59:59Z"}
    whole = (await city.get(HISTORY, params={**asked, "points": "1000"})).json()
    assert (len(whole["rows"]), whole["aggregated"]) == (600, False)
    assert whole["rows"][7] == ["2026-11-19T00:07:00Z", 7, 7, 7]
    thin = (await city.get(HISTORY, params={**asked, "points": "60"})).json()
    assert thin["aggregated"] and 55 <= len(thin["rows"]) <= 61
    assert min(row[2] for row in thin["rows"]) == 0 and max(row[3] for row in thin["rows"]) == 599
    text = (await city.get(HISTORY, params={"attribute": "name"})).json()
    assert [value for _, value in text["rows"]] == ["Station square"]
    for bad in ({}, {"attribute": "name", "points": "many"}, {"attribute": "name", "from": "once"}):
        assert (await city.get(HISTORY, params=bad)).status_code == 400


async def test_search_by_name_and_by_id(city: httpx.AsyncClient) -> None:
    [found] = (await city.get("/api/v1/search", params={"text": "STATION"})).json()
    assert (found["id"], found["lon"], found["lat"]) == (PARK, 108.315, 22.829)
    assert len((await city.get("/api/v1/search", params={"text": "square"})).json()) == 1
    assert (await city.get("/api/v1/search", params={"text": "nothing"})).json() == []
    assert (await city.get("/api/v1/search")).json() == []


async def test_search_gives_the_closest_first_and_no_more_of_a_type_than_asked(city: httpx.AsyncClient) -> None:
    def called(name: str) -> dict[str, object]:
        return {"type": "Property", "value": name}

    for number in range(4):
        other = park(
            f"urn:x:{number}", name=called(f"{'东' * number}南湖"), alternateName=called(f"South Lake {number}")
        )
        assert (await city.post(ENTITIES, json=other)).status_code == 201
    line = {"id": "urn:x:line", "type": "GtfsRoute", "name": called("南湖 — 火车站"), "shortName": called("1")}
    assert (await city.post(ENTITIES, json=line)).status_code == 201
    found = (await city.get("/api/v1/search", params={"text": "南湖", "each": "2"})).json()
    assert [one["id"] for one in found] == ["urn:x:0", "urn:x:line", "urn:x:1"]
    for text in ("1路", "line 1", "Line 1"):
        [one] = (await city.get("/api/v1/search", params={"text": text})).json()
        assert (one["id"], one["short"]) == ("urn:x:line", "1")
    assert [one["id"] for one in (await city.get("/api/v1/search", params={"text": "LAKE 3"})).json()] == ["urn:x:3"]
    assert (await city.get("/api/v1/search", params={"text": "x", "each": "0"})).status_code == 400


async def test_a_tile_holds_what_lies_in_it(city: httpx.AsyncClient) -> None:
    ring = [[108.31, 22.82], [108.33, 22.82], [108.33, 22.84], [108.31, 22.84], [108.31, 22.82]]
    for number, shape in enumerate(
        ({"type": "Polygon", "coordinates": [ring]}, {"type": "LineString", "coordinates": ring[:3]})
    ):
        place = {"type": "GeoProperty", "value": shape}
        assert (await city.post(ENTITIES, json=park(f"urn:x:{number}", location=place))).status_code == 201
    answer = await city.get(f"/tiles/OffStreetParking/{tile_of(108.315, 22.829, 12)}.mvt")
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    features = features_of(answer.content)
    assert {feature.properties["id"] for feature in features} == {PARK, "urn:x:0", "urn:x:1"}
    one = next(feature.properties for feature in features if feature.properties["id"] == PARK)
    assert (one["label"], one["stale"], one["estimated"]) == ("Station square", False, False) and one["age_s"] == 0
    assert (await city.get(f"/tiles/OffStreetParking/{tile_of(10, 50, 12)}.mvt")).content == b""
    for bad in ("30/0/0.mvt", "2/9/0.mvt", "x/0/0.mvt", "1/-1/0.mvt"):
        assert (await city.get(f"/tiles/OffStreetParking/{bad}")).status_code == 400


async def test_a_tile_tells_an_attributes_value_and_only_what_is_asked_for(city: httpx.AsyncClient) -> None:
    line = {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[108.31, 22.82], [108.33, 22.84]]}}
    for number, state in enumerate(("busy", True, 7)):
        made = park(f"urn:x:{number}", location=line, availableSpotNumber=number, state=state)
        assert (await city.post(ENTITIES, json=made)).status_code == 201
    where = f"/tiles/OffStreetParking/{tile_of(108.315, 22.829, 12)}.mvt"

    async def values(**asked: str) -> dict[str, object]:
        features = features_of((await city.get(where, params=asked)).content)
        return {str(one.properties["id"])[-1]: one.properties.get("value") for one in features}

    assert set((await values()).values()) == {None}
    free = await values(value="availableSpotNumber")
    assert (free["0"], free["1"], free["2"], free[PARK[-1]]) == (0, 1, 2, 121)
    # numbers among texts are told as texts
    told = await values(value="state")
    assert (told["0"], told["1"], told["2"], told[PARK[-1]]) == ("busy", "true", "7", None)
    assert (await values(value="nothing"))["0"] is None
    assert await values(value="availableSpotNumber", q="availableSpotNumber>0;availableSpotNumber<100") == {
        "1": 1,
        "2": 2,
    }
    assert await values(q='state=="busy"') == {"0": None}
    assert (await city.get(where, params={"q": "availableSpotNumber>>"})).status_code == 400


async def test_a_tile_follows_a_change_at_once(city: httpx.AsyncClient) -> None:
    where = f"/tiles/OffStreetParking/{tile_of(108.315, 22.829, 12)}.mvt"
    before = (await city.get(where)).content
    assert (await city.get(where)).content == before
    assert (await city.patch(f"{ONE}/attrs", json={"name": "Renamed"})).status_code == 204
    assert b"Renamed" in (await city.get(where)).content


async def test_thousands_of_points_are_thinned_where_they_lie_on_each_other(client: httpx.AsyncClient) -> None:
    def one(number: int) -> dict[str, object]:
        point = {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [108 + number % 200 / 1e5, 22 + number // 200 / 1e5]},
        }
        return {"id": f"urn:x:{number}", "type": "Bin", "location": point}

    for start in range(0, 21_000, 3_000):
        made = await client.post(f"{OPERATIONS}/create", json=[one(number) for number in range(start, start + 3_000)])
        assert made.status_code == 201
    far = features_of((await client.get("/tiles/Bin/3/6/3.mvt")).content)
    assert len(far) < 10
    near = features_of((await client.get(f"/tiles/Bin/{tile_of(108.001, 22.0005, 16)}.mvt")).content)
    assert len(near) > 1_000


async def test_the_page_its_files_and_the_platforms_own_figures(city: httpx.AsyncClient) -> None:
    assert (await city.get("/")).headers["content-type"].startswith("text/html")
    for path in ("/static/../settings.py", "/static/%2e%2e/pages.py", "/static/", "/static/none.js"):
        assert (await city.get(path)).status_code == 404
    health = (await city.get("/health")).json()
    assert health["status"] == "ok" and "entities" not in health
    assert 'zhicheng_entities{tenant="default"} 1.0' in (await city.get("/metrics")).text
    described = (await city.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1") and "/api/v1/types" in described["paths"]
    state = (await city.get("/api/v1/state")).json()
    assert state["position"] == 1 and state["now"].endswith("Z")


FEED = """
[city]
name = "城"
[feeds.bins]
decoder = "ngsi-ld"
folder = "bins"
pattern = "*.json"
interval = "100 ms"
settle = "0 s"
stale_after = "800 ms"
simulated = true
owner = "urn:org:works"
[feeds.broken]
decoder = "csv"
folder = "broken"
interval = "100 ms"
settle = "0 s"
[feeds.broken.mapping]
type = "Bin"
id = "urn:x:{n}"
attributes = { level = "l" }
"""


async def fed(client: httpx.AsyncClient, feed: str, key: str, least: int) -> dict[str, object]:
    for _ in range(100):
        one: dict[str, object] = next(one for one in (await client.get("/api/v1/feeds")).json() if one["name"] == feed)
        if one[key] >= least:  # type: ignore[operator]  # a count
            return one
        await asyncio.sleep(0.05)
    raise AssertionError(one)


async def test_a_feed_is_stored_marked_and_goes_stale(start: Start, tmp_path: Path) -> None:
    for name in ("bins", "broken"):
        (tmp_path / name).mkdir()
    place = {"type": "Point", "coordinates": [108.315, 22.829]}
    bins = [{"id": f"urn:x:{n}", "type": "Bin", "level": n, "location": place} for n in range(3)]
    (tmp_path / "bins" / "1.json").write_bytes(orjson.dumps([*bins, {"id": "no uri"}]))
    (tmp_path / "broken" / "1.csv").write_bytes(b"<html>not a table</html>")
    client = await start(FEED)
    good = await fed(client, "bins", "payloads", 1)
    assert (good["created"], good["refused"], good["kind"]) == (3, 1, "folder")
    bad = await fed(client, "broken", "refused_payloads", 1)
    assert bad["error_en"] and bad["error_zh"]
    one = (await client.get("/api/v1/entities/urn:x:1")).json()
    level = next(item for item in one["attributes"] if item["name"] == "level")
    assert (level["owner"], level["quality"], level["source"]) == ("urn:org:works", ["simulated"], "feed:bins")
    for _ in range(60):
        await asyncio.sleep(0.05)
        if (await client.get("/api/v1/entities/urn:x:1")).json()["stale"]:
            break
    else:
        raise AssertionError("the feed did not go stale")
    found = features_of((await client.get(f"/tiles/Bin/{tile_of(108.315, 22.829, 12)}.mvt")).content)
    assert [feature.properties["stale"] for feature in found] == [True] * 3
    assert (await client.get("/health")).json()["feeds_out_of_date"] >= 1


async def test_a_feed_goes_on_where_it_stood(start: Start, tmp_path: Path) -> None:
    for name in ("bins", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "bins" / "1.json").write_bytes(orjson.dumps([{"id": "urn:x:1", "type": "Bin", "level": 1}]))
    client = await start(FEED)
    await fed(client, "bins", "payloads", 1)
    position = (await client.get("/api/v1/state")).json()["position"]
    await client.city.stop()  # type: ignore[attr-defined]  # the fixture's client knows its city
    again = await start(FEED)
    await asyncio.sleep(0.5)
    assert (await again.get("/api/v1/state")).json()["position"] == position
    (tmp_path / "bins" / "2.json").write_bytes(orjson.dumps([{"id": "urn:x:1", "type": "Bin", "level": 2}]))
    await fed(again, "bins", "payloads", 1)
    assert (await again.get(f"{ENTITIES}/urn:x:1", params={"options": "keyValues"})).json()["level"] == 2
