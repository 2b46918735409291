"""The present, asked for as a past instant, is the present: also who was changed last, when, and by whom."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.faults import workload
from tests.storage.logs import Step, logs
from tests.storage.test_contract import BUS, SPEED, born, of
from tests.storage.test_semantics import objects, play
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit


def bookkeeping(entities: dict[str, Entity]) -> dict[str, object]:
    return {name: (e.version, e.created_at, e.modified_at, e.source) for name, e in entities.items()}


@given(logs, st.sampled_from([0, 1, 3]), st.sampled_from([0, 2, 5]))
@settings(max_examples=80)
def test_as_of_now_knows_versions_and_times_as_the_live_table(
    steps: list[Step], seal_every: int, reopen_every: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, _, _ = play(steps, Path(folder), seal_every=seal_every, reopen_every=reopen_every)
        try:
            now = store.state.recorded_at
            assert bookkeeping(objects(store.as_of(now, now))) == bookkeeping(objects(store.state))
        finally:
            store.close()


def test_a_correction_in_a_long_series_takes_no_time(tmp_path: Path) -> None:
    """It is folded on the writer's thread, while everybody waits."""
    count = 20_000
    store = EmbeddedStore(tmp_path)
    store.commit(of(born()))
    times = np.arange(count) * SECOND + workload.START
    column = Coded.constant(BUS, count), Coded.constant(SPEED, count)
    readings = Changes.of_readings(*column, times, np.arange(count, dtype=np.float64))
    last = store.commit(Commit(readings, "tester", "test")).position << 20 | count - 1
    builder = ChangesBuilder()
    builder.add(BUS, SPEED, act=Act.CORRECT, form=Form.NUMBER, number=5.0, target=last)
    begun = time.perf_counter()
    store.commit(Commit(builder.build(), "tester", "test"))
    assert time.perf_counter() - begun < 1
    assert objects(store.state)[BUS].attributes[SPEED][0].value == 5
    store.close()
