"""A source that watches a folder: each new file is given once it is complete, in the order of time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from zhicheng.kernel.errors import PeerFailed, TooLarge
from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.network import files
from zhicheng.network.files import File
from zhicheng.network.source import Cursor, Payload, Poll


class FolderSource:
    """Looks every `interval` microseconds; a file is complete when it has not been written to for `settle`.

    Files that appear behind the cursor while this runs are given too, without moving the cursor back; those
    that had appeared there before the start are taken for read.
    """

    kind = "folder"
    skips_refused = True

    def __init__(
        self, folder: Path, clock: Clock, *, pattern: str = "*", interval: int, settle: int = 2 * SECOND, max_size: int
    ) -> None:
        self._folder = files.existing(folder)
        self._clock = clock
        self._pattern = pattern
        self._interval = interval
        self._settle = settle
        self._max_size = max_size
        self._taken: set[str] | None = None
        self._given: File | None = None
        self._sequence = 0

    async def next(self, cursor: Cursor) -> Poll:
        found = await asyncio.to_thread(files.listed, self._folder, self._pattern)
        if self._taken is None:
            self._taken = {file.name for file in found if (file.at, file.name) <= (cursor.at, cursor.name)}
            self._sequence = cursor.sequence
        elif self._given is not None and cursor.sequence > self._sequence:
            self._taken.add(self._given.name)
            self._sequence = cursor.sequence
        now = self._clock()
        for file in found:
            if file.name in self._taken:
                continue
            if now - file.written < self._settle and file.written <= now:
                break  # later ones wait for it, so that the order holds
            return await self._give(file, cursor, now)
        return Poll(None, self._interval / SECOND)

    async def _give(self, file: File, cursor: Cursor, now: int) -> Poll:
        self._given = file
        at, name = max((file.at, file.name), (cursor.at, cursor.name))
        after = Cursor(cursor.sequence + 1, name=name, at=at)
        return await file_poll(self._folder, file, self._max_size, now, after)

    async def close(self) -> None:
        return None


async def file_poll(folder: Path, file: File, max_size: int, now: int, after: Cursor) -> Poll:
    """A file as a payload; one that is too large or damaged is passed over."""
    try:
        body = await asyncio.to_thread(files.read, folder, file, max_size)
    except (TooLarge, PeerFailed) as error:
        return Poll(Payload(b"", file.name, now, after), refused=error)
    return Poll(Payload(body, file.name, now, after))
