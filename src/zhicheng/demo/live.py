"""The city as it lives: tick by tick, what happened since the last one goes to the platform."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zhicheng.demo import fleet, realtime
from zhicheng.demo.city import Living
from zhicheng.demo.cityfile import REGISTERS, register
from zhicheng.demo.days import HOUR, day_of
from zhicheng.demo.documents import dated, lines
from zhicheng.demo.forecasts import forecasts, moment, warnings
from zhicheng.demo.sender import Refused, Sender
from zhicheng.demo.service_days import Days
from zhicheng.demo.shelf import Shelf
from zhicheng.demo.streams import STREAMS, Stream, table
from zhicheng.demo.timekeeper import Timekeeper
from zhicheng.kernel.columns import F8, I8, Index, Mask

_log = logging.getLogger(__name__)
TICK = 10.0
"""Seconds of ours between two payloads of the buses; at speed, of the city's up to sixty times as many."""
_CATCH_UP = float(HOUR)
"""Of what happened while it was away, so much is told."""


@dataclass(slots=True)
class Told:
    """What was last told of each thing of a stream that is told by its changes."""

    values: dict[str, F8] = field(default_factory=dict)

    def news(self, stream: Stream, size: int, row: I8, values: dict[str, F8], regular: Mask) -> Index:
        """Which readings are worth telling: changed ones, and those that are due anyway."""
        keep = regular.copy()
        for name, column in values.items():
            last = self.values.setdefault(name, np.full(size, np.nan))
            least = 2.0 if stream.name == "parking" else 1e-9
            keep |= ~(np.abs(column - last[row]) < least)
        rows = np.flatnonzero(keep)
        for name, column in values.items():
            self.values[name][row[rows]] = column[rows]
        return rows


class Life:
    """Everything that moves and measures, told to the platform."""

    def __init__(self, living: Living, sender: Sender, clock: Timekeeper, notes: Path) -> None:
        self.living = living
        self.sender = sender
        self.clock = clock
        self._notes = notes
        self._days = Days(living)
        self._told = {stream.name: Told() for stream in STREAMS}
        self._hour = -1.0
        self.until = max(last_told(notes), clock.now() - _CATCH_UP)
        self.fresh = last_told(notes) == 0.0

    def tick(self, now: float) -> None:
        """Tell what happened since the last tick."""
        self.sender.push("bus", self.buses(now), "application/x-protobuf")
        for stream in STREAMS:
            self._readings(stream, self.until, now)
        if now // HOUR != self._hour:
            self._hour = now // HOUR
            place = list(self.living.plan.centre)
            seed = self.living.plan.seed
            self.sender.push("forecast", lines([*forecasts(seed, now, place), *warnings(seed, now, place)]))
        self.until = now
        self._notes.write_text(f"{now:.0f}\n", "ascii")

    def begin(self, now: float) -> None:
        """Where the buses are, and every thing's newest reading, so that none is empty until its turn comes; what was
        missed since the last end is told with it.
        """
        for stream in STREAMS:
            newest = now - max(stream.every, 60)
            self._readings(stream, newest if self.fresh else min(self.until, newest), now)
        self.until = now
        self.tick(now)

    def buses(self, now: float) -> bytes:
        """The buses' feed at an instant."""
        living, plan = self.living, self.living.plan
        days = self._days.at(now)
        moving = fleet.moving(days, now, plan.vehicles)
        at = fleet.heard(plan.seed, now, plan.vehicles, moving)
        said = fleet.report(plan.seed, living.tracks, days, at, np.arange(plan.vehicles))
        return realtime.feed(plan.seed, living.ground, living.buses, days, said, now)

    def _readings(self, stream: Stream, after: float, until: float) -> None:
        row, at = stream.due(self.living, after, until)
        if not len(row):
            return
        values = dict(stream.values(self.living, row, at))
        if stream.change:
            phases = stream.phases(self.living)
            regular = (np.mod(at - phases[row], stream.past) == 0) & (stream.past > stream.every)
            keep = self._told[stream.name].news(stream, len(phases), row, values, regular)
            row, at = row[keep], at[keep]
            values = {name: column[keep] for name, column in values.items()}
        if len(row):
            self.sender.push(stream.name, table(stream, self.living, row, at, values), "text/csv")


def last_told(notes: Path) -> float:
    """Until when the platform was told; 0 where nothing is noted."""
    try:
        return float(notes.read_text("ascii"))
    except (OSError, ValueError):
        return 0.0


class Still:
    """What stands still, handed over once: the timetable of each year, the base map, each department's records.

    note: a file that says what the platform has; since: from when on records hold, so that the past shows them too
    """

    def __init__(self, shelf: Shelf, sender: Sender, note: Path, since: float) -> None:
        self._shelf, self._sender, self._note = shelf, sender, note
        self._since = moment(since)

    def timetable(self, year: int) -> None:
        """The year's, before any bus tells of its trips."""
        if not self._known(f"timetable {year}"):
            self._sender.push("timetable", self._shelf.timetable(year), "application/zip")
            self._remember(f"timetable {year}")

    def rest(self) -> None:
        """The base map and the records."""
        if not self._known("basemap"):
            self._sender.push("basemap", self._shelf.basemap(), "application/geo+json")
            self._remember("basemap")
        for department in REGISTERS:
            if not self._known(department):
                known = self._shelf.register(department).splitlines()
                told = lines([dated(json.loads(one), self._since) for one in known])
                self._sender.push(register(department), told)
                self._remember(department)
        self._shelf.forget()

    def _lines(self) -> list[str]:
        return self._note.read_text("utf-8").splitlines() if self._note.is_file() else []

    def _known(self, what: str) -> bool:
        return f"{self._shelf.folder.name} {what}" in self._lines()

    def _remember(self, what: str) -> None:
        self._note.write_text("\n".join([*self._lines(), f"{self._shelf.folder.name} {what}"]) + "\n", "utf-8")


def live(
    shelf: Shelf, sender: Sender, clock: Timekeeper, notes: Path, stop: Callable[[], bool],
    sleep: Callable[[float], object] = time.sleep,
) -> None:  # fmt: skip
    """Until `stop` says so. What moves is told first; then, once, what stands still. notes: folder of what was told."""
    living = shelf.living()
    year = day_of(clock.now()).year
    shelf.timetable(year)
    sender.wait()
    still = Still(shelf, sender, notes / "delivered", last_told(notes / "since") or clock.now() // HOUR * HOUR)
    still.timetable(year)
    life = Life(living, sender, clock, notes / "told")
    life.begin(clock.now())
    still.rest()
    due = clock.real()
    while not stop():
        due = max(due + _pace(clock), clock.real() - TICK)
        while (wait := due - clock.real()) > 0 and not stop():
            sleep(min(wait, 0.5))
        if stop():
            return
        now = clock.now()
        if (again := day_of(now).year) != year:
            year = again
            still.timetable(year)
        try:
            life.tick(now)
        except Refused as error:
            _log.error("%s", error)


def _pace(clock: Timekeeper) -> float:
    """Seconds of ours until the next tick."""
    return max(TICK / clock.speed, 1.0) if clock.behind() else TICK
