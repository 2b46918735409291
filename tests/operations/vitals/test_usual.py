"""What is usual: the same hour and weekday of past weeks by the city's clock, against a plain count."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from zhicheng.compute.vital import Vital
from zhicheng.kernel.columns import I8
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import DAY, HOUR, SECOND
from zhicheng.kernel.zones import offsets
from zhicheng.operations.vitals.model import EVERY
from zhicheng.operations.vitals.usual import stand, usual
from zhicheng.standards.models.model import Label

BERLIN = ZoneInfo("Europe/Berlin")
NOW = int(datetime(2026, 4, 14, 8, 20, tzinfo=BERLIN).timestamp()) * SECOND
"""Two weeks after the clocks went forward."""
NAMED = Label("a", "甲")


def local(at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND, BERLIN)


def clock(at: I8) -> I8:
    """Instants as the city's clocks show them."""
    return at + offsets(BERLIN, at)


def test_it_is_the_range_of_the_same_hour_and_weekday_whatever_the_clocks_did() -> None:
    draw = np.random.default_rng(3)
    at = np.arange(NOW - 56 * DAY, NOW - DAY, EVERY, dtype=np.int64)
    figure = draw.normal(50, 10, len(at))
    found = usual(clock(at), figure, clock(np.array([NOW, NOW + 3 * HOUR])))
    for row, wanted in enumerate((NOW, NOW + 3 * HOUR)):
        same = [
            value
            for instant, value in zip(at.tolist(), figure.tolist(), strict=True)
            if (local(instant).hour, local(instant).weekday()) == (local(wanted).hour, local(wanted).weekday())
        ]
        assert len(same) == 8 * 4
        told = [found.low[row], found.middle[row], found.high[row]]
        assert told == pytest.approx(np.percentile(same, [10, 50, 90]).tolist())


def test_with_few_weeks_all_days_count_and_with_none_nothing_is_usual() -> None:
    at = np.arange(NOW - 4 * DAY, NOW - DAY, EVERY, dtype=np.int64)
    found = usual(at, np.full(len(at), 7.0), np.array([NOW]))
    assert (found.low[0], found.high[0]) == (7.0, 7.0)
    none = usual(at[:4], np.full(4, 7.0), np.array([NOW]))
    assert np.isnan(none.low[0])


@pytest.mark.parametrize(
    ("bad", "figure", "standing", "side"),
    [
        ("both", 5, "good", ""),
        ("both", 12, "watch", "high"),
        ("both", 31, "bad", "high"),
        ("both", -1, "watch", "low"),
        ("both", -21, "bad", "low"),
        ("high", -21, "good", ""),
        ("low", 31, "good", ""),
        ("low", np.nan, "unknown", ""),
    ],
)
def test_where_no_threshold_is_told_the_usual_range_is_the_measure(
    bad: str, figure: float, standing: str, side: str
) -> None:
    vital = Vital("x", NAMED, "A", "mean", "pm25", bad=bad)  # type: ignore[arg-type]  # one of the three
    found = stand(vital, figure, 0.0, 10.0)
    assert (found.standing, found.side) == (standing, side)


@pytest.mark.parametrize(
    ("aggregate", "more"),
    [
        ("mean", {"attribute": ""}),
        ("ratio", {}),
        ("share", {}),
        ("heard", {"fresh": 0}),
        ("percentile", {"percentile": 0.0}),
        ("percentile", {"low": 5.0, "high": 5.0}),
        ("count", {"attribute": ""}),
    ],
)
def test_what_cannot_be_computed_is_refused(aggregate: str, more: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Vital("x", NAMED, "A", aggregate, **({"attribute": "pm25"} | more))  # type: ignore[arg-type]  # some are wrong
