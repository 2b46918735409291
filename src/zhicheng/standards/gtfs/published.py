"""The city's entities as GTFS Realtime feeds: trip updates, vehicle positions, alerts. The way back of `sensing`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.geometry import bounds
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.gtfs.arrivals import CALLED_OFF, Arrival, arrivals_of, named, runs
from zhicheng.standards.gtfs.messages import (
    Alert,
    EntitySelector,
    Feed,
    FeedEntity,
    FeedHeader,
    Position,
    StopTimeEvent,
    StopTimeUpdate,
    TimeRange,
    TranslatedString,
    Translation,
    TripDescriptor,
    TripUpdate,
    VehicleDescriptor,
    VehiclePosition,
)
from zhicheng.standards.models import said
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Entity, Quality

_CAUSES = frozenset((
    "UNKNOWN_CAUSE", "OTHER_CAUSE", "TECHNICAL_PROBLEM", "STRIKE", "DEMONSTRATION", "ACCIDENT", "HOLIDAY", "WEATHER",
    "MAINTENANCE", "CONSTRUCTION", "POLICE_ACTIVITY", "MEDICAL_EMERGENCY",
))  # fmt: skip
_EFFECTS = frozenset((
    "NO_SERVICE", "REDUCED_SERVICE", "SIGNIFICANT_DELAYS", "DETOUR", "ADDITIONAL_SERVICE", "MODIFIED_SERVICE",
    "OTHER_EFFECT", "UNKNOWN_EFFECT", "STOP_MOVED", "NO_EFFECT", "ACCESSIBILITY_ISSUE",
))  # fmt: skip
_SEVERITY = {"informational": "INFO", "low": "INFO", "medium": "WARNING", "high": "SEVERE", "critical": "SEVERE"}
_DAY = 86_400
_STATUS = frozenset(("INCOMING_AT", "STOPPED_AT", "IN_TRANSIT_TO"))
_RELATIONS = frozenset(("SCHEDULED", "ADDED", "UNSCHEDULED", "CANCELED", "REPLACEMENT", "DUPLICATED", "DELETED", "NEW"))


def _feed(entities: Iterable[FeedEntity], now: int) -> Feed:
    header = FeedHeader(gtfs_realtime_version="2.0", incrementality="FULL_DATASET", timestamp=now // SECOND)
    return Feed(header=header, entity=tuple(entities))


def trip_updates(arrivals: Iterable[Arrival], trips: Mapping[str, Entity], now: int) -> Feed:
    """Trip updates as of `now` (microseconds), with what is known of the trips (by URN): added, duplicated, called off.

    Of vehicles gone silent only that they are; of trips called off that they are, and no times.
    """
    entities = []
    for run in runs(arrivals):
        first = run[0]
        trip = trips.get(first.trip)
        if said.text(trip, "schedule_relationship") in CALLED_OFF:
            continue
        update = TripUpdate(
            trip=descriptor(first.trip, first.route, trip),
            vehicle=VehicleDescriptor(id=named(first.vehicle)[1]) if first.vehicle else None,
            stop_time_update=tuple(map(_stop_time, run)),
            timestamp=max(one.issued for one in run) // SECOND or None,
        )
        entities.append(FeedEntity(id=f"{first.vehicle} {first.trip}".strip(), trip_update=update))
    for urn, trip in trips.items():
        if said.text(trip, "schedule_relationship") in CALLED_OFF:
            update = TripUpdate(trip=descriptor(urn, said.text(trip, "hasRoute"), trip))
            entities.append(FeedEntity(id=urn, trip_update=update))
    return _feed(entities, now)


def trips_of(seen: Seen) -> Feed:
    """Trip updates of the whole city. What is known of a trip its own entity says, else its vehicle."""
    by_vehicle = {said.text(vehicle, "hasTrip"): vehicle for vehicle in seen.some("Vehicle")}
    trips = {name: one for name, one in by_vehicle.items() if name} | {one.id: one for one in seen.some("GtfsTrip")}
    return trip_updates(arrivals_of(seen.some("ArrivalEstimation")), trips, seen.now)


def vehicles_of(seen: Seen) -> Feed:
    """Vehicle positions of the whole city."""
    return vehicle_positions(seen.some("Vehicle"), seen.now)


def alerts_of(seen: Seen) -> Feed:
    """Alerts of the whole city."""
    return alerts(seen.some("Alert"), seen.now)


def descriptor(urn: str, route: str, trip: Entity | None) -> TripDescriptor:
    """Which trip on which day: by what is said of it, else by its URN.

    >>> descriptor("urn:ngsi-ld:GtfsTrip:n:t1:20240208", "urn:ngsi-ld:GtfsRoute:n:7", None).start_date
    '20240208'
    """
    parts = [unquote(part) for part in urn.split(":")[4:]]
    dates = [part for part in parts[1:] if len(part) == 8 and part.isdigit()]
    relation = said.text(trip, "schedule_relationship")
    return TripDescriptor(
        trip_id=parts[0] if parts else None,
        route_id=named(route or said.text(trip, "hasRoute"))[1] or None,
        start_date=said.text(trip, "start_date") or (dates[0] if dates else None),
        start_time=said.text(trip, "start_time") or None,
        schedule_relationship=relation if relation in _RELATIONS else None,
    )


def _stop_time(one: Arrival) -> StopTimeUpdate:
    stop = named(one.stop)[1]
    if one.skipped or one.stale:
        return StopTimeUpdate(stop_id=stop, schedule_relationship="SKIPPED" if one.skipped else "NO_DATA")
    half = min(max((one.latest - one.earliest) // (2 * SECOND), 0), _DAY)
    return StopTimeUpdate(stop_id=stop, arrival=StopTimeEvent(time=one.time // SECOND, uncertainty=half))


def vehicle_positions(vehicles: Iterable[Entity], now: int) -> Feed:
    """Vehicles of a line or trip that are somewhere: by position (unless it was only estimated), or at a stop."""
    found = ((vehicle.id, _position(vehicle)) for vehicle in vehicles)
    return _feed((FeedEntity(id=name, vehicle=one) for name, one in found if one is not None), now)


def _position(vehicle: Entity) -> VehiclePosition | None:
    place, stop, trip = (
        said.attribute(vehicle, "location"),
        said.text(vehicle, "hasStop"),
        said.text(vehicle, "hasTrip"),
    )
    measured = place is not None and not place.quality & Quality.ESTIMATED
    where = _point(vehicle) if measured else None
    if (where is None and not stop) or not (trip or said.text(vehicle, "hasRoute")):
        return None
    status = said.attribute(vehicle, "current_status")
    at = max([0, *(one.observed_at or 0 for one in (place, status) if one is not None)])
    sequence = said.value(vehicle, "current_stop_sequence")
    return VehiclePosition(
        trip=descriptor(trip, said.text(vehicle, "hasRoute"), vehicle) if trip else None,
        vehicle=VehicleDescriptor(id=named(vehicle.id)[1], label=said.text(vehicle, "vehicle_label") or None),
        position=where,
        stop_id=named(stop)[1] if stop else None,
        current_status=str(status.value) if status is not None and status.value in _STATUS else None,
        current_stop_sequence=int(sequence) if isinstance(sequence, int | float) and 0 <= sequence < 2**31 else None,
        timestamp=at // SECOND or None,
    )


def _point(vehicle: Entity) -> Position | None:
    try:
        lon, lat, _, _ = bounds(said.value(vehicle, "location"))
    except Invalid:
        return None
    bearing, speed = _number(vehicle, "bearing"), _number(vehicle, "speed")
    return Position(latitude=lat, longitude=lon, bearing=bearing, speed=None if speed is None else speed / 3.6)


def _number(entity: Entity, name: str) -> float | None:
    found = said.value(entity, name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def alerts(found: Iterable[Entity], now: int) -> Feed:
    """Alerts that affect something of public transport."""
    made = ((one.id, _alert(one)) for one in found)
    return _feed((FeedEntity(id=name, alert=alert) for name, alert in made if alert is not None), now)


def _alert(alert: Entity) -> Alert | None:
    targets = [_SELECTORS[kind](urn) for urn in said.texts(alert, "affects") if (kind := _kind(urn)) in _SELECTORS]
    header = _texts(alert, "name")
    if not targets or header is None:
        return None
    cause, effect = said.text(alert, "cause"), said.text(alert, "effect")
    return Alert(
        active_period=tuple(_periods(alert)),
        informed_entity=tuple(targets),
        cause=cause if cause in _CAUSES else None,
        effect=effect if effect in _EFFECTS else None,
        severity_level=_SEVERITY.get(said.text(alert, "severity")),
        header_text=header,
        description_text=_texts(alert, "description"),
    )


def _kind(urn: str) -> str:
    return urn.split(":")[2] if urn.count(":") >= 4 else ""


_SELECTORS: Mapping[str, Callable[[str], EntitySelector]] = {
    "GtfsStop": lambda urn: EntitySelector(stop_id=named(urn)[1]),
    "GtfsRoute": lambda urn: EntitySelector(route_id=named(urn)[1]),
    "GtfsTrip": lambda urn: EntitySelector(trip=descriptor(urn, "", None)),
    "GtfsAgency": lambda urn: EntitySelector(agency_id=named(urn)[1]),
}


def _texts(alert: Entity, name: str) -> TranslatedString | None:
    told = said.languages(alert, name)
    parts = tuple(Translation(text=text, language=tag or None) for tag, text in told.items())
    return TranslatedString(translation=parts) if parts else None


def _periods(alert: Entity) -> Iterable[TimeRange]:
    listed = said.value(alert, "activePeriods")
    spans = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not spans:
        spans = [{"start": said.value(alert, "validFrom"), "end": said.value(alert, "validTo")}]
    for span in spans:
        start, end = _seconds(span.get("start")), _seconds(span.get("end"))
        if start or end:
            yield TimeRange(start=start, end=end)


def _seconds(text: object) -> int | None:
    try:
        return max(instants.parse(text) // SECOND, 0) if isinstance(text, str) else None
    except Invalid:
        return None
