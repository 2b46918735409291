"""The zip around a timetable: only plain member names, only as many bytes as allowed, text in UTF-8."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Collection

from zhicheng.kernel.errors import Invalid, TooLarge

LIMIT = 1 << 30
"""Bytes of the files together, unpacked, that are read unless told otherwise."""

MEMBERS = 10_000


def unpack(body: bytes, wanted: Collection[str], limit: int = LIMIT) -> dict[str, bytes]:
    """The wanted files at the top of a zip, by name. Names with a folder are ignored, whatever they point to.

    What a member says of its size is not trusted: reading stops at the limit. Raises Invalid, TooLarge.
    """
    if not body:
        raise Invalid("Received an empty body, not a GTFS zip", "收到的内容为空，不是 GTFS 压缩包")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = archive.namelist()
            if len(names) > MEMBERS:
                raise TooLarge(f"The zip holds {len(names)} files", f"压缩包含有 {len(names)} 个文件，过多")
            return _members(archive, [name for name in names if name in wanted], limit)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise Invalid(
            f"This is not a readable zip ({error}); it begins with {body[:16]!r}",
            f"无法作为 zip 压缩包读取（{error}）；内容开头为 {body[:16]!r}",
        ) from None


def _members(archive: zipfile.ZipFile, names: list[str], limit: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = limit
    for name in names:
        if name in found:
            raise Invalid(f"The zip holds {name} twice", f"压缩包中 {name} 重复出现", file=name)
        with archive.open(name) as member:
            found[name] = member.read(room + 1)
        room -= len(found[name])
        if room < 0:
            raise TooLarge(
                f"The files of the zip are over {limit} bytes unpacked; raise the limit if that is right",
                f"压缩包解压后超过 {limit} 字节；如确属正常，请调高上限",
                limit=limit,
            )
    return found


def utf8(content: bytes, name: str) -> bytes:
    """The text in UTF-8 without byte-order mark; GB 18030, in use in China against the standard, is converted.

    >>> utf8("公交".encode("gb18030"), "stops.txt").decode()
    '公交'
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode("utf-8")
        return content
    except UnicodeDecodeError:
        pass
    try:
        marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        return content.decode("utf-16" if marked else "gb18030").removeprefix("\ufeff").encode()
    except UnicodeDecodeError:
        raise Invalid(
            f"{name} is neither UTF-8 nor GB 18030; save it as UTF-8",
            f"{name} 既不是 UTF-8 也不是 GB 18030 编码，请另存为 UTF-8",
            file=name,
        ) from None
