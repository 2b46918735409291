"""Payloads handed in over HTTP: decoded as the feed says, durable when answered, recognised when they come again."""

from __future__ import annotations

import httpx
import pytest

from tests.server.conftest import Start

CITY = """
[feeds.meters]
decoder = "csv"
push = true
owner = "urn:ngsi-ld:Organization:water"

[feeds.meters.mapping]
type = "Device"
id = "urn:ngsi-ld:Device:{id}"
time = "at"
[feeds.meters.mapping.attributes]
batteryLevel = { column = "battery", kind = "number" }

[feeds.polled]
decoder = "csv"
folder = "nothing"
enabled = false
mapping = { type = "Device", id = "urn:ngsi-ld:Device:{id}", attributes = { value = "battery" } }
"""
FIRST = "id,at,battery\nm1,2024-01-01T00:00:00Z,0.5\nm2,2024-01-01T00:00:00Z,oops\n"
SECOND = "id,at,battery\nm1,2024-01-01T00:05:00Z,0.4\n"


@pytest.fixture
async def meters(start: Start) -> httpx.AsyncClient:
    return await start(CITY)


async def push(client: httpx.AsyncClient, body: str | bytes, name: str = "meters") -> httpx.Response:
    return await client.post(f"/api/v1/feeds/{name}", content=body)


async def test_a_payload_is_stored_and_what_was_refused_is_told(meters: httpx.AsyncClient) -> None:
    answer = await push(meters, FIRST)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["created"], told["refused"]) == (1, 1)
    assert "oops" in str(told["reasons"])
    found = (await meters.get("/ngsi-ld/v1/entities/urn:ngsi-ld:Device:m1?format=simplified")).json()
    assert found["batteryLevel"] == 0.5
    feed = next(feed for feed in (await meters.get("/api/v1/feeds")).json() if feed["name"] == "meters")
    assert (feed["kind"], feed["status"], feed["payloads"]) == ("push", "ok", 1)


async def test_the_same_payload_again_stores_nothing(meters: httpx.AsyncClient) -> None:
    await push(meters, SECOND)
    position = (await meters.get("/api/v1/state")).json()["position"]
    again = await push(meters, SECOND)
    assert again.status_code == 200
    assert again.json()["rows"] == 0
    assert (await meters.get("/api/v1/state")).json()["position"] == position


async def test_a_payload_that_cannot_be_read_is_answered_and_the_next_is_taken(meters: httpx.AsyncClient) -> None:
    refused = await push(meters, b"\x00\xff\x00")
    assert refused.status_code == 400
    assert refused.json()["detail"]
    assert (await push(meters, SECOND)).json()["created"] == 1


async def test_only_feeds_that_are_pushed_take_payloads(meters: httpx.AsyncClient) -> None:
    for name in ("polled", "nobody"):
        answer = await push(meters, SECOND, name)
        assert answer.status_code == 404
        assert "push = true" in answer.json()["detail"]


async def test_a_compressed_payload_is_refused_in_words(meters: httpx.AsyncClient) -> None:
    answer = await meters.post("/api/v1/feeds/meters", content=b"x", headers={"content-encoding": "gzip"})
    assert answer.status_code == 415


async def test_pushing_needs_a_token(start: Start) -> None:
    client = await start(CITY, open_to_all=False)
    assert (await push(client, SECOND)).status_code == 401
