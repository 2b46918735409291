"""Writes the made-up city that examples/city.toml shows: places that stay, and four minutes of a working day.

    python examples/simulate.py

Everything here is invented (模拟). Buses go round on two lines, bays fill and empty, the air gets worse and better.
"""

from __future__ import annotations

import json
from itertools import pairwise
from math import atan2, cos, degrees, hypot, pi, sin
from pathlib import Path

HERE = Path(__file__).parent / "city"
CENTRE = (108.366, 22.817)
FRAMES, SECONDS = 48, 5
LINES = {
    "1": ("人民路环线", [(-30, -8), (-12, -9), (6, -7), (24, -2), (30, 9), (14, 12), (-4, 11), (-22, 6), (-30, -8)]),
    "2": ("滨江快线", [(-28, 16), (-14, 10), (-2, 2), (10, -6), (26, -14), (12, -12), (-6, -2), (-20, 8), (-28, 16)]),
}
STATIONS = (("市政府", -2, 3), ("火车站", -18, -6), ("大学城", 20, 8), ("工业园", 25, -12))
CAR_PARKS = (
    ("火车站停车场", -17, -7, 420),
    ("会展中心停车场", 8, -5, 900),
    ("医院停车楼", -6, 9, 300),
    ("体育馆停车场", 18, 10, 650),
)
QUARTERS = (("青秀片区", 0, -16, 34, 14), ("老城片区", -34, -16, 0, 14))


def place(x: float, y: float) -> list[float]:
    """Hundreds of metres from the centre as longitude and latitude."""
    return [round(CENTRE[0] + x * 0.000975, 6), round(CENTRE[1] + y * 0.0009, 6)]


def along(points: list[tuple[int, int]], part: float) -> tuple[list[float], float]:
    """Position and heading (degrees from north) at a part (0 to 1) of a line."""
    legs = [hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)]
    left = part % 1 * sum(legs)
    for (a, b), length in zip(pairwise(points), legs, strict=True):
        if left <= length:
            share = left / length
            heading = round(degrees(atan2(b[0] - a[0], b[1] - a[1])) % 360, 1)
            return place(a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])), heading
        left -= length
    return place(*points[-1]), 0.0


def measured(value: float, unit: str | None = None) -> dict[str, object]:
    """A number with its unit."""
    return {"type": "Property", "value": value} | ({} if unit is None else {"unitCode": unit})


def point(position: list[float]) -> dict[str, object]:
    """A place."""
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": position}}


def name(text: str) -> dict[str, object]:
    """A name."""
    return {"type": "Property", "value": text}


def places() -> list[dict[str, object]]:
    """What stays where it is."""
    found: list[dict[str, object]] = []
    for number, (text, points) in LINES.items():
        shape = {"type": "LineString", "coordinates": [place(*pair) for pair in points]}
        found.append(
            {
                "id": f"urn:ngsi-ld:GtfsRoute:demo:{number}",
                "type": "GtfsRoute",
                "name": name(text),
                "shortName": name(number),
                "routeType": measured(3),
                "location": {"type": "GeoProperty", "value": shape},
            }
        )
    for text, west, south, east, north in QUARTERS:
        ring = [place(west, south), place(east, south), place(east, north), place(west, north), place(west, south)]
        found.append(
            {
                "id": f"urn:ngsi-ld:AdministrativeArea:demo:{text}",
                "type": "AdministrativeArea",
                "name": name(text),
                "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [ring]}},
            }
        )
    for number, (text, x, y, total) in enumerate(CAR_PARKS, 1):
        found.append(
            {
                "id": f"urn:ngsi-ld:OffStreetParking:demo:{number}",
                "type": "OffStreetParking",
                "name": name(text),
                "totalSpotNumber": measured(total, "C62"),
                "location": point(place(x, y)),
            }
        )
    return found


def frame(number: int) -> list[dict[str, object]]:
    """What moves, at one instant."""
    turn = number / FRAMES
    found: list[dict[str, object]] = []
    for line, (_, points) in LINES.items():
        for bus in range(6):
            position, heading = along(points, turn + bus / 6)
            speed = round(32 + 12 * sin(2 * pi * (3 * turn + bus / 6)), 1)
            found.append(
                {
                    "id": f"urn:ngsi-ld:Vehicle:demo:{line}{bus:02d}",
                    "type": "Vehicle",
                    "name": name(f"{line} 路 {bus + 1}号车"),
                    "location": point(position),
                    "heading": measured(heading, "DD"),
                    "speed": measured(speed, "KMH"),
                }
            )
    for at, (_, _, _, total) in enumerate(CAR_PARKS, 1):
        free = round(total * (0.45 + 0.35 * cos(2 * pi * (turn + at / 4))))
        found.append(
            {
                "id": f"urn:ngsi-ld:OffStreetParking:demo:{at}",
                "type": "OffStreetParking",
                "availableSpotNumber": measured(free, "C62"),
            }
        )
    for at, (text, x, y) in enumerate(STATIONS, 1):
        level = 35 + 20 * sin(2 * pi * (turn + at / 5))
        found.append(
            {
                "id": f"urn:ngsi-ld:AirQualityObserved:demo:{at}",
                "type": "AirQualityObserved",
                "name": name(f"{text}空气站"),
                "location": point(place(x, y)),
                "pm25": measured(round(level, 1), "GQ"),
                "pm10": measured(round(level * 1.7, 1), "GQ"),
                "temperature": measured(round(26 + 3 * cos(2 * pi * turn), 1), "CEL"),
            }
        )
    return found


def main() -> None:
    """Write the files."""
    for folder in ("places", "live"):
        (HERE / folder).mkdir(parents=True, exist_ok=True)
    documents = "\n".join(json.dumps(one, ensure_ascii=False) for one in places())
    (HERE / "places" / "places.ndjson").write_text(documents + "\n", "utf-8")
    for number in range(FRAMES):
        seconds = number * SECONDS
        path = HERE / "live" / f"2026-01-01T00{seconds // 60:02d}{seconds % 60:02d}Z.ndjson"
        path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in frame(number)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
