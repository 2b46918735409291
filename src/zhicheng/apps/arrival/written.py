"""From predictions to rows: an entity for each stop ahead of each trip, written when it is new or has moved enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import numpy as np

from zhicheng.analysis.arrival import Predicted, Status
from zhicheng.analysis.ways import Ways
from zhicheng.apps.arrival import logic
from zhicheng.apps.arrival import model as m
from zhicheng.compute.ahead import Ahead
from zhicheng.compute.rows import emit
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, I8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT, SECOND
from zhicheng.standards.changes import Changes
from zhicheng.standards.gtfs.arrivals import named


def reset(fleet: Keyed, slot: int) -> None:
    """A vehicle begins a new trip."""
    for name, value in (("way", -1), ("place", -1), ("status", Status.UNKNOWN), ("target", -1), ("since", 0)):
        fleet[name][slot] = value
    for name in ("came", "went", "leaves", "starts"):
        fleet[name][slot] = ABSENT
    fleet["told"][slot] = np.nan


@dataclass
class Writer:
    """Writes arrivals of a fleet (see `app`) and takes them away; `made` is what it wrote."""

    fleet: Keyed
    ways: Ways
    said: Mapping[str, Mapping[str, str]]
    params: m.Params
    made: list[Changes] = field(default_factory=list)
    _visits: dict[int, list[tuple[str, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ahead = Ahead(self.fleet, self._named, self.made)

    def write(self, slots: Index, found: Predicted, now: I8) -> None:
        """The predictions of vehicles that are worth a row, as of `now`; stops that lie behind lose theirs."""
        fleet, start = self.fleet, found.places[:, 0]
        self.ahead.passed(slots, start, now)
        before, seconds = self.ahead.told(slots, found.places), found.announced
        times = now[:, None] / SECOND + seconds
        stale = (now - fleet["newest"][slots]) / SECOND > self.params.stale
        turned = stale != fleet["stale"][slots]
        fleet["stale"][slots] = stale
        open_ = found.there & ((seconds <= self.params.minutes * 60) | ~np.isnan(before))
        moved = open_ & (logic.worth(seconds, times, before, self.params.least, self.params.share) | turned[:, None])
        self.ahead.tell(slots, found.places, np.where(moved, times, before))
        near = found.places < start[:, None] + self.params.near
        nearer = open_ & near & (fleet["seen"][slots] != start)[:, None]
        fleet["seen"][slots] = start
        self._emit(slots, found, now, (moved, moved & np.isnan(before), nearer | (moved & np.isnan(before))), stale)

    def _emit(self, slots: Index, found: Predicted, now: I8, cells: tuple[Mask, Mask, Mask], stale: Mask) -> None:
        moved, fresh, away = cells
        ids = self._ids(slots, found.places, moved | away)
        if not ids:
            return
        line, column = np.nonzero(moved)
        at, seconds = now[line], now[line] / SECOND
        times = [logic.moments(seconds + part[line, column]) for part in self._parts(found)]
        beside = logic.beside(times[1], times[2], times[3], stale[line])
        whose = Coded.of(ids[cell] for cell in zip(line.tolist(), column.tolist(), strict=True))
        if fresh.any():
            self._introduce(slots, found.places, fresh, ids, now)
        self.made.append(emit(whose, m.ARRIVES, at, text=times[0], sub=beside))
        line, column = np.nonzero(away)
        whose = Coded.of(ids[cell] for cell in zip(line.tolist(), column.tolist(), strict=True))
        self.made.append(emit(whose, m.AWAY, now[line], (column + 1).astype(np.float64)))

    @staticmethod
    def _parts(found: Predicted) -> tuple[F8, ...]:
        return found.announced, found.median, found.low, found.high

    def _introduce(self, slots: Index, places: Index, fresh: Mask, ids: Mapping[tuple[int, int], str], now: I8) -> None:
        """What a new arrival is of: stop, trip, route, vehicle, and the stop's number on the way."""
        line, column = np.nonzero(fresh)
        cells = list(zip(line.tolist(), column.tolist(), strict=True))
        entity, at = Coded.of(ids[cell] for cell in cells), now[line]
        names = [self.fleet.names[slot] for slot in slots.tolist()]
        words = [self.said[name] for name in names]
        stops = Coded.of(self._stop(slots[row], places[row, place], words[row]) for row, place in cells)
        self.made += [
            emit(entity, m.HAS_STOP, at, text=stops),
            emit(entity, m.HAS_TRIP, at, text=Coded.of(words[row].get(m.HAS_TRIP) for row, _ in cells)),
            emit(entity, m.HAS_ROUTE, at, text=Coded.of(words[row].get(m.HAS_ROUTE) for row, _ in cells)),
            emit(entity, m.HAS_VEHICLE, at, text=Coded.of(names[row] for row, _ in cells)),
            emit(entity, m.NUMBER, at, (places[line, column] + 1).astype(np.float64)),
        ]

    def _stop(self, slot: int, place: int, words: Mapping[str, str]) -> str:
        stop = self._visits_of(int(self.fleet["way"][slot]))[place][0]
        said = words[m.HAS_STOP]
        return said if named(said)[1] == stop else f"{said.rpartition(':')[0]}:{quote(stop, safe='')}"

    def _named(self, slot: int, place: int, run: str | None) -> str:
        name = self.fleet.names[slot]
        whose = self.said[name].get(m.HAS_TRIP, "") if run is None else run
        return logic.arrival_urn(name, whose, *self._visits_of(int(self.fleet["way"][slot]))[place])

    def _ids(self, slots: Index, places: Index, cells: Mask) -> dict[tuple[int, int], str]:
        rows, columns = (part.tolist() for part in np.nonzero(cells))
        return {
            (row, column): self._named(int(slots[row]), int(places[row, column]), None)
            for row, column in zip(rows, columns, strict=True)
        }

    def forget_ways(self) -> None:
        """Ways have other numbers now."""
        self._visits.clear()

    def _visits_of(self, way: int) -> list[tuple[str, int]]:
        """The stops of a way, each with how often it came before."""
        if way not in self._visits:
            counts: dict[str, int] = {}
            visits = []
            for stop in self.ways.names(way):
                counts[stop] = counts.get(stop, -1) + 1
                visits.append((stop, counts[stop]))
            self._visits[way] = visits
        return self._visits[way]
