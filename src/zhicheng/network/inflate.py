"""Compressed bytes to plain ones, up to a limit: a few kilobytes may hold gigabytes of zeros."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from zhicheng.kernel.errors import PeerFailed, TooLarge

GZIP_MARK = b"\x1f\x8b"


def too_large(name: str, limit: int) -> TooLarge:
    """The error for a body over its limit."""
    return TooLarge(
        f"{name} is larger than {limit:,} bytes; raise max_size if that is right",
        f"{name} 超过 {limit:,} 字节；如属正常，请调大 max_size",
        limit=limit,
    )


def inflate(body: bytes, encodings: Sequence[str], limit: int, name: str = "the body") -> bytes:
    """The body with its content encodings undone, last applied first; files that are gzip are unpacked too.

    >>> inflate(zlib.compress(b"abc"), ["deflate"], 10)
    b'abc'
    """
    for encoding in reversed(encodings):
        if encoding in ("", "identity"):
            continue
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise PeerFailed(
                f"{name} comes in the encoding {encoding!r}, which was not asked for",
                f"{name} 使用了未请求的编码 {encoding!r}",
                encoding=encoding,
            )
        body = _one(body, limit, name)
    return _one(body, limit, name) if body.startswith(GZIP_MARK) else body


def _one(body: bytes, limit: int, name: str) -> bytes:
    """Gzip (also several members on end), zlib or raw deflate."""
    pieces: list[bytes] = []
    left = limit
    raw = not body.startswith(GZIP_MARK) and not _zlib(body)
    while body:
        engine = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
        try:
            piece = engine.decompress(body, left + 1)
        except zlib.error as error:
            raise PeerFailed(f"{name} is damaged: {error}", f"{name} 已损坏：{error}") from None
        left -= len(piece)
        if left < 0:
            raise too_large(name, limit)
        if not engine.eof:
            raise PeerFailed(f"{name} breaks off before its end", f"{name} 不完整")
        pieces.append(piece)
        body = engine.unused_data.lstrip(b"\0")
    return b"".join(pieces)


def _zlib(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
