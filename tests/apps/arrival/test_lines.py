"""What a passenger sees of a line: its ways, its stops, and where its vehicles are."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import orjson
import pytest

from tests.apps.arrival.test_boards import NOW, arrival, bus, urn
from tests.apps.seen import Look, entity
from zhicheng.apps.arrival.model import Params
from zhicheng.apps.arrival.views import line
from zhicheng.compute.views import Asked
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.gtfs import static
from zhicheng.standards.ngsild.model import Entity

FILES = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nx,公交,https://example.org,Asia/Shanghai\n",
    "routes.txt": "route_id,route_short_name,route_type\n7,7路,3\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
    + "".join(f"{name},{name}站,22.8{at},108.3{at}\n" for at, name in enumerate("abcd")),
    "trips.txt": "route_id,service_id,trip_id,trip_headsign\n"
    + "".join(f"7,s,t{name},{sign}\n" for name, sign in (("1", "丁"), ("2", "丁"), ("3", "甲"), ("short", "丁"))),
    "stop_times.txt": "trip_id,stop_sequence,stop_id,arrival_time,departure_time\n"
    + "".join(
        f"t{trip},{at},{stop},20:0{at}:00,20:0{at}:00\n"
        for trip, stops in (("1", "abcd"), ("2", "abcd"), ("3", "dcba"), ("short", "bcd"))
        for at, stop in enumerate(stops)
    ),
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "s,1,1,1,1,1,1,1,20260101,20261231\n",
}
ROUTE = entity("GtfsRoute", urn("GtfsRoute", "7"), shortName="7路", name="甲 — 丁", routeColor="0039A6")
STOPS = [
    entity(
        "GtfsStop", urn("GtfsStop", name), name=f"{name}站", location={"type": "Point", "coordinates": [108.3, 22.8]}
    )
    for name in "abcd"
]


def timetable() -> dict[str, Any]:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    return {"x": static.to_tables(static.read(body.getvalue(), 10**7))}


def shown(*more: Entity, asked: str = "x:7", tables: dict[str, Any] | None = None) -> dict[str, Any]:
    look = Look([ROUTE, *STOPS, *more], NOW, tables=timetable() if tables is None else tables)
    found: dict[str, Any] = orjson.loads(orjson.dumps(line(look, Asked({"line": asked}), Params())))
    return found


def test_a_line_has_the_way_that_most_of_its_trips_go_to_each_end() -> None:
    told = shown()
    assert (told["line"], told["color"], told["name"]["zh"]) == ("7路", "#0039A6", "甲 — 丁")
    ways = [(way["headsign"], [stop["name"]["zh"] for stop in way["stops"]]) for way in told["directions"]]
    assert ways == [("丁", ["a站", "b站", "c站", "d站"]), ("甲", ["d站", "c站", "b站", "a站"])]
    assert told["directions"][0]["stops"][0]["location"]["coordinates"] == [108.3, 22.8]
    assert shown(asked=urn("GtfsRoute", "7")) == told


def test_vehicles_stand_before_the_stop_that_they_come_to_next() -> None:
    told = shown(
        bus("1", vehicle_label="公交1001"), arrival("1", "b", 1, 2), arrival("1", "c", 2, 5), bus("3"),
        arrival("3", "c", 1, 1), arrival("3", "b", 2, 3), bus("late", NOW - 400 * SECOND), arrival("late", "d", 3, 4),
    )  # fmt: skip
    there, back = (
        [(one["next"], one["minutes"], one["stale"]) for one in way["vehicles"]] for way in told["directions"]
    )
    assert sorted(there) == [(1, [2, 5], False), (3, [4], True)] and back == [(1, [1, 3], False)]
    assert told["directions"][0]["vehicles"][0]["label"] == "公交1001"


def test_without_a_timetable_the_line_is_named_and_one_that_there_is_not_is_told() -> None:
    assert shown(tables={})["directions"] == []
    with pytest.raises(NotFound):
        shown(asked="x:8")
    for bad in ("", "7", "x" * 401):
        with pytest.raises(Invalid):
            shown(asked=bad)
