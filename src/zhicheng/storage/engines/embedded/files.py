"""Durable files with digests: written whole under another name, synced, then renamed; checked before use."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from zhicheng.kernel.errors import Corrupt, StorageFailed, StorageFull


def write_durably(path: Path, write: Callable[[BinaryIO], None]) -> tuple[int, bytes]:
    """Create a file so that it is there completely or not at all; gives its size and digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        found = digest_of(partial)
        partial.rename(path)
        sync_folder(path.parent)
        return path.stat().st_size, found
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("The disk is full: nothing was stored", "磁盘已满：数据未保存") from error
        raise StorageFailed(f"Cannot write {path}: {error}", f"无法写入 {path}：{error}") from error


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_of(path: Path) -> bytes:
    """BLAKE2b-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).digest()


def check(path: Path, digest: bytes) -> None:
    """Refuse a file that is missing or not what was written."""
    if not path.exists():
        raise Corrupt(f"{path} is missing", f"缺少文件 {path}")
    if digest_of(path) != digest:
        raise Corrupt(f"{path} does not match its digest: it is damaged", f"{path} 与摘要不符：文件已损坏")
