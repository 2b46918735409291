"""NGSI-LD entities and attributes over HTTP: what works, and what a client is told that gets it wrong."""

from __future__ import annotations

import httpx
import pytest

from tests.server.parks import ENTITIES, ERRORS, ONE, PARK, park
from zhicheng.kernel import instants

LD = {"Content-Type": "application/ld+json"}
CONTEXT = "http://127.0.0.1:8800/ngsi-ld/v1/jsonldContexts/city"


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post(ENTITIES, json=park())).status_code == 201
    return client


async def values(client: httpx.AsyncClient, **query: str) -> dict[str, object]:
    found: dict[str, object] = (await client.get(ONE, params={"options": "keyValues", **query})).json()
    return found


async def test_what_was_created_is_read_as_it_was_sent(client: httpx.AsyncClient) -> None:
    made = await client.post(ENTITIES, json=park())
    assert (made.status_code, made.headers["location"], made.content) == (201, ONE, b"")
    read = await client.get(made.headers["location"])
    assert read.json() == park()
    assert CONTEXT in read.headers["link"] and read.headers["content-type"] == "application/json"


async def test_it_cannot_be_created_twice(city: httpx.AsyncClient) -> None:
    again = await city.post(ENTITIES, json=park())
    assert (again.status_code, again.json()["type"]) == (409, ERRORS + "AlreadyExists")


async def test_representations(city: httpx.AsyncClient) -> None:
    assert (await values(city))["availableSpotNumber"] == 121
    concise = (await city.get(ONE, params={"format": "concise"})).json()
    assert concise["name"] == "Station square"
    with_times = (await city.get(ONE, params={"options": "sysAttrs"})).json()
    assert with_times["createdAt"].endswith("Z") and "modifiedAt" in with_times["name"]
    assert set((await city.get(ONE, params={"attrs": "name"})).json()) == {"id", "type", "name"}
    assert set((await city.get(ONE, params={"pick": "id,name"})).json()) == {"id", "name"}
    assert "name" not in (await city.get(ONE, params={"omit": "name"})).json()


async def test_json_ld_and_geojson(city: httpx.AsyncClient) -> None:
    ld = await city.get(ONE, headers={"Accept": "application/ld+json"})
    assert ld.json()["@context"] == CONTEXT and "link" not in ld.headers
    own = (await city.get(CONTEXT)).json()["@context"]
    assert own[0]["availableSpotNumber"].endswith("availableSpotNumber") and own[1].startswith("https://uri.etsi.org")
    feature = (await city.get(ONE, headers={"Accept": "application/geo+json"})).json()
    assert feature["geometry"] == {"type": "Point", "coordinates": [108.315, 22.829]}
    many = await city.get(ENTITIES, params={"type": "OffStreetParking"}, headers={"Accept": "application/geo+json"})
    assert many.json()["type"] == "FeatureCollection" and len(many.json()["features"]) == 1


async def test_names_mean_what_their_context_says(client: httpx.AsyncClient) -> None:
    document = {
        "id": "urn:x:1",
        "type": "Thing",
        "@context": {"tempo": "https://x.org/speed", "Thing": "https://x.org/T"},
    }
    assert (await client.post(ENTITIES, json={**document, "tempo": 5}, headers=LD)).status_code == 201
    plain = (await client.get(f"{ENTITIES}/urn:x:1", params={"options": "keyValues"})).json()
    assert plain["https://x.org/speed"] == 5
    link = f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"'
    again = await client.get(f"{ENTITIES}/urn:x:1", headers={"Accept": "application/ld+json", "Link": link})
    assert again.status_code == 200 and again.json()["type"] == "https://x.org/T"


async def test_replace_merge_and_remove(city: httpx.AsyncClient) -> None:
    assert (await city.put(ONE, json={"type": "OffStreetParking", "name": "Other"})).status_code == 204
    assert set(await values(city)) == {"id", "type", "name"}
    patch = {"name": "urn:ngsi-ld:null", "status": "open"}
    assert (
        await city.patch(ONE, json=patch, headers={"Content-Type": "application/merge-patch+json"})
    ).status_code == 204
    assert set(await values(city)) == {"id", "type", "status"}
    now = instants.format(instants.system_clock())
    timed = await city.patch(ONE, json={"status": "closed"}, params={"observedAt": now})
    assert timed.status_code == 204
    assert (await city.get(ONE)).json()["status"]["observedAt"] == now
    assert (await city.delete(ONE)).status_code == 204
    for gone in (
        await city.get(ONE),
        await city.delete(ONE),
        await city.patch(ONE, json={"a": 1}),
        await city.put(ONE, json=park()),
    ):
        assert (gone.status_code, gone.json()["type"]) == (404, ERRORS + "ResourceNotFound")


async def test_attributes(city: httpx.AsyncClient) -> None:
    attrs = f"{ONE}/attrs"
    assert (await city.post(attrs, json={"status": "open"})).status_code == 204
    partly = await city.post(attrs, json={"status": "closed", "fee": 2}, params={"options": "noOverwrite"})
    assert partly.status_code == 207
    assert (partly.json()["updated"], partly.json()["notUpdated"][0]["attributeName"]) == (["fee"], "status")
    missing = await city.patch(attrs, json={"name": "New", "nothing": 1})
    assert missing.status_code == 207 and missing.json()["notUpdated"][0]["attributeName"] == "nothing"
    assert (await city.patch(f"{attrs}/availableSpotNumber", json={"value": 7})).status_code == 204
    read = (await city.get(f"{attrs}/availableSpotNumber")).json()
    assert (read["value"], read["unitCode"]) == (7, "C62")
    assert (await city.put(f"{attrs}/availableSpotNumber", json={"type": "Property", "value": 8})).status_code == 204
    assert "unitCode" not in (await city.get(f"{attrs}/availableSpotNumber")).json()
    assert (await city.get(f"{attrs}/name/value", headers={"Accept": "text/plain"})).text == "New"
    assert (await city.put(f"{attrs}/name/value", json="Newer")).status_code == 204
    assert (await values(city))["name"] == "Newer"
    assert (await city.delete(f"{attrs}/status")).status_code == 204
    assert (await city.delete(f"{attrs}/status")).status_code == 404
    assert (await city.get(f"{attrs}/status")).status_code == 404


async def test_instances_by_dataset(city: httpx.AsyncClient) -> None:
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
    assert (await city.post(f"{ONE}/attrs", json={"level": two})).status_code == 204
    picked = (await city.get(ONE, params={"attrs": "level", "datasetId": "urn:d:2"})).json()
    assert picked["level"]["value"] == 2
    assert (await city.delete(f"{ONE}/attrs/level", params={"datasetId": "urn:d:2"})).status_code == 204
    assert (await city.get(f"{ONE}/attrs/level")).json()["value"] == 1
    assert (await city.delete(f"{ONE}/attrs/level", params={"deleteAll": "true"})).status_code == 204


async def test_linked_entities_come_along(city: httpx.AsyncClient) -> None:
    owner = {"id": "urn:o:1", "type": "Organization", "name": "Works"}
    assert (await city.post(ENTITIES, json=owner)).status_code == 201
    link = {"owner": {"type": "Relationship", "object": "urn:o:1"}}
    assert (await city.post(f"{ONE}/attrs", json=link)).status_code == 204
    inline = (await city.get(ONE, params={"join": "inline"})).json()
    assert inline["owner"]["entity"]["id"] == "urn:o:1"
    flat = await city.get(ENTITIES, params={"type": "OffStreetParking", "join": "flat"})
    assert [one["id"] for one in flat.json()] == [PARK, "urn:o:1"]


async def test_languages(client: httpx.AsyncClient) -> None:
    name = {"type": "LanguageProperty", "languageMap": {"zh": "南宁", "en": "Nanning"}}
    await client.post(ENTITIES, json={"id": "urn:x:1", "type": "City", "name": name})
    chosen = (await client.get(f"{ENTITIES}/urn:x:1", params={"lang": "zh", "options": "keyValues"})).json()
    assert chosen["name"] == "南宁"
    assert (
        await client.patch(f"{ENTITIES}/urn:x:1", json={"name": "Yongzhou"}, params={"lang": "fr"})
    ).status_code == 204
    assert (await client.get(f"{ENTITIES}/urn:x:1")).json()["name"]["languageMap"]["fr"] == "Yongzhou"


PLACED = b'{"id": "urn:x:1", "type": "T", "location": {"type": "Point", "coordinates": %s}}'
BAD_BODIES = [
    (b"{", "BadRequestData"),
    (b"", "BadRequestData"),
    (b"[]", "BadRequestData"),
    (b"null", "BadRequestData"),
    (b"\xff\xfe", "BadRequestData"),
    (b'{"id": "not a uri", "type": "T"}', "BadRequestData"),
    (b'{"id": "urn:x:1"}', "BadRequestData"),
    (b'{"type": "T"}', "BadRequestData"),
    (b'{"id": 7, "type": "T"}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": []}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": {"type": "Property"}}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": {"type": "Proper", "value": 1}}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": null}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": NaN}', "BadRequestData"),
    (PLACED % b"[NaN, 1]", "BadRequestData"),
    (PLACED % b"[999, 1]", "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "location": 5}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": {"value": 1, "observedAt": "yesterday"}}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": ' + b"[" * 200 + b"]" * 200 + b"}", "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "@context": "https://x.org/c"}', "BadRequestData"),
    (b'{"id": "urn:x:1", "type": "T", "a": {"value": 1, "expiresAt": "2030-01-01T00:00:00Z"}}',
     "OperationNotSupported"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), BAD_BODIES, ids=lambda value: str(value)[:60])
async def test_a_bad_body_is_told_and_leaves_nothing(client: httpx.AsyncClient, body: bytes, kind: str) -> None:
    answer = await client.post(ENTITIES, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["type"] == ERRORS + kind and 400 <= answer.status_code <= 501
    assert answer.json()["title"] and answer.json()["detail"]
    found = await client.get(ENTITIES, params={"type": "*", "count": "true"})
    assert found.headers["NGSILD-Results-Count"] == "0"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "InvalidRequest"),
        ("tipe=A", "InvalidRequest"),
        ("type=A&type=B", "BadRequestData"),
        ("type=A&limit=-1", "InvalidRequest"),
        ("type=A&limit=x", "InvalidRequest"),
        ("type=A&limit=5000", "TooManyResults"),
        ("type=A&limit=0", "InvalidRequest"),
        ("type=A&count=yes", "InvalidRequest"),
        ("type=A&options=fancy", "InvalidRequest"),
        ("type=A&format=xml", "InvalidRequest"),
        ("type=A&options=keyValues,concise", "InvalidRequest"),
        ("type=A&q=%3E5", "BadRequestData"),
        ("type=A&q=a%3D%3D(", "BadRequestData"),
        ("type=A&georel=near;maxDistance==5", "InvalidRequest"),
        ("type=A&georel=close&geometry=Point&coordinates=[1,2]", "BadRequestData"),
        ("type=A&georel=within&geometry=Polygon&coordinates=[[1,2]]", "BadRequestData"),
        ("type=A&georel=within&geometry=Point&coordinates=[", "BadRequestData"),
        ("type=A&scopeQ=", "BadRequestData"),
        ("id=nonsense", "BadRequestData"),
        ("idPattern=(", "BadRequestData"),
        ("type=A&attrs=", "InvalidRequest"),
        ("type=A&orderBy=a;sideways", "InvalidRequest"),
        ("type=A&orderBy=location;dist-asc", "InvalidRequest"),
        ("type=A&pick=a{", "BadRequestData"),
        ("type=A&lang=!!", "BadRequestData"),
        ("type=A&join=all", "InvalidRequest"),
        ("type=%ff", "BadRequestData"),
        ("type=%zz", "BadRequestData"),
        ("type=A%20B", "BadRequestData"),
    ],
)
async def test_a_bad_query_is_told(client: httpx.AsyncClient, query: str, kind: str) -> None:
    answer = await client.get(f"{ENTITIES}?{query}")
    assert answer.json()["type"] == ERRORS + kind, answer.text
    assert answer.status_code == (403 if kind == "TooManyResults" else 400)


async def test_media_types_languages_and_methods(city: httpx.AsyncClient) -> None:
    wrong = await city.post(ENTITIES, content=b"<a/>", headers={"Content-Type": "text/xml"})
    assert wrong.status_code == 415
    assert (await city.post(ENTITIES, content=b"{}")).status_code == 415
    assert (await city.get(ONE, headers={"Accept": "text/html"})).status_code == 406
    assert (await city.get(ONE, headers={"Accept": "text/html, */*;q=0.1"})).status_code == 200
    chinese = await city.get(f"{ENTITIES}/urn:x:none", headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["title"] == "未找到" and chinese.headers["content-language"] == "zh"
    assert chinese.headers["content-type"] == "application/json"
    odd = await city.post(ONE, json={})
    assert odd.status_code == 405 and "PATCH" in odd.headers["allow"]
    assert (await city.options(ONE)).headers["allow"] == "DELETE, GET, PATCH, PUT"
    assert (await city.head(ONE)).content == b""
    for part in ("csourceRegistrations/x", "entityMaps", "snapshots"):
        planned = await city.get(f"/ngsi-ld/v1/{part}")
        assert (planned.status_code, planned.json()["type"]) == (501, ERRORS + "OperationNotSupported")
    assert (await city.get("/ngsi-ld/v1/nonsense")).status_code == 404
    assert (await city.get(f"{ENTITIES}/not%20a%20uri")).status_code == 400
    assert (await city.patch(ONE, json={"id": "urn:x:other", "a": 1})).status_code == 400


async def test_contexts_stand_where_they_may(client: httpx.AsyncClient) -> None:
    link = {"Link": '<https://nowhere.example/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
    away = await client.post(ENTITIES, json=park(), headers=link)
    assert (away.status_code, away.json()["type"]) == (503, ERRORS + "LdContextNotAvailable")
    assert "[contexts]" in away.json()["detail"]
    both = await client.post(ENTITIES, json={**park(), "@context": []}, headers={**LD, **link})
    assert both.status_code == 400
    none = await client.post(ENTITIES, json=park(), headers=LD)
    assert none.status_code == 400


async def test_a_body_over_the_limit_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield b" " * 1_000_000

    huge = {"Content-Type": "application/json", "Content-Length": "100000000"}
    refused = await client.post(ENTITIES, content=b"{}", headers=huge)
    assert refused.status_code == 413 and refused.json()["type"] == ERRORS + "InvalidRequest"
    assert refused.headers["connection"] == "close"
    streamed = await client.post(ENTITIES, content=endless(), headers={"Content-Type": "application/json"})  # type: ignore[arg-type]  # it is an iterator of bytes
    assert streamed.status_code == 413 and read < 15
