"""When buses and trains come to the stops ahead, predicted from their own reports alone.

A vehicle that reports, or of which nothing is heard for a while, has its arrivals predicted anew (`compute/fleet.py`
says where it is), and those are written that moved enough to matter.
"""

from __future__ import annotations

import numpy as np

from zhicheng.analysis.arrival import Predicted, predict
from zhicheng.apps.arrival import model as m
from zhicheng.apps.arrival.views import VIEWS
from zhicheng.compute.ahead import News
from zhicheng.compute.app import App, Derived, Tables
from zhicheng.compute.fleet import PLANS, READS, Fleet, Kept
from zhicheng.compute.rows import Rows, emit, nothing, subs
from zhicheng.kernel.columns import I8, Coded, Index, Mask
from zhicheng.kernel.instants import SECOND
from zhicheng.kernel.moments import printed
from zhicheng.standards.changes import Changes
from zhicheng.standards.gtfs.arrivals import own_urn, sibling
from zhicheng.standards.models.model import Label


def derive(rows: Rows, state: Kept, params: m.Params, tables: Tables) -> Derived[Kept]:
    """What the reports say, commit by commit."""
    made: list[Changes] = []
    plans = PLANS.of(tables, params.networks)
    fleet = Fleet(state, plans, params.time_zone, params.patience, own_urn, made)
    for commit in rows.commits():
        for vehicles, now in fleet.take(commit):
            if len(vehicles):
                made += _arrivals(fleet, vehicles, now, params)
    return Derived(Changes.concat(made) if made else nothing(), state)


def _arrivals(fleet: Fleet, vehicles: Index, now: I8, params: m.Params) -> list[Changes]:
    """What is new of the arrivals of vehicles, as of `now`."""
    found = predict(fleet.vehicles, fleet.model, vehicles, now, fleet.hour(now), params.stops)
    stale, turned = fleet.stale(vehicles, now)
    news = fleet.ahead.news(vehicles, found.places, found.there, found.announced, now, params.worth, turned)
    if not len(news.row):
        return []
    introduced = _introduced(fleet, vehicles, found, now, news) if news.fresh.any() else []
    return [*introduced, *_told(found, now, stale, news)]


def _introduced(fleet: Fleet, vehicles: Index, found: Predicted, now: I8, news: News) -> list[Changes]:
    """What new arrivals are of: stop, trip, route, vehicle, and the stop's number on the way."""
    row, column = news.row[news.fresh], news.column[news.fresh]
    entity, at, place = news.entity.take(news.fresh), now[row], found.places[row, column]
    whose = fleet.vehicles.keys(vehicles[row])
    said = [fleet.words[name or ""] for name in whose.list()]
    stops = zip(said, fleet.stops(vehicles[row], place), strict=True)
    return [
        emit(entity, m.HAS_STOP, at, text=Coded.of(sibling(words[m.HAS_STOP], stop) for words, stop in stops)),
        emit(entity, m.HAS_TRIP, at, text=Coded.of(words.get(m.HAS_TRIP) for words in said)),
        emit(entity, m.HAS_ROUTE, at, text=Coded.of(words.get(m.HAS_ROUTE) for words in said)),
        emit(entity, m.HAS_VEHICLE, at, text=whose),
        emit(entity, m.NUMBER, at, (place + 1).astype(np.float64)),
    ]


def _told(found: Predicted, now: I8, stale: Mask, news: News) -> list[Changes]:
    """When vehicles come, with the range that holds four times of five, and how many stops away they are."""
    row, column = news.row[news.moved], news.column[news.moved]
    arrives, median, earliest, latest = (
        printed(np.rint(now[row] / SECOND + seconds[row, column]).astype(np.int64) * SECOND)
        for seconds in (found.announced, found.median, found.low, found.high)
    )
    beside = subs({"median": median, "earliest": earliest, "latest": latest, "stale": stale[row]})
    counted, away = news.row[news.counted], (news.column[news.counted] + 1).astype(np.float64)
    return [
        emit(news.entity.take(news.moved), m.ARRIVES, now[row], text=arrives, sub=beside),
        emit(news.entity.take(news.counted), m.AWAY, now[counted], away),
    ]


APP = App(
    name="arrival",
    label=Label("Arrivals", "到站预报"),
    description=Label(
        "When buses and trains come to the stops ahead, and how many stops away they are: predicted from what the "
        "vehicles report, with a range that holds four times of five. What is not heard of is said to be stale.",
        "公交与列车何时到达前方各站、还有几站：仅由车辆自身上报推算，给出的范围五次中有四次成立；失联车辆会标明。",
    ),
    reads=READS,
    writes=m.WRITES,
    derive=derive,
    state=lambda params: Kept(),
    params=m.Params(),
    layers=m.LAYERS,
    views=VIEWS,
    vitals=m.VITALS,
    tables=lambda params: params.networks,
)
