"""The developer desk: keys that never exceed their owner, quotas that more keys do not widen, a sandbox apart."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.server.conftest import Client
from tests.server.identity.conftest import HOME, PASSWORD, browser, sign_in
from zhicheng.kernel import instants
from zhicheng.kernel.instants import DAY, MINUTE, SECOND
from zhicheng.security.actions import ACTIONS, PUBLIC
from zhicheng.server.sandbox import first_within

Start = Callable[..., Awaitable[Client]]
DESK = "/api/v1/developer"
ENTITIES = "/ngsi-ld/v1/entities"
BEHIND = f'[server]\npublic_url = "{HOME}"\n'
PARK = {
    "id": "urn:ngsi-ld:OffStreetParking:secret-marker", "type": "OffStreetParking",
    "name": {"type": "Property", "value": "city-only-marker"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.3, 22.8]}},
}  # fmt: skip


async def city(start: Start, settings: str = "") -> Client:
    made = await start(BEHIND + settings, open_to_all=False)
    people = made.city.identity.people
    people.add("chief", "default", ["admin"], password=PASSWORD)
    people.add("clerk", "default", ["reader"], password=PASSWORD)
    people.add("scribe", "default", ["writer"], password=PASSWORD)
    return made


async def key_of(desk: httpx.AsyncClient, **wish: object) -> dict[str, Any]:
    said = {"name": "my program", "role": "reader"} | wish
    answer = await desk.post(f"{DESK}/keys", json=said)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


# keys ---------------------------------------------------------------------------------------------------------


async def test_a_key_is_shown_once_and_kept_as_a_digest(start: Start) -> None:
    client = await city(start)
    desk = await sign_in(client, "clerk")
    key = await key_of(desk, name="看板")
    assert re.fullmatch(r"zk_[\w-]{43}", key["key"])
    listed = (await desk.get(DESK)).json()["keys"]
    assert [(one["name"], one["role"], one["used_at"]) for one in listed] == [("看板", "reader", None)]
    assert key["key"] not in (await desk.get(DESK)).text
    kept = b"".join(file.read_bytes() for file in client.city.folder.path.glob("control.db*"))
    assert key["key"].encode() not in kept
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))).status_code == 200
    assert (await desk.get(DESK)).json()["keys"][0]["used_at"] is not None
    assert (await sign_in(client, "scribe")).cookies
    assert (await (await sign_in(client, "scribe")).get(DESK)).json()["keys"] == [], "keys are their owner's alone"


@pytest.mark.parametrize(("who", "roles"), [("clerk", {"reader"}), ("scribe", {"reader", "writer"})])
async def test_a_key_opens_no_more_than_its_owner_may(start: Start, who: str, roles: set[str]) -> None:
    client = await city(start)
    desk = await sign_in(client, who)
    offered = {one["name"] for one in (await desk.get(DESK)).json()["roles"]}
    assert roles <= offered
    assert not offered & {"admin", "operator", "security-administrator", "audit-administrator"}
    for role in ("admin", "operator", "nobody", *({"writer"} - roles)):
        assert (await desk.post(f"{DESK}/keys", json={"name": "x", "role": role})).status_code == 400
    key = await key_of(desk)
    refused = await client.post(ENTITIES, json=PARK, headers=bearer(key))
    assert refused.status_code == 403, "a reader's key of a writer reads"
    assert (await client.get("/api/v1/people", headers=bearer(key))).status_code == 403


async def test_a_key_loses_what_its_owner_loses(start: Start) -> None:
    client = await city(start)
    desk, chief = await sign_in(client, "scribe"), await sign_in(client, "chief")
    key = await key_of(desk, role="writer")
    assert (await client.post(ENTITIES, json=PARK, headers=bearer(key))).status_code == 201
    person = client.city.identity.people.get("scribe").id
    assert (await chief.patch(f"/api/v1/people/{person}", json={"roles": ["reader"]})).status_code == 204
    assert (await client.delete(f"{ENTITIES}/{PARK['id']}", headers=bearer(key))).status_code == 403
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))).status_code == 200
    assert (await chief.patch(f"/api/v1/people/{person}", json={"disabled": True})).status_code == 204
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))).status_code == 401


async def test_a_revoked_or_expired_key_counts_no_more_at_once(start: Start) -> None:
    client = await city(start)
    desk, other = await sign_in(client, "clerk"), await sign_in(client, "scribe")
    key = await key_of(desk, days=1)
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))).status_code == 200
    assert (await other.delete(f"{DESK}/keys/{key['id']}")).status_code == 404, "not another's"
    now = client.city.clock()
    client.city.identity.access_keys._clock = lambda: now + DAY + SECOND
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))).status_code == 401
    client.city.identity.access_keys._clock = client.city.clock
    assert (await desk.delete(f"{DESK}/keys/{key['id']}")).status_code == 204
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))).status_code == 401
    assert (await desk.post(f"{DESK}/keys", json={"name": "x", "role": "reader", "days": 400})).status_code == 400


async def test_a_key_makes_no_keys_and_needs_no_origin(start: Start) -> None:
    client = await city(start)
    key = await key_of(await sign_in(client, "clerk"))
    for method, path in (("GET", DESK), ("POST", f"{DESK}/keys"), ("GET", "/api/v1/account")):
        answer = await client.request(method, path, headers=bearer(key), json={"name": "x", "role": "reader"})
        assert answer.status_code == 403, path
    assert (await browser(client).post(f"{DESK}/keys", json={"name": "x", "role": "reader"})).status_code == 401
    token = client.city.accounts.create("gateway", "default", ["admin"])
    assert (await client.get(DESK, headers={"Authorization": f"Bearer {token}"})).status_code == 403


async def test_where_everyone_may_do_everything_keys_still_lead_where_they_say(client: Client) -> None:
    key = await key_of(client, place="sandbox")
    answer = await client.post(ENTITIES, json=PARK, headers=bearer(key))
    assert answer.status_code == 201, answer.text
    assert (await client.get(f"{ENTITIES}/{PARK['id']}")).status_code == 404, "not in the city"
    assert (await client.delete(f"{DESK}/keys/{key['id']}")).status_code == 204
    assert (await client.post(ENTITIES, json=PARK, headers=bearer(key))).status_code == 401, "nor once revoked"


# quotas -------------------------------------------------------------------------------------------------------


async def asked(client: Client, key: dict[str, Any], times: int) -> list[int]:
    found = [await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key)) for _ in range(times)]
    return [one.status_code for one in found]


async def test_a_key_has_its_quota_and_says_so(start: Start) -> None:
    client = await city(start, "[quotas.key]\nper_minute = 4\n")
    desk = await sign_in(client, "clerk")
    key = await key_of(desk)
    answer = await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))
    assert answer.headers["ratelimit-policy"] == '"minute";q=4;w=60, "day";q=100000;w=86400'
    assert answer.headers["ratelimit"].startswith('"minute";r=3;t=15, "day";r=99999;t=')
    assert await asked(client, key, 5) == [200, 200, 200, 429, 429]
    refused = await client.get(ENTITIES, params={"type": "X"}, headers=bearer(key))
    assert 1 <= int(refused.headers["retry-after"]) <= 15
    assert refused.headers["ratelimit"].startswith('"minute";r=0')
    assert refused.json()["type"].endswith(("InvalidRequest", "too-many"))
    spent = (await desk.get(DESK)).json()["keys"][0]["spent"]
    assert (spent["requests"], spent["refused"]) == (4, 3)
    assert spent["out"] > 0
    key = await key_of(desk, per_minute=2, per_day=9)
    assert await asked(client, key, 3) == [200, 200, 429], "an owner may set less"
    assert (await key_of(desk, per_minute=99))["quota"]["per_minute"] == 4, "never more"


async def test_more_keys_give_no_more_and_one_takes_nothing_from_another(start: Start) -> None:
    client = await city(start, "[quotas.person]\nper_minute = 12\n")
    clerk, scribe = await sign_in(client, "clerk"), await sign_in(client, "scribe")
    keys = [await key_of(clerk) for _ in range(3)]  # three requests of the person themselves
    other = await key_of(scribe)
    every = [status for key in keys for status in await asked(client, key, 5)]
    assert every.count(200) == 9
    assert every[-1] == 429
    sandboxed = await scribe.post(f"{DESK}/keys", json={"name": "s", "role": "reader", "place": "sandbox"})
    assert await asked(client, other, 5) == [200] * 5, "others have theirs"
    assert await asked(client, sandboxed.json(), 8) == [200] * 5 + [429] * 3, "the sandbox is on the same account"
    left = client.city.accounts.create("gateway", "default", ["reader"])
    assert await asked(client, {"key": left}, 30) == [200] * 30, "the city's own programs have no limit of their own"


async def test_rows_and_sql_count_and_outlive_a_restart(start: Start) -> None:
    client = await city(start, "[quotas.key]\nrows = 3\n")
    desk = await sign_in(client, "scribe")
    key = await key_of(desk, role="writer")
    for number in range(3):
        park = PARK | {"id": f"urn:ngsi-ld:OffStreetParking:{number}"}
        assert (await client.post(ENTITIES, json=park, headers=bearer(key))).status_code == 201
    sql = {"sql": "SELECT count(*) FROM entities"}
    assert (await client.post("/api/v1/sql", json=sql, headers=bearer(key))).status_code == 200
    assert len((await client.get(ENTITIES, params={"type": "OffStreetParking"}, headers=bearer(key))).json()) == 3
    refused = await client.post("/api/v1/sql", json=sql, headers=bearer(key))
    assert refused.status_code == 429
    assert "行数" in (await client.get(ENTITIES, headers={**bearer(key), "Accept-Language": "zh"})).json()["detail"]
    spent = (await desk.get(DESK)).json()["keys"][0]["spent"]
    assert spent["rows"] == 4, "three entities and a row of SQL"
    assert spent["sql"] > 0
    client.city.quotas.note()
    client.city.quotas._accounts.clear()  # what a restart forgets
    assert (await client.post("/api/v1/sql", json=sql, headers=bearer(key))).status_code == 429
    assert (await desk.get(DESK)).json()["days"][0]["rows"] == 4
    now = client.city.clock()
    client.city.quotas._clock = lambda: now + DAY
    assert (await client.post("/api/v1/sql", json=sql, headers=bearer(key))).status_code == 200, "a new day"


# the sandbox --------------------------------------------------------------------------------------------------


async def told(client: Client, minutes_ago: float, free: int, now: int) -> None:
    """The city says how many places were free at some time."""
    observed = instants.format(now - int(minutes_ago * MINUTE))
    park = PARK | {
        "id": "urn:ngsi-ld:OffStreetParking:square",
        "name": {"type": "Property", "value": "Station square"},
        "availableSpotNumber": {"type": "Property", "value": free, "observedAt": observed},
    }
    answer = await client.post("/ngsi-ld/v1/entityOperations/upsert?options=update", json=[park])
    assert answer.status_code in (201, 204), answer.text


async def until(done: Callable[[], Awaitable[object]], seconds: float = 12) -> None:
    for _ in range(int(seconds * 10)):
        if await done():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come")


async def test_a_recorded_day_runs_again_in_the_sandbox_marked_as_made_up(start: Start, monkeypatch: Any) -> None:
    monkeypatch.setattr("zhicheng.server.sandbox._STEP", 0.05)
    monkeypatch.setattr("zhicheng.server.sandbox._AGAIN", 0)
    client = await start()
    now = client.city.clock()
    for minutes_ago, free in ((40, 120), (30, 87), (20, 40), (10, 66)):
        await told(client, minutes_ago, free, now)
    key = await key_of(client, place="sandbox")
    answer = await client.put("/api/v1/sandbox", json={"speed": 600}, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    told_in_sandbox = client.city.space("sandbox").store.tail

    async def runs() -> bool:
        return client.city.sandbox.rounds >= 3

    await until(runs, 30)
    rows = told_in_sandbox(0)
    numbers = rows.changes.number[[str(name).endswith("availableSpotNumber") for name in rows.changes.attribute.list()]]
    seen = [int(one) for one in numbers]
    assert len(seen) >= 8
    assert seen == ([120, 87, 40, 66] * len(seen))[: len(seen)], "in order, and again from the beginning"
    state = (await client.get("/api/v1/sandbox")).json()
    assert state["work"] in ("running", "starting")
    assert state["rounds"] >= 2
    panel = await client.get("/api/v1/entities/urn:ngsi-ld:OffStreetParking:square", headers=bearer(key))
    assert "simulated" in panel.text
    assert "sandbox:replay" not in client.city.home.store.tail(0).source.values, "nothing of it is in the city"
    written = await client.post(ENTITIES, json=PARK, headers=bearer(key))
    assert written.status_code == 201
    await client.put("/api/v1/sandbox", json={"speed": 1}, headers=bearer(key))
    assert (await client.get(f"{ENTITIES}/{PARK['id']}", headers=bearer(key))).status_code == 404, "emptied"


async def test_a_lone_row_of_an_earlier_hour_is_no_recording(start: Start) -> None:
    client = await start()
    now = client.city.clock()
    for minutes_ago in (200, 12, 8, 4):
        await told(client, minutes_ago, 1, now)
    found = first_within(client.city.home.store, now - DAY, now, now)
    assert found is not None
    assert abs(found - (now - 12 * MINUTE)) < SECOND


async def test_what_is_erased_in_the_city_is_erased_in_the_sandbox(start: Start, monkeypatch: Any) -> None:
    monkeypatch.setattr("zhicheng.server.sandbox._LOOK", 0.05)
    client = await start()
    now = client.city.clock()
    await told(client, 30, 120, now)
    key = await key_of(client, place="sandbox")
    square = f"{ENTITIES}/urn:ngsi-ld:OffStreetParking:square"

    async def there() -> bool:
        return (await client.get(square, headers=bearer(key))).status_code == 200

    async def gone() -> bool:
        return not await there()

    await until(there)
    await client.delete("/api/v1/sandbox")
    answer = await client.delete("/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:OffStreetParking:square")
    assert answer.status_code == 204, answer.text
    await until(gone)


async def test_nothing_of_the_city_is_reached_from_the_sandbox_by_any_route(start: Start) -> None:
    client = await city(start, "[sandbox]\nenabled = false\n")
    scribe = await sign_in(client, "scribe")
    await scribe.post(ENTITIES, json=PARK)
    room = await scribe.post("/api/v1/rooms", json={"name": "city-only-marker"})
    key = await key_of(scribe, place="sandbox", role="reader")
    before = client.city.home.store.state.position
    marks = ("city-only-marker", "secret-marker")
    asked_of = 0
    for route in client._transport.app.router.routes:  # type: ignore[attr-defined]  # the application itself
        if route.action == PUBLIC or route.path.endswith("/stream"):
            continue
        path = re.sub(
            r"\{(\w+|\.\.\.)\}",
            lambda found: {
                "id": str(PARK["id"]),
                "type": "OffStreetParking",
                "z": "0",
                "x": "0",
                "y": "0",
                "key": str(room.json().get("key", "x")) if room.status_code == 201 else "x",
            }.get(found[1], "x"),
            route.path,
        )
        body = None if route.body is None else {"id": "urn:x:1", "type": "X"}
        answer = await client.request(route.method, path, headers=bearer(key), json=body)
        asked_of += 1
        assert answer.status_code < 500 or answer.status_code in (501, 503), (route.method, path, answer.text)
        assert not any(mark in answer.text for mark in marks if mark not in path), (route.method, path)
    assert asked_of > 60
    assert "scribe" not in client.city.home.store.tail(before).principal.values, "nor changed"


async def test_the_sandbox_may_do_only_what_stays_in_its_tenant(start: Start) -> None:
    client = await city(start)
    key = await key_of(await sign_in(client, "chief"), place="sandbox", role="admin")
    may = set((await client.get("/api/v1/session", headers=bearer(key))).json()["actions"])
    assert not may & {"feeds:push", "rooms:write", "attention:acknowledge", "accounts:write", "policies:write"}
    assert may <= set(ACTIONS)
    named = {**bearer(key), "NGSILD-Tenant": "default"}
    assert (await client.get(ENTITIES, params={"type": "X"}, headers=named)).status_code == 404
