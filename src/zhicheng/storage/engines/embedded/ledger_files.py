"""The files of a ledger: numbered segments of lines, and the hashes of the tree's complete nodes.

A segment opens with where it stands; then come groups, each some records and a head that says what tree they make.
The nodes are worked out from the segments, so they are never synced and are made anew where they do not fit.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zhicheng.kernel.errors import Corrupt, StorageFailed, StorageFull, ZhichengError
from zhicheng.security import entries, heads, merkle
from zhicheng.security.heads import Head
from zhicheng.security.merkle import Frontier
from zhicheng.storage.engines.embedded.files import sync_folder

SUFFIX = ".log"
HASH = 32


def translated(error: OSError, path: Path) -> ZhichengError:
    """What the disk said, as our error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull("The disk is full: nothing was logged", "磁盘已满：审计日志未写入")
    return StorageFailed(
        f"The log of acts cannot be written ({path}: {error.strerror}): protected acts are refused until a restart",
        f"审计日志无法写入（{path}：{error.strerror}）：受保护的操作将被拒绝，直到重新启动",
    )


def damaged(path: Path, line: int | None = None) -> Corrupt:
    """The file does not hold what was written to it."""
    at, zh = (f", at line {line}", f"第 {line} 行") if line is not None else ("", "")
    return Corrupt(
        f"{path} is not what was written{at}: zhicheng audit verify says more; restore it from a copy",
        f"{path} {zh}与写入的内容不符：可用 zhicheng audit verify 查看；请从备份恢复",
    )


def name_of(number: int) -> str:
    """The name of a segment."""
    return f"{number:08d}{SUFFIX}"


def numbers(folder: Path) -> list[int]:
    """The segments that there are."""
    return sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdecimal())


@dataclass(slots=True)
class Replay:
    """What a segment's lines amount to: the tree after them, the nodes they completed, the last signed head.

    good: bytes up to the end of the last line that stands; closed: the tree when a head was last met
    """

    origin: str
    frontier: Frontier
    good: int = 0
    lines: int = 0
    nodes: list[bytes] = field(default_factory=list)
    signed: Head | None = None
    closed: int = 0

    def take(self, path: Path, content: bytes) -> None:
        """Go on with more lines. What a crash cut off at the end is left out; damage before it is Corrupt."""
        lines = content.split(b"\n")
        for at, line in enumerate(lines[:-1]):
            if not self._one(path, line):
                if any(heads.head_of(later) for later in lines[at + 1 : -1]):
                    raise damaged(path, self.lines + 1)
                return
            self.lines += 1
            self.good += len(line) + 1

    def _one(self, path: Path, line: bytes) -> bool:
        if line.startswith(entries.BEGINNING) and line.endswith(b"}"):
            self.nodes += self.frontier.append(merkle.leaf_hash(line))
            return True
        head = heads.head_of(line)
        if head is None:
            return False
        if head.size != self.frontier.size or head.root != self.frontier.root:
            raise damaged(path, self.lines + 1)
        self.closed = head.size
        if head.signature is not None:
            self.signed = head
        return True


def opened(path: Path) -> tuple[Replay, bytes]:
    """A segment's opening, ready to go on, and the rest of its content."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise translated(error, path) from error
    first, _, rest = content.partition(b"\n")
    opening = heads.opening_of(first)
    if opening is None or not content[len(first) :]:
        raise damaged(path, 1)
    frontier = opening.frontier
    return Replay(opening.origin, frontier.copy(), len(first) + 1, 1, closed=frontier.size), rest


def create(folder: Path, number: int, opening: heads.Opening) -> Path:
    """A new segment, whole or not at all."""
    path = folder / name_of(number)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            file.write(opening.line() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o600)
        partial.rename(path)
        sync_folder(folder)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise translated(error, path) from error
    return path


def first_of(path: Path) -> int:
    """The number of a segment's first record."""
    with path.open("rb") as file:
        opening = heads.opening_of(file.readline().rstrip(b"\n"))
    if opening is None:
        raise damaged(path, 1)
    return opening.frontier.size


def records_of(path: Path) -> tuple[int, list[bytes]]:
    """The number of a segment's first record, and its records."""
    first, _, rest = path.read_bytes().partition(b"\n")
    opening = heads.opening_of(first)
    if opening is None:
        raise damaged(path, 1)
    lines = rest.split(b"\n")[:-1]
    return opening.frontier.size, [line for line in lines if line.startswith(entries.BEGINNING)]


class Nodes:
    """The hashes of complete nodes, in the order in which they came to be, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, first: int, hashes: list[bytes]) -> None:
        """Put nodes where they belong; the file ends after them."""
        try:
            view = memoryview(b"".join(hashes))
            at = first * HASH
            while view:
                written = os.pwrite(self._handle, view, at)
                at, view = at + written, view[written:]
        except OSError as error:
            raise translated(error, self._path) from error

    def node(self, level: int, number: int) -> bytes:
        """One; Corrupt where it is not there."""
        found = os.pread(self._handle, HASH, merkle.place(level, number) * HASH)
        if len(found) != HASH or found == bytes(HASH):
            raise Corrupt(
                f"The hash of node ({level}, {number}) is missing: its records are no longer kept",
                f"缺少节点（{level}, {number}）的哈希：对应的记录已不再保留",
            )
        return found

    def fits(self, frontier: Frontier) -> bool:
        """Whether the file holds a tree's peaks."""
        if os.fstat(self._handle).st_size < merkle.complete_nodes(frontier.size) * HASH:
            return False
        found = (os.pread(self._handle, HASH, merkle.place(*peak) * HASH) for peak in merkle.peaks(frontier.size))
        return list(found) == frontier.hashes

    def place_peaks(self, frontier: Frontier) -> None:
        """Write a tree's peaks, where what lies below them is not known any more."""
        for peak, found in zip(merkle.peaks(frontier.size), frontier.hashes, strict=True):
            self.write(merkle.place(*peak), [found])

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def replayed(folder: Path, known: list[int], nodes: Nodes) -> Replay:
    """Read the last segment; earlier ones only where the nodes do not fit what it opens with."""
    last, rest = opened(folder / name_of(known[-1]))
    if not nodes.fits(last.frontier):
        _rebuild(folder, known, nodes)
        if not nodes.fits(last.frontier):
            raise damaged(folder / name_of(known[-1]), 1)
    first = merkle.complete_nodes(last.frontier.size)
    last.take(folder / name_of(known[-1]), rest)
    nodes.write(first, last.nodes)
    return last


def _rebuild(folder: Path, known: list[int], nodes: Nodes) -> None:
    for at, number in enumerate(known):
        segment, rest = opened(folder / name_of(number))
        if at == 0:
            nodes.place_peaks(segment.frontier)
        if number == known[-1]:
            return
        first = merkle.complete_nodes(segment.frontier.size)
        segment.take(folder / name_of(number), rest)
        nodes.write(first, segment.nodes)


def ends(folder: Path) -> Iterator[tuple[int, Head]]:
    """Each segment but the last with the signed head it ends with."""
    for number in numbers(folder)[:-1]:
        lines = (folder / name_of(number)).read_bytes().rsplit(b"\n", 2)
        head = heads.head_of(lines[-2]) if len(lines) > 2 else None
        if head is not None and head.signature is not None:
            yield number, head
