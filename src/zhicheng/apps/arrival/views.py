"""What others read of arrivals: the sign of a stop, a line with its vehicles, GTFS Realtime feeds (docs/signs.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zhicheng.analysis.line_diagram import diagram
from zhicheng.apps.arrival import model as m
from zhicheng.compute.views import JSON, Ask, Asked, View
from zhicheng.kernel.zones import zone
from zhicheng.standards.gtfs import published, realtime, signs
from zhicheng.standards.gtfs.messages import Feed
from zhicheng.standards.models.model import Label
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Json

PROTOBUF: Final = "application/x-protobuf"


def sign(seen: Seen, asked: Asked, params: m.Params) -> Json:
    """The next arrivals of each line at some stops, notices, weather."""
    most = int(asked.number("most", 3, 1, 10))
    return signs.sign(seen, asked.query.get("stop", ""), most, params.stale, zone(params.time_zone or "UTC"))


def line(seen: Seen, asked: Asked, params: m.Params) -> Json:
    """The stops of a line in order of travel, and the vehicles that are on their way along it."""
    return diagram(seen, asked.query.get("line", ""), params.stale)


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
