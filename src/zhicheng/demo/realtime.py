"""The buses' reports and the operator's notices as one GTFS Realtime feed."""

from __future__ import annotations

from collections.abc import Sequence

from google.transit import gtfs_realtime_pb2 as pb

from zhicheng.demo import chance
from zhicheng.demo.days import DAY, day_of, midnight, works
from zhicheng.demo.fleet import Reports
from zhicheng.demo.gtfs import route_id, stop_id, trip_id
from zhicheng.demo.lines import Buses
from zhicheng.demo.plan import MADE_UP
from zhicheng.demo.projection import Projection
from zhicheng.demo.runs import Runs
from zhicheng.demo.timetable import SERVICES

_CROWDED = ((0.1, 0), (0.4, 1), (0.65, 2), (0.85, 3), (0.97, 4), (2.0, 5))
_NOTICES = (
    (pb.Alert.CONSTRUCTION, pb.Alert.DETOUR, "{road}施工，{line}路临时绕行",
     "Roadworks at {road}: line {line} is diverted"),
    (pb.Alert.MAINTENANCE, pb.Alert.STOP_MOVED, "{road}站台维修，{line}路临时移站",
     "{road} is being repaired: line {line} stops nearby"),
    (pb.Alert.HOLIDAY, pb.Alert.ADDITIONAL_SERVICE, "客流较大，{line}路增加班次，途经{road}",
     "Many passengers: more buses on line {line} by {road}"),
    (pb.Alert.WEATHER, pb.Alert.SIGNIFICANT_DELAYS, "降雨影响，{line}路{road}一带可能延误",
     "Rain: line {line} may be late near {road}"),
)  # fmt: skip


def feed(seed: int, ground: Projection, buses: Buses, days: Sequence[Runs], said: Reports, now: float) -> bytes:
    """All buses as last heard of, and today's notices."""
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = pb.FeedHeader.FULL_DATASET
    message.header.timestamp = int(now)
    degrees = ground.degrees(said.places).tolist()
    columns = (
        said.at,
        said.speed,
        said.bearing,
        said.run,
        said.trip,
        said.stop,
        said.sequence,
        said.status,
        said.crowding,
    )
    for bus, ((lon, lat), *values) in enumerate(zip(degrees, *(one.tolist() for one in columns), strict=True)):
        _vehicle(message, bus, lon, lat, values, days)
    _alerts(message, seed, buses, now)
    return bytes(message.SerializeToString(deterministic=True))


def _vehicle(
    message: pb.FeedMessage, bus: int, lon: float, lat: float, values: list[float], days: Sequence[Runs]
) -> None:
    at, speed, bearing, run, trip, stop, sequence, status, crowding = values
    entity = message.entity.add(id=f"b{bus:04d}")
    vehicle = entity.vehicle
    vehicle.vehicle.id = f"b{bus:04d}"
    vehicle.vehicle.label = f"公交{1001 + bus}"
    vehicle.timestamp = int(at)
    vehicle.position.latitude = lat
    vehicle.position.longitude = lon
    vehicle.position.speed = round(speed, 1)
    vehicle.position.bearing = round(bearing)
    if run < 0:
        return
    one = days[int(run)]
    service = SERVICES[0] if works(one.day) else SERVICES[1]
    vehicle.trip.trip_id = trip_id(service, int(trip))
    vehicle.trip.route_id = route_id(int(one.table.line[int(trip)]))
    vehicle.trip.start_date = f"{one.day:%Y%m%d}"
    vehicle.trip.direction_id = int(one.table.way[int(trip)])
    vehicle.stop_id = stop_id(int(stop))
    vehicle.current_stop_sequence = int(sequence)
    vehicle.current_status = int(status)  # type: ignore[assignment]  # the stubs want the enum's own type
    vehicle.occupancy_status = next(code for most, code in _CROWDED if crowding < most)  # type: ignore[assignment]  # as above


def _alerts(message: pb.FeedMessage, seed: int, buses: Buses, now: float) -> None:
    """A few each day; the same all day long."""
    day = day_of(now)
    for number in range(3 + int(3 * chance.uniform(seed, day.toordinal(), 61))):
        keys = (seed, day.toordinal(), number)
        line = int(chance.uniform(*keys, 62) * len(buses.lines))
        stops = buses.lines[line].courses[0].stops
        stop = int(stops[int(chance.uniform(*keys, 63) * len(stops))])
        cause, effect, zh, en = _NOTICES[int(chance.uniform(*keys, 64) * len(_NOTICES))]
        alert = message.entity.add(id=f"notice-{day:%Y%m%d}-{number + 1}").alert
        alert.cause, alert.effect, alert.severity_level = cause, effect, pb.Alert.WARNING
        alert.active_period.add(start=midnight(day), end=midnight(day) + DAY)
        alert.informed_entity.add(route_id=route_id(line))
        alert.informed_entity.add(stop_id=stop_id(stop))
        name = buses.stops.names[stop]
        words = {"line": buses.lines[line].number}
        for text, language, road, mark in ((zh, "zh", name.zh, MADE_UP.zh), (en, "en", name.en, MADE_UP.en)):
            alert.header_text.translation.add(text=text.format(road=road, **words) + mark, language=language)
