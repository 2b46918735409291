"""The live reference model: what it shows is so, and what stops is seen to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Client
from zhicheng.server import documentation
from zhicheng.server.reference import seeds
from zhicheng.server.reference.blocks import BLOCKS, block_of

Start = Callable[..., Awaitable[Client]]


def entity(number: int, level: float) -> dict[str, object]:
    value = {"type": "Property", "value": level}
    return {"id": f"urn:ngsi-ld:WasteContainer:{number}", "type": "WasteContainer", "fillingLevel": value}


async def block(client: Client, name: str) -> dict[str, Any]:
    blocks = (await client.get("/api/v1/reference")).json()["blocks"]
    return next(one for one in blocks if one["id"] == name)


async def test_every_block_tells_what_runs_and_leads_on(start: Start) -> None:
    client = await start('[feeds.bins]\ndecoder = "ngsi-ld"\npush = true\n')
    await client.post("/api/v1/feeds/bins", json=[entity(1, 0.5)])
    model = (await client.get("/api/v1/reference")).json()
    assert [one["id"] for one in model["blocks"]] == ["L1", "L2", "L3", "L4", "L5", "S1", "S2", "S3"]
    for one in model["blocks"]:
        assert one["label_zh"] and one["label_en"] and one["words"] and one["figures"] and one["docs"], one["id"]
        assert one["state"] in ("ok", "attention", "fault", "idle")
        assert one["interfaces"] and all(link["link"].startswith("/") for link in one["interfaces"])
        for document in one["docs"]:
            assert (await client.get(f"/api/v1/docs/pages/{document['name']}")).status_code == 200
        for part in one["parts"]:
            assert part["label_zh"] and part["label_en"] and part["kind_zh"] and part["kind_en"], part
            assert part["state"] in ("ok", "idle") or part["note"], part
    assert {part["key"] for part in model["blocks"][4]["parts"]} == {f"app:{name}" for name in client.city.apps}
    figures = {one["label_en"]: one["value"] for one in model["blocks"][2]["figures"]}
    assert figures["Entities"] == 1 and figures["Position of the log"] == client.city.home.store.state.position


async def test_a_feed_that_falls_silent_turns_its_block_within_thirty_seconds(start: Start) -> None:
    """Its source is pushed once a second and then stops; nothing in the city's file says when it is late."""
    client = await start('[feeds.bins]\ndecoder = "ngsi-ld"\npush = true\n')
    for number in range(8):
        await client.post("/api/v1/feeds/bins", json=[entity(1, number / 10)])
        await asyncio.sleep(0.2)
    assert (await block(client, "L1"))["state"] == "ok"
    began = time.monotonic()
    for _ in range(60):
        if (await block(client, "L1"))["state"] != "ok":
            break
        await asyncio.sleep(0.5)
    turned = await block(client, "L1")
    assert turned["state"] == "attention" and turned["attention"] == 1
    assert time.monotonic() - began < 30
    [part] = turned["parts"]
    assert "没有新数据" in part["note"]["zh"] and "Nothing new" in part["note"]["en"]
    await client.post("/api/v1/feeds/bins", json=[entity(1, 0.99)])
    assert (await block(client, "L1"))["state"] == "ok"


async def test_a_feed_whose_task_ends_and_one_that_fails_turn_it_at_once(start: Start, tmp_path: Path) -> None:
    client = await start(
        '[feeds.bins]\ndecoder = "ngsi-ld"\npush = true\n'
        '[feeds.gone]\ndecoder = "ngsi-ld"\nurl = "http://127.0.0.1:9/nothing"\ninterval = "1 s"\n'
    )
    for task in client.city._tasks:
        if task.get_name() == "feed:bins":
            task.cancel()
    await asyncio.sleep(0.3)
    turned = await block(client, "L1")
    states = {part["key"]: part for part in turned["parts"]}
    assert turned["state"] == "fault" and states["feed:bins"]["state"] == "fault"
    assert states["feed:gone"]["state"] == "fault" and states["feed:gone"]["note"]["zh"]


async def test_the_coverage_table_is_that_of_the_documents(start: Start) -> None:
    client = await start()
    model = (await client.get("/api/v1/reference")).json()
    assert [one["id"] for one in model["systems"]] == [one.id for one in seeds.systems()]
    assert sum(model["states"].values()) == len(model["systems"]) > 100
    for one in model["systems"]:
        assert one["zh"] and one["en"] and one["words"], one["id"]
        assert one["state"] == "planned" or one["test"], one["id"]
    listed = [id_ for block_ in model["blocks"] for ids in block_["systems"].values() for id_ in ids]
    assert sorted(listed) == sorted(one["id"] for one in model["systems"])


def test_every_system_that_a_block_names_exists() -> None:
    known = {one.id for one in seeds.systems()}
    named = [one for block_ in BLOCKS for one in block_.systems]
    assert set(named) <= known and len(named) == len(set(named))
    assert {block_of(one) for one in known} == {block_.id for block_ in BLOCKS}


async def test_documents_are_pages_and_nothing_in_them_is_markup(start: Start) -> None:
    client = await start(open_to_all=False)
    listed = (await client.get("/api/v1/docs")).json()
    assert {one["name"] for one in listed} >= {"architecture", "sql", "adr/0001-one-log"}
    for one in listed:
        answer = await client.get(f"/api/v1/docs/pages/{one['name']}")
        assert answer.status_code == 200 and "<script" not in answer.json()["html"], one
    page = (await client.get("/api/v1/docs/pages/sql")).json()
    assert 'href="/docs/storage"' in page["html"] and page["headings"][0]["level"] == 1
    test = await client.get("/api/v1/docs/sources/tests/server/test_reference.py")
    assert "nothing_in_them_is_markup" in test.json()["text"]
    for bad in (
        "pages/../seeds",
        "pages/nothing",
        "files/../pyproject.toml",
        "files/seeds",
        "sources/src/zhicheng/py.typed",
        "sources/tests/../pyproject.toml",
        "sources/tests/%2e%2e/pyproject.toml",
        "pages/%00",
        "files/sql.md",
    ):
        assert (await client.get(f"/api/v1/docs/{bad}")).status_code == 404, bad
    picture = await client.get("/api/v1/docs/files/images/map.png")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
        ("[a](data:text/html,x)", "[a](data:text/html,x)"),
        ("![a](http://elsewhere/x.png)", '<img src="http://elsewhere/x.png" alt="a" />'),
        ("[a](../CHANGELOG.md)", '<a href="/docs/sources%2FCHANGELOG.md">a</a>'),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
    ],
)
def test_markdown_is_safe(text: str, made: str) -> None:
    assert documentation.rendered(text, "page")[0].strip() == f"<p>{made}</p>"
