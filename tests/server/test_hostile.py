"""Whatever is sent, no route answers 500: requests made up from the description, and torn ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.interfaces.ngsild.shapes import SCHEMAS
from zhicheng.server.openapi import describe
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city
from zhicheng.server.table import all_routes

BASE = "http://127.0.0.1:8800"


ENDLESS, PATIENCE = "/api/v1/stream", 30.0


async def status_of(client: httpx.AsyncClient, request: httpx.Request) -> int:
    """The status of an answer; none in time is a defect, but for the stream, which answers without an end."""
    endless = request.url.path == ENDLESS
    try:
        async with asyncio.timeout(2 if endless else PATIENCE):
            return (await client.send(request)).status_code
    except TimeoutError:
        return 200 if endless else 500


@pytest.mark.slow
def test_no_made_up_request_is_a_defect() -> None:
    schema = schemathesis.openapi.from_dict(describe(all_routes(), SCHEMAS, "t", "1"))
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        file = parse_city("", Path(folder) / "city.toml", {})
        city = City(file, DataFolder(Path(folder) / "data"), open_to_all=True)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(application(city)), base_url=BASE)
        runner.run(city.start())
        defects: list[tuple[str, str, bytes]] = []
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()

            @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(operation.as_strategy())
            def send(case: Any) -> None:
                made = case.as_transport_kwargs(base_url=BASE)
                headers = {name: str(value).encode() for name, value in (made.get("headers") or {}).items()}
                body = made.get("data") if isinstance(made.get("data"), bytes | str) else None
                request = client.build_request(
                    made["method"],
                    made["url"],
                    params=made.get("params"),
                    headers=headers,
                    json=made.get("json"),
                    content=body,
                )
                if runner.run(status_of(client, request)) == 500:
                    defects.append((request.method, str(request.url), request.content))

            send()
        runner.run(city.stop())
    assert defects == []


@pytest.mark.parametrize("raw", [b"%ff", b"%00", b"a%2Fb", b"%E5%8D%97", b"%", b"..%2f..%2fetc", b"x" * 5000])
@pytest.mark.parametrize(
    "path", [b"/ngsi-ld/v1/entities/", b"/ngsi-ld/v1/types/", b"/api/v1/entities/", b"/static/", b"/tiles/"]
)
async def test_no_made_up_path_is_a_defect(client: httpx.AsyncClient, path: bytes, raw: bytes) -> None:
    answer = await client.get(httpx.URL(BASE).copy_with(raw_path=path + raw))
    assert 400 <= answer.status_code < 500


async def test_a_client_that_goes_away_leaves_nothing(client: httpx.AsyncClient) -> None:
    app = application(client.city)  # type: ignore[attr-defined]  # the fixture's client knows its city
    messages = iter(
        [{"type": "http.request", "body": b'{"id": "urn:x:1"', "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[object] = []

    async def receive() -> object:
        return next(messages)

    async def send(message: dict[str, object]) -> None:
        sent.append(message.get("status"))

    scope = {
        "type": "http", "method": "POST", "path": "/ngsi-ld/v1/entities", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
    }  # fmt: skip
    await app(scope, receive, send)  # type: ignore[arg-type]  # messages as plain dicts
    assert sent[0] == 503
    assert (await client.get("/ngsi-ld/v1/entities", params={"type": "*"})).json() == []
