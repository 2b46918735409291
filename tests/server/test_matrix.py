"""Each cell of the published matrix is asked of the server: every route, by everyone, on own and other things."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.server.conftest import Client
from tests.server.identity.conftest import BEHIND, HOME, PASSWORD, sign_in
from tests.server.identity.test_openid import App as Program
from tools import matrix
from tools.matrix import DEPARTMENT, FOREIGN, OTHER, OWN, WHO, Who
from zhicheng.cli.main import COMMANDS
from zhicheng.hub.intake import Origin
from zhicheng.security.actions import PUBLIC
from zhicheng.server.app import App
from zhicheng.server.http import NO_CONTENT, Answer
from zhicheng.server.request import Request
from zhicheng.server.routes import Route
from zhicheng.server.table import all_routes
from zhicheng.standards.ngsild.decode import decode_entity

ENTITIES = "/ngsi-ld/v1/entities"
INNER = "urn:ngsi-ld:Lot:inner"
VISITED = BEHIND + '[identity]\nvisitors = "citizens"\n'


async def _reached(request: Request) -> Answer:
    return NO_CONTENT


def stubbed(city: Client) -> httpx.AsyncClient:
    """The city with all its routes, none of which does anything once it is reached."""
    routes = [replace(one, handler=_reached) for one in all_routes({})]
    transport = httpx.ASGITransport(App(city.city, routes, city.city.telemetry))
    return httpx.AsyncClient(transport=transport, base_url=HOME)


async def credentials(city: Client, who: Who) -> dict[str, str]:
    """Headers by which the city knows who it is."""
    accounts, identity = city.city.accounts, city.city.identity
    if who.name in ("nobody", "visitor"):
        return {}
    if who.name == "device":
        return {"Authorization": "Bearer " + accounts.create("meter", "default", [], entities=[OWN])}
    role = who.name.partition(" ")[0]
    person = identity.people.add(f"a-{role}", "default", [role], departments=[DEPARTMENT], password=PASSWORD)
    if who.within is not None:
        program = Program(city)
        program.http = await sign_in(city, person.name)
        given = await program.redeem(program.code(await program.http.get(program.address("openid city.read"))))
        return {"Authorization": "Bearer " + given.json()["access_token"]}
    secret, _ = identity.sessions.begin(person, ("pwd",), "test", "127.0.0.1")
    return {"Cookie": f"__Host-zhicheng={secret}", "Origin": HOME}


@pytest.fixture
async def city(start: Callable[..., Awaitable[Client]], request: pytest.FixtureRequest) -> Client:
    """A city with an entity that is somebody's own, a foreign one and one that is not public, and another tenant."""
    visited = getattr(request, "param", None) == "visitor"
    client = await start(VISITED if visited else BEHIND, open_to_all=False)
    space = client.city.home
    value = {"type": "Property", "value": 1}
    documents: list[tuple[dict[str, Any], str, str | None]] = [
        ({"id": OWN, "type": "Lot", "free": value}, OTHER, None),
        ({"id": FOREIGN, "type": "Lot", "open": value}, OTHER, None),
        ({"id": FOREIGN, "type": "Lot", "ours": value}, DEPARTMENT, "internal"),
        ({"id": FOREIGN, "type": "Lot", "theirs": value}, OTHER, "internal"),
        ({"id": INNER, "type": "Lot", "classification": {"type": "Property", "value": "internal"}}, OTHER, None),
    ]
    for document, owner, classification in documents:
        entity = decode_entity(document, space.contexts.default)
        outcome = await space.intake.batch([entity], Origin("feed", "feed:x", owner, classification), "update")
        assert outcome[0].error is None
    other = {"Authorization": "Bearer " + client.city.accounts.create("x", "lagos", ["admin"])}
    theirs = {"id": "urn:ngsi-ld:Lot:lagos", "type": "Lot", "free": value}
    assert (await client.post(ENTITIES, json=theirs, headers=other)).status_code == 201
    return client


def expected(who: Who, route: Route) -> frozenset[int]:
    if matrix.cell(who, route.action) != "no":
        return frozenset((204,))
    return frozenset((401,)) if who.name in ("nobody", "visitor") else frozenset((403,))


def asked(route: Route) -> str:
    return route.path.replace("{...}", "x").replace("{", "").replace("}", "")


def columns(test: Callable[..., Any]) -> Callable[..., Any]:
    """Once for each kind of principal."""
    pairs = [pytest.param(who, who.name, id=who.name.replace(" ", "-")) for who in WHO]
    marked: Callable[..., Any] = pytest.mark.parametrize(("who", "city"), pairs, indirect=["city"])(test)
    return marked


@columns
async def test_every_route_answers_everyone_as_the_matrix_says(who: Who, city: Client) -> None:
    headers = await credentials(city, who)
    async with stubbed(city) as http:
        for route in all_routes({}):
            answer = await http.request(route.method, asked(route), headers=headers)
            assert answer.status_code in expected(who, route), (route.method, route.path, answer.text)
            if route.action != PUBLIC and headers:
                named = {**headers, "NGSILD-Tenant": "lagos"}
                elsewhere = await http.request(route.method, asked(route), headers=named)
                assert elsewhere.status_code == 404, (route.method, route.path)


@columns
async def test_what_is_own_foreign_and_of_another_tenant_is_as_the_matrix_says(who: Who, city: Client) -> None:
    headers = await credentials(city, who)

    async def read(identifier: str) -> dict[str, Any]:
        answer = await city.get(f"{ENTITIES}/{identifier}", headers=headers)
        assert answer.status_code in (200, 401, 403, 404)
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return found

    mine, foreign, inner, lagos = [await read(one) for one in (OWN, FOREIGN, INNER, "urn:ngsi-ld:Lot:lagos")]
    seen = [
        bool(mine),
        bool(foreign),
        bool(inner),
        *(name in foreign for name in ("open", "ours", "theirs")),
        bool(lagos),
    ]
    assert ["yes" if one else "no" for one in seen] == [*matrix.resources(who, "entities:read"), "no"]

    async def write(identifier: str) -> str:
        answer = await city.patch(
            f"{ENTITIES}/{identifier}", json={"more": {"type": "Property", "value": 2}}, headers=headers
        )
        assert answer.status_code in (204, 401, 403, 404)
        return "yes" if answer.status_code == 204 else "no"

    written = [await write(one) for one in (OWN, FOREIGN, INNER)]
    assert written == matrix.resources(who, "entities:write")[:3]
    assert await write("urn:ngsi-ld:Lot:lagos") == "no"


def test_every_route_and_verb_declares_its_action_and_the_page_is_as_drawn() -> None:
    assert list(matrix.faults()) == []
    assert matrix.PAGE.read_text("utf-8") == matrix.drawn()


def test_a_verb_that_declares_nothing_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = [replace(one, acts={"list": "accounts:read"}) if one.name == "token" else one for one in COMMANDS]
    monkeypatch.setattr(matrix, "COMMANDS", bare)
    assert any("token create" in one for one in matrix.faults())
