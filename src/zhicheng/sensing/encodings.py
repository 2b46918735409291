"""The encoding of a text file: told by its marks and its first bytes, then read as UTF-8 piece by piece."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from zhicheng.kernel.errors import Invalid

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CANDIDATES = ("utf-8", "gb18030", "cp1252")
"""Tried in this order; nearly no text of another encoding is valid UTF-8, and little is valid GB 18030."""

PIECE = 1 << 16
"""Bytes that are read at a time, and that the encoding is told from."""


def detect(sample: bytes) -> str:
    r"""The encoding of a file from its beginning; a character cut in two at the end does not count.

    >>> detect("车位".encode("gb18030")), detect("车位".encode()), detect(b"caf\xe9 ,1")
    ('gb18030', 'utf-8', 'cp1252')
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    for name in CANDIDATES:
        try:
            codecs.getincrementaldecoder(name)().decode(sample)
        except UnicodeDecodeError:
            continue
        return name
    return "utf-8"


def known(name: str) -> str:
    """The encoding's name, if Python knows it."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise Invalid(
            f"{name!r} is not an encoding; use utf-8 or gb18030", f"{name!r} 不是编码；可用 utf-8 或 gb18030"
        ) from None


class Utf8Stream:
    """A binary stream of any encoding, read as UTF-8; what cannot be decoded becomes U+FFFD, which cells refuse.

    As long as all is ASCII the encoding stays open; it is told from the first piece that is not.
    """

    def __init__(self, stream: BinaryIO, encoding: str = "") -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        if encoding:
            self._decoder = codecs.getincrementaldecoder(known(encoding))("replace")
        first = stream.read(PIECE)
        self._buffer = self._utf8(first).removeprefix(codecs.BOM_UTF8)
        self._ended = not first
        self.closed = False

    def _utf8(self, piece: bytes) -> bytes:
        if self._decoder is None:
            if piece.isascii() and b"\0" not in piece:
                return piece
            self._decoder = codecs.getincrementaldecoder(detect(piece))("replace")
        return self._decoder.decode(piece, final=not piece).encode()

    def sample(self) -> str:
        """The text of the file's beginning."""
        return self._buffer.decode()

    def read(self, count: int = -1) -> bytes:
        """Up to `count` bytes of UTF-8; everything that is left if it is negative."""
        while not self._ended and (count < 0 or len(self._buffer) < count):
            piece = self._stream.read(max(count, PIECE))
            self._ended = not piece
            self._buffer += self._utf8(piece)
        count = len(self._buffer) if count < 0 else count
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
