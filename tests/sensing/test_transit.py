"""Decoders gtfs and gtfs-rt: entities equal to an independent reading of feeds, valid by the city's models."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2 as pb

from tests.standards.gtfs.timetables import zipped
from zhicheng.kernel import instants
from zhicheng.kernel.errors import BadConfiguration, Invalid
from zhicheng.kernel.instants import SECOND
from zhicheng.sensing.decoded import Decoded, DecodeSettings
from zhicheng.sensing.decoders import decoder
from zhicheng.sensing.timetable import decode_static
from zhicheng.sensing.transit import decode_realtime
from zhicheng.sensing.transit_names import LOCATION, PLACEMENT, iri, urn
from zhicheng.standards.gtfs import static
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check
from zhicheng.standards.ngsild.model import Entity, Kind, Quality

NOW = 1707397155


@pytest.fixture(scope="module")
def subway(data_folder: Path) -> Path:
    folder = data_folder / "gtfs_rt/nyct_ace_20240208"
    if not folder.exists():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture(scope="module")
def settings(subway: Path) -> DecodeSettings:
    return DecodeSettings("ace", "nyct", static.read((subway / "mtasbwy_static_cut.zip").read_bytes()))


def of_type(decoded: Decoded, name: str) -> list[Entity]:
    return [entity for entity in decoded.entities if entity.types == (iri(name),)]


def value(entity: Entity, name: str) -> Any:  # a value is any JSON, compared as it is
    found = entity.attributes.get(iri(name))
    return None if found is None else found[0].value


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def train(trip: Any) -> str:
    """The train id in the subway's extension, read from the raw bytes: field 1 of field 1001."""
    raw: bytes = trip.SerializeToString()
    at = raw.index(b"\xca\x3e") + 3  # the tag of field 1001, then the extension's length
    assert raw[at] == 0x0A
    return raw[at + 2 : at + 2 + raw[at + 1]].decode()


def test_every_vehicle_and_stop_time_of_forty_feeds(subway: Path, settings: DecodeSettings) -> None:
    for path in sorted(subway.glob("*.pb")):
        body = path.read_bytes()
        message = pb.FeedMessage()
        message.ParseFromString(body)
        decoded = decode_realtime(body, settings)
        assert decoded.full
        assert decoded.whole
        assert not decoded.refused
        assert decoded.issued_at == message.header.timestamp * SECOND
        expected = {
            (train(raw.trip_update.trip), raw.trip_update.trip.start_date, stop.stop_id): (
                iso(stop.arrival.time),
                iso(stop.departure.time),
            )
            for raw in message.entity
            if raw.HasField("trip_update")
            for stop in raw.trip_update.stop_time_update
        }
        found = {}
        for entity in of_type(decoded, "ArrivalEstimation"):
            parts = str(value(entity, "hasTrip")).split(":")
            stop = str(value(entity, "hasStop")).rpartition(":")[2]
            name = parts[-1].replace("%20", " ").replace("%2F", "/").replace("%2B", "+")
            found[name, parts[-2], stop] = (value(entity, "arrivalTime"), value(entity, "departureTime"))
        assert found == expected
        vehicles = {train(raw.vehicle.trip): raw.vehicle for raw in message.entity if raw.HasField("vehicle")}
        entities = {value(entity, "vehicle_label"): entity for entity in of_type(decoded, "Vehicle")}
        assert entities.keys() == vehicles.keys()
        for name, entity in entities.items():
            one = vehicles[name]
            assert value(entity, "hasStop") == urn("GtfsStop", "nyct", one.stop_id)
            assert value(entity, "current_status") == pb.VehiclePosition.VehicleStopStatus.Name(one.current_status)
            assert value(entity, "observationDateTime") == iso(one.timestamp)
            at = entity.attributes[iri("current_status")][0].observed_at
            assert at == min(one.timestamp, message.header.timestamp) * SECOND


def test_times_of_a_vehicle_never_go_back(subway: Path, settings: DecodeSettings) -> None:
    """Else a later feed's status would lose against an earlier one's."""
    latest: dict[str, int] = {}
    for path in sorted(subway.glob("*.pb")):
        for entity in decode_realtime(path.read_bytes(), settings).entities:
            for attributes in entity.attributes.values():
                at = attributes[0].observed_at
                if at is not None:
                    assert at >= latest.get(entity.id, 0)
                    latest[entity.id] = at


def test_placed_vehicles_are_marked(subway: Path, settings: DecodeSettings) -> None:
    decoded = decode_realtime((subway / "1707397157.ace.pb").read_bytes(), settings)
    placed = [entity.attributes[LOCATION][0] for entity in of_type(decoded, "Vehicle") if LOCATION in entity.attributes]
    assert len(placed) == 147
    assert all(one.quality is Quality.ESTIMATED and one.kind is Kind.GEO for one in placed)
    assert {one.sub[PLACEMENT][0].value for one in placed} == {"shape", "otherShape", "stop"}
    for one in placed:
        assert isinstance(one.value, dict)
        place: Any = one.value["coordinates"]
        assert -74.3 < place[0] < -73.7
        assert 40.5 < place[1] < 41.0


def test_without_a_timetable_there_is_no_place(subway: Path) -> None:
    decoded = decode_realtime((subway / "1707397157.ace.pb").read_bytes(), DecodeSettings("ace"))
    assert len(of_type(decoded, "Vehicle")) == 160
    assert not any(LOCATION in entity.attributes for entity in decoded.entities)


def test_speed(subway: Path, settings: DecodeSettings) -> None:
    bodies = [path.read_bytes() for path in sorted(subway.glob("*.pb"))]
    seconds = []
    for body in bodies:
        started = time.process_time()
        decode_realtime(body, settings)
        seconds.append(time.process_time() - started)
    assert sorted(seconds)[len(seconds) // 2] < 0.12, "3,000 entities; 45 ms on a quiet core"


def test_all_real_entities_keep_to_the_models(data_folder: Path, subway: Path, settings: DecodeSettings) -> None:
    catalogue = Catalogue.builtin()
    bodies = [(subway / "1707397157.ace.pb", settings)]
    bodies += [
        (path, DecodeSettings("st")) for path in sorted((data_folder / "gtfs_rt/st_duplicated_trips").glob("*.json"))
    ]
    bodies += [(data_folder / "gtfs_rt/wmata_service_day_4/23:54.wmata.pb", DecodeSettings("wmata"))]
    entities = [entity for path, chosen in bodies for entity in decode_realtime(path.read_bytes(), chosen).entities]
    entities += decode_static((data_folder / "gtfs_rt/st_duplicated_trips/40/st.zip").read_bytes(), settings).entities
    violations = []
    for entity in entities[::5]:
        model = catalogue.first(entity.types)
        assert model is not None
        violations += check(entity, model)
    assert not violations, violations[:5]


def test_sound_transit_positions_and_duplicated_trips(data_folder: Path) -> None:
    folder = data_folder / "gtfs_rt/st_duplicated_trips"
    if not folder.exists():
        pytest.skip(f"no {folder}")
    chosen = DecodeSettings("st", static=static.read((folder / "40/st.zip").read_bytes()))
    for path in sorted(folder.glob("*.json")):
        message = json_format.Parse(path.read_bytes(), pb.FeedMessage())
        decoded = decode_realtime(path.read_bytes(), chosen)
        vehicles = {entity.id: entity for entity in of_type(decoded, "Vehicle")}
        positions = [raw.vehicle for raw in message.entity if raw.HasField("vehicle")]
        assert len(vehicles) == len({one.vehicle.id for one in positions})
        for one in positions:
            location = vehicles[urn("Vehicle", "st", one.vehicle.id)].attributes[LOCATION][0]
            assert location.quality is Quality.NONE
            assert location.value == {
                "type": "Point",
                "coordinates": [round(one.position.longitude, 6), round(one.position.latitude, 6)],
            }
        trips = [raw.trip_update.trip for raw in message.entity if raw.HasField("trip_update")]
        distinct = {(one.trip_id, one.start_date, one.start_time) for one in trips}
        assert len(of_type(decoded, "GtfsTrip")) == len(distinct)
        twice = [one for one in decoded.refused if ":GtfsTrip:" in one.en and "comes twice" in one.en]
        assert len(twice) == len(trips) - len(distinct)  # two of these feeds repeat a trip
        ids = [entity.id for entity in decoded.entities]
        assert len(ids) == len(set(ids))
        again = [one.id for one in decoded.refused if "under one number" in one.en]
        assert len(again) == (path.name == "TripUpdate-DUPLICATED-1690679342.json")


def test_static_entities(data_folder: Path) -> None:
    path = data_folder / "gtfs_rt/nyct_ace_20240208/mtasbwy_static_cut.zip"
    if not path.exists():
        pytest.skip(f"no {path}")
    decoded = decode_static(path.read_bytes(), DecodeSettings("nyct-static", "nyct"))
    assert len(of_type(decoded, "GtfsStop")) == 3799
    assert len(of_type(decoded, "GtfsRoute")) == 23
    stop = next(one for one in decoded.entities if one.id == "urn:ngsi-ld:GtfsStop:nyct:101N")
    assert value(stop, "name") == "Van Cortlandt Park-242 St"
    assert value(stop, "hasParentStation") == "urn:ngsi-ld:GtfsStop:nyct:101"
    assert stop.attributes[LOCATION][0].value == {"type": "Point", "coordinates": [-73.898584, 40.889246]}
    route = next(one for one in decoded.entities if one.id == "urn:ngsi-ld:GtfsRoute:nyct:A")
    line = route.attributes[LOCATION][0].value
    assert isinstance(line, dict)
    assert line["type"] == "MultiLineString"
    assert static.from_tables(dict(decoded.tables)).trip_rows.keys() == static.read(path.read_bytes()).trip_rows.keys()


def feed(**header: object) -> pb.FeedMessage:
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = NOW
    for name, one in header.items():
        setattr(message.header, name, one)
    return message


def small() -> DecodeSettings:
    return DecodeSettings("f", "n", static.read(zipped()))


def test_delays_become_times_by_the_timetable() -> None:
    message = feed()
    update = message.entity.add(id="1").trip_update
    update.trip.trip_id, update.trip.start_date = "t2", "20240207"
    update.timestamp = NOW - 30
    update.stop_time_update.add(stop_sequence=2).arrival.delay = 60
    update.stop_time_update.add(stop_sequence=3, schedule_relationship="SKIPPED")
    arrivals = of_type(decode_realtime(message.SerializeToString(), small()), "ArrivalEstimation")
    assert [one.id for one in arrivals] == [
        "urn:ngsi-ld:ArrivalEstimation:n:t2:20240207:B",
        "urn:ngsi-ld:ArrivalEstimation:n:t2:20240207:A",
    ]
    assert value(arrivals[0], "arrivalTime") == "2024-02-08T06:15:00Z"  # 25:14:00 in New York, and a minute
    assert value(arrivals[0], "delay") == 60
    assert arrivals[0].attributes[iri("delay")][0].observed_at == (NOW - 30) * SECOND
    assert value(arrivals[1], "schedule_relationship") == "SKIPPED"
    assert value(arrivals[1], "arrivalTime") is None


def test_stops_of_loops_have_ids_of_their_own_that_last() -> None:
    ids = []
    for first in (1, 2, 3):
        message = feed()
        update = message.entity.add(id="1").trip_update
        update.trip.trip_id, update.trip.start_date = "loop", "20240207"
        for sequence in range(first, 4):
            update.stop_time_update.add(stop_sequence=sequence, stop_id="ABA"[sequence - 1]).arrival.time = NOW
        decoded = decode_realtime(message.SerializeToString(), small())
        ids.append([one.id.rpartition("20240207:")[2] for one in of_type(decoded, "ArrivalEstimation")])
    assert ids == [["A:1", "B:2", "A:3"], ["B:2", "A:3"], ["A:3"]]


def test_cancelled_trip() -> None:
    message = feed()
    trip = message.entity.add(id="1").trip_update.trip
    trip.trip_id, trip.start_date, trip.schedule_relationship = "t1", "20240208", pb.TripDescriptor.CANCELED
    decoded = decode_realtime(message.SerializeToString(), small())
    assert [value(one, "schedule_relationship") for one in decoded.entities] == ["CANCELED"]
    assert value(decoded.entities[0], "hasRoute") == "urn:ngsi-ld:GtfsRoute:n:1"
    assert value(decoded.entities[0], "headSign") == "Third"


def test_measures_of_a_vehicle() -> None:
    message = feed(incrementality=1)
    vehicle = message.entity.add(id="1").vehicle
    vehicle.vehicle.id, vehicle.vehicle.license_plate = "沪A·1", "沪A·1"
    vehicle.position.latitude, vehicle.position.longitude = 31.25, 121.5
    vehicle.position.speed, vehicle.position.bearing, vehicle.position.odometer = 10.0, 365.0, 1500.0
    vehicle.timestamp = NOW + 3600
    vehicle.occupancy_percentage = 40
    gone = message.entity.add(id="2", is_deleted=True)
    gone.vehicle.vehicle.id = "old"
    decoded = decode_realtime(message.SerializeToString(), small())
    assert not decoded.full
    assert decoded.removed == ("urn:ngsi-ld:Vehicle:f:old",)
    (entity,) = decoded.entities
    assert entity.id == "urn:ngsi-ld:Vehicle:f:%E6%B2%AAA%C2%B71"
    assert (value(entity, "speed"), value(entity, "bearing"), value(entity, "mileageFromOdometer")) == (36, 5, 1.5)
    assert entity.attributes[iri("speed")][0].observed_at == NOW * SECOND  # not after the feed was made
    assert value(entity, "observationDateTime") == instants.format((NOW + 3600) * SECOND)
    assert value(entity, "occupancy") == 0.4


def test_a_receiver_without_a_fix_is_not_in_the_gulf_of_guinea() -> None:
    message = feed()
    vehicle = message.entity.add(id="1").vehicle
    vehicle.position.latitude = vehicle.position.longitude = 0.0
    vehicle.trip.trip_id, vehicle.stop_id, vehicle.current_status = "t1", "B", pb.VehiclePosition.STOPPED_AT
    (entity,) = decode_realtime(message.SerializeToString(), small()).entities
    assert entity.attributes[LOCATION][0].value == {
        "type": "Point",
        "coordinates": [0.009975, 0.000499],
    }  # on the shape
    assert entity.attributes[LOCATION][0].quality is Quality.ESTIMATED


def test_the_same_vehicle_twice_is_said() -> None:
    message = feed()
    for number, stop in enumerate("AB"):
        vehicle = message.entity.add(id=str(number)).vehicle
        vehicle.vehicle.id, vehicle.stop_id = "7", stop
    decoded = decode_realtime(message.SerializeToString(), small())
    assert [value(one, "hasStop") for one in decoded.entities] == ["urn:ngsi-ld:GtfsStop:n:B"]
    assert [one.id for one in decoded.refused] == ["1"]


def test_alert() -> None:
    message = feed()
    alert = message.entity.add(id="a/1").alert
    for start, end in ((NOW, NOW + 60), (NOW + 100, 2**62)):
        alert.active_period.add(start=start, end=end)
    alert.cause, alert.effect, alert.severity_level = pb.Alert.STRIKE, pb.Alert.NO_SERVICE, pb.Alert.SEVERE
    alert.header_text.translation.add(text="Strike", language="en")
    alert.header_text.translation.add(text="罢工", language="zh")
    alert.description_text.translation.add(text="No service")
    alert.informed_entity.add(stop_id="A")
    alert.informed_entity.add(route_id="1")
    (entity,) = decode_realtime(message.SerializeToString(), small()).entities
    assert entity.id == "urn:ngsi-ld:Alert:f:a%2F1"
    name = entity.attributes[iri("name")][0]
    assert (name.kind, name.value) == (Kind.LANGUAGE, {"en": "Strike", "zh": "罢工"})
    assert value(entity, "description") == "No service"
    assert value(entity, "severity") == "high"
    assert value(entity, "validFrom") == iso(NOW)
    assert value(entity, "validTo") is None  # the second period is open
    assert value(entity, "affects") == ["urn:ngsi-ld:GtfsStop:n:A", "urn:ngsi-ld:GtfsRoute:n:1"]
    model = Catalogue.builtin().first(entity.types)
    assert model is not None
    assert not check(entity, model)


def test_alert_with_a_language_less_and_a_tagged_text() -> None:
    message = feed()
    text = message.entity.add(id="1").alert.header_text
    text.translation.add(text="x")
    text.translation.add(text="y", language="en")
    (entity,) = decode_realtime(message.SerializeToString(), small()).entities
    assert value(entity, "name") == {"@none": "x", "en": "y"}


@pytest.mark.parametrize("name", ["gtfs", "gtfs-rt"])
@pytest.mark.parametrize("body", [b"", b"<html></html>", b"\x00" * 50, b"{}", b"stop_id\nA\n"])
def test_every_decoder_refuses_what_it_cannot_read(name: str, body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        decoder(name).decode(body, DecodeSettings("f"))
    assert caught.value.zh


def test_unknown_decoder_names_the_nearest() -> None:
    with pytest.raises(BadConfiguration, match="did you mean 'gtfs-rt'"):
        decoder("gtfs_rt")
