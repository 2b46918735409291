"""A scan is the tail of some attributes: sealed or not, cut anywhere, while segments are merged under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import ChangesBuilder, Form
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Commit

SPEED, LOAD = "https://x/speed", "https://x/load"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "t", EmbeddedSettings(snapshot_rows=10**9), clock=lambda: 10**9 * SECOND)
    for number in range(60):
        rows = ChangesBuilder()
        if not number:
            for one in range(3):
                add_life(rows, f"urn:{one}")
                add_types(rows, f"urn:{one}", ("https://x/Bus",))
        for one in range(number % 4):
            name = (SPEED, LOAD)[(number + one) % 2]
            rows.add(f"urn:{one % 3}", name, form=Form.NUMBER, number=number, observed_at=10**9 * SECOND + number)
        if len(rows):
            opened.commit(Commit(rows.build(), "test", "test"))
        if number in (15, 30):
            opened.seal()
    yield opened
    opened.close()


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("after", [0, 1, 11, 30])
def test_it_is_the_tail_of_some_attributes(store: EmbeddedStore, after: int, limit: int) -> None:
    whole, position = [], after
    while len(batch := store.tail(position)):
        wanted = (np.array(batch.changes.attribute.list()) == SPEED) | (batch.changes.kind >= Kind.TYPES)
        whole += batch.instance[wanted].tolist()
        position = int(batch.position[-1])
    found: list[int] = []
    reached = after
    for upto, batch in store.scan(after, (SPEED,), limit):
        assert upto > reached and all(reached < place <= upto for place in batch.position.tolist())
        found += batch.instance.tolist()
        reached = upto
    assert (found, reached) == (whole, store.state.position)


def test_merging_beneath_it_changes_nothing(store: EmbeddedStore) -> None:
    expected = [one for _, batch in store.scan(0, (SPEED, LOAD)) for one in batch.instance.tolist()]
    scan = store.scan(0, (SPEED, LOAD), 5)
    found = next(scan)[1].instance.tolist()
    store.compact()
    assert found + [one for _, batch in scan for one in batch.instance.tolist()] == expected


def test_at_the_end_there_is_nothing(store: EmbeddedStore) -> None:
    assert list(store.scan(store.state.position, (SPEED,))) == []
