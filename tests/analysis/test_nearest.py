from __future__ import annotations

import numpy as np
import pytest

from zhicheng.analysis.forecast import SLOT
from zhicheng.analysis.nearest import Outlook, chance, nearest

NOWHERE = np.nan


def outlook(*parks: tuple[float, float, list[float], float]) -> Outlook:
    """Car parks east of (0, 0): longitude, free now, free at the horizons, half the width of the interval."""
    centre = np.array([park[2] for park in parks])
    width = np.array([[park[3]] for park in parks])
    lon, free = (np.array([park[column] for park in parks], float) for column in (0, 1))
    return Outlook(
        lon, np.zeros(len(parks)), np.zeros(len(parks), np.int64), free, centre, centre - width, centre + width
    )


def test_a_bound_at_half_a_place_is_a_chance_of_one_in_ten_or_somewhat_more() -> None:
    parks = outlook((0.0, 20, [10.5] * 4, 10.0), (0.0, 0, [-9.5] * 4, 10.0))
    assert chance(parks, np.full(2, 8 * SLOT)).tolist() == pytest.approx([1 - 0.156, 0.1], abs=0.001)


def test_the_chance_falls_as_a_car_park_fills() -> None:
    parks = outlook((0.0, 30, [20, 12, 4, 0], 6.0))
    found = [float(chance(parks, np.array([minutes * SLOT // 15]))[0]) for minutes in (0, 20, 45, 60, 90, 120, 600)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.99 and found[-1] == found[-2] < 0.5


def test_the_nearest_good_one_comes_before_a_nearer_full_one() -> None:
    parks = outlook(
        (0.001, 0, [0] * 4, 1.0), (0.01, 50, [40] * 4, 5.0), (0.005, 60, [50] * 4, 5.0), (NOWHERE, 9, [9] * 4, 1.0)
    )
    found = nearest(parks, 0.0, 0.0, np.array(4 * SLOT))
    assert found.rows.tolist() == [2, 1, 0]
    assert found.metres.tolist() == [*sorted(found.metres[:2]), found.metres[2]]
    assert nearest(parks, 0.0, 0.0, np.array(4 * SLOT), count=1).rows.tolist() == [2]


def test_arrivals_may_differ_and_what_is_not_known_is_left_out() -> None:
    parks = outlook(
        (0.001, 30, [20, 10, 0, 0], 1.0), (0.002, NOWHERE, [NOWHERE] * 4, 1.0), (0.003, 30, [20, 10, 0, 0], 1.0)
    )
    found = nearest(parks, 0.0, 0.0, np.array([4 * SLOT, 0, SLOT]))
    assert found.rows.tolist() == [2, 0]
