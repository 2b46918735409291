"""The archive: segments and snapshots on disk, and the manifest of them in state.db.

What reads goes through the shared reading connection; what writes must run on the writer's thread, so it takes
the writer's connection.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zhicheng.kernel.errors import Corrupt, ZhichengError
from zhicheng.storage.engines.embedded import files, snapshots
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.database import Database
from zhicheng.storage.engines.embedded.pack import pack, unpack
from zhicheng.storage.engines.embedded.segments import Facts, Segment
from zhicheng.storage.live import State

_FANOUT = 4
logger = logging.getLogger(__name__)


class Archive:
    """segments/ and snapshots/ of a tenant's folder."""

    def __init__(self, folder: Path, reader: Database, lock: threading.Lock) -> None:
        self.segments = folder / "segments"
        self._snapshots = folder / "snapshots"
        self._reader = reader
        self._lock = lock

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on the reading connection."""
        with self._lock:
            return self._reader.rows(sql, values)

    # segments -----------------------------------------------------------------------------------------------

    def load(self) -> tuple[Segment, ...]:
        """All segments of the manifest; Corrupt if positions are missing between them."""
        loaded = []
        for first, last, count, name, size, digest, facts, commits in self.rows(
            "SELECT * FROM segments ORDER BY first"
        ):
            known = msgspec.msgpack.decode(facts, type=Facts)
            loaded.append(
                Segment(first, last, count, self.segments / name, size, digest, known, Commits(**unpack(commits)))
            )
        expected = 1
        for segment in loaded:
            check_gapless(expected, segment.first)
            expected = segment.last + 1
        files.remove_strays(self.segments, {segment.path.name for segment in loaded})
        files.remove_strays(self._snapshots, {name for (name,) in self.rows("SELECT file FROM snapshots")})
        return tuple(loaded)

    @staticmethod
    def enter(database: Database, segment: Segment) -> None:
        """Put a segment into the manifest, in place of one that began at the same position."""
        database.run(
            "INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                segment.first, segment.last, segment.rows, segment.path.name, segment.size, segment.digest,
                msgspec.msgpack.encode(segment.facts), pack(segment.commits.packed()),
            ),
        )  # fmt: skip

    # snapshots ----------------------------------------------------------------------------------------------

    def newest(self) -> int:
        """Position of the newest snapshot, 0 if there is none."""
        found = self.rows("SELECT max(position) FROM snapshots")
        return int(found[0][0] or 0)

    def write_snapshot(self, parts: list[dict[str, Any]]) -> tuple[int, int, str, int, bytes]:
        """Write a frozen state; gives its row of the manifest."""
        position = parts[0]["position"]
        path = self._snapshots / f"{position:012d}.state"
        size, digest = files.write_durably(path, lambda file: snapshots.write(parts, file))
        return position, parts[0]["recorded_at"], path.name, size, digest

    def enter_snapshot(self, database: Database, row: tuple[int, int, str, int, bytes], kept: int) -> None:
        """Put a snapshot into the manifest; keep the newest, and of the others those farthest apart."""
        database.run("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)", row)
        rows = database.rows("SELECT position, file FROM snapshots ORDER BY position")
        while len(rows) > max(kept, 2):
            gaps = [rows[i + 1][0] - rows[i - 1][0] for i in range(1, len(rows) - 1)]
            self._drop(database, *rows.pop(1 + int(np.argmin(gaps))))

    def drop_snapshots(self, database: Database) -> list[Path]:
        """Take them all out of the manifest; gives the files that can go once that is durable."""
        names = database.rows("SELECT file FROM snapshots")
        database.run("DELETE FROM snapshots")
        return [self._snapshots / name for (name,) in names]

    def _drop(self, database: Database, position: int, name: str) -> None:
        database.run("DELETE FROM snapshots WHERE position = ?", (position,))
        (self._snapshots / name).unlink(missing_ok=True)

    def base(self, recorded_until: int) -> State | None:
        """The newest sound snapshot that was taken by then."""
        rows = self.rows(
            "SELECT file, digest FROM snapshots WHERE recorded_at <= ? ORDER BY position DESC", (recorded_until,)
        )
        for name, digest in rows:
            path = self._snapshots / name
            try:
                files.check(path, digest)
                with path.open("rb") as file:
                    return snapshots.read(file)
            except Corrupt as error:
                logger.error("%s; an older snapshot or the log itself is used", error)
        return None

    def verify(self, segments: tuple[Segment, ...]) -> Iterator[ZhichengError]:
        """Read every stored byte against its checksum; gives what is damaged."""
        for segment in segments:
            yield from damage(partial(files.check, segment.path, segment.digest))
        for name, digest in self.rows("SELECT file, digest FROM snapshots"):
            yield from damage(partial(files.check, self._snapshots / name, digest))
        yield from damage(lambda: [unpack(block) for (block,) in self.rows("SELECT block FROM log")])


def mergeable(segments: Sequence[Segment], most: int, *, whole: bool) -> Sequence[Segment]:
    """The next run of neighbours to merge: four of like size (the newest smallest), or (whole) all that fit."""
    for start in range(len(segments)):
        run = segments[start:]
        if not whole:
            run = run[:_FANOUT] if len(run) >= _FANOUT else ()
            if run and max(part.rows for part in run) > _FANOUT * min(part.rows for part in run):
                continue
        while run and sum(part.rows for part in run) > most:
            run = run[:-1] if whole else ()
        if len(run) > 1:
            return run
    return ()


def check_gapless(expected: int, first: int) -> None:
    """Positions follow each other without a gap."""
    if first != expected:
        raise Corrupt(f"Positions {expected} to {first - 1} are missing", f"缺少位置 {expected} 至 {first - 1}")


def damage(look: Callable[[], object]) -> list[ZhichengError]:
    """The error a look at stored bytes ends in, if it does."""
    found: list[ZhichengError] = []
    try:
        look()
    except ZhichengError as error:
        found.append(error)
    return found


def check_whole(folder: Path) -> None:
    """A lost state.db must not pass for a new folder: its segments would be taken for strays."""
    database = folder / "state.db"
    if not files.size(database) and any((folder / "segments").glob("*.parquet")):
        raise Corrupt(
            f"{database} is missing although there are segments: restore it from a backup",
            f"缺少 {database}，但存在数据段：请从备份恢复",
        )
