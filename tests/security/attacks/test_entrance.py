"""Ways into other platforms that were really found, tried on ours; a test's name carries the CVE."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.server.conftest import Client
from tests.server.identity.conftest import BEHIND, HOME, PASSWORD, browser, sign_in
from tests.server.identity.test_openid import App as Program
from zhicheng.hub.audit.journal import Search
from zhicheng.security.actions import PUBLIC
from zhicheng.server.app import App
from zhicheng.server.serve import application
from zhicheng.server.table import all_routes

EVIL = "https://evil.example"
ENTITIES = "/ngsi-ld/v1/entities"
Start = Callable[..., Awaitable[Client]]


async def token_of(city: Client, person: httpx.AsyncClient) -> tuple[Program, str]:
    program = Program(city)
    return program, (await program.tokens(person, "openid city.read"))["access_token"]


async def socket_status(app: App, headers: dict[str, str]) -> int:
    """What a WebSocket with these headers is answered with: 101 or the status of a refusal."""
    sent: list[MutableMapping[str, Any]] = []
    asked = iter([{"type": "websocket.connect"}])

    async def receive() -> MutableMapping[str, Any]:
        return next(asked, {"type": "websocket.disconnect", "code": 1000})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    pairs = [(b"host", b"city.example"), *((name.lower().encode(), text.encode()) for name, text in headers.items())]
    scope = {"type": "websocket", "scheme": "wss", "path": "/api/v1/stream", "query_string": b"", "headers": pairs,
             "client": ("10.0.0.9", 1), "subprotocols": [], "extensions": {"websocket.http.response": {}}}  # fmt: skip
    await app(scope, receive, send)
    return int(sent[0].get("status", 101))


async def test_cve_2023_47628_nothing_of_a_session_is_worth_anything_after_signing_out(closed: Client) -> None:
    clerk = await sign_in(closed, "clerk")
    program, token = await token_of(closed, clerk)
    cookie = "; ".join(f"{name}={value}" for name, value in clerk.cookies.items())
    app = application(closed.city)
    bearing, carrying = {"Authorization": f"Bearer {token}"}, {"Cookie": cookie}
    for headers in (bearing, carrying):
        assert (await closed.get("/api/v1/types", headers=headers)).status_code == 200
        assert await socket_status(app, headers) == 101
    assert (await clerk.delete("/api/v1/session")).status_code == 204
    for headers in (bearing, carrying):
        assert (await closed.get("/api/v1/types", headers=headers)).status_code == 401
        assert await socket_status(app, headers) == 401
    assert (await program.http.get("/oauth/userinfo", headers=bearing)).status_code == 401


async def test_algorithm_confusion_a_token_that_we_did_not_sign_is_none(closed: Client) -> None:
    program, token = await token_of(closed, await sign_in(closed, "clerk"))
    head, body, _ = token.split(".")
    claims = {**jwt.decode(token, options={"verify_signature": False}), "sub": "chief"}
    key = jwt.PyJWKSet.from_dict((await program.http.get("/oauth/jwks")).json())[
        jwt.get_unverified_header(token)["kid"]
    ]
    public = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    header = jwt.get_unverified_header(token)
    forged = [f"{part({**header, 'alg': alg})}.{part(claims)}." for alg in ("none", "None", "NONE", "RS256")]
    for secret in (public, public.strip(), b"", b"secret"):
        text = f"{part({**header, 'alg': 'HS256'})}.{part(claims)}"
        mac = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
        forged.append(f"{text}.{mac}")
    own = {**header, "jwk": {"kty": "oct", "k": "c2VjcmV0"}, "jku": f"{EVIL}/jwks", "x5u": f"{EVIL}/cert"}
    forged += [f"{part(own)}.{part(claims)}.x", f"{head}.{part(claims)}.{token.split('.')[2]}", f"{head}.{body}."]
    for one in forged:
        answer = await closed.get("/api/v1/types", headers={"Authorization": f"Bearer {one}"})
        assert answer.status_code == 401, one


async def test_cve_2023_26462_there_is_no_default_account_secret_or_key(start: Start, tmp_path: Path) -> None:
    one = await start(BEHIND, open_to_all=False, folder=tmp_path / "one")
    two = await start(BEHIND, open_to_all=False, folder=tmp_path / "two")
    for name, password in (("admin", "admin"), ("tenant@thingsboard.org", "tenant"), ("root", ""), ("chief", PASSWORD)):
        wrong = await browser(one).post("/api/v1/session", json={"name": name, "password": password})
        assert wrong.status_code == 401
    keys = [(await browser(city).get("/oauth/jwks")).json()["keys"][0]["n"] for city in (one, two)]
    assert keys[0] != keys[1]
    heads = [city.city.journal.head()["key"] for city in (one, two)]
    assert heads[0] != heads[1]
    token = {"Authorization": "Bearer " + one.city.accounts.create("x", "default", ["admin"])}
    assert (await two.get("/api/v1/types", headers=token)).status_code == 401


async def test_cve_2022_43685_nobody_assigns_themselves_more(closed: Client) -> None:
    clerk, chief = await sign_in(closed, "clerk"), await sign_in(closed, "chief")
    people = closed.city.identity.people
    before = people.get("clerk")
    more = {"id": people.get("chief").id, "roles": ["admin"], "tenant": "lagos", "departments": [], "external": "x"}
    for name, value in more.items():
        answer = await clerk.patch("/api/v1/account", json={"shown": "Li", name: value})
        assert answer.status_code == 400, answer.text
    made = {"name": "new", "roles": ["reader"]}
    for name, value in {"tenant": "lagos", "id": before.id, "password": PASSWORD, "totp": "x", "external": "x"}.items():
        assert (await chief.post("/api/v1/people", json={**made, name: value})).status_code == 400
    wished = {"tenant": "lagos", "password": PASSWORD, "name": "root"}
    for name, value in wished.items():
        assert (await chief.patch(f"/api/v1/people/{before.id}", json={name: value})).status_code == 400
    assert people.get("clerk") == before and people.named("new") is None


async def test_cve_2020_27687_links_and_issuer_never_follow_the_host_header(closed: Client) -> None:
    chief = await sign_in(closed, "chief")
    for number, name in enumerate(("Host", "X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host")):
        value = f"host={EVIL}" if name == "Forwarded" else "evil.example"
        said = {"name": f"new{number}", "roles": ["reader"]}
        answer = await chief.post("/api/v1/people", json=said, headers={name: value})
        assert answer.status_code == 403 or answer.json()["link"].startswith(f"{HOME}/welcome#")
        told = await chief.get("/.well-known/openid-configuration", headers={name: value})
        assert "evil" not in told.text


async def test_cve_2026_41255_no_page_of_another_site_changes_anything(closed: Client) -> None:
    chief = await sign_in(closed, "chief")
    await closed.post("/api/v1/session", json={"name": "x", "password": "y"})  # an anonymous request switches nothing
    del chief.headers["Origin"]
    changing = [one for one in all_routes({}) if one.method not in ("GET", "HEAD") and one.action != PUBLIC]
    assert len(changing) > 50
    for route in changing:
        path = route.path.replace("{", "").replace("}", "")
        for headers in ({}, {"Origin": EVIL}, {"Origin": "null"}, {"Origin": f"{HOME}.evil.example"},
                        {"Origin": HOME, "Sec-Fetch-Site": "cross-site"}):  # fmt: skip
            answer = await chief.request(route.method, path, headers=headers, content=b"{}")
            assert answer.status_code == 403, (route.method, path, headers)


@pytest.mark.parametrize("origin", [EVIL, "null", "https://city.example.evil.example", "http://city.example:1"])
async def test_a_foreign_page_opens_no_websocket(closed: Client, origin: str) -> None:
    clerk = await sign_in(closed, "clerk")
    cookie = "; ".join(f"{name}={value}" for name, value in clerk.cookies.items())
    assert await socket_status(application(closed.city), {"Cookie": cookie, "Origin": origin}) == 403


@pytest.mark.parametrize(
    "target", [EVIL, f"{HOME}@evil.example", f"{HOME}.evil.example", "//evil.example", "javascript:alert(1)"]
)
async def test_cve_2023_41893_a_client_cannot_be_sent_elsewhere(closed: Client, target: str) -> None:
    clerk = await sign_in(closed, "clerk")
    program = Program(closed)
    told = {"response_type": "code", "client_id": program.registered.id, "redirect_uri": target, "scope": "openid"}
    answers = [
        await clerk.get("/oauth/authorize", params=told),
        await clerk.get("/oauth/end-session", params={"post_logout_redirect_uri": target}),
        await clerk.get("/oauth/external/none", params={"next": target}),
    ]
    for answer in answers:
        assert not answer.headers.get("location", "/").startswith(target)
        assert answer.headers.get("location", "/").startswith(("/sign-out?", "/sign-in", "/"))
        assert not answer.headers.get("location", "/").startswith("//")


async def test_cve_2024_27097_no_name_begins_a_line_of_a_log(closed: Client, caplog: pytest.LogCaptureFixture) -> None:
    name = 'x\n{"action":"sign-in","outcome":"allowed","principal":"chief"}\r\n\u2028ok'
    with caplog.at_level(logging.DEBUG):
        await browser(closed).post("/api/v1/session", json={"name": name, "password": PASSWORD})
        await closed.get("/metrics", headers={"Purpose": "a%0Ab", "User-Agent": "x"})
        await closed.get(f"{ENTITIES}/urn:x:a%0Ab")
    found = closed.city.journal.search(Search(limit=100)).found
    assert [one.entry.principal for one in found if one.entry.principal.startswith("x")] == [name]
    assert not [one for one in found if one.entry.principal == "chief"]
    for file in (closed.city.folder.path / "audit").glob("*.log"):
        assert all(line.startswith(b"{") and line.endswith(b"}") for line in file.read_bytes().splitlines())


async def test_cve_2024_41674_no_error_repeats_a_credential(closed: Client) -> None:
    secret = "zc_" + "S3cret" * 7
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": secret},
        {"Cookie": f"__Host-zhicheng={secret}"},
    ):
        for path in ("/api/v1/types", "/oauth/userinfo", "/api/v1/session", "/nowhere"):
            assert secret not in (await closed.get(path, headers=headers)).text
    wrong = await closed.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": secret, "client_id": "x"}
    )
    assert wrong.status_code in (400, 401) and secret not in wrong.text
    link = await closed.post("/api/v1/links/read", json={"link": secret})
    assert link.status_code == 401 and secret not in link.text
    assert secret not in str(closed.city.journal.search(Search(limit=100)).found)


async def test_brute_force_waits_longer_each_time_and_is_in_the_log(closed: Client) -> None:
    attacker = browser(closed)
    answers = [
        await attacker.post("/api/v1/session", json={"name": "chief", "password": f"guess {n} guess"}) for n in range(9)
    ]
    statuses = [one.status_code for one in answers]
    assert statuses[:5] == [401] * 5 and statuses[-1] == 429 and "retry-after" in answers[-1].headers
    right = await attacker.post("/api/v1/session", json={"name": "chief", "password": PASSWORD})
    assert right.status_code == 429
    denied = [
        one for one in closed.city.journal.search(Search(principal="chief")).found if one.entry.outcome == "denied"
    ]
    assert len(denied) == 10


async def test_every_answer_carries_strict_headers(closed: Client) -> None:
    chief = await sign_in(closed, "chief")
    for route in all_routes({}):
        if route.method != "GET" or route.socket is not None or route.path.startswith("/api/v1/rooms"):
            continue
        answer = await chief.get(route.path.replace("{...}", "x").replace("{", "").replace("}", ""))
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff", route.path
        assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "no-referrer", route.path
        assert "default-src 'none'" in headers["content-security-policy"], route.path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], route.path
        assert "'unsafe-eval'" not in headers["content-security-policy"], route.path
        if route.action != PUBLIC:
            assert "public" not in headers["cache-control"], route.path
    assert (await chief.get("/api/v1/account")).headers["cache-control"] == "no-store"
    assert (await chief.get("/api/v1/people")).headers["cache-control"] == "no-store"
