"""The whole log as files for another process: sealed segments as they are, the open end and what commits say as Arrow.

Nothing is copied but the open end: segments are linked, and opened by the reader only after it has found their digests
right, so that a question that touches three columns reads three columns.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from zhicheng.kernel.errors import Unavailable
from zhicheng.storage.engines.embedded.arrow import INSTANT, coded_array, instants_array, to_arrow
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.segments import Segment
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.engines.embedded.tail import Chunk
from zhicheng.storage.series import concat, empty_batch

MANIFEST, OPEN_END, COMMITS = "log.json", "open.arrow", "commits.arrow"
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


def share_rows(parts: Iterator[tuple[str, pa.Table]], folder: Path) -> None:
    """Lay some rows of the log out, as `relations` gives them, with what their own commits say and no others."""
    schema = to_arrow(empty_batch()).schema
    plain = pa.schema([pa.field(one.name, _plain(one.type)) for one in schema])
    said: dict[int, tuple[object, ...]] = {}
    with pa.OSFile(str(folder / OPEN_END), "wb") as sink, pa.ipc.new_stream(sink, plain) as writer:
        for _, part in parts:
            writer.write_table(part.select(schema.names).cast(plain))
            facts = part.select(["position", *_COMMIT_COLUMNS]).combine_chunks()
            _, first = np.unique(facts["position"].to_numpy(), return_index=True)
            own = facts.take(pa.array(first)).to_pydict()
            said |= dict(zip(own["position"], zip(*(own[name] for name in _COMMIT_COLUMNS), strict=True), strict=True))
    columns = [[said.get(position, (None, None, None))[at] for position in range(1, max(said, default=0) + 1)]
               for at in range(3)]  # fmt: skip
    kinds = (INSTANT, pa.string(), pa.string())
    commits = {n: pa.array(c, k) for n, c, k in zip(_COMMIT_COLUMNS, columns, kinds, strict=True)}
    _write(folder / COMMITS, pa.table(commits))
    (folder / MANIFEST).write_bytes(b"[]")


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind


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
