"""Who gets in: tokens, roles, tenants, host names, and the open door that is for this machine only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from tests.server.parks import ENTITIES, ERRORS, ONE, park
from zhicheng.kernel.errors import BadConfiguration, Conflict
from zhicheng.security.actions import PUBLIC
from zhicheng.server.accounts import Accounts
from zhicheng.server.city import City, check_open
from zhicheng.server.folder import DataFolder
from zhicheng.server.settings import parse_city, with_server
from zhicheng.server.table import all_routes

Start = Callable[..., Awaitable[httpx.AsyncClient]]


def bearing(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


@pytest.mark.parametrize(
    "one", [one for one in all_routes() if one.action != PUBLIC], ids=lambda one: f"{one.method} {one.path}"
)
async def test_no_route_but_the_public_ones_answers_without_a_token(start: Start, one: object) -> None:
    client = await start(open_to_all=False)
    method, path = one.method, one.path.replace("{", "").replace("}", "")  # type: ignore[attr-defined]  # a Route
    for headers in ({}, {"Authorization": "Bearer zc_" + "A" * 43}, {"Authorization": "Basic YTpi"}):
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="zhicheng"')
        assert answer.json()["detail"]


async def test_a_role_opens_what_it_names(start: Start, tmp_path: Path) -> None:
    client = await start(open_to_all=False)
    accounts = client.city.accounts  # type: ignore[attr-defined]  # the fixture's client knows its city
    reader, writer = (accounts.create(role, "default", [role]) for role in ("reader", "writer"))
    assert (await client.post(ENTITIES, json=park(), headers=bearing(reader))).status_code == 403
    assert (await client.post(ENTITIES, json=park(), headers=bearing(writer))).status_code == 201
    assert (await client.get(ONE, headers=bearing(reader))).status_code == 200
    assert (await client.get("/metrics", headers=bearing(writer))).status_code == 403
    erased = await client.delete(f"/ngsi-ld/v1/temporal/entities/{park()['id']}", headers=bearing(writer))
    assert erased.status_code == 403
    assert (await client.get("/health")).status_code == 200


async def test_tenants_see_nothing_of_each_other(start: Start) -> None:
    client = await start(open_to_all=False)
    accounts = client.city.accounts  # type: ignore[attr-defined]  # the fixture's client knows its city
    one, two = (accounts.create("x", tenant, ["admin"]) for tenant in ("nanning", "lagos"))
    assert (await client.post(ENTITIES, json=park(), headers=bearing(one))).status_code == 201
    assert (await client.get(ONE, headers=bearing(two))).status_code == 404
    assert (await client.get(ENTITIES, params={"type": "*"}, headers=bearing(two))).json() == []
    assert (await client.get("/api/v1/types", headers=bearing(two))).json() == []
    confirmed = await client.get(ONE, headers=bearing(one, **{"NGSILD-Tenant": "nanning"}))
    assert (confirmed.status_code, confirmed.headers["NGSILD-Tenant"]) == (200, "nanning")
    for tenant in ("lagos", "nowhere", "../nanning"):
        chosen = await client.get(ONE, headers=bearing(one, **{"NGSILD-Tenant": tenant}))
        assert (chosen.status_code, chosen.json()["type"]) == (404, ERRORS + "NonexistentTenant")
    context = await client.post("/ngsi-ld/v1/jsonldContexts", json={"@context": {}}, headers=bearing(one))
    assert (await client.get(context.headers["location"], headers=bearing(two))).status_code == 404


async def test_a_revoked_or_expired_token_is_worthless(start: Start) -> None:
    client = await start(open_to_all=False)
    accounts = client.city.accounts  # type: ignore[attr-defined]  # the fixture's client knows its city
    token = accounts.create("x", "default", ["reader"])
    assert (await client.get("/api/v1/state", headers=bearing(token))).status_code == 200
    accounts.revoke(accounts.tokens()[0].id)
    assert (await client.get("/api/v1/state", headers=bearing(token))).status_code == 401
    short = accounts.create("x", "default", ["reader"], lasts=0)
    assert (await client.get("/api/v1/state", headers=bearing(short))).status_code == 401


def test_a_token_is_nowhere_on_disk(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    token = accounts.create("x", "default", ["reader"])
    accounts.close()
    assert all(token.encode() not in path.read_bytes() for path in tmp_path.iterdir())
    assert (tmp_path / "control.db").stat().st_mode & 0o077 == 0


async def test_a_name_that_is_not_ours_is_refused_while_the_door_is_open(start: Start) -> None:
    client = await start('[server]\nhosts = ["city.example"]')
    for host, status in (("evil.example", 403), ("localhost:8800", 200), ("city.example", 200), ("[::1]:8800", 200)):
        assert (await client.get("/api/v1/state", headers={"Host": host})).status_code == status


async def test_no_other_site_is_let_in_by_the_browser(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/state", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = await client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"] and page.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "city.example", ""])
def test_the_open_door_is_for_this_machine_only(host: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="--no-auth is refused"):
        check_open(host)
    if host:
        file = with_server(parse_city("", tmp_path / "city.toml", {}), host, None)
        with pytest.raises(BadConfiguration):
            City(file, DataFolder(tmp_path / "data"), open_to_all=True)


async def test_two_servers_never_share_a_folder(start: Start, tmp_path: Path) -> None:
    await start()
    with pytest.raises(Conflict, match="in use by zhicheng run"):
        City(parse_city("", tmp_path / "city.toml", {}), DataFolder(tmp_path / "data"))


async def test_an_unexpected_failure_is_a_problem_with_a_number(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.city.space("default").store.close()  # type: ignore[attr-defined]  # the fixture's client knows its city
    answer = await client.post(ENTITIES, json=park())
    assert answer.status_code == 503 and answer.json()["detail"]
