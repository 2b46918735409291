"""Realtime feeds: every real one there and back to the byte, and every way a body can be no feed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from tests.standards.gtfs.timetables import zipped
from zhicheng.kernel.errors import Invalid, TooLarge
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.gtfs.messages import (
    Alert,
    Feed,
    FeedEntity,
    FeedHeader,
    TimeRange,
    TranslatedString,
    Translation,
    TripDescriptor,
    TripUpdate,
)

FEEDS = 40 + 4 + 14


def feeds(data_folder: Path) -> list[Path]:
    folder = data_folder / "gtfs_rt"
    if not folder.exists():
        pytest.skip(f"no {folder}")
    return sorted([*folder.glob("*/*.pb"), *folder.glob("*/*.json")])


def test_every_real_feed_there_and_back(data_folder: Path) -> None:
    """Byte for byte, but for the header's own extension of the New York subway."""
    paths = feeds(data_folder)
    assert len(paths) == FEEDS
    for path in paths:
        body = path.read_bytes()
        expected = pb.FeedMessage()
        if path.suffix == ".json":
            json_format.Parse(body, expected)
        else:
            expected.ParseFromString(body)
        expected.header.DiscardUnknownFields()
        feed = realtime.decode(body)
        assert not feed.refused
        assert realtime.encode(feed) == expected.SerializeToString(deterministic=True), path.name
        assert realtime.decode(realtime.encode(feed)) == feed


def test_fields_equal_the_message(data_folder: Path) -> None:
    for path in feeds(data_folder)[::6]:
        if path.suffix == ".pb":
            message = pb.FeedMessage()
            message.ParseFromString(path.read_bytes())
            feed = realtime.decode(path.read_bytes())
            assert feed.issued_at == message.header.timestamp
            for mine, theirs in zip(feed.entity, message.entity, strict=True):
                assert mine.id == theirs.id
                assert (mine.vehicle is not None) == theirs.HasField("vehicle")
                if mine.vehicle is not None:
                    status = pb.VehiclePosition.VehicleStopStatus.Name(theirs.vehicle.current_status)
                    assert mine.vehicle.current_status_shown == status
                if mine.trip_update is not None:
                    times = [stop.arrival.time for stop in mine.trip_update.stop_time_update if stop.arrival]
                    assert times == [
                        one.arrival.time for one in theirs.trip_update.stop_time_update if one.HasField("arrival")
                    ]


def test_trains_of_one_trip_are_told_apart(data_folder: Path) -> None:
    path = next(path for path in feeds(data_folder) if path.name == "1707397157.ace.pb")
    vehicles = [
        one.vehicle.trip for one in realtime.decode(path.read_bytes()).entity if one.vehicle and one.vehicle.trip
    ]
    same = [trip.nyct.train_id for trip in vehicles if trip.trip_id == "044200_A..N" and trip.nyct]
    assert sorted(str(train) for train in same) == ["1A 0722 LEF/207", "1A 0725 RPK/207"]


HEADER = FeedHeader(gtfs_realtime_version="2.0", timestamp=1707397155)


def message(**header: object) -> bytes:
    made = pb.FeedMessage()
    made.header.gtfs_realtime_version = "2.0"
    for name, value in header.items():
        setattr(made.header, name, value)
    return made.SerializeToString()


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "an empty body"),
    "html": (lambda: b"\n <!DOCTYPE html><html><body>Service unavailable</body></html>", "a web page (HTML)"),
    "xml": (lambda: b"<?xml version='1.0'?><Error/>", "XML"),
    "zip": (zipped, "a zip archive (a static GTFS?)"),
    "gzip": (lambda: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "gzip data"),
    "json of something else": (lambda: b'{"error": "no key"}', "JSON"),
    "json cut off": (lambda: b'{"header": {', "JSON"),
    "deep json": (lambda: b'{"entity":' * 5000, "JSON"),
    "text": (lambda: b"404 not found", "13 bytes that begin with"),
    "noise": (lambda: bytes(range(256)), "256 bytes"),
    "truncated": (lambda: realtime.encode(Feed(header=HEADER))[:-1], "bytes that begin with"),
    "no timestamp": (lambda: message(), "no timestamp"),
    "milliseconds": (lambda: message(timestamp=1707397155000), "are these milliseconds?"),
    "clock never set": (lambda: message(timestamp=3600), "not a time in seconds between 2000 and 2100"),
    "far future": (lambda: message(timestamp=2**63), "not a time in seconds"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_feed(case: str) -> None:
    body, words = BAD[case]
    with pytest.raises(Invalid) as caught:
        realtime.decode(body())
    assert words in caught.value.en
    assert caught.value.zh != caught.value.en


def test_too_many_entities_are_refused_before_they_are_read() -> None:
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = 1_700_000_000
    one = message.entity.add(id="x").SerializeToString()
    body = message.header.SerializeToString()
    body = bytes((0x0A, len(body))) + body + (bytes((0x12, len(one))) + one) * (realtime.MOST + 1)
    with pytest.raises(TooLarge, match="100,001 entities"):
        realtime.decode(body)


def test_too_large() -> None:
    with pytest.raises(TooLarge):
        realtime.decode(b"x" * 1000, limit=999)


def one_vehicle(name: str, **fields: float) -> bytes:
    made = pb.FeedMessage.FromString(message(timestamp=HEADER.timestamp))
    for number, extra in enumerate(({}, fields)):
        entity = made.entity.add(id=f"{name}{number}")
        entity.vehicle.position.latitude = extra.get("latitude", 31.2)
        entity.vehicle.position.longitude = extra.get("longitude", 121.5)
        entity.vehicle.timestamp = int(extra.get("timestamp", HEADER.timestamp or 0))
    return made.SerializeToString()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"latitude": float("nan")}, "not a longitude and latitude"),
        ({"longitude": float("inf")}, "not a longitude and latitude"),
        ({"latitude": 91.0}, "not a longitude and latitude"),
        ({"timestamp": 1707397155000}, "are these milliseconds?"),
        ({"timestamp": 12}, "not a time"),
    ],
)
def test_one_broken_vehicle_does_not_blind_the_rest(fields: dict[str, float], words: str) -> None:
    feed = realtime.decode(one_vehicle("v", **fields))
    assert [entity.id for entity in feed.entity] == ["v0"]
    assert [refused.id for refused in feed.refused] == ["v1"]
    assert words in feed.refused[0].en


def test_nothing_usable_is_refused_as_a_whole() -> None:
    made = pb.FeedMessage.FromString(one_vehicle("v", timestamp=12))
    del made.entity[0]
    with pytest.raises(Invalid, match="None of the feed's 1 entities"):
        realtime.decode(made.SerializeToString())


def test_kinds_not_read_are_kept_as_they_came() -> None:
    made = pb.FeedMessage.FromString(message(timestamp=HEADER.timestamp, incrementality=1))
    made.entity.add(id="s").shape.encoded_polyline = "_p~iF~ps|U"
    made.entity.add(id="gone", is_deleted=True)
    feed = realtime.decode(made.SerializeToString())
    assert not feed.header.full
    assert realtime.encode(feed) == made.SerializeToString(deterministic=True)


TEXT = st.text(min_size=1, max_size=8)
TIME = st.none() | st.integers(realtime.EARLIEST, realtime.LATEST - 1)
ALERTS = st.builds(
    Alert,
    active_period=st.lists(st.builds(TimeRange, start=TIME, end=TIME), max_size=3).map(tuple),
    cause=st.sampled_from([None, "STRIKE", "WEATHER"]),
    severity_level=st.sampled_from([None, "INFO", "SEVERE"]),
    header_text=st.none()
    | st.builds(
        TranslatedString,
        translation=st.lists(st.builds(Translation, text=TEXT, language=st.none() | TEXT), max_size=2).map(tuple),
    ),
)


@given(st.lists(ALERTS, max_size=4))
def test_alerts_there_and_back(alerts: list[Alert]) -> None:
    entities = tuple(FeedEntity(id=str(number), alert=alert) for number, alert in enumerate(alerts))
    feed = Feed(header=HEADER, entity=entities)
    assert realtime.decode(realtime.encode(feed)) == feed


@given(st.binary(max_size=200))
def test_noise_is_a_feed_or_refused(body: bytes) -> None:
    try:
        feed = realtime.decode(body)
    except Invalid:
        return
    assert realtime.decode(realtime.encode(feed)).entity == feed.entity


@given(st.data())
def test_flipped_bytes_are_a_feed_or_refused(data: st.DataObject) -> None:
    trip = TripUpdate(trip=TripDescriptor(trip_id="t"), timestamp=HEADER.timestamp)
    body = bytearray(realtime.encode(Feed(header=HEADER, entity=(FeedEntity(id="a", trip_update=trip),))))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    with suppress(Invalid):
        realtime.decode(bytes(body))
