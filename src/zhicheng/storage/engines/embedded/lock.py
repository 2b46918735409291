"""One process has a tenant's folder: two writers would give one position twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from zhicheng.kernel.errors import StorageFailed, Unavailable


class FolderLock:
    """The folder is ours until `release`, or until this process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageFailed(f"Cannot open {path}: {error.strerror}", f"无法打开 {path}：{error.strerror}") from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._handle, 64).decode("ascii", "replace").strip() or "?"
            os.close(self._handle)
            raise Unavailable(
                f"{folder} is in use by process {holder}; stop that first",
                f"{folder} 正被进程 {holder} 使用；请先停止该进程",
                process=holder,
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Give the folder back; a second time does nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
