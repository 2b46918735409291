"""A timetable: read from a GTFS zip, looked up by trip, stop, shape and day, kept as Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from zhicheng.kernel import zones
from zhicheng.kernel.columns import F8, I4, I8, Coded, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.gtfs import archive, cells
from zhicheng.standards.gtfs.columns import (
    Agency,
    Calendar,
    CalendarDates,
    Frequencies,
    Routes,
    Shapes,
    Stops,
    StopTimes,
    Table,
    Trips,
)

TABLES: dict[str, type[Table]] = {
    "agency": Agency,
    "stops": Stops,
    "routes": Routes,
    "trips": Trips,
    "stop_times": StopTimes,
    "shapes": Shapes,
    "calendar": Calendar,
    "calendar_dates": CalendarDates,
    "frequencies": Frequencies,
}
REQUIRED = ("agency", "stops", "routes", "trips", "stop_times")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EARTH = 6_371_008.8
"""Mean radius in metres."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Stop times in order of trip (row of trips) and sequence; trip t holds rows first[t] to first[t + 1].

    stop: row of stops, -1 where unknown; arrival, departure: seconds of the service day, -1 where not given
    """

    first: I8
    stop: I4
    sequence: I4
    arrival: I4
    departure: I4


@dataclass(frozen=True, slots=True)
class Shape:
    """A line on the ground: degrees, and metres from its beginning."""

    lon: F8
    lat: F8
    metres: F8


@dataclass(frozen=True, eq=False)
class Static:
    """A timetable's tables; lookups are made once, when first asked for. Compared and hashed by identity."""

    agency: Agency
    stops: Stops
    routes: Routes
    trips: Trips
    stop_times: StopTimes
    shapes: Shapes
    calendar: Calendar
    calendar_dates: CalendarDates
    frequencies: Frequencies

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which its times are told."""
        return zones.zone(self.agency.agency_timezone.values[0])

    @cached_property
    def stop_rows(self) -> dict[str, int]:
        """Row of each stop by stop_id."""
        return _rows(self.stops.stop_id)

    @cached_property
    def route_rows(self) -> dict[str, int]:
        """Row of each route by route_id."""
        return _rows(self.routes.route_id)

    @cached_property
    def trip_rows(self) -> dict[str, int]:
        """Row of each trip by trip_id."""
        return _rows(self.trips.trip_id)

    @cached_property
    def trip_route(self) -> I4:
        """Row of each trip's route, -1 where unknown."""
        return _mapped(self.trips.route_id, self.route_rows)

    @cached_property
    def visits(self) -> Visits:
        """Stop times by trip; those of unknown trips are left out."""
        times = self.stop_times
        trip = _mapped(times.trip_id, self.trip_rows)
        order = np.lexsort((times.stop_sequence, trip))
        first = np.searchsorted(trip[order], np.arange(len(self.trips) + 1))
        order, first = order[first[0] :], first - first[0]
        stop = _mapped(times.stop_id, self.stop_rows)
        return Visits(
            first.astype(np.int64),
            stop[order],
            times.stop_sequence[order],
            times.arrival_time[order],
            times.departure_time[order],
        )

    @cached_property
    def looping(self) -> Mask:
        """Which trips come to one of their stops more than once."""
        visits = self.visits
        trip = np.repeat(np.arange(len(self.trips)), np.diff(visits.first))
        known = visits.stop >= 0
        keys = np.sort(trip[known] * len(self.stops) + visits.stop[known])
        again = keys[1:][keys[1:] == keys[:-1]] // len(self.stops)
        return np.bincount(again, minlength=len(self.trips)) > 0

    def visits_of(self, trip_id: str) -> slice:
        """Rows of `visits` of a trip; an empty slice for an unknown one."""
        row = self.trip_rows.get(trip_id)
        return slice(0, 0) if row is None else slice(int(self.visits.first[row]), int(self.visits.first[row + 1]))

    @cached_property
    def _shape_order(self) -> tuple[dict[str, int], I8, I8]:
        codes = self.shapes.shape_id.codes
        order = np.lexsort((self.shapes.shape_pt_sequence, codes))
        first = np.searchsorted(codes[order], np.arange(len(self.shapes.shape_id.values) + 1))
        return {value: code for code, value in enumerate(self.shapes.shape_id.values)}, order, first

    def shape(self, shape_id: str) -> Shape | None:
        """The line of a shape_id."""
        codes, order, first = self._shape_order
        code = codes.get(shape_id)
        if code is None:
            return None
        rows = order[first[code] : first[code + 1]]
        lon, lat = self.shapes.shape_pt_lon[rows], self.shapes.shape_pt_lat[rows]
        return Shape(lon, lat, np.concatenate([[0.0], np.cumsum(metres_between(lon[:-1], lat[:-1], lon[1:], lat[1:]))]))

    def services_on(self, day: date) -> frozenset[str]:
        """Services that run on a service day, with the calendar's exceptions."""
        number = day.year * 10_000 + day.month * 100 + day.day
        week: I4 = getattr(self.calendar, WEEKDAYS[day.weekday()])
        runs = (week == 1) & (self.calendar.start_date <= number) & (number <= self.calendar.end_date)
        services = set(self.calendar.service_id.take(runs).list())
        today = self.calendar_dates.date == number
        services |= set(self.calendar_dates.service_id.take(today & (self.calendar_dates.exception_type == 1)).list())
        services -= set(self.calendar_dates.service_id.take(today & (self.calendar_dates.exception_type == 2)).list())
        return frozenset(service for service in services if service is not None)

    def trips_on(self, day: date) -> Mask:
        """Which trips run on a service day."""
        services = self.services_on(day)
        known = np.array([*(service in services for service in self.trips.service_id.values), False])
        return cast(Mask, known[self.trips.service_id.codes])

    @cached_property
    def dangling(self) -> dict[str, int]:
        """Rows that name something the timetable does not have, by `table.column`; they are never matched."""
        counts = {
            "stop_times.trip_id": int((_mapped(self.stop_times.trip_id, self.trip_rows) < 0).sum()),
            "stop_times.stop_id": int((_mapped(self.stop_times.stop_id, self.stop_rows) < 0).sum()),
            "trips.route_id": int((self.trip_route < 0).sum()),
            "trips.shape_id": len(set(self.trips.shape_id.values) - set(self.shapes.shape_id.values)),
        }
        return {column: count for column, count in counts.items() if count}


def read(body: bytes, limit: int = archive.LIMIT) -> Static:
    """A timetable from the bytes of a GTFS zip. Raises Invalid, and TooLarge over `limit` unpacked bytes."""
    members = archive.unpack(body, [table.FILE for table in TABLES.values()], limit)
    for name in REQUIRED:
        _must(f"{name}.txt" in members, f"The GTFS zip has no {name}.txt", f"GTFS 压缩包缺少 {name}.txt")
    _must(
        "calendar.txt" in members or "calendar_dates.txt" in members,
        "The GTFS zip has neither calendar.txt nor calendar_dates.txt",
        "GTFS 压缩包既没有 calendar.txt 也没有 calendar_dates.txt",
    )
    read_one = {
        name: cells.read_csv(members[table.FILE], table) if table.FILE in members else cells.empty(table)
        for name, table in TABLES.items()
    }
    found = _static(read_one)
    _check(found)
    return found


def to_tables(static: Static) -> dict[str, pa.Table]:
    """The timetable as Arrow tables by name, for keeping as versioned reference tables."""
    return {name: cells.to_arrow(getattr(static, name)) for name in TABLES}


def from_tables(tables: dict[str, pa.Table]) -> Static:
    """The timetable of `to_tables`."""
    for name in REQUIRED:
        _must(name in tables, f"The stored timetable has no table {name}", f"存储的时刻表缺少 {name} 表")
    return _static(
        {
            name: cells.from_arrow(tables[name], table) if name in tables else cells.empty(table)
            for name, table in TABLES.items()
        }
    )


def metres_between(lon: F8, lat: F8, lon2: F8, lat2: F8) -> F8:
    """Great-circle distances by the haversine formula.

    >>> round(float(metres_between(np.array([0.0]), np.array([0.0]), np.array([0.0]), np.array([1.0]))[0]))
    111195
    """
    half = np.sin(np.radians(lat2 - lat) / 2) ** 2
    half += np.cos(np.radians(lat)) * np.cos(np.radians(lat2)) * np.sin(np.radians(lon2 - lon) / 2) ** 2
    return cast(F8, 2 * EARTH * np.arcsin(np.sqrt(half)))


def _static(tables: dict[str, Table]) -> Static:
    return Static(**{column.name: tables[column.name] for column in fields(Static)})  # type: ignore[arg-type]  # each table is of its field's type


def _check(static: Static) -> None:
    """What a table alone cannot see: places on the globe, and a time zone that exists."""
    _must(len(static.agency) > 0, "agency.txt has no row", "agency.txt 没有数据行")
    _must(len(static.stops) > 0, "stops.txt has no row", "stops.txt 没有数据行")
    _ = static.zone
    stops = static.stops
    placeless = np.isnan(stops.stop_lat) & np.isnan(stops.stop_lon) & np.isin(stops.location_type, (3, 4))
    _on_globe(stops.stop_lon, stops.stop_lat, placeless, stops)
    _on_globe(static.shapes.shape_pt_lon, static.shapes.shape_pt_lat, False, static.shapes)


def _on_globe(lon: F8, lat: F8, excused: Mask | bool, table: Table) -> None:
    bad = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)) & ~np.asarray(excused)
    if bad.any():
        row = int(np.argmax(bad)) + 2
        place = f"({lon[row - 2]}, {lat[row - 2]})"
        raise Invalid(
            f"{table.FILE} line {row}: {place} is not a longitude and latitude",
            f"{table.FILE} 第 {row} 行：{place} 不是有效的经纬度",
            file=table.FILE,
            row=row,
        )


def _must(holds: bool, en: str, zh: str) -> None:
    if not holds:
        raise Invalid(en, zh)


def _rows(column: Coded) -> dict[str, int]:
    return {value: row for row, value in enumerate(column.list()) if value is not None}


def _mapped(column: Coded, rows: dict[str, int]) -> I4:
    known = np.array([*(rows.get(value, -1) for value in column.values), -1], dtype=np.int32)
    return known[column.codes]
