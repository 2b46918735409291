"""The embedded engine against the model: any log, however odd, gives the same state, history and past."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.logs import START, Step, changes_of, logs
from zhicheng.kernel.errors import ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.engines.memory import MemoryStore
from zhicheng.storage.entities import entity_at
from zhicheng.storage.live import State
from zhicheng.storage.log import Commit, HistoryQuery


class Clock:
    """A clock that tests move, also backwards."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


def objects(state: State) -> dict[str, Entity]:
    """All living entities of a live table."""
    found = {}
    for table in state.tables:
        for row in range(table.count):
            if table.entity[row] >= 0:
                entity = entity_at(table, row)
                found[entity.id] = entity
    return found


def plain(entities: dict[str, Entity]) -> dict[str, object]:
    """What must agree: everything but the bookkeeping of the directory, attributes in no order."""
    return {
        entity.id: (
            entity.types,
            entity.scope,
            {name: sorted(map(repr, instances)) for name, instances in entity.attributes.items()},
        )
        for entity in entities.values()
    }


def play(
    steps: list[Step], folder: Path, *, seal_every: int = 0, reopen_every: int = 0
) -> tuple[EmbeddedStore, MemoryStore, list[int]]:
    """Both stores after the same steps; every commit must be accepted or refused by both."""
    clock = Clock()
    options = EmbeddedSettings(seal_rows=10**9, snapshot_rows=5)
    store, model = EmbeddedStore(folder, options, clock), MemoryStore(clock)
    moments = []
    for number, step in enumerate(steps):
        clock.now += step.clock * SECOND
        instances = [
            (r.instance, r.entity, r.attribute or "", r.dataset) for r in model.rows if r.attribute and r.target < 0
        ]
        for _ in range(2 if step.twice else 1):
            changes = changes_of(step, clock.now, instances)
            if not len(changes):
                continue
            outcomes: list[tuple[object, int]] = []
            for target in (store, model):
                try:
                    receipt = target.commit(Commit(changes.take(slice(None)), "tester", "test"))
                    outcomes.append((receipt.position, receipt.recorded_at))
                except ZhichengError as error:
                    outcomes.append((error.code, 0))
            assert outcomes[0] == outcomes[1]
            moments.append(model.recorded_at)
        if seal_every and number % seal_every == 0:
            store.seal()
        if reopen_every and number % reopen_every == 0:
            store.close()
            store = EmbeddedStore(folder, options, clock)
    return store, model, moments


@given(logs, st.sampled_from([0, 1, 3]), st.sampled_from([0, 2, 5]))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
def test_live_state_and_past_equal_the_model(steps: list[Step], seal_every: int, reopen_every: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, model, moments = play(steps, Path(folder), seal_every=seal_every, reopen_every=reopen_every)
        try:
            assert plain(objects(store.state)) == plain(model.entities())
            for moment in sorted(set(moments)):
                for valid, known in (
                    (moment, moment),
                    (moment, None),
                    (moment - 45 * SECOND, None),
                    (moment - 1800 * SECOND, moment),
                ):
                    assert plain(objects(store.as_of(valid, known))) == plain(model.as_of(valid, known)), (valid, known)
        finally:
            store.close()


@given(logs, st.sampled_from([0, 1, 3]))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
def test_history_equals_the_model(steps: list[Step], seal_every: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, model, moments = play(steps, Path(folder), seal_every=seal_every)
        try:
            for known in (None, *moments[:2]):
                series = store.history(HistoryQuery(None, time="effective", known=known))
                changes = series.batch.changes
                texts = (changes.entity, changes.attribute, changes.dataset, changes.text)
                numbers = (series.effective, series.instance, series.batch.modified_at, changes.form)
                found = list(zip(*(t.list() for t in texts), *(n.tolist() for n in numbers), strict=True))
                wanted = [
                    (r.entity, r.attribute, r.dataset, r.text, r.effective, r.instance, r.modified_at, r.form)
                    for r in model.series(known)
                ]
                assert found == wanted
        finally:
            store.close()
