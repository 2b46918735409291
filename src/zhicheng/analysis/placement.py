"""Where a vehicle is that reports only its next or present stop, its status and a time: a place on its trip's line.

The trip's line is the timetable's where it knows the trip, else that of the pattern of its route that comes to the
same stops. At a stop the vehicle stands at the stop's point of the line; on the way it is between the stop before and
this one, by the share of the leg's scheduled time that is left until the predicted arrival. What cannot be matched is
put at the stop itself; what reports an unknown stop is not placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from zhicheng.analysis.patterns import Line, Pattern, Patterns
from zhicheng.kernel.columns import F8, I1, I4

NEAR = 100.0
"""Metres before the stop at which an incoming vehicle is put, or a tenth of the leg if that is less."""

SHORTEST_LEG = 30.0
"""Seconds a leg is taken to last at least; timetables in whole minutes have legs of 0 s."""


ENOUGH = 2
"""Stops in a row that another route's pattern must share before a vehicle is put on its line."""


class By(IntEnum):
    """How a vehicle was placed."""

    NOTHING = 0
    STOP = 1
    """At the reported stop: no pattern of the timetable comes there."""
    LINE = 2
    """Between stops on a straight line: the timetable has no shape."""
    OTHER = 3
    """On the shape of another route that comes to the same stops: the timetable's route does not."""
    SHAPE = 4
    """On the shape of its trip, or of its route's trips with the same stops."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a vehicle says of itself. `ahead`: stop_ids still to come, from the trip's predictions, in order.

    `seconds_left`: from the report's time to the predicted arrival at `stop_id`; None where nothing is predicted.
    """

    trip_id: str | None
    route_id: str | None
    stop_id: str | None
    status: str
    """STOPPED_AT, INCOMING_AT or IN_TRANSIT_TO."""
    stop_sequence: int | None = None
    ahead: Sequence[str | None] = ()
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """Columns, a row a report: degrees (NaN where not placed), degrees from north along the line, and how."""

    lon: F8
    lat: F8
    bearing: F8
    by: I1


def place(reports: Sequence[Report], patterns: Patterns) -> Placed:
    """Place vehicles by what they report."""
    count = len(reports)
    lon, lat, bearing = (np.full(count, np.nan) for _ in range(3))
    by = np.zeros(count, np.uint8)
    for row, report in enumerate(reports):
        spot = _spot(report, patterns)
        if spot is not None:
            lon[row], lat[row], bearing[row], by[row] = spot
    return Placed(lon, lat, bearing, by)


def _spot(report: Report, patterns: Patterns) -> tuple[float, float, float, By] | None:
    static = patterns.static
    stop = static.stop_rows.get(report.stop_id or "")
    if stop is None:
        return None
    found = _pattern(report, stop, patterns)
    if found is not None:
        line = patterns.line(found[0])
        metres = _metres(report, found, line)
        if np.isfinite(metres) and len(line.shape.lon) > 1:
            lon, lat, bearing = _on_line(line, metres)
            return lon, lat, bearing, _how(report, found[0], line, patterns)
    lon, lat = float(static.stops.stop_lon[stop]), float(static.stops.stop_lat[stop])
    return None if np.isnan(lon + lat) else (lon, lat, np.nan, By.STOP)


def _how(report: Report, pattern: Pattern, line: Line, patterns: Patterns) -> By:
    if not line.exact:
        return By.LINE
    own = patterns.static.route_rows.get(report.route_id or "", pattern.route)
    return By.SHAPE if own == pattern.route else By.OTHER


def _pattern(report: Report, stop: int, patterns: Patterns) -> tuple[Pattern, int] | None:
    """The pattern of a report and the position of its stop there."""
    known = patterns.of_trip.get(report.trip_id or "")
    if known is not None:
        at = _position(known, stop, report, patterns)
        if at is not None:
            return known, at
    route = patterns.static.route_rows.get(report.route_id or "", -1)
    rows = _rows(report, stop, patterns)
    found = patterns.match(route, rows) if route >= 0 else None
    return found or patterns.match(-1, rows, least=ENOUGH)


def _rows(report: Report, stop: int, patterns: Patterns) -> I4:
    """The reported stop and those after it, as rows of stops."""
    ahead = list(report.ahead)
    if report.stop_id in ahead:
        ahead = ahead[ahead.index(report.stop_id) + 1 :]
    find = patterns.static.stop_rows.get
    return np.array([stop, *(find(one or "", -1) for one in ahead)], np.int32)


def _position(pattern: Pattern, stop: int, report: Report, patterns: Patterns) -> int | None:
    """Where the pattern has the stop; where it comes there twice, as the stop's sequence number in the trip says."""
    places = np.flatnonzero(pattern.stops == stop)
    if not len(places):
        return None
    if len(places) > 1 and report.stop_sequence is not None:
        rows = patterns.static.visits_of(report.trip_id or "")
        wanted = np.flatnonzero(patterns.static.visits.sequence[rows] == report.stop_sequence)
        if len(wanted) and wanted[0] in places:
            return int(wanted[0])
    return int(places[0])


def _metres(report: Report, found: tuple[Pattern, int], line: Line) -> float:
    pattern, at = found
    here = float(line.stops[at])
    if report.status == "STOPPED_AT" or at == 0:
        return here
    leg = here - float(line.stops[at - 1])
    if not leg > 0:
        return here
    if report.status == "INCOMING_AT":
        return here - min(NEAR, leg / 10)
    return here - leg * share_left(report.seconds_left, float(pattern.legs[at]))


def share_left(seconds_left: float | None, leg_seconds: float) -> float:
    """The share of a leg still ahead: 0 at the stop, 1 at the stop before; a half where nothing is known.

    >>> share_left(60, 120.0), share_left(500, 120.0), share_left(None, 120.0), share_left(20, float("nan"))
    (0.5, 1.0, 0.5, 0.5)
    """
    if seconds_left is None or not leg_seconds > 0:
        return 0.5
    return min(max(seconds_left / max(leg_seconds, SHORTEST_LEG), 0.0), 1.0)


def _on_line(line: Line, metres: float) -> tuple[float, float, float]:
    """Longitude, latitude and bearing at a distance along a line."""
    shape = line.shape
    segment = int(np.clip(np.searchsorted(shape.metres, metres, side="right") - 1, 0, len(shape.lon) - 2))
    x0, x1 = float(shape.lon[segment]), float(shape.lon[segment + 1])
    y0, y1 = float(shape.lat[segment]), float(shape.lat[segment + 1])
    length = float(shape.metres[segment + 1] - shape.metres[segment])
    share = min(max((metres - float(shape.metres[segment])) / length, 0.0), 1.0) if length > 0 else 0.0
    bearing = np.degrees(np.arctan2((x1 - x0) * np.cos(np.radians(y0)), y1 - y0)) % 360
    return x0 + share * (x1 - x0), y0 + share * (y1 - y0), float(bearing)
