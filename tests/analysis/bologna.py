"""Buses of Bologna in the simulator SUMO: their positions as receivers would report them, and when they truly came.

Scenario: DLR-TS/sumo-scenarios, bologna/joined (EPL-2.0). Needs `libsumo` (extra `sim`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zhicheng.analysis.along import Points, line_way, locate, points, progress
from zhicheng.analysis.arrival import FLEET, Model, Predicted, Reports, Status, predict, take_in
from zhicheng.analysis.travel_times import Belief, Hops
from zhicheng.analysis.ways import Ways
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, Coded
from zhicheng.kernel.instants import ABSENT, SECOND
from zhicheng.standards.gtfs.static import EARTH, Shape

SCENARIO = "sumo/bologna/joined"
DEGREE = float(np.degrees(1 / EARTH))
"""A metre as degrees at the equator, where the simulator's plane is laid."""


@dataclass
class Drive:
    """A bus: its line's name, its shape in metres, its stops and where on the shape they are."""

    line: str
    shape: Shape
    stops: list[str]
    places: Points


@dataclass
class Simulated:
    """Buses by name; positions (second, bus, x, y) every 10 s; the second at which each came to each stop."""

    buses: dict[str, Drive] = field(default_factory=dict)
    positions: list[tuple[int, str, float, float]] = field(default_factory=list)
    came: dict[tuple[str, str], int] = field(default_factory=dict)


def simulate(folder: Path, sumo: Any, seconds: int = 5400, every: int = 10, seed: int = 23423) -> Simulated:
    """Let the morning run; `sumo` is the module libsumo."""
    sumo.start(_command(folder, seed))
    found, standing = Simulated(), set[str]()
    try:
        for second in range(seconds):
            sumo.simulationStep()
            for bus in (one for one in sumo.vehicle.getIDList() if one.startswith("bus")):
                if bus not in found.buses:
                    found.buses[bus] = _drive(sumo, bus)
                if sumo.vehicle.isAtBusStop(bus):
                    if bus not in standing:
                        found.came[bus, sumo.vehicle.getStops(bus, 1)[0].stoppingPlaceID] = second
                    standing.add(bus)
                else:
                    standing.discard(bus)
                if second % every == 0:
                    found.positions.append((second, bus, *sumo.vehicle.getPosition(bus)))
    finally:
        sumo.close()
    return found


def _command(folder: Path, seed: int) -> list[str]:
    name = folder.name
    routes = f"{folder}/{name}.rou.xml,{folder}/{name}_busses.rou.xml"
    more = ",".join(f"{folder}/{name}_{part}.add.xml" for part in ("vtypes", "bus_stops", "tls"))
    quiet = ["--no-step-log", "true", "--no-warnings", "true", "--time-to-teleport", "300", "--seed", str(seed)]
    return ["sumo", "-n", f"{folder}/{name}_buslanes.net.xml", "-r", routes, "-a", more, *quiet]


def _drive(sumo: Any, bus: str) -> Drive:
    edges, stops = sumo.vehicle.getRoute(bus), [one.stoppingPlaceID for one in sumo.vehicle.getStops(bus)]
    corners: list[tuple[float, float]] = []
    starts: dict[str, list[int]] = {}
    for edge in edges:
        starts.setdefault(edge, []).append(len(corners))
        corners += sumo.lane.getShape(f"{edge}_0")
    places = np.array(corners)
    metres = np.append(0.0, np.cumsum(np.hypot(*np.diff(places, axis=0).T)))
    along, last = [], 0.0
    for stop in stops:
        edge = sumo.busstop.getLaneID(stop).rpartition("_")[0]
        ends = (float(metres[start]) + sumo.busstop.getEndPos(stop) for start in starts[edge])
        last = next(end for end in ends if end >= last)
        along.append(last)
    shape = Shape(places[:, 0] * DEGREE, places[:, 1] * DEGREE, metres)
    return Drive("-".join([*edges, *stops]), shape, stops, points(np.array(along)))


def reported(found: Simulated, noise: float, seed: int = 1) -> Iterator[tuple[int, list[tuple[str, float, float]]]]:
    """Second by second the buses' places in degrees, with noise (deviation in metres)."""
    draw = np.random.default_rng(seed)
    group: list[tuple[str, float, float]] = []
    before = -1
    for second, bus, x, y in found.positions:
        if second != before and group:
            yield before, group
            group = []
        before = second
        group.append((bus, (x + draw.normal(0, noise)) * DEGREE, (y + draw.normal(0, noise)) * DEGREE))
    if group:
        yield before, group


def follow(found: Simulated, noise: float = 10.0) -> tuple[F8, F8, F8, F8]:
    """Predict all arrivals after each report, learning from nothing: seconds announced, earliest, latest, true."""
    fleet, model = Keyed(**FLEET), Model(Ways(), Hops(), Belief(own=1.0))
    last: dict[str, tuple[float, int]] = {}
    lines: list[tuple[float, float, float, float]] = []
    for second, group in reported(found, noise):
        rows = []
        for bus, lon, lat in group:
            drive, (before, then) = found.buses[bus], last.get(bus, (np.nan, 0))
            metres, _ = locate(drive.shape, lon, lat, before, (second * SECOND - then) / SECOND)
            if np.isnan(metres):
                continue
            metres = np.fmax(metres, before)
            place, since, share = progress(drive.places, metres, second * SECOND, before, then)
            last[bus] = (metres, second * SECOND)
            standing = place >= 0 and drive.places.stop[place] >= 0
            slot = int(fleet.slots(Coded.of([bus]))[0])
            way = line_way(model.ways, model.hops, drive.line, drive.stops, drive.places)
            status = Status.STANDING if standing else Status.LEFT
            rows.append((bus, slot, way, place, int(status), since, np.nan if standing else share))
        if rows:
            predicted = _predicted(fleet, model, rows, second * SECOND)
            lines += _lines(found, [row[0] for row in rows], predicted, second)
    columns = np.array(lines).T
    return columns[0], columns[1], columns[2], columns[3]


def _predicted(
    fleet: Keyed, model: Model, rows: list[tuple[str, int, int, int, int, int, float]], now: int
) -> Predicted:
    _, slot, way, place, status, since, share = (np.array(column) for column in zip(*rows, strict=True))
    at, hour = np.full(len(rows), now), np.ones(len(rows), np.intp)
    nothing = np.full(len(rows), ABSENT)
    take_in(fleet, model, Reports(slot, way, place, status, at, since, nothing, share, hour))
    return predict(fleet, model, slot, at, hour, 160)


def _lines(
    found: Simulated, buses: list[str], predicted: Predicted, now: int
) -> Iterator[tuple[float, float, float, float]]:
    announced = predicted.announced
    for row, bus in enumerate(buses):
        drive = found.buses[bus]
        for column in np.flatnonzero(predicted.there[row]).tolist():
            number = int(drive.places.stop[predicted.places[row, column]])
            came = found.came.get((bus, drive.stops[number])) if number >= 0 else None
            if came is not None and came > now:
                low, high = float(predicted.low[row, column]), float(predicted.high[row, column])
                yield float(announced[row, column]), low, high, float(came - now)
