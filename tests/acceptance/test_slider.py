"""New York's recorded feeds, played: at 20 random instants the slider shows the vehicles and boards that were live.

The slider asks for (T, now). A screen could only show what had been recorded by T; so a train whose report of before T
came with a later feed may rightly stand further on in the past than it stood on the screen, and for no other reason.
What has no time of its own, such as a name, holds from its recording, which for a recording that is played lies years
after the time it tells of: it is left out here.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.acceptance.running import ROOT, Running, running
from tests.acceptance.subway import FOLDER
from tests.server.streaming import Row, Viewer, viewer

CITY = ROOT / "examples/new-york.toml"
TRAINS = {"key": "trains", "type": "Vehicle", "attribute": "current_status"}
pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)
AT = 4
"""The place in a row of the time of its value."""


@pytest.fixture
def platform(data: Callable[[str], Path], tmp_path: Path) -> Iterator[Running]:
    recorded = data(FOLDER)
    given = {"feeds.timetable.folder": recorded, "feeds.ace.replay": recorded, "feeds.ace.speed": 40}
    with running(CITY, tmp_path / "data", {**given, "storage.seal_rows": 20_000}) as platform:
        yield platform


Panel = dict[str, Any]
Shown = tuple[str, dict[str, Row], Panel, list[Panel]]


async def settled(client: httpx.AsyncClient, one: Viewer, chance: random.Random) -> Shown:
    """The city's now, the screen, a train's panel and a stop's board, once all is shown and nothing comes meanwhile."""
    while True:
        before = (await client.get("/api/v1/state")).json()
        await one.up_to(before["position"])
        trains = one.screen.seen("trains")
        panel = (await client.get(panel_of(chance.choice(sorted(trains))))).json()
        board = await board_of(client, chance)
        after = (await client.get("/api/v1/state")).json()
        if (before["now"], before["position"]) == (after["now"], after["position"]):
            return str(after["now"]), trains, panel, board


async def board_of(client: httpx.AsyncClient, chance: random.Random) -> list[Panel]:
    """The panels of what is expected at a stop."""
    asked = {"type": "ArrivalEstimation", "options": "keyValues", "limit": "100"}
    coming = (await client.get("/ngsi-ld/v1/entities", params=asked)).json()
    if not coming:
        return []
    stop = chance.choice(coming)["hasStop"]
    names = [one["id"] for one in coming if one["hasStop"] == stop][:3]
    return [(await client.get(panel_of(name))).json() for name in names]


async def test_the_slider_shows_what_was_live(platform: Running) -> None:
    chance = random.Random(5)
    recorded: dict[str, tuple[dict[str, Row], Panel, list[Panel]]] = {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{platform.port}", timeout=30) as client:
        async with viewer(platform.port) as one:
            await one.watch(TRAINS, box=[-74.3, 40.4, -73.6, 41.0], zoom=10)
            await one.until(lambda screen: screen.seen("trains"), 60)
            while len(recorded) < 20 and platform.feed("ace")["status"] != "ended":
                now, trains, panel, board = await settled(client, one, chance)
                recorded[now] = trains, panel, board
                await asyncio.sleep(chance.uniform(0.0, 0.4))
                await one.after(now)
        assert len(recorded) == 20
        async with viewer(platform.port) as one:
            same = shown = boards = 0
            for now, (trains, panel, board) in recorded.items():
                await one.watch(TRAINS, box=[-74.3, 40.4, -73.6, 41.0], zoom=10, at=now)
                past = (await one.at(now)).seen("trains")
                for name in {*trains, *past}:
                    if trains.get(name, ())[1:] == past.get(name, ())[1:]:
                        same += 1
                    else:
                        came_late(trains.get(name), past.get(name), now)
                shown += len({*trains, *past})
                found = (await client.get(panel_of(panel["id"]), params={"at": now})).json()
                if trains[panel["id"]][1:] == past[panel["id"]][1:]:
                    assert values(found) == values(panel)
                for live in board:
                    then = await client.get(panel_of(live["id"]), params={"at": now})
                    if then.status_code == 404:
                        await was_expected(client, live)
                    else:
                        boards += expected_alike(values(live), values(then.json()))
    log.info(
        "%d trains at %d instants, %d the same, %d moved by a later feed", shown, len(recorded), same, shown - same
    )
    assert same > 0.8 * shown
    assert boards > 20


def came_late(live: Row | None, past: Row | None, now: str) -> None:
    """The past knows a report of before `now` that is newer than what the screen knew."""
    assert past is not None, "a train that was live is not in the past"
    assert past[AT] <= datetime.fromisoformat(now).timestamp()
    assert live is None or past[AT] > live[AT]


def expected_alike(live: dict[str, Any], past: dict[str, Any]) -> int:
    """How much of an arrival is told in the past as it was; the rest was predicted anew from a feed that came later."""
    for name in live:
        assert past[name] == live[name] or past[name][1] > live[name][1], f"{name}: {live[name]} became {past[name]}"
    return sum(past[name] == live[name] for name in live)


async def was_expected(client: httpx.AsyncClient, live: Panel) -> None:
    """An arrival that a report which came later took away by then: it had been expected, where it was."""
    told = values(live)
    began = min(str(at) for _, at in told.values())
    found = values((await client.get(panel_of(live["id"]), params={"at": began})).json())
    assert found["hasStop"] == told["hasStop"]


def panel_of(name: str) -> str:
    return f"/api/v1/entities/{quote(name, safe='')}"


def values(panel: Panel) -> dict[str, tuple[object, str]]:
    """What an entity's panel tells, of what has a time."""
    told = (one for one in panel["attributes"] if one["observed_at"] is not None)
    return {one["name"]: (one["value"], one["observed_at"]) for one in told}
