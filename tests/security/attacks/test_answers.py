"""What an answer tells to who may not know: of accounts that there are or are not, and of entities that are hidden."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Client
from tests.server.identity.conftest import browser
from tests.server.isolated import OWN, Watched, place, value
from zhicheng.security.actions import PUBLIC
from zhicheng.security.defaults import POLICIES
from zhicheng.server.table import all_routes

HIDDEN, MISSING = "urn:ngsi-ld:Vehicle:hidden", "urn:ngsi-ld:Vehicle:absent"
assert len(HIDDEN) == len(MISSING)

WRITTEN = """
@id("district-written")
@zh("片区人员只能写入片区内的实体")
@en("People of a district write what is in it")
forbid(principal in Department::"urn:x:dept:east", action in Action::"writing", resource is Entity)
unless { resource in Area::"urn:ngsi-ld:AdministrativeArea:east" };
"""


def said(answer: httpx.Response, *names: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All of an answer but the name that was asked for, and what differs between any two."""
    body = answer.content
    for name in names:
        body = body.replace(name.encode(), b"NAME")
    varies = ("x-request-id", "date", "content-length", "ratelimit", "ratelimit-policy", "location")
    headers = sorted((name, text) for name, text in answer.headers.items() if name not in varies)
    return answer.status_code, body, headers


async def test_a_known_and_an_unknown_account_are_answered_alike(closed: Client) -> None:
    for path, body in (
        ("/api/v1/session", {"password": "wrong words of mine"}),
        ("/api/v1/session", {"password": ""}),
        ("/api/v1/session", {"password": "wrong words of mine", "code": "123456"}),
        ("/api/v1/session/passkey/options", {}),
    ):
        known = await browser(closed).post(path, json={**body, "name": "chief"})
        unknown = await browser(closed).post(path, json={**body, "name": "chiel"})
        assert known.status_code == unknown.status_code
        if "passkey" not in path:
            assert said(known, "chief") == said(unknown, "chiel"), path
        else:
            assert sorted(known.json()) == sorted(unknown.json())
    for name in ("client_id", "username"):
        form = {"grant_type": "password", "username": "x", "password": "y", "client_id": "z"}
        one, other = [await closed.post("/oauth/token", data={**form, name: text}) for text in ("chief", "chiel")]
        assert said(one, "chief") == said(other, "chiel")


async def test_a_wrong_password_takes_as_long_for_a_name_that_there_is_not(closed: Client) -> None:
    """Both are hashed; fewer tries than make wait."""
    took: dict[str, list[float]] = {"clerk": [], "nobody": []}
    for _ in range(4):
        for name, found in took.items():
            began = time.process_time()
            answer = await browser(closed).post(
                "/api/v1/session", json={"name": name, "password": "wrong words of mine"}
            )
            assert answer.status_code == 401
            found.append(time.process_time() - began)
    known, unknown = (statistics.median(one) for one in took.values())
    assert 0.5 < known / unknown < 2, took


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Watched]:
    """A city in which a clerk sees the east; a vehicle is in the west."""
    made = Watched(tmp_path, "east")
    made.city._policy_text = lambda: (1, POLICIES + OWN + WRITTEN)  # type: ignore[method-assign]  # what the city's would say
    await made.start()
    east = [[[10, 10], [11, 10], [11, 11], [10, 11], [10, 10]]]
    area = {"id": "urn:ngsi-ld:AdministrativeArea:east", "type": "AdministrativeArea",
            "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": east}}}  # fmt: skip
    await made.fill([area, {"id": HIDDEN, "type": "Vehicle", "location": place(40, 10), "speed": value(7)}])
    yield made
    await made.stop()


def paths(identifier: str) -> list[tuple[str, str]]:
    """Every operation on one thing."""
    fills = {"{id}": identifier, "{attribute}": "speed", "{instance}": "urn:ngsi-ld:Instance:1-1", "{stop}": identifier,
             "{type}": "Vehicle", "{...}": "x"}  # fmt: skip
    found = []
    for route in all_routes({}):
        if "{id}" in route.path and route.action != PUBLIC and "sandbox" not in route.path:
            path = route.path
            for step, name in fills.items():
                path = path.replace(step, name)
            found.append((route.method, path.replace("{", "").replace("}", "")))
    return found


BODIES: Sequence[object] = ({"speed": value(8)}, {"value": 8}, {"type": "Vehicle", "speed": value(8)}, [])


async def test_what_is_hidden_and_what_is_not_there_are_answered_alike(city: Watched) -> None:
    """Read or written, by who sees a part and by a device: byte by byte the same but for the id that was asked for."""
    accounts, identity = city.city.accounts, city.city.identity
    writer = identity.people.add("writer", "default", ["writer"], departments=["urn:x:dept:east"])
    secret, _ = identity.sessions.begin(writer, ("pwd",), "test", "127.0.0.1")
    everyone = {
        "part": city.headers,
        "device": {"Authorization": "Bearer " + accounts.create("m", "default", [], entities=["urn:ngsi-ld:Device:1"])},
        "writer of a part": {"Cookie": f"zhicheng-8800={secret}", "Origin": "http://127.0.0.1:8800"},
    }
    different = []
    for who, headers in everyone.items():
        for (method, hidden), (_, missing) in zip(paths(HIDDEN), paths(MISSING), strict=True):
            for body in BODIES if method in ("POST", "PUT", "PATCH") else (None,):
                one, other = [
                    await city.http.request(method, path, json=body, headers=headers) for path in (hidden, missing)
                ]
                if said(one, HIDDEN) != said(other, MISSING):
                    different.append(
                        (who, method, hidden, one.status_code, one.text[:200], other.status_code, other.text[:200])
                    )
    assert different == []
    whole = await city.http.get(f"/ngsi-ld/v1/entities/{HIDDEN}", headers=city.admin)
    assert whole.json()["speed"]["value"] == 7
