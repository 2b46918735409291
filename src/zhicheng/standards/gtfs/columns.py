"""The files of a timetable as frozen tables of columns: what is read of each, and how a column is read.

Adding a column is a line here. Source: GTFS Schedule reference, https://gtfs.org/documentation/schedule/reference/
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Annotated, ClassVar, NamedTuple, get_origin, get_type_hints

from zhicheng.kernel.columns import F8, I4, Coded


class Read(Enum):
    """How the text of a CSV cell becomes a value; what an empty cell becomes."""

    TEXT = "text"
    """Coded; empty is nothing (code -1)."""
    NUMBER = "number"
    """float64; empty is NaN."""
    WHOLE = "whole number"
    """int32; empty is -1."""
    TIME = "time"
    """int32 seconds since the service day began; empty is -1."""
    DATE = "day"
    """int32 such as 20240208; empty is -1."""


class Need(Enum):
    """What a file must have."""

    NOTHING = 0
    COLUMN = 1
    VALUE = 2
    """The column, and a value in every row."""


class Column(NamedTuple):
    """How a column is read."""

    read: Read
    need: Need = Need.NOTHING


def columns_of(table: type[Table]) -> dict[str, Column]:
    """The columns of a table by name, from their annotations."""
    hints = get_type_hints(table, include_extras=True)
    return {name: Column(*hint.__metadata__) for name, hint in hints.items() if get_origin(hint) is Annotated}


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns, all of one length."""

    FILE: ClassVar[str] = ""
    KEY: ClassVar[str] = ""
    """The column whose values are distinct, if there is one."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True, slots=True)
class Agency(Table):
    """Who runs the service, and in which time zone."""

    FILE: ClassVar[str] = "agency.txt"
    agency_id: Annotated[Coded, Read.TEXT]
    agency_name: Annotated[Coded, Read.TEXT, Need.VALUE]
    agency_url: Annotated[Coded, Read.TEXT]
    agency_timezone: Annotated[Coded, Read.TEXT, Need.VALUE]
    agency_lang: Annotated[Coded, Read.TEXT]
    agency_phone: Annotated[Coded, Read.TEXT]


@dataclass(frozen=True, slots=True)
class Stops(Table):
    """Stops, platforms and stations."""

    FILE: ClassVar[str] = "stops.txt"
    KEY: ClassVar[str] = "stop_id"
    stop_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    stop_code: Annotated[Coded, Read.TEXT]
    stop_name: Annotated[Coded, Read.TEXT]
    stop_desc: Annotated[Coded, Read.TEXT]
    stop_lat: Annotated[F8, Read.NUMBER, Need.COLUMN]
    stop_lon: Annotated[F8, Read.NUMBER, Need.COLUMN]
    zone_id: Annotated[Coded, Read.TEXT]
    location_type: Annotated[I4, Read.WHOLE]
    parent_station: Annotated[Coded, Read.TEXT]
    wheelchair_boarding: Annotated[I4, Read.WHOLE]
    platform_code: Annotated[Coded, Read.TEXT]


@dataclass(frozen=True, slots=True)
class Routes(Table):
    """Lines as passengers know them."""

    FILE: ClassVar[str] = "routes.txt"
    KEY: ClassVar[str] = "route_id"
    route_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    agency_id: Annotated[Coded, Read.TEXT]
    route_short_name: Annotated[Coded, Read.TEXT]
    route_long_name: Annotated[Coded, Read.TEXT]
    route_desc: Annotated[Coded, Read.TEXT]
    route_type: Annotated[I4, Read.WHOLE, Need.VALUE]
    route_color: Annotated[Coded, Read.TEXT]
    route_text_color: Annotated[Coded, Read.TEXT]


@dataclass(frozen=True, slots=True)
class Trips(Table):
    """Trips as planned, each on the days of its service."""

    FILE: ClassVar[str] = "trips.txt"
    KEY: ClassVar[str] = "trip_id"
    trip_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    route_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    service_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    trip_headsign: Annotated[Coded, Read.TEXT]
    trip_short_name: Annotated[Coded, Read.TEXT]
    direction_id: Annotated[I4, Read.WHOLE]
    block_id: Annotated[Coded, Read.TEXT]
    shape_id: Annotated[Coded, Read.TEXT]


@dataclass(frozen=True, slots=True)
class StopTimes(Table):
    """When each trip is at each of its stops; times may be missing between timepoints."""

    FILE: ClassVar[str] = "stop_times.txt"
    trip_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    stop_id: Annotated[Coded, Read.TEXT, Need.COLUMN]
    stop_sequence: Annotated[I4, Read.WHOLE, Need.VALUE]
    arrival_time: Annotated[I4, Read.TIME]
    departure_time: Annotated[I4, Read.TIME]


@dataclass(frozen=True, slots=True)
class Shapes(Table):
    """Points of the lines that vehicles travel."""

    FILE: ClassVar[str] = "shapes.txt"
    shape_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    shape_pt_lat: Annotated[F8, Read.NUMBER, Need.VALUE]
    shape_pt_lon: Annotated[F8, Read.NUMBER, Need.VALUE]
    shape_pt_sequence: Annotated[I4, Read.WHOLE, Need.VALUE]


@dataclass(frozen=True, slots=True)
class Calendar(Table):
    """Services by day of the week."""

    FILE: ClassVar[str] = "calendar.txt"
    KEY: ClassVar[str] = "service_id"
    service_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    monday: Annotated[I4, Read.WHOLE, Need.VALUE]
    tuesday: Annotated[I4, Read.WHOLE, Need.VALUE]
    wednesday: Annotated[I4, Read.WHOLE, Need.VALUE]
    thursday: Annotated[I4, Read.WHOLE, Need.VALUE]
    friday: Annotated[I4, Read.WHOLE, Need.VALUE]
    saturday: Annotated[I4, Read.WHOLE, Need.VALUE]
    sunday: Annotated[I4, Read.WHOLE, Need.VALUE]
    start_date: Annotated[I4, Read.DATE, Need.VALUE]
    end_date: Annotated[I4, Read.DATE, Need.VALUE]


@dataclass(frozen=True, slots=True)
class CalendarDates(Table):
    """Days a service is added (1) or removed (2)."""

    FILE: ClassVar[str] = "calendar_dates.txt"
    service_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    date: Annotated[I4, Read.DATE, Need.VALUE]
    exception_type: Annotated[I4, Read.WHOLE, Need.VALUE]


@dataclass(frozen=True, slots=True)
class Frequencies(Table):
    """Trips that run every so many seconds."""

    FILE: ClassVar[str] = "frequencies.txt"
    trip_id: Annotated[Coded, Read.TEXT, Need.VALUE]
    start_time: Annotated[I4, Read.TIME, Need.VALUE]
    end_time: Annotated[I4, Read.TIME, Need.VALUE]
    headway_secs: Annotated[I4, Read.WHOLE, Need.VALUE]
    exact_times: Annotated[I4, Read.WHOLE]
