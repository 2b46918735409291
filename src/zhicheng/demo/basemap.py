"""What lies still under the city's life, as GeoJSON: water, land, green, roads, buildings, names."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.demo.blocks import KINDS
from zhicheng.demo.city import City
from zhicheng.demo.plan import CITY, MADE_UP, RIVER, Said
from zhicheng.demo.streets import CLASSES

LAYERS = ("land", "green", "water", "road", "building", "place")
_ROAD_FROM = (7, 8, 10, 11, 12, 13)
"""The zoom from which on each class of road is drawn."""
Feature = dict[str, object]


def collection(city: City) -> bytes:
    """One FeatureCollection; each feature says its layer."""
    document = {
        "type": "FeatureCollection",
        "attribution": f"{CITY.zh}{MADE_UP.zh} · {CITY.en}{MADE_UP.en}",
        "features": list(features(city)),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def features(city: City) -> Iterator[Feature]:
    """Layer by layer."""
    yield _feature(city, "land", "urban", city.land.boundary)
    for park in city.land.parks:
        yield _feature(city, "green", "park", park.shape, park.name)
    yield _feature(city, "water", "river", city.land.main, RIVER)
    for stream in city.land.streams:
        yield _feature(city, "water", "stream", stream.shape, stream.name)
    for lake in city.land.lakes:
        yield _feature(city, "water", "lake", lake.shape, lake.name)
    yield from _roads(city)
    places = shapely.get_coordinates(np.array(city.houses.shapes, object)).round(1)
    outlines = shapely.set_coordinates(np.array(city.houses.shapes, object), city.ground.degrees(places))
    for text in shapely.to_geojson(outlines).tolist():
        yield {
            "type": "Feature",
            "properties": {"layer": "building", "class": "building"},
            "geometry": json.loads(text),
        }
    yield from _names(city)


def _feature(
    city: City, layer: str, kind: str, shape: BaseGeometry, name: Said | None = None, **more: object
) -> Feature:
    words = {} if name is None or not name.zh else {"name": name.zh, "name_en": name.en}
    geometry = json.loads(shapely.to_geojson(city.ground.shape(shape)))
    return {"type": "Feature", "properties": {"layer": layer, "class": kind, **words, **more}, "geometry": geometry}


def _roads(city: City) -> Iterator[Feature]:
    """Roads as they were drawn, not piece by piece."""
    for road in city.net.roads:
        line = shapely.LineString(road.line)
        yield _feature(city, "road", CLASSES[road.kind], line, road.name, minzoom=_ROAD_FROM[road.kind])


def _names(city: City) -> Iterator[Feature]:
    yield _feature(
        city, "place", "city", shapely.Point(0, 0), Said(CITY.zh + MADE_UP.zh, CITY.en + MADE_UP.en), minzoom=4
    )
    for level, minzoom in zip(city.areas[:3], (9, 12, 14), strict=True):
        for name, shape in zip(level.names, level.shapes, strict=True):
            yield _feature(city, "place", level.level, shape.representative_point(), name, minzoom=minzoom)
    for name, kind, middle in zip(city.sites.names, city.sites.kind.tolist(), city.sites.middle.tolist(), strict=True):
        minzoom = 15 if KINDS[kind] == "housing" else 14
        yield _feature(city, "place", KINDS[kind], shapely.Point(middle), name, minzoom=minzoom)
