"""How changes flow: by type and by source, per minute now, over the last day, hour by hour, and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from zhicheng.kernel.columns import I8, Mask
from zhicheng.storage.tally import HOUR, MINUTE, Tally

DAY = 24 * HOUR
NOW = 5
"""Whole minutes over which "now" is taken."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Changes: in all; a minute now; in the last 24 hours; by hour, the last 24, the present one last.

    recent: when what counts as now begins and ends (excluded)
    first, last: effective times of the earliest and the latest, None where it is not known
    since: when the count of the last day begins
    """

    total: int = 0
    per_minute: float = 0.0
    recent: tuple[int, int] = (0, 0)
    day: int = 0
    hours: tuple[int, ...] = ()
    since: int = 0
    first: int | None = None
    last: int | None = None
    by: dict[str, int] = field(default_factory=dict)


def flow(tally: Tally, now: int, rows: Mask | None = None, tables: Iterable[int] | None = None) -> Flow:
    """The flow of some rows of a tally; `by` counts by source."""
    chosen = np.ones(len(tally.count), bool) if rows is None else rows
    start, count = tally.start[chosen], tally.count[chosen]
    begin, end = _recent(tally, now)
    fresh = (start >= begin) & (start < end)
    since = (now // HOUR - 23) * HOUR
    recent = start >= since
    place = np.clip((start[recent] - since) // HOUR, 0, 23)
    hours = np.bincount(place, count[recent], 24).astype(np.int64)
    depth = [found for number in tables or () if (found := tally.depth.get(number)) is not None]
    return Flow(
        int(count.sum()),
        float(count[fresh].sum()) * MINUTE / max(end - begin, MINUTE),
        (begin, end),
        int(count[start >= now // MINUTE * MINUTE - DAY].sum()),
        tuple(hours.tolist()),
        now // MINUTE * MINUTE - DAY,
        min((first for first, _ in depth), default=None),
        max((last for _, last in depth), default=None),
        _by_source(tally, chosen),
    )


def _recent(tally: Tally, now: int) -> tuple[int, int]:
    """The last whole minutes; in a log that is younger, all that there is."""
    minute = now // MINUTE * MINUTE
    begin = minute - NOW * MINUTE
    born = int(tally.start.min(initial=minute))
    return (begin, minute) if born <= begin else (born, now)


def _by_source(tally: Tally, rows: Mask) -> dict[str, int]:
    values = [*tally.source.values, ""]
    codes = np.where(tally.source.codes < 0, len(values) - 1, tally.source.codes)[rows]
    sums: I8 = np.bincount(codes, tally.count[rows], len(values)).astype(np.int64)
    found: dict[str, int] = {}
    for name, total in zip(values, sums.tolist(), strict=True):
        if total:
            found[name] = found.get(name, 0) + total
    return found


def of_tables(tally: Tally, tables: Iterable[int], now: int) -> Flow:
    """The flow of the entities of some live tables."""
    tables = tuple(tables)
    return flow(tally, now, np.isin(tally.table, tables), tables)


def of_source(tally: Tally, source: str, now: int) -> Flow:
    """The flow of one source."""
    wanted = np.array([*(value == source for value in tally.source.values), source == ""])
    return flow(tally, now, wanted[tally.source.codes])
