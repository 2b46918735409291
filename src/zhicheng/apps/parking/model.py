"""What the application reads and writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.compute.app import Layer, Output, Reads, Step, Writes
from zhicheng.compute.vital import Vital
from zhicheng.standards.models.model import Label

PARK = "OffStreetParking"
FREE = "availableSpotNumber"
TOTAL = "totalSpotNumber"
OCCUPANCY = "occupancy"
TREND = "occupancyTrend"
FORECAST = "availableSpotForecast"
AHEAD = "forecastOccupancy"
PLACES = "free"
"""What a forecast calls the places that it expects."""

READS = (Reads(PARK, (FREE, TOTAL)),)
WRITES = (
    Writes(
        PARK,
        (
            Output(OCCUPANCY, unit="C62", least=0.01),
            Output(TREND, label=Label("Trend", "趋势")),
            Output(FORECAST, history="latest", label=Label("Free places expected", "预计空位")),
            Output(
                AHEAD,
                unit="C62",
                history="all",
                subs={
                    "target": Label("For the time", "预测时刻"),
                    "low": Label("At least (90 %)", "下限（90 %）"),
                    "high": Label("At most (90 %)", "上限（90 %）"),
                },
            ),
        ),
    ),
)
LAYERS = (
    Layer(
        PARK,
        OCCUPANCY,
        Label("Car parks: occupancy", "停车场占用率"),
        (
            Step("#2c7a3f", Label("Many places free", "空位多"), least=0.0),
            Step("#c98a00", Label("Filling up", "渐满"), least=0.8),
            Step("#b3261e", Label("Nearly full", "将满"), least=0.95),
        ),
    ),
)
VITALS = (
    Vital("free_places", Label("Free places in car parks", "停车空位率"), PARK, "ratio", FREE, per=TOTAL, unit="P1",
          bad="low"),
    Vital("full_parks", Label("Car parks that are full", "满位停车场"), PARK, "share", FREE,
          q="availableSpotNumber<=0", unit="P1", bad="high"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Params:
    """time_zone: the city's, in which days and weeks repeat; steady: the share of all places by which free places may
    change in an hour and still be called steady
    """

    time_zone: str = ""
    steady: float = 0.03
