"""Free places of car parks: how full they are, what they do, and how many places will be free.

A forecast is issued at the first reading of every quarter of an hour, as of its beginning; where a source says
nothing, none is issued. Its target times are within the value; once an hour the occupancy to be expected an hour on
is written beside it, as a number with history, to be compared with what came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zhicheng.analysis.forecast import COLUMNS, HORIZONS, SLOT, Forecasts, advance, slots_of
from zhicheng.apps.parking import logic
from zhicheng.apps.parking.model import (
    AHEAD,
    FORECAST,
    FREE,
    LAYERS,
    OCCUPANCY,
    READS,
    TOTAL,
    TREND,
    VITALS,
    WRITES,
    Params,
)
from zhicheng.apps.parking.views import VIEWS
from zhicheng.compute.app import App, Derived, Tables
from zhicheng.compute.rows import Rows, Wide, emit, nothing, subs
from zhicheng.compute.state import Keyed
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8, Coded, Index
from zhicheng.kernel.zones import offsets, zone
from zhicheng.standards.changes import Changes, Form
from zhicheng.standards.models.model import Label

_HOUR = 4
"""Slots; also the horizon whose occupancy is written."""


@dataclass(slots=True)
class State:
    """parks: by car park its number of places, and what forecasting remembers"""

    parks: Keyed


def fresh(params: Params) -> State:
    """Nothing is known yet."""
    return State(Keyed(total=np.nan, **COLUMNS))


def derive(rows: Rows, state: State, params: Params, tables: Tables) -> Derived[State]:
    """What the readings say, in their order; car parks that were removed are forgotten."""
    made = [_derived(part, state, params) for part in _lives(rows, state) if len(part)]
    return Derived(Changes.concat(made) if made else nothing(), state)


def _lives(rows: Rows, state: State) -> Iterator[Rows]:
    """The rows, cut where a car park is removed."""
    start = 0
    for row in np.flatnonzero(rows.gone).tolist():
        yield rows.take(slice(start, row))
        slot = state.parks.find(rows.entity.take(slice(row, row + 1)))
        state.parks.forget(np.arange(len(state.parks)) == slot)
        start = row + 1
    yield rows.take(slice(start, None))


def _derived(rows: Rows, state: State, params: Params) -> Changes:
    wide = rows.take(~rows.late).wide(FREE, TOTAL)
    parks = state.parks
    slots = parks.slots(wide.rows.entity)
    total = logic.carried(slots, wide.number[TOTAL], parks["total"])
    parks["total"][slots] = total
    read = np.flatnonzero(wide.number[FREE] >= 0)
    free, at = wide.number[FREE][read], wide.rows.at[read]
    city = zone(params.time_zone or "UTC")
    forecasts = advance(parks, slots[read], slots_of(at, offsets(city, at)), free)
    entity = wide.rows.entity.take(read)
    filled = emit(entity, OCCUPANCY, at, logic.occupancy(free, total[read]))
    known = np.flatnonzero(total[read] > 0)
    told = [(known, filled), *_foreseen(wide, read, forecasts, total[read], params)]
    order = np.argsort(np.concatenate([source for source, _ in told]), kind="stable")
    return Changes.concat([changes for _, changes in told]).take(order)


def _foreseen(wide: Wide, read: Index, made: Forecasts, total: F8, params: Params) -> Iterator[tuple[Index, Changes]]:
    """Trend and forecasts, each with the readings they came of."""
    source = made.reading
    total = total[source]
    entity = wide.rows.entity.take(read[source])
    issued = wide.rows.at[read[source]] // SLOT * SLOT
    centre, low, high = logic.capped(made, total, wide.number[FREE][read[source]])
    trend = logic.trend(made.hour, total, params.steady)
    said = trend.codes >= 0
    yield source[said], emit(entity.take(said), TREND, issued[said], text=trend.take(said))
    texts = logic.written(issued, centre, low, high)
    yield source, emit(entity, FORECAST, issued, text=texts, form=Form.JSON)
    hourly = np.flatnonzero((made.slot % _HOUR == 0) & (total > 0))
    place = int(np.flatnonzero(HORIZONS == _HOUR)[0])
    share, fullest, emptiest = (logic.occupancy(part[hourly, place], total[hourly]) for part in (centre, low, high))
    target = Coded.of(instants.format(at) for at in (issued[hourly] + _HOUR * SLOT).tolist())
    beside = subs({"target": target, "low": emptiest, "high": fullest})
    yield source[hourly], emit(entity.take(hourly), AHEAD, issued[hourly], share, sub=beside)


APP = App(
    name="parking",
    label=Label("Parking", "停车"),
    description=Label(
        "How full car parks are, whether they fill or empty, and how many places will be free in 15 minutes to two "
        "hours, with a range that holds four times of five.",
        "停车场的占用率、变化趋势，以及未来15分钟至2小时的预计空位；给出的范围五次中有四次成立。",
    ),
    reads=READS,
    writes=WRITES,
    derive=derive,
    state=fresh,
    params=Params(),
    layers=LAYERS,
    views=VIEWS,
    vitals=VITALS,
)
