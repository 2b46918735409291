"""Working days: weekends, holidays and the make-up days that move work to a weekend (调休), and office hours.

A rule about days ("answer within 5 working days") needs a year's holidays as the State Council orders them late in
the year before. The table here holds the years whose notices were read word by word; a city adds a year by handing
`Calendar` further `Holiday` rows (`[[holidays]]` in its TOML), and until then only weekends rest in it:
`is_known` tells. Dates are local dates of the city; instants become local through the time zone handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.zones import local_date

_DAY = timedelta(days=1)
_MOST = 10_000


class Holiday(NamedTuple):
    """Days off from `first` to `last`, both included, and the weekend days worked for them."""

    year: int
    en: str
    zh: str
    first: date
    last: date
    made_up: tuple[date, ...] = ()


def _day(text: str, year: int) -> date:
    return date.fromisoformat(text if len(text) > 5 else f"{year}-{text}")


def _rows() -> Iterator[Holiday]:
    for year, en, zh, first, last, *made_up in _NOTICES:
        yield Holiday(year, en, zh, _day(first, year), _day(last, year), tuple(_day(day, year) for day in made_up))


# Notices of the General Office of the State Council (国务院办公厅关于…年部分节假日安排的通知):
# 2023: 国办发明电〔2022〕16号; 2024: 国办发明电〔2023〕7号; 2025: 国办发明电〔2024〕12号; 2026: of 4 November 2025
_NOTICES: tuple[tuple[int, str, str, str, str, *tuple[str, ...]], ...] = (
    (2023, "New Year", "元旦", "2022-12-31", "01-02"),
    (2023, "Spring Festival", "春节", "01-21", "01-27", "01-28", "01-29"),
    (2023, "Tomb-Sweeping Day", "清明节", "04-05", "04-05"),
    (2023, "Labour Day", "劳动节", "04-29", "05-03", "04-23", "05-06"),
    (2023, "Dragon Boat Festival", "端午节", "06-22", "06-24", "06-25"),
    (2023, "Mid-Autumn and National Day", "中秋节、国庆节", "09-29", "10-06", "10-07", "10-08"),
    (2024, "New Year", "元旦", "01-01", "01-01"),
    (2024, "Spring Festival", "春节", "02-10", "02-17", "02-04", "02-18"),
    (2024, "Tomb-Sweeping Day", "清明节", "04-04", "04-06", "04-07"),
    (2024, "Labour Day", "劳动节", "05-01", "05-05", "04-28", "05-11"),
    (2024, "Dragon Boat Festival", "端午节", "06-10", "06-10"),
    (2024, "Mid-Autumn Festival", "中秋节", "09-15", "09-17", "09-14"),
    (2024, "National Day", "国庆节", "10-01", "10-07", "09-29", "10-12"),
    (2025, "New Year", "元旦", "01-01", "01-01"),
    (2025, "Spring Festival", "春节", "01-28", "02-04", "01-26", "02-08"),
    (2025, "Tomb-Sweeping Day", "清明节", "04-04", "04-06"),
    (2025, "Labour Day", "劳动节", "05-01", "05-05", "04-27"),
    (2025, "Dragon Boat Festival", "端午节", "05-31", "06-02"),
    (2025, "National Day and Mid-Autumn", "国庆节、中秋节", "10-01", "10-08", "09-28", "10-11"),
    (2026, "New Year", "元旦", "01-01", "01-03", "01-04"),
    (2026, "Spring Festival", "春节", "02-15", "02-23", "02-14", "02-28"),
    (2026, "Tomb-Sweeping Day", "清明节", "04-04", "04-06"),
    (2026, "Labour Day", "劳动节", "05-01", "05-05", "05-09"),
    (2026, "Dragon Boat Festival", "端午节", "06-19", "06-21"),
    (2026, "Mid-Autumn Festival", "中秋节", "09-25", "09-27"),
    (2026, "National Day", "国庆节", "10-01", "10-07", "09-20", "10-10"),
)

CHINA: tuple[Holiday, ...] = tuple(_rows())
"""Mainland China's holidays 2023-2026."""

OFFICE_HOURS = ((time(9), time(12)), (time(13, 30), time(17, 30)))
"""Office hours where a city sets none; from and to, in order, within a day."""


@dataclass(frozen=True)
class Calendar:
    """Which days are worked: weekdays but for holidays, and the weekend days made up.

    >>> china = Calendar(CHINA)
    >>> china.is_working_day(date(2026, 2, 16)), china.is_working_day(date(2026, 2, 14))
    (False, True)
    >>> china.add_working_days(date(2026, 2, 13), 3)
    datetime.date(2026, 2, 25)
    """

    holidays: tuple[Holiday, ...] = ()
    weekend: frozenset[int] = field(default=frozenset({5, 6}))
    """Days of the week at rest, Monday 0."""

    def __post_init__(self) -> None:
        if len(self.weekend) > 6 or not self.weekend <= set(range(7)):
            raise Invalid("A weekend is some of the days 0 to 6, not all", "周末须为0至6中的部分日期，不能是全部")
        for holiday in self.holidays:
            if holiday.last < holiday.first:
                raise Invalid(f"{holiday.en} ends before it begins", f"{holiday.zh}的结束日期早于开始日期")

    @cached_property
    def _off(self) -> dict[date, Holiday]:
        return {day: holiday for holiday in self.holidays for day in _days(holiday.first, holiday.last)}

    @cached_property
    def _made_up(self) -> frozenset[date]:
        return frozenset(day for holiday in self.holidays for day in holiday.made_up)

    def holiday(self, day: date) -> Holiday | None:
        """The holiday a day belongs to."""
        return self._off.get(day)

    def is_known(self, year: int) -> bool:
        """Whether the year's holidays are in the calendar; where not, only weekends rest."""
        return any(holiday.year == year for holiday in self.holidays)

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on a day."""
        return day in self._made_up or (day.weekday() not in self.weekend and day not in self._off)

    def add_working_days(self, day: date, count: int) -> date:
        """The working day `count` working days after a day (before it, where negative).

        The day itself does not count; with 0 it is the day, or the next working day where it is none.
        """
        if abs(count) > _MOST:
            raise Invalid(f"{count} working days are too many to count", f"{count} 个工作日过多，无法计算")
        if count == 0:
            return day if self.is_working_day(day) else self.add_working_days(day, 1)
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day += step
            while not self.is_working_day(day):
                day += step
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """Working days after `first` up to and with `last`; negative where `last` is before.

        >>> Calendar(CHINA).working_days_between(date(2026, 2, 13), date(2026, 2, 25))
        3
        """
        if last < first:
            return -self.working_days_between(last, first)
        return sum(map(self.is_working_day, _days(first + _DAY, last)))

    def working_time_between(
        self, start: int, end: int, city: ZoneInfo, hours: Sequence[tuple[time, time]] = OFFICE_HOURS
    ) -> int:
        """Office time between two instants, in microseconds; negative where `end` is before `start`.

        >>> city = ZoneInfo("Asia/Shanghai")
        >>> start, end = instants.parse("2026-03-02T11:00:00+08:00"), instants.parse("2026-03-02T14:00:00+08:00")
        >>> Calendar(CHINA).working_time_between(start, end, city) / instants.MINUTE
        90.0
        """
        if end < start:
            return -self.working_time_between(end, start, city, hours)
        days = _days(local_date(city, start), local_date(city, end))
        spans = (_span(city, day, span) for day in days if self.is_working_day(day) for span in hours)
        return sum(max(min(end, closes) - max(start, opens), 0) for opens, closes in spans)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))


def _span(city: ZoneInfo, day: date, span: tuple[time, time]) -> tuple[int, int]:
    """A span of office hours of a day as instants."""
    opens, closes = (instants.from_datetime(datetime.combine(day, at, city)) for at in span)
    return opens, closes
