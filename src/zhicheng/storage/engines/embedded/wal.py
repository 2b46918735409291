"""The write-ahead log of state.db, looked at before SQLite does.

SQLite takes the first frame that does not match its checksum for the end of the log and forgets what follows,
acknowledged or not. After a power cut that is right: only the last transaction can be torn, since each is
synced before the next begins. A damaged frame with several transactions behind it is no torn write.
Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zhicheng.kernel.errors import Corrupt

_HEAD, _FRAME = 32, 24
_MAGIC = 0x377F0682
"""The last bit says that words are summed big-endian."""

Words = npt.NDArray[np.uint32]


def check(path: Path) -> None:
    """Raise Corrupt if transactions that were synced lie behind damage."""
    content = path.read_bytes() if path.exists() else b""
    if len(content) < _HEAD + _FRAME:
        return
    magic, _, page, _, salts = *struct.unpack(">4I", content[:16]), content[16:24]
    order = ">u4" if magic & 1 else "<u4"
    sums = _added((0, 0), np.frombuffer(content[:24], order).astype(np.uint32))
    if magic & ~1 != _MAGIC or struct.pack(">2I", *sums) != content[24:32]:
        raise _damaged(path)
    size = _FRAME + page
    frames = [content[start : start + size] for start in range(_HEAD, len(content) - size + 1, size)]
    for number, frame in enumerate(frames):
        words = np.frombuffer(frame[:8] + frame[_FRAME:], order).astype(np.uint32)
        sums = _added(sums, words)
        if frame[8:16] != salts or struct.pack(">2I", *sums) != frame[16:24]:
            ends = [later for later in frames[number:] if later[8:16] == salts and later[4:8] != bytes(4)]
            if len(ends) > 1:  # of more transactions than the one that may be torn
                raise _damaged(path)
            return


def _damaged(path: Path) -> Corrupt:
    return Corrupt(
        f"{path} is damaged before its end: what follows was acknowledged; restore it from a backup",
        f"{path} 在末尾之前已损坏，其后的内容已被确认；请从备份恢复",
    )


_POWERS: dict[int, tuple[Words, Words]] = {}


def _powers(count: int) -> tuple[Words, Words]:
    """Two of each three following Fibonacci numbers modulo 2**32: F(2k), F(2k + 1) for k up to count."""
    if count not in _POWERS:
        numbers = [0, 1]
        for _ in range(2 * count):
            numbers.append((numbers[-1] + numbers[-2]) & 0xFFFFFFFF)
        array = np.array(numbers, np.uint32)
        _POWERS[count] = (array[0 : 2 * count + 1 : 2], array[1 : 2 * count + 2 : 2])
    return _POWERS[count]


def _added(sums: tuple[int, int], words: Words) -> tuple[int, int]:
    """SQLite's running checksum: for each pair of words s0 += x0 + s1, then s1 += x1 + s0, modulo 2**32.

    A pair with k pairs behind it weighs F(2k + 1) x0 + F(2k) x1 in s0 and F(2k + 2) x0 + F(2k + 1) x1 in s1.

    >>> _added((0, 0), np.array([1, 2, 3, 4], np.uint32))
    (7, 14)
    """
    first, second = words[0::2], words[1::2]
    count = len(first)
    even, odd = _powers(count + 1)
    back_even, back_odd, back_next = even[count - 1 :: -1], odd[count - 1 :: -1], even[count:0:-1]
    s0 = np.sum(back_odd * first + back_even * second, dtype=np.uint32)
    s1 = np.sum(back_next * first + back_odd * second, dtype=np.uint32)
    old0, old1 = np.uint32(sums[0]), np.uint32(sums[1])
    with np.errstate(over="ignore"):
        s0 = s0 + odd[count - 1] * old0 + even[count] * old1
        s1 = s1 + even[count] * old0 + odd[count] * old1
    return int(s0), int(s1)
