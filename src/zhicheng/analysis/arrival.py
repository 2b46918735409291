"""When vehicles will come to the stops ahead: from where each was last reported on its way, and what hops take.

A vehicle is at a place of its way, or on the hop after it. What it needed for a hop teaches the hop (travel_times);
what is left of the present hop and all of those ahead make the prediction. Columns throughout, a row a vehicle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from zhicheng.analysis.eta_accuracy import lean
from zhicheng.analysis.travel_times import Belief, Hops, expected, learn, learn_dwell, left, spread
from zhicheng.analysis.ways import Ways
from zhicheng.kernel.columns import F8, I8, Index, Mask
from zhicheng.kernel.instants import ABSENT, SECOND

TOGETHER = 0.2
"""How much of the spread of a hop's time is shared with the next ones: a slow train stays slow."""
FIRST = 60.0
"""Seconds to a stop to which a vehicle was on its way when it was first seen: nobody knows how far it was."""
Z80 = 1.2816
"""Deviations from the median to the ends of the middle 80 % of a normal distribution."""


class Status(IntEnum):
    """Where a vehicle is; a place is a stop, or a point between stops."""

    UNKNOWN = 0
    WAITING = 1
    """Before the first place of its way."""
    STANDING = 2
    """At the place."""
    LEFT = 3
    """On the hop from the place to the next; place -1 is before the first."""


class Columns(Protocol):
    """Columns by name, a row a vehicle; to write them, write to what they give."""

    def __getitem__(self, column: str, /) -> npt.NDArray[Any]: ...


FLEET: Mapping[str, int | float] = {
    "way": -1,
    "place": -1,
    "status": int(Status.UNKNOWN),
    "came": ABSENT,
    "went": ABSENT,
    "leaves": ABSENT,
    "share": np.nan,
    "newest": ABSENT,
}
"""The columns that are kept of vehicles, with their beginnings: way, place, status; when it came to the place, when it
was first seen to have left it, before when it will not leave (microseconds); the share of the hop that lies behind it,
NaN where not measured; when it last reported."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Where vehicles say they are: columns, at most one row a vehicle.

    row: of the fleet; place, status: as above; at: of the report; since: when the place was reached, as far as
    can be told (ABSENT: at the report); leaves: known departure from the first place, or ABSENT
    """

    row: Index
    way: Index
    place: Index
    status: Index
    at: I8
    since: I8
    leaves: I8
    share: F8
    hour: Index


@dataclass(frozen=True, slots=True)
class Model:
    """What is learnt and by what rules: the ways, their hops, and how quickly vehicles are believed."""

    ways: Ways
    hops: Hops
    belief: Belief


def take_in(fleet: Columns, model: Model, reports: Reports) -> None:
    """Move vehicles to where they report to be, and learn from those that came from one place to another."""
    row = reports.row
    same = (fleet["way"][row] == reports.way) & (fleet["status"][row] != Status.UNKNOWN)
    before = fleet["place"][row]
    ahead = same & (reports.place > before)
    reached = np.where(reports.since == ABSENT, reports.at, reports.since)
    # what is seen gone from a place it was not seen to reach has been there a little before; the halt makes up for it
    timed = ahead & (before >= 0) & (fleet["came"][row] != ABSENT)
    _learn_hops(model, fleet, reports, reached, timed)
    departed = (
        same & (reports.place == before) & (reports.status == Status.LEFT) & (fleet["status"][row] == Status.STANDING)
    )
    _learn_halts(model, fleet, reports, departed)
    fresh = ~same | (reports.place != before)
    starts = (reports.place == 0) & (reports.leaves != ABSENT)
    came = np.where(fresh, np.where(same, reached, ABSENT), fleet["came"][row])
    came = np.where((reports.status == Status.STANDING) & (came == ABSENT), reached, came)
    came = np.where(starts & (reports.status != Status.WAITING), np.maximum(came, reports.leaves), came)
    left_now = (reports.status == Status.LEFT) & (fresh | departed | (fleet["went"][row] == ABSENT))
    went = np.where(left_now, reached, np.where(fresh, ABSENT, fleet["went"][row]))
    for name, values in (
        ("came", came),
        ("went", np.where(reports.status == Status.LEFT, went, ABSENT)),
        ("way", reports.way),
        ("place", reports.place),
        ("status", reports.status),
        ("leaves", reports.leaves),
        ("share", reports.share),
        ("newest", reports.at),
    ):
        fleet[name][row] = values


def _learn_hops(model: Model, fleet: Columns, reports: Reports, reached: I8, timed: Mask) -> None:
    """Give the time since the last place to the hops between, as it is expected to have been shared among them."""
    chosen = np.flatnonzero(timed)
    if not len(chosen):
        return
    start = model.ways.first[reports.way[chosen]]
    first, last = start + fleet["place"][reports.row[chosen]] + 1, start + reports.place[chosen]
    count = last - first + 1
    owner = np.repeat(np.arange(len(chosen)), count)
    cells = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + first[owner]
    hops = model.ways.hop[cells].astype(np.intp)
    hour, at = reports.hour[chosen][owner], reached[chosen][owner]
    guess = expected(model.hops, hops, hour, at, model.belief)
    took = (reached[chosen] - fleet["came"][reports.row[chosen]]) / SECOND
    seconds = took[owner] * guess / np.bincount(owner, guess)[owner]
    learn(model.hops, hops, np.maximum(seconds, 1.0), 1.0 / count[owner], hour, at, model.belief)


def _learn_halts(model: Model, fleet: Columns, reports: Reports, departed: Mask) -> None:
    place = model.ways.first[reports.way] + reports.place + 1
    usable = departed & (place < model.ways.first[reports.way + 1]) & (reports.place > 0)
    usable &= fleet["came"][reports.row] != ABSENT
    rows = reports.row[usable]
    if len(rows):
        halts = (reports.at[usable] - fleet["came"][rows]) / SECOND
        learn_dwell(model.hops, model.ways.hop[place[usable]].astype(np.intp), halts)


@dataclass(frozen=True, slots=True)
class Predicted:
    """Arrivals to come: matrices, a row a vehicle, a column a place ahead (`places`); `there` where there is one.

    Seconds from now: the median, the ends of the middle 80 %, and what to announce (a little before the median).
    """

    places: Index
    there: Mask
    median: F8
    low: F8
    high: F8

    @property
    def announced(self) -> F8:
        """Seconds to announce."""
        return np.maximum(self.median - lean(self.median), 0.0)


def predict(fleet: Columns, model: Model, rows: Index, now: I8, hour: Index, horizon: int) -> Predicted:
    """Arrivals of vehicles at up to `horizon` places ahead; `now` (microseconds) and class of hour for each."""
    ways, way, status = model.ways, fleet["way"][rows], fleet["status"][rows]
    waiting = status == Status.WAITING
    place = fleet["place"][rows]
    start = np.where(waiting, 0, place + 1)
    places = start[:, None] + np.arange(horizon)
    there = (places < (ways.first[way + 1] - ways.first[way])[:, None]) & (status != Status.UNKNOWN)[:, None]
    hop = np.where(there, ways.hop[np.where(there, ways.first[way][:, None] + places, 0)], -1).astype(np.intp)
    real = there & (hop >= 0)
    flat = np.flatnonzero(real.ravel())
    owner = flat // horizon
    typical = np.zeros(real.shape)
    typical.flat[flat] = expected(model.hops, hop.flat[flat], hour[owner], now[owner], model.belief)
    typical[:, 0] = np.where(there[:, 0] & (hop[:, 0] < 0), FIRST, typical[:, 0])
    noise = model.belief.own * spread(model.hops, model.belief)
    first, low, high = _present(fleet, model, rows, now, hop[:, 0], typical[:, 0], noise)
    rest = typical.copy()
    rest[:, 0] = 0.0
    ahead = np.cumsum(rest, axis=1)
    variance = noise**2 * ((1 - TOGETHER) * np.cumsum(rest**2, axis=1) + TOGETHER * ahead**2)
    median = first[:, None] + ahead
    return Predicted(
        places,
        there,
        median,
        np.maximum(median - np.sqrt((first - low)[:, None] ** 2 + Z80**2 * variance), 0.0),
        median + np.sqrt((high - first)[:, None] ** 2 + Z80**2 * variance),
    )


def _present(
    fleet: Columns, model: Model, rows: Index, now: I8, hop: Index, typical: F8, noise: float
) -> tuple[F8, F8, F8]:
    """Seconds to the next place, and the ends of their middle 80 %."""
    status, place, leaves = fleet["status"][rows], fleet["place"][rows], fleet["leaves"][rows]
    wait = np.where(leaves == ABSENT, 0, np.maximum(leaves - now, 0)) / SECOND
    run = np.maximum(typical - np.append(model.hops.dwell, 0.0)[hop], 0.3 * typical)
    went, came = fleet["went"][rows], fleet["came"][rows]
    gone = (status == Status.LEFT) & (went != ABSENT)
    since = np.where(gone, went, np.where(came == ABSENT, now, came))
    elapsed = np.maximum(now - since, 0) / SECOND
    whole = np.where(gone, run, typical)
    times = [left(whole, elapsed, noise, quantile) for quantile in (0.5, 0.1, 0.9)]
    share = fleet["share"][rows]
    measured = ~np.isnan(share)
    rest = whole * (1 - np.nan_to_num(share))
    times = [
        np.where(measured, rest * factor, time)
        for time, factor in zip(times, (1.0, np.exp(-Z80 * noise), np.exp(Z80 * noise)), strict=True)
    ]
    early = (place == 0) & (status == Status.STANDING) & (wait > 0)
    times = [np.where(early, wait + typical, time) for time in times]
    waits = status == Status.WAITING
    first, low, high = (np.where(waits, wait, time) for time in times)
    return first, low, high
