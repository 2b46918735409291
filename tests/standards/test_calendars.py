"""Working days with holidays and make-up days, and office time."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.calendars import CHINA, OFFICE_HOURS, Calendar, Holiday

CITY = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(CHINA)
DAYS = st.dates(date(2022, 12, 1), date(2027, 3, 1))
MOMENTS = st.integers(instants.parse("2023-01-01T00:00:00Z"), instants.parse("2026-12-31T00:00:00Z"))


def at(text: str) -> int:
    return instants.parse(f"{text}:00+08:00")


@pytest.mark.parametrize(
    ("year", "days_off", "made_up"),
    # days off and made-up days as the notices name them; 2023 begins on 31 December 2022
    [(2023, 3 + 7 + 1 + 5 + 3 + 8, 7), (2024, 1 + 8 + 3 + 5 + 1 + 3 + 7, 8), (2025, 1 + 8 + 3 + 5 + 3 + 8, 5),
     (2026, 3 + 9 + 3 + 5 + 3 + 3 + 7, 6)],
)  # fmt: skip
def test_the_notices_are_complete(year: int, days_off: int, made_up: int) -> None:
    rows = [holiday for holiday in CHINA if holiday.year == year]
    assert sum((row.last - row.first).days + 1 for row in rows) == days_off
    days = [day for row in rows for day in row.made_up]
    assert len(days) == made_up
    assert all(day.weekday() >= 5 for day in days)
    assert CALENDAR.is_known(year)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2024-02-09", True),  # New Year's Eve 2024 was not ordered off
        ("2024-02-10", False),
        ("2024-02-18", True),  # a Sunday made up
        ("2024-09-14", True),
        ("2025-01-28", False),
        ("2025-10-08", False),
        ("2025-10-11", True),
        ("2026-01-02", False),
        ("2026-01-04", True),
        ("2026-02-23", False),
        ("2026-03-07", False),  # a plain Saturday
        ("2026-03-09", True),
    ],
)
def test_known_days(day: str, works: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is works


@given(DAYS, st.integers(-300, 300))
def test_adding_working_days_is_counted_back(day: date, count: int) -> None:
    end = CALENDAR.add_working_days(day, count)
    assert CALENDAR.is_working_day(end)
    if count >= 0 and (count or CALENDAR.is_working_day(day)):
        assert CALENDAR.working_days_between(day, end) == count
    if count and CALENDAR.is_working_day(day):
        assert CALENDAR.add_working_days(end, -count) == day


@given(DAYS, DAYS, DAYS)
def test_working_days_add_up(one: date, two: date, three: date) -> None:
    between = CALENDAR.working_days_between
    assert between(one, two) + between(two, three) == between(one, three)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-03-02T09:00", "2026-03-02T17:30", 7 * 60),
        ("2026-03-02T11:00", "2026-03-02T14:00", 90),
        ("2026-03-02T17:00", "2026-03-03T09:30", 60),
        ("2026-03-06T17:00", "2026-03-09T09:30", 60),  # over a weekend
        ("2026-02-13T17:00", "2026-02-14T09:30", 60),  # into a Saturday made up
        ("2026-02-14T17:00", "2026-02-24T09:30", 60),  # over the Spring Festival
        ("2026-03-02T18:00", "2026-03-02T23:00", 0),
        ("2026-03-02T14:00", "2026-03-02T11:00", -90),
    ],
)
def test_office_time(start: str, end: str, minutes: int) -> None:
    assert CALENDAR.working_time_between(at(start), at(end), CITY) == minutes * instants.MINUTE


@given(MOMENTS, st.integers(0, 20 * instants.DAY), st.integers(0, 20 * instants.DAY))
def test_office_time_adds_up_and_never_exceeds_the_time_gone_by(start: int, first: int, second: int) -> None:
    middle, end = start + first, start + first + second
    whole = CALENDAR.working_time_between(start, end, CITY)
    parts = CALENDAR.working_time_between(start, middle, CITY) + CALENDAR.working_time_between(middle, end, CITY)
    assert whole == parts
    assert 0 <= whole <= end - start
    days = end // instants.DAY - start // instants.DAY + 2
    assert whole <= days * sum((b.hour - a.hour) * 60 + b.minute - a.minute for a, b in OFFICE_HOURS) * instants.MINUTE


def test_a_city_adds_a_year_and_other_weekends() -> None:
    assert not CALENDAR.is_known(2027)
    added = Calendar((*CHINA, Holiday(2027, "New Year", "元旦", date(2027, 1, 1), date(2027, 1, 1))))
    assert added.is_known(2027)
    assert not added.is_working_day(date(2027, 1, 1))
    assert added.holiday(date(2027, 1, 1)) == added.holidays[-1]
    friday = Calendar(weekend=frozenset({4}))
    assert friday.is_working_day(date(2026, 3, 7))
    assert friday.add_working_days(date(2026, 3, 5), 1) == date(2026, 3, 7)


def test_what_makes_no_calendar_is_refused() -> None:
    with pytest.raises(Invalid, match="not all"):
        Calendar(weekend=frozenset(range(7)))
    with pytest.raises(Invalid, match="ends before"):
        Calendar((Holiday(2027, "New Year", "元旦", date(2027, 1, 2), date(2027, 1, 1)),))
    with pytest.raises(Invalid, match="too many"):
        CALENDAR.add_working_days(date(2026, 1, 1), 1_000_000)
    assert CALENDAR.add_working_days(date(2026, 1, 1), 0) == date(2026, 1, 4)
    assert CALENDAR.working_days_between(date(2026, 1, 1), date(2026, 1, 1) - timedelta(days=1)) == 0
