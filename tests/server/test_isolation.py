"""What one may not see or write is not there, whichever way one asks; `python -m tests.server.isolated` asks longer."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.isolated import EAST, MARK, PEOPLE, QUERIES, Watched, asked, compare, place, value
from zhicheng.hub.intake import Origin
from zhicheng.security.defaults import POLICIES
from zhicheng.server.routes import Router
from zhicheng.server.serve import application
from zhicheng.server.table import all_routes
from zhicheng.standards.ngsild.decode import decode_entity

READS = 80
ENTITIES = "/ngsi-ld/v1/entities"


@pytest.mark.parametrize("person", PEOPLE)
async def test_nothing_hidden_is_read_and_nothing_tells_that_it_is_there(person: str, tmp_path: Path) -> None:
    assert await compare(person, READS, 4711, tmp_path) == []


ELSEWHERE = {
    "/api/v1/stream": "test_the_stream_shows_what_the_map_shows",
    "/api/v1/sql": "test_sql_holds_what_is_seen_and_nothing_else",
    "/api/v1/sql/relations": "columns, no data", "/ngsi-ld/v1/info/sourceIdentity": "the platform, no data",
    "/api/v1/basemap": "the base map is for all", "/api/v1/basemap/places": "the base map is for all",
    "/basemap/{z}/{x}/{y}": "the base map is for all",
}  # fmt: skip
"""What reads and is not asked at random, and why."""


async def test_every_interface_that_reads_is_asked(city: Watched) -> None:
    routes = all_routes(city.city.apps)
    router, chance = Router(routes), random.Random(1)
    hidden = [{"id": "urn:ngsi-ld:Vehicle:7" + MARK}]
    found = set()
    for _ in range(5000):
        path, _ = asked(chance, hidden)
        found.add(router.find("POST" if path in QUERIES else "GET", path.encode()).route.path)
    reading = ("city:read", "entities:read", "history:read", "sql:run")
    there = {one.path for one in routes if one.action in reading and (one.method == "GET" or one.path in QUERIES)}
    assert there - found == set(ELSEWHERE)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Watched]:
    """A bus that goes east, with a salary; car parks with internal notes of two departments."""
    made = Watched(tmp_path, "east")
    await made.start()
    area = {"id": "urn:ngsi-ld:AdministrativeArea:east", "type": "AdministrativeArea",
            "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": EAST}}}  # fmt: skip
    await made.fill([area])
    for hour, lon in ((8, 5.0), (9, 10.5), (10, 30.0), (11, 10.6)):
        at = f"2026-11-01T{hour:02}:00:00Z"
        bus = {"id": "urn:ngsi-ld:Vehicle:1", "type": "Vehicle", "location": place(lon, 10.5, observedAt=at),
               "speed": value(hour, observedAt=at)}  # fmt: skip
        await made.fill([bus])
    yield made
    await made.stop()


def token(city: Watched, *roles: str, **more: Any) -> dict[str, str]:
    return {"Authorization": "Bearer " + city.city.accounts.create("x", "default", list(roles), **more)}


async def sql(city: Watched, statement: str, headers: dict[str, str]) -> httpx.Response:
    answer = await city.http.post("/api/v1/sql", json={"sql": statement}, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


async def sealed(city: Watched) -> None:
    """What the log holds lies in segments from now on."""
    engine = city.city.home.engine
    assert engine is not None
    await asyncio.to_thread(engine.seal)


async def test_a_moving_thing_is_seen_for_as_long_as_it_was_where_one_may_look(city: Watched) -> None:
    answer = await city.read("/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Vehicle:1", attrs="speed")
    assert [one["value"] for one in answer.json()["speed"]] == [9, 11]
    whole = await city.http.get("/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Vehicle:1", headers=city.admin)
    assert [one["value"] for one in whole.json()["speed"]] == [8, 9, 10, 11]
    for at, status in (("09:30", 200), ("10:30", 404), ("11:30", 200)):
        seen = await city.read("/api/v1/entities/urn:ngsi-ld:Vehicle:1", at=f"2026-11-01T{at}:00Z")
        assert seen.status_code == status
    for _ in ("open", "sealed"):
        said = await sql(city, "SELECT number FROM history WHERE attribute = 'speed' ORDER BY number", city.headers)
        assert said.json()["data"] == [[9, 11]], said.text
        await sealed(city)
    gone = {
        "id": "urn:ngsi-ld:Vehicle:1",
        "type": "Vehicle",
        "location": place(30, 10.5, observedAt="2026-11-01T12:00:00Z"),
    }
    await city.fill([gone])
    assert (await city.read(f"{ENTITIES}/urn:ngsi-ld:Vehicle:1")).status_code == 404


async def test_sql_holds_what_is_seen_and_nothing_else(city: Watched) -> None:
    note = {
        "id": "urn:ngsi-ld:OffStreetParking:1",
        "type": "OffStreetParking",
        "note": value("事项" + MARK),
        "name": value("场"),
    }
    space = city.city.home
    entity = decode_entity(note, space.contexts.default)
    await space.intake.batch([entity], Origin("feed", "feed:x", "urn:x:dept:water", "internal"), "update")
    person = city.city.identity.people.add("clerk", "default", ["clerk"], departments=["urn:x:dept:roads"])
    secret, _ = city.city.identity.sessions.begin(person, ("pwd",), "test", "127.0.0.1")
    clerk = {"Cookie": f"zhicheng-8800={secret}", "Origin": "http://127.0.0.1:8800"}
    for statement in ("SELECT * FROM entities", "SELECT * FROM history", "SELECT * FROM commit_facts, history"):
        assert MARK in (await sql(city, statement, city.admin)).text or "commit" in statement
        assert MARK not in (await sql(city, statement, clerk)).text
    await sealed(city)
    for statement in ("SELECT * FROM history", "SELECT * FROM sealed --history"):
        assert MARK in (await sql(city, statement, city.admin)).text
        assert MARK not in (await sql(city, statement, clerk)).text
    own = city.city.identity.people.add("own", "default", ["clerk"], departments=["urn:x:dept:water"])
    secret, _ = city.city.identity.sessions.begin(own, ("pwd",), "test", "127.0.0.1")
    owner = {"Cookie": f"zhicheng-8800={secret}", "Origin": "http://127.0.0.1:8800"}
    assert MARK in (await sql(city, "SELECT * FROM history", owner)).text


async def test_the_stream_shows_what_the_map_shows(city: Watched) -> None:
    await city.fill([{"id": "urn:ngsi-ld:Vehicle:2", "type": "Vehicle", "location": place(40, 10)}])
    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/stream", "raw_path": b"/api/v1/stream", "scheme": "http",
        "query_string": b"box=-180,-80,180,80&zoom=2&layers=Vehicle", "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), text.encode()) for name, text in city.headers.items()],
    }  # fmt: skip
    shown: list[str] = []
    there = asyncio.Event()

    async def send(message: MutableMapping[str, Any]) -> None:
        for line in message.get("body", b"").decode().splitlines():
            if line.startswith("data:") and '"features"' in line:
                shown.extend(json.loads(line[5:])["id"])
                there.set()

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(3600)
        return {}

    task = asyncio.create_task(application(city.city)(scope, receive, send))
    async with asyncio.timeout(10):
        await there.wait()
    task.cancel()
    assert shown == ["urn:ngsi-ld:Vehicle:1"]


async def test_a_device_writes_its_own_entities_and_nothing_else(city: Watched) -> None:
    device = token(city, entities=["urn:ngsi-ld:Device:7", "urn:ngsi-ld:Vehicle:1"])
    own = {"id": "urn:ngsi-ld:Device:7", "type": "Device", "batteryLevel": value(0.5)}
    assert (await city.http.post(ENTITIES, json=own, headers=device)).status_code == 201
    patch = {"batteryLevel": value(0.4)}
    path = f"{ENTITIES}/urn:ngsi-ld:Device:7/attrs"
    assert (await city.http.patch(path, json=patch, headers=device)).status_code == 204
    assert (
        await city.http.post(ENTITIES, json={**own, "id": "urn:ngsi-ld:Device:8"}, headers=device)
    ).status_code == 403
    foreign = f"{ENTITIES}/urn:ngsi-ld:AdministrativeArea:east"
    for method, where, body in (
        ("PATCH", foreign + "/attrs", {"name": value("mine")}), ("DELETE", foreign, None), ("PUT", foreign, {**own}),
        ("POST", "/ngsi-ld/v1/entityOperations/upsert", [own, {**own, "id": "urn:ngsi-ld:AdministrativeArea:east"}]),
        ("GET", path.removesuffix("/attrs"), None), ("GET", "/api/v1/types", None),
    ):  # fmt: skip
        answer = await city.http.request(method, where, json=body, headers=device)
        assert answer.status_code in (400, 403, 404), (method, where, answer.text)
    east = (await city.http.get(foreign, headers=city.admin)).json()
    assert "name" not in east and east["type"] == "AdministrativeArea"


async def test_visitors_get_in_only_where_the_city_lets_them(city: Watched, tmp_path: Path) -> None:
    assert (await city.http.get("/api/v1/types")).status_code == 200
    assert (await city.http.get("/api/v1/sql/relations")).status_code == 401
    assert (await city.http.post(ENTITIES, json={"id": "urn:a:b", "type": "T"})).status_code == 401
    closed = await city.http.get("/api/v1/session")
    assert closed.json()["signed_in"] is False and "city:read" in closed.json()["actions"]


async def test_a_change_of_policies_counts_at_once(city: Watched) -> None:
    assert (await city.read("/api/v1/types")).status_code == 200
    more = '@id("stop") forbid(principal in Department::"urn:x:dept:east", action, resource);'
    policing = city.city.policing("default")
    policing._text = lambda: (2, POLICIES + more)  # as if somebody had set them
    policing._looked_at = 0
    assert (await city.read("/api/v1/types")).status_code == 403
