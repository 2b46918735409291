"""Every way there is to make the platform connect somewhere, turned inward: by address, redirect and rebound name."""

from __future__ import annotations

import ast
import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import httpx
import orjson
import pytest
from httpcore._backends.anyio import AnyIOStream
from joserfc.jwk import RSAKey

from tests.hub.subscriptions.receivers import Receiver, receiving
from tests.network.server import Server, reply, serving
from tests.server.conftest import Client
from tests.server.identity.conftest import HOME, browser
from zhicheng.sensing.decoders import DECODERS
from zhicheng.server.table import all_routes

Start = Callable[..., Awaitable[Client]]
SOURCES = Path(__file__).resolve().parents[3] / "src" / "zhicheng"
PUBLIC = "93.184.216.34"
SECRET = "a-long-enough-one-7"
INSIDE = ("169.254.169.254", "127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "inside.example")
MAPPING = '{ type = "Bin", id = "urn:x:{a}", attributes = { b = { column = "b", kind = "number" } } }'


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture
def dialled(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to, in a world in which `*.example` is public and served by the test's server,
    with TLS or without; `rebinding*` turn to this machine once they were asked for."""
    asked: list[str] = []
    turning: dict[str, int] = {}
    found = socket.getaddrinfo

    def resolve(host: str, port: Any, *more: Any, **named: Any) -> Any:
        if not str(host).endswith(".example"):
            return found(host, port, *more, **named)
        turning[host] = turning.get(host, 0) + 1
        inside = host == "inside.example" or ("rebinding" in host and turning[host] > 1)
        return found("127.0.0.1" if inside else PUBLIC, port, *more, **named)

    connect = httpcore.AnyIOBackend.connect_tcp

    async def dial(self: httpcore.AnyIOBackend, host: str, port: int, *more: Any) -> httpcore.AsyncNetworkStream:
        asked.append(host)
        if host != PUBLIC:
            raise httpcore.ConnectError("nobody is to come here")
        return await connect(self, "127.0.0.1", server.port, *more)

    async def start_tls(self: httpcore.AsyncNetworkStream, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return self

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(AnyIOStream, "start_tls", start_tls)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", dial)
    return asked


async def until(done: Callable[[], object]) -> None:
    for _ in range(200):
        if done():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("waited in vain")


def feeds(url: str, every: str) -> str:
    """A feed of each kind of decoder that there is; NAME and NUMBER in the URL are the kind's."""
    return "".join(
        f'[feeds.{name}]\ndecoder = "{name}"\nurl = "{url.replace("NAME", name).replace("NUMBER", str(number))}"\n'
        f'interval = "{every}"\n' + (f"mapping = {MAPPING}\n" if "mapping" in one.needs else "")
        for number, (name, one) in enumerate(DECODERS.items())
    )


async def test_ssrf_no_feed_is_redirected_inside(start: Start, server: Server, dialled: list[str]) -> None:
    for number in range(len(DECODERS)):
        location = f"http://{INSIDE[number % len(INSIDE)]}:80/latest/meta-data"
        server.routes[f"/{number}"] = reply(b"", 302, {"Location": location})
    client = await start(feeds("http://feed.example/NUMBER", "1 h"))
    tasks = client.city.feeds.values()
    assert len(tasks) == len(DECODERS) >= len(INSIDE)
    await until(lambda: all(one.health.failed_at for one in tasks))
    assert set(dialled) == {PUBLIC}
    assert {one.health.error_en.partition(", which only")[1] for one in tasks} == {", which only"}


async def test_ssrf_no_feed_follows_a_name_that_turns_inward(start: Start, server: Server, dialled: list[str]) -> None:
    server.routes["/data"] = reply(b"[]", headers={"Connection": "close"})
    client = await start(feeds("http://rebinding-NAME.example/data", "300 ms"))
    await until(lambda: all("loopback" in one.health.error_en for one in client.city.feeds.values()))
    assert set(dialled) == {PUBLIC}


PROVIDER = f"""
[server]
public_url = "{HOME}"
[identity.external.other]
issuer = "ISSUER"
client_id = "zhicheng"
secret_env = "SECRET"
"""
KEYS = reply(orjson.dumps({"keys": [RSAKey.generate_key(2048, private=False).as_dict()]}))


@pytest.mark.parametrize("host", INSIDE)
async def test_ssrf_no_openid_provider_sends_us_inside(
    start: Start, server: Server, dialled: list[str], host: str
) -> None:
    issuer = "https://login.example"
    inside = f"https://{host}/keys"
    said = {"issuer": issuer, "jwks_uri": f"{issuer}/keys", "authorization_endpoint": f"{issuer}/ask",
            "token_endpoint": inside}  # fmt: skip
    city = await start(PROVIDER.replace("ISSUER", issuer), open_to_all=False, environ={"SECRET": SECRET})
    discovery = "/.well-known/openid-configuration"
    for found, keys in (
        (reply(b"", 302, {"Location": inside}), KEYS),
        (reply(orjson.dumps({**said, "jwks_uri": inside})), KEYS),
        (reply(orjson.dumps(said)), reply(b"", 302, {"Location": inside})),
    ):
        server.routes |= {discovery: found, "/keys": keys}
        sent = await browser(city).get("/oauth/external/other")
        assert sent.headers["location"].startswith("/sign-in?")
    server.routes["/keys"] = KEYS
    ours = browser(city)
    sent = await ours.get("/oauth/external/other")
    assert sent.headers["location"].startswith(f"{issuer}/ask?")
    state = httpx.URL(sent.headers["location"]).params["state"]
    back = await ours.get("/oauth/external/other/callback", params={"state": state, "code": "x"})
    assert back.headers["location"].startswith("/sign-in?")
    assert set(dialled) == {PUBLIC}


@pytest.mark.parametrize("name", ["", "jwks_uri", "token_endpoint", "authorization_endpoint"])
async def test_an_https_provider_names_no_place_without_tls(
    start: Start, server: Server, dialled: list[str], name: str
) -> None:
    issuer = "https://login.example"
    said = {"issuer": issuer, "jwks_uri": f"{issuer}/keys", "token_endpoint": f"{issuer}/token",
            "authorization_endpoint": f"{issuer}/ask"}  # fmt: skip
    said |= {name: f"http://login.example/{name}"} if name else {}
    server.routes |= {"/.well-known/openid-configuration": reply(orjson.dumps(said)), "/keys": KEYS}
    city = await start(PROVIDER.replace("ISSUER", issuer), open_to_all=False, environ={"SECRET": SECRET})
    sent = await browser(city).get("/oauth/external/other")
    assert sent.headers["location"].startswith("/sign-in?" if name else f"{issuer}/ask?")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


async def test_ssrf_no_subscription_turns_inward_after_it_was_made(
    start: Start, receiver: Receiver, dialled: list[str]
) -> None:
    city = await start('[subscriptions]\nfirst_retry = "20 ms"\nlongest_retry = "50 ms"\nattempts = 2\n')
    at = "/ngsi-ld/v1/subscriptions"
    endpoint = {"uri": f"http://rebinding.example:{receiver.port}/"}
    told = {"type": "Subscription", "entities": [{"type": "Lot"}], "notification": {"endpoint": endpoint}}
    made = await city.post(at, json=told)
    assert made.status_code == 201, made.text
    own = made.headers["location"]
    lot = {"id": "urn:x:1", "type": "Lot", "free": {"type": "Property", "value": 1}}
    assert (await city.post("/ngsi-ld/v1/entities", json=lot)).status_code == 201
    letters = f"/api/v1/subscriptions/{own.rpartition('/')[2]}/dead-letters"
    for _ in range(200):
        if said := (await city.get(letters)).text.count("loopback"):
            break
        await asyncio.sleep(0.05)
    assert said
    for host in INSIDE:
        turned = {"notification": {"endpoint": {"uri": f"http://{host}:{receiver.port}/"}}}
        answer = await city.patch(own, json=turned)
        assert answer.status_code in (204, 400, 403, 422, 502), answer.text
        await city.patch("/ngsi-ld/v1/entities/urn:x:1/attrs/free", json={"value": len(host)})
    await asyncio.sleep(0.5)
    assert receiver.seen == []


async def test_ssrf_no_parameter_of_any_route_is_an_address_that_is_asked(start: Start, receiver: Receiver) -> None:
    city = await start()
    address = receiver.url
    for route in all_routes({}):
        if route.socket is not None or route.path in ("/api/v1/sandbox",):
            continue
        path = route.path.replace("{", "").replace("}", "").replace("...", "x")
        query = {one.name: address for one in route.parameters if f"{{{one.name}}}" not in route.path}
        schema = route.body.schema if route.body is not None and isinstance(route.body.schema, dict) else {}
        names = [
            *(schema.get("properties") or {}),
            "@context",
            "url",
            "uri",
            "href",
            "image",
            "request_uri",
            "jwks_uri",
        ]
        body = None if route.method in ("GET", "DELETE") else orjson.dumps(dict.fromkeys(names, address))
        media = "application/ld+json" if body and "ngsi-ld" in path else "application/json"
        headers = {"Content-Type": media, "Link": f'<{address}>; rel="http://www.w3.org/ns/json-ld#context"'}
        for asked in (query, {}):
            await city.request(route.method, path, params=asked, content=body, headers=headers)
    await asyncio.sleep(0.3)
    assert receiver.seen == []


GUARDED = {"network/transport.py", "network/fetch.py", "network/wire.py", "server/identity/external.py"}
"""Where connections are made, each to an address that a `Guard` has checked."""
OWN = {"demo/sender.py": "a process beside the platform, which talks to the platform alone"}
OPENING = ("httpx.AsyncClient", "httpx.Client", "httpx.get", "httpx.post", "httpx.stream", "open_connection", "urlopen",
           "create_connection", "HTTPConnection", "AsyncConnectionPool", "sock_connect", "connect_tcp",
           "AsyncHTTPTransport", "open_unix_connection", "create_datagram_endpoint")  # fmt: skip


def test_nothing_else_opens_a_connection() -> None:
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(OPENING)
    }
    assert found == GUARDED | set(OWN)
    for name in ("network/fetch.py", "server/identity/external.py"):
        assert "GuardedTransport(Guard(" in (SOURCES / name).read_text("utf-8")
