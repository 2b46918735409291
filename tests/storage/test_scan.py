"""A scan is the tail of some attributes: sealed or not, cut anywhere, while segments are merged under it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from zhicheng.kernel.columns import I1, I8, Coded
from zhicheng.kernel.errors import StorageFull
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import ChangesBuilder, Form
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded import segments, unsorted
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Batch, Commit

SPEED, LOAD = "https://x/speed", "https://x/load"


@pytest.fixture(params=["at once", "put aside"])
def store(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedStore]:
    """Segments of 40 rows, which are many where no more than 10 are held in memory."""
    if request.param == "put aside":
        monkeypatch.setattr(unsorted, "AT_ONCE", 10)
        monkeypatch.setattr(unsorted, "_LOOKED_AT", 1)
        monkeypatch.setattr(unsorted, "_READ", 1)
        monkeypatch.setattr(segments, "_GROUP_ROWS", 8)
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
        assert upto > reached or (upto == reached and not len(batch))
        assert all(reached < place <= upto for place in batch.position.tolist())
        found += batch.instance.tolist()
        reached = upto
    assert (found, reached) == (whole, store.state.position)


def test_merging_beneath_it_changes_nothing(store: EmbeddedStore) -> None:
    expected = [one for _, batch in store.scan(0, (SPEED, LOAD)) for one in batch.instance.tolist()]
    scan = store.scan(0, (SPEED, LOAD), 5)
    found = next(batch for _, batch in scan if len(batch)).instance.tolist()
    store.compact()
    assert found + [one for _, batch in scan for one in batch.instance.tolist()] == expected


def test_at_the_end_there_is_nothing(store: EmbeddedStore) -> None:
    assert list(store.scan(store.state.position, (SPEED,))) == []


def test_a_large_segment_comes_in_small_batches_with_rests_between(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.compact()
    held: list[int] = []
    put = unsorted._Aside._put

    def noted(aside: unsorted._Aside, parts: Sequence[Batch]) -> None:
        held.append(sum(map(len, parts)))
        put(aside, parts)

    monkeypatch.setattr(unsorted._Aside, "_put", noted)
    found = [*store.scan(0, (SPEED, LOAD), 5)]
    rests = [upto for upto, batch in found if not len(batch)]
    assert rests if unsorted.AT_ONCE == 10 else not held
    assert sum(held) in (0, sum(len(batch) for _, batch in found)) and all(count < 10 + 8 for count in held)
    assert all(len(batch) <= 5 or len(set(batch.position.tolist())) == 1 for _, batch in found)
    first = store.parts()[1][0]
    assert set(first.contents) == set(range(len(first.facts.heads)))


def test_where_nothing_is_wanted_only_the_outline_is_read_and_only_once(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.compact()
    after = store.state.position - 3
    list(store.scan(after, (SPEED,)))
    looked: list[int] = []
    outline = segments.Segment.outline

    def noted(segment: segments.Segment, group: int) -> tuple[Coded, I1, I8]:
        looked.append(group)
        return outline(segment, group)

    monkeypatch.setattr(segments.Segment, "outline", noted)
    list(store.scan(after, ("https://x/nothing",)))
    whole = [group for group, content in store.parts()[1][0].contents.items() if content.whole]
    assert looked == whole


def test_rows_after_a_position_are_counted(store: EmbeddedStore) -> None:
    for after in (0, 1, 17, 31, store.state.position):
        expected = sum(len(batch) for _, batch in store.scan(after, (SPEED, LOAD)))
        assert store.rows_after(after) == expected


def test_a_full_disk_says_so(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(unsorted, "AT_ONCE", 10)
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(StorageFull):
        list(store.scan(0, (SPEED, LOAD)))
    assert store.failure is None
