"""Queries over many entities, by GET and by POST; batches; types and attributes."""

from __future__ import annotations

import httpx
import pytest

from tests.server.parks import ENTITIES, ERRORS, OPERATIONS, park

BOX = "[[[108,22],[108.055,22],[108.055,23],[108,23],[108,22]]]"
COUNT = "NGSILD-Results-Count"


def numbered(number: int) -> dict[str, object]:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.0 + number / 100, 22.8]}}
    return park(
        f"urn:ngsi-ld:OffStreetParking:{number:02d}",
        number * 10,
        location=place,
        scope=f"/city/{'odd' if number % 2 else 'even'}",
    )


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    made = await client.post(f"{OPERATIONS}/create", json=[numbered(number) for number in range(25)])
    assert made.status_code == 201 and len(made.json()) == 25
    bin_ = {"id": "urn:ngsi-ld:WasteContainer:1", "type": "WasteContainer", "fillingLevel": 0.5}
    assert (await client.post(ENTITIES, json=bin_)).status_code == 201
    return client


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"type": "OffStreetParking"}, 25),
        ({"type": "*"}, 26),
        ({"type": "WasteContainer,OffStreetParking"}, 26),
        ({"type": "Nothing"}, 0),
        ({"q": "availableSpotNumber>=200"}, 5),
        ({"q": "availableSpotNumber==10..30"}, 3),
        ({"q": 'name=="Station square";availableSpotNumber<50'}, 5),
        ({"q": "!name"}, 1),
        ({"attrs": "fillingLevel"}, 1),
        ({"id": "urn:ngsi-ld:OffStreetParking:03,urn:ngsi-ld:OffStreetParking:04,urn:x:none"}, 2),
        ({"idPattern": "Parking:0"}, 10),
        ({"scopeQ": "/city/odd"}, 12),
        ({"georel": "near;maxDistance==1100", "geometry": "Point", "coordinates": "[108.1,22.8]"}, 3),
        ({"georel": "within", "geometry": "Polygon", "coordinates": BOX}, 5),
    ],
)  # fmt: skip
async def test_a_query_by_get_and_by_post_selects_the_same(
    city: httpx.AsyncClient, query: dict[str, str], count: int
) -> None:
    got = await city.get(ENTITIES, params={**query, "count": "true", "limit": "100"})
    assert (got.headers[COUNT], len(got.json())) == (str(count), count)
    body: dict[str, object] = {"type": "Query"}
    body |= {name: value for name, value in query.items() if name in ("q", "scopeQ")}
    if "attrs" in query:
        body["attrs"] = [query["attrs"]]
    if "georel" in query:
        body["geoQ"] = {name: query[name] for name in ("georel", "geometry", "coordinates")}
    selector = {
        name: query[name].split(",") if name == "id" else query[name]
        for name in ("id", "idPattern", "type")
        if name in query
    }
    if selector:
        body["entities"] = [{"type": "*", **selector}]
    posted = await city.post(f"{OPERATIONS}/query", json=body, params={"count": "true", "limit": "100"})
    assert posted.headers[COUNT] == str(count), posted.text


async def test_pages_lead_to_each_other(city: httpx.AsyncClient) -> None:
    seen: list[str] = []
    answer = await city.get(
        ENTITIES, params={"type": "OffStreetParking", "limit": "10", "orderBy": "availableSpotNumber;desc"}
    )
    for _ in range(5):
        seen += [one["id"] for one in answer.json()]
        following = answer.links.get("next")
        if following is None:
            break
        answer = await city.get(following["url"])
    assert seen == [f"urn:ngsi-ld:OffStreetParking:{number:02d}" for number in range(24, -1, -1)]
    assert answer.links["prev"]["url"]
    assert (await city.get(ENTITIES, params={"type": "OffStreetParking", "limit": "0", "count": "true"})).json() == []


async def test_the_nearest_first(city: httpx.AsyncClient) -> None:
    order = {
        "orderBy": "location;dist-asc",
        "orderGeometry": "Point",
        "orderCoordinates": "[108.12,22.8]",
        "limit": "2",
    }
    near = (await city.get(ENTITIES, params={"type": "OffStreetParking", **order})).json()
    assert near[0]["id"].endswith(":12")


@pytest.mark.parametrize(
    "body",
    [[], {}, {"type": "Quest"}, {"type": "Query", "qq": "a"}, {"type": "Query", "geoQ": "x"},
     {"type": "Query", "entities": {}}, {"type": "Query", "entities": [{"id": "urn:x:1"}]}, {"type": "Query", "q": 1.5},
     {"type": "Query", "attrs": [None]},
     {"type": "Query"}],
    ids=str,
)  # fmt: skip
async def test_a_bad_query_document_is_told(client: httpx.AsyncClient, body: object) -> None:
    answer = await client.post(f"{OPERATIONS}/query", json=body)
    assert answer.status_code == 400 and answer.json()["type"].startswith(ERRORS)


async def test_batches_take_the_good_and_name_the_bad(city: httpx.AsyncClient) -> None:
    mixed = [numbered(1), {"id": "urn:x:new", "type": "T"}, {"id": "urn:x:bad", "type": "T", "a": None}]
    answer = await city.post(f"{OPERATIONS}/create", json=mixed)
    assert answer.status_code == 207
    assert answer.json()["success"] == ["urn:x:new"]
    assert [error["error"]["type"] for error in answer.json()["errors"]] == [
        ERRORS + "AlreadyExists",
        ERRORS + "BadRequestData",
    ]
    assert [error["entityId"] for error in answer.json()["errors"]] == [numbered(1)["id"], "urn:x:bad"]
    changed = await city.post(f"{OPERATIONS}/upsert", json=[numbered(1), numbered(90)], params={"options": "update"})
    assert (changed.status_code, changed.json()) == (201, ["urn:ngsi-ld:OffStreetParking:90"])
    assert (await city.post(f"{OPERATIONS}/upsert", json=[numbered(1)])).status_code == 204
    update = [{"id": "urn:x:new", "type": "T", "b": 1}, {"id": "urn:x:none", "type": "T", "b": 1}]
    assert (await city.post(f"{OPERATIONS}/update", json=update)).status_code == 207
    merged = await city.post(
        f"{OPERATIONS}/merge", json=[{"id": "urn:x:new", "type": "T", "b": "urn:ngsi-ld:null", "c": 2}]
    )
    assert merged.status_code == 204
    assert (await city.get(f"{ENTITIES}/urn:x:new", params={"options": "keyValues"})).json() == {
        "id": "urn:x:new",
        "type": "T",
        "c": 2,
    }
    gone = await city.post(f"{OPERATIONS}/delete", json=["urn:x:new", "urn:x:none"])
    assert gone.status_code == 207 and gone.json()["success"] == ["urn:x:new"]


@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge", "delete"])
@pytest.mark.parametrize("body", [b"[]", b"{}", b'"x"', b"[7]", b"null", b"["], ids=str)
async def test_a_bad_batch_is_told(client: httpx.AsyncClient, operation: str, body: bytes) -> None:
    answer = await client.post(f"{OPERATIONS}/{operation}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 207)


async def test_what_a_query_selects_can_be_removed(city: httpx.AsyncClient) -> None:
    assert (await city.delete(ENTITIES)).status_code == 400
    assert (
        await city.delete(ENTITIES, params={"type": "OffStreetParking", "q": "availableSpotNumber<100"})
    ).status_code == 204
    left = await city.get(ENTITIES, params={"type": "*", "count": "true"})
    assert left.headers[COUNT] == "16"


async def test_types_and_attributes(city: httpx.AsyncClient) -> None:
    assert (await city.get("/ngsi-ld/v1/types")).json()["typeList"] == ["OffStreetParking", "WasteContainer"]
    detailed = (await city.get("/ngsi-ld/v1/types", params={"details": "true"})).json()
    assert {one["typeName"] for one in detailed} == {"OffStreetParking", "WasteContainer"}
    one = (await city.get("/ngsi-ld/v1/types/OffStreetParking")).json()
    assert one["entityCount"] == 25
    assert {item["attributeName"]: item["attributeTypes"] for item in one["attributeDetails"]}["location"] == [
        "GeoProperty"
    ]
    assert "fillingLevel" in (await city.get("/ngsi-ld/v1/attributes")).json()["attributeList"]
    assert len((await city.get("/ngsi-ld/v1/attributes", params={"details": "true"})).json()) == 4
    name = (await city.get("/ngsi-ld/v1/attributes/name")).json()
    assert (name["attributeCount"], name["typeNames"]) == (25, ["OffStreetParking"])
    for path in ("types/Nothing", "attributes/nothing"):
        assert (await city.get(f"/ngsi-ld/v1/{path}")).status_code == 404
    assert (await city.get("/ngsi-ld/v1/info/sourceIdentity")).json()["type"] == "ContextSourceIdentity"


async def test_contexts_are_kept_for_clients(city: httpx.AsyncClient) -> None:
    document = {"@context": {"tempo": "https://x.org/speed"}}
    made = await city.post("/ngsi-ld/v1/jsonldContexts", json=document)
    assert made.status_code == 201
    where = made.headers["location"]
    assert (await city.get(where)).json() == document
    [url] = (await city.get("/ngsi-ld/v1/jsonldContexts")).json()
    assert (await city.get(where, params={"details": "true"})).json()["URL"] == url
    link = {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
    assert (await city.post(ENTITIES, json={"id": "urn:x:1", "type": "T", "tempo": 5}, headers=link)).status_code == 201
    assert "https://x.org/speed" in (await city.get(f"{ENTITIES}/urn:x:1")).json()
    assert (await city.get(f"{ENTITIES}/urn:x:1", headers=link)).json()["tempo"]["value"] == 5
    assert (await city.delete(where)).status_code == 204
    assert (await city.get(where)).status_code == 404
    assert (await city.post("/ngsi-ld/v1/jsonldContexts", json={"x": 1})).status_code == 400
    assert (await city.post("/ngsi-ld/v1/jsonldContexts", json={"@context": {"a": 7}})).status_code == 400
