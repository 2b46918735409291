"""The made-up city as a running platform: its file, its base map, a day behind it, and vehicles that move."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.acceptance.running import Running, running
from tests.web import scene

CITY = """
[city]
name = {{ zh = "示例城市（模拟）", en = "Example city (made up)" }}
time_zone = "Asia/Shanghai"
centre = [108.366, 22.817]
bounds = [108.311, 22.781, 108.421, 22.853]

[feeds.map]
decoder = "basemap"
push = true
{more}
"""
_BATCH = 1000
_JSON = {"content-type": "application/json"}


def send(platform: Running, entities: list[dict[str, Any]]) -> None:
    """Write entities as an application outside would."""
    for start in range(0, len(entities), _BATCH):
        body = orjson.dumps(entities[start : start + _BATCH])
        answer = platform.http.post("/ngsi-ld/v1/entityOperations/upsert?options=update", content=body, headers=_JSON)
        assert answer.status_code in (201, 204), answer.text


@contextmanager
def town(folder: Path, *, base: bool = True, more: str = "") -> Iterator[Running]:
    """The platform with the city's still parts."""
    city = folder / "city.toml"
    city.write_text(CITY.format(more=more), "utf-8")
    with running(city, folder / "data", {}) as platform:
        if base:
            answer = platform.http.post("/api/v1/feeds/map", content=orjson.dumps(scene.basemap()), headers=_JSON)
            assert answer.status_code == 200, answer.text
        send(platform, scene.still_entities(time.time() - 3 * 86_400))
        yield platform


def yesterday(platform: Running, fleet: scene.Fleet, now: float, minutes: int, hours: float) -> None:
    """What was observed in the last hours, every so many minutes: by day more vehicles than by night."""
    for step in range(int(hours * 60 / minutes), 0, -1):
        at = now - step * minutes * 60
        hour = (at / 3600 + 8) % 24
        busy = 0.12 + 0.88 * max(0.0, 1 - abs(hour - 8) / 3, 1 - abs(hour - 18) / 4, 0.55 * (7 < hour < 20))
        send(platform, [*fleet.entities(at, slice(0, int(fleet.count * busy))), *scene.car_parks(at)])


@contextmanager
def moving(platform: Running, fleet: scene.Fleet, every: float = 10.0, parts: int = 10) -> Iterator[None]:
    """While this lasts, each vehicle reports every so many seconds; not all at once."""
    ended = threading.Event()

    def drive() -> None:
        part = 0
        while not ended.wait(max(0.0, every / parts - 0.05)):
            send(platform, fleet.entities(time.time(), slice(part % parts, None, parts)))
            part += 1

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        yield
    finally:
        ended.set()
        driver.join()
