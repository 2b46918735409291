"""Commits that come as rows: together with others in a group, or alone, they mean what the same columns mean."""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.storage.logs import Step, changes_of, logs
from tests.storage.test_semantics import Clock, objects, plain
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.engines.memory import MemoryStore
from zhicheng.storage.log import Commit, Receipt

ORDER = (
    "entity", "attribute", "dataset", "kind", "form", "act", "target", "observed_at", "number", "text", "unit",
    "quality", "sub", "owner", "classification",
)  # fmt: skip


def rows_of(changes: Changes) -> ChangesBuilder:
    builder = ChangesBuilder()
    columns = [getattr(changes, name) for name in ORDER]
    listed = [column.list() if hasattr(column, "list") else column.tolist() for column in columns]
    builder.rows = list(zip(*listed, strict=True))
    return builder


def outcome(future: Future[Receipt]) -> object:
    try:
        return future.result().position
    except ZhichengError as error:
        return error.code


@given(logs)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
def test_rows_in_groups_mean_what_columns_mean(steps: list[Step]) -> None:
    clock = Clock()
    model = MemoryStore(clock)
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder), None, clock)
        try:
            for start in range(0, len(steps), 4):
                clock.now += steps[start].clock * SECOND
                instances = [
                    (r.instance, r.entity, r.attribute or "", r.dataset)
                    for r in model.rows
                    if r.attribute and r.target < 0
                ]
                columns = [changes_of(step, clock.now, instances) for step in steps[start : start + 4]]
                columns = [changes for changes in columns if len(changes)]
                expected: list[object] = []
                for changes in columns:
                    try:
                        expected.append(model.commit(Commit(changes.take(slice(None)), "t", "t")).position)
                    except ZhichengError as error:
                        expected.append(error.code)
                mixed = [changes if n % 3 == 2 else rows_of(changes) for n, changes in enumerate(columns)]
                futures = [store.submit(Commit(changes, "t", "t")) for changes in mixed]
                assert [outcome(future) for future in futures] == expected
            assert plain(objects(store.state)) == plain(model.entities())
        finally:
            store.close()


def born(number: int) -> ChangesBuilder:
    rows = ChangesBuilder()
    entity = f"urn:ngsi-ld:Thing:{number}"
    rows.add(entity, None, kind=Kind.LIFE, act=Act.SET)
    rows.add(entity, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text='["https://x/Thing"]')
    rows.add(entity, "https://x/n", act=Act.SET, form=Form.NUMBER, number=float(number))
    return rows


def test_many_at_once_while_the_directory_grows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = EmbeddedStore(tmp_path)
    futures = [store.submit(Commit(born(n) if n % 5 else born(n).build(), "t", "t")) for n in range(1000)]
    assert sorted(future.result().position for future in futures) == list(range(1, 1001))
    store.close()
    assert not caplog.records
    reopened = EmbeddedStore(tmp_path)
    found = objects(reopened.state)
    reopened.close()
    assert len(found) == 1000
    assert found["urn:ngsi-ld:Thing:7"].attributes["https://x/n"][0].value == 7


def test_a_bad_commit_takes_no_other_along(tmp_path: Path) -> None:
    bad = born(-1)
    bad.add("urn:ngsi-ld:Thing:-1", "https://x/n", form=Form.NUMBER)
    store = EmbeddedStore(tmp_path)
    futures = [store.submit(Commit(bad if n == 20 else born(n), "t", "t")) for n in range(40)]
    refused = [n for n, future in enumerate(futures) if future.exception() is not None]
    assert refused == [20]
    with pytest.raises(Invalid, match="Thing:-1 has a number that is none"):
        futures[20].result()
    assert len(store.state) == 39
    store.close()
