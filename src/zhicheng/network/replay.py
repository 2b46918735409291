"""A source that replays a recorded folder: files at the pace at which they were recorded, or a multiple of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.network import files
from zhicheng.network.files import File
from zhicheng.network.folder import file_poll
from zhicheng.network.source import Cursor, Poll

Sleep = Callable[[float], Awaitable[None]]
"""Waits some seconds; asyncio's in service, a scripted one in tests."""


class ReplaySource:
    """Gives the files of a folder in order of the time in their names, `speed` times as fast (0: without waiting).

    The first file comes at once, also after a restart. What the files say of their own time stays as recorded.
    """

    kind = "replay"
    skips_refused = True

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        sleep: Sleep,
        *,
        pattern: str = "*",
        speed: float = 1.0,
        max_size: int,
    ) -> None:
        if speed < 0:
            raise BadConfiguration("speed must not be negative", "speed 不能为负")
        self._folder = files.existing(folder)
        self._clock = clock
        self._sleep = sleep
        self._pattern = pattern
        self._speed = speed
        self._max_size = max_size
        self._files: list[File] | None = None
        self._start: tuple[int, int] | None = None
        """When the first file of this run was given, and the time that file stands for."""

    async def next(self, cursor: Cursor) -> Poll:
        if self._files is None:
            self._files = await asyncio.to_thread(files.listed, self._folder, self._pattern)
            if not self._files:
                raise BadConfiguration(
                    f"The folder {self._folder} has no file {self._pattern} to replay",
                    f"文件夹 {self._folder} 中没有可回放的文件 {self._pattern}",
                )
        after = (cursor.at, cursor.name)
        file = next((file for file in self._files if (file.at, file.name) > after), None)
        if file is None:
            return Poll(None, ended=True)
        await self._until_due(file)
        reached = Cursor(cursor.sequence + 1, name=file.name, at=file.at)
        return await file_poll(self._folder, file, self._max_size, self._clock(), reached)

    async def _until_due(self, file: File) -> None:
        if self._start is None:
            self._start = self._clock(), file.at
        if not self._speed:
            return
        began, first = self._start
        wait = began + (file.at - first) / self._speed - self._clock()
        if wait > 0:
            await self._sleep(wait / SECOND)

    def remaining(self, cursor: Cursor) -> int:
        """How many files are still to come; 0 before the first was asked for."""
        return sum((file.at, file.name) > (cursor.at, cursor.name) for file in self._files or ())

    async def close(self) -> None:
        return None
