"""The law of the stream: what a client folds is the live table, whatever is committed, however slow it is, however
often it comes back; and the past shows what was live.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from tests.server.streaming import WORLD, Row, Screen, served, viewer
from zhicheng.kernel import instants
from zhicheng.kernel.instants import SECOND
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.settings import parse_city
from zhicheng.server.stream import messages
from zhicheng.server.stream.client import Client
from zhicheng.server.stream.live import Live
from zhicheng.server.stream.watch import parse
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.live import State
from zhicheng.storage.log import Commit

NAMES = [f"urn:x:{n}" for n in range(40)]
BUS = {"key": "bus", "type": "Bus", "attribute": "speed"}
FAST = {"key": "fast", "type": "Bus", "attribute": "speed", "q": "speed>50"}


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[tuple[City, int]]:
    file = parse_city("[server]\nport = 0\n", tmp_path / "city.toml", {})
    city = City(file, DataFolder(tmp_path / "data"), open_to_all=True, environ={})
    async with served(city) as port:
        yield city, port


class Traffic:
    """Random commits: buses come, move, report and go."""

    def __init__(self, city: City, seed: int) -> None:
        self.store = city.home.store
        self.draw = random.Random(seed)
        expand = city.home.contexts.default.expand
        self.kind, self.speed, self.place = expand("Bus"), expand("speed"), expand("location")
        self.name = expand("name")

    def commit(self) -> None:
        rows = ChangesBuilder()
        now = instants.system_clock()
        for name in self.draw.sample(NAMES, self.draw.randint(1, 6)):
            alive = self.store.state.find(name) is not None
            if alive and self.draw.random() < 0.1:
                add_life(rows, name, Act.REMOVE)
                continue
            if not alive:
                add_life(rows, name)
                add_types(rows, name, (self.kind,))
            late = self.draw.choice([0, 0, 0, 2, 30]) * SECOND
            if not alive or self.draw.random() < 0.7:
                lon, lat = self.draw.uniform(-170, 170), self.draw.uniform(-80, 80)
                text = f'{{"type":"Point","coordinates":[{lon:.5f},{lat:.5f}]}}'
                rows.add(name, self.place, kind=Kind.GEO, form=Form.JSON, text=text, observed_at=now - late)
            if self.draw.random() < 0.7:
                number = float(self.draw.randint(0, 100))
                rows.add(name, self.speed, form=Form.NUMBER, number=number, observed_at=now - late)
            elif self.draw.random() < 0.2 and alive:
                rows.add(name, self.speed, act=Act.REMOVE)
            if self.draw.random() < 0.1:
                rows.add(name, self.name, act=Act.SET, form=Form.TEXT, text=self.draw.choice(["一路", "B2", "x"]))
        if len(rows):
            self.store.commit(Commit(rows.build(), "tester", "test"))


def table_of(state: State, traffic: Traffic, least: float = -1.0) -> dict[str, Row]:
    """What the live table holds, cell by cell: label, lon, lat, value, at, stale."""
    found: dict[str, Row] = {}
    with state.lock:
        for table in state.tables_of([traffic.kind]):
            for row in np.flatnonzero(table.alive).tolist():
                name = table.directory.ids[table.entity[row]]
                place, speed = table.columns[traffic.place, None], table.columns.get((traffic.speed, None))
                label = table.columns.get((traffic.name, None))
                told = speed if speed is not None and speed.form[row] else place
                value = float(speed.number[row]) if speed is not None and speed.form[row] else None
                if least < 0 or (value is not None and value > least):
                    assert place.boxes is not None
                    found[name] = (
                        label.text_at("text", row) if label is not None and label.form[row] else None,
                        place.boxes[row][0], place.boxes[row][1], value, int(told.observed_at[row]) // SECOND, 0,
                    )  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_what_a_client_folds_is_the_live_table_at_every_position(city: tuple[City, int], seed: int) -> None:
    at_work, port = city
    traffic = Traffic(at_work, seed)
    screen, known = Screen(), None
    for turn in range(4):
        async with viewer(port, screen) as one:
            await one.watch(BUS, FAST, zoom=turn % 2 + 2, since=known if turn == 1 else None)
            for _ in range(4):
                for _ in range(traffic.draw.randint(1, 5)):
                    traffic.commit()
                await one.up_to(traffic.store.state.position)
                assert screen.seen("bus") == table_of(traffic.store.state, traffic)
                assert screen.seen("fast") == table_of(traffic.store.state, traffic, 50.0)
            known = screen.clock["position"]
        traffic.commit()
        screen = screen if turn == 0 else Screen()


async def test_who_comes_back_with_a_position_folds_on(city: tuple[City, int]) -> None:
    at_work, port = city
    traffic = Traffic(at_work, 11)
    screen = Screen()
    since = None
    for _ in range(8):
        async with viewer(port, screen) as one:
            await one.watch(BUS, FAST, since=since)
            screen.clock = {}
            traffic.commit()
            await one.up_to(traffic.store.state.position)
            assert screen.seen("bus") == table_of(traffic.store.state, traffic)
            assert screen.seen("fast") == table_of(traffic.store.state, traffic, 50.0)
            since = screen.clock["position"]
        for _ in range(3):
            traffic.commit()
    assert sum(message["whole"] for message in screen.messages if message["kind"] == "features") <= 2 * 16


async def test_a_slow_client_gets_the_newest_state_and_no_backlog(city: tuple[City, int]) -> None:
    """Its connection takes one write now and then; what waits for it never grows beyond one message a place."""
    at_work, _ = city
    traffic = Traffic(at_work, 5)
    traffic.commit()
    space = at_work.home
    live = Live(space.models, space.store, at_work.now, frozenset, at_work.telemetry)
    live.position = space.store.state.position
    screen, gate = Screen(), asyncio.Semaphore(0)

    async def write(data: bytes) -> None:
        await gate.acquire()
        for text in data.splitlines():
            screen.take(text)

    client = Client(messages.line, write)
    layers: list[dict[str, Any]] = [BUS, FAST]
    asked = {"watch": {"box": WORLD, "zoom": 2, "layers": layers}}
    watch = parse(orjson.dumps(asked), space.contexts.default)
    await live.open(watch.layers.values())
    client.look_at(live, watch)
    sender = asyncio.create_task(client.run())
    places = len(watch.tiles) * len(layers)
    for number in range(60):
        traffic.commit()
        await live.round()
        await asyncio.sleep(0)
        assert client.waiting <= places
        if number % 20 == 19:
            gate.release()
            await asyncio.sleep(0.01)
    assert client.dropped > 60
    for _ in range(5):
        gate.release()
    await asyncio.sleep(0.05)
    assert client.waiting == 0 and screen.seen("bus") == table_of(traffic.store.state, traffic)
    assert len(screen.messages) < 60 * places / 4
    sender.cancel()


async def test_the_slider_shows_at_random_instants_what_was_live_then(city: tuple[City, int]) -> None:
    """What the stream showed live, at 20 instants, is what `at` gives afterwards: as_of(T, now).

    Readings that come late may rightly differ: the past shows them at their time, the screen could not. Here
    everything comes in time.
    """
    at_work, port = city
    traffic = Traffic(at_work, 3)
    traffic.draw.choice = lambda options: options[0]  # type: ignore[method-assign,assignment]  # nothing comes late
    recorded: list[tuple[int, dict[str, Row], dict[str, Row]]] = []
    async with viewer(port) as one:
        await one.watch(BUS, FAST)
        while len(recorded) < 20:
            for _ in range(traffic.draw.randint(1, 4)):
                traffic.commit()
            await one.up_to(traffic.store.state.position)
            recorded.append((instants.system_clock(), one.screen.seen("bus"), one.screen.seen("fast")))
            await asyncio.sleep(traffic.draw.random() / 50)
        for instant, buses, fast in random.Random(1).sample(recorded, 20):
            await one.watch(BUS, FAST, at=instants.format(instant))
            screen = await one.at(instants.format(instant))
            assert screen.seen("bus") == buses and screen.seen("fast") == fast
