"""The streams of readings: whose they are, what each column is, how often, and the function that gives them.

One table for the city's file, for what is pushed now, and for the past: so these cannot come to disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from zhicheng.demo import chance, parks, sensors
from zhicheng.demo.city import Living
from zhicheng.demo.sensors import FIVE, QUARTER, Things
from zhicheng.kernel.columns import F8, I8

_STEP = 20
"""Seconds between which things of one stream spread their readings."""
Values = Mapping[str, F8]


@dataclass(frozen=True, slots=True)
class Stream:
    """every, past: seconds between readings of one thing, now and in the past; change: only what changes is told

    columns: attribute and unit by column
    """

    name: str
    type: str
    owner: str
    zh: str
    en: str
    every: int
    past: int
    columns: Mapping[str, tuple[str, str]]
    values: Callable[[Living, I8, F8], Values]
    change: bool = False

    @property
    def prefix(self) -> str:
        """How the ids of its entities begin."""
        return f"urn:ngsi-ld:{self.type}:ronglan:"

    def things(self, living: Living) -> Things:
        """What it is about."""
        return living.parks.things if self.name == "parking" else living.things[self.name]

    def phases(self, living: Living) -> I8:
        """At which second of its interval each thing reports."""
        row = np.arange(len(self.things(living).ids))
        spread = min(self.every, self.past) // _STEP
        return (chance.uniform(living.plan.seed, row, len(self.name), 17) * spread).astype(np.int64) * _STEP

    def due(self, living: Living, after: float, until: float) -> tuple[I8, F8]:
        """Which things report in a span of time, and when; a thing may come more than once."""
        return instants(self.phases(living), self.every, after, until)


def instants(phases: I8, every: int, after: float, until: float) -> tuple[I8, F8]:
    """Rows and instants of what happens every so many seconds, after one instant and up to another, in order of time.

    >>> row, at = instants(np.array([0, 5]), 10, 0.0, 20.0)
    >>> row.tolist(), at.tolist()
    ([1, 0, 1, 0], [5.0, 10.0, 15.0, 20.0])
    """
    first = np.floor((after - phases) / every).astype(np.int64) + 1
    count = np.floor((until - phases) / every).astype(np.int64) + 1 - first
    row = np.repeat(np.arange(len(phases)), np.maximum(count, 0))
    turn = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    at = (first[row] + turn) * every + phases[row]
    order = np.lexsort((row, at))
    return row[order], at[order].astype(np.float64)


def _of(measure: sensors.Measure, name: str) -> Callable[[Living, I8, F8], Values]:
    return lambda living, row, at: measure(living.plan.seed, living.things[name], row, at)


def _free(living: Living, row: I8, at: F8) -> Values:
    return parks.free(living.plan.seed, living.parks, row, at)


STREAMS = (
    Stream("parking", "OffStreetParking", "traffic", "停车场", "Car parks", 60, QUARTER,
           {"free": ("availableSpotNumber", "C62")}, _free, change=True),
    Stream("lamps", "Streetlight", "lighting", "路灯", "Street lights", FIVE, FIVE,
           {"illuminanceLevel": ("illuminanceLevel", "C62"), "powerConsumption": ("powerConsumption", "KWT")},
           _of(sensors.lamps, "lamps"), change=True),
    Stream("noise", "NoiseLevelObserved", "environment", "噪声监测", "Noise", 120, 600,
           {"LAeq": ("LAeq", "2N")}, _of(sensors.noise, "noise")),
    Stream("air", "AirQualityObserved", "environment", "空气质量", "Air quality", FIVE, QUARTER,
           {"pm25": ("pm25", "GQ"), "pm10": ("pm10", "GQ"), "no2": ("no2", "GQ"), "o3": ("o3", "GQ"),
            "temperature": ("temperature", "CEL"), "relativeHumidity": ("relativeHumidity", "C62")},
           _of(sensors.air, "air")),
    Stream("weather", "WeatherObserved", "weather", "气象站", "Weather stations", FIVE, 600,
           {"temperature": ("temperature", "CEL"), "relativeHumidity": ("relativeHumidity", "C62"),
            "atmosphericPressure": ("atmosphericPressure", "A97"), "windSpeed": ("windSpeed", "MTS"),
            "windDirection": ("windDirection", "DD"), "precipitation": ("precipitation", "MMT"),
            "illuminance": ("illuminance", "LUX")}, _of(sensors.weather, "weather")),
    Stream("river", "WaterObserved", "water", "水情", "River gauges", FIVE, 600,
           {"waterLevel": ("waterLevel", "MTR"), "waterDischarge": ("waterDischarge", "MQS")},
           _of(sensors.gauges, "river")),
    Stream("flow", "TrafficFlowObserved", "traffic", "交通流", "Traffic flow", FIVE, QUARTER,
           {"intensity": ("intensity", "C62"), "averageVehicleSpeed": ("averageVehicleSpeed", "KMH"),
            "occupancy": ("occupancy", "C62")}, _of(sensors.flow, "flow")),
)  # fmt: skip
BY_NAME = {stream.name: stream for stream in STREAMS}


def mapping(stream: Stream) -> dict[str, object]:
    """The mapping of its tables: columns id, at (seconds since 1970) and one for each attribute."""
    return {
        "type": stream.type,
        "id": stream.prefix + "{id}",
        "time": {"column": "at", "format": "unix"},
        "attributes": {
            attribute: {"column": column, "kind": "number", "unit": unit}
            for column, (attribute, unit) in stream.columns.items()
        },
    }


def table(stream: Stream, living: Living, row: I8, at: F8, values: Values) -> str:
    """Readings as CSV."""
    ids = stream.things(living).ids
    columns = [values[name].tolist() for name in stream.columns]
    lines = [",".join(("id", "at", *stream.columns))]
    lines += [
        f"{ids[one]},{when:.0f}," + ",".join(f"{value:g}" for value in rest)
        for one, when, *rest in zip(row.tolist(), at.tolist(), *columns, strict=True)
    ]
    return "\n".join(lines) + "\n"
