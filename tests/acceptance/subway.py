"""The New York subway's recorded feeds, read without any of the platform's code: what must be true after each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from google.transit import gtfs_realtime_pb2 as pb

FOLDER = "gtfs_rt/nyct_ace_20240208"
STATIC = "mtasbwy_static_cut.zip"
ESTIMATED = ("location", "bearing")
"""Attributes of a vehicle that the feed does not hold: they are computed."""
Facts = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Told:
    """What a feed says, as entities by id with values by attribute; of vehicles, `at` is the time of what they say.

    Times are seconds since 1970.
    """

    issued_at: int
    vehicles: Facts
    at: dict[str, int]
    trips: Facts
    arrivals: Facts

    @property
    def everything(self) -> Facts:
        return self.vehicles | self.trips | self.arrivals


def told(path: Path) -> Told:
    """A feed's content. Nothing of what it says is left out, so that nothing else can be right."""
    message = pb.FeedMessage()
    message.ParseFromString(path.read_bytes())
    found = Told(message.header.timestamp, {}, {}, {}, {})
    for entity in message.entity:
        assert not entity.is_deleted
        if entity.HasField("trip_update"):
            trip = entity.trip_update.trip
            found.trips["urn:ngsi-ld:GtfsTrip:nyct:" + run_of(trip)] = {
                "hasRoute": stop_or_route("GtfsRoute", trip.route_id),
                "start_date": trip.start_date,
                "start_time": trip.start_time,
                "schedule_relationship": "SCHEDULED",
            }
            found.arrivals.update(arrivals_of(entity.trip_update))
        if entity.HasField("vehicle"):
            name = "urn:ngsi-ld:Vehicle:ace:" + run_of(entity.vehicle.trip)
            assert name not in found.vehicles, "two trains under one name"
            found.vehicles[name] = vehicle_of(entity.vehicle)
            found.at[name] = min(entity.vehicle.timestamp, message.header.timestamp)
    return found


def arrivals_of(update: Any) -> Iterator[tuple[str, dict[str, object]]]:
    run = run_of(update.trip)
    for stop in update.stop_time_update:
        yield (
            f"urn:ngsi-ld:ArrivalEstimation:nyct:{run}:{stop.stop_id}",
            {
                "hasTrip": "urn:ngsi-ld:GtfsTrip:nyct:" + run,
                "hasRoute": stop_or_route("GtfsRoute", update.trip.route_id),
                "hasStop": stop_or_route("GtfsStop", stop.stop_id),
                "arrivalTime": iso(stop.arrival.time),
                "departureTime": iso(stop.departure.time),
            },
        )


def vehicle_of(vehicle: Any) -> dict[str, object]:
    trip, name = vehicle.trip, train(vehicle.trip)
    found: dict[str, object] = {
        "observationDateTime": iso(vehicle.timestamp),
        "current_status": pb.VehiclePosition.VehicleStopStatus.Name(vehicle.current_status),
        "hasStop": stop_or_route("GtfsStop", vehicle.stop_id),
        "vehicle_label": name,
        "name": name,
        "hasTrip": "urn:ngsi-ld:GtfsTrip:nyct:" + run_of(trip),
        "serviceStatus": "onRoute",
        "hasRoute": stop_or_route("GtfsRoute", trip.route_id),
        "vehicleType": "subway",
        "start_date": trip.start_date,
        "start_time": trip.start_time,
        "schedule_relationship": "SCHEDULED",
    }
    if vehicle.HasField("current_stop_sequence"):
        found["current_stop_sequence"] = vehicle.current_stop_sequence
    return found


def run_of(trip: Any) -> str:
    """What tells a run of a train, as part of an id: the trip and the day do not, since two trains may share them."""
    return ":".join(quote(part, safe="") for part in (trip.trip_id, trip.start_date, train(trip)))


def train(trip: Any) -> str:
    """The train id in the subway's extension, read from the raw bytes: field 1 of field 1001."""
    raw: bytes = trip.SerializeToString()
    at = raw.index(b"\xca\x3e") + 3  # the tag of field 1001, then the extension's length
    assert raw[at] == 0x0A
    return raw[at + 2 : at + 2 + raw[at + 1]].decode()


def stop_or_route(kind: str, name: str) -> str:
    return f"urn:ngsi-ld:{kind}:nyct:{quote(name, safe='')}"


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def without(facts: Mapping[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if name not in names}


@dataclass
class Run:
    """A train from the first feed that names it to the first that does not; `end` is when that was made."""

    start: int
    end: int | None
    said: list[tuple[int, dict[str, object]]]


def runs_of(feeds: list[Told]) -> dict[str, list[Run]]:
    """The runs of every train; one that comes back has several."""
    found: dict[str, list[Run]] = {}
    for feed in feeds:
        for name, runs in found.items():
            if name not in feed.vehicles and runs[-1].end is None:
                runs[-1].end = feed.issued_at
        for name, facts in feed.vehicles.items():
            runs = found.setdefault(name, [])
            if not runs or runs[-1].end is not None:
                runs.append(Run(runs[-1].end or 0 if runs else 0, None, []))
            runs[-1].said.append((feed.at[name], facts))
    return found


def trains_at(feeds: list[Told], seconds: int) -> Facts:
    """Where each train said it was at an instant, by all feeds: its latest word of that time or earlier."""
    found: Facts = {}
    for name, runs in runs_of(feeds).items():
        begun = [run for run in runs if any(max(at, run.start) <= seconds for at, _ in run.said)]
        if not begun or (begun[-1].end is not None and begun[-1].end <= seconds):
            continue
        said = [(at, place) for place, (at, _) in enumerate(begun[-1].said) if max(at, begun[-1].start) <= seconds]
        facts = begun[-1].said[max(said)[1]][1]
        found[name] = {key: facts[key] for key in ("current_status", "hasStop", "observationDateTime")}
    return found


def arrivals_told(feeds: list[Told]) -> dict[str, list[tuple[int, object]]]:
    """Every change of a predicted arrival, with the second in which the feed that told it was made."""
    found: dict[str, list[tuple[int, object]]] = {}
    before: Facts = {}
    for feed in feeds:
        for name, facts in feed.arrivals.items():
            if name not in before or before[name]["arrivalTime"] != facts["arrivalTime"]:
                found.setdefault(name, []).append((feed.issued_at, facts["arrivalTime"]))
        before = feed.arrivals
    return found
