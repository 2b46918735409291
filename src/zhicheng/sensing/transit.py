"""Decoder `gtfs-rt`: a GTFS Realtime feed to entities of vehicles, trips, arrivals and alerts.

Vehicle: where it is (measured, or placed on its trip's line and marked as estimated), at which stop, on which trip.
GtfsTrip: an instance of a trip, on its day. ArrivalEstimation: one for each stop still to come of each trip instance.

Times: observedAt is the vehicle's or trip's own timestamp, else the feed's, and never after the feed was made: some
producers write there when a waiting train will leave. What was written is kept as observationDateTime.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from zhicheng.analysis import placement
from zhicheng.analysis.patterns import find_patterns
from zhicheng.kernel import zones
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import SECOND
from zhicheng.sensing.alerts import alert_entity
from zhicheng.sensing.decoded import Decoded, DecodeSettings, Refusal
from zhicheng.sensing.transit_names import LOCATION, PLACEMENT, fact, iri, moment, observed, part, point, relation, urn
from zhicheng.standards.gtfs import realtime
from zhicheng.standards.gtfs.messages import (
    Feed,
    StopTimeEvent,
    StopTimeUpdate,
    TripDescriptor,
    TripProperties,
    TripUpdate,
    VehiclePosition,
)
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality

PLACED = {
    placement.By.STOP: "stop",
    placement.By.LINE: "straightLine",
    placement.By.OTHER: "otherShape",
    placement.By.SHAPE: "shape",
}
VEHICLE_TYPES = {0: "tram", 1: "subway", 2: "train", 3: "bus", 4: "ferry", 5: "cableCar", 6: "gondola", 7: "funicular"}
"""By GTFS route_type; `tram` and `bus` are also Smart Data Models' words."""
_VEHICLE, _TRIP, _ARRIVAL = (iri("Vehicle"),), (iri("GtfsTrip"),), (iri("ArrivalEstimation"),)
_HAS_STOP, _HAS_TRIP, _HAS_ROUTE, _HAS_VEHICLE = iri("hasStop"), iri("hasTrip"), iri("hasRoute"), iri("hasVehicle")
_ARRIVES, _DEPARTS, _SEQUENCE, _DELAY = iri("arrivalTime"), iri("departureTime"), iri("stopSequence"), iri("delay")
_RELATION = iri("schedule_relationship")


def decode_realtime(body: bytes, settings: DecodeSettings) -> Decoded:
    """A GTFS Realtime feed. Raises Invalid and TooLarge; single entities that cannot be are in `refused`."""
    feed = realtime.decode(body, settings.limit)
    reading = Reading(feed, settings)
    found = Found([Refusal(one.id, one.en, one.zh) for one in feed.refused])
    removed: list[str] = []
    for raw in feed.entity:
        if raw.is_deleted:
            removed += reading.ids(raw.trip_update, raw.vehicle) or [urn("Alert", settings.feed, raw.id)]
            continue
        if raw.trip_update is not None:
            found.add(raw.id, reading.trip(raw.trip_update))
        if raw.alert is not None:
            found.add(raw.id, [alert_entity(raw.id, raw.alert, reading.issued, settings)])
    for entity, raw_id in reading.vehicles():
        found.add(raw_id, [entity])
    return Decoded(
        [entity for group in found.groups.values() for entity in group],
        full=feed.header.full,
        whole=True,
        issued_at=feed.issued_at * SECOND,
        removed=tuple(removed),
        refused=tuple(found.refused),
    )


@dataclass
class Found:
    """Entities by the id of the first of each group; what comes twice counts as it came last, and is said."""

    refused: list[Refusal]
    groups: dict[str, list[Entity]] = field(default_factory=dict)

    def add(self, raw_id: str, group: list[Entity]) -> None:
        """A vehicle, an alert, or a trip with its arrivals."""
        name = group[0].id
        if name in self.groups:
            en, zh = f"{name} comes twice in the feed; the last counts", f"{name} 重复出现，以最后一个为准"
            self.refused.append(Refusal(raw_id, en, zh))
        distinct = {entity.id: entity for entity in group}
        if len(distinct) < len(group):
            en, zh = (
                f"{name} comes to a stop twice under one number; the last counts",
                f"{name} 同一站序重复，以最后一个为准",
            )
            self.refused.append(Refusal(raw_id, en, zh))
        self.groups[name] = list(distinct.values())


@dataclass
class Reading:
    """One feed being read, with what its parts share."""

    feed: Feed
    settings: DecodeSettings
    days: dict[str, date | None] = field(default_factory=dict)
    stops: dict[str, tuple[str, list[Attribute]]] = field(default_factory=dict)

    @cached_property
    def network(self) -> str:
        return self.settings.network or self.settings.feed

    @property
    def static(self) -> Static | None:
        return self.settings.static

    @cached_property
    def issued(self) -> int:
        """Seconds."""
        return self.feed.issued_at

    @cached_property
    def updates(self) -> dict[str, TripUpdate]:
        """Trip updates by the id of their trip instance."""
        found = (raw.trip_update for raw in self.feed.entity if raw.trip_update is not None and not raw.is_deleted)
        return {self.trip_urn(update.trip, update.trip_properties): update for update in found}

    def at(self, timestamp: int | None) -> int:
        """The instant of an observation: its own, but not after the feed was made."""
        return min(timestamp or self.issued, self.issued) * SECOND

    def ids(self, update: TripUpdate | None, vehicle: VehiclePosition | None) -> list[str]:
        """The ids of what a deleted entity stood for."""
        found = [self.vehicle_urn(vehicle)] if vehicle is not None else []
        if update is not None:
            found += [entity.id for entity in self.trip(update)]
        return found

    def trip_urn(self, trip: TripDescriptor, changed: TripProperties | None = None) -> str:
        """The id of a trip instance: trip, day, and what else is needed to tell it apart."""
        return urn("GtfsTrip", self.network, *self.instance(trip, changed))

    def instance(self, trip: TripDescriptor, changed: TripProperties | None = None) -> list[str]:
        """What tells a trip instance: its train where trips of one id run at once, else its start time."""
        day = (changed and changed.start_date) or trip.start_date
        start = (changed and changed.start_time) or trip.start_time
        train = trip.nyct.train_id if trip.nyct is not None else None
        named = (changed and changed.trip_id) or trip.trip_id
        parts = [named or f"{trip.route_id or ''}-{trip.direction_id or 0}", day, train or start]
        return [one for one in parts if one]

    def vehicle_urn(self, vehicle: VehiclePosition) -> str:
        """The id of a vehicle: its own, else its label or plate, else that of its trip instance."""
        own = vehicle.vehicle
        named = own and (own.id or own.label or own.license_plate)
        if named:
            return urn("Vehicle", self.settings.feed, named)
        return urn("Vehicle", self.settings.feed, *(self.instance(vehicle.trip) if vehicle.trip is not None else ["-"]))

    def route(self, trip: TripDescriptor) -> str | None:
        """The route_id of a trip, from the feed or else the timetable."""
        if trip.route_id or self.static is None:
            return trip.route_id
        row = self.static.trip_rows.get(trip.trip_id or "")
        return None if row is None else self.static.trips.route_id[row]

    def trip(self, update: TripUpdate) -> list[Entity]:
        """The trip instance and the arrivals at its stops."""
        changed = update.trip_properties
        trip_urn = self.trip_urn(update.trip, changed)
        at = self.at(update.timestamp)
        attributes = self._trip_facts(update.trip, at)
        attributes[_RELATION] = observed(update.trip.schedule_relationship or "SCHEDULED", at)
        if update.delay is not None:
            attributes[iri("trip_delay")] = observed(update.delay, at, "SEC")
        if update.vehicle is not None:
            attributes[_HAS_VEHICLE] = relation(
                self.vehicle_urn(VehiclePosition(trip=update.trip, vehicle=update.vehicle)), at
            )
        if changed is not None and changed.trip_headsign:
            attributes[iri("headSign")] = fact(changed.trip_headsign)
        return [Entity(trip_urn, _TRIP, attributes), *self._arrivals(update, trip_urn, at)]

    def _trip_facts(self, trip: TripDescriptor, at: int) -> dict[str, list[Attribute]]:
        attributes: dict[str, list[Attribute]] = {}
        route = self.route(trip)
        if route is not None:
            attributes[_HAS_ROUTE] = relation(urn("GtfsRoute", self.network, route))
        if trip.start_date:
            attributes[iri("start_date")] = fact(trip.start_date)
        if trip.start_time:
            attributes[iri("start_time")] = fact(trip.start_time)
        if trip.direction_id is not None:
            attributes[iri("direction")] = fact(trip.direction_id)
        if self.static is not None and (row := self.static.trip_rows.get(trip.trip_id or "")) is not None:
            sign = self.static.trips.trip_headsign[row]
            if sign is not None:
                attributes[iri("headSign")] = fact(sign)
        return attributes

    def _arrivals(self, update: TripUpdate, trip_urn: str, at: int) -> list[Entity]:
        """An entity for each stop to come. They share their relationships: most of a feed is these entities."""
        route = self.route(update.trip)
        shared = {_HAS_TRIP: relation(trip_urn)}
        if route is not None:
            shared[_HAS_ROUTE] = relation(urn("GtfsRoute", self.network, route))
        scheduled = self._scheduled(update)
        beginning = "urn:ngsi-ld:ArrivalEstimation:" + trip_urn.removeprefix("urn:ngsi-ld:GtfsTrip:")
        times = Counter[str]() if self._loops(update) else None
        entities = []
        for stop in update.stop_time_update:
            planned = scheduled.get(stop.stop_sequence if stop.stop_sequence is not None else stop.stop_id)
            stop_id = stop.stop_id or (planned.stop_id if planned is not None else None)
            attributes = shared.copy()
            if stop_id:
                name, target = self._stop(stop_id)
                attributes[_HAS_STOP] = target
                key = f":{name}"
                if times is not None:
                    times[stop_id] += 1
                    key += f":{stop.stop_sequence if stop.stop_sequence is not None else times[stop_id]}"
            else:
                key = f":-{stop.stop_sequence}"
            changed = stop.stop_time_properties
            if changed is not None and changed.assigned_stop_id:
                attributes[_HAS_STOP] = self._stop(changed.assigned_stop_id)[1]
            _times(attributes, stop, planned, at)
            entities.append(Entity(beginning + key, _ARRIVAL, attributes))
        return entities

    def _stop(self, stop_id: str) -> tuple[str, list[Attribute]]:
        """A stop's part of a URN, and the relationship to it."""
        found = self.stops.get(stop_id)
        if found is None:
            name = part(stop_id)
            found = self.stops[stop_id] = (name, relation(urn("GtfsStop", self.network, stop_id)))
        return found

    def _loops(self, update: TripUpdate) -> bool:
        """Whether the trip comes to a stop twice, by the timetable or by what is still to come."""
        row = self.static.trip_rows.get(update.trip.trip_id or "") if self.static is not None else None
        if self.static is not None and row is not None and self.static.looping[row]:
            return True
        visits: list[tuple[object, str | None]] = [
            (number if stop.stop_sequence is None else stop.stop_sequence, stop.stop_id)
            for number, stop in enumerate(update.stop_time_update)
            if stop.stop_id is not None
        ]
        return len({stop_id for _, stop_id in visits}) < len(set(visits))

    def _scheduled(self, update: TripUpdate) -> dict[int | str | None, Planned]:
        """The timetable's stops of the trip by sequence and by stop_id, where the feed leaves out times or stops."""
        static, trip = self.static, update.trip
        day = self._day(trip.start_date)
        if static is None or day is None or all(map(_complete, update.stop_time_update)):
            return {}
        found: dict[int | str | None, Planned] = {}
        rows = static.visits_of(trip.trip_id or "")
        start = zones.service_start(static.zone, day) // SECOND
        for row in range(rows.start, rows.stop):
            stop = int(static.visits.stop[row])
            arrival, departure = int(static.visits.arrival[row]), int(static.visits.departure[row])
            stop_id = static.stops.stop_id[stop] if stop >= 0 else None
            planned = Planned(
                stop_id, start + arrival if arrival >= 0 else None, start + departure if departure >= 0 else None
            )
            found.setdefault(stop_id, planned)
            found[int(static.visits.sequence[row])] = planned
        return found

    def _day(self, text: str | None) -> date | None:
        if not text:
            return None
        if text not in self.days:
            try:
                self.days[text] = zones.parse_date(text)
            except Invalid:  # the day is the producer's text; without it only sums with the timetable are lost
                self.days[text] = None
        return self.days[text]

    def vehicles(self) -> list[tuple[Entity, str]]:
        """The vehicles, each with the id of the feed's entity; those without a position placed all at once."""
        raws = [(raw.vehicle, raw.id) for raw in self.feed.entity if raw.vehicle is not None and not raw.is_deleted]
        spots = self._placed([vehicle for vehicle, _ in raws])
        return [
            (Entity(self.vehicle_urn(vehicle), _VEHICLE, self._vehicle(vehicle, spot)), raw_id)
            for (vehicle, raw_id), spot in zip(raws, spots, strict=True)
        ]

    def _placed(self, vehicles: list[VehiclePosition]) -> list[tuple[float, float, float, placement.By] | None]:
        spots: list[tuple[float, float, float, placement.By] | None] = [None] * len(vehicles)
        rows = [row for row, vehicle in enumerate(vehicles) if not _fixed(vehicle) and vehicle.stop_id]
        if self.static is None or not rows:
            return spots
        placed = placement.place([self.report(vehicles[row]) for row in rows], find_patterns(self.static))
        columns = (placed.lon.tolist(), placed.lat.tolist(), placed.bearing.tolist(), placed.by.tolist())
        for row, lon, lat, bearing, by in zip(rows, *columns, strict=True):
            if by:
                spots[row] = (lon, lat, bearing, placement.By(by))
        return spots

    def report(self, vehicle: VehiclePosition) -> placement.Report:
        """What a vehicle says of where it is, with what its trip's update predicts."""
        trip = vehicle.trip or TripDescriptor()
        update = self.updates.get(self.trip_urn(trip))
        stops = update.stop_time_update if update is not None else ()
        left = None
        for stop in stops:
            if stop.stop_id == vehicle.stop_id:
                event = stop.arrival or stop.departure
                if event is not None and event.time:
                    left = event.time - self.at(vehicle.timestamp) / SECOND
                break
        return placement.Report(
            trip.trip_id,
            self.route(trip),
            vehicle.stop_id,
            vehicle.current_status_shown,
            vehicle.current_stop_sequence,
            [stop.stop_id for stop in stops],
            left,
        )

    def _vehicle(
        self, vehicle: VehiclePosition, spot: tuple[float, float, float, placement.By] | None
    ) -> dict[str, list[Attribute]]:
        at = self.at(vehicle.timestamp)
        attributes = _place(vehicle, spot, at)
        if vehicle.timestamp:
            attributes[iri("observationDateTime")] = observed(moment(vehicle.timestamp), at)
        if vehicle.stop_id or vehicle.current_stop_sequence is not None:
            attributes[iri("current_status")] = observed(vehicle.current_status_shown, at)
        if vehicle.current_stop_sequence is not None:
            attributes[iri("current_stop_sequence")] = observed(vehicle.current_stop_sequence, at)
        if vehicle.stop_id:
            attributes[_HAS_STOP] = relation(urn("GtfsStop", self.network, vehicle.stop_id), at)
        for name, value in (
            ("congestionLevel", vehicle.congestion_level),
            ("occupancyStatus", vehicle.occupancy_status),
        ):
            if value is not None:
                attributes[iri(name)] = observed(value, at)
        if vehicle.occupancy_percentage is not None:
            attributes[iri("occupancy")] = observed(vehicle.occupancy_percentage / 100, at, "C62")
        attributes |= _descriptor(vehicle)
        if vehicle.trip is not None:
            attributes |= self._vehicle_trip(vehicle.trip, at)
        return attributes

    def _vehicle_trip(self, trip: TripDescriptor, at: int) -> dict[str, list[Attribute]]:
        attributes = {_HAS_TRIP: relation(self.trip_urn(trip), at), iri("serviceStatus"): observed("onRoute", at)}
        route = self.route(trip)
        if route is not None:
            attributes[_HAS_ROUTE] = relation(urn("GtfsRoute", self.network, route), at)
            row = self.static.route_rows.get(route) if self.static is not None else None
            kind = (
                VEHICLE_TYPES.get(int(self.static.routes.route_type[row])) if self.static and row is not None else None
            )
            if kind is not None:
                attributes[iri("vehicleType")] = fact(kind)
        for name, value in (("start_date", trip.start_date), ("start_time", trip.start_time)):
            if value:
                attributes[iri(name)] = observed(value, at)
        attributes[_RELATION] = observed(trip.schedule_relationship or "SCHEDULED", at)
        return attributes


@dataclass(frozen=True, slots=True)
class Planned:
    """A stop of a trip in the timetable; seconds since 1970."""

    stop_id: str | None
    arrival: int | None
    departure: int | None


def _complete(stop: StopTimeUpdate) -> bool:
    """Whether the update needs nothing of the timetable."""
    arrival, departure = stop.arrival, stop.departure
    return (
        stop.stop_id is not None
        and (arrival is None or bool(arrival.time))
        and (departure is None or bool(departure.time))
    )


def _times(attributes: dict[str, list[Attribute]], stop: StopTimeUpdate, planned: Planned | None, at: int) -> None:
    """Add a stop's predicted times, its place in the trip and its relation to the timetable."""
    arrives, departs = stop.arrival, stop.departure
    arrival = None if arrives is None else arrives.time or _seconds(arrives, planned.arrival if planned else None)
    departure = None if departs is None else departs.time or _seconds(departs, planned.departure if planned else None)
    if arrival is not None:
        attributes[_ARRIVES] = [Attribute(Kind.PROPERTY, moment(arrival), at)]
    if departure is not None:
        same = departure == arrival
        attributes[_DEPARTS] = attributes[_ARRIVES] if same else [Attribute(Kind.PROPERTY, moment(departure), at)]
    for event in (departs, arrives):
        if event is not None and event.delay is not None:
            attributes[_DELAY] = observed(event.delay, at, "SEC")
    if stop.stop_sequence is not None:
        attributes[_SEQUENCE] = fact(stop.stop_sequence)
    if stop.schedule_relationship is not None:
        attributes[_RELATION] = observed(stop.schedule_relationship, at)


def _seconds(event: StopTimeEvent, planned: int | None) -> int | None:
    """The predicted time of an event that says only how late: the timetable's and the delay."""
    return None if planned is None or event.delay is None else planned + event.delay


def _fixed(vehicle: VehiclePosition) -> bool:
    """Whether the vehicle sent a position; exactly (0, 0) is what receivers without one write."""
    place = vehicle.position
    return place is not None and (place.latitude != 0 or place.longitude != 0)


def _place(
    vehicle: VehiclePosition, spot: tuple[float, float, float, placement.By] | None, at: int
) -> dict[str, list[Attribute]]:
    """Location, bearing, speed and distance run: measured, or estimated from the line."""
    attributes: dict[str, list[Attribute]] = {}
    measured = vehicle.position
    if measured is not None and _fixed(vehicle):
        attributes[LOCATION] = [Attribute(Kind.GEO, point(measured.longitude, measured.latitude), at)]
        bearing, speed = realtime.finite(measured.bearing), realtime.finite(measured.speed)
        if bearing is not None:
            attributes[iri("bearing")] = observed(round(bearing % 360, 3), at, "DD")
        if speed is not None and speed >= 0:
            attributes[iri("speed")] = observed(round(speed * 3.6, 3), at, "KMH")
        if (run := realtime.finite(measured.odometer)) is not None and run >= 0:
            attributes[iri("mileageFromOdometer")] = observed(round(run / 1000, 3), at, "KMT")
    elif spot is not None:
        lon, lat, bearing, by = spot
        how = {PLACEMENT: fact(PLACED[by])}
        attributes[LOCATION] = [Attribute(Kind.GEO, point(lon, lat), at, sub=how, quality=Quality.ESTIMATED)]
        if realtime.finite(bearing) is not None:
            attributes[iri("bearing")] = observed(round(bearing, 1), at, "DD", Quality.ESTIMATED)
    return attributes


def _descriptor(vehicle: VehiclePosition) -> dict[str, list[Attribute]]:
    own = vehicle.vehicle
    train = vehicle.trip.nyct.train_id if vehicle.trip is not None and vehicle.trip.nyct is not None else None
    label = (own.label if own is not None else None) or train
    found = {}
    if label:
        found = {iri("vehicle_label"): fact(label), iri("name"): fact(label)}
    if own is not None and own.license_plate:
        found[iri("license_plate")] = fact(own.license_plate)
    return found
