"""Files and the files inside archives, one opened stream after the other; nothing is ever unpacked to disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from zhicheng.kernel.errors import Invalid, TooLarge

MEMBER_LIMIT = 4 << 30
"""Bytes that one file may unpack to."""
TOTAL_LIMIT = 64 << 30
"""Bytes that an archive may unpack to."""
MEMBER_COUNT = 100_000

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile)


@dataclass(slots=True)
class Budget:
    """How much may still be unpacked."""

    left: int = TOTAL_LIMIT


class Limited(io.RawIOBase):
    """A stream that refuses to give more bytes than agreed; a small archive can hold a mountain of zeros."""

    def __init__(self, inner: BinaryIO, name: str, limit: int, budget: Budget) -> None:
        self._inner = inner
        self._name = name
        self._left = limit
        self._budget = budget

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        allowed = min(self._left, self._budget.left) + 1
        try:
            piece = self._inner.read(allowed if count < 0 else min(count, allowed))
        except _BROKEN as error:
            raise broken(self._name, error) from None
        self._left -= len(piece)
        self._budget.left -= len(piece)
        if self._left < 0 or self._budget.left < 0:
            raise TooLarge(
                f"{self._name} unpacks to more than is allowed", f"{self._name} 解压后超过允许的大小", file=self._name
            )
        return piece


@dataclass(frozen=True, slots=True)
class Member:
    """A file to read: its name, its stream, and its size if that is known."""

    name: str
    stream: BinaryIO
    size: int | None


def broken(name: str, error: BaseException) -> Invalid:
    """The error for an archive that cannot be read."""
    return Invalid(f"{name} is damaged or no archive: {error}", f"{name} 已损坏或不是归档文件：{error}", file=name)


def members(
    stream: BinaryIO, name: str, *, member_limit: int = MEMBER_LIMIT, total_limit: int = TOTAL_LIMIT
) -> Iterator[Member]:
    """The file itself, or if it is a .zip, .tar, .tar.xz, .tar.gz, .tar.bz2, .gz or .xz the files inside, in its order.

    Each member's stream is to be read before the next is asked for. XLSX files, which are zips, stay whole.

    >>> [member.name for member in members(io.BytesIO(b"a,b"), "x.csv")]
    ['x.csv']
    """
    budget = Budget(total_limit)
    lower = name.lower()
    try:
        if lower.endswith((".tar", ".tar.xz", ".txz", ".tar.gz", ".tgz", ".tar.bz2")):
            yield from _tar(stream, member_limit, budget)
        elif lower.endswith(".zip"):
            yield from _zip(stream, member_limit, budget)
        elif lower.endswith((".gz", ".xz", ".bz2")):
            opened = _DECOMPRESS[lower.rsplit(".", 1)[-1]](stream)
            yield Member(name.rsplit(".", 1)[0], _limited(opened, name, member_limit, budget), None)
        else:
            yield Member(name, stream, None)
    except _BROKEN as error:
        raise broken(name, error) from None


# the members of these are read once and end with the stream that was handed in, which its owner closes
_DECOMPRESS = {
    "gz": lambda stream: cast("BinaryIO", gzip.open(stream)),  # noqa: SIM115  (closed by the owner of `stream`)
    "xz": lambda stream: cast("BinaryIO", lzma.open(stream)),  # noqa: SIM115  (closed by the owner of `stream`)
    "bz2": lambda stream: cast("BinaryIO", bz2.open(stream)),  # noqa: SIM115  (closed by the owner of `stream`)
}


def _limited(inner: BinaryIO, name: str, limit: int, budget: Budget) -> BinaryIO:
    return cast("BinaryIO", Limited(inner, name, limit, budget))


def _tar(stream: BinaryIO, limit: int, budget: Budget) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for count, info in enumerate(archive):
            _check_count(count)
            inner = archive.extractfile(info) if info.isfile() else None
            if inner is not None:
                yield Member(info.name, _limited(cast("BinaryIO", inner), info.name, limit, budget), info.size)


def _zip(stream: BinaryIO, limit: int, budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for count, info in enumerate(archive.infolist()):
            _check_count(count)
            if info.is_dir():
                continue
            name = _zip_name(info)
            if info.flag_bits & 1:
                raise Invalid(f"{name} is encrypted", f"{name} 已加密", file=name)
            with archive.open(info) as inner:
                yield Member(name, _limited(cast("BinaryIO", inner), name, limit, budget), info.file_size)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name, read as GB 18030 where the archive does not say that it is UTF-8, as Chinese Windows writes it."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def _check_count(count: int) -> None:
    if count >= MEMBER_COUNT:
        raise TooLarge(f"The archive holds more than {MEMBER_COUNT} files", f"归档中的文件超过 {MEMBER_COUNT} 个")
