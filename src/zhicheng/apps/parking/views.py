"""Which car park to drive to: the nearest with the chance of a free place on arrival."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zhicheng.analysis.forecast import HORIZONS
from zhicheng.analysis.nearest import Outlook, expected, nearest
from zhicheng.apps.parking.model import FORECAST, FREE, PARK, TOTAL, Params
from zhicheng.compute.views import Ask, Asked, Seen, View
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.geometry import bounds
from zhicheng.kernel.instants import HOUR, MINUTE
from zhicheng.standards.models import said
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Entity, Json

_FARTHEST, _LONGEST = 5_000.0, 120.0
_OLD = HOUR
"""A reading this old is said to be stale; a forecast this old is none."""
_MOST = 20


def nearby(seen: Seen, asked: Asked, params: Params) -> Json:
    """Car parks around a place: first those where a free place is likely, nearest first; then the likelier ones."""
    lon, lat = _place(asked.query)
    arrival = _arrival(asked.query, seen.now)
    count = int(min(max(float(asked.query.get("count", "5")), 1), _MOST))
    within = float(asked.query.get("within", _FARTHEST))
    parks = [park for park in seen.some(PARK) if _fresh(park, seen.now)]
    outlook = _outlook(parks)
    choice = nearest(outlook, lon, lat, np.array(arrival), count=len(parks))
    foreseen = expected(outlook, np.full(len(parks), arrival))
    listed: list[Json] = [
        _shown(parks[row], seen, (metres, chance), [part[row] for part in foreseen])
        for row, metres, chance in zip(choice.rows.tolist(), choice.metres, choice.chance, strict=True)
        if metres <= within
    ]
    return {"at": instants.format(seen.now), "arrival": instants.format(arrival), "parks": listed[:count]}


def _place(query: Mapping[str, str]) -> tuple[float, float]:
    if not {"lon", "lat"} <= set(query):
        raise Invalid("Say where: lon and lat, in degrees", "请指定位置：lon 与 lat（度）", parameter="lon")
    lon, lat = float(query["lon"]), float(query["lat"])
    if abs(lon) > 180 or abs(lat) > 90:
        raise Invalid(
            f"{lon:g}, {lat:g} is no place on the earth", f"{lon:g}, {lat:g} 不是地球上的位置", parameter="lon"
        )
    return lon, lat


def _arrival(query: Mapping[str, str], now: int) -> int:
    """When one would be there: an instant or minutes from now, up to as far as there are forecasts."""
    if "arrival" in query and "minutes" in query:
        raise Invalid("Say arrival or minutes, not both", "arrival 与 minutes 只能指定其一", parameter="minutes")
    minutes = float(query.get("minutes", "15"))
    if "arrival" in query:
        minutes = (instants.parse(query["arrival"]) - now) / MINUTE
    if not 0 <= minutes <= _LONGEST:
        raise Invalid(
            f"The arrival lies between now and {_LONGEST:.0f} minutes from now",
            f"到达时间应在现在至 {_LONGEST:.0f} 分钟之后",
            parameter="arrival" if "arrival" in query else "minutes",
        )
    return now + round(minutes * MINUTE)


def _fresh(park: Entity, now: int) -> bool:
    issued = said.attribute(park, FORECAST)
    return issued is not None and now - (issued.observed_at or 0) <= 2 * _OLD


def _outlook(parks: list[Entity]) -> Outlook:
    columns = np.array([_numbers(park) for park in parks], float).reshape(len(parks), 3 + 3 * len(HORIZONS))
    issued = [one.observed_at or 0 for park in parks if (one := said.attribute(park, FORECAST)) is not None]
    centre, low, high = (columns[:, 3 + part :: 3] for part in range(3))
    return Outlook(columns[:, 0], columns[:, 1], np.array(issued, np.int64), columns[:, 2], centre, low, high)


def _numbers(park: Entity) -> F8:
    """Longitude, latitude and free places, then for each horizon those expected, at least and at most; NaN: unknown."""
    found = np.full(3 + 3 * len(HORIZONS), np.nan)
    try:
        west, south, east, north = bounds(said.value(park, "location"))
        found[:2] = (west + east) / 2, (south + north) / 2
    except Invalid:
        return found
    free, told = said.value(park, FREE), said.value(park, FORECAST)
    listed = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    numbers = [one.get(key) for one in listed for key in ("free", "low", "high")]
    if isinstance(free, int | float) and len(numbers) == 3 * len(HORIZONS):
        found[2] = free
        found[3:] = [number if isinstance(number, int | float) else np.nan for number in numbers]
    return found


def _shown(park: Entity, seen: Seen, likely: tuple[float, float], foreseen: list[F8]) -> Json:
    free, total = said.attribute(park, FREE), said.value(park, TOTAL)
    heard = (free.observed_at if free is not None else None) or 0
    centre, low, high = (round(float(part)) for part in foreseen)
    return {
        "id": park.id,
        "name": dict[str, Json](said.in_zh_en(said.languages(park, "name"))) or None,
        "location": said.value(park, "location"),
        "metres": round(float(likely[0])),
        "chance": round(float(likely[1]), 2),
        "forecast": {"free": centre, "low": low, "high": high},
        "free": free.value if free is not None else None,
        "total": total,
        "observedAt": instants.format(heard),
        "stale": park.source in seen.stale or seen.now - heard > _OLD,
        "simulated": said.simulated(park),
    }


VIEWS = (
    View(
        "nearest",
        Label("The nearest car parks with a free place", "最近的有空位停车场"),
        nearby,
        (
            Ask("lon", Label("Longitude, degrees", "经度"), number=True),
            Ask("lat", Label("Latitude, degrees", "纬度"), number=True),
            Ask("arrival", Label("When one would be there", "到达时刻")),
            Ask("minutes", Label("Minutes until then, 15 unless given", "多少分钟后到达，默认 15"), number=True),
            Ask("within", Label("Metres, at most; 5,000 unless given", "最远距离（米），默认 5000"), number=True),
            Ask("count", Label("How many, 5 unless given", "数量，默认 5"), number=True),
        ),
    ),
)
