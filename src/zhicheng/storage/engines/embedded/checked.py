"""A file that is checked whole when it is opened, and block by block whenever it is read after that.

Disks rot while a server runs for months, and Parquet's own checksums leave its page headers open: a bit that
flips there ends in whatever the decoder stumbles over.
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from pathlib import Path

from zhicheng.kernel.errors import Corrupt

BLOCK = 16_384


class CheckedFile(io.RawIOBase):
    """Reads like a binary file; Corrupt where a block is no longer what it was when the digest was found right."""

    def __init__(self, path: Path, digest: bytes) -> None:
        super().__init__()
        self._path = path
        self._sums: list[int] = []
        self._place = self._start = 0
        self._window = b""
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Corrupt(f"{path} cannot be read: {error.strerror}", f"无法读取 {path}：{error.strerror}") from error
        try:
            self._size = os.fstat(self._handle).st_size
            self._learn(digest)
        except BaseException:
            self.close()
            raise

    def _learn(self, digest: bytes) -> None:
        found = hashlib.blake2b(digest_size=32)
        for start in range(0, self._size, 64 * BLOCK):
            piece = self._pread(64 * BLOCK, start)
            found.update(piece)
            view = memoryview(piece)
            self._sums += [zlib.crc32(view[at : at + BLOCK]) for at in range(0, len(piece), BLOCK)]
        if found.digest() != digest:
            raise self._damaged()

    def _pread(self, count: int, start: int) -> bytes:
        try:
            return os.pread(self._handle, count, start)
        except OSError as error:
            raise self._damaged() from error

    def _damaged(self) -> Corrupt:
        return Corrupt(f"{self._path} does not match its digest: it is damaged", f"{self._path} 与摘要不符：文件已损坏")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Bytes from where it stands; what lies in the blocks read last is not read again."""
        end = self._size if size is None or size < 0 else min(self._place + size, self._size)
        if end <= self._place:
            return b""
        if not self._start <= self._place or end > self._start + len(self._window):
            self._load(self._place // BLOCK, -(-end // BLOCK))
        start, self._place = self._place - self._start, end
        return self._window[start : end - self._start]

    def _load(self, first: int, end: int) -> None:
        start = first * BLOCK
        window = self._pread((end - first) * BLOCK, start)
        view = memoryview(window)
        if len(window) != min(end * BLOCK, self._size) - start:
            raise self._damaged()
        for number in range(first, end):
            at = (number - first) * BLOCK
            if zlib.crc32(view[at : at + BLOCK]) != self._sums[number]:
                raise self._damaged()
        self._start, self._window = start, window

    def forget(self) -> None:
        """Let go of what was read last; it is read and checked anew."""
        self._start, self._window = 0, b""

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()
