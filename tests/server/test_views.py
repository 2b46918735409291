"""Views of applications over HTTP: recorded feeds of a night and of duplicated trips, as signs and as GTFS Realtime."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.conftest import Client, Start
from zhicheng.kernel import instants, zones
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.gtfs.messages import Feed

Data = Callable[[str], Path]
TRIPS = "/api/v1/gtfs-rt/trip-updates"
SIGN = "/api/v1/apps/arrival/sign"
CITY = """
[city]
time_zone = "{zone}"
[apps.arrival.params]
networks = ["net"]
[feeds.timetable]
decoder = "gtfs"
folder = "{at}/gtfs"
interval = "100 ms"
settle = "0 s"
network = "net"
[feeds.live]
decoder = "gtfs-rt"
replay = "{at}/live"
speed = 0
network = "net"
"""


async def played(start: Start, at: Path, timetable: Path, feeds: dict[int, Path], zone: str) -> Client:
    """A city to which feeds were played, each under its second, and the applications came to the end of the log."""
    (at / "gtfs").mkdir()
    (at / "live").mkdir()
    shutil.copy(timetable, at / "gtfs" / "net.zip")
    os.utime(at / "gtfs" / "net.zip", (1, 1))
    for second, path in feeds.items():
        shutil.copy(path, at / "live" / f"{second}{path.suffix}")
    client = await start(CITY.format(at=at, zone=zone))
    for _ in range(600):
        await asyncio.sleep(0.1)
        live, app = client.city.feeds["live"], client.city.apps["arrival"]
        if live.health.ended and app.explain().position >= client.city.home.store.state.position - 1:
            break
    assert live.health.ended and live.taken.rows, live.health
    return client


async def feed_of(client: httpx.AsyncClient, path: str = TRIPS, **query: str) -> Feed:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/x-protobuf")
    return realtime.decode(answer.content)


async def sign_of(client: httpx.AsyncClient, stop: str, **query: str) -> dict[str, Any]:
    answer = await client.get(SIGN, params={"stop": stop, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.slow
async def test_a_night_past_midnight_keeps_its_service_day(start: Start, tmp_path: Path, data: Data) -> None:
    folder = data("gtfs_rt/wmata_service_day_4")
    feeds = {1707540841: folder / "23:54.wmata.pb", 1707541741: folder / "00:09.wmata.pb"}
    client = await played(start, tmp_path, folder / "1/cut.zip", feeds, "America/New_York")
    raw = realtime.decode((folder / "00:09.wmata.pb").read_bytes())
    feed = await feed_of(client)
    updates = {one.trip_update.trip.trip_id: one.trip_update for one in feed.entity if one.trip_update is not None}
    sent = {one.trip_update.trip.trip_id: one.trip_update for one in raw.entity if one.trip_update is not None}
    assert len(updates) > 200 and set(updates) <= set(sent)
    assert {name: one.trip.start_date for name, one in updates.items()} == {
        name: sent[name].trip.start_date for name in updates
    }
    assert "20240209" in {one.trip.start_date for one in updates.values()}
    stop, time = next(
        (call.stop_id, call.arrival.time)
        for one in updates.values()
        for call in one.stop_time_update
        if call.arrival is not None and call.arrival.time and call.arrival.time > 1707541741 + 120
    )
    told = await sign_of(client, f"net:{stop}", most="10")
    expected = instants.format((time or 0) * 1_000_000)
    calls = [one for line in told["lines"] for one in line["arrivals"]]
    assert expected in [one["time"] for one in calls]
    assert told["at"] == "2024-02-10T05:09:01Z" and told["clock"] == "00:09"
    assert all(one["stopsAway"] >= 1 and not one["cancelled"] for one in calls)
    assert all(line["headsign"] for line in told["lines"])


@pytest.mark.slow
async def test_duplicated_trips_are_published_and_shown_as_such(start: Start, tmp_path: Path, data: Data) -> None:
    folder = data("gtfs_rt/st_duplicated_trips")
    names = ("vehicle_position_1683740698", "vehicle_position_1683740798")
    feeds = {int(name.rpartition("_")[2]): folder / f"{name}.json" for name in names}
    client = await played(start, tmp_path, folder / "40/st.zip", feeds, "America/Los_Angeles")
    feed = await feed_of(client)
    updates = [one.trip_update for one in feed.entity if one.trip_update is not None]
    twice = [one for one in updates if one.trip.schedule_relationship == "DUPLICATED"]
    [trip] = [one.trip for one in twice]
    assert (trip.trip_id, trip.start_time, trip.start_date) == (
        "LLR_2023-03-18_Weekday_100479_1043", "09:56:00", "20230510",
    )  # fmt: skip
    stop = twice[0].stop_time_update[0].stop_id
    told = await sign_of(client, f"net:{stop}")
    assert [line["line"] for line in told["lines"]] and told["stop"]["name"]["zh"] != stop
    assert all(line["headsign"] for line in told["lines"])
    vehicles = await feed_of(client, "/api/v1/gtfs-rt/vehicle-positions")
    assert len(vehicles.entity) > 8
    assert "DUPLICATED" in {
        one.vehicle.trip.schedule_relationship for one in vehicles.entity if one.vehicle and one.vehicle.trip
    }
    await called_off(client, twice[0].trip.trip_id or "", str(stop))


async def called_off(client: httpx.AsyncClient, trip: str, stop: str) -> None:
    """A trip that is called off has no times any more, and the sign says so at the time of its timetable."""
    at = client.city.now()  # type: ignore[attr-defined]  # the fixture's client knows its city
    found = (await client.get("/ngsi-ld/v1/entities", params={"type": "Vehicle", "limit": "100"})).json()
    running = next(one for one in found if one.get("start_time", {}).get("value") == "09:56:00")
    said = {"type": "Property", "observedAt": instants.format(at)}
    day = f"{zones.local_date(zones.zone('America/Los_Angeles'), at):%Y%m%d}"
    document = {
        "id": running["hasTrip"]["object"], "type": "GtfsTrip", "schedule_relationship": said | {"value": "CANCELED"},
        "start_date": {"type": "Property", "value": day}, "start_time": {"type": "Property", "value": "09:56:00"},
    }  # fmt: skip
    answer = await client.post("/ngsi-ld/v1/entityOperations/upsert", json=[document])
    assert answer.status_code in (201, 204), answer.text
    for _ in range(100):
        await asyncio.sleep(0.1)
        feed = await feed_of(client)
        off = [one.trip_update for one in feed.entity if one.trip_update and one.trip_update.trip.trip_id == trip]
        if [one.trip.schedule_relationship for one in off if not one.stop_time_update] == ["CANCELED"]:
            break
    assert [(one.trip.schedule_relationship, one.stop_time_update) for one in off] == [("CANCELED", ())]
    told = await sign_of(client, f"net:{stop}", most="10")
    gone = [one for line in told["lines"] for one in line["arrivals"] if one["cancelled"]]
    assert len(gone) == 1 and gone[0]["stopsAway"] == 0


STOP = {"id": "urn:ngsi-ld:GtfsStop:x:c", "type": "GtfsStop", "name": {"type": "Property", "value": "南湖"}}
ESTIMATE = "urn:ngsi-ld:ArrivalEstimation:x:t1:c"


def estimate(minutes: int, at: str) -> dict[str, object]:
    return {
        "id": ESTIMATE, "type": "ArrivalEstimation",
        "hasStop": {"type": "Relationship", "object": STOP["id"], "observedAt": at},
        "hasTrip": {"type": "Relationship", "object": "urn:ngsi-ld:GtfsTrip:x:t1", "observedAt": at},
        "hasRoute": {"type": "Relationship", "object": "urn:ngsi-ld:GtfsRoute:x:7", "observedAt": at},
        "arrivalTime": {
            "type": "Property", "observedAt": at,
            "value": instants.format(instants.parse(at) + minutes * 60_000_000),
        },
    }  # fmt: skip


async def test_a_view_is_served_at_both_its_paths_and_described(client: httpx.AsyncClient) -> None:
    for path in (TRIPS, "/api/v1/apps/arrival/trip-updates"):
        assert not (await feed_of(client, path)).entity
        answer = await client.get(path, headers={"accept": "application/json"})
        assert answer.json()["header"]["gtfs_realtime_version"] == "2.0"
        assert (await client.get(path, headers={"accept": "text/html"})).status_code == 406
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {one["name"] for one in paths[SIGN]["get"]["parameters"]} == {"stop", "most", "at", "lang"}
    apps = {one["name"]: one for one in (await client.get("/api/v1/apps")).json()}
    assert {one["name"] for one in apps["arrival"]["views"]} >= {"sign", "trip-updates"}


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"stop": "x:none"}, 404),
     ({"stop": "x:c", "most": "many"}, 400), ({"stop": "x:c", "most": "nan"}, 400),
     ({"stop": "x:c", "what": "1"}, 400), ({"stop": "x:c", "at": "soon"}, 400), ({"stop": "x" * 5000}, 404),
     ({"stop": "x:c", "most": "1e308"}, 200), ({"stop": "x:c", "most": "-1"}, 200)],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_answered_is_told(client: httpx.AsyncClient, query: dict[str, str], status: int) -> None:
    assert (await client.post("/ngsi-ld/v1/entities", json=STOP)).status_code == 201
    answer = await client.get(SIGN, params=query)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["detail"]


async def test_boards_of_the_past_are_as_they_were(client: httpx.AsyncClient) -> None:
    assert (await client.post("/ngsi-ld/v1/entities", json=STOP)).status_code == 201
    city: Any = client
    first = instants.format(city.city.now())
    assert (await client.post("/ngsi-ld/v1/entities", json=estimate(9, first))).status_code == 201
    before = await sign_of(client, "x:c")
    then = instants.format(city.city.now())
    second = instants.format(city.city.now())
    changed = estimate(4, second)["arrivalTime"]
    await client.patch(f"/ngsi-ld/v1/entities/{ESTIMATE}/attrs", json={"arrivalTime": changed})
    assert [one["minutes"] for one in (await sign_of(client, "x:c"))["lines"][0]["arrivals"]] in ([3], [4])
    past = await sign_of(client, "x:c", at=then)
    assert past["lines"][0]["arrivals"][0]["time"] == before["lines"][0]["arrivals"][0]["time"]
    assert not (await feed_of(client, at="2020-01-01T00:00:00Z")).entity


async def test_views_need_the_right_to_read(start: Start) -> None:
    client = await start(open_to_all=False)
    assert (await client.get(TRIPS)).status_code == 401
    assert (await client.get(SIGN, params={"stop": "x"})).status_code == 401


async def test_an_application_that_is_off_shows_nothing(start: Start) -> None:
    client = await start("[apps.arrival]\nenabled = false\n")
    assert (await client.get(TRIPS)).status_code == 404


async def test_the_nearest_car_park_is_found_by_what_the_application_foresees(client: Client) -> None:
    park = {
        "id": "urn:ngsi-ld:OffStreetParking:1", "type": "OffStreetParking",
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.3, 22.8]}},
        "totalSpotNumber": {"type": "Property", "value": 100},
    }  # fmt: skip
    assert (await client.post("/ngsi-ld/v1/entities", json=park)).status_code == 201
    now = client.city.now()
    readings = [
        {"type": "Property", "value": 60 - step, "observedAt": instants.format(now - (9 - step) * 900_000_000)}
        for step in range(10)
    ]
    for reading in readings:
        answer = await client.post(f"/ngsi-ld/v1/entities/{park['id']}/attrs", json={"availableSpotNumber": reading})
        assert answer.status_code == 204, answer.text
    for _ in range(100):
        await asyncio.sleep(0.05)
        asked = {"lon": "108.301", "lat": "22.8", "minutes": "30"}
        parks = (await client.get("/api/v1/apps/parking/nearest", params=asked)).json()["parks"]
        if parks and parks[0]["free"] == 51:
            break
    [found] = parks
    assert (found["total"], found["metres"]) == (100, 103) and found["chance"] > 0.9
    assert found["forecast"]["low"] <= found["forecast"]["free"] <= found["forecast"]["high"] <= 100
    assert (await client.get("/api/v1/apps/parking/nearest", params={"lon": "1e999", "lat": "0"})).status_code == 400
