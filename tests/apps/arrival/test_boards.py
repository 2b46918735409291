"""What the sign of a stop shows, and what is published as GTFS Realtime, from entities at hand."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.apps.seen import Look, entity
from zhicheng.apps.arrival.model import Params
from zhicheng.apps.arrival.views import VIEWS, sign
from zhicheng.compute.views import JSON, Asked
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.gtfs.messages import Feed
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality

NOW = instants.parse("2026-03-02T12:00:00Z")
FEEDS = {view.name: view for view in VIEWS}


def urn(kind: str, name: str) -> str:
    return f"urn:ngsi-ld:{kind}:x:{name}"


def arrival(bus: str, stop: str, number: int, minutes: float, line: str = "7", **more: object) -> Entity:
    time = NOW + round(minutes * MINUTE)
    made = entity(
        "ArrivalEstimation", f"urn:ngsi-ld:ArrivalEstimation:zhicheng:x:{bus}:{stop}", hasTrip=trip_urn(bus),
        hasRoute=urn("GtfsRoute", line), hasStop=urn("GtfsStop", stop), hasVehicle=urn("Vehicle", bus),
        stopSequence=number, **more,  # type: ignore[arg-type]  # no instant among them
    )  # fmt: skip
    beside = {"earliest": time - MINUTE, "latest": time + 2 * MINUTE}
    sub = {said.iri(key): [Attribute(Kind.PROPERTY, instants.format(one))] for key, one in beside.items()}
    made.attributes[said.iri("arrivalTime")] = [Attribute(Kind.PROPERTY, instants.format(time), NOW, sub=sub)]
    return made


def trip_urn(bus: str) -> str:
    return urn("GtfsTrip", f"t{bus}:20260302")


def bus(name: str, heard: int = NOW, **more: object) -> Entity:
    return entity("Vehicle", urn("Vehicle", name), heard, current_status="IN_TRANSIT_TO", **more)


STOP = entity(
    "GtfsStop", urn("GtfsStop", "c"), name="南湖", code="1234", hasParentStation=urn("GtfsStop", "hall"),
    location={"type": "Point", "coordinates": [108.3, 22.8]},
)  # fmt: skip
ROUTE = entity("GtfsRoute", urn("GtfsRoute", "7"), shortName="7路", routeColor="0039A6")
CITY = [
    STOP, ROUTE, *(bus(name) for name in "123"), arrival("1", "b", 2, 1), arrival("1", "c", 3, 4.5),
    arrival("2", "c", 3, 0.2), arrival("3", "c", 9, 2, "12"),
]  # fmt: skip


def shown(*more: Entity, stop: str = "x:c", params: Params | None = None, **changed: Any) -> dict[str, Any]:
    look = Look([*CITY, *more], **{"now": NOW, **changed})
    document = sign(look, Asked({"stop": stop}), params or Params(time_zone="Asia/Shanghai"))
    found: dict[str, Any] = orjson.loads(orjson.dumps(document))
    return found


def line_of(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    [line] = [line for line in document["lines"] if line["line"] == name]
    arrivals: list[dict[str, Any]] = line["arrivals"]
    return arrivals


def test_a_sign_shows_the_next_of_each_line_with_stops_away() -> None:
    told = shown()
    assert [line["line"] for line in told["lines"]] == ["7路", "12"]
    seven = line_of(told, "7路")
    assert [(one["minutes"], one["arriving"], one["stopsAway"]) for one in seven] == [(0, True, 1), (4, False, 2)]
    assert (told["lines"][0]["color"], told["lines"][1]["color"]) == ("#0039A6", None)
    assert (told["clock"], told["stop"]["name"], told["stale"]) == ("20:00", {"zh": "南湖", "en": "南湖"}, False)


@pytest.mark.parametrize("name", [urn("GtfsStop", "c"), "x:c", "1234", "x:c, x:c", "x:hall", urn("GtfsStop", "hall")])
def test_a_stop_is_named_in_several_ways_and_a_station_has_its_platforms(name: str) -> None:
    assert line_of(shown(stop=name), "12")


def test_a_stop_that_there_is_not_is_told() -> None:
    for name in ("x:nowhere", "4321"):
        with pytest.raises(NotFound):
            shown(stop=name)
    for name in ("", " , ", ",".join("abcdefghijklmnopqrstuvwxyz")):
        with pytest.raises(Invalid):
            shown(stop=name)


def test_what_is_made_up_is_said() -> None:
    made = bus("1")
    for [attribute] in made.attributes.values():
        attribute.quality = Quality.SIMULATED
    look = Look([STOP, ROUTE, made, arrival("1", "c", 3, 4)], NOW)
    told: Any = sign(look, Asked({"stop": "x:c"}), Params())
    assert told["simulated"] is True and shown()["simulated"] is False


def test_no_more_than_asked_of_a_line() -> None:
    look = Look([STOP, *(arrival(str(one), "c", 1, one) for one in range(6))], NOW)
    document: Any = sign(look, Asked({"stop": "x:c", "most": "2"}), Params())
    assert [one["minutes"] for one in document["lines"][0]["arrivals"]] == [0, 1]


def test_silence_of_a_vehicle_or_of_its_feed_is_said() -> None:
    late = bus("9", NOW - 400 * SECOND)
    assert [one["stale"] for one in line_of(shown(late, arrival("9", "c", 1, 3, "9")), "9")] == [True]
    told = shown(stale=frozenset({"feed:bus"}))
    assert told["stale"] and all(one["stale"] for one in line_of(told, "7路"))


def test_trips_that_are_called_off_are_not_expected() -> None:
    told = shown(entity("GtfsTrip", trip_urn("2"), schedule_relationship="CANCELED"))
    assert [one["minutes"] for one in line_of(told, "7路")] == [4]


def test_what_operators_predict_is_shown_where_we_predict_nothing() -> None:
    feed = arrival("5", "c", 4, 6, "5")
    feed.id = "urn:ngsi-ld:ArrivalEstimation:x:t5:c"
    del feed.attributes[said.iri("hasVehicle")]
    skipped = arrival("6", "c", 4, 6, "6", schedule_relationship="SKIPPED")
    skipped.id = "urn:ngsi-ld:ArrivalEstimation:x:t6:c"
    again = arrival("2", "c", 3, 9)
    again.id = "urn:ngsi-ld:ArrivalEstimation:x:t2:c"
    told = shown(feed, skipped, again)
    assert [one["minutes"] for one in line_of(told, "5")] == [6]
    assert [one["minutes"] for one in line_of(told, "7路")] == [0, 4]
    assert "6" not in [line["line"] for line in told["lines"]]


def test_notices_of_the_stop_and_its_lines_are_shown_while_they_hold() -> None:
    name = {"zh": "电梯停用", "en": "Lift out of order"}
    lift = entity("Alert", "urn:a:1", affects=[urn("GtfsStop", "hall")], severity="high")
    lift.attributes[said.iri("name")] = [Attribute(Kind.LANGUAGE, dict(name))]
    over = entity("Alert", "urn:a:2", affects=[urn("GtfsRoute", "7")], name="Over", validTo="2026-03-02T11:00:00Z")
    detour = entity("Alert", "urn:a:3", affects=[urn("GtfsRoute", "7")], name="Detour")
    other = entity("Alert", "urn:a:4", affects=[urn("GtfsRoute", "8")], name="Elsewhere")
    told = shown(lift, over, detour, other)
    assert told["notices"] == [name, {"zh": "Detour", "en": "Detour"}]


def test_the_nearest_weather_of_now_is_told() -> None:
    def station(name: str, lon: float, at: int = NOW, **more: object) -> Entity:
        return entity("WeatherObserved", name, at, location={"type": "Point", "coordinates": [lon, 22.8]}, **more)

    near, far = (
        station("urn:w:1", 108.4, weatherType="rain", temperature=21.4),
        station("urn:w:2", 108.9, temperature=5),
    )
    old = station("urn:w:3", 108.3, NOW - 240 * MINUTE, temperature=35)
    assert shown(near, far, old)["weather"] == {"zh": "雨 21°C", "en": "Rain 21 °C"}
    assert shown()["weather"] is None


def read(name: str, *entities: Entity, media: str = "") -> Feed:
    view = FEEDS[name]
    body = view.answer(Look(list(entities), NOW), Asked({}, media or view.media[0]), Params())
    assert isinstance(body, bytes)
    return realtime.decode(body)


@pytest.mark.parametrize("media", ["", JSON])
def test_trip_updates_are_a_feed_that_can_be_read(media: str) -> None:
    silent = arrival("4", "c", 1, 2)
    silent.attributes[said.iri("arrivalTime")][0].sub[said.iri("stale")] = [Attribute(Kind.PROPERTY, True)]
    off = entity("GtfsTrip", trip_urn("2"), schedule_relationship="CANCELED", start_date="20260302")
    twice = entity("GtfsTrip", trip_urn("3"), schedule_relationship="DUPLICATED", start_time="12:00:00")
    feed = read("trip-updates", *CITY, silent, off, twice, media=media)
    assert feed.issued_at == NOW // SECOND and not feed.refused
    updates = {one.trip_update.trip.trip_id: one.trip_update for one in feed.entity if one.trip_update is not None}
    first = updates["t1"]
    assert [stop.stop_id for stop in first.stop_time_update] == ["b", "c"]
    arrives = first.stop_time_update[0].arrival
    assert arrives is not None
    assert (arrives.time, arrives.uncertainty) == (NOW // SECOND + 60, 90)
    assert (first.trip.route_id, first.trip.start_date) == ("7", "20260302")
    assert updates["t4"].stop_time_update[0].schedule_relationship == "NO_DATA"
    assert (updates["t2"].trip.schedule_relationship, updates["t2"].stop_time_update) == ("CANCELED", ())
    assert (updates["t3"].trip.schedule_relationship, updates["t3"].trip.start_time) == ("DUPLICATED", "12:00:00")


def test_vehicles_and_alerts_are_published_too() -> None:
    place = {"type": "Point", "coordinates": [108.3, 22.8]}
    runs = bus("1", hasTrip=trip_urn("1"), hasStop=urn("GtfsStop", "b"), location=place, speed=36, bearing=90)
    [one] = read("vehicle-positions", runs, bus("2"), entity("Vehicle", urn("Vehicle", "van"), location=place)).entity
    assert one.vehicle is not None and one.vehicle.position is not None and one.vehicle.trip is not None
    assert (one.vehicle.stop_id, one.vehicle.trip.trip_id, one.vehicle.timestamp) == ("b", "t1", NOW // SECOND)
    assert (one.vehicle.position.speed, one.vehicle.position.bearing) == (10, 90)
    told = entity(
        "Alert", "urn:a:1", affects=[urn("GtfsStop", "c"), "urn:x"], name="Detour", effect="DETOUR", cause="?",
        validFrom="2026-03-02T10:00:00Z",
    )  # fmt: skip
    [found] = read("alerts", told, entity("Alert", "urn:a:2", affects=["urn:x"], name="Flood")).entity
    assert found.alert is not None and found.alert.header_text is not None
    assert [one.stop_id for one in found.alert.informed_entity] == ["c"]
    assert (found.alert.effect, found.alert.cause, found.alert.active_period[0].end) == ("DETOUR", None, None)


def test_what_anybody_wrote_breaks_neither_signs_nor_feeds() -> None:
    odd = arrival("8", "c", 3, 3, "8")
    odd.attributes[said.iri("arrivalTime")][0].sub[said.iri("latest")] = [
        Attribute(Kind.PROPERTY, "9999-12-31T00:00:00Z")
    ]
    never, number = arrival("9", "c", 3, 3, "9"), arrival("10", "c", 3, 3, "10")
    never.attributes[said.iri("arrivalTime")][0].value = "soon"
    number.attributes[said.iri("arrivalTime")][0].value = [1]
    off = entity("GtfsTrip", trip_urn("99"), schedule_relationship="CANCELED", start_date="20269999", start_time="x")
    alert = entity("Alert", "urn:a:1", affects=[urn("GtfsStop", "c")], name="Old", validFrom="0001-01-01T00:00:00Z")
    told = shown(odd, never, number, off, alert)
    assert [line["line"] for line in told["lines"]] == ["7路", "8", "12"]
    assert [notice["en"] for notice in told["notices"]] == ["Old"]
    updates = read("trip-updates", odd, never, number, off).entity
    assert len(updates) == 2
    [found] = read("alerts", alert).entity
    assert found.alert is not None
    place = {"type": "Point", "coordinates": [108.3, 22.8]}
    van = bus("1", -1_000_000, hasTrip=trip_urn("1"), location=place, current_stop_sequence=1e300, speed="fast")
    [position] = read("vehicle-positions", van, bus("2", hasTrip=trip_urn("2"), location={"type": "Point"})).entity
    assert position.vehicle is not None and position.vehicle.current_stop_sequence is None
    bare = entity("Vehicle", urn("Vehicle", "3"), hasStop=urn("GtfsStop", "c"), hasRoute=urn("GtfsRoute", "7"))
    assert len(read("vehicle-positions", bare).entity) == 1
