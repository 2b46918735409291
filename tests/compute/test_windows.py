"""Windows against a model that takes one reading at a time."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.compute.state import pack, unpack
from zhicheng.compute.windows import Closed, Windows
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.errors import Invalid

Reading = tuple[str, int, float]
readings = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(-20, 200), st.sampled_from([1.0, 2.5, 0.1, -3.0])), max_size=60
)
shapes = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 30), st.integers(-5, 5)).map(
    lambda s: (max(s[0], s[1]), min(s[0], s[1]), s[2], s[3])
)


def listed(closed: Closed) -> list[tuple[object, ...]]:
    columns = (closed.start, closed.end, closed.count, closed.sum, closed.least, closed.most, closed.first, closed.last)
    return list(zip(closed.key.list(), *(column.tolist() for column in columns), strict=True))


def by_key(rows: list[tuple[object, ...]]) -> dict[object, list[tuple[object, ...]]]:
    found = defaultdict(list)
    for row in rows:
        found[row[0]].append(row[1:])
    return dict(found)


def add(windows: Windows, given: list[Reading]) -> list[tuple[object, ...]]:
    keys, at, values = zip(*given, strict=True) if given else ((), (), ())
    return listed(windows.add(Coded.of(keys), np.array(at, np.int64), np.array(values, float)))


def model(given: list[Reading], length: int, every: int, lateness: int, origin: int) -> list[tuple[object, ...]]:
    passed: dict[str, int] = {}
    open_: dict[tuple[str, int], dict[int, float]] = {}
    rows: list[tuple[object, ...]] = []
    for key, at, value in given:
        start = (at - origin) // every * every + origin
        while start + length > at:
            if start + length > passed.get(key, -(10**9)):
                open_.setdefault((key, start), {})[at] = value
            start -= every
        passed[key] = max(passed.get(key, -(10**9)), at - lateness)
        for own, first in sorted(open_):
            if own == key and first + length <= passed[key]:
                content = open_.pop((own, first))
                values = [content[when] for when in sorted(content)]
                rows.append(
                    (
                        *(key, first, first + length, len(values), pytest.approx(sum(values))),
                        *(min(values), max(values), values[0], values[-1]),
                    )
                )
    return rows


@given(readings, shapes, st.lists(st.integers(0, 60), max_size=5))
def test_as_one_reading_at_a_time(given: list[Reading], shape: tuple[int, int, int, int], cuts: list[int]) -> None:
    length, every, lateness, origin = shape
    expected = by_key(model(given, *shape))
    assert by_key(add(Windows(length, every, lateness, origin), given)) == expected
    windows = Windows(length, every, lateness, origin)
    rows: list[tuple[object, ...]] = []
    for start, end in pairwise(sorted({0, len(given), *(cut for cut in cuts if cut < len(given))})):
        rows += add(windows, given[start:end])
        windows = unpack(pack(windows), Windows(length, every, lateness, origin))
    assert by_key(rows) == expected


def test_what_comes_too_late_is_counted() -> None:
    windows = Windows(10, lateness=5)
    assert [row[1:4] for row in add(windows, [("a", 1, 1.0), ("a", 14, 1.0), ("a", 9, 3.0), ("a", 15, 1.0)])] == [
        (0, 10, 2)
    ]
    assert add(windows, [("a", 9, 3.0), ("b", 1, 1.0)]) == []
    assert windows.late == 1


def test_a_key_that_is_forgotten_begins_anew() -> None:
    windows = Windows(10)
    add(windows, [("a", 1, 1.0), ("b", 2, 2.0)])
    windows.forget(Coded.of(["a"]))
    assert [row[:4] for row in add(windows, [("b", 30, 1.0), ("a", 5, 7.0), ("a", 30, 0.0)])] == [
        ("b", 0, 10, 1),
        ("a", 0, 10, 1),
    ]


def test_a_window_that_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid, match="length above zero"):
        Windows(10, every=20)
