"""Vector tiles: what an independent reader finds is what went in."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standards.vector_tiles import read
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.mvt import Column, encode_points
from zhicheng.standards.mvt_shapes import encode_shapes

Row = tuple[int, int, int, str | None, float | None, bool]
Path = list[tuple[int, int]]

NUMBERS = st.one_of(st.none(), st.integers(-(2**60), 2**60).map(float), st.floats(allow_nan=False))
ROWS = st.lists(
    st.tuples(
        st.integers(-5000, 9000),
        st.integers(-5000, 9000),
        st.integers(0, 2**64 - 1),
        st.one_of(st.none(), st.text()),
        NUMBERS,
        st.booleans(),
    ),
    max_size=60,
)


@given(rows=ROWS, name=st.text(min_size=1, max_size=200), with_ids=st.booleans())
def test_points_round_trip(rows: list[Row], name: str, with_ids: bool) -> None:
    x, y, ids, texts, numbers, flags = zip(*rows, strict=True) if rows else ((),) * 6
    layer = encode_points(
        name,
        np.array(x, np.int64),
        np.array(y, np.float64),
        np.array(ids, np.uint64) if with_ids else None,
        {
            "文字": Coded.of(texts),
            "number": np.array([np.nan if number is None else number for number in numbers], np.float64),
            "flag": np.array(flags, np.bool_),
        },
    )
    found = read(layer)
    if not rows:
        assert layer == b""
        return
    assert list(found) == [name]
    for row, feature in zip(rows, found[name], strict=True):
        expected = {"文字": row[3], "number": row[4], "flag": row[5]}
        assert feature.kind == 1
        assert feature.parts == [[(row[0], row[1])]]
        assert feature.id == (row[2] if with_ids else None)
        assert feature.properties == {key: value for key, value in expected.items() if value is not None}


def test_only_the_values_in_use_are_written() -> None:
    everything = Coded([f"line {number}" for number in range(10_000)], np.arange(10_000, dtype=np.int32))
    layer = encode_points("p", np.zeros(3), np.zeros(3), None, {"line": everything.take(np.array([5, 5, 9]))})
    assert [feature.properties["line"] for feature in read(layer)["p"]] == ["line 5", "line 5", "line 9"]
    assert len(layer) < 150


def test_layers_side_by_side_are_a_tile() -> None:
    one = encode_points("buses", np.array([1]), np.array([2]))
    other = encode_points("stops", np.array([3]), np.array([4]))
    assert list(read(one + other)) == ["buses", "stops"]


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(Invalid, match="'age' has 1 rows"):
        encode_points("p", np.zeros(2), np.zeros(2), None, {"age": np.zeros(1)})


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_coordinates_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(Invalid, match="coordinate"):
        encode_points("p", np.array([bad]), np.array([0.0]))


def _area(ring: Path) -> int:
    return sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True))


PATHS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=8)
LINES = st.lists(st.lists(PATHS, min_size=1, max_size=3), min_size=1, max_size=8)


def _without_repeats(line: Path) -> Path:
    return [point for place, point in enumerate(line) if not place or point != line[place - 1]]


@given(features=LINES)
def test_lines_round_trip(features: list[list[Path]]) -> None:
    shapes = [shapely.MultiLineString(lines) if len(lines) > 1 else shapely.LineString(lines[0]) for lines in features]
    order = np.arange(len(shapes))
    layer = encode_shapes("l", shapes, order.astype(np.uint64), {"n": order.astype(np.float64)})
    drawn = [[_without_repeats(line) for line in lines if len(_without_repeats(line)) > 1] for lines in features]
    expected = [(number, lines) for number, lines in enumerate(drawn) if lines]
    found = read(layer).get("l", [])
    assert [(feature.id, feature.parts) for feature in found] == expected
    assert [feature.properties["n"] for feature in found] == [number for number, _ in expected]


@settings(max_examples=60)
@given(
    boxes=st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.integers(10, 900), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_polygons_keep_shape_and_are_turned(boxes: list[tuple[int, int, int, bool, bool]]) -> None:
    shapes: list[shapely.Geometry] = []
    for left, top, size, hole, backwards in boxes:
        outer = [(left, top), (left + size, top), (left + size, top + size), (left, top + size)]
        inner = [(x * 0.5 + (left + size / 2) * 0.5, y * 0.5 + (top + size / 2) * 0.5) for x, y in outer]
        polygon = shapely.Polygon(outer[::-1] if backwards else outer, [inner] if hole else None)
        shapes.append(shapely.MultiPolygon([polygon, shapely.box(-20, -20, -5, -5)]) if backwards else polygon)
    found = read(encode_shapes("a", shapes))["a"]
    for shape, feature in zip(shapes, found, strict=True):
        rings = [ring for part in shapely.get_parts(shape) for ring in [part.exterior, *part.interiors]]
        outside = [way for part in shapely.get_parts(shape) for way in [True, *[False] * len(part.interiors)]]
        assert [_area(ring) > 0 for ring in feature.parts] == outside
        for ring, drawn in zip(rings, feature.parts, strict=True):
            assert {(round(x), round(y)) for x, y in ring.coords} == set(drawn)
            assert len(drawn) == 4


def test_shapes_that_vanish_are_left_out_with_their_properties() -> None:
    speck, square = shapely.box(5.1, 5.1, 5.2, 5.2), shapely.box(0, 0, 10, 10)
    found = read(encode_shapes("a", [speck, square], None, {"name": Coded.of(["speck", "square"])}))
    assert [feature.properties["name"] for feature in found["a"]] == ["square"]
    assert encode_shapes("a", [speck]) == b""
    assert encode_shapes("a", []) == b""


def test_points_are_not_shapes() -> None:
    with pytest.raises(Invalid, match="encode_points"):
        encode_shapes("a", [shapely.Point(1, 2)])


def test_a_full_tile_is_quick() -> None:
    """3,500 points with three properties; the aim is 3.3 ms, the limit here allows for a busy machine."""
    count, random = 3500, np.random.default_rng(7)
    columns: dict[str, Column] = {
        "id": Coded([f"urn:ngsi-ld:Vehicle:{number}" for number in range(count)], np.arange(count, dtype=np.int32)),
        "label": Coded([f"line {number}" for number in range(60)], random.integers(0, 60, count).astype(np.int32)),
        "age_s": np.floor(random.random(count) * 300),
    }
    x, y = random.random(count) * 4096, random.random(count) * 4096
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        encode_points("entities", x, y, None, columns)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.015
