"""Decision rooms over HTTP: what one draws and says the others get at once; who leads; limits; what stays."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.server.conftest import Client, Start

ROOMS = "/api/v1/rooms"
POINT = {"type": "Point", "coordinates": [108.37, 22.82]}
HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202e\x00"


async def opened(client: httpx.AsyncClient, name: str = "防汛会商", who: str = "总值班") -> str:
    view = {"centre": [108.37, 22.82], "zoom": 12.5, "layers": ["parking.OffStreetParking"]}
    answer = await client.post(ROOMS, json={"name": name, "view": view, "as": who})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


async def look(client: httpx.AsyncClient, key: str, **query: object) -> dict[str, Any]:
    answer = await client.get(f"{ROOMS}/{key}", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_one_draws_and_says_the_others_have_at_once(client: Client) -> None:
    key = await opened(client)
    before = await look(client, key)
    assert (before["room"]["name"], before["room"]["presenter"]) == ("防汛会商", "总值班")

    waiting = asyncio.create_task(look(client, key, turn=before["turn"], position=before["position"], wait=10))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    mark = {"location": POINT, "colour": "#C92A2A", "text": "此处积水", "as": "城管"}
    identifier = (await client.post(f"{ROOMS}/{key}/marks", json=mark)).json()["id"]
    news = await waiting
    assert time.monotonic() - began < 2
    [drawn] = news["marks"]
    assert (drawn["id"], drawn["text"], drawn["by"], drawn["colour"]) == (identifier, "此处积水", "城管", "#c92a2a")
    assert drawn["location"] == POINT

    await client.post(f"{ROOMS}/{key}/notes", json={"text": "请水务局\n一小时内到场", "as": "总值班"})
    later = await look(client, key, position=news["position"])
    assert [note["text"] for note in later["notes"]] == ["请水务局\n一小时内到场"]
    assert later["marks"] == [], "what is known is not told again"

    assert (await client.delete(f"{ROOMS}/{key}/marks/{identifier}", params={"as": "城管"})).status_code == 204
    gone = await look(client, key, position=later["position"])
    assert [(one["id"], one["status"]) for one in gone["marks"]] == [(identifier, "removed")]


async def test_only_the_presenter_moves_the_view_and_the_lead_goes_over(client: Client) -> None:
    key = await opened(client)
    view = {"view": {"centre": [108.3, 22.8], "zoom": 14, "at": "2026-03-02T08:00:00+08:00"}}
    assert (await client.put(f"{ROOMS}/{key}/view", json={**view, "as": "城管"})).status_code == 403
    assert (await client.put(f"{ROOMS}/{key}/view", json={**view, "as": "总值班"})).status_code == 204
    assert (await look(client, key))["room"]["view"] == {
        "centre": [108.3, 22.8], "zoom": 14.0, "at": "2026-03-02T00:00:00Z",
    }  # fmt: skip
    here = f"{ROOMS}/{key}/people"
    await client.put(f"{here}/one", json={"as": "总值班", "cursor": [108.3, 22.8]})
    await client.put(f"{here}/two", json={"as": "城管", "following": False})
    people = {one["name"]: one for one in (await look(client, key))["people"]}
    assert people["总值班"]["cursor"] == [108.3, 22.8]
    assert not people["城管"]["following"]
    lead = f"{ROOMS}/{key}/presenter"
    assert (await client.put(lead, json={"as": "城管"})).status_code == 409
    await client.put(f"{here}/one", json={"as": "总值班", "left": True})
    assert (await client.put(lead, json={"as": "城管"})).status_code == 204
    assert (await look(client, key))["room"]["presenter"] == "城管"
    assert (await client.put(lead, json={"as": "城管", "lead": False})).status_code == 204
    assert (await look(client, key))["room"]["presenter"] is None


async def test_a_closed_room_is_read_and_not_written(client: Client) -> None:
    key = await opened(client)
    await client.post(f"{ROOMS}/{key}/notes", json={"text": "好", "as": "城管"})
    assert (await client.post(f"{ROOMS}/{key}/close", json={"as": "城管"})).status_code == 403
    assert (await client.post(f"{ROOMS}/{key}/close", json={"as": "总值班"})).status_code == 204
    assert (await client.post(f"{ROOMS}/{key}/notes", json={"text": "晚了", "as": "城管"})).status_code == 409
    assert [note["text"] for note in (await look(client, key))["notes"]] == ["好"]
    record = (await client.get(f"{ROOMS}/{key}/record")).json()
    told = [(one["what"], one["value"]) for one in record["events"] if one["what"] == "status"]
    assert told == [("status", "open"), ("status", "closed")]
    [room] = (await client.get(ROOMS)).json()
    assert (room["status"], room["name"]) == ("closed", "防汛会商")


async def test_rooms_are_entities_with_history(client: Client) -> None:
    key = await opened(client)
    await client.put(f"{ROOMS}/{key}/view", json={"view": {"centre": [108.1, 22.1], "zoom": 9}, "as": "总值班"})
    path = f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:DecisionRoom:{key}"
    found = (await client.get(path, params={"attrs": "sharedView", "timeproperty": "createdAt"})).json()
    assert len(found["sharedView"]) == 2


async def test_text_of_people_stays_text(client: Client) -> None:
    key = await opened(client, HOSTILE)
    await client.post(f"{ROOMS}/{key}/notes", json={"text": HOSTILE, "as": "<b>x"})
    found = await look(client, key)
    assert found["room"]["name"] == found["notes"][0]["text"] == HOSTILE.replace("\x00", "")
    assert found["notes"][0]["by"] == "<b>x"
    assert (await client.get(f"{ROOMS}/{key}")).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("marks", {"location": {"type": "Point", "coordinates": [500, 1]}}),
        ("marks", {"location": {"type": "MultiPoint", "coordinates": [[1, 1]]}}),
        ("marks", {"location": {"type": "LineString", "coordinates": [[1, 1]] * 501}}),
        ("marks", {"location": POINT, "colour": "red;background:url(x)"}),
        ("marks", {"location": POINT, "text": "x" * 501}),
        ("marks", {}),
        ("notes", {"text": ""}),
        ("notes", {"text": "\u0000\u0007"}),
        ("notes", {"text": "x" * 4001}),
        ("notes", {"text": 5}),
        ("notes", {"text": "x", "as": "x" * 41}),
        ("notes", []),
    ],
)
async def test_what_a_room_does_not_bear_is_refused(client: Client, path: str, body: object) -> None:
    key = await opened(client)
    answer = await client.post(f"{ROOMS}/{key}/{path}", json=body)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "view",
    [{"zoom": "12"}, {"zoom": 99}, {"html": "<b>"}, {"layers": ["x"] * 61}, {"at": "now"}, {"centre": [1]}, 5, None],
)
async def test_a_view_that_is_none(client: Client, view: object) -> None:
    key = await opened(client)
    answer = await client.put(f"{ROOMS}/{key}/view", json={"view": view, "as": "总值班"})
    assert answer.status_code == 400, answer.text


async def test_nobody_floods_a_room(client: Client) -> None:
    key = await opened(client)
    answers = [
        (await client.post(f"{ROOMS}/{key}/notes", json={"text": str(number), "as": "甲"})).status_code
        for number in range(70)
    ]
    assert answers.count(201) == 60
    assert answers[-1] == 429


async def test_what_is_not_there(client: Client) -> None:
    assert (await client.get(f"{ROOMS}/none")).status_code == 404
    assert (await client.post(f"{ROOMS}/none/notes", json={"text": "x"})).status_code == 404
    key = await opened(client)
    assert (await client.delete(f"{ROOMS}/{key}/marks/urn:x:none")).status_code == 404
    assert (await client.get(f"{ROOMS}/{key}", params={"turn": "x"})).status_code == 400


async def test_who_has_a_name_acts_under_it_and_readers_only_look(start: Start) -> None:
    client = await start(open_to_all=False)
    accounts = client.city.accounts
    reader, operator = (accounts.create(name, "default", [name]) for name in ("reader", "operator"))
    mine = {"authorization": f"Bearer {operator}"}
    key = (await client.post(ROOMS, json={"name": "x", "as": "市长"}, headers=mine)).json()["key"]
    looks = {"authorization": f"Bearer {reader}"}
    assert (await client.get(f"{ROOMS}/{key}", headers=looks)).json()["room"]["by"] == "operator"
    assert (await client.post(f"{ROOMS}/{key}/notes", json={"text": "x"}, headers=looks)).status_code == 403
    assert (await client.get(f"{ROOMS}/{key}")).status_code == 401
