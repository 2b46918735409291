"""Service days as they are needed, each worked out once and forgotten when it is over."""

from __future__ import annotations

from datetime import timedelta

from zhicheng.demo import climate
from zhicheng.demo.city import Living
from zhicheng.demo.days import day_of, midnight, works
from zhicheng.demo.runs import Runs, runs
from zhicheng.demo.timetable import SERVICES


class Days:
    """The service days that matter now: yesterday's, whose last trips may still run, and today's."""

    def __init__(self, living: Living) -> None:
        self._living = living
        self._kept: dict[int, Runs] = {}

    def at(self, now: float) -> list[Runs]:
        """Yesterday's and today's runs."""
        today = day_of(now)
        wanted = [today - timedelta(days=1), today]
        self._kept = {key: one for key, one in self._kept.items() if key in [day.toordinal() for day in wanted]}
        for day in wanted:
            if day.toordinal() not in self._kept:
                living, seed = self._living, self._living.plan.seed
                service = SERVICES[0] if works(day) else SERVICES[1]
                wet = climate.hourly_rain(seed, midnight(day))
                made = runs(seed, living.tables[service], day, living.plan.vehicles, wet)
                self._kept[day.toordinal()] = made
        return [self._kept[day.toordinal()] for day in wanted]
