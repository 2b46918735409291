"""The base map: pushed or put, described, cut into tiles, kept by version; none where there is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import orjson
import pytest

from tests.sensing.test_basemap import feature
from tests.server.test_portals import tile_of
from tests.standards.vector_tiles import read
from zhicheng.cli.main import main

Start = Callable[..., Awaitable[httpx.AsyncClient]]
CITY = '[feeds.map]\ndecoder = "basemap"\npush = true\n'
LAKE = [[[108.30, 22.80], [108.34, 22.80], [108.34, 22.84], [108.30, 22.84], [108.30, 22.80]]]
ROAD = [[108.2 + 0.001 * n, 22.82 + 0.000001 * (n % 2)] for n in range(200)]


def collection(*features: object, **members: object) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", **members, "features": features})


FIRST = collection(
    feature("Polygon", LAKE, layer="water", name="南湖", name_en="South Lake"),
    feature("LineString", ROAD, layer="road", **{"class": "residential"}, name="民族大道"),
    feature("Point", [108.32, 22.82], layer="place", **{"class": "city"}, name="南宁"),
    attribution="© 测绘局",
)


@pytest.fixture
async def city(start: Start) -> httpx.AsyncClient:
    client = await start(CITY)
    pushed = await client.post("/api/v1/feeds/map", content=FIRST)
    assert pushed.status_code == 200, pushed.text
    return client


def at(zoom: int) -> str:
    return f"/basemap/{tile_of(108.32, 22.82, zoom)}"


async def test_it_says_where_it_lies_and_whose_it_is(city: httpx.AsyncClient) -> None:
    about = (await city.get("/api/v1/basemap")).json()
    assert about["version"] == 1 and about["attribution"] == ["© 测绘局"]
    assert about["bounds"] == pytest.approx([108.2, 22.80, 108.399, 22.84])
    assert about["layers"] == {"water": 1, "road": 1, "place": 1}


async def test_places_are_found_by_name_in_both_languages(city: httpx.AsyncClient) -> None:
    async def found(text: str, **more: str) -> list[dict[str, object]]:
        answer = await city.get("/api/v1/basemap/places", params={"text": text, **more})
        assert answer.status_code == 200, answer.text
        places: list[dict[str, object]] = answer.json()
        return places

    assert [one["name"] for one in await found("南")] == ["南宁", "南湖"]
    [lake] = await found("south")
    assert (lake["name"], lake["name_en"], lake["layer"]) == ("南湖", "South Lake", "water")
    assert (lake["lon"], lake["lat"]) == pytest.approx((108.32, 22.82), abs=0.01)
    assert len(await found("南", limit="1")) == 1 and await found("") == await found("北") == []
    bad = await city.get("/api/v1/basemap/places", params={"text": "南", "limit": "many"})
    assert bad.status_code == 400


async def test_a_tile_has_what_its_zoom_can_show(city: httpx.AsyncClient) -> None:
    near = read((await city.get(at(13))).content)
    assert set(near) == {"water", "road", "place"}
    [road] = near["road"]
    assert road.properties == {"class": "residential", "name": "民族大道"}
    far = read((await city.get(at(8))).content)
    assert set(far) == {"water", "place"}
    assert (await city.get("/basemap/13/0/0")).content == b""


async def test_lines_are_simplified_and_clipped(city: httpx.AsyncClient) -> None:
    [road] = read((await city.get(at(12) + ".mvt")).content)["road"]
    [line] = road.parts
    assert len(line) == 2 and all(-64 <= x <= 4160 for x, _ in line)


async def test_a_new_version_replaces_only_the_layers_it_has_and_ends_old_tags(city: httpx.AsyncClient) -> None:
    tile = await city.get(at(13))
    tag = tile.headers["etag"]
    assert (await city.get(at(13), headers={"if-none-match": tag})).status_code == 304
    gone = collection(layer="water")
    assert (await city.post("/api/v1/feeds/map", content=gone)).status_code == 200
    again = await city.get(at(13), headers={"if-none-match": tag})
    assert again.status_code == 200 and set(read(again.content)) == {"road", "place"}


async def test_where_there_is_none_that_is_said(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/basemap", at(13)):
        answer = await client.get(path)
        assert answer.status_code == 404 and "base map" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["23/0/0", "1/2/0", "1/-1/0", "a/b/c", "1/0/0.png"])
async def test_tiles_that_there_are_not(city: httpx.AsyncClient, path: str) -> None:
    assert (await city.get(f"/basemap/{path}")).status_code in (400, 404)


async def test_a_payload_that_is_no_base_map_is_answered(city: httpx.AsyncClient) -> None:
    for body in (b"{}", b"not json", collection(feature("Point", [999, 0], layer="place"))):
        answer = await city.post("/api/v1/feeds/map", content=body)
        assert answer.status_code == 400 and answer.json()["detail"]
    assert (await city.get("/api/v1/basemap")).json()["version"] == 1


async def test_it_needs_a_token(start: Start) -> None:
    client = await start(CITY, open_to_all=False)
    assert (await client.get("/api/v1/basemap")).status_code == 401


async def test_files_are_put_by_the_command_line(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "water.geojson").write_bytes(collection(feature("Polygon", LAKE)))
    (tmp_path / "road.geojson").write_bytes(collection(feature("LineString", ROAD), feature("Point", [0, 0])))
    files = [str(tmp_path / name) for name in ("water.geojson", "road.geojson")]
    assert main(["table", "put", "basemap", *files, "--data", str(tmp_path / "data")]) == 0
    assert "1 refused" in capsys.readouterr().out
    assert main(["table", "show", "basemap", "--data", str(tmp_path / "data")]) == 0
    assert "water: 1" in capsys.readouterr().out
    assert main(["table", "put", "nothing", str(tmp_path / "none"), "--data", str(tmp_path / "data")]) == 1
    client = await start()
    assert set(read((await client.get(at(13))).content)) == {"water", "road"}
