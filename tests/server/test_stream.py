"""The live stream over a real connection: what is told is what is there, to whom may see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.parks import ENTITIES, OPERATIONS, PARK, park
from tests.server.streaming import Screen, served, viewer
from zhicheng.kernel import instants
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city
from zhicheng.server.sockets import EXTENSION

KIND = "OffStreetParking"
FREE = {"key": "p", "type": KIND, "attribute": "availableSpotNumber"}


class Served(httpx.AsyncClient):
    """A client of a city that listens."""

    city: City
    port: int


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(text: str = "[server]\nport = 0\n", *, open_to_all: bool = True) -> Served:
            file = parse_city(text, tmp_path / "city.toml", {})
            city = City(file, DataFolder(tmp_path / "data"), open_to_all=open_to_all, environ={})
            port = await stack.enter_async_context(served(city))
            client = await stack.enter_async_context(Served(base_url=f"http://127.0.0.1:{port}"))
            client.city, client.port = city, port
            return client

        yield begin


@pytest.fixture
async def city(start: Start) -> Served:
    client: Served = await start()
    assert (await client.post(ENTITIES, json=park())).status_code == 201
    return client


def place(lon: float, lat: float) -> dict[str, object]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


def position(city: Served) -> int:
    return city.city.home.store.state.position


async def test_what_is_there_then_what_changes(city: Served) -> None:
    async with viewer(city.port) as one:
        await one.watch(FREE)
        screen = await one.up_to(position(city))
        [row] = screen.seen("p").values()
        assert row[:4] == ("Station square", 108.315, 22.829, 121) and row[5] == 0
        assert [message["whole"] for message in screen.messages if message["kind"] == "features"] == [True] * len(
            screen.watched
        )
        screen.messages.clear()
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": 7})
        screen = await one.up_to(position(city))
        assert screen.seen("p")[PARK][3] == 7
        [told] = [message for message in screen.messages if message["kind"] == "features"]
        assert not told["whole"] and told["id"] == [PARK] and told["gone"] == []
        await city.post(ENTITIES, json=park("urn:x:1", free=5))
        assert set((await one.up_to(position(city))).seen("p")) == {PARK, "urn:x:1"}
        await city.delete(f"{ENTITIES}/{PARK}")
        assert set((await one.up_to(position(city))).seen("p")) == {"urn:x:1"}
        assert screen.clock["mode"] == "live" and screen.clock["now"].endswith("Z")


async def test_who_moves_leaves_one_tile_and_is_in_another(city: Served) -> None:
    async with viewer(city.port) as one:
        await one.watch(KIND, box=[108, 22, 109, 23], zoom=12)
        await one.up_to(position(city))
        [before] = [tile for (_, tile), rows in one.screen.tiles.items() if rows]
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"location": place(108.9, 22.1)})
        screen = await one.up_to(position(city))
        [after] = [tile for (_, tile), rows in screen.tiles.items() if rows]
        assert before != after and screen.seen(KIND)[PARK][1:3] == (108.9, 22.1)
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"location": place(10, 50)})
        assert (await one.up_to(position(city))).seen(KIND) == {}


async def test_filters_apply_in_the_stream(city: Served) -> None:
    async with viewer(city.port) as one:
        await one.watch(FREE | {"q": "availableSpotNumber>100"})
        assert set((await one.up_to(position(city))).seen("p")) == {PARK}
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": 99})
        assert set((await one.up_to(position(city))).seen("p")) == set()
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": 101})
        assert set((await one.up_to(position(city))).seen("p")) == {PARK}


async def test_another_watch_replaces_the_one_before(city: Served) -> None:
    await city.post(ENTITIES, json={"id": "urn:x:bin", "type": "Bin", "location": place(108.3, 22.8)})
    async with viewer(city.port) as one:
        await one.watch(KIND)
        await one.up_to(position(city))
        await one.watch("Bin", box=[108, 22, 109, 23], zoom=10)
        one.screen.clock = {}
        screen = await one.up_to(position(city))
        assert all(tile.startswith("10/") for tile in screen.watched) and screen.seen(KIND) == {}
        screen.messages.clear()
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": 1})
        await city.post(f"{ENTITIES}/urn:x:bin/attrs", json={"name": "Corner"})
        await one.up_to(position(city))
        told = [message for message in screen.messages if message["kind"] == "features"]
        assert [message["layer"] for message in told] == ["Bin"] and screen.seen("Bin")["urn:x:bin"][0] == "Corner"


async def test_lines_and_areas_are_told_to_be_fetched(city: Served) -> None:
    line = {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[108, 22], [108.1, 22]]}}
    async with viewer(city.port) as one:
        await one.watch("Road")
        await one.up_to(position(city))
        await city.post(ENTITIES, json={"id": "urn:x:r", "type": "Road", "location": line})
        screen = await one.until(lambda screen: screen.shapes)
        assert screen.shapes == ["Road"] and screen.seen("Road") == {}


async def test_more_points_than_a_tile_takes_come_as_clusters(city: Served) -> None:
    def bins(count: int) -> list[dict[str, object]]:
        return [
            {"id": f"urn:x:{n}", "type": "Bin", "level": n % 7, "location": place(108 + n / 1e4, 22)}
            for n in range(count)
        ]

    for start in range(0, 4100, 1025):
        made = await city.post(f"{OPERATIONS}/create", json=bins(4100)[start : start + 1025])
        assert made.status_code == 201
    async with viewer(city.port) as one:
        await one.watch({"key": "b", "type": "Bin", "attribute": "level"}, zoom=2)
        screen = await one.up_to(position(city))
        [clusters] = screen.clusters.values()
        assert sum(row[0] for row in clusters) == 4100 and 1 <= len(clusters) < 200
        assert all(2 < row[4] < 4 for row in clusters if row[0] > 50)
        await city.post(f"{OPERATIONS}/delete", json=[f"urn:x:{n}" for n in range(10)])
        screen = await one.until(lambda screen: not screen.clusters)
        assert len(screen.seen("b")) == 4090


async def test_the_past_stands_still(city: Served) -> None:
    where = place(108.3, 22.8) | {"observedAt": "2026-11-20T08:00:00Z"}
    await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": reading(12, 12), "location": where})
    async with viewer(city.port) as one:
        for at, free in (("09:30:00Z", 121), ("12:30:00Z", 12), ("07:00:00Z", None)):
            await one.watch(FREE, at="2026-11-20T" + at)
            screen = await one.at("2026-11-20T" + at)
            assert [row[3] for row in screen.seen("p").values()] == ([] if free is None else [free])
            assert screen.clock["mode"] == "past"
        await one.watch(FREE)
        screen = await one.until(lambda screen: screen.clock["mode"] == "live")
        assert [row[3] for row in screen.seen("p").values()] == [12]


async def test_a_replay_goes_through_the_past_and_on_to_now(city: Served) -> None:
    where = place(108.3, 22.8) | {"observedAt": "2026-11-20T08:00:00Z"}
    await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": reading(12, 12), "location": where})
    seen = []
    async with viewer(city.port) as one:
        await one.watch(FREE, at="2026-11-20T07:30:00Z", speed=3600)
        while one.screen.clock.get("now", "") < "2026-11-20T12:00:00Z":
            one.screen.clock = {}
            screen = await one.until(lambda screen: screen.clock.get("mode") == "replay")
            seen.append((screen.clock["now"], [row[3] for row in screen.seen("p").values()]))
        for now, free in seen:
            wanted = [] if now < "2026-11-20T08" else [121] if now < "2026-11-20T12" else [12]
            assert free == wanted, now
        assert seen[0][1] == [] and seen[-1][1] == [12] and len(seen) > 4
        now = instants.format(city.city.now() - instants.SECOND)
        await one.watch(FREE, at=now, speed=4)
        screen = await one.until(lambda screen: screen.clock.get("mode") == "live")
        await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": 3})
        assert (await one.up_to(position(city))).seen("p")[PARK][3] == 3


def reading(hour: int, free: int) -> dict[str, object]:
    return {"type": "Property", "value": free, "observedAt": f"2026-11-20T{hour:02d}:00:00Z"}


async def test_who_comes_back_is_told_what_it_missed(city: Served) -> None:
    await city.post(ENTITIES, json=park("urn:x:1"))
    await city.post(ENTITIES, json=park("urn:x:2"))
    screen = Screen()
    async with viewer(city.port, screen) as one:
        await one.watch(FREE)
        await one.up_to(position(city))
    known = screen.clock["position"]
    assert known == position(city)
    await city.patch(f"{ENTITIES}/urn:x:1/attrs", json={"availableSpotNumber": 3})
    await city.delete(f"{ENTITIES}/urn:x:2")
    screen.messages.clear()
    async with viewer(city.port, screen) as one:
        await one.watch(FREE, since=known)
        await one.up_to(position(city))
    assert {name: row[3] for name, row in screen.seen("p").items()} == {PARK: 121, "urn:x:1": 3}
    told = [message for message in screen.messages if message["kind"] == "features"]
    assert told and not any(message["whole"] for message in told)
    assert sum(len(message["id"]) for message in told) == 1
    async with viewer(city.port, Screen()) as other:
        await other.watch(FREE, since=10**9)
        fresh = await other.up_to(position(city))
        assert fresh.seen("p") == screen.seen("p")


BAD = (
    "", "{", "[]", "null", '{"watch": 1}', '{"watch": {"layers": 1}}', '{"watch": {"layers": [{}]}}',
    '{"watch": {"layers": [], "box": [1, 2, 3]}}', '{"watch": {"layers": [], "zoom": "far"}}',
    '{"watch": {"layers": [], "at": "once"}}', '{"watch": {"layers": [], "since": -1}}',
    '{"watch": {"layers": [], "speed": 1e9}}', '{"watch": {"layers": [{"type": "A", "q": "(("}]}}',
    '{"watch": {"layers": [{"type": "A"}, {"type": "A"}]}}', '{"watch": {"layers": [{"type": 5}]}}', "[" * 5000,
)  # fmt: skip


async def test_garbage_gets_an_error_and_the_connection_stays(city: Served) -> None:
    async with viewer(city.port) as one:
        for count, text in enumerate(BAD, 1):
            await one.connection.send(text)
            screen = await one.refused(count)
            error = screen.errors[-1]
            assert error["status"] == 400 and error["detail"]["en"] and error["detail"]["zh"], text
        await one.watch(FREE)
        assert (await one.up_to(position(city))).seen("p")


async def test_who_floods_or_sends_too_much_is_closed(city: Served) -> None:
    async with viewer(city.port) as one:
        for _ in range(40):
            await one.connection.send("x")
        with pytest.raises(ConnectionClosed) as ended:
            await one.until(lambda _: False)
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 1008
    async with viewer(city.port) as one:
        await one.connection.send("x" * 70_000)
        with pytest.raises(ConnectionClosed) as ended:
            await one.until(lambda _: False)
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 1009


async def test_a_foreign_page_and_a_foreign_name_are_refused(city: Served) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        with pytest.raises(InvalidStatus) as refused:
            async with viewer(city.port, additional_headers=headers):
                pass
        assert refused.value.response.status_code == 403
    async with viewer(city.port, origin=f"http://127.0.0.1:{city.port}") as one:
        await one.watch(FREE)
        await one.up_to(position(city))
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{city.port}/api/v1/state"):
            pass
    assert refused.value.response.status_code == 404


async def test_the_credential_opens_its_tenant_and_no_other(start: Start) -> None:
    city: Served = await start(open_to_all=False)
    accounts = city.city.accounts
    reader, other = accounts.create("r", "default", ["reader"]), accounts.create("o", "lagos", ["writer"])
    feeder = accounts.create("f", "default", ["writer"])
    await city.post(ENTITIES, json=park(), headers={"authorization": f"Bearer {feeder}"})
    wrong: list[dict[str, Any]] = [{}, {"subprotocols": ["zhicheng.v1", "bearer.zc_wrong"]}]
    for options in wrong:
        with pytest.raises(InvalidStatus) as refused:
            async with viewer(city.port, **options):
                pass
        assert refused.value.response.status_code == 401
        assert orjson.loads(refused.value.response.body)["status"] == 401
    async with viewer(city.port, subprotocols=["zhicheng.v1", f"bearer.{reader}"]) as one:
        assert one.connection.subprotocol == "zhicheng.v1"
        await one.watch(FREE)
        assert (await one.up_to(1)).seen("p")
    async with viewer(city.port, additional_headers={"Authorization": f"Bearer {other}"}) as one:
        await one.watch(FREE)
        assert (await one.until(lambda screen: screen.clock)).seen("p") == {}
    assert (await city.get("/api/v1/stream", params={"layers": KIND})).status_code == 401


async def test_server_sent_events_are_the_same_messages(city: Served) -> None:
    screen = Screen()

    async def follow(done: Callable[[], bool], **headers: str) -> str:
        last = ""
        asked = {"layers": KIND, "attributes": "availableSpotNumber", "box": "100,20,110,30", "zoom": "6"}
        async with asyncio.timeout(10), city.stream("GET", "/api/v1/stream", params=asked, headers=headers) as answer:
            assert answer.status_code == 200 and answer.headers["content-type"] == "text/event-stream"
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    screen.take(line[6:])
                last = line[4:] if line.startswith("id: ") else last
                if done():
                    return last
        raise AssertionError(last)

    last = await follow(lambda: screen.clock.get("position") == position(city))
    assert screen.seen(KIND)[PARK][3] == 121
    await city.patch(f"{ENTITIES}/{PARK}/attrs", json={"availableSpotNumber": 8})
    screen.messages.clear()
    await follow(lambda: screen.clock.get("position") == position(city), **{"last-event-id": last})
    assert screen.seen(KIND)[PARK][3] == 8
    assert [one["whole"] for one in screen.messages if one["kind"] == "features" and one["id"]] == [False]
    for bad in ({}, {"layers": KIND, "box": "1,2"}, {"layers": KIND, "zoom": "x"}, {"layers": KIND, "q": "(("}):
        assert (await city.get("/api/v1/stream", params=bad)).status_code == 400
    assert (await city.head("/api/v1/stream", params={"layers": KIND})).status_code == 200


async def test_clients_are_counted_and_let_go(city: Served) -> None:
    async with viewer(city.port) as one:
        await one.watch(FREE)
        await one.up_to(position(city))
        assert 'zhicheng_stream_clients{tenant="default"} 1.0' in (await city.get("/metrics")).text
    for _ in range(50):
        text = (await city.get("/metrics")).text
        if 'zhicheng_stream_clients{tenant="default"} 0.0' in text:
            break
        await asyncio.sleep(0.05)
    assert 'zhicheng_stream_clients{tenant="default"} 0.0' in text
    assert "zhicheng_stream_messages_total" in text


class Stuck:
    """A wire that takes nothing."""

    def __init__(self) -> None:
        self.was_cut = False

    async def write(self, frames: bytes, patience: float) -> None:
        raise TimeoutError

    def cut(self) -> None:
        self.was_cut = True


async def over_asgi(city: Served, extensions: dict[str, object], until: Callable[[dict[str, Any]], bool]) -> list[Any]:
    """A watch under a server that knows only ASGI; what the application sends until the end, or what is waited for."""
    watch = {"watch": {"box": [108, 22, 109, 23], "zoom": 9, "layers": [FREE]}}
    told = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": orjson.dumps(watch).decode()}]
    sent: list[Any] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if told:
            return told.pop(0)
        await gone.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Any) -> None:
        sent.append(message)
        if until(message):
            gone.set()

    scope = {
        "type": "websocket", "path": "/api/v1/stream", "query_string": b"", "headers": [(b"host", b"127.0.0.1")],
        "subprotocols": ["zhicheng.v1"], "extensions": extensions,
    }  # fmt: skip
    async with asyncio.timeout(10):
        await application(city.city)(scope, receive, send)
    return sent


async def test_who_takes_nothing_is_cut_off(city: Served) -> None:
    wire = Stuck()
    sent = await over_asgi(city, {EXTENSION: wire}, lambda _: False)
    assert wire.was_cut and [message["type"] for message in sent] == ["websocket.accept"]


async def test_a_server_that_knows_only_asgi_is_told_message_by_message(city: Served) -> None:
    sent = await over_asgi(city, {}, lambda message: '"clock"' in message.get("text", ""))
    assert sent[0] == {"type": "websocket.accept", "subprotocol": "zhicheng.v1"}
    screen = Screen()
    for message in sent:
        if message["type"] == "websocket.send":
            screen.take(message["text"])
    assert screen.seen("p")[PARK][3] == 121 and screen.clock["position"] == position(city)
