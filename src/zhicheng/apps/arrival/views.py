"""What others read of arrivals: GTFS Realtime feeds, and the sign of a stop."""

from __future__ import annotations

from collections.abc import Callable

from zhicheng.apps.arrival import model as m
from zhicheng.apps.arrival.boards import sign
from zhicheng.apps.arrival.lines import line
from zhicheng.compute.views import JSON, Ask, Asked, Seen, View
from zhicheng.standards.gtfs import published, realtime
from zhicheng.standards.gtfs.arrivals import arrivals_of
from zhicheng.standards.gtfs.messages import Feed
from zhicheng.standards.models import said
from zhicheng.standards.models.model import Label

PROTOBUF = "application/x-protobuf"


def _feed(name: str, label: Label, make: Callable[[Seen], Feed]) -> View:
    def answer(seen: Seen, asked: Asked, params: m.Params) -> bytes:
        feed = make(seen)
        return realtime.encode_json(feed) if asked.media == JSON else realtime.encode(feed)

    return View(name, label, answer, path=f"/api/v1/gtfs-rt/{name}", media=(PROTOBUF, JSON))


def _trip_updates(seen: Seen) -> Feed:
    """What is known of a trip its own entity says, else its vehicle."""
    by_vehicle = {said.text(vehicle, m.HAS_TRIP): vehicle for vehicle in seen.some(m.VEHICLE)}
    trips = {name: one for name, one in by_vehicle.items() if name} | {trip.id: trip for trip in seen.some(m.TRIP)}
    return published.trip_updates(arrivals_of(seen.some(m.ARRIVAL)), trips, seen.now)


VIEWS = (
    View(
        "sign",
        Label("The sign of a stop", "电子站牌数据"),
        sign,
        (
            Ask(
                "stop",
                Label(
                    "Stops: ids, NETWORK:STOP or codes, with commas between", "站点：标识、网络:站点或编号，逗号分隔"
                ),
            ),
            Ask("most", Label("Arrivals of each line", "每条线路显示的班次数"), number=True),
        ),
    ),
    View(
        "line",
        Label("A line: its stops, and the vehicles on their way", "线路：站点与在途车辆"),
        line,
        (Ask("line", Label("A line's id, or NETWORK:LINE", "线路标识，或 网络:线路")),),
    ),
    _feed("trip-updates", Label("Arrivals (GTFS Realtime)", "到站预报（GTFS Realtime）"), _trip_updates),
    _feed(
        "vehicle-positions",
        Label("Vehicles (GTFS Realtime)", "车辆位置（GTFS Realtime）"),
        lambda seen: published.vehicle_positions(seen.some(m.VEHICLE), seen.now),
    ),
    _feed(
        "alerts",
        Label("Notices (GTFS Realtime)", "运营通知（GTFS Realtime）"),
        lambda seen: published.alerts(seen.some("Alert"), seen.now),
    ),
)
