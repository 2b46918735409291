"""Datum shifts: known points, round trips, and the edges of the rule of thumb."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel import datums
from zhicheng.kernel.errors import Invalid

LON = st.floats(72.1, 137.7)
LAT = st.floats(0.9, 55.7)

# published with the open transformation libraries: Tiananmen
KNOWN = {
    "GCJ02": (116.404, 39.915),
    "BD09": (116.41036949371029, 39.92133699351022),
    "WGS84": (116.39775550083061, 39.91359571849836),
}


@pytest.mark.parametrize(("source", "target"), [(a, b) for a in KNOWN for b in KNOWN])
def test_known_points(source: str, target: str) -> None:
    lon, lat = (np.array([part]) for part in KNOWN[source])
    out = datums.from_wgs84(*datums.to_wgs84(lon, lat, source), target)
    assert np.allclose([out[0][0], out[1][0]], KNOWN[target], atol=2e-5, rtol=0)


@given(st.lists(st.tuples(LON, LAT), min_size=1, max_size=50), st.sampled_from(["GCJ02", "BD09", "CGCS2000", "wgs-84"]))
def test_round_trip_below_a_centimetre(points: list[tuple[float, float]], datum: str) -> None:
    lon, lat = np.array(points).T
    there = datums.from_wgs84(lon, lat, datum)
    back = datums.to_wgs84(*there, datum)
    assert np.abs(back[0] - lon).max() < 1e-7
    assert np.abs(back[1] - lat).max() < 1e-7


@given(st.tuples(LON, LAT))
def test_gcj02_shifts_by_less_than_two_kilometres(point: tuple[float, float]) -> None:
    lon, lat = np.array([point[0]]), np.array([point[1]])
    east, north = datums.wgs84_to_gcj02(lon, lat)
    metres = np.hypot((east - lon) * 111_320 * np.cos(np.radians(lat)), (north - lat) * 110_574)
    assert 0 < metres[0] < 2000


def test_outside_china_nothing_moves() -> None:
    lon, lat = np.array([-73.98, 2.35, 151.2]), np.array([40.75, 48.85, -33.87])
    for datum in ("GCJ02", "BD09"):
        assert np.array_equal(datums.from_wgs84(lon, lat, datum), (lon, lat))
    assert np.array_equal(datums.gcj02_to_wgs84(lon, lat), (lon, lat))


@pytest.mark.parametrize("code", [4513, 4533, 4534, 4547, 4554])
def test_gauss_kruger_round_trip(code: int) -> None:
    middle = 75.0 + 3.0 * ((code - 4513) % 21)
    lon, lat = np.array([middle, middle + 1.4]), np.array([23.1, 41.5])
    east, north = datums.from_wgs84(lon, lat, f"EPSG:{code}")
    zone = (25 + (code - 4513)) * 1_000_000 if code < 4534 else 0
    assert east[0] == pytest.approx(zone + 500_000, abs=1e-3)
    assert 2_500_000 < north[0] < 2_600_000
    back = datums.to_wgs84(east, north, f"epsg:{code}")
    assert np.allclose(back, (lon, lat), atol=1e-9, rtol=0)


def test_nan_stays_nan() -> None:
    out = datums.to_wgs84(np.array([np.nan, 116.4]), np.array([39.9, 39.9]), "BD09")
    assert np.isnan(out[0][0]) and np.isfinite(out[0][1])


@pytest.mark.parametrize("datum", ["", "XIAN80", "EPSG:4326", "EPSG:x"])
def test_unknown_datum(datum: str) -> None:
    with pytest.raises(Invalid) as caught:
        datums.to_wgs84(np.array([1.0]), np.array([1.0]), datum)
    assert "GCJ02" in caught.value.zh
