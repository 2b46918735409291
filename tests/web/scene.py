"""A made-up city for tests and pictures of the map: streets, a river, parks, car parks and thousands of vehicles.

Everything follows from a seed. The city is a grid of 60 by 40 blocks of 200 m, bent and turned so that it looks grown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import cos, pi, radians, sin
from typing import Any

import numpy as np

Feature = dict[str, Any]
CENTRE = (108.366, 22.817)
BLOCKS = (60, 40)
_METRES = 111_320.0
_TURN = radians(-9)
_STATUS = ("IN_TRANSIT_TO", "INCOMING_AT", "STOPPED_AT")
_AVENUES = (
    ("人民大道", "Renmin Avenue"), ("建设路", "Jianshe Road"), ("滨江路", "Riverside Road"), ("解放路", "Jiefang Road"),
    ("民族大道", "Minzu Avenue"), ("园湖路", "Yuanhu Road"), ("东葛路", "Dongge Road"), ("星光大道", "Xingguang"),
    ("科园路", "Keyuan Road"), ("秀厢大道", "Xiuxiang Avenue"), ("明秀路", "Mingxiu Road"), ("望园路", "Wangyuan Road"),
    ("竹溪大道", "Zhuxi Avenue"), ("白沙大道", "Baisha Avenue"), ("凤岭路", "Fengling Road"), ("五象大道", "Wuxiang"),
)  # fmt: skip
_DISTRICTS = (
    ("青秀", "Qingxiu", 44, 30), ("兴宁", "Xingning", 16, 31), ("江南", "Jiangnan", 18, 9),
    ("良庆", "Liangqing", 45, 8),
)  # fmt: skip
_PARKS = ((22, 27, 5, 4), (39, 29, 4, 3), (8, 33, 4, 3), (33, 10, 6, 4), (50, 33, 5, 4), (12, 12, 4, 3), (52, 13, 4, 4))
CAR_PARKS = (
    "火车站", "会展中心", "人民医院", "体育中心", "万象城", "图书馆", "博物馆", "科技馆", "大学城", "市民中心",
    "朝阳广场", "江北客运站", "动物园", "青秀山", "滨江公园", "东站南广场", "凤岭公园", "南湖广场", "五一路", "东站",
)  # fmt: skip


def place(u: float, v: float) -> list[float]:
    """Blocks from the south-western corner as longitude and latitude."""
    lon, lat = places_of(np.array([u]), np.array([v]))
    return [round(float(lon[0]), 6), round(float(lat[0]), 6)]


def places_of(u: Any, v: Any) -> tuple[Any, Any]:
    """The same of many."""
    x = (u - 30) * 200 + 260 * np.sin(v / 9) + 130 * np.sin(u / 7)
    y = (v - 20) * 200 + 240 * np.sin(u / 11 + 1) + 90 * np.sin(v / 6)
    east, north = x * cos(_TURN) - y * sin(_TURN), x * sin(_TURN) + y * cos(_TURN)
    return CENTRE[0] + east / (_METRES * cos(radians(CENTRE[1]))), CENTRE[1] + north / _METRES


def _river(u: float) -> tuple[float, float]:
    """Its middle and half its width, in blocks."""
    return 19 + 4.5 * sin(u / 11) + 1.2 * sin(u / 4), 1.1 + 0.35 * sin(u / 8)


def _in_river(u: float, v: float, more: float = 0.25) -> bool:
    middle, half = _river(u)
    return abs(v - middle) < half + more


def _in_park(u: float, v: float) -> bool:
    return any(x <= u <= x + w and y <= v <= y + h for x, y, w, h in _PARKS)


def _feature(layer: str, kind: str, geometry: str, coordinates: object, name: tuple[str, str] | None = None) -> Feature:
    names = {} if name is None else {"name": name[0], "name_en": name[1]}
    return {
        "type": "Feature",
        "properties": {"layer": layer, "class": kind, **names},
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def _kind(number: int) -> str:
    return "primary" if number % 10 == 0 else "secondary" if number % 5 == 0 else "residential"


def _streets() -> Iterator[Feature]:
    """Avenues cross the river; small streets end at it."""
    across, along = BLOCKS
    names = iter(_AVENUES)
    lines: list[tuple[int, list[tuple[float, float]]]]
    lines = [(n, [(n, v / 2) for v in range(2 * along + 1)]) for n in range(across + 1)]
    lines += [(n, [(u / 2, n) for u in range(2 * across + 1)]) for n in range(along + 1)]
    for number, points in lines:
        kind = _kind(number)
        name = next(names, None) if kind != "residential" else None
        part: list[list[float]] = []
        for u, v in points:
            if kind == "residential" and (_in_river(u, v) or _in_park(u, v)):
                if len(part) > 1:
                    yield _feature("road", kind, "LineString", part)
                part = []
            else:
                part.append(place(u, v))
        if len(part) > 1:
            yield _feature("road", kind, "LineString", part, name)
    ring = [place(30 + 28.5 * cos(a * pi / 48), 20 + 18.5 * sin(a * pi / 48)) for a in range(97)]
    yield _feature("road", "motorway", "LineString", ring, ("环城高速", "Ring Expressway"))
    yield _feature("road", "rail", "LineString", [place(u, 27 + u / 12 + sin(u / 9)) for u in range(-6, 67)])


def _box(u: float, v: float, w: float, h: float) -> list[list[list[float]]]:
    return [[place(u, v), place(u + w, v), place(u + w, v + h), place(u, v + h), place(u, v)]]


def _buildings(chance: np.random.Generator) -> Iterator[Feature]:
    across, along = BLOCKS
    for u in range(across):
        for v in range(along):
            far = np.hypot((u - 30) / 30, (v - 20) / 20)
            for du, dv in ((0.12, 0.12), (0.55, 0.12), (0.12, 0.55), (0.55, 0.55)):
                middle = (u + du + 0.16, v + dv + 0.16)
                if chance.random() > far * 0.75 and not _in_river(*middle, 0.5) and not _in_park(*middle):
                    yield _feature("building", "yes", "Polygon", _box(u + du, v + dv, *chance.uniform(0.2, 0.34, 2)))


def basemap() -> dict[str, object]:
    """The base map, as docs/basemap.md says."""
    chance = np.random.default_rng(7)
    bank = [place(u / 2, sum(_river(u / 2))) for u in range(-24, 145)]
    other = [place(u / 2, _river(u / 2)[0] - _river(u / 2)[1]) for u in range(144, -25, -1)]
    features = [_feature("water", "river", "Polygon", [[*bank, *other, bank[0]]])]
    middle = [place(u, _river(u)[0]) for u in range(14, 47)]
    features.append(_feature("water", "canal", "LineString", middle, ("邕江", "Yong River")))
    for u, v, w, h in _PARKS:
        features.append(_feature("green", "park", "Polygon", _box(u, v, w, h)))
    lake = [place(35.8 + 1.8 * cos(a * pi / 24), 11.9 + 1.1 * sin(a * pi / 24)) for a in range(49)]
    features.append(_feature("water", "lake", "Polygon", [lake], ("南湖", "South Lake")))
    features += [*_streets(), *_buildings(chance)]
    for zh, en, u, v in _DISTRICTS:
        features.append(_feature("place", "town", "Point", place(u, v), (f"{zh}区", f"{en} District")))
    return {"type": "FeatureCollection", "attribution": "模拟底图 · made-up base map", "features": features}


def _property(value: object, at: str | None = None, unit: str | None = None) -> dict[str, object]:
    more = {"observedAt": at} if at else {}
    return {"type": "Property", "value": value, **more, **({"unitCode": unit} if unit else {})}


def _geometry(kind: str, coordinates: object, at: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {"type": "GeoProperty", "value": {"type": kind, "coordinates": coordinates}}
    return found | ({"observedAt": at} if at else {})


def still_entities(at: float) -> list[dict[str, object]]:
    """Lines, as they are known since a time (seconds)."""
    when = stamp(at)
    found: list[dict[str, object]] = []
    for number, v in enumerate((10, 20, 30), 1):
        line = [place(u, v) for u in range(4, 57)]
        found.append({
            "id": f"urn:ngsi-ld:GtfsRoute:test:{number}", "type": "GtfsRoute",
            "shortName": _property(f"{number}", when), "name": _property(f"{number} 号线", when),
            "location": _geometry("LineString", line, when),
        })  # fmt: skip
    return found


def place_of_park(number: int) -> list[float]:
    """Where a car park lies."""
    chance = np.random.default_rng(200 + number)
    return place(chance.uniform(6, 54), chance.uniform(4, 36))


def car_parks(at: float) -> list[dict[str, object]]:
    """How many places are free: fewest in the middle of the day, each park in its own way."""
    hour, when = (at / 3600 + 8) % 24, stamp(at)
    found: list[dict[str, object]] = []
    for number, name in enumerate(CAR_PARKS):
        chance = np.random.default_rng(100 + number)
        total = int(chance.integers(20, 120)) * 10
        busy = 0.5 + 0.5 * cos((hour - 13 - chance.normal(0, 2)) / 24 * 2 * pi)
        taken = min(0.99, 0.25 + busy * chance.uniform(0.45, 0.8))
        found.append({
            "id": f"urn:ngsi-ld:OffStreetParking:test:{number}", "type": "OffStreetParking",
            "name": _property(f"{name}停车场", when), "location": _geometry("Point", place_of_park(number), when),
            "totalSpotNumber": _property(total, when), "availableSpotNumber": _property(int(total * (1 - taken)), when),
        })  # fmt: skip
    return found


def stamp(at: float) -> str:
    """Seconds as an instant."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Fleet:
    """Vehicles that go to and fro on the streets, more of them on avenues."""

    count: int
    seed: int = 11

    def positions(self, at: float) -> tuple[Any, Any, Any]:
        """Longitude, latitude and status (its number) of each at a time (seconds)."""
        chance = np.random.default_rng(self.seed)
        upright = chance.random(self.count) < 0.45
        lines, length = np.where(upright, *BLOCKS), np.where(upright, BLOCKS[1], BLOCKS[0])
        street = np.floor(chance.random(self.count) * (lines + 1))
        street = np.where(chance.random(self.count) < 0.85, np.round(street / 5) * 5, street)
        start, speed = chance.random(self.count) * 2, chance.uniform(4, 14, self.count)
        way = (start + speed * at / 200 / length) % 2
        way = np.where(way > 1, 2 - way, way) * length
        lon, lat = places_of(np.where(upright, street, way), np.where(upright, way, street))
        near = np.abs(way - np.round(way))
        return lon, lat, np.where(near < 0.06, 2, np.where(near < 0.14, 1, 0))

    def entities(self, at: float, some: slice = slice(None)) -> list[dict[str, object]]:
        """Their reports."""
        lon, lat, status = self.positions(at)
        when = stamp(at)
        rows = range(self.count)[some]
        return [
            {
                "id": f"urn:ngsi-ld:Vehicle:test:{row}", "type": "Vehicle", "name": _property(f"A{row:05d}", when),
                "location": _geometry("Point", [round(float(lon[row]), 6), round(float(lat[row]), 6)], when),
                "current_status": _property(_STATUS[int(status[row])], when),
            }
            for row in rows
        ]  # fmt: skip
