"""Which car park to drive to: the nearest with the chance of a free place on arrival."""

from __future__ import annotations

import numpy as np

from zhicheng.analysis.nearest import expected, nearest
from zhicheng.analysis.outlook import outlook
from zhicheng.apps.parking.model import FORECAST, FREE, PARK, PLACES, TOTAL, Params
from zhicheng.compute.asked import WHEN, WHERE, when, where
from zhicheng.compute.views import Ask, Asked, View
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8
from zhicheng.kernel.instants import HOUR
from zhicheng.standards.models import said
from zhicheng.standards.models.model import Label
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Entity, Json

_FARTHEST, _LONGEST, _MOST = 5_000.0, 120.0, 20
_OLD = HOUR
"""A reading this old is said to be stale; a forecast twice as old is none."""


def nearby(seen: Seen, asked: Asked, params: Params) -> Json:
    """Car parks around a place: first those where a free place is likely, nearest first; then the likelier ones."""
    lon, lat = where(asked)
    arrival = when(asked, seen.now, _LONGEST)
    parks = [park for park in seen.some(PARK) if _foreseen(park, seen.now)]
    known = outlook(PLACES, parks, FREE, FORECAST)
    choice = nearest(known, lon, lat, np.array(arrival), count=len(parks))
    foreseen = expected(known, np.full(len(parks), arrival))
    within, count = asked.number("within", _FARTHEST), int(asked.number("count", 5, 1, _MOST))
    listed: list[Json] = [
        _shown(parks[row], seen, (metres, chance), [part[row] for part in foreseen])
        for row, metres, chance in zip(choice.rows.tolist(), choice.metres, choice.chance, strict=True)
        if metres <= within
    ]
    return {"at": instants.format(seen.now), "arrival": instants.format(arrival), "parks": listed[:count]}


def _foreseen(park: Entity, now: int) -> bool:
    issued = said.attribute(park, FORECAST)
    return issued is not None and now - (issued.observed_at or 0) <= 2 * _OLD


def _shown(park: Entity, seen: Seen, likely: tuple[float, float], foreseen: list[F8]) -> Json:
    free = said.attribute(park, FREE)
    heard = (free.observed_at if free is not None else None) or 0
    centre, low, high = (round(float(part)) for part in foreseen)
    return {
        "id": park.id,
        "name": dict[str, Json](said.in_zh_en(said.languages(park, "name"))) or None,
        "location": said.value(park, "location"),
        "metres": round(float(likely[0])),
        "chance": round(float(likely[1]), 2),
        "forecast": {PLACES: centre, "low": low, "high": high},
        "free": free.value if free is not None else None,
        "total": said.value(park, TOTAL),
        "observedAt": instants.format(heard),
        "stale": park.source in seen.stale or seen.now - heard > _OLD,
        "simulated": said.simulated(park),
    }


_WITHIN = Ask("within", Label("Metres, at most; 5,000 unless given", "最远距离（米），默认 5000"), number=True)
_COUNT = Ask("count", Label("How many, 5 unless given", "数量，默认 5"), number=True)
VIEWS = (
    View(
        "nearest",
        Label("The nearest car parks with a free place", "最近的有空位停车场"),
        nearby,
        (*WHERE, *WHEN, _WITHIN, _COUNT),
    ),
)
