"""A made-up city for the operators' pages: stations, car parks and a river, weeks behind them, and something wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import orjson

CITY = """
[city]
name = {{ zh = "示例城市（模拟）", en = "Example city (made up)" }}
time_zone = "Asia/Shanghai"
centre = [108.366, 22.817]
bounds = [108.311, 22.781, 108.421, 22.853]

[feeds.metro]
url = "http://127.0.0.1:9/positions"
decoder = "gtfs-rt"

[feeds.weather]
decoder = "ngsi-ld"
push = true
{more}
"""
_JSON = {"content-type": "application/json"}
_STEP = 900
_COURSES = {
    # figure: middle, daily swing, noise, phase in hours
    "free_places": (42.0, 18.0, 2.5, 2.0),
    "full_parks": (9.0, 6.0, 1.5, 14.0),
    "air_quality": (62.0, 12.0, 4.0, 9.0),
    "pm25": (34.0, 9.0, 3.0, 9.0),
    "noise": (57.0, 5.0, 0.9, 13.0),
    "loud_places": (8.0, 6.0, 1.5, 13.0),
    "river_level": (68.4, 0.12, 0.05, 6.0),
    "temperature": (17.5, 4.5, 0.8, 14.0),
    "traffic_speed": (33.0, -6.0, 1.2, 13.0),
    "log_rate": (820.0, 260.0, 40.0, 13.0),
    "feeds_current": (99.0, 0.0, 0.6, 0.0),
}
_PARKS = ("火车站", "会展中心", "人民医院", "体育中心", "万象城", "图书馆", "博物馆", "市民中心", "朝阳广场", "动物园")


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def observed(value: object, at: float, unit: str | None = None) -> dict[str, object]:
    return {"type": "Property", "value": value, "observedAt": stamp(at)} | ({"unitCode": unit} if unit else {})


def place(number: int) -> dict[str, object]:
    east, north = (number * 0.61803) % 1, (number * 0.41421) % 1
    spot = [round(108.325 + east * 0.08, 5), round(22.79 + north * 0.055, 5)]
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": spot}}


def entities(now: float) -> Iterator[dict[str, Any]]:
    """How the city is: fine dust is bad at some stations, the rest is as always."""
    draw = np.random.default_rng(7)
    for number in range(60):
        dust = 34 + float(draw.normal(0, 6)) + (330 if number in (3, 11, 17, 23, 31, 42, 50, 57) else 0)
        yield {
            "id": f"urn:ngsi-ld:AirQualityObserved:{number:03}",
            "type": "AirQualityObserved",
            "location": place(number),
            "name": {"type": "Property", "value": f"空气监测点 {number:03}"},
            "pm25": observed(round(dust, 1), now, "GQ"),
            "airQualityIndex": observed(round(50 + dust / 6), now),
            "relativeHumidity": observed(0.7 if number else 71, now),
        }
    for number in range(80):
        yield {
            "id": f"urn:ngsi-ld:NoiseLevelObserved:{number:03}",
            "type": "NoiseLevelObserved",
            "location": place(number + 100),
            "name": {"type": "Property", "value": f"噪声监测点 {number:03}"},
            "LAeq": observed(round(57 + float(draw.normal(0, 6)), 1), now, "2N"),
        }
    for number, name in enumerate(_PARKS * 3):
        total = int(draw.integers(120, 900))
        yield {
            "id": f"urn:ngsi-ld:OffStreetParking:{number:03}",
            "type": "OffStreetParking",
            "location": place(number + 200),
            "name": {"type": "Property", "value": f"{name}{number // 10 + 1}号停车场"},
            "totalSpotNumber": observed(total, now),
            "availableSpotNumber": observed(int(total * draw.uniform(0, 0.7)), now),
        }
    for number in range(6):
        yield {
            "id": f"urn:ngsi-ld:WaterObserved:{number}",
            "type": "WaterObserved",
            "location": place(number + 300),
            "name": {"type": "Property", "value": f"水位站 {number + 1}"},
            "waterLevel": observed(69.3 + number / 50, now, "MTR"),
        }
    yield {
        "id": "urn:ngsi-ld:WeatherObserved:1",
        "type": "WeatherObserved",
        "location": place(400),
        "name": {"type": "Property", "value": "气象站"},
        "temperature": observed(18.6, now, "CEL"),
    }
    yield {
        "id": "urn:ngsi-ld:Alert:rain",
        "type": "Alert",
        "category": {"type": "Property", "value": "weather"},
        "name": {"type": "Property", "value": "暴雨蓝色预警信号（模拟）"},
        "severity": {"type": "Property", "value": "medium"},
        "description": {"type": "Property", "value": "预计未来6小时我市城区将出现50毫米以上降雨。"},
        "dateIssued": {"type": "Property", "value": stamp(now - 2400)},
        "location": place(500),
    }


def figure(name: str, at: float, draw: np.random.Generator) -> float:
    middle, swing, noise, phase = _COURSES[name]
    hour = (at / 3600 + 8) % 24
    value = middle + swing * math.cos((hour - phase) / 24 * 2 * math.pi) + float(draw.normal(0, noise))
    return round(min(value, 100.0) if name == "feeds_current" else max(0.0, value), 2)


def courses(now: float, weeks: int) -> Iterator[dict[str, Any]]:
    """The past of the vital signs, as it would have been derived."""
    draw = np.random.default_rng(8)
    last = int(now) // _STEP * _STEP
    for name in _COURSES:
        past = range(last - weeks * 7 * 86_400, last + 1, _STEP)
        yield {
            "id": f"urn:ngsi-ld:VitalSign:{name}",
            "type": "VitalSign",
            "figure": [observed(figure(name, at, draw), at) for at in past],
        }


def fill(http: httpx.Client, weeks: int = 5) -> None:
    """Put all of it into a platform."""
    now = time.time()
    for entity in courses(now, weeks):
        answer = http.post("/ngsi-ld/v1/temporal/entities", content=orjson.dumps(entity), headers=_JSON, timeout=60)
        assert answer.status_code in (201, 204), answer.text
    refresh(http, now)


def refresh(http: httpx.Client, now: float | None = None) -> None:
    """What is reported anew."""
    body = orjson.dumps([*entities(time.time() if now is None else now)])
    answer = http.post("/ngsi-ld/v1/entityOperations/upsert", content=body, headers=_JSON)
    assert answer.status_code in (200, 201, 204), answer.text
