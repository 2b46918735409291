"""GeoJSON to the base map's tables: what is kept, where it lies, and what is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import shapely

from zhicheng.kernel.errors import Invalid
from zhicheng.sensing.basemap import ATTRIBUTION, decode_basemap
from zhicheng.sensing.decoded import Decoded, DecodeSettings

SQUARE = [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]


def feature(kind: str, coordinates: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def decode(*features: object, options: dict[str, object] | None = None, name: str = "", **members: object) -> Decoded:
    body = orjson.dumps({"type": "FeatureCollection", **members, "features": features})
    return decode_basemap(body, DecodeSettings("map", options=options or {}, name=name))


def test_one_file_holds_several_layers() -> None:
    decoded = decode(
        feature("Polygon", SQUARE, layer="water", **{"class": "lake"}, name="南湖", name_en="South Lake"),
        feature("LineString", [[0, 0], [1, 1]], layer="road", minzoom=7),
        attribution="© 测绘局",
    )
    assert set(decoded.tables) == {"water", "road"} and not decoded.refused
    [lake] = decoded.tables["water"].to_pylist()
    assert (lake["class"], lake["name"], lake["name_en"], lake["minzoom"]) == ("lake", "南湖", "South Lake", -1)
    assert (lake["west"], lake["south"], lake["east"], lake["north"]) == (0, 0, 1, 1)
    assert shapely.from_wkb(lake["geometry"]).area == 1
    assert decoded.tables["road"]["minzoom"].to_pylist() == [7]
    assert decoded.tables["road"].schema.metadata[ATTRIBUTION].decode() == "© 测绘局"


@pytest.mark.parametrize(
    "told", [{"name": "water.geojson"}, {"layer": "water"}, {"options": {"layer": "water"}}], ids=str
)
def test_a_file_of_one_layer_says_which_in_one_of_three_places(told: dict[str, Any]) -> None:
    assert set(decode(feature("Polygon", SQUARE), **told).tables) == {"water"}


def test_an_empty_layer_takes_the_place_of_the_one_before() -> None:
    assert len(decode(name="water.geojson").tables["water"]) == 0
    with pytest.raises(Invalid, match="which it is"):
        decode()


@pytest.mark.parametrize(
    ("datum", "position"), [("GCJ02", [116.41024, 39.9164]), ("BD09", [116.41663, 39.92270]), ("CGCS2000", None)]
)
def test_positions_are_converted_where_they_come_in(datum: str, position: list[float] | None) -> None:
    decoded = decode(feature("Point", position or [116.404, 39.915], layer="place"), options={"datum": datum})
    [row] = decoded.tables["place"].to_pylist()
    assert (row["west"], row["south"]) == pytest.approx((116.404, 39.915), abs=2e-5)


def test_projected_metres_are_converted_too() -> None:
    decoded = decode(feature("Point", [500000, 4000000], layer="place"), options={"datum": "EPSG:4547"})
    assert decoded.tables["place"]["west"].to_pylist() == pytest.approx([114.0])


BAD: list[tuple[object, str]] = [
    (7, "not a Feature"),
    ({"type": "Feature", "geometry": None, "properties": {"layer": "road"}}, "no geometry"),
    ({"type": "Feature", "geometry": {}, "properties": [1]}, "no object"),
    (feature("Point", [1, 1], layer="sky"), "one of land"),
    (feature("Point", [1, 1], layer={"a": 1}), "one of land"),
    (feature("Point", [1, 1], layer="road"), "does not hold"),
    (feature("Point", [181, 1], layer="place"), "off the earth"),
    (feature("Point", ["1", 1], layer="place"), "broken"),
    (feature("Polygon", [[[0, 0], [1, 1]]], layer="water"), "broken"),
    (feature("LineString", [], layer="road"), "broken"),
    ({"type": "Feature", "geometry": {"type": "Bomb"}, "properties": {"layer": "road"}}, "broken"),
    (feature("Point", [1, 1], layer="place", name="x" * 201), "at most 200"),
    (feature("Point", [1, 1], layer="place", name={"<b>": 1}), "name is a text"),
    (feature("Point", [1, 1], layer="place", minzoom=23), "minzoom"),
    (feature("Point", [1, 1], layer="place", minzoom=True), "minzoom"),
]


@pytest.mark.parametrize(("bad", "said"), BAD, ids=lambda value: str(value)[:40])
def test_a_feature_that_cannot_be_used_is_refused_and_the_others_are_kept(bad: object, said: str) -> None:
    decoded = decode(feature("Point", [1, 1], layer="place"), bad)
    assert [len(table) for table in decoded.tables.values()] == [1]
    [refusal] = decoded.refused
    assert refusal.id == "#2" and said in refusal.en and refusal.zh


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type":"FeatureCollection"}', b'{"type":"Topology"}', b"[" * 99])
def test_what_is_no_feature_collection_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Invalid):
        decode_basemap(body, DecodeSettings("map"))


def test_a_polygon_that_crosses_itself_is_mended() -> None:
    bow = [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]
    [row] = decode(feature("Polygon", bow, layer="green")).tables["green"].to_pylist()
    shape = shapely.from_wkb(row["geometry"])
    assert shape.is_valid and shape.area == pytest.approx(2)
