"""One object, all departments; and the index of what is joined, counted anew by plain sets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest

from tests.server.conftest import Client

Start = Callable[..., Awaitable[Client]]
QUIET = "[apps.parking]\nenabled = false\n[apps.arrival]\nenabled = false\n"
DEPARTMENTS = ("planning", "fire", "tax", "health")


def prop(value: object, **more: object) -> dict[str, object]:
    return {"type": "Property", "value": value, **more}


def point(lon: float, lat: float) -> dict[str, object]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


def link(target: str | list[str]) -> dict[str, object]:
    return {"type": "Relationship", "object": target}


def owner(name: str) -> str:
    return f"urn:ngsi-ld:Organization:{name}"


def building(number: int, prefix: str = "") -> str:
    return f"urn:ngsi-ld:Building:{prefix}{number}"


RECORDS: dict[str, list[dict[str, object]]] = {
    "planning": [
        {"id": building(n), "type": "Building", "name": prop(f"江滨{n}号楼"),
         "location": point(108.30 + n / 100, 22.80), "floorsAboveGround": prop(n + 3)}
        for n in range(6)
    ],
    # in the same entities
    "health": [{"id": building(n), "type": "Building", "peopleCapacity": prop(100 * n)} for n in (0, 1)],
    # in records of its own, two of three linked
    "fire": [
        {"id": building(n, "fire"), "type": "Building", "name": prop(f"榕澜市江滨{n}号楼消防档案"),
         "location": point(108.30 + n / 100 + 0.0001, 22.80), "floorsAboveGround": prop(9),
         **({"sameAs": link(building(n))} if n < 4 else {})}
        for n in (2, 3, 4)
    ],
    # linked to nothing
    "tax": [
        {"id": building(5, "tax"), "type": "Building", "name": prop("江滨5号楼（房产税）"),
         "location": point(108.35, 22.80)}
    ],
}  # fmt: skip


@pytest.fixture
async def city(start: Start) -> Client:
    feeds = "".join(
        f'[feeds.{name}]\ndecoder = "ngsi-ld"\npush = true\nowner = "{owner(name)}"\n' for name in DEPARTMENTS
    )
    client = await start(QUIET + feeds)
    for name in DEPARTMENTS:
        own = [{"id": owner(name), "type": "Organization", "name": prop(f"{name}局")}, *RECORDS[name]]
        answer = await client.post(f"/api/v1/feeds/{name}", json=own)
        assert answer.status_code == 200 and not answer.json()["refused"], answer.text
    device = {
        "id": "urn:ngsi-ld:Device:1", "type": "Device", "controlledAsset": link([building(2), building(3)]),
        "location": point(108.32, 22.8005),
    }  # fmt: skip
    square = [[108.295, 22.79], [108.335, 22.79], [108.335, 22.81], [108.295, 22.81], [108.295, 22.79]]
    area = {
        "id": "urn:ngsi-ld:AdministrativeArea:1", "type": "AdministrativeArea", "name": prop("江滨社区"),
        "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [square]}},
    }  # fmt: skip
    for entity in (device, area):
        answer = await client.post("/ngsi-ld/v1/entities", json=entity)
        assert answer.status_code == 201, answer.text
    return client


async def test_everything_known_by_every_department_stands_on_one_page(city: Client) -> None:
    document = (await city.get(f"/api/v1/objects/{building(2)}")).json()
    assert {one["id"] for one in document["records"]} == {building(2), building(2, "fire")}
    says = {one["label"]: {a["name"]: a for a in one["attributes"]} for one in document["departments"]}
    assert says["planning局"]["floorsAboveGround"]["value"] == 5
    assert says["fire局"]["floorsAboveGround"]["value"] == 9
    assert says["fire局"]["floorsAboveGround"]["differs"] and says["planning局"]["floorsAboveGround"]["differs"]
    one = says["fire局"]["floorsAboveGround"]
    assert (one["source"], one["entity"], one["owner"]) == ("feed:fire", building(2, "fire"), owner("fire"))
    assert one["age_s"] >= 0 and one["quality"] == []
    # from the other record the same object is seen
    other = (await city.get(f"/api/v1/objects/{building(2, 'fire')}")).json()
    assert {one["label"] for one in other["departments"]} == set(says)
    shared = (await city.get(f"/api/v1/objects/{building(1)}")).json()
    assert [one["label"] for one in shared["departments"]] == ["planning局", "health局"]


async def test_links_in_both_directions_open_to_lists(city: Client) -> None:
    document = (await city.get(f"/api/v1/objects/{building(2)}")).json()
    named = {(one["attribute"]["name"], one["to"]): one for one in document["referring"]}
    assert named["sameAs", building(2)]["value"] == 1
    devices = named["controlledAsset", building(2)]
    assert (devices["value"], devices["samples"][0]["id"]) == (1, "urn:ngsi-ld:Device:1")
    listed = (await city.get(devices["list"])).json()
    assert (listed["total"], listed["entities"][0]["id"]) == (1, "urn:ngsi-ld:Device:1")
    device = (await city.get("/api/v1/objects/urn:ngsi-ld:Device:1")).json()
    assert {one["id"] for one in device["links"]} == {building(2), building(3)} and device["referring"] == []


async def test_what_lies_within_an_area_and_around_a_place(city: Client) -> None:
    area = (await city.get("/api/v1/objects/urn:ngsi-ld:AdministrativeArea:1")).json()["around"]
    counts = {one["name"]: one for one in area["types"]}
    assert area["area"] and counts["Building"]["value"] == 6 and counts["Device"]["value"] == 1
    listed = (await city.get(counts["Building"]["list"])).json()
    inside = {building(n) for n in range(4)} | {building(2, "fire"), building(3, "fire")}
    assert {one["id"] for one in listed["entities"]} == inside
    near = (await city.get(f"/api/v1/objects/{building(2)}")).json()["around"]
    counts = {one["name"]: one["value"] for one in near["types"]}
    assert not near["area"] and counts == {"Building": 1, "Device": 1}
    closer = (await city.get(f"/api/v1/objects/{building(2)}/around?metres=20&type=Device")).json()
    assert closer["total"] == 0
    assert (await city.get(f"/api/v1/objects/{quote(owner('fire'))}/around")).status_code == 404


async def test_the_index_is_that_of_plain_sets(city: Client) -> None:
    document = (await city.get("/api/v1/fragmentation")).json()
    kinds = {one["name"]: one for one in document["types"]}
    # objects by hand: the six buildings, of which 2 and 3 with the fire brigade's record; fire4 and tax5 alone
    objects = {
        n: {"planning"} | ({"health"} if n in (0, 1) else set()) | ({"fire"} if n in (2, 3) else set())
        for n in range(6)
    }
    everything = [*objects.values(), {"fire"}, {"tax"}]
    joined = [one for one in everything if len(one) > 1]
    found = kinds["Building"]
    assert (found["objects"]["value"], found["joined"]["value"]) == (len(everything), len(joined))
    assert found["index"] == round(len(joined) / len(everything), 4)
    assert (found["linked"]["value"], found["alone"]["value"]) == (2, len(everything) - len(joined))
    pairs = {tuple(sorted(d["id"].rpartition(":")[2] for d in p["departments"])): p["value"] for p in found["pairs"]}
    expected: dict[tuple[str, ...], int] = {}
    for one in joined:
        for pair in itertools.combinations(sorted(one), 2):
            expected[pair] = expected.get(pair, 0) + 1
    assert pairs == expected
    assert document["objects"]["value"] == len(everything) + len(DEPARTMENTS)


async def test_every_number_of_the_index_lists_its_objects(city: Client) -> None:
    document = (await city.get("/api/v1/fragmentation")).json()
    for one in (document, *document["types"]):
        for figure in (*(one[name] for name in ("objects", "joined", "linked", "alone")), *one["pairs"]):
            listed = (await city.get(figure["list"])).json()
            assert (listed["total"], len(listed["objects"])) == (figure["value"], figure["value"]), figure
    linked = (await city.get("/api/v1/fragmentation/objects?type=Building&state=linked")).json()["objects"]
    assert {record["id"] for record in linked[0]["records"]} == {building(2), building(2, "fire")}
    assert (await city.get("/api/v1/fragmentation/objects?state=maybe")).status_code == 400


async def test_what_is_not_linked_is_suggested_and_not_counted(city: Client) -> None:
    found = (await city.get("/api/v1/fragmentation/candidates?type=Building")).json()
    pairs = {frozenset(one["id"] for one in pair["records"]) for pair in found["candidates"]}
    assert pairs == {frozenset((building(4), building(4, "fire"))), frozenset((building(5), building(5, "tax")))}
    assert found["total"] == 2 and all(pair["likeness"] >= 0.8 and pair["metres"] < 60 for pair in found["candidates"])
    assert (await city.get("/api/v1/fragmentation/candidates")).status_code == 400


async def test_a_link_that_is_taken_away_parts_the_object(city: Client) -> None:
    before = (await city.get(f"/api/v1/objects/{building(2)}")).json()
    assert len(before["records"]) == 2
    answer = await city.delete(f"/ngsi-ld/v1/entities/{building(2, 'fire')}/attrs/sameAs")
    assert answer.status_code == 204, answer.text
    for _ in range(80):
        after = (await city.get(f"/api/v1/objects/{building(2)}")).json()
        if len(after["records"]) == 1:
            break
        await asyncio.sleep(0.1)
    assert len(after["records"]) == 1


async def test_what_does_not_exist_is_not_found(city: Client) -> None:
    for path in ("urn:x:none", "urn:x:none/around", "urn:x:none/referring"):
        assert (await city.get(f"/api/v1/objects/{path}")).status_code == 404
