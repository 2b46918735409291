"""Three subscribers, one dead and one slow, and a platform that is killed: the third is told of everything, at once."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.acceptance.running import Running
from tests.hub.subscriptions.receivers import Receiver, receiving, saying

_CITY = """
[subscriptions]
allow = ["127.0.0.1"]
first_retry = "200 ms"
longest_retry = "1 s"
attempts = 3
queue = 50
"""
_VEHICLES = 20
_RATE = 100.0
_SLOW = 5.0
"""Seconds that the slow one takes: if anyone waited for it, the third would be as late."""


def vehicle(number: int) -> str:
    return f"urn:ngsi-ld:Vehicle:{number % _VEHICLES}"


async def subscribe(http: httpx.AsyncClient, url: str) -> str:
    document = {
        "type": "Subscription",
        "entities": [{"type": "Vehicle"}],
        "watchedAttributes": ["speed"],
        "notification": {"format": "keyValues", "endpoint": {"uri": url}},
    }
    answer = await http.post("/ngsi-ld/v1/subscriptions", json=document)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def drive(http: httpx.AsyncClient, numbers: range, acknowledged: dict[int, float]) -> None:
    """Change a speed so many times a second, each to a number that tells it; notes when each was acknowledged."""
    began = time.monotonic()
    for count, number in enumerate(numbers):
        await asyncio.sleep(max(0.0, began + count / _RATE - time.monotonic()))
        path = f"/ngsi-ld/v1/entities/{vehicle(number)}/attrs/speed"
        try:
            answer = await http.patch(path, json={"value": number})
        except httpx.TransportError:
            return
        assert answer.status_code == 204, answer.text
        acknowledged[number] = time.monotonic()


def arrivals(receiver: Receiver) -> dict[int, float]:
    """When each number came first."""
    found: dict[int, float] = {}
    for one in receiver.seen:
        for entity in one.document["data"]:
            found.setdefault(entity["speed"], one.at)
    return found


async def all_came(receiver: Receiver, numbers: set[int], seconds: float) -> None:
    until = time.monotonic() + seconds
    while missing := numbers - arrivals(receiver).keys():
        assert time.monotonic() < until, f"{len(missing)} of {len(numbers)} are missing, {sorted(missing)[:5]}"
        await asyncio.sleep(0.1)


def dead_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


@pytest.mark.slow
async def test_the_third_is_told_of_everything_at_once(tmp_path: Path) -> None:
    city = tmp_path / "city.toml"
    city.write_text(_CITY, "utf-8")
    acknowledged: dict[int, float] = {}
    async with receiving() as fast, receiving() as slow:
        slow.answer = saying(204, after=_SLOW)
        first = await asyncio.to_thread(Running, city, tmp_path / "data", {})
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{first.port}", timeout=30) as http:
                made: list[dict[str, Any]] = [
                    {"id": vehicle(number), "type": "Vehicle", "speed": {"type": "Property", "value": -1}}
                    for number in range(_VEHICLES)
                ]
                assert (await http.post("/ngsi-ld/v1/entityOperations/create", json=made)).status_code == 201
                dead, _, third = [await subscribe(http, url) for url in (dead_url(), slow.url, fast.url)]
                await drive(http, range(300), acknowledged)
                await all_came(fast, set(acknowledged), 30)
                came = arrivals(fast)
                late = [came[number] - at for number, at in acknowledged.items()]
                assert np.percentile(late, 99) < _SLOW / 3
                await dead_letters_of(http, dead)
                killing = asyncio.create_task(drive(http, range(1000, 2000), acknowledged))
                await asyncio.sleep(2)
                await asyncio.to_thread(first.end, signal.SIGKILL)
                await killing
        finally:
            await asyncio.to_thread(first.close)
        assert max(acknowledged) > 1050
        second = await asyncio.to_thread(Running, city, tmp_path / "data", {})
        try:
            await all_came(fast, set(acknowledged), 30)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{second.port}", timeout=30) as http:
                shown = (await http.get(f"/ngsi-ld/v1/subscriptions/{third}")).json()
                assert shown["notification"]["timesFailed"] == 0
        finally:
            await asyncio.to_thread(second.end, signal.SIGTERM)
    by_id: dict[str, object] = {}
    for one in fast.documents:
        assert by_id.setdefault(one["id"], one["data"]) == one["data"], "a repetition says what was said before"


async def dead_letters_of(http: httpx.AsyncClient, identifier: str) -> None:
    """What nobody took is put aside, and nothing of the queue is lost: it waits in the log."""
    until = time.monotonic() + 30
    while not (found := (await http.get(f"/api/v1/subscriptions/{identifier}/dead-letters")).json()):
        assert time.monotonic() < until
        await asyncio.sleep(0.2)
    assert found[0]["attempts"] == 3 and found[0]["error"]["zh"]
    [state] = [one for one in (await http.get("/api/v1/subscriptions")).json() if one["id"] == identifier]
    assert state["delivery"] == "failed" and state["commitsBehind"] > 100 and state["readingFromLog"]
    assert state["queueLength"] <= 50 + 4
