"""Bytes of columns: msgpack with NumPy arrays and coded text inside, compressed, behind a checksum.

A constant array costs one value; codes take as few bytes as the number of values allows.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhicheng.kernel.columns import I4, Coded
from zhicheng.kernel.errors import Corrupt

_ARRAY, _CONSTANT, _CODED = 1, 2, 3
_WORTH_COMPRESSING = 2048
_ZSTD = pa.Codec("zstd", compression_level=1)


def pack(content: object) -> bytes:
    """Bytes of nested dicts, lists, numbers, text, arrays and `Coded` columns.

    >>> import numpy as np
    >>> unpack(pack({"a": np.arange(3), "t": Coded.of(["x", None])}))["t"].list()
    ['x', None]
    """
    body = _encoder.encode(content)
    size = len(body)
    if size >= _WORTH_COMPRESSING:
        body = _ZSTD.compress(body, asbytes=True)
    else:
        size = 0
    head = size.to_bytes(8, "little")
    return zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little") + head + body


def unpack(data: bytes) -> Any:
    """What was packed; damaged bytes raise `Corrupt` and are never interpreted."""
    if len(data) < 12 or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        raise Corrupt("A record of the log does not match its checksum", "日志记录与校验和不符")
    size = int.from_bytes(data[4:12], "little")
    body = _ZSTD.decompress(data[12:], size, asbytes=True) if size else data[12:]
    return _decoder.decode(body)


def _enc_hook(item: object) -> msgspec.msgpack.Ext:
    if isinstance(item, Coded):
        return msgspec.msgpack.Ext(_CODED, _encoder.encode([item.values, _narrow(item.codes)]))
    if isinstance(item, np.ndarray):
        dtype = item.dtype.char.encode()
        flat = item.view(np.int64) if item.dtype == np.float64 else item
        if len(flat) > 1 and (flat == flat[0]).all():
            return msgspec.msgpack.Ext(_CONSTANT, dtype + len(item).to_bytes(4, "little") + item[:1].tobytes())
        return msgspec.msgpack.Ext(_ARRAY, dtype + item.tobytes())
    raise TypeError(f"cannot pack {type(item)}")


def _narrow(codes: I4) -> npt.NDArray[Any]:
    most = int(codes.max()) if len(codes) else 0
    if most < 128:
        return codes.astype(np.int8)
    return codes.astype(np.int16) if most < 32_768 else codes


def _ext_hook(code: int, data: memoryview) -> object:
    if code == _CODED:
        values, codes = _decoder.decode(data)
        return Coded(values, codes.astype(np.int32))
    dtype = np.dtype(bytes(data[:1]).decode())
    if code == _CONSTANT:
        return np.repeat(np.frombuffer(data[5:], dtype), int.from_bytes(data[1:5], "little"))
    return np.frombuffer(data[1:], dtype)


_encoder = msgspec.msgpack.Encoder(enc_hook=_enc_hook)
_decoder = msgspec.msgpack.Decoder(ext_hook=_ext_hook)
