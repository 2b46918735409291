"""Which rows a question needs, from the segments and the open end, which are handed in as they stood then."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from zhicheng.kernel.columns import I4, I8, Mask
from zhicheng.standards.changes import Act
from zhicheng.storage.engines.embedded import tail, unsorted
from zhicheng.storage.engines.embedded.segments import Segment
from zhicheng.storage.engines.embedded.tail import Chunk
from zhicheng.storage.live import amended
from zhicheng.storage.log import FUTURE_LIMIT, Batch, HistoryQuery
from zhicheng.storage.moments import Moments, moments_of, together
from zhicheng.storage.series import concat, empty_batch, in_log_order


def of_query(sealed: Sequence[Segment], chunks: tuple[Chunk, ...], codes: I4 | None, query: HistoryQuery) -> Batch:
    """The rows a history is made of; `codes` are its entities in the directory, None for all."""
    amending = _amending(sealed, chunks)
    parts = [
        part
        for segment in sealed
        if amending or _overlaps(segment, query)
        if (part := segment.read(query.entities, query.attributes)) is not None
    ]
    if codes is None or len(codes):
        parts.extend(tail.read(chunks, codes, query.attributes))
    return concat(parts) if parts else empty_batch()


def of_past(sealed: Sequence[Segment], chunks: tuple[Chunk, ...], after: int, valid: int, known: int) -> Batch:
    """The rows after a position, in log order, that decide the state as of `valid`, known by `known`.

    Segments all of whose rows are valid later only give the creations of lives that other rows speak of.
    """
    later = [segment for segment in sealed if segment.last > after and segment.facts.recorded_first <= known]
    amending = _amending(later, chunks)
    skipped = [] if amending else [segment for segment in later if segment.facts.earliest_valid > valid]
    parts = [
        rows if amending else latest(rows, valid, known)
        for segment in later
        if segment not in skipped
        for rows in (_after(part, after) for part in segment.parts())
        if len(rows)
    ]
    parts.extend(_after(chunk.batch, after) for chunk in chunks)
    lives = np.unique(np.concatenate([part.changes.life for part in parts])) if parts else np.zeros(0, np.int64)
    parts.extend(_creations(segment, lives) for segment in skipped)
    return in_log_order(concat(parts)) if parts else empty_batch()


def latest(batch: Batch, valid: int, known: int) -> Batch:
    """Of rows sorted by series and time: all of whole entities, and of series of nothing but observations in one
    life only the latest that counts at the asked instant, and the first and last in the log: they say since when
    the value is there and when its entity was last changed.
    """
    changes = batch.changes
    starts = np.minimum(batch.effective, batch.recorded_at)
    counts = (batch.recorded_at <= known) & (starts <= valid)
    edges = np.zeros(len(batch), bool)
    edges[0] = True
    for codes in (changes.entity.codes, changes.attribute.codes, changes.dataset.codes):
        edges[1:] |= np.diff(codes) != 0
    first = np.flatnonzero(edges)
    special = (changes.act != Act.OBSERVE) | (batch.effective - batch.recorded_at > FUTURE_LIMIT)
    lives_from, lives_to = np.minimum.reduceat(changes.life, first), np.maximum.reduceat(changes.life, first)
    whole = np.logical_or.reduceat(special, first) | (lives_from != lives_to)
    run = np.cumsum(edges) - 1
    keep: Mask = whole[run]
    rows = np.flatnonzero(counts & ~keep)
    if len(rows):
        instance, first = batch.instance[rows], np.flatnonzero(np.diff(run[rows], prepend=-1))
        bounds = np.append(first, len(rows))
        keep[rows[bounds[1:] - 1]] = True
        for pick in (np.minimum, np.maximum):
            keep[rows[instance == np.repeat(pick.reduceat(instance, first), np.diff(bounds))]] = True
    return batch.take(keep)


def of_moments(sealed: Sequence[Segment], chunks: Sequence[Chunk], start: int, end: int, grain: int) -> Moments:
    """When the rows of a window took effect."""
    parts = [
        moments_of(effective, grain)
        for segment in sealed
        if segment.facts.earliest < end and segment.facts.latest >= start
        for effective in segment.effective()
    ]
    parts.extend(moments_of(chunk.batch.effective, grain) for chunk in chunks)
    return together(parts)


def of_during(sealed: Sequence[Segment], chunks: Sequence[Chunk], after: int, until: int) -> Batch:
    """The rows that begin to hold in (after, until], in log order, corrections in their places."""
    amending = _amending(sealed, chunks)
    parts = [
        part if amending else _beginning(part, after, until)
        for segment in sealed
        if amending or (segment.facts.earliest_valid <= until and segment.facts.latest > after)
        for part in segment.parts()
    ]
    parts += [chunk.batch if amending else _beginning(chunk.batch, after, until) for chunk in chunks]
    rows = in_log_order(concat([part for part in parts if len(part)] or [empty_batch()]))
    return _beginning(amended(rows), after, until) if amending else rows


def _beginning(batch: Batch, after: int, until: int) -> Batch:
    starts = np.minimum(batch.effective, batch.recorded_at)
    return batch.take(np.flatnonzero((starts > after) & (starts <= until)))


def of_tail(sealed: Sequence[Segment], chunks: tuple[Chunk, ...], after: int, limit: int) -> Batch:
    """Rows of whole commits after a position, in log order."""
    for segment in sealed:
        if segment.last > after and (part := segment.read()) is not None:
            found = _whole_commits(in_log_order(part), after, limit)
            if len(found):  # none where all that is left of the segment was erased
                return found
    open_end = [chunk.batch for chunk in chunks if chunk.last > after]
    return _whole_commits(concat(open_end), after, limit) if open_end else empty_batch()


def of_scan(
    sealed: Segment | None, chunks: tuple[Chunk, ...], after: int, last: int, attributes: Collection[str], limit: int
) -> Iterator[tuple[int, Batch]]:
    """The rows of some attributes and of whole entities after a position, of a segment or else of the open end up to
    `last`, as `Store.scan` gives them.
    """
    if sealed is not None:
        yield from unsorted.scanned(sealed, after, attributes, limit)
        return
    parts = [_wanted(chunk.batch, after, attributes) for chunk in chunks]
    batch = in_log_order(concat([part for part in parts if len(part)] or [empty_batch()]))
    yield from unsorted.pieces(batch, last, limit)


def _wanted(batch: Batch, after: int, attributes: Collection[str]) -> Batch:
    mask = unsorted.wanted(batch.changes.attribute, batch.changes.kind, attributes)
    mask &= batch.position > after
    return batch if mask.all() else batch.take(np.flatnonzero(mask))


def _overlaps(segment: Segment, query: HistoryQuery) -> bool:
    if query.time in ("recorded", "modified", "removed"):  # where nothing is amended, recorded is modified
        earliest, latest = segment.facts.recorded_first, segment.facts.recorded_last
    else:
        earliest, latest = segment.facts.earliest, segment.facts.latest
    return (query.end is None or earliest < query.end) and (query.start is None or latest >= query.start)


def _amending(sealed: Sequence[Segment], chunks: Sequence[Chunk]) -> bool:
    """Whether there are corrections or erasures, which may move instances in time."""
    return any(segment.facts.amending for segment in sealed) or any(chunk.amending for chunk in chunks)


def _after(batch: Batch, position: int) -> Batch:
    after = batch.position > position
    return batch if after.all() else batch.take(after)


def _creations(segment: Segment, lives: I8) -> Batch:
    """The rows of a segment that brought the given lives into being."""
    born = lives[(lives >= segment.first) & (lives <= segment.last)]
    batch = segment.read() if len(born) else None
    return (
        empty_batch()
        if batch is None
        else batch.take(np.isin(batch.position, born) & (batch.changes.life == batch.position))
    )


def _whole_commits(batch: Batch, after: int, limit: int) -> Batch:
    start = int(np.searchsorted(batch.position, after, "right"))
    end = start + limit
    if end < len(batch):
        cut = int(np.searchsorted(batch.position, batch.position[end], "left"))
        end = cut if cut > start else int(np.searchsorted(batch.position, batch.position[end], "right"))
    return batch.take(np.arange(start, min(end, len(batch))))
