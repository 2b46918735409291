from __future__ import annotations

from dataclasses import replace

import orjson

from zhicheng.apps.arrival.boards import Arrival, arrivals_of, sign, trip_updates
from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind

NOW = instants.parse("2026-03-02T12:00:00Z")


def urn(kind: str, name: str) -> str:
    return f"urn:ngsi-ld:{kind}:x:{name}"


def arrival(bus: str, stop: str, number: int, minutes: float, line: str = "7") -> Arrival:
    time = NOW + round(minutes * MINUTE)
    trip, route = urn("GtfsTrip", f"t{bus}:20260302"), urn("GtfsRoute", line)
    vehicle = urn("Vehicle", bus)
    return Arrival(
        trip, route, urn("GtfsStop", stop), vehicle, number, time, time - MINUTE, time + 2 * MINUTE, NOW, False
    )


BUSES = [arrival("1", "b", 2, 1), arrival("1", "c", 3, 4.5), arrival("2", "c", 3, 0.2), arrival("3", "c", 9, 2, "12")]


def test_a_sign_shows_the_next_of_each_line_with_stops_away() -> None:
    shown = sign(
        BUSES,
        {urn("GtfsStop", "c")},
        NOW,
        lines={urn("GtfsRoute", "7"): "7路"},
        headsigns={},
        notices=[{"en": "Lift out of order", "zh": "电梯停用"}],
        weather={"en": "Rain", "zh": "雨"},
    )
    told = orjson.loads(orjson.dumps(shown))
    assert [line["line"] for line in told["lines"]] == ["12", "7路"]
    seven = told["lines"][1]["arrivals"]
    assert [(one["minutes"], one["arriving"], one["stopsAway"]) for one in seven] == [(0, True, 1), (4, False, 2)]
    assert told["weather"] == {"en": "Rain", "zh": "雨"}
    assert told["notices"][0]["zh"] == "电梯停用"


def test_no_more_than_asked_of_a_line() -> None:
    many = [arrival(str(bus), "c", 1, bus) for bus in range(6)]
    shown = sign(many, {urn("GtfsStop", "c")}, NOW, lines={}, headsigns={}, most=2)
    (line,) = orjson.loads(orjson.dumps(shown))["lines"]
    assert [one["minutes"] for one in line["arrivals"]] == [0, 1]


def test_trip_updates_are_a_feed_that_can_be_read() -> None:
    silent = replace(BUSES[3], stale=True)
    feed = realtime.decode(trip_updates([*BUSES[:3], silent], NOW))
    assert feed.issued_at == NOW // SECOND
    first, _, third = (entity.trip_update for entity in feed.entity)
    assert first is not None
    assert third is not None
    assert [stop.stop_id for stop in first.stop_time_update] == ["b", "c"]
    arrives = first.stop_time_update[0].arrival
    assert arrives is not None
    assert (arrives.time, arrives.uncertainty) == (NOW // SECOND + 60, 90)
    assert (first.trip.trip_id, first.trip.route_id, first.trip.start_date) == ("t1", "7", "20260302")
    assert third.stop_time_update[0].schedule_relationship == "NO_DATA"


def test_only_our_own_arrivals_are_taken() -> None:
    times = Attribute(
        Kind.PROPERTY,
        "2026-03-02T12:05:00Z",
        NOW,
        sub={
            iri("stale"): [Attribute(Kind.PROPERTY, True)],
            iri("latest"): [Attribute(Kind.PROPERTY, "2026-03-02T12:07:00Z")],
        },
    )
    said = {iri("arrivalTime"): [times], iri("hasStop"): [Attribute(Kind.RELATIONSHIP, urn("GtfsStop", "c"))]}
    types = (iri("ArrivalEstimation"),)
    ours = Entity("urn:ngsi-ld:ArrivalEstimation:zhicheng:x:1:c", types, said)
    (found,) = arrivals_of(
        [ours, Entity("urn:ngsi-ld:ArrivalEstimation:x:t1:c", types, said), Entity(ours.id, types, {})]
    )
    assert (found.stop, found.stale, found.latest - found.time) == (urn("GtfsStop", "c"), True, 2 * MINUTE)
