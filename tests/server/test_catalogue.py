"""The catalogue: its figures are those of an independent count, and each lists what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.server.conftest import Client, engine_of
from tests.server.parks import OPERATIONS
from zhicheng.hub.catalogue.figures import Holdings, holdings
from zhicheng.storage.live import State

Start = Callable[..., Awaitable[Client]]
QUIET = "[apps.parking]\nenabled = false\n[apps.arrival]\nenabled = false\n"
OWNER = "urn:ngsi-ld:Organization:{}"


def prop(value: object, **more: object) -> dict[str, object]:
    return {"type": "Property", "value": value, **more}


def bin_of(number: int) -> dict[str, object]:
    made: dict[str, object] = {
        "id": f"urn:ngsi-ld:WasteContainer:{number}",
        "type": "WasteContainer",
        "name": prop(f"bin {number}"),
        "fillingLevel": prop(number / 100, observedAt=f"2026-11-20T08:{number % 60:02d}:00Z"),
    }
    if number % 2:
        made["location"] = {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [108.3 + number / 1000, 22.8]},
        }
    if number % 5 == 0:
        made["fillingLevel"] = prop(7, observedAt="2026-11-20T08:00:00Z")  # above 1: out of range
    return made


@pytest.fixture
async def city(start: Start) -> Client:
    client = await start(
        QUIET + '[feeds.bins]\ndecoder = "ngsi-ld"\npush = true\nowner = "urn:ngsi-ld:Organization:clean"\n'
        'classification = "internal"\n'
    )
    organisation = {"id": OWNER.format("clean"), "type": "Organization", "name": prop("环卫处")}
    answer = await client.post(f"{OPERATIONS}/create", json=[organisation, *(bin_of(n) for n in range(20))])
    assert answer.status_code == 201, answer.text
    pushed = await client.post("/api/v1/feeds/bins", json=[bin_of(n) for n in range(20, 35)])
    assert pushed.status_code == 200, pushed.text
    return client


def figures(document: object, path: str = "") -> Iterator[tuple[str, int, str]]:
    """Every number of entities in a document with its list."""
    if isinstance(document, dict):
        if "list" in document and isinstance(document.get("value"), int):
            yield path, document["value"], document["list"]
        for name, inner in document.items():
            yield from figures(inner, f"{path}.{name}")
    elif isinstance(document, list):
        for number, inner in enumerate(document):
            yield from figures(inner, f"{path}[{number}]")


async def test_every_number_lists_what_it_counts(city: Client) -> None:
    overview = (await city.get("/api/v1/catalogue")).json()
    one = (await city.get("/api/v1/catalogue/types/WasteContainer")).json()
    found = [*figures(overview), *figures(one)]
    assert len(found) > 40
    for path, value, address in found:
        listed = (await city.get(address, params={**flat(address), "limit": 1000})).json()
        assert (listed["total"], len(listed["entities"])) == (value, value), (path, address)
        assert len({entity["id"] for entity in listed["entities"]}) == value


def flat(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query, keep_blank_values=True).items()}


async def test_figures_are_those_of_an_independent_count(city: Client) -> None:
    one = (await city.get("/api/v1/catalogue/types/WasteContainer")).json()
    entities = (await city.get("/ngsi-ld/v1/entities?type=WasteContainer&limit=1000")).json()
    assert (one["count"]["value"], one["located"]["value"]) == (len(entities), sum("location" in e for e in entities))
    shares = {a["name"]: (a["count"]["value"], a["share"]) for a in one["attributes"]}
    for name in ("name", "fillingLevel", "location", "temperature"):
        have = sum(name in entity for entity in entities)
        assert shares[name] == (have, round(have / len(entities), 4))
    model = {flag["flag"]: flag["value"] for flag in one["quality"]}
    assert model == {"range": sum(entity["fillingLevel"]["value"] == 7 for entity in entities)}
    assert {owner["label"]: owner["value"] for owner in one["owners"]} == {"环卫处": 15}
    assert {source["id"]: source["value"] for source in one["sources"]} == {"feed:bins": 15, "ngsi-ld": 20}
    assert {c["name"]: c["value"] for c in one["classifications"]}["internal"] == 15
    assert one["newest"] > max(e["fillingLevel"]["observedAt"] for e in entities)


async def test_changes_are_counted_from_the_log_open_and_sealed(city: Client) -> None:
    for _ in range(2):
        document = (await city.get("/api/v1/catalogue")).json()
        kinds = {one["name"]: one for one in document["types"]}
        assert document["counted"]
        for flow in (document["flow"], kinds["WasteContainer"]["flow"], document["feeds"][0]["flow"]):
            for name in ("total", "day"):
                counted = await city.post("/api/v1/sql", json={"sql": flow[name]["count"]})
                assert counted.json()["data"] == [[flow[name]["value"]]], flow[name]
            assert sum(flow["hours"]) == flow["day"]["value"] > 0
        assert kinds["WasteContainer"]["flow"]["first"] == "2026-11-20T08:00:00Z"
        await asyncio.to_thread(engine_of(city.city).seal)
        while not (await city.get("/api/v1/catalogue")).json()["counted"]:  # noqa: ASYNC110  (a thread counts meanwhile)
            await asyncio.sleep(0.01)


async def test_lineage_names_feeds_and_applications(start: Start) -> None:
    client = await start()
    park = {
        "id": "urn:ngsi-ld:OffStreetParking:1", "type": "OffStreetParking",
        "availableSpotNumber": prop(5, observedAt="2026-11-20T08:00:00Z"), "totalSpotNumber": prop(10),
    }  # fmt: skip
    await client.post("/ngsi-ld/v1/entities", json=park)
    for _ in range(100):
        await asyncio.sleep(0.05)
        entity = (await client.get(f"/ngsi-ld/v1/entities/{park['id']}")).json()
        if "occupancyTrend" in entity or "occupancy" in entity:
            break
    await asyncio.sleep(2.1)
    one = (await client.get("/api/v1/catalogue/types/OffStreetParking")).json()
    edges = {
        (edge["kind"], edge["by"]): {a["name"]: a["count"] for a in edge["attributes"]}
        for edge in one["lineage"]["edges"]
    }
    assert edges["makes", "ngsi-ld"]["availableSpotNumber"] == 1
    assert "availableSpotNumber" in edges["reads", "app:parking"]
    assert "occupancy" in edges["makes", "app:parking"]
    kinds = {source["id"]: source["kind"] for source in one["lineage"]["sources"]}
    assert kinds["app:parking"] == "app" and kinds["ngsi-ld"] == "interface"


async def test_ways_in_are_real_and_work(city: Client) -> None:
    one = (await city.get("/api/v1/catalogue/types/WasteContainer")).json()
    ways = {way["kind"]: way for way in one["interfaces"]}
    assert set(ways) == {"curl", "python", "qgis", "geojson", "excel", "sql"}
    for kind in ("curl", "geojson", "excel"):
        address = ways[kind]["address"]
        assert address.startswith("http://127.0.0.1:8800/") and address in ways[kind]["example"]
        answer = await city.get(address, headers={"accept": "application/geo+json"} if kind == "geojson" else {})
        assert answer.status_code == 200, answer.text
    assert (await city.post("/api/v1/sql", json={"sql": ways["sql"]["example"]})).status_code == 200
    compile(ways["python"]["example"], "example", "exec")


async def test_what_is_not_there_is_said(city: Client) -> None:
    assert (await city.get("/api/v1/catalogue/types/Nothing")).status_code == 404
    for bad in ("quality=wrong", "located=maybe", "limit=0", "offset=-1", "limit=x"):
        assert (await city.get(f"/api/v1/catalogue/entities?{bad}")).status_code == 400, bad
    assert (await city.get("/api/v1/catalogue/entities?type=Nothing")).json()["total"] == 0


async def test_who_polls_costs_nothing_while_nothing_changes(city: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[State] = []

    def counted(state: State) -> Holdings:
        calls.append(state)
        return holdings(state)

    monkeypatch.setattr("zhicheng.server.centre.holdings", counted)
    answers: list[httpx.Response] = [await city.get("/api/v1/catalogue") for _ in range(5)]
    assert all(one.status_code == 200 for one in answers) and len(calls) <= 1
