from __future__ import annotations

import numpy as np
import orjson

from tests.compute.moving import rows
from zhicheng.compute.rows import subs
from zhicheng.kernel.columns import Coded


def test_commits_come_one_after_another() -> None:
    found = rows((1, "a", "x", 1, 0), (1, "b", "x", 2, 0), (3, "a", "x", 3, 0))
    assert [one.number.tolist() for one in found.commits()] == [[1.0, 2.0], [3.0]]
    assert not [*rows().commits()]


def test_rows_are_cut_where_something_is_removed() -> None:
    found = rows((1, "a", "x", 1, 0), (1, "b", None, None, 0), (2, "b", "x", 2, 0), (3, "a", None, None, 0))
    pieces = [*found.lives()]
    assert [piece.number[~np.isnan(piece.number)].tolist() for piece, _ in pieces] == [[1.0], [2.0]]
    assert [gone.list() for _, gone in pieces] == [["b"], ["a"]]
    assert [gone.list() for _, gone in rows((1, "a", "x", 1, 0)).lives()] == [[]]


def test_each_round_has_one_line_of_an_entity_the_earliest_first() -> None:
    wide = rows((1, "a", "x", 1, 9), (1, "b", "x", 2, 0), (1, "a", "x", 3, 5), (1, "a", "x", 4, 7)).wide("x")
    assert [wide.number["x"][lines].tolist() for lines in wide.rounds()] == [[2.0, 3.0], [4.0], [1.0]]
    assert not [*rows().wide("x").rounds()]


def test_sub_attributes_may_be_true_or_false() -> None:
    [text, _] = subs({"stale": np.array([True, False]), "at": Coded.of(["x", None])}).list()
    assert {name.rpartition(":")[2]: one[0]["value"] for name, one in orjson.loads(text or "").items()} == {
        "stale": True,
        "at": "x",
    }
