"""A sealed segment's rows back in the order of the log, within bounded memory whatever its size.

A segment is sorted by entity, so each row group holds rows of its whole time. Which rows are wanted is looked up first,
from three columns. Few are read and sorted at once. Many are read once, group by group, cut by windows of positions and
put aside in a file without a name; then the windows come back one after another.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zhicheng.kernel.columns import I1, I8, Coded, Mask
from zhicheng.standards.changes import COLUMNS, Changes
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded import files
from zhicheng.storage.engines.embedded.pack import pack, unpack
from zhicheng.storage.engines.embedded.segments import Content, Segment
from zhicheng.storage.log import Batch
from zhicheng.storage.series import concat, empty_batch, in_log_order

AT_ONCE = 131_072
"""Rows that are held in memory together: more are put aside."""
_LOOKED_AT, _READ = 32, 8
"""Row groups between two rests: of which three columns are read, or all."""
_REST = None
"""Given by a step that found nothing yet, so that who reads may rest or stop."""


def scanned(segment: Segment, after: int, attributes: Collection[str], limit: int) -> Iterator[tuple[int, Batch]]:
    """The rows of some attributes and of whole entities after a position, whole commits, about `limit` rows at a time;
    each with the position up to which that is all, at last the segment's. `(after, no rows)` where it takes long.
    """
    wanted = _Wanted(frozenset(attributes), after)
    for _ in _look(segment, wanted):
        yield after, empty_batch()
    if wanted.total <= AT_ONCE:
        parts = []
        for part in _parts(segment, wanted):
            parts.append(part)
            if not len(parts) % _READ:
                yield after, empty_batch()
        yield from pieces(in_log_order(concat(parts)) if parts else empty_batch(), segment.last, limit)
        return
    bounds = _bounds(wanted.rows, segment.first, limit)
    with _Aside(segment, bounds) as aside:
        for _ in aside.fill(wanted):
            yield after, empty_batch()
        for window, reached in enumerate([*(bounds[1:] - 1).tolist(), segment.last]):
            yield reached, aside.window(window)


@dataclass(slots=True)
class _Wanted:
    """Which rows, and what is known of them: the row groups that hold some, and how many there are by commit."""

    attributes: frozenset[str]
    after: int
    groups: list[int] = field(default_factory=list)
    rows: I8 = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def total(self) -> int:
        return int(self.rows.sum())

    def may_be_in(self, content: Content) -> bool:
        return content.whole or not self.attributes.isdisjoint(content.attributes)

    def among(self, attribute: Coded, kind: I1, position: I8) -> Mask:
        return wanted(attribute, kind, self.attributes) & (position > self.after)


def wanted(attribute: Coded, kind: I1, attributes: Collection[str]) -> Mask:
    """Which rows are of the attributes or of whole entities."""
    mask: Mask = np.array([*(value in attributes for value in attribute.values), False])[attribute.codes]
    mask |= kind >= Kind.TYPES
    return mask


def _look(segment: Segment, found: _Wanted) -> Iterator[None]:
    """Find the groups and count the rows."""
    found.rows = np.zeros(segment.last - segment.first + 1, np.int64)
    count = 0
    for group in range(len(segment.facts.heads)):
        known = segment.contents.get(group)
        if known is not None and not found.may_be_in(known):
            continue
        attribute, kind, position = segment.outline(group)
        mask = found.among(attribute, kind, position)
        if mask.any():
            found.groups.append(group)
            found.rows += np.bincount(position[mask] - segment.first, minlength=len(found.rows))
        count += 1
        if not count % _LOOKED_AT:
            yield _REST


def _parts(segment: Segment, found: _Wanted) -> Iterator[Batch]:
    """The rows of each group."""
    return (segment.chosen(group, found.among) for group in found.groups)


def _bounds(rows: I8, first: int, limit: int) -> I8:
    """The positions at which windows of whole commits begin, each with at most `limit` rows or of one commit."""
    until = np.cumsum(rows)
    starts, given = [0], 0
    while (end := max(int(np.searchsorted(until, given + limit, "right")), starts[-1] + 1)) < len(rows):
        given = int(until[end - 1])
        if given == until[-1]:
            break
        starts.append(end)
    return first + np.array(starts, np.int64)


class _Aside:
    """Rows put aside by window; the file has no name and is gone when it is closed, or when the process dies."""

    def __init__(self, segment: Segment, bounds: I8) -> None:
        self._segment = segment
        self._bounds = bounds
        self._path: Path = segment.path
        self._places: list[list[tuple[int, int]]] = [[] for _ in bounds]
        self._file: BinaryIO | None = None

    def __enter__(self) -> _Aside:
        try:
            self._file = tempfile.TemporaryFile(dir=self._path.parent)
        except OSError as error:
            raise files.failure(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def fill(self, found: _Wanted) -> Iterator[None]:
        """All rows that are wanted, each into its window."""
        held: list[Batch] = []
        for count, part in enumerate(_parts(self._segment, found), 1):
            held.append(part)
            if sum(map(len, held)) >= AT_ONCE:
                self._put(held)
                held = []
            if not count % _READ:
                yield _REST
        self._put(held)

    def _put(self, held: Sequence[Batch]) -> None:
        if not held:
            return
        batch = in_log_order(concat(held))
        cuts = [*np.searchsorted(batch.position, self._bounds).tolist(), len(batch)]
        for window, (start, end) in enumerate(pairwise(cuts)):
            if start < end:
                self._write(window, batch.take(np.arange(start, end)))

    def _write(self, window: int, batch: Batch) -> None:
        assert self._file is not None
        columns = {name: getattr(batch.changes, name) for name in COLUMNS}
        changes = {name: one.compact() if isinstance(one, Coded) else one for name, one in columns.items()}
        content = pack({"changes": changes, "position": batch.position, "ordinal": batch.ordinal})
        try:
            place = self._file.tell()
            self._file.write(content)
        except OSError as error:
            raise files.failure(self._path, error) from error
        self._places[window].append((place, len(content)))

    def window(self, number: int) -> Batch:
        """The rows of a window, in log order."""
        assert self._file is not None
        parts = []
        try:
            for place, size in self._places[number]:
                self._file.seek(place)
                parts.append(self._rows(unpack(self._file.read(size))))
        except OSError as error:
            raise files.failure(self._path, error) from error
        return in_log_order(concat(parts)) if parts else empty_batch()

    def _rows(self, content: dict[str, Any]) -> Batch:
        position, commits = content["position"], self._segment.commits
        at = position - commits.first
        recorded = commits.recorded_at[at]
        source, principal = commits.source.take(at), commits.principal.take(at)
        return Batch(Changes(**content["changes"]), position, content["ordinal"], recorded, source, principal, recorded)


def pieces(batch: Batch, last: int, limit: int) -> Iterator[tuple[int, Batch]]:
    """Rows in log order, whole commits at a time; with each the position it goes up to, at the end `last`."""
    start = 0
    while len(batch) - start > limit:
        end = int(np.searchsorted(batch.position, batch.position[start + limit], "left"))
        if end <= start:
            end = int(np.searchsorted(batch.position, batch.position[start], "right"))
        if end == len(batch):
            break
        yield int(batch.position[end - 1]), batch.take(np.arange(start, end))
        start = end
    yield last, batch if not start else batch.take(np.arange(start, len(batch)))
