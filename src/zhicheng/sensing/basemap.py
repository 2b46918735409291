"""Decoder `basemap`: GeoJSON of what lies still under the city's life (water, roads, buildings, places) to tables.

A payload is a FeatureCollection of one layer or of several. Which layer a feature is of, its property `layer` says,
else the collection's member `layer` or `name`, else the feed's option `layer`, else the file's name: `water.geojson`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import shapely

from zhicheng.kernel.columns import Mask
from zhicheng.kernel.datums import to_wgs84
from zhicheng.kernel.errors import Invalid
from zhicheng.sensing.decoded import Decoded, DecodeSettings, Refusal
from zhicheng.sensing.records import parse_json

SET = "basemap"
"""The reference table set that base maps are kept under."""
ATTRIBUTION = b"attribution"
"""Key of a table's metadata: whose data it is."""
_POINT, _LINES, _AREAS = (0,), (1, 5), (3, 6)
LAYERS: dict[str, tuple[int, ...]] = {
    "land": _AREAS,
    "green": _AREAS,
    "water": (*_LINES, *_AREAS),
    "road": (*_LINES, *_AREAS),
    "building": _AREAS,
    "place": _POINT,
}
"""Layer -> Shapely's numbers of the geometries it may hold, in the order in which layers are drawn."""
DEEPEST = 22
_LONGEST = 200
_CLASS = 40

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class _Feature:
    """A feature whose properties are good; its geometry is still text."""

    id: str
    layer: str
    geometry: bytes
    kind: str
    name: str | None
    name_en: str | None
    minzoom: int


def decode_basemap(body: bytes, settings: DecodeSettings) -> Decoded:
    """A FeatureCollection; a layer that it has features of is replaced whole, the others stay as they are."""
    document = parse_json(body)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise Invalid("A base map is a GeoJSON FeatureCollection", "底图应为 GeoJSON FeatureCollection")
    members = document.get("features")
    if not isinstance(members, list):
        raise Invalid("The FeatureCollection has no list of features", "FeatureCollection 没有 features 列表")
    layer = _layer_of(document, settings)
    if not members and layer is None:
        raise Invalid(
            f"An empty layer must say which it is: layer is one of {', '.join(LAYERS)}",
            f"空图层须说明图层名：layer 为 {'、'.join(LAYERS)} 之一",
        )
    found: list[_Feature] = []
    refused: list[Refusal] = []
    for number, member in enumerate(members, 1):
        try:
            found.append(_feature(member, number, layer))
        except Invalid as error:
            refused.append(Refusal(f"#{number}", error.en, error.zh))
    tables = dict(_tables(found, settings, _attribution(document, settings), refused))
    if not members and layer is not None:
        tables[layer] = _table(layer, [], np.array([], object), _attribution(document, settings))
    if not tables:
        first = refused[0]
        raise Invalid(f"No feature can be used: {first.en} ({first.id})", f"没有可用的要素：{first.zh}（{first.id}）")
    return Decoded([], tables=tables, refused=tuple(refused))


def _layer_of(document: Mapping[str, object], settings: DecodeSettings) -> str | None:
    named = (document.get("layer"), document.get("name"), settings.options.get("layer"), settings.name.split(".")[0])
    return next((name for name in named if isinstance(name, str) and name in LAYERS), None)


def _attribution(document: Mapping[str, object], settings: DecodeSettings) -> str:
    for said in (document.get("attribution"), settings.options.get("attribution")):
        if isinstance(said, str):
            return said[:_LONGEST]
    return ""


def _feature(member: object, number: int, layer: str | None) -> _Feature:
    if not isinstance(member, dict) or member.get("type") != "Feature":
        raise Invalid("not a Feature", "不是 Feature")
    properties = member.get("properties") or {}
    if not isinstance(properties, dict):
        raise Invalid("properties is no object", "properties 不是对象")
    own = properties.get("layer", layer)
    if not isinstance(own, str) or own not in LAYERS:
        said = "none" if own is None else repr(own)[:_CLASS]
        raise Invalid(
            f"layer is {said}; it is one of {', '.join(LAYERS)}", f"layer 为 {said}；应为 {'、'.join(LAYERS)} 之一"
        )
    geometry = member.get("geometry")
    if not isinstance(geometry, dict):
        raise Invalid("the feature has no geometry", "要素没有几何")
    return _Feature(
        f"#{number}",
        own,
        orjson.dumps(geometry),
        _text(properties, "class", _CLASS) or "",
        _text(properties, "name", _LONGEST),
        _text(properties, "name_en", _LONGEST),
        _minzoom(properties.get("minzoom")),
    )


def _text(properties: Mapping[str, object], name: str, longest: int) -> str | None:
    value = properties.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise Invalid(f"{name} is a text of at most {longest} characters", f"{name} 应为不超过 {longest} 个字符的文本")
    return value


def _minzoom(value: object) -> int:
    if value is None:
        return -1
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= DEEPEST:
        raise Invalid(f"minzoom lies between 0 and {DEEPEST}", f"minzoom 应在 0 到 {DEEPEST} 之间")
    return int(value)


def _tables(
    found: list[_Feature], settings: DecodeSettings, attribution: str, refused: list[Refusal]
) -> Iterable[tuple[str, pa.Table]]:
    """The layers there are features of; features whose geometry is impossible are refused."""
    datum = str(settings.options.get("datum", "WGS84"))
    for layer, kinds in LAYERS.items():
        features = [one for one in found if one.layer == layer]
        if not features:
            continue
        shapes, good = _shapes([one.geometry for one in features], kinds, datum)
        refused += [
            Refusal(one.id, *_IMPOSSIBLE) for one, kept in zip(features, good.tolist(), strict=True) if not kept
        ]
        if good.any():
            kept = [one for one, good_ in zip(features, good.tolist(), strict=True) if good_]
            yield layer, _table(layer, kept, shapes[good], attribution)


_IMPOSSIBLE = (
    "the geometry is broken, off the earth, or of a kind that the layer does not hold",
    "几何损坏、超出地球范围，或不是该图层的几何类型",
)


def _shapes(texts: list[bytes], kinds: tuple[int, ...], datum: str) -> tuple[Shapes, Mask]:
    """Geometries in WGS 84, two-dimensional and valid, and which of them can be used."""
    shapes: Shapes = np.asarray(shapely.force_2d(shapely.from_geojson(texts, on_invalid="ignore")), object)
    shapes[shapely.is_missing(shapes) | shapely.is_empty(shapes)] = None
    places = shapely.get_coordinates(shapes)
    if not np.isfinite(places).all():
        shapes[[not np.isfinite(shapely.get_coordinates(shape)).all() for shape in shapes]] = None
        places = shapely.get_coordinates(shapes)
    if len(places):
        lon, lat = to_wgs84(places[:, 0], places[:, 1], datum)
        shapes = np.asarray(shapely.set_coordinates(shapes, np.column_stack([lon, lat])), object)
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if broken.any():
        shapes[broken] = [_mended(shape) for shape in shapes[broken]]
    west, south, east, north = shapely.bounds(shapes).T
    with np.errstate(invalid="ignore"):
        good = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    good &= np.isin(shapely.get_type_id(shapes), kinds)
    return shapes, good


def _mended(shape: shapely.Geometry) -> shapely.Geometry | None:
    """The area of a polygon that crosses itself; None where there is none."""
    made = shapely.make_valid(shape)
    areas = [part for part in shapely.get_parts(made) if shapely.get_type_id(part) in _AREAS]
    return shapely.union_all(areas) if areas else None


def _table(layer: str, features: list[_Feature], shapes: Shapes, attribution: str) -> pa.Table:
    """Columns: geometry (WKB, WGS 84), its bounds, class, name, name_en, minzoom (-1 where none is told)."""
    sides = shapely.bounds(shapes).T if len(shapes) else np.zeros((4, 0))
    return pa.table(
        {
            "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
            **dict(zip(("west", "south", "east", "north"), sides, strict=True)),
            "class": pa.array([one.kind for one in features], pa.string()),
            "name": pa.array([one.name for one in features], pa.string()),
            "name_en": pa.array([one.name_en for one in features], pa.string()),
            "minzoom": pa.array([one.minzoom for one in features], pa.int8()),
        }
    ).replace_schema_metadata({ATTRIBUTION: attribution.encode()})
