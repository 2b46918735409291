"""Durable files with digests: written whole under another name, synced, then renamed; checked before use."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from zhicheng.kernel.errors import Corrupt, StorageFailed, StorageFull

PARTIAL = ".partial"
"""How the name of a file ends that is still being written."""


def write_durably(path: Path, write: Callable[[BinaryIO], None]) -> tuple[int, bytes]:
    """Create a file so that it is there completely or not at all; gives its size and digest."""
    partial = path.with_name(f"{path.name}.{threading.get_ident()}{PARTIAL}")
    try:
        make_folder(path.parent)
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        found = digest_of(partial)
        partial.rename(path)
        sync_folder(path.parent)
        return path.stat().st_size, found
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise failure(path, error) from error


def failure(path: Path, error: OSError) -> StorageFull | StorageFailed:
    """What it means that a file could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk is full: nothing was stored", "磁盘已满：数据未保存")
    return StorageFailed(f"Cannot write {path}: {error}", f"无法写入 {path}：{error}")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def remove_strays(folder: Path, known: set[str] | None = None) -> None:
    """Remove what a crash left: partial files, and with `known` (file names) all that is not in it."""
    for path in folder.rglob(f"*{PARTIAL}") if known is None else folder.glob("*"):
        if known is None or path.name not in known:
            path.unlink(missing_ok=True)


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
    try:
        found = digest_of(path)
    except FileNotFoundError:
        raise Corrupt(f"{path} is missing", f"缺少文件 {path}") from None
    except OSError as error:
        raise Corrupt(f"{path} cannot be read: {error.strerror}", f"无法读取 {path}：{error.strerror}") from error
    if found != digest:
        raise Corrupt(f"{path} does not match its digest: it is damaged", f"{path} 与摘要不符：文件已损坏")


def size(path: Path) -> int:
    """Bytes of a file; 0 for a folder, and for a file that went meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
