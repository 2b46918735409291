"""The messages of GTFS Realtime as frozen structs; names, and the names of enumerated values, as in the standard.

None is what was not sent; where the standard gives a default, a property with the suffix `_shown` says it. Times are
POSIX seconds as sent. `nyct` is the New York subway's extension. Source: GTFS Realtime reference v2.0, https://gtfs.org/documentation/realtime/reference/
"""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message, or a part of one."""


class FeedHeader(Message, frozen=True):
    """Of what the feed is, and of when."""

    gtfs_realtime_version: str
    incrementality: str | None = None
    timestamp: int | None = None
    feed_version: str | None = None

    @property
    def full(self) -> bool:
        """Whether the feed is all there is (FULL_DATASET, the default), not only what changed."""
        return self.incrementality != "DIFFERENTIAL"


class ModifiedTripSelector(Message, frozen=True):
    """A trip as modified."""

    modifications_id: str | None = None
    affected_trip_id: str | None = None
    start_time: str | None = None
    start_date: str | None = None


class NyctTrip(Message, frozen=True):
    """New York subway: the train that runs a trip, e.g. `1A 0622 FAR/207`."""

    train_id: str | None = None
    is_assigned: bool | None = None
    direction: str | None = None


class NyctStop(Message, frozen=True):
    """New York subway: the track at a stop."""

    scheduled_track: str | None = None
    actual_track: str | None = None


class TripDescriptor(Message, frozen=True):
    """Which trip, on which day."""

    trip_id: str | None = None
    route_id: str | None = None
    direction_id: int | None = None
    start_time: str | None = None
    start_date: str | None = None
    schedule_relationship: str | None = None
    modified_trip: ModifiedTripSelector | None = None
    nyct: NyctTrip | None = None


class VehicleDescriptor(Message, frozen=True):
    """Which vehicle."""

    id: str | None = None
    label: str | None = None
    license_plate: str | None = None
    wheelchair_accessible: str | None = None


class StopTimeEvent(Message, frozen=True):
    """When: seconds since 1970, or seconds late."""

    delay: int | None = None
    time: int | None = None
    uncertainty: int | None = None
    scheduled_time: int | None = None


class StopTimeProperties(Message, frozen=True):
    """What is changed at a stop."""

    assigned_stop_id: str | None = None
    stop_headsign: str | None = None
    pickup_type: str | None = None
    drop_off_type: str | None = None


class StopTimeUpdate(Message, frozen=True):
    """A future stop of a trip."""

    stop_sequence: int | None = None
    stop_id: str | None = None
    arrival: StopTimeEvent | None = None
    departure: StopTimeEvent | None = None
    departure_occupancy_status: str | None = None
    schedule_relationship: str | None = None
    stop_time_properties: StopTimeProperties | None = None
    nyct: NyctStop | None = None


class TripProperties(Message, frozen=True):
    """What is changed on a trip; for a duplicated one, its new id and start."""

    trip_id: str | None = None
    start_date: str | None = None
    start_time: str | None = None
    shape_id: str | None = None
    trip_headsign: str | None = None
    trip_short_name: str | None = None


class TripUpdate(Message, frozen=True):
    """A trip's progress and its future stops."""

    trip: TripDescriptor
    vehicle: VehicleDescriptor | None = None
    stop_time_update: tuple[StopTimeUpdate, ...] = ()
    timestamp: int | None = None
    delay: int | None = None
    trip_properties: TripProperties | None = None


class Position(Message, frozen=True):
    """Degrees WGS 84, degrees from north, metres, metres a second."""

    latitude: float
    longitude: float
    bearing: float | None = None
    odometer: float | None = None
    speed: float | None = None


class CarriageDetails(Message, frozen=True):
    """A carriage of a train."""

    id: str | None = None
    label: str | None = None
    occupancy_status: str | None = None
    occupancy_percentage: int | None = None
    carriage_sequence: int | None = None


class VehiclePosition(Message, frozen=True):
    """Where a vehicle is, by place or by stop."""

    trip: TripDescriptor | None = None
    vehicle: VehicleDescriptor | None = None
    position: Position | None = None
    current_stop_sequence: int | None = None
    stop_id: str | None = None
    current_status: str | None = None
    timestamp: int | None = None
    congestion_level: str | None = None
    occupancy_status: str | None = None
    occupancy_percentage: int | None = None
    multi_carriage_details: tuple[CarriageDetails, ...] = ()

    @property
    def current_status_shown(self) -> str:
        """The status, IN_TRANSIT_TO where none was sent."""
        return self.current_status or "IN_TRANSIT_TO"


class TimeRange(Message, frozen=True):
    """From start to end, either of which may be open."""

    start: int | None = None
    end: int | None = None


class EntitySelector(Message, frozen=True):
    """What an alert is about."""

    agency_id: str | None = None
    route_id: str | None = None
    route_type: int | None = None
    trip: TripDescriptor | None = None
    stop_id: str | None = None
    direction_id: int | None = None


class Translation(Message, frozen=True):
    """A text in one language (BCP 47), or in no stated one."""

    text: str
    language: str | None = None


class TranslatedString(Message, frozen=True):
    """A text in its languages."""

    translation: tuple[Translation, ...] = ()


class LocalizedImage(Message, frozen=True):
    """A picture for one language."""

    url: str
    media_type: str
    language: str | None = None


class TranslatedImage(Message, frozen=True):
    """A picture in its languages."""

    localized_image: tuple[LocalizedImage, ...] = ()


class Alert(Message, frozen=True):
    """A notice to passengers."""

    active_period: tuple[TimeRange, ...] = ()
    communication_period: tuple[TimeRange, ...] = ()
    impact_period: tuple[TimeRange, ...] = ()
    informed_entity: tuple[EntitySelector, ...] = ()
    cause: str | None = None
    effect: str | None = None
    url: TranslatedString | None = None
    header_text: TranslatedString | None = None
    description_text: TranslatedString | None = None
    tts_header_text: TranslatedString | None = None
    tts_description_text: TranslatedString | None = None
    severity_level: str | None = None
    image: TranslatedImage | None = None
    image_alternative_text: TranslatedString | None = None
    cause_detail: TranslatedString | None = None
    effect_detail: TranslatedString | None = None


class FeedEntity(Message, frozen=True):
    """One thing the feed speaks of."""

    id: str
    is_deleted: bool | None = None
    trip_update: TripUpdate | None = None
    vehicle: VehiclePosition | None = None
    alert: Alert | None = None
    other: bytes = b""
    """The entity as received, where it is of a kind not read here: shape, stop, trip modifications."""


class Refused(Message, frozen=True):
    """An entity that was left out, and why."""

    id: str
    en: str
    zh: str


class Feed(Message, frozen=True):
    """A feed message."""

    header: FeedHeader
    entity: tuple[FeedEntity, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def issued_at(self) -> int:
        """When it was made, in seconds since 1970."""
        return self.header.timestamp or 0


_READ: dict[str, type[Message]] = {
    "FeedHeader": FeedHeader,
    "TripDescriptor": TripDescriptor,
    "TripDescriptor.ModifiedTripSelector": ModifiedTripSelector,
    "VehicleDescriptor": VehicleDescriptor,
    "TripUpdate": TripUpdate,
    "TripUpdate.StopTimeEvent": StopTimeEvent,
    "TripUpdate.StopTimeUpdate": StopTimeUpdate,
    "TripUpdate.StopTimeUpdate.StopTimeProperties": StopTimeProperties,
    "TripUpdate.TripProperties": TripProperties,
    "VehiclePosition": VehiclePosition,
    "VehiclePosition.CarriageDetails": CarriageDetails,
    "Position": Position,
    "Alert": Alert,
    "TimeRange": TimeRange,
    "EntitySelector": EntitySelector,
    "TranslatedString": TranslatedString,
    "TranslatedString.Translation": Translation,
    "TranslatedImage": TranslatedImage,
    "TranslatedImage.LocalizedImage": LocalizedImage,
    "FeedEntity": FeedEntity,
}
READ: dict[str, type[Message]] = {f"transit_realtime.{name}": struct for name, struct in _READ.items()} | {
    "zhicheng.nyct.TripDescriptor": NyctTrip,
    "zhicheng.nyct.StopTimeUpdate": NyctStop,
}
"""Struct of each message of the standard by its full name there; the New York subway's as declared in `nyct`."""
