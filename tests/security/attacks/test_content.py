"""What outsiders send - names, queries, addresses, bodies, paths - tried as a weapon; a test's name carries the CVE."""

from __future__ import annotations

import asyncio
import gzip
import socket
from urllib.parse import quote

import httpx
import pytest

from tests.server.conftest import Client
from zhicheng.server.table import all_routes

ENTITIES = "/ngsi-ld/v1/entities"
ONE = "urn:ngsi-ld:Lot:1"
SCRIPT = '<svg onload=alert(1)><script>alert("xss")</script>'
INSIDE = (
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/",
    "http://0x7f000001/", "http://2130706433/", "http://127.1/", "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://10.0.0.1/", "http://[fe80::1]/", "file:///etc/passwd", "gopher://127.0.0.1/",
)  # fmt: skip


@pytest.fixture
async def client(start: object) -> Client:
    """An open city."""
    made: Client = await start()  # type: ignore[operator]  # the fixture is a function
    return made


@pytest.mark.parametrize("address", INSIDE)
async def test_cve_2024_43371_2024_29198_no_text_that_is_sent_makes_us_connect(
    client: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    called: list[object] = []

    async def connect(self: object, sock: object, target: object) -> None:
        called.append(target)
        raise OSError

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", connect)
    monkeypatch.setattr(socket.socket, "connect", lambda self, target: called.append(target))
    entity = {"id": ONE, "type": "Lot", "picture": {"type": "Property", "value": address}}
    link = f'<{address}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    ld = "application/ld+json"
    notified = {"type": "Subscription", "entities": [{"type": "Lot"}], "notification": {"endpoint": {"uri": address}}}
    await client.post(ENTITIES, json={**entity, "@context": address}, headers={"Content-Type": ld})
    await client.post(ENTITIES, json=entity, headers={"Link": link})
    await client.get(ENTITIES, params={"type": "Lot"}, headers={"Link": link})
    await client.post("/ngsi-ld/v1/jsonldContexts", json={"@context": address}, headers={"Content-Type": ld})
    await client.post("/ngsi-ld/v1/subscriptions", json=notified)
    await client.patch(f"{ENTITIES}/{ONE}", json={"picture": {"type": "Property", "value": address + "x"}})
    await asyncio.sleep(0.3)
    assert called == []


async def test_cve_2025_62172_2025_34281_no_text_of_a_device_comes_back_as_markup(client: Client) -> None:
    value = {"type": "Property", "value": SCRIPT}
    kind = "<b>Lot</b>"
    for one in (
        {"id": ONE, "type": "Lot", "name": value, "icon": value, "<img src=x>": value},
        {"id": "urn:x:2", "type": kind},
    ):
        await client.post(ENTITIES, json=one)
    paths = [
        one.path for one in all_routes({}) if one.method == "GET" and one.action != "public" and one.socket is None
    ]
    assert len(paths) > 40
    for path in paths:
        for identifier in (ONE, SCRIPT):
            made = path.replace("{id}", quote(identifier, safe="")).replace("{type}", "Lot").replace("{...}", "x")
            made = made.replace("{", "").replace("}", "")
            answer = await client.get(made, params={} if path in ("/api/v1/stream",) else None)
            media = answer.headers.get("content-type", "")
            assert not media.startswith(("text/html", "image/svg", "application/xhtml", "text/xml")), made
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "script-src" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('id')", "exec(java.lang.Runtime.getRuntime(),'id')", "${7*7}", "{{7*7}}", "#{7*7}",
     "a==1;DROP TABLE entities--", "a=='x' OR 1=1", "a' UNION SELECT digest FROM tokens--",
     "*[name()='x']", "a~=(a+)+$"],
)  # fmt: skip
async def test_cve_2024_36401_no_name_or_query_is_evaluated(client: Client, text: str) -> None:
    await client.post(
        ENTITIES, json={"id": ONE, "type": "Lot", "a": {"type": "Property", "value": "aaaaaaaaaaaaaaaaaaaaaaaa!"}}
    )
    for name in ("q", "attrs", "type", "orderBy", "geoproperty", "scopeQ", "pick", "idPattern", "csf", "lang"):
        query = {"type": "Lot", name: text}
        for path in (ENTITIES, "/ngsi-ld/v1/temporal/entities"):
            answer = await asyncio.wait_for(client.get(path, params=query), 5)
            assert answer.status_code < 500 or answer.status_code == 501, answer.text
            assert "uid=" not in answer.text and "49" not in answer.text.replace(quote(text), "")
    for path, name in (("/api/v1/search", "q"), ("/api/v1/search", "text"), ("/api/v1/basemap/places", "q")):
        assert (await client.get(path, params={name: text})).status_code < 500


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2f..%2fetc%2fpasswd", "../../../../etc/passwd", "%2e%2e/%2e%2e/city.toml", "..%5c..%5cetc",
     "%00/etc/passwd",
     "....//....//etc/passwd", "/etc/passwd", "%2fetc%2fpasswd", "..;/..;/etc/passwd",
     "control.db", "../control.db", "audit.key"],
)  # fmt: skip
@pytest.mark.parametrize(
    "root", ["/static/", "/api/v1/docs/pages/", "/api/v1/docs/files/", "/api/v1/docs/sources/", "/docs/"]
)
async def test_cve_2026_64825_no_path_leaves_its_folder(client: Client, root: str, name: str) -> None:
    answer = await client.get(httpx.URL("http://127.0.0.1:8800").copy_with(raw_path=(root + name).encode()))
    assert answer.status_code < 500
    assert b"root:" not in answer.content and b"SQLite" not in answer.content[:20]
    assert answer.status_code >= 400 or answer.headers["content-type"].startswith("text/html")


HUGE = [
    b"[" * 100_000, b'{"a":' * 50_000, b"[" * 100_000 + b"]" * 100_000, b"1" * 100_000, b"1e999999", b"-1e999999",
    b'{"id":"urn:x:1","type":"A","v":{"type":"Property","value":1e400}}', b'{"id": ' + b"9" * 5_000 + b"}",
    b"\xff\xfe{}",
    b'{"id":"urn:x:1","type":"A","\\ud800":1}', b'{"id":"urn:x:1","id":"urn:x:2","type":"A"}',
    gzip.compress(b"0" * 50_000_000),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(HUGE)))
async def test_no_body_costs_more_than_it_weighs_or_is_a_defect(client: Client, number: int) -> None:
    posted = [one for one in all_routes({}) if one.method == "POST" and one.action != "public"]
    for route in posted:
        path = route.path.replace("{", "").replace("}", "")
        media = route.body.media[0] if route.body is not None else "application/json"
        for headers in ({}, {"Content-Encoding": "gzip"}):
            answer = await client.post(path, content=HUGE[number], headers={"Content-Type": media, **headers})
            assert answer.status_code < 500 or answer.status_code in (501, 503), (path, answer.text)


async def test_no_header_or_query_is_a_defect(client: Client) -> None:
    many = {f"X-{number}": "x" * 100 for number in range(500)}
    assert (await client.get(ENTITIES, params={"type": "Lot"}, headers=many)).status_code == 200
    for name in (
        "Accept",
        "Accept-Language",
        "Authorization",
        "Cookie",
        "Link",
        "NGSILD-Tenant",
        "Purpose",
        "If-None-Match",
    ):
        for value in ("x" * 50_000, "\xff" * 100, ";" * 10_000, "," * 10_000, "q=" * 5_000, '"' * 1001):
            answer = await client.get(
                ENTITIES, params={"type": "Lot"}, headers=[(name.encode(), value.encode("latin-1"))]
            )
            assert answer.status_code < 500, (name, value[:10])
    for query in (
        b"&" * 50_000,
        b"a=1&" * 10_000,
        b"type=" + b"x," * 20_000,
        b"limit=" + b"9" * 9_000,
        b"q=" + b"(" * 20_000,
    ):
        answer = await client.get(httpx.URL(f"http://127.0.0.1:8800{ENTITIES}").copy_with(query=query))
        assert 400 <= answer.status_code < 500, query[:20]
