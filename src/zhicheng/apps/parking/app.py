"""Free places of car parks: how full they are, what they do, and how many places will be free.

A forecast is issued at the first reading of every quarter of an hour, as of its beginning; where a source says
nothing, none is issued. Its target times are within the value; once an hour the occupancy to be expected an hour on
is written beside it, as a number with history, to be compared with what came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from zhicheng.analysis.forecast import COLUMNS, HORIZONS, SLOT, Forecasts, advance, slots_of
from zhicheng.analysis.outlook import written
from zhicheng.apps.parking import logic
from zhicheng.apps.parking import model as m
from zhicheng.apps.parking.views import VIEWS
from zhicheng.compute.app import App, Derived, Tables
from zhicheng.compute.rows import Rows, Wide, emit, in_order, nothing, subs
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import F8, I4, I8, Index
from zhicheng.kernel.moments import printed
from zhicheng.kernel.zones import offsets, zone
from zhicheng.standards.changes import Changes, Form
from zhicheng.standards.models.model import Label

_HOUR = 4
"""Slots; also the horizon whose occupancy is written."""


@dataclass(slots=True)
class State:
    """parks: by car park its number of places, and what forecasting remembers"""

    parks: Keyed = field(default_factory=lambda: Keyed(total=np.nan, **COLUMNS))


def derive(rows: Rows, state: State, params: m.Params, tables: Tables) -> Derived[State]:
    """What the readings say, in their order; car parks that were removed are forgotten."""
    made = []
    for piece, gone in rows.lives():
        made.append(_derived(piece, state.parks, params))
        state.parks.drop(gone)
    return Derived(Changes.concat(made) if made else nothing(), state)


def _derived(rows: Rows, parks: Keyed, params: m.Params) -> Changes:
    wide = rows.take(~rows.late).wide(m.FREE, m.TOTAL)
    slots = parks.slots(wide.rows.entity)
    total = parks.carry("total", slots, wide.number[m.TOTAL])
    read = np.flatnonzero(wide.number[m.FREE] >= 0)
    free, at = wide.number[m.FREE][read], wide.rows.at[read]
    city = zone(params.time_zone or "UTC")
    forecasts = advance(parks, slots[read], slots_of(at, offsets(city, at)), free)
    filled = emit(wide.rows.entity.take(read), m.OCCUPANCY, at, logic.occupancy(free, total[read]))
    known = np.flatnonzero(total[read] > 0)
    return in_order([(known, filled), *_foreseen(wide, read, forecasts, total[read], params)])


def _final(commit: I8, park: I4, issued: I8) -> Index:
    """The last forecast of each car park in each commit, which alone is kept: an import's holds weeks of them."""
    order = np.lexsort((issued, park, commit))
    ends = (np.diff(park[order], append=-1) != 0) | (np.diff(commit[order], append=-1) != 0)
    return np.sort(order[ends])


def _foreseen(wide: Wide, read: Index, made: Forecasts, total: F8, params: m.Params) -> Iterator[tuple[Index, Changes]]:
    """Trend and forecasts, each with the readings they came of."""
    source = made.reading
    total, stood = total[source], wide.number[m.FREE][read[source]]
    entity = wide.rows.entity.take(read[source])
    issued = wide.rows.at[read[source]] // SLOT * SLOT
    centre, low, high = made.within(np.maximum(total, stood))
    trend = logic.trend(made.hour, total, params.steady)
    said = trend.codes >= 0
    yield source[said], emit(entity.take(said), m.TREND, issued[said], text=trend.take(said))
    final = _final(wide.rows.position[read[source]], entity.codes, issued)
    texts = written(m.PLACES, issued[final], centre[final], low[final], high[final])
    yield source[final], emit(entity.take(final), m.FORECAST, issued[final], text=texts, form=Form.JSON)
    hourly = np.flatnonzero((made.slot % _HOUR == 0) & (total > 0))
    place = int(np.flatnonzero(HORIZONS == _HOUR)[0])
    share, fullest, emptiest = (logic.occupancy(part[hourly, place], total[hourly]) for part in (centre, low, high))
    beside = subs({"target": printed(issued[hourly] + _HOUR * SLOT), "low": emptiest, "high": fullest})
    yield source[hourly], emit(entity.take(hourly), m.AHEAD, issued[hourly], share, sub=beside)


APP = App(
    name="parking",
    label=Label("Parking", "停车"),
    description=Label(
        "How full car parks are, whether they fill or empty, and how many places will be free in 15 minutes to two "
        "hours, with a range that holds four times of five.",
        "停车场的占用率、变化趋势，以及未来15分钟至2小时的预计空位；给出的范围五次中有四次成立。",
    ),
    reads=m.READS,
    writes=m.WRITES,
    derive=derive,
    state=lambda params: State(),
    params=m.Params(),
    layers=m.LAYERS,
    views=VIEWS,
    vitals=m.VITALS,
)
