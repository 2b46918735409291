"""The law on random logs, for applications made for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compute.windowed import MEANS, QUARTERS
from zhicheng.compute import law
from zhicheng.compute.app import AnyApp, Derived, Tables
from zhicheng.compute.rows import Rows, emit
from zhicheng.kernel.errors import Invalid


@pytest.mark.parametrize("app", [MEANS, QUARTERS], ids=lambda app: app.name)
@given(seed=st.integers(0, 2**32), commits=st.integers(1, 60))
def test_batches_of_any_size_give_the_same(app: AnyApp, seed: int, commits: int) -> None:
    law.check(app, seed, commits=commits)


def by_batch(rows: Rows, state: Any, params: Any, tables: Tables) -> Derived[Any]:
    return Derived(emit(rows.entity, "freeCopy", rows.at, np.full(len(rows), float(len(rows)))), state)


def test_an_application_that_looks_at_its_batches_is_found_out() -> None:
    with pytest.raises(AssertionError, match="batch borders"):
        law.check(replace(QUARTERS, derive=by_batch), 1)


def test_an_application_that_remembers_beside_its_state_is_found_out() -> None:
    seen: list[int] = []

    def count(rows: Rows, state: Any, params: Any, tables: Tables) -> Derived[Any]:
        seen.append(len(rows))
        return Derived(emit(rows.entity, "freeCopy", rows.at, np.full(len(rows), float(sum(seen)))), state)

    with pytest.raises(AssertionError, match="the same rows gave different"):
        law.check(replace(QUARTERS, derive=count), 1)


def test_what_is_not_declared_is_refused() -> None:
    def stray(rows: Rows, state: Any, params: Any, tables: Tables) -> Derived[Any]:
        return Derived(emit(rows.entity, "status", rows.at, rows.number), state)

    with pytest.raises(Invalid, match="does not declare"):
        law.check(replace(QUARTERS, derive=stray), 1)
