"""The course of vital signs, read back from history, with what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import F8, I8
from zhicheng.kernel.instants import DAY, HOUR
from zhicheng.kernel.zones import offsets
from zhicheng.operations.vitals.model import EVERY, FIGURE, entity_of
from zhicheng.operations.vitals.usual import WEEKS, Usual, usual
from zhicheng.standards.changes import Form
from zhicheng.storage.log import HistoryQuery
from zhicheng.storage.port import Store

BACK, AHEAD = 24 * HOUR, 3 * HOUR
"""What is shown of the past, and of what is usual in the hours to come."""


@dataclass(frozen=True, slots=True)
class Past:
    """One vital sign: its figures of the last day, and what is usual then and in the next hours."""

    at: I8
    figure: F8
    usual_at: I8
    usual: Usual


def courses(store: Store, names: Sequence[str], now: int, zone: ZoneInfo) -> dict[str, Past]:
    """Of each vital sign its past day beside what was usual in the weeks before."""
    if not names:
        return {}
    query = HistoryQuery(
        tuple(entity_of(name) for name in names), (iri(FIGURE),), now - WEEKS * 7 * DAY - BACK, now + 1, "effective"
    )
    series = store.history(query)
    changes = series.batch.changes
    clock = _clock_of(series.effective, zone)
    wanted = np.arange((now - BACK) // EVERY * EVERY, now + AHEAD, HOUR // 2, dtype=np.int64)
    shown = _clock_of(wanted, zone)
    found = {}
    for name in names:
        entity = entity_of(name)
        code = changes.entity.values.index(entity) if entity in changes.entity.values else -2
        rows = np.flatnonzero((changes.entity.codes == code) & (changes.form == Form.NUMBER))
        at, figure = series.effective[rows], changes.number[rows]
        before = at < wanted[0]
        range_ = usual(clock[rows][before], figure[before], shown)
        found[name] = Past(at[~before], figure[~before], wanted, range_)
    return found


def _clock_of(at: I8, zone: ZoneInfo) -> I8:
    """What the city's clocks show; many figures share their instants."""
    distinct, place = np.unique(at, return_inverse=True)
    local: I8 = (distinct + offsets(zone, distinct))[place] if len(at) else at
    return local
