"""Memory that a large payload needed and nobody uses any more, handed back to the system."""

from __future__ import annotations

import ctypes
import gc

import pyarrow as pa

LARGE = 1_000_000
"""Bytes of a payload from which on it is worth the few milliseconds."""


def give_back() -> None:
    """Reading a timetable or a base map takes many times its size; the allocators keep that for later unless told.

    >>> give_back()
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU C library; others need no telling
    if trim is not None:
        trim(0)
