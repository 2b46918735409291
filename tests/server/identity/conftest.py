"""A city with accounts: an administrator and a clerk, and browsers that keep cookies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.server.conftest import Client

HOME = "https://city.example"
BEHIND = f'[server]\npublic_url = "{HOME}"\n'
PASSWORD = "three words of mine"


@pytest.fixture
async def closed(start: Callable[..., Awaitable[Client]]) -> Client:
    """A city that lets nobody in without a credential, with two accounts."""
    client = await start(BEHIND, open_to_all=False)
    people = client.city.identity.people
    people.add("chief", "default", ["admin"], password=PASSWORD)
    people.add("clerk", "default", ["reader"], password=PASSWORD, departments=["urn:ngsi-ld:Organization:transport"])
    return client


def browser(city: Client) -> httpx.AsyncClient:
    """A client with a cookie jar of its own, which sends what a page of the city sends."""
    return httpx.AsyncClient(transport=city._transport, base_url=HOME, headers={"Origin": HOME})


async def sign_in(city: Client, name: str, password: str = PASSWORD, code: str = "") -> httpx.AsyncClient:
    """A browser in which somebody is signed in."""
    made = browser(city)
    answer = await made.post("/api/v1/session", json={"name": name, "password": password, "code": code})
    assert answer.status_code == 200, answer.text
    return made
