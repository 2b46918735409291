"""Quotas as a law: what an account is let have, over any order of asking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.errors import TooMany
from zhicheng.kernel.instants import DAY, MINUTE, SECOND
from zhicheng.security.quotas import Account, Allowance


def let_in(account: Account, at: int) -> bool:
    try:
        account.enter(at, DAY)
    except TooMany:
        return False
    return True


@given(st.lists(st.integers(0, 5 * MINUTE), max_size=400).map(sorted), st.integers(1, 50))
def test_in_no_minute_more_than_a_bucket_and_what_fills_it(times: list[int], rate: int) -> None:
    account = Account("a", Allowance(per_minute=rate))
    entered = [at for at in times if let_in(account, at)]
    for start in entered:
        assert sum(start <= at < start + MINUTE for at in entered) <= 2 * rate
    assert len(entered) >= min(len(times), rate), "the first bucket is full"


def test_who_waits_as_long_as_told_gets_in() -> None:
    account = Account("a", Allowance(per_minute=3))
    now = 0
    for _ in range(20):
        if not let_in(account, now):
            with pytest.raises(TooMany) as refused:
                account.enter(now, DAY)
            now += int(str(refused.value.facts["retry_after"])) * SECOND
            assert let_in(account, now)


def test_a_day_is_a_day() -> None:
    account = Account("a", Allowance(per_day=2, rows=10, sql=SECOND))
    assert let_in(account, 0)
    account.spent.rows += 11
    with pytest.raises(TooMany) as refused:
        account.enter(DAY - 5 * SECOND, DAY)
    assert refused.value.facts == {"retry_after": 5, "kind": "rows"}
    assert account.spent.refused == 1
    account.spent.rows = 0
    assert let_in(account, 0)
    assert not let_in(account, 0)
    assert account.sql_left() == SECOND


def test_what_is_left_is_told() -> None:
    account = Account("a", Allowance(per_minute=60, per_day=100))
    account.enter(0, DAY)
    assert account.policies() == '"minute";q=60;w=60, "day";q=100;w=86400'
    assert account.remaining(0, DAY) == '"minute";r=59;t=1, "day";r=99;t=86400'
