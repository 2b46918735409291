"""Three months of real car parks: the last quarter is forecast."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.parking import ARCHIVE, read_archive
from tests.analysis.german_parking import three_months
from zhicheng.analysis.backtest import replay, score

log = logging.getLogger(__name__)
"""Figures measured: pytest --log-cli-level=INFO shows them."""


@pytest.mark.slow
def test_errors_and_coverage_on_the_last_quarter(data: Callable[[str], Path]) -> None:
    values, slots = three_months(read_archive(data(ARCHIVE)))
    found = score(values, replay(values, slots), len(values) * 3 // 4)
    log.info("%d car parks, ratio %s, coverage %s", values.shape[1], found.ratio.round(3), found.coverage.round(3))
    assert values.shape[1] > 200
    assert (found.ratio <= [0.80, 0.68, 0.57, 0.46]).all(), found.ratio
    assert ((found.coverage >= 0.77) & (found.coverage <= 0.83)).all(), found.coverage
    assert (found.moving >= 0.75).all(), found.moving
