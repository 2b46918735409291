"""Series: instances of attributes over time, made from rows of the log; and their aggregates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zhicheng.kernel.columns import F8, I1, I8, Coded, Index, Mask
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.live import amended
from zhicheng.storage.log import ORDINAL_BITS, Batch, Buckets, HistoryQuery, Series


def concat(parts: Sequence[Batch]) -> Batch:
    """All parts, in order."""
    if len(parts) == 1:
        return parts[0]
    return Batch(
        Changes.concat([part.changes for part in parts]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.ordinal for part in parts]),
        np.concatenate([part.recorded_at for part in parts]),
        Coded.concat([part.source for part in parts]),
        Coded.concat([part.principal for part in parts]),
        np.concatenate([part.modified_at for part in parts]),
    )


def empty_batch() -> Batch:
    """No rows."""
    none = np.zeros(0, np.int64)
    return Batch(ChangesBuilder().build(), none, none.astype(np.int32), none, Coded.of([]), Coded.of([]), none)


def in_log_order(batch: Batch) -> Batch:
    """The rows by position and ordinal."""
    instance = batch.instance
    if (np.diff(instance) > 0).all():
        return batch
    return batch.take(np.argsort(instance))


def series_of(batch: Batch, query: HistoryQuery) -> Series:
    """The instances a query asks for, of rows that hold at least all of its entities' and attributes' rows."""
    if query.known is not None:
        batch = batch.take(batch.recorded_at <= query.known)
    if (batch.changes.act >= Act.CORRECT).any():
        batch = amended(in_log_order(batch))
    batch = batch.take(batch.changes.kind < Kind.TYPES)
    effective = batch.effective
    keys = series_keys(batch.changes)
    order = np.lexsort((batch.instance, effective, keys))
    keep = _not_repeated(keys[order], effective[order], batch.changes.act[order])
    window = _window(batch, effective, query)[order]
    order = order[keep & window]
    if query.last is not None:
        order = order[_newest(keys[order], query.last)]
    return Series(batch.take(order), effective[order], batch.instance[order])


def series_keys(changes: Changes) -> I8:
    """One number for each (entity, attribute, dataset), sorting as they do by text."""
    key = np.zeros(len(changes), np.int64)
    for name in ("entity", "attribute", "dataset"):
        column: Coded = getattr(changes, name)
        order = sorted(range(len(column.values)), key=column.values.__getitem__)
        ranks = np.zeros(len(order) + 1, np.int64)
        ranks[order] = np.arange(1, len(order) + 1)
        key = key * (len(order) + 1) + ranks[column.codes]
    return key


def _not_repeated(keys: I8, effective: I8, act: I1) -> Mask:
    """Of observations of one series at one time the last in the log counts."""
    again: Mask = np.diff(keys, append=-1) == 0
    again &= np.diff(effective, append=0) == 0
    following = np.append(act[1:], 0)
    again &= (act == Act.OBSERVE) & (following == Act.OBSERVE)
    return ~again


def _window(batch: Batch, effective: I8, query: HistoryQuery) -> Mask:
    time = {
        "recorded": batch.recorded_at,
        "removed": batch.recorded_at,
        "modified": batch.modified_at,
        "observed": batch.changes.observed_at,
    }.get(query.time, effective)
    inside = np.ones(len(batch), bool) if query.time != "observed" else time != ABSENT
    if query.time == "removed":
        inside &= batch.changes.act == Act.REMOVE
    if query.start is not None:
        inside &= time >= query.start
    if query.end is not None:
        inside &= time < query.end
    return inside


def _newest(keys: I8, count: int) -> Mask:
    """The last `count` rows of each run of equal keys."""
    if not len(keys):
        return np.zeros(0, bool)
    ends = np.flatnonzero(np.append(np.diff(keys) != 0, True))
    lengths = np.diff(ends, prepend=-1)
    from_end = np.repeat(ends, lengths) - np.arange(len(keys))
    return from_end < count


Reduce = Callable[[F8, Index, I8], F8]


def _total(values: F8, starts: Index, counts: I8) -> F8:
    return np.add.reduceat(values, starts)


def _spread(values: F8, starts: Index, counts: I8) -> F8:
    """Population standard deviation, two passes."""
    means = np.repeat(_total(values, starts, counts) / counts, counts)
    return np.sqrt(np.add.reduceat((values - means) ** 2, starts) / counts)


METHODS: dict[str, Reduce] = {
    "sum": _total,
    "avg": lambda values, starts, counts: _total(values, starts, counts) / counts,
    "min": lambda values, starts, _: np.minimum.reduceat(values, starts),
    "max": lambda values, starts, _: np.maximum.reduceat(values, starts),
    "sumsq": lambda values, starts, _: np.add.reduceat(values**2, starts),
    "stddev": _spread,
    "totalCount": lambda _values, _starts, counts: counts.astype(np.float64),
}
"""Aggregates over numbers, by their NGSI-LD names (distinctCount is computed apart)."""


def aggregate(series: Series, period: int | None, origin: int, methods: Sequence[str]) -> Buckets:
    """Numbers (and booleans as 0 and 1) of each series by period.

    period: microseconds, None for one bucket over everything; buckets start at origin + k * period
    """
    changes = series.batch.changes
    usable = ~np.isnan(changes.number) & (changes.form != Form.NOTHING)
    rows = np.flatnonzero(usable)
    keys = series_keys(changes)[rows]
    effective = series.effective[rows]
    bucket = np.full(len(rows), origin) if period is None else origin + (effective - origin) // period * period
    edge = (np.diff(keys, prepend=-1) != 0) | (np.diff(bucket, prepend=ABSENT) != 0)
    starts = np.flatnonzero(edge)
    counts = np.diff(np.append(starts, len(rows)))
    values = changes.number[rows]
    number: dict[str, F8] = {}
    for method in methods:
        if not len(rows):
            number[method] = np.zeros(0)
        elif method == "distinctCount":
            number[method] = _distinct(values, starts, counts)
        else:
            number[method] = METHODS[method](values, starts, counts)
    heads = rows[starts]
    return Buckets(
        changes.entity.take(heads),
        changes.attribute.take(heads),
        changes.dataset.take(heads),
        bucket[starts],
        counts,
        number,
    )


def _distinct(values: F8, starts: Index, counts: I8) -> F8:
    run = np.repeat(np.arange(len(starts)), counts)
    order = np.lexsort((values, run))
    fresh = (np.diff(run[order], prepend=-1) != 0) | (np.diff(values[order], prepend=np.nan) != 0)
    return np.add.reduceat(fresh.astype(np.float64), starts)


def instance_parts(instance: int) -> tuple[int, int]:
    """Position and ordinal of an instance id."""
    return instance >> ORDINAL_BITS, instance & ((1 << ORDINAL_BITS) - 1)
