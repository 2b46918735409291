"""Another provider signs people in: our own plays it, in a second city on a port of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn

from tests.server.conftest import Client
from tests.server.identity.conftest import HOME, PASSWORD, browser
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city

SECRET = "KEYCLOAK_SECRET"


class Other:
    """A city that signs people in for another; it keeps a person in two groups."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        file = parse_city(f"[server]\nport = {self.port}", folder / "city.toml", {})
        self.city = City(file, DataFolder(folder / "other"), environ={})
        identity = self.city.identity
        identity.people.add("wang", "default", ["reader"], shown="王工", departments=["urn:x:buses"], password=PASSWORD)
        self.client, secret = identity.clients.add(
            "智城", "default", redirects=[f"{HOME}/oauth/external/keycloak/callback"],
            scopes=("openid", "profile", "groups"), trusted=True,
        )  # fmt: skip
        assert secret is not None
        self.secret = secret
        config = uvicorn.Config(
            application(self.city), "127.0.0.1", self.port, log_config=None, lifespan="on", ws="none"
        )
        self.server = uvicorn.Server(config)

    def toml(self, issuer: str | None = None) -> str:
        return f"""
[server]
public_url = "{HOME}"
[identity.external.keycloak]
label = "统一身份"
issuer = "{issuer or self.address}"
client_id = "{self.client.id}"
secret_env = "{SECRET}"
scopes = ["openid", "profile", "groups"]
role_of = {{ "urn:x:buses" = "operator" }}
departments = {{ "urn:x:buses" = "urn:ngsi-ld:Organization:transport" }}
"""


def _wait(server: uvicorn.Server) -> None:
    while not server.started:
        time.sleep(0.02)


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Other]:
    made = Other(tmp_path)
    thread = threading.Thread(target=made.server.run, daemon=True)
    thread.start()
    await asyncio.to_thread(_wait, made.server)
    yield made
    made.server.should_exit = True
    await asyncio.to_thread(thread.join, 10)


async def through(other: Other, ours: httpx.AsyncClient, after: str = "/map") -> httpx.Response:
    """As a browser goes: to the other provider, sign in there, and back; gives the answer to coming back."""
    sent = await ours.get("/oauth/external/keycloak", params={"next": after})
    assert sent.status_code == 302 and sent.headers["location"].startswith(f"{other.address}/oauth/authorize?")
    async with httpx.AsyncClient(base_url=other.address, headers={"Origin": other.address}) as there:
        signed = await there.post("/api/v1/session", json={"name": "wang", "password": PASSWORD})
        assert signed.status_code == 200
        returned = await there.get(sent.headers["location"])
    return await ours.get(returned.headers["location"])


Start = Callable[..., Awaitable[Client]]


async def test_a_person_of_another_provider_gets_an_account_with_its_roles(
    other: Other, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await start(other.toml(), open_to_all=False, environ={SECRET: other.secret})
    ours = browser(client)
    done = await through(other, ours)
    assert (done.status_code, done.headers["location"]) == (302, "/map")
    person = (await ours.get("/api/v1/session")).json()["person"]
    assert (person["name"], person["shown"], person["external"]) == ("wang", "王工", True)
    assert person["roles"] == ["reader", "operator"] and person["departments"] == ["urn:ngsi-ld:Organization:transport"]
    again = await through(other, browser(client), "//evil.example/")
    assert again.headers["location"] == "/"
    assert len(client.city.identity.people.all()) == 1, "the same person comes back to the same account"


async def test_a_sign_in_that_another_browser_began_is_refused(other: Other, start: Start) -> None:
    client = await start(other.toml(), open_to_all=False, environ={SECRET: other.secret})
    began, victim = browser(client), browser(client)
    sent = await began.get("/oauth/external/keycloak")
    async with httpx.AsyncClient(base_url=other.address, headers={"Origin": other.address}) as there:
        await there.post("/api/v1/session", json={"name": "wang", "password": PASSWORD})
        returned = (await there.get(sent.headers["location"])).headers["location"]
    for who in (victim, began):
        where = urlsplit((await who.get(returned)).headers["location"])
        assert where.path == "/sign-in" and parse_qs(where.query)["error"], "and then it is used up"
    assert (await victim.get("/api/v1/account")).status_code == 401


async def test_a_provider_that_says_it_is_another_is_not_believed(other: Other, start: Start) -> None:
    told = other.toml(issuer=f"http://localhost:{other.port}")
    client = await start(told, open_to_all=False, environ={SECRET: other.secret})
    sent = await browser(client).get("/oauth/external/keycloak")
    assert urlsplit(sent.headers["location"]).path == "/sign-in"


@pytest.mark.parametrize("secret", ["", "changeme", "short"])
async def test_a_default_or_short_secret_is_refused_at_start(other: Other, start: Start, secret: str) -> None:
    with pytest.raises(BadConfiguration, match="secret"):
        await start(other.toml(), open_to_all=False, environ={SECRET: secret})
