"""What the application reads and writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.compute.ahead import Worth
from zhicheng.compute.app import Layer, Output, Step, Writes
from zhicheng.compute.fleet import STATUS, VEHICLE, Patience
from zhicheng.compute.vital import Vital
from zhicheng.kernel.instants import MINUTE
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Kind

ARRIVAL = "ArrivalEstimation"
HAS_TRIP, HAS_ROUTE, HAS_STOP, HAS_VEHICLE = "hasTrip", "hasRoute", "hasStop", "hasVehicle"
LOCATION, ARRIVES, AWAY, NUMBER = "location", "arrivalTime", "stopsAway", "stopSequence"

WRITES = (
    Writes(
        ARRIVAL,
        (
            Output(HAS_STOP, kind=Kind.RELATIONSHIP, history="all"),
            Output(HAS_TRIP, kind=Kind.RELATIONSHIP, history="all"),
            Output(HAS_ROUTE, kind=Kind.RELATIONSHIP, history="all"),
            Output(HAS_VEHICLE, kind=Kind.RELATIONSHIP, history="all"),
            Output(NUMBER, history="all"),
            Output(
                ARRIVES,
                history="all",
                subs={
                    "median": Label("Sooner or later alike", "中位时间"),
                    "earliest": Label("Hardly before (one time in ten)", "最早（早于此的机会为一成）"),
                    "latest": Label("Hardly after (one time in ten)", "最晚（晚于此的机会为一成）"),
                    "stale": Label("Nothing heard of the vehicle", "车辆失联"),
                },
            ),
            Output(AWAY, unit="C62", history="all"),
        ),
    ),
)
LAYERS = (
    Layer(
        VEHICLE,
        STATUS,
        Label("Buses and trains", "公交与列车"),
        (
            Step("#2c7a3f", Label("At a stop", "停站"), value="STOPPED_AT"),
            Step("#c98a00", Label("Arriving", "进站"), value="INCOMING_AT"),
            Step("#1f5fa8", Label("On the way", "行驶中"), value="IN_TRANSIT_TO"),
        ),
    ),
)
VITALS = (
    Vital("vehicles_heard", Label("Vehicles heard of", "公交车在线率"), VEHICLE, "heard", LOCATION, unit="P1",
          bad="low", fresh=2 * MINUTE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Params:
    """What may be set.

    networks: whose timetables to use, as the feeds name them (`network`); others are learnt from their vehicles
    stops, minutes: how far ahead arrivals are written; near: up to so many stops away, their number is kept exact
    least, share: a prediction is written anew when it has moved so many seconds, or by so much of the time left
    tick: seconds after which vehicles are looked at again of which nothing new was heard
    stale, forget: seconds of silence after which a vehicle's arrivals are marked stale, and are taken away
    """

    time_zone: str = ""
    networks: tuple[str, ...] = ()
    stops: int = 20
    minutes: float = 30.0
    near: int = 3
    least: float = 20.0
    share: float = 0.1
    tick: float = 30.0
    stale: float = 300.0
    forget: float = 1800.0

    @property
    def worth(self) -> Worth:
        """Which predictions are worth a row."""
        return Worth(self.minutes * 60, self.least, self.share, self.near)

    @property
    def patience(self) -> Patience:
        """When vehicles of which nothing is heard are looked at again, are stale, and are given up."""
        return Patience(self.tick, self.stale, self.forget)
