"""The timetable as a GTFS zip: calendars with holidays and make-up days, shapes, names in two languages."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from zhicheng.demo.days import works
from zhicheng.demo.lines import Buses
from zhicheng.demo.plan import MADE_UP, ZONE
from zhicheng.demo.projection import Projection
from zhicheng.demo.timetable import SERVICES, Timetable

AGENCY = "ronglan-bus"
_COLOURS = ("1F6FB5", "C0392B", "1E8449", "B9770E", "6C3483", "117A65", "AF601A", "2E4053")
Row = Sequence[object]


def trip_id(service: str, row: int) -> str:
    """How a trip is called in timetable and reports.

    >>> trip_id("working", 12)
    'w00012'
    """
    return f"{service[0]}{row:05d}"


def route_id(row: int) -> str:
    """How a line is called there."""
    return f"L{row + 1:02d}"


def stop_id(row: int) -> str:
    """How a stop is called there."""
    return f"S{row + 1001}"


def archive(ground: Projection, buses: Buses, tables: dict[str, Timetable], year: int) -> bytes:
    """The zip, valid from the year before to the year after; the same for all days of a year."""
    files = {
        "agency.txt": _agency(),
        "stops.txt": _stops(ground, buses),
        "routes.txt": _routes(buses),
        "calendar.txt": _calendar(year),
        "calendar_dates.txt": _exceptions(year),
        "shapes.txt": _shapes(ground, buses),
        "trips.txt": _trips(buses, tables),
        "translations.txt": _translations(buses),
        "feed_info.txt": _info(year),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, rows in files.items():
            packed.writestr(_entry(name), _text(rows))
        packed.writestr(_entry("stop_times.txt"), _stop_times(tables))
    return made.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """With a date that does not change, so that the same city gives the same bytes."""
    entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _text(rows: Iterable[Row]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue()


def _agency() -> Iterator[Row]:
    yield "agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"
    yield AGENCY, "榕澜公交集团" + MADE_UP.zh, "https://bus.ronglan.example", ZONE, "zh"


def _info(year: int) -> Iterator[Row]:
    yield "feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_start_date", "feed_end_date", "feed_version"
    yield (
        "榕澜公交集团" + MADE_UP.zh,
        "https://bus.ronglan.example",
        "zh",
        f"{year - 1}0101",
        f"{year + 1}1231",
        str(year),
    )


def _stops(ground: Projection, buses: Buses) -> Iterator[Row]:
    yield "stop_id", "stop_code", "stop_name", "stop_desc", "stop_lat", "stop_lon", "location_type"
    stops = buses.stops
    for row, (lon, lat) in enumerate(ground.degrees(stops.places).tolist()):
        name = stops.names[row]
        yield stop_id(row), stops.codes[row], name.zh, name.en, lat, lon, 0


def _routes(buses: Buses) -> Iterator[Row]:
    yield (
        "route_id",
        "agency_id",
        "route_short_name",
        "route_long_name",
        "route_desc",
        "route_type",
        "route_color",
        "route_text_color",
    )
    for row, line in enumerate(buses.lines):
        yield route_id(row), AGENCY, line.number, line.name.zh, line.name.en, 3, _COLOURS[row % len(_COLOURS)], "FFFFFF"


def _calendar(year: int) -> Iterator[Row]:
    yield (
        "service_id",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "start_date",
        "end_date",
    )
    for service, week, weekend in zip(SERVICES, (1, 0), (0, 1), strict=True):
        yield (service, *[week] * 5, *[weekend] * 2, f"{year - 1}0101", f"{year + 1}1231")


def _exceptions(year: int) -> Iterator[Row]:
    yield "service_id", "date", "exception_type"
    day = date(year - 1, 1, 1)
    while day.year <= year + 1:
        if works(day) != (day.weekday() < 5):
            runs, rests = SERVICES if works(day) else SERVICES[::-1]
            yield runs, f"{day:%Y%m%d}", 1
            yield rests, f"{day:%Y%m%d}", 2
        day += timedelta(days=1)


def _shapes(ground: Projection, buses: Buses) -> Iterator[Row]:
    yield "shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"
    for row, line in enumerate(buses.lines):
        for way, course in enumerate(line.courses):
            for number, (lon, lat) in enumerate(ground.degrees(course.line).tolist(), 1):
                yield f"{route_id(row)}-{way}", lat, lon, number


def _trips(buses: Buses, tables: dict[str, Timetable]) -> Iterator[Row]:
    yield "route_id", "service_id", "trip_id", "trip_headsign", "direction_id", "block_id", "shape_id"
    for service, table in tables.items():
        for row, (line, way, bus) in enumerate(
            zip(table.line.tolist(), table.way.tolist(), table.bus.tolist(), strict=True)
        ):
            end = buses.stops.names[int(buses.lines[line].courses[way].stops[-1])]
            yield route_id(line), service, trip_id(service, row), end.zh, way, f"b{bus:04d}", f"{route_id(line)}-{way}"


def _translations(buses: Buses) -> Iterator[Row]:
    yield "table_name", "field_name", "language", "translation", "record_id"
    yield "agency", "agency_name", "en", "Ronglan Bus" + MADE_UP.en, AGENCY
    for row, name in enumerate(buses.stops.names):
        yield "stops", "stop_name", "en", name.en, stop_id(row)
    for row, line in enumerate(buses.lines):
        yield "routes", "route_long_name", "en", line.name.en, route_id(row)


def _stop_times(tables: dict[str, Timetable]) -> str:
    clock = [f"{one // 3600:02d}:{one // 60 % 60:02d}:{one % 60:02d}" for one in range(36 * 3600)]
    lines = ["trip_id,arrival_time,departure_time,stop_id,stop_sequence,timepoint"]
    for service, table in tables.items():
        counts = np.diff(table.first)
        trips = np.repeat([trip_id(service, row) for row in range(len(table))], counts).tolist()
        number = (np.arange(len(table.stop)) - np.repeat(table.first[:-1], counts) + 1).tolist()
        stops = [stop_id(row) for row in table.stop.tolist()]
        times = [clock[one] for one in table.arrival.tolist()]
        lines += [
            f"{trip},{time},{time},{stop},{at},0"
            for trip, time, stop, at in zip(trips, times, stops, number, strict=True)
        ]
    return "\n".join(lines) + "\n"
