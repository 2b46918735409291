"""Applications far behind: they take turns, rest, tell how far they are, and end when told to."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.server.conftest import Start
from tests.server.test_apps import PARK, appears
from zhicheng.compute.figures import Explained
from zhicheng.server import apps
from zhicheng.server.portals.apps import backlog


def explained(*, rows: int, left: int, cpu: float) -> Explained:
    return Explained(0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, cpu, 0, rows, left)


async def test_one_step_at_a_time_and_a_rest_as_long_as_it_worked() -> None:
    siding, at_work, most = apps.Siding(), 0, 0

    async def step() -> tuple[int, float]:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.01)
        at_work -= 1
        return 1, 0.05

    began = time.monotonic()
    assert await asyncio.gather(*(siding.step(step) for _ in range(4))) == [1] * 4
    assert most == 1 and time.monotonic() - began > 4 * 0.06 and siding.waiting == 0


async def test_a_step_that_fails_leaves_the_siding_to_others() -> None:
    siding = apps.Siding()

    async def fails() -> tuple[int, float]:
        raise ValueError

    async def works() -> tuple[int, float]:
        return 7, 0.0

    with pytest.raises(ValueError):
        await siding.step(fails)
    assert await asyncio.wait_for(siding.step(works), 1) == 7


async def test_what_is_behind_is_worked_off_and_then_said_no_more(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[bool] = []
    monkeypatch.setattr(apps, "BACKLOG", 0)
    monkeypatch.setattr("zhicheng.server.memory.give_back", lambda: given_back.append(True))
    client = await start()
    assert (await client.post("/ngsi-ld/v1/entities", json=PARK)).status_code == 201
    assert await appears(client, str(PARK["id"]), "occupancy") == pytest.approx(0.6)
    for _ in range(100):
        found = {app["name"]: app for app in (await client.get("/api/v1/apps")).json()}["parking"]
        if found["backlog"] is None and given_back:
            break
        await asyncio.sleep(0.05)
    assert found["backlog"] is None and given_back


def test_the_rest_takes_as_long_as_half_a_core_shared_by_all_does() -> None:
    told = backlog(explained(rows=1000, left=750, cpu=10.0), 3)
    assert told == {"rows": 1000, "rows_left": 750, "done": 0.25, "left_s": 180}
    assert backlog(explained(rows=1000, left=1000, cpu=0.0), 1)["left_s"] is None
