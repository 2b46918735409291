"""Tallies: how many changes came, of which kind of entity, by which source and when, part by part of the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from zhicheng.kernel.columns import I4, I8, Coded

MINUTE = 60_000_000
HOUR = 60 * MINUTE
_FINE = 48 * HOUR
"""Before the end of a part, so far back minutes are told apart; before that, hours."""

Rows = tuple[I8, I8, I8]
"""Of some rows: the number of the live table that their entity stands in (-1: it is gone), which commit of the part,
effective time."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a part of the log, one row each: the number of the live table the entities stand in (-1: they are
    gone), the source, the minute or hour of recording (its start) and how many changes.

    depth: effective times of the earliest and the latest change, by number of the table
    """

    table: I8
    source: Coded
    start: I8
    count: I8
    depth: dict[int, tuple[int, int]] = field(default_factory=dict)


def tally(parts: Iterable[Rows], source: Coded, recorded_at: I8) -> Tally:
    """Count rows; `source` and `recorded_at` are those of the part's commits.

    >>> import numpy as np
    >>> rows = np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([5, 6, 7])
    >>> one = tally([rows], Coded.of(["a", None]), np.array([5, 7]))
    >>> one.table.tolist(), one.source.list(), one.count.tolist(), one.depth
    ([0, 1], ['a', None], [2, 1], {0: (5, 6), 1: (7, 7)})
    """
    end = int(recorded_at.max(initial=0))
    grain = np.where(recorded_at >= end - _FINE, MINUTE, HOUR)
    start = recorded_at // grain * grain
    bins, place = np.unique(np.stack([source.codes.astype(np.int64), start]), axis=1, return_inverse=True)
    place = place.ravel()
    counts: dict[int, I8] = {}
    depth: dict[int, tuple[int, int]] = {}
    for table, at, effective in parts:
        for number, rows in _runs(table):
            found = np.bincount(place[at[rows]], minlength=bins.shape[1])
            counts[number] = counts[number] + found if number in counts else found
            depth[number] = _wider(depth.get(number), int(effective[rows].min()), int(effective[rows].max()))
    numbers = sorted(counts)
    used = [np.flatnonzero(counts[number]) for number in numbers]
    at = np.concatenate(used) if used else np.zeros(0, np.intp)
    return Tally(
        np.repeat(np.array(numbers, np.int64), [len(rows) for rows in used]),
        Coded(source.values, bins[0, at].astype(np.int32)),
        bins[1, at],
        np.concatenate([counts[number][rows] for number, rows in zip(numbers, used, strict=True)] or [at]),
        depth,
    )


def _runs(table: I4 | I8) -> Iterator[tuple[int, slice | I8]]:
    """The rows of each table; one after the other where they lie together."""
    if not len(table):
        return
    edges = np.flatnonzero(np.diff(table, prepend=table[0] - 1))
    if len(edges) > 64:
        for number in np.unique(table).tolist():
            yield number, np.flatnonzero(table == number)
        return
    for begin, end in zip(edges.tolist(), np.append(edges[1:], len(table)).tolist(), strict=True):
        yield int(table[begin]), slice(begin, end)


def _wider(known: tuple[int, int] | None, first: int, last: int) -> tuple[int, int]:
    return (first, last) if known is None else (min(known[0], first), max(known[1], last))


def joined(parts: Iterable[Tally]) -> Tally:
    """All parts as one; the same row of several parts stands several times."""
    parts = list(parts)
    if not parts:
        none = np.zeros(0, np.int64)
        return Tally(none, Coded.of([]), none, none)
    depth: dict[int, tuple[int, int]] = {}
    for part in parts:
        for number, (first, last) in part.depth.items():
            depth[number] = _wider(depth.get(number), first, last)
    return Tally(
        np.concatenate([part.table for part in parts]),
        Coded.concat([part.source for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.count for part in parts]),
        depth,
    )
