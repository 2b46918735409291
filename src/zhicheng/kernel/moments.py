"""Columns of instants as date-time texts, and back."""

from __future__ import annotations

import numpy as np

from zhicheng.kernel import instants
from zhicheng.kernel.columns import I8, Coded
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT


def parsed(texts: Coded) -> I8:
    """The instants of date-times, ABSENT where there are none.

    >>> parsed(Coded.of(["1970-01-01T00:00:01Z", "soon", None])).tolist()[:1]
    [1000000]
    """
    return np.array([*map(_instant, texts.values), ABSENT], np.int64)[texts.codes]


def _instant(text: str) -> int:
    try:
        return instants.parse(text)
    except Invalid:
        return ABSENT


def printed(at: I8) -> Coded:
    """Instants as date-times, nothing where they are ABSENT.

    >>> printed(np.array([1_000_000, ABSENT, 1_000_000])).list()
    ['1970-01-01T00:00:01Z', None, '1970-01-01T00:00:01Z']
    """
    distinct, place = np.unique(at, return_inverse=True)
    texts = [instants.format(one) for one in distinct.tolist() if one != ABSENT]
    return Coded(texts, (place - (len(distinct) - len(texts))).astype(np.int32))
