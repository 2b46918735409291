"""The document that the sign of a stop shows, version 1 (docs/signs.md), whoever predicts the arrivals."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from zhicheng.kernel import instants, zones
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import SECOND
from zhicheng.standards import weather
from zhicheng.standards.gtfs import names
from zhicheng.standards.gtfs.calls import Call, by_line, calls
from zhicheng.standards.models import said
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.notices import notices

_ARRIVING: Final = 30
"""Seconds before its arrival from which a vehicle is shown as arriving."""


def sign(seen: Seen, asked: str, most: int, silence: float, city: ZoneInfo) -> Json:
    """The next arrivals of each line at some stops (as `names.stops_of` takes them), notices, weather.

    most: arrivals of each line and direction; silence: see `calls`
    """
    stops = names.stops_of(seen, asked)
    ids = {stop.id for stop in stops}
    coming = calls(seen, ids, silence)
    if not coming and not any(stop.attributes for stop in stops):
        raise NotFound(f"There is no stop {stops[0].id}", f"没有站点 {stops[0].id}", stop=stops[0].id)
    routes = {urn: seen.one(urn) for urn in dict.fromkeys(call.at.route for call in coming)}
    concerned = ids | {urn for stop in stops for urn in said.texts(stop, "hasParentStation")} | set(routes)
    concerned |= {agency for route in routes.values() for agency in said.texts(route, "operatedBy")}
    under_way = [call.at.stale for call in coming if not call.cancelled]
    lines: list[Json] = [
        {
            "id": group[0].at.route,
            "line": line,
            "color": names.colour(routes[group[0].at.route]),
            "headsign": group[0].headsign,
            "arrivals": [_arrival(call, seen.now) for call in group[:most]],
        }
        for line, group in by_line(coming, lambda urn: names.short(routes[urn], urn))
    ]
    return {
        "version": 1,
        "at": instants.format(seen.now),
        "clock": f"{zones.local(city, seen.now):%H:%M}",
        "stop": {
            "ids": [stop.id for stop in stops],
            "name": names.both(stops[0], stops[0].id),
            "code": said.text(stops[0], "code"),
        },
        "lines": lines,
        "notices": [dict[str, Json](one) for one in notices(seen.some("Alert"), concerned, seen.now)],
        "weather": dict[str, Json](weather.at(seen, stops)) or None,
        "stale": bool(under_way) and all(under_way),
        "simulated": any(said.simulated(seen.one(call.at.vehicle)) for call in coming if call.at.vehicle),
    }


def _arrival(call: Call, now: int) -> Json:
    """Minutes are whole and cut; a vehicle within half a minute is arriving; stops away count the stop itself."""
    left = max(call.at.time - now, 0) // SECOND
    return {
        "minutes": left // 60,
        "arriving": left < _ARRIVING and not call.cancelled,
        "stopsAway": call.away,
        "time": instants.format(call.at.time),
        "earliest": instants.format(call.at.earliest),
        "latest": instants.format(call.at.latest),
        "stale": call.at.stale,
        "cancelled": call.cancelled,
    }
