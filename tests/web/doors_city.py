"""A small made-up city that always looks the same: three lines with vehicles on their way, car parks with a past, air,
weather, a notice and a base map. For the tests that look at every page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.acceptance.running import Running, running
from tests.standards.gtfs.timetables import zipped
from tests.web import operations_city, scene
from tests.web.operations_city import observed, stamp

CITY = """
[city]
name = { zh = "示例城市（模拟）", en = "Example city (made up)" }
time_zone = "Asia/Shanghai"
centre = [108.366, 22.817]
bounds = [108.311, 22.781, 108.421, 22.853]

[feeds.map]
decoder = "basemap"
push = true

[feeds.timetable]
decoder = "gtfs"
push = true
network = "nn"

[feeds.city]
decoder = "ngsi-ld"
push = true
simulated = true
"""
STOPS = (
    "市民中心", "南湖公园北门", "朝阳广场", "人民医院", "图书馆",
    "火车站", "体育中心", "江滨小学", "民族影城", "会展中心",
)  # fmt: skip
LINES = (("2路", "1B7F5C", range(10)), ("7路", "C8102E", (3, 1, 0, 5, 8)), ("12路", "0057B8", (9, 2, 1, 4)))
STOP = "urn:ngsi-ld:GtfsStop:nn:1"
LINE = "urn:ngsi-ld:GtfsRoute:nn:0"
PARK = "urn:ngsi-ld:OffStreetParking:000"
_MINUTES = ((1.2, 9.5, 19), (4.3, 16), (7.1, 22))
"""Line by line: in how many minutes its vehicles come to their first stop ahead."""


def place(stop: int) -> tuple[float, float]:
    return round(108.358 + 0.0021 * stop, 6), round(22.811 + 0.0017 * (stop * 3 % 7), 6)


def timetable() -> bytes:
    """Each line there and back, now and then."""
    rows = [(line, way) for line in range(len(LINES)) for way in (0, 1)]
    order = {(line, way): list(LINES[line][2])[:: -1 if way else 1] for line, way in rows}
    stops = [f"{n},{n + 1000},{name},{place(n)[1]},{place(n)[0]}" for n, name in enumerate(STOPS)]
    times = [
        f"t{line}{way},12:{at * 3:02}:00,12:{at * 3:02}:00,{stop},{at}"
        for line, way in rows
        for at, stop in enumerate(order[line, way])
    ]
    return zipped(
        agency="agency_name,agency_url,agency_timezone\n示例公交,https://bus.example,Asia/Shanghai\n",
        stops="\n".join(["stop_id,stop_code,stop_name,stop_lat,stop_lon", *stops]) + "\n",
        routes="route_id,route_short_name,route_long_name,route_type,route_color\n"
        + "".join(f"{n},{name},,3,{colour}\n" for n, (name, colour, _) in enumerate(LINES)),
        trips="route_id,service_id,trip_id,trip_headsign\n"
        + "".join(f"{line},week,t{line}{way},{STOPS[order[line, way][-1]]}\n" for line, way in rows),
        stop_times="\n".join(["trip_id,arrival_time,departure_time,stop_id,stop_sequence", *times]) + "\n",
        shapes=None,
    )


def to(urn: str) -> dict[str, object]:
    return {"type": "Relationship", "object": urn}


def buses(now: float) -> Iterator[dict[str, Any]]:
    """Vehicles on their way, and when they come to the stops ahead of them."""
    for line, minutes in enumerate(_MINUTES):
        stops = list(LINES[line][2])
        for turn, soon in enumerate(minutes):
            first = max(0, 2 - turn)
            name = f"{line}{turn}"
            yield {
                "id": f"urn:ngsi-ld:Vehicle:nn:{name}",
                "type": "Vehicle",
                "name": {"type": "Property", "value": f"公交10{name}"},
                "hasRoute": to(f"urn:ngsi-ld:GtfsRoute:nn:{line}"),
                "current_status": observed("IN_TRANSIT_TO", now),
            }
            for number, stop in enumerate(stops[first:]):
                yield {
                    "id": f"urn:ngsi-ld:ArrivalEstimation:nn:{name}:{stop}",
                    "type": "ArrivalEstimation",
                    "hasStop": to(f"urn:ngsi-ld:GtfsStop:nn:{stop}"),
                    "hasRoute": to(f"urn:ngsi-ld:GtfsRoute:nn:{line}"),
                    "hasVehicle": to(f"urn:ngsi-ld:Vehicle:nn:{name}"),
                    "hasTrip": to(f"urn:ngsi-ld:GtfsTrip:nn:t{line}0:{name}"),
                    "stopSequence": {"type": "Property", "value": first + number},
                    "arrivalTime": observed(stamp(now + (soon + number * 2.5) * 60), now),
                }


def filling(now: float) -> Iterator[list[dict[str, Any]]]:
    """Two hours of the car parks, a quarter of an hour apart, so that they are foreseen."""
    parks = [one for one in operations_city.entities(now) if one["type"] == "OffStreetParking"]
    for step in range(8, -1, -1):
        at = now - step * 900
        yield [{
            **park, "totalSpotNumber": observed(park["totalSpotNumber"]["value"], at),
            "availableSpotNumber": observed(max(0, park["availableSpotNumber"]["value"] - step), at),
        } for park in parks]  # fmt: skip


def push(platform: Running, feed: str, body: bytes) -> None:
    answer = platform.http.post(f"/api/v1/feeds/{feed}", content=body, timeout=60)
    assert answer.status_code == 200, answer.text


@contextmanager
def small_city(folder: Path) -> Iterator[Running]:
    """The city at work."""
    file = folder / "city.toml"
    file.write_text(CITY, "utf-8")
    with running(file, folder / "data", {}) as platform:
        now = time.time()
        push(platform, "map", orjson.dumps(scene.basemap()))
        push(platform, "timetable", timetable())
        for parks in filling(now):
            push(platform, "city", orjson.dumps(parks))
        others = [one for one in operations_city.entities(now) if one["type"] != "OffStreetParking"]
        push(platform, "city", orjson.dumps([*others, *buses(now)]))
        platform.wait(lambda: len(platform.get("/api/v1/vitals")) >= 4, 60, "vital signs")
        yield platform
