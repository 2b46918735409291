"""What others read of arrivals: the sign of a stop, a line with its vehicles, GTFS Realtime feeds (docs/signs.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zhicheng.analysis.line_diagram import on_the_way, ways_of
from zhicheng.apps.arrival import model as m
from zhicheng.compute.views import JSON, Ask, Asked, View
from zhicheng.kernel import instants, zones
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import SECOND
from zhicheng.standards import weather
from zhicheng.standards.gtfs import names, published, realtime
from zhicheng.standards.gtfs.arrivals import Arrival, named
from zhicheng.standards.gtfs.calls import Call, by_line, calls, silent
from zhicheng.standards.gtfs.messages import Feed
from zhicheng.standards.models import said
from zhicheng.standards.models.model import Label
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.notices import notices

PROTOBUF: Final = "application/x-protobuf"
_ARRIVING: Final = 30
"""Seconds before its arrival from which a vehicle is shown as arriving."""


def sign(seen: Seen, asked: Asked, params: m.Params) -> Json:
    """The next arrivals of each line at some stops, notices, weather."""
    stops = names.stops_of(seen, asked.query.get("stop", ""))
    most = int(asked.number("most", 3, 1, 10))
    ids = {stop.id for stop in stops}
    coming = calls(seen, ids, params.stale)
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
        "clock": f"{zones.local(zones.zone(params.time_zone or 'UTC'), seen.now):%H:%M}",
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


def line(seen: Seen, asked: Asked, params: m.Params) -> Json:
    """The stops of a line in order of travel, and the vehicles that are on their way along it."""
    urn = names.line_urn(asked.query.get("line", ""))
    route, ways = seen.one(urn), ways_of(seen, urn)
    if route is None and not ways:
        raise NotFound(f"There is no line {urn}", f"没有线路 {urn}", line=urn)
    vehicles: list[list[Json]] = [[] for _ in ways]
    for number, following, ahead in on_the_way(seen, urn, ways):
        vehicles[number].append(_vehicle(seen, ahead, following, params))
    return {
        "version": 1,
        "at": instants.format(seen.now),
        "id": urn,
        "line": names.short(route, urn),
        "name": names.both(route, urn),
        "color": names.colour(route),
        "directions": [
            {"headsign": way.headsign, "stops": [_stop(seen, stop) for stop in way.stops], "vehicles": own}
            for way, own in zip(ways, vehicles, strict=True)
        ],
    }


def _vehicle(seen: Seen, ahead: list[Arrival], following: int, params: m.Params) -> Json:
    """A vehicle with its next stop, and when it comes to the stops from there on."""
    one = ahead[0]
    vehicle = seen.one(one.vehicle)
    status = said.text(vehicle, "current_status") if said.text(vehicle, m.HAS_STOP) == one.stop else ""
    return {
        "id": one.vehicle or one.trip,
        "label": said.text(vehicle, "name") or said.text(vehicle, "vehicle_label") or named(one.vehicle)[1],
        "next": following,
        "standing": status == "STOPPED_AT",
        "minutes": [max(at.time - seen.now, 0) // SECOND // 60 for at in ahead],
        "stale": silent(seen, one, params.stale),
        "simulated": said.simulated(vehicle),
    }


def _stop(seen: Seen, urn: str) -> Json:
    stop = seen.one(urn)
    return {"id": urn, "name": names.both(stop, urn), "location": said.value(stop, "location")}


def _feed(name: str, label: Label, make: Callable[[Seen], Feed]) -> View:
    def answer(seen: Seen, asked: Asked, params: m.Params) -> bytes:
        feed = make(seen)
        return realtime.encode_json(feed) if asked.media == JSON else realtime.encode(feed)

    return View(name, label, answer, path=f"/api/v1/gtfs-rt/{name}", media=(PROTOBUF, JSON))


_STOPS = Ask(
    "stop", Label("Stops: ids, NETWORK:STOP or codes, with commas between", "站点：标识、网络:站点或编号，逗号分隔")
)
_MOST = Ask("most", Label("Arrivals of each line", "每条线路显示的班次数"), number=True)
_LINE = Ask("line", Label("A line's id, or NETWORK:LINE", "线路标识，或 网络:线路"))
VIEWS = (
    View("sign", Label("The sign of a stop", "电子站牌数据"), sign, (_STOPS, _MOST)),
    View("line", Label("A line: its stops, and the vehicles on their way", "线路：站点与在途车辆"), line, (_LINE,)),
    _feed("trip-updates", Label("Arrivals (GTFS Realtime)", "到站预报（GTFS Realtime）"), published.trips_of),
    _feed("vehicle-positions", Label("Vehicles (GTFS Realtime)", "车辆位置（GTFS Realtime）"), published.vehicles_of),
    _feed("alerts", Label("Notices (GTFS Realtime)", "运营通知（GTFS Realtime）"), published.alerts_of),
)
