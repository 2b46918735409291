from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhicheng.kernel import geometry
from zhicheng.kernel.errors import Invalid

EARTH = pyproj.Geod(ellps="WGS84")
LONGITUDES = st.floats(-180, 180, allow_nan=False)
LATITUDES = st.floats(-89.9, 89.9, allow_nan=False)


def test_distance_is_the_geodesic_one() -> None:
    chance = np.random.default_rng(1)
    for spread, most in ((180.0, 4e-6), (1.0, 1.5e-6), (1e-3, 1.5e-6), (1e-5, 2e-6)):
        lon, lat = chance.uniform(-180, 180, 20_000), chance.uniform(-89, 89, 20_000)
        east, north = lon + chance.uniform(-spread, spread, 20_000), lat + chance.uniform(-spread, spread, 20_000) / 2
        north = np.clip(north, -89.9, 89.9)
        exact = EARTH.inv(lon, lat, east, north)[2]
        mine = geometry.distance(lon, lat, east, north)
        usual = (exact < 15_000_000) & (exact > 0.01)
        assert (np.abs(mine - exact) / exact)[usual].max() < most


def test_distance_at_the_odd_places() -> None:
    assert geometry.distance(8, 40, 8, 40) == 0
    assert geometry.distance(0, 90, 120, 90) == pytest.approx(0, abs=1e-6)
    assert geometry.distance(180, 0, -180, 0) == pytest.approx(0, abs=1e-6)
    assert geometry.distance(0, 0, 180, 0) == pytest.approx(20_003_931, rel=0.002)
    assert np.isfinite(geometry.distance(0, 0, 179.9999, 0.0001))
    assert len(geometry.distance([], [], [], [])) == 0


@settings(max_examples=300)
@given(LONGITUDES, LATITUDES, st.floats(0.1, 20_000_000), st.floats(0, 360))
def test_the_box_around_holds_what_is_near(lon: float, lat: float, metres: float, azimuth: float) -> None:
    east, north, _ = EARTH.fwd(lon, lat, azimuth, metres * 0.9999)
    box = geometry.around(lon, lat, metres)
    assert box[1] <= north <= box[3]
    assert any(box[0] <= east + turn <= box[2] for turn in (-360, 0, 360))


def test_polyline_by_length_place_and_projection() -> None:
    line = geometry.polyline([8.0, 8.0, 8.1, 8.1], [40.0, 40.1, 40.1, 40.1])
    assert line.length == pytest.approx(11_103.5 + 8_527, rel=1e-3)
    lon, lat = geometry.point_at(line, [-5.0, 0.0, line.length / 2, line.length, 1e9])
    assert lon.tolist()[:2] == [8.0, 8.0]
    assert (lon[-1], lat[-1]) == (lon[-2], lat[-2]) == (8.1, 40.1)
    along, off = geometry.project(line, lon, lat)
    assert along.tolist() == pytest.approx([0, 0, line.length / 2, line.length, line.length], abs=1)
    assert off.max() < 0.01


@given(st.floats(0, 1), st.lists(st.tuples(st.floats(8, 8.3), st.floats(40, 40.3)), min_size=2, max_size=6))
def test_points_of_a_line_project_onto_it(part: float, places: list[tuple[float, float]]) -> None:
    line = geometry.polyline(*zip(*places, strict=True))
    lon, lat = geometry.point_at(line, part * line.length)
    _, off = geometry.project(line, lon, lat)
    assert off[0] < 1


def test_a_line_of_one_point_and_lines_over_the_date_line() -> None:
    along, off = geometry.project(geometry.polyline([8.0], [40.0]), [8.01, 8.0], [40.0, 40.0])
    assert along.tolist() == [0, 0]
    assert off.tolist() == pytest.approx([853.9, 0], abs=0.2)
    assert geometry.project(geometry.polyline([179.9, 180.0], [0.0, 0.0]), [-179.99], [0.0])[1][0] < 1200
    with pytest.raises(Invalid):
        geometry.polyline([], [])
    with pytest.raises(Invalid):
        geometry.polyline([1.0], [])


@given(LONGITUDES, st.floats(-85, 85), st.integers(0, 22))
def test_tiles_there_and_back(lon: float, lat: float, zoom: int) -> None:
    x, y = geometry.to_tile(lon, lat, zoom)
    assert 0 <= x <= 2**zoom and 0 <= y <= 2**zoom
    back = geometry.from_tile(x, y, zoom)
    assert (float(back[0]), float(back[1])) == pytest.approx((lon, lat), abs=1e-9)
    column, row = min(int(x), 2**zoom - 1), min(int(y), 2**zoom - 1)
    west, south, east, north = geometry.tile_bounds(zoom, column, row)
    assert west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9


def test_tiles_are_those_of_web_mercator() -> None:
    project = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    east, north = project.transform(116.3913, 39.9075)
    half = np.pi * geometry.A
    x, y = geometry.to_tile(116.3913, 39.9075, 0)
    assert (float(x), float(y)) == pytest.approx(((east + half) / 2 / half, (half - north) / 2 / half), abs=1e-12)


@pytest.mark.parametrize(
    ("value", "box"),
    [
        ({"type": "Point", "coordinates": [8, 40]}, (8, 40, 8, 40)),
        ({"type": "Point", "coordinates": (8, 40, 100)}, (8, 40, 8, 40)),
        ({"type": "MultiPoint", "coordinates": [[8, 40], [7, 41]]}, (7, 40, 8, 41)),
        ({"type": "LineString", "coordinates": [[8, 40], [7, 41]]}, (7, 40, 8, 41)),
        ({"type": "MultiLineString", "coordinates": [[[8, 40], [7, 41]], [[1, 2], [3, 4]]]}, (1, 2, 8, 41)),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, (0, 0, 1, 1)),
        ({"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}, (0, 0, 1, 1)),
    ],
)
def test_bounds(value: object, box: tuple[float, ...]) -> None:
    assert geometry.bounds(value) == box
    geometry.check(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "Point",
        {"type": "Point"},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": ["Point"], "coordinates": [1, 2]},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": [1, 2, 3, 4, 5]},
        {"type": "Point", "coordinates": ["1", "2"]},
        {"type": "Point", "coordinates": [True, 2]},
        {"type": "Point", "coordinates": [float("nan"), 2]},
        {"type": "Point", "coordinates": [float("inf"), 2]},
        {"type": "Point", "coordinates": [10**400, 2]},
        {"type": "Point", "coordinates": [181, 2]},
        {"type": "Point", "coordinates": [39.9, 116.4]},
        {"type": "Point", "coordinates": [[1, 2]]},
        {"type": "Point", "coordinates": {"lon": 1}},
        {"type": "LineString", "coordinates": [[1, 2]]},
        {"type": "LineString", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "MultiPolygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        {"type": "MultiPoint", "coordinates": [[1, 2], None]},
    ],
)
def test_bad_geometries_are_refused_in_both_languages(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        geometry.check(value)
    assert caught.value.en != caught.value.zh


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
)


@given(st.sampled_from(sorted(geometry.NESTING)), JSON)
def test_any_coordinates_are_checked_or_refused(kind: str, coordinates: object) -> None:
    try:
        west, south, east, north = geometry.bounds({"type": kind, "coordinates": coordinates})
    except Invalid:
        return
    assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90
