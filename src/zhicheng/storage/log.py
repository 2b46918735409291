"""What goes into the log and comes out of it: commits, receipts, rows, series, queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zhicheng.kernel.columns import F8, I4, I8, Coded, Mask
from zhicheng.kernel.errors import Conflict
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Changes, ChangesBuilder

if TYPE_CHECKING:
    pass

ORDINAL_BITS = 20
MOST_ROWS = 1 << ORDINAL_BITS
"""The most rows of one commit."""
FUTURE_LIMIT = 5 * 60 * 1_000_000
"""How far ahead of its arrival an effective time may lie and still be live, in microseconds."""


class VersionConflict(Conflict):
    """An entity changed, came or went since it was read; read again and retry."""

    code = "version-conflict"


@dataclass(frozen=True, slots=True)
class Producer:
    """Names a commit from outside, so that a repetition of it is known: sequences of one epoch grow."""

    name: str
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has come, with its state; moves in the same transaction as the reader's outputs."""

    reader: str
    shard: int
    position: str
    state: bytes = b""


@dataclass(frozen=True, slots=True)
class Commit:
    """One record of the log to be: its changes and what they share.

    changes: columns; or, of a commit of few changes, rows, which the store makes into columns together with others'
    expected: entity -> the version it was read at, 0 for "does not exist"; a mismatch refuses the whole commit
    derived_from: what the changes were computed from, as the application names it
    """

    changes: Changes | ChangesBuilder
    principal: str
    source: str
    producer: Producer | None = None
    cursor: Cursor | None = None
    derived_from: str | None = None
    expected: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> Changes:
        """The changes as columns."""
        return self.changes.build() if isinstance(self.changes, ChangesBuilder) else self.changes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was stored, durably and visibly: position in the log and when it was recorded."""

    position: int
    recorded_at: int
    repeated: bool = False


@dataclass(slots=True)
class Batch:
    """Rows of one or more commits as the log holds them, in log order; all columns have one length.

    position, ordinal: where the row stands; recorded_at: microseconds; source, principal: of its commit
    modified_at: recorded_at of the correction that gave it its content, else its own
    """

    changes: Changes
    position: I8
    ordinal: I4
    recorded_at: I8
    source: Coded
    principal: Coded
    modified_at: I8

    def __len__(self) -> int:
        return len(self.position)

    @property
    def instance(self) -> I8:
        """The rows' instance ids."""
        return (self.position << ORDINAL_BITS) | self.ordinal

    @property
    def effective(self) -> I8:
        """observed_at, else recorded_at."""
        observed = self.changes.observed_at
        return np.where(observed == ABSENT, self.recorded_at, observed)

    def take(self, rows: I8 | Mask) -> Batch:
        """The chosen rows."""
        return Batch(
            self.changes.take(rows),
            self.position[rows],
            self.ordinal[rows],
            self.recorded_at[rows],
            self.source.take(rows),
            self.principal.take(rows),
            self.modified_at[rows],
        )


@dataclass(slots=True)
class Series:
    """Instances of attributes in time order: corrections applied, retracted and repeated ones gone.

    Sorted by entity, attribute, dataset, effective time. form 0 marks a removal. `batch` gives the rest of the row.
    """

    batch: Batch
    effective: I8
    instance: I8

    def __len__(self) -> int:
        return len(self.effective)


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which instances of which attributes of which entities.

    entities, attributes: None for all; start, end: half-open window on `time`: "effective", "observed", "recorded",
    "modified" (when it got its present content) or "removed" (when it was taken away: removals only)
    last: only the newest so many of each series; known: as the log stood at that instant (None: now)
    """

    entities: tuple[str, ...] | None
    attributes: tuple[str, ...] | None = None
    start: int | None = None
    end: int | None = None
    time: str = "observed"
    last: int | None = None
    known: int | None = None


@dataclass(slots=True)
class Buckets:
    """Aggregates of numbers by series and period; one row per series and non-empty period, in that order."""

    entity: Coded
    attribute: Coded
    dataset: Coded
    start: I8
    count: I8
    number: dict[str, F8]


@dataclass(frozen=True, slots=True)
class Figures:
    """How large a store is; bytes count everything below its folder."""

    position: int
    entities: int
    rows_sealed: int
    rows_open: int
    segments: int
    bytes_sealed: int
    bytes_total: int
