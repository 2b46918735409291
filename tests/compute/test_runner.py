"""The runner on a store: everything once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.compute.windowed import MEANS, QUARTERS
from zhicheng.compute import law
from zhicheng.compute.app import AnyApp, Derived, Output, Tables, Writes
from zhicheng.compute.figures import Explained
from zhicheng.compute.rows import Rows, emit, nothing, retire
from zhicheng.compute.runner import Runner, RunnerSettings
from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.errors import Unavailable
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Batch, Commit, Cursor, HistoryQuery

OUTPUTS = {"means": ("pm25Mean",), "quarters": ("freeCopy", "freePlaces")}
SMALL = RunnerSettings(batch_rows=7, save_rows=20, idle_rows=10)
LARGE = replace(SMALL, inline=0)


class Scripted:
    """The clock of a recorded log."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Scripted:
    return Scripted()


@pytest.fixture
def store(tmp_path: Path, clock: Scripted) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "tenant", clock=clock)
    yield opened
    opened.close()


def commits_of(log: Batch) -> list[tuple[Changes, int]]:
    found = []
    for position in np.unique(log.position).tolist():
        own = log.take(log.position == position)
        found.append((own.changes, int(own.recorded_at[0])))
    return found


def fill(store: EmbeddedStore, clock: Scripted, commits: list[tuple[Changes, int]]) -> None:
    for changes, at in commits:
        clock.now = at
        store.commit(Commit(changes.take(np.arange(len(changes))), "test", "test"))


def stored(store: EmbeddedStore, app: AnyApp) -> dict[Any, list[Any]]:
    """What the application wrote, row by row, by series."""
    names = tuple(map(iri, OUTPUTS[app.name]))
    batch = store.rows(HistoryQuery(None, names, time="effective"))
    batch = batch.take(np.argsort(batch.instance))
    written: law.Written = {}
    law.note(batch.changes, written)
    return written


def log_of(app: AnyApp, seed: int, commits: int = 60, *, mortal: bool = True) -> Batch:
    return law.random_log(app, np.random.default_rng(seed), commits, mortal=mortal)


@pytest.mark.parametrize("settings", [SMALL, LARGE, RunnerSettings()], ids=["small", "large", "whole"])
@pytest.mark.parametrize("app", [MEANS, QUARTERS], ids=lambda app: app.name)
@pytest.mark.parametrize("seed", range(4))
def test_live_restarted_and_backfilled_alike(
    app: AnyApp, settings: RunnerSettings, seed: int, tmp_path: Path, clock: Scripted
) -> None:
    log = log_of(app, seed, mortal=False)
    commits = commits_of(log)
    live, late = EmbeddedStore(tmp_path / "live", clock=clock), EmbeddedStore(tmp_path / "late", clock=clock)
    draw = np.random.default_rng(seed)
    runner = Runner(app, live, settings=settings)
    for commit in commits:
        fill(live, clock, [commit])
        if draw.random() < 0.3:
            runner.run() if draw.random() < 0.5 else runner.step()
        if draw.random() < 0.2:
            runner = Runner(app, live, settings=settings)  # as after a kill: nothing is noted
    runner.run()
    fill(late, clock, commits)
    assert Runner(app, late, settings=settings).run() >= len(commits)
    assert stored(live, app) == stored(late, app) == law.run(app, [log])[0]
    assert runner.explain().position == live.state.position
    live.close()
    late.close()


def test_a_backfill_writes_again_under_a_new_epoch(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(QUARTERS, 3)))
    runner = Runner(QUARTERS, store)
    runner.run()
    before = runner.explain()
    assert before.written > 0 and before.epoch == 0
    runner.backfill()
    after = runner.explain()
    assert (after.epoch, after.given, after.written) == (1, before.given, before.written)
    again = Runner(QUARTERS, store)
    assert again.run() == 0 or again.explain().written == after.written


def test_a_backfill_since_an_instant_writes_only_from_there(store: EmbeddedStore, clock: Scripted) -> None:
    log = log_of(MEANS, 3, 120)
    fill(store, clock, commits_of(log))
    middle = int(np.median(log.recorded_at))
    Runner(MEANS, store).backfill(middle)
    rows = [row for series in stored(store, MEANS).values() for row in series]
    assert rows and all(row[2] >= middle for row in rows)


def test_own_entities_are_made_and_forgotten_ones_get_nothing(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(QUARTERS, 5)))
    Runner(QUARTERS, store).run()
    made = store.entity("urn:ngsi-ld:Quarter:1")
    assert made is not None and made.types == (iri("Quarter"),)
    assert made.attributes[iri("freePlaces")][0].source == "app:quarters"


def test_a_failing_application_loses_and_repeats_nothing(store: EmbeddedStore, clock: Scripted) -> None:
    calls = iter([True, False, True, True, False])

    def shaky(rows: Rows, state: Any, params: Any, tables: Tables) -> Derived[Any]:
        derived = QUARTERS.derive(rows, state, params, tables)
        if next(calls, False):
            raise ZeroDivisionError
        return derived

    app = replace(QUARTERS, derive=shaky)
    fill(store, clock, commits_of(log_of(QUARTERS, 7)))
    runner = Runner(app, store, settings=SMALL)
    for _ in range(60):
        try:
            runner.step()
        except ZeroDivisionError:
            continue
    shaken = stored(store, QUARTERS)
    pure = law.run(QUARTERS, [log_of(QUARTERS, 7)])[0]
    assert (
        shaken["urn:ngsi-ld:Quarter:1", iri("freePlaces"), None]
        == pure["urn:ngsi-ld:Quarter:1", iri("freePlaces"), None]
    )


def test_heavy_ones_run_in_a_process_of_their_own(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(QUARTERS, 2)))
    heavy = Runner(replace(QUARTERS, heavy=True, state=state_of_quarters), store)
    heavy.run()
    written = stored(store, QUARTERS)
    pid = heavy.pipeline.host._process.pid  # type: ignore[attr-defined]  # the host of a heavy application has one
    assert pid
    heavy.close()
    expected = law.run(QUARTERS, [log_of(QUARTERS, 2)])[0]
    key = ("urn:ngsi-ld:Quarter:1", iri("freePlaces"), None)
    assert written[key] == expected[key]


def state_of_quarters(params: object) -> Any:
    return QUARTERS.state(params)


def test_corrections_are_counted_and_a_backfill_puts_them_in_place(store: EmbeddedStore, clock: Scripted) -> None:
    rows = ChangesBuilder()
    add_life(rows, "urn:p")
    add_types(rows, "urn:p", (iri("OffStreetParking"),))
    rows.add("urn:p", iri("availableSpotNumber"), form=1, number=5.0, observed_at=1)
    clock.now = 10
    receipt = store.commit(Commit(rows.build(), "test", "test"))
    amend = ChangesBuilder()
    amend.add("urn:p", iri("availableSpotNumber"), act=4, form=1, number=6.0, target=receipt.position << 20 | 2)
    store.commit(Commit(amend.build(), "test", "test"))
    runner = Runner(QUARTERS, store)
    runner.run()
    assert (runner.explain().given, runner.explain().amending) == (1, 1)
    assert stored(store, QUARTERS)["urn:p", iri("freeCopy"), None][-1][3] == 5.0
    again = Runner(QUARTERS, store)
    again.backfill()
    assert (again.explain().given, again.explain().amending) == (1, 0)
    assert stored(store, QUARTERS)["urn:p", iri("freeCopy"), None][-1][3] == 6.0


def test_newer_reference_tables_count_from_the_next_rows_on(store: EmbeddedStore, clock: Scripted) -> None:
    def by_table(rows: Rows, state: Any, params: Any, tables: Tables) -> Derived[Any]:
        factor = tables["factors"]["all"]["by"][0].as_py() if "factors" in tables else 1
        readings = rows.of("availableSpotNumber")
        return Derived(emit(readings.entity, "freeCopy", readings.at, readings.number * factor), state)

    app = replace(QUARTERS, derive=by_table, tables=lambda params: ("factors",))
    runner = Runner(app, store)
    for number, factor in enumerate((None, 10, 100)):
        if factor:
            store.put_table("factors", {"all": pa.table({"by": [factor]})})
        rows = ChangesBuilder()
        if not number:
            add_life(rows, "urn:p")
            add_types(rows, "urn:p", (iri("OffStreetParking"),))
        clock.now = 1000 * number + 1
        rows.add("urn:p", iri("availableSpotNumber"), form=1, number=7.0, observed_at=clock.now)
        store.commit(Commit(rows.build(), "test", "test"))
        runner.run()
    assert [row[3] for row in stored(store, QUARTERS)["urn:p", iri("freeCopy"), None]] == [7.0, 70.0, 700.0]


def test_what_is_made_and_removed_within_one_batch_is_gone(store: EmbeddedStore, clock: Scripted) -> None:
    def fleeting(rows: Rows, state: Any, params: Any, tables: Tables) -> Derived[Any]:
        quarter = Coded.constant("urn:ngsi-ld:Quarter:2", 1)
        news = rows.of("availableSpotNumber")
        made = [emit(quarter, "freePlaces", news.at[:1], news.number[:1])] if 1.0 in news.number else []
        gone = [retire(quarter, news.at[-1:])] if 2.0 in news.number else []
        return Derived(Changes.concat([*made, *gone]) if made or gone else nothing(), state)

    rows = ChangesBuilder()
    add_life(rows, "urn:p")
    add_types(rows, "urn:p", (iri("OffStreetParking"),))
    for number, at in ((1.0, 10), (2.0, 20)):
        rows.add("urn:p", iri("availableSpotNumber"), form=1, number=number, observed_at=at)
    clock.now = 100
    store.commit(Commit(rows.build(), "test", "test"))
    Runner(replace(QUARTERS, derive=fleeting), store).run()
    assert store.entity("urn:ngsi-ld:Quarter:2") is None
    asked = HistoryQuery(("urn:ngsi-ld:Quarter:2",), (iri("freePlaces"),), time="effective")
    assert store.rows(asked).changes.number.tolist() == [1.0]


def test_figures_do_not_wait_for_the_end_of_a_step(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(QUARTERS, 3)))
    runner = Runner(QUARTERS, store, settings=SMALL)
    runner.step()
    told: list[Explained] = []
    with runner._lock:
        asking = Thread(target=lambda: told.append(runner.explain(at_work=True)))
        asking.start()
        asking.join(5)
        assert [one.position for one in told] == [runner.position]
    assert told[0].rows == store.rows_after(0) and told[0].rows_left == store.rows_after(runner.position) > 0
    assert 0 < told[0].done < 1 and (told[0].cpu_left or 0) > 0
    runner.run()
    assert (runner.explain().done, runner.explain().cpu_left, runner.rows_left) == (1.0, 0.0, 0)


def test_texts_that_are_not_stored_are_not_kept(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(MEANS, 3)))

    def wordy(rows: Rows, state: object, params: object, tables: Tables) -> Derived[object]:
        own = rows.of("pm25")
        said = Coded.of(["calm"] * len(own))
        changes = emit(own.entity, "mood", own.at, text=Coded([*said.values, *map(str, range(1000))], said.codes))
        return Derived(changes, state)

    app = replace(MEANS, name="wordy", derive=wordy, writes=(Writes(MEANS.reads[0].type, (Output("mood"),)),))
    runner = Runner(app, store)
    runner.run()
    kept = [text for chunk in store.parts()[2] for text in chunk.batch.changes.text.values]
    assert runner.explain().written > 0 and "calm" in kept and "7" not in kept


def test_who_is_told_to_end_does_not_read_again_to_the_end(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(QUARTERS, 3)))
    Runner(QUARTERS, store, settings=replace(LARGE, save_rows=10**9)).run()
    store.commit(Commit(nothing(), "app:quarters", "app:quarters", cursor=Cursor("app:quarters", 1, "9:0:0:0", b"")))
    again = Runner(QUARTERS, store, settings=LARGE)
    assert again.explain(at_work=True).position == 0
    again.ending = True
    with pytest.raises(Unavailable):
        again.step()
    again.close()
    later = Runner(QUARTERS, store, settings=LARGE)
    assert later.run() == 0 and later.explain().rows_left == 0


def test_a_state_that_outgrows_the_cursor_is_written_at_once(store: EmbeddedStore, clock: Scripted) -> None:
    fill(store, clock, commits_of(log_of(QUARTERS, 3)))
    first = Runner(QUARTERS, store, settings=SMALL)
    while (cursor := store.cursor("app:quarters")) is None or not cursor.state:
        assert first.step()
    grown = replace(SMALL, inline=len(cursor.state) + 100, save_rows=10**9)
    runner = Runner(QUARTERS, store, settings=grown)
    while (cursor := store.cursor("app:quarters")) is not None and cursor.state:
        assert runner.step(), "its state never grew"
    assert store.cursor("app:quarters", 1) is not None
