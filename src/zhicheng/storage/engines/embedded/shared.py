"""The whole log as files for another process: sealed segments as they are, the open end and what commits say as Arrow.

Nothing is copied but the open end: segments are linked, and opened by the reader only after it has found their digests
right, so that a question that touches three columns reads three columns.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from zhicheng.kernel.errors import Unavailable
from zhicheng.storage.engines.embedded.arrow import coded_array, instants_array, to_arrow
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.segments import Segment
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.engines.embedded.tail import Chunk
from zhicheng.storage.log import Batch
from zhicheng.storage.series import concat, empty_batch
from zhicheng.storage.sight import Sight

MANIFEST, OPEN_END, COMMITS = "log.json", "open.arrow", "commits.arrow"
SHOWN, SEEN = "shown.json", "seen.arrow"
"""For who does not see all: attributes with owners and classifications, each with whether it is shown; the entities."""
_TRIES = 5
"""Segments are merged while others are linked; then it begins again."""


class SharedSegment(msgspec.Struct, frozen=True):
    """A sealed part of the log: its file, digest, first and last entity, and the span of its effective times."""

    file: str
    digest: str
    first_entity: str
    last_entity: str
    earliest: int
    latest: int


def share(store: EmbeddedStore, folder: Path) -> int:
    """Lay the log out in a folder, all of one position; gives the position."""
    for _ in range(_TRIES):
        position, sealed, chunks = store.parts()
        with contextlib.suppress(FileNotFoundError):
            _link(sealed, folder)
            _write(folder / OPEN_END, to_arrow(concat([chunk.batch for chunk in chunks] or [empty_batch()])))
            _write(folder / COMMITS, _commits(sealed, chunks))
            return position
    raise Unavailable("The log is being rewritten; ask again", "日志正在整理，请稍后再试")


def share_seen(store: EmbeddedStore, folder: Path, seen: Callable[[], Sight]) -> int:
    """The same for who does not see all: with it stands what of the sealed segments is seen, for the reader to heed.

    Rows of the open end, and of entities of which only some are seen, are chosen here and copied.

    seen: asked after the log was looked at, so that no row is older than the verdict on it
    """
    for _ in range(_TRIES):
        position, sealed, chunks = store.parts()
        sight = seen()
        with contextlib.suppress(FileNotFoundError):
            _link(sealed, folder)
            _write(folder / OPEN_END, to_arrow(sight.shown(concat(_copied(sealed, chunks, sight)))))
            _write(folder / COMMITS, _commits(sealed, chunks))
            _write_seen(sealed, folder, sight)
            return position
    raise Unavailable("The log is being rewritten; ask again", "日志正在整理，请稍后再试")


def _copied(sealed: Sequence[Segment], chunks: Sequence[Chunk], sight: Sight) -> list[Batch]:
    parts = [segment.read(entities=tuple(sight.partly)) for segment in sealed] if sight.partly else []
    return [*(part for part in parts if part is not None), *(chunk.batch for chunk in chunks), empty_batch()]


def _write_seen(sealed: Sequence[Segment], folder: Path, sight: Sight) -> None:
    known = sorted({triple for segment in sealed for triple in segment.triples()}, key=repr)
    shown = [triple[0] is None or sight.shows(triple[0], triple[1], triple[2]) for triple in known]
    (folder / SHOWN).write_bytes(msgspec.json.encode(list(zip(known, shown, strict=True))))
    if sight.entities is not None:
        _write(folder / SEEN, pa.table({"entity": pa.array(sight.entities, pa.string())}))


def _link(sealed: Sequence[Segment], folder: Path) -> None:
    for file in folder.glob("*.parquet"):
        file.unlink()
    entries = []
    for segment in sealed:
        target = folder / segment.path.name
        try:
            os.link(segment.path, target)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, or one without links
            shutil.copyfile(segment.path, target)
        facts = segment.facts
        if facts.heads:
            entries.append(
                SharedSegment(
                    target.name, segment.digest.hex(), facts.heads[0], facts.last_entity, facts.earliest, facts.latest
                )
            )
    (folder / MANIFEST).write_bytes(msgspec.json.encode(entries))


def _commits(sealed: Sequence[Segment], chunks: Sequence[Chunk]) -> pa.Table:
    """What commits say, one row each; positions have no gaps, so a row's number tells its position."""
    parts = [*(segment.commits for segment in sealed), *(chunk.commits for chunk in chunks)]
    if not parts:
        return pa.table(
            {name: pa.array([], pa.int64() if name == "recorded_at" else pa.string()) for name in _COMMIT_COLUMNS}
        )
    facts = Commits.concat(parts)
    return pa.table(
        {
            "recorded_at": instants_array(facts.recorded_at.astype(np.int64)),
            "source": coded_array(facts.source),
            "principal": coded_array(facts.principal),
        }
    )


_COMMIT_COLUMNS = ("recorded_at", "source", "principal")


def _write(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
