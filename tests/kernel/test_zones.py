"""Local days, hours and service days hold over every kind of clock change."""

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel import zones
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import DAY, HOUR, SECOND

NAMES = (
    "Asia/Shanghai", "Asia/Urumqi", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Africa/Cairo",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Berlin", "Pacific/Apia", "Asia/Beirut", "America/Havana", "UTC",
)  # fmt: skip
CITIES = st.sampled_from([zones.zone(name) for name in NAMES])
INSTANTS = st.integers(min_value=5 * 366 * 86400, max_value=68 * 365 * 86400).map(lambda seconds: seconds * SECOND)
DAYS = st.dates(date(1975, 1, 1), date(2037, 12, 30))
SERVICE_SECONDS = st.integers(0, zones.LONGEST_SERVICE)


@given(CITIES, DAYS)
def test_days_follow_each_other_without_holes(city: ZoneInfo, day: date) -> None:
    start, end = zones.day_bounds(city, day)
    assert start <= end <= start + 26 * HOUR
    assert end == zones.day_bounds(city, day + timedelta(days=1))[0]


@given(CITIES, INSTANTS)
def test_an_instant_lies_in_its_local_day(city: ZoneInfo, instant: int) -> None:
    day = zones.local_date(city, instant)
    start, end = zones.day_bounds(city, day)
    if city.key != "America/St_Johns":  # there clocks went back over midnight at 0:01; the hour stays with the new day
        assert start <= instant < end
    else:
        assert start <= instant < end + HOUR


@pytest.mark.parametrize(
    ("name", "day", "length"),
    [
        ("America/New_York", date(2024, 3, 10), 23),
        ("America/New_York", date(2024, 11, 3), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Asia/Shanghai", date(2024, 3, 10), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Australia/Lord_Howe", date(2024, 4, 7), 24.5),
        ("America/Havana", date(2024, 11, 3), 25),
    ],
)
def test_length_of_days_when_clocks_change(name: str, day: date, length: float) -> None:
    start, end = zones.day_bounds(zones.zone(name), day)
    assert (end - start) / HOUR == length


@given(CITIES, DAYS)
def test_hours_cover_the_day(city: ZoneInfo, day: date) -> None:
    start, end = zones.day_bounds(city, day)
    begins = list(zones.hours(city, start, end))
    assert begins == sorted(set(begins))
    assert all(start <= begin < end for begin in begins)
    assert all(0 < later - earlier <= 1.5 * HOUR for earlier, later in pairwise(begins))
    if end > start:
        assert begins and begins[0] - start < HOUR


@given(CITIES, DAYS, SERVICE_SECONDS)
def test_service_time_and_back(city: ZoneInfo, day: date, seconds: int) -> None:
    instant = zones.service_instant(city, day, seconds)
    assert zones.service_time(city, day, instant) == seconds
    assert day in zones.service_days(city, instant, longest=seconds)
    assert zones.parse_service_time(zones.format_service_time(seconds)) == seconds
    assert zones.service_instants(city, day, np.array([seconds])).tolist() == [instant]


@given(CITIES, DAYS)
def test_service_noon_is_local_noon(city: ZoneInfo, day: date) -> None:
    if (city.key, day) != ("Pacific/Apia", date(2011, 12, 30)):  # the day that never was
        assert zones.local(city, zones.service_instant(city, day, 12 * 3600)).hour == 12


@given(CITIES, st.lists(INSTANTS, min_size=1, max_size=20))
def test_offsets_of_columns_equal_those_of_each(city: ZoneInfo, at: list[int]) -> None:
    found = zones.offsets(city, np.array(at)).tolist()
    expected = [zones.local(city, instant).utcoffset() for instant in at]
    assert [timedelta(microseconds=offset) for offset in found] == expected


@given(st.dates(date(1992, 1, 1), date(2037, 12, 30)))
def test_shanghai_never_changes_its_clock_since_1992(day: date) -> None:
    city = zones.zone("Asia/Shanghai")
    start, end = zones.day_bounds(city, day)
    assert end - start == DAY
    assert zones.local(city, start).utcoffset() == timedelta(hours=8)
    assert zones.service_start(city, day) == start


@pytest.mark.parametrize("text", ["", "25:61:00", "7 am", "1:2:3", "-1:00:00", "1234:00:00"])
def test_bad_service_times(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        zones.parse_service_time(text)
    assert "25:10:00" in caught.value.zh


@pytest.mark.parametrize("text", ["", "20240230", "today", "2024-13-01", "202402081"])
def test_bad_days(text: str) -> None:
    with pytest.raises(Invalid):
        zones.parse_date(text)


@pytest.mark.parametrize("name", ["", "Asia/Atlantis", "../../etc/passwd", "/etc/passwd", "\0"])
def test_bad_zones(name: str) -> None:
    with pytest.raises(Invalid, match="IANA"):
        zones.zone(name)
