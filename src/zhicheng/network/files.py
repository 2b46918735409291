"""Files of a folder in the order of time: by the time in their names, else by when they were written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from zhicheng.kernel import instants
from zhicheng.kernel.errors import BadConfiguration, PeerFailed, Unavailable
from zhicheng.kernel.instants import SECOND
from zhicheng.network.inflate import inflate, too_large

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")
"""Endings of files that someone is still writing."""

_UNIX = re.compile(r"(?<!\d)(\d{10})(\d{3})?(?!\d)")
_CIVIL = re.compile(
    r"(?<!\d)(20\d\d|19\d\d)-?(\d\d)-?(\d\d)(?:[T_ -]?(\d\d)[-:_h]?(\d\d)(?:[-:_m]?(\d\d))?)?"
    r"(Z|[+-]\d\d:?\d\d)?(?!\d)"
)


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A file with the time it stands for; sorts by that time, then by name."""

    at: int
    name: str
    size: int
    written: int


def time_in(name: str) -> int | None:
    """The instant in a file's name: unix seconds or milliseconds, or an ISO 8601 date or date-time (UTC without zone).

    >>> time_in("1707397157.ace.pb") == instants.parse("2024-02-08T12:59:17Z")
    True
    >>> time_in("stations-2024-04-05T22:00.json") == instants.parse("2024-04-05T22:00:00Z"), time_in("a7.csv")
    (True, None)
    """
    unix = _UNIX.search(name)
    if unix:
        return int(unix[1]) * SECOND + int(unix[2] or 0) * 1000
    civil = _CIVIL.search(name)
    if not civil:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in civil.groups()[:6])
    try:
        at = instants.from_datetime(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except ValueError:
        return None
    zone = civil[7]
    if zone and zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        at -= (-minutes if zone[0] == "-" else minutes) * instants.MINUTE
    return at


def listed(folder: Path, pattern: str) -> list[File]:
    """The finished files of a folder that fit a pattern, in order; hidden and unfinished ones are left out."""
    try:
        entries = [entry for entry in folder.iterdir() if fnmatchcase(entry.name, pattern)]
    except OSError as error:
        raise PeerFailed(
            f"The folder {folder} cannot be read: {error.strerror}", f"无法读取文件夹 {folder}：{error.strerror}"
        ) from None
    files = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
            continue
        try:
            state = entry.stat()
        except OSError:  # gone since it was listed
            continue
        if entry.is_file():
            written = state.st_mtime_ns // 1000
            at = time_in(entry.name)
            files.append(File(written if at is None else at, entry.name, state.st_size, written))
    return sorted(files)


def read(folder: Path, file: File, limit: int) -> bytes:
    """A file's bytes, unpacked if it is gzip; Unavailable if the disk does not give it, now or ever."""
    if file.size > limit:
        raise too_large(file.name, limit)
    try:
        with (folder / file.name).open("rb") as stream:
            body = stream.read(limit + 1)
    except OSError as error:
        raise Unavailable(
            f"The file {file.name} cannot be read: {error.strerror}", f"无法读取文件 {file.name}：{error.strerror}"
        ) from None
    if len(body) > limit:
        raise too_large(file.name, limit)
    return inflate(body, [], limit, file.name)


def existing(folder: Path) -> Path:
    """The folder, if there is one."""
    if not folder.is_dir():
        raise BadConfiguration(f"There is no folder {folder}", f"没有文件夹 {folder}", folder=str(folder))
    return folder
