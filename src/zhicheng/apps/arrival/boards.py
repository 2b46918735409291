"""What the sign of a stop shows, from the city at an instant: the next arrivals of each line, notices, weather."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from zhicheng.apps.arrival import model as m
from zhicheng.apps.arrival.calls import Call, calls
from zhicheng.compute.views import Asked, Seen
from zhicheng.kernel import instants, zones
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.geometry import bounds
from zhicheng.kernel.instants import SECOND
from zhicheng.standards import weather
from zhicheng.standards.gtfs.arrivals import named
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.standards.notices import notices

_ARRIVING = 30
"""Seconds before its arrival from which a vehicle is shown as arriving."""
_MOST_STOPS, _MOST_ARRIVALS = 20, 10
Routes = Mapping[str, Entity | None]


def sign(seen: Seen, asked: Asked, params: m.Params) -> Json:
    """The document of a sign (docs/signs.md)."""
    stops = places(seen, asked.query.get("stop", ""))
    most = max(1, min(int(float(asked.query.get("most", "3"))), _MOST_ARRIVALS))
    ids = {stop.id for stop in stops}
    coming = calls(seen, ids, params)
    if not coming and not any(stop.attributes for stop in stops):
        raise NotFound(f"There is no stop {stops[0].id}", f"没有站点 {stops[0].id}", stop=stops[0].id)
    routes = {urn: seen.one(urn) for urn in dict.fromkeys(call.at.route for call in coming)}
    concerned = ids | {urn for stop in stops for urn in said.texts(stop, "hasParentStation")} | set(routes)
    concerned |= {agency for route in routes.values() for agency in said.texts(route, "operatedBy")}
    under_way = [call.at.stale for call in coming if not call.cancelled]
    return {
        "version": 1,
        "at": instants.format(seen.now),
        "clock": f"{zones.local(zones.zone(params.time_zone or 'UTC'), seen.now):%H:%M}",
        "stop": {
            "ids": [stop.id for stop in stops],
            "name": dict[str, Json](names_of(stops[0], stops[0].id)),
            "code": said.text(stops[0], "code"),
        },
        "lines": [_line(group, routes, most, seen.now) for group in _grouped(coming, routes)],
        "notices": [dict[str, Json](one) for one in notices(seen.some("Alert"), concerned, seen.now)],
        "weather": _weather(seen, stops),
        "stale": bool(under_way) and all(under_way),
    }


def places(seen: Seen, text: str) -> list[Entity]:
    """The stops of a sign: URNs, NETWORK:STOP or codes of stops, with commas between; a station has its platforms."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not 0 < len(names) <= _MOST_STOPS:
        raise Invalid(
            f"Say which stop, or up to {_MOST_STOPS} with commas between",
            f"请指定站点，最多 {_MOST_STOPS} 个，以逗号分隔",
            parameter="stop",
        )
    found = {stop.id: stop for name in names for stop in _named(seen, name)}
    below = {stop.id: stop for stop in seen.some("GtfsStop", "hasParentStation", found)}
    return [*(found | below).values()]


def _named(seen: Seen, name: str) -> list[Entity]:
    if ":" in name:
        short = ":".join(quote(part, safe="%") for part in name.split(":", 1))
        urn = name if name.startswith("urn:") else f"urn:ngsi-ld:GtfsStop:{short}"
        return [seen.one(urn) or Entity(urn, ())]
    coded = seen.some("GtfsStop", "code", [name])
    if not coded:
        raise NotFound(f"No stop has the code {name[:80]!r}", f"没有编号为 {name[:80]!r} 的站点", stop=name[:80])
    return coded


def _grouped(coming: list[Call], routes: Routes) -> list[list[Call]]:
    """Calls of each line and direction, lines as people count them: 2 before 12."""
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in coming:
        groups.setdefault((_short(call.at.route, routes), call.headsign), []).append(call)
    return [group for _, group in sorted(groups.items(), key=lambda item: (_counted(item[0][0]), item[0][1]))]


def _counted(line: str) -> list[tuple[int, str]]:
    """A line's name, such that names with numbers are in the order of the numbers.

    >>> sorted(["12路", "2路", "A2", "A"], key=_counted)
    ['2路', '12路', 'A', 'A2']
    """
    return [(int(part), "") if part.isdecimal() else (10**9, part) for part in re.findall(r"\d+|\D+", line)]


def _short(route: str, routes: Routes) -> str:
    return said.text(routes.get(route), "shortName") or said.text(routes.get(route), "name") or named(route)[1]


def _line(group: list[Call], routes: Routes, most: int, now: int) -> Json:
    colour = said.text(routes.get(group[0].at.route), "routeColor").lstrip("#")
    return {
        "line": _short(group[0].at.route, routes),
        "color": f"#{colour}" if re.fullmatch(r"[0-9A-Fa-f]{6}", colour) else None,
        "headsign": group[0].headsign,
        "arrivals": [_arrival(call, now) for call in group[:most]],
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


def names_of(entity: Entity | None, urn: str) -> dict[str, str]:
    """The name of a stop or line in both languages; the end of its URN where it has none."""
    return said.in_zh_en(said.languages(entity, "name")) or dict.fromkeys(("zh", "en"), named(urn)[1])


def _weather(seen: Seen, stops: list[Entity]) -> Json:
    """The weather where the stop is: as observed, else as forecast; None where nothing is known."""
    for stop in stops:
        try:
            lon, lat, _, _ = bounds(said.value(stop, m.LOCATION))
        except Invalid:
            continue
        for kind in ("WeatherObserved", "WeatherForecast"):
            if words := weather.near(seen.some(kind), lon, lat, seen.now):
                return dict[str, Json](words)
        return None
    return None
