"""Applications for tests: means over windows, counts of free places in quarters, and a copy with a threshold."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zhicheng.compute.app import AnyApp, App, Derived, Output, Reads, Tables, Writes
from zhicheng.compute.rows import Rows, emit
from zhicheng.compute.state import Keyed
from zhicheng.compute.windows import Windows
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import MINUTE
from zhicheng.standards.changes import Changes
from zhicheng.standards.models.model import Label


@dataclass(frozen=True)
class Params:
    length: int = 15 * MINUTE
    every: int = 5 * MINUTE
    lateness: int = 10 * MINUTE


@dataclass
class Means:
    windows: Windows


def means(rows: Rows, state: Means, params: Params, tables: Tables) -> Derived[Means]:
    readings = rows.of("pm25")
    closed = state.windows.add(readings.entity, readings.at, readings.number)
    return Derived(emit(closed.key, "pm25Mean", closed.end, closed.mean), state)


MEANS: AnyApp = App(
    name="means",
    label=Label("Means", "均值"),
    description=Label("Means over sliding windows", "滑动窗口均值"),
    reads=(Reads("AirQualityObserved", ("pm25",)),),
    writes=(
        Writes("AirQualityObserved", (Output("pm25Mean", unit="GQ", history="all", label=Label("Mean", "均值")),)),
    ),
    derive=means,
    state=lambda params: Means(Windows(params.length, params.every, params.lateness)),
    params=Params(),
)


@dataclass
class Quarter:
    parks: Keyed = field(default_factory=lambda: Keyed(free=np.nan))


def quarters(rows: Rows, state: Quarter, params: None, tables: Tables) -> Derived[Quarter]:
    """The newest free places of each car park, and a quarter's entity with the sum over its car parks."""
    readings = rows.of("availableSpotNumber")
    news = readings.take(~readings.late & ~np.isnan(readings.number))
    slots = state.parks.slots(news.entity)
    total = np.zeros(len(slots))
    free = state.parks["free"]
    for row, (slot, number) in enumerate(zip(slots.tolist(), news.number.tolist(), strict=True)):
        free[slot] = number
        total[row] = np.nansum(free)
    quarter = Coded.constant("urn:ngsi-ld:Quarter:1", len(slots))
    recorded = np.maximum.accumulate(news.recorded_at) if len(slots) else news.recorded_at
    return Derived(
        Changes.concat(
            [emit(news.entity, "freeCopy", news.at, news.number), emit(quarter, "freePlaces", recorded, total)]
        ),
        state,
    )


QUARTERS: AnyApp = App(
    name="quarters",
    label=Label("Quarters", "片区"),
    description=Label("Free places of a quarter", "片区空余车位"),
    reads=(Reads("OffStreetParking", ("availableSpotNumber", "status")),),
    writes=(
        Writes("OffStreetParking", (Output("freeCopy", least=5.0, label=Label("Copy", "副本")),)),
        Writes("Quarter", (Output("freePlaces", label=Label("Free", "空余")),), Label("Quarter", "片区")),
    ),
    derive=quarters,
    state=lambda params: Quarter(),
    params=None,
)
