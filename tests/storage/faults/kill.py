"""kill -9 under load, checked against a ledger that the killed process cannot touch.

`python -m tests.storage.faults.kill --trials 200 --seed 7` prints a table. Each trial starts a writer on the
folder that the last one left, kills it at a moment drawn from the seed (while it opens, writes, seals, erases),
reopens the folder and holds it against the ledger and against what each thread was to write.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.storage.faults import workload
from tests.storage.faults.writer import SETTINGS
from tests.storage.test_semantics import objects, plain
from zhicheng.standards.changes import COLUMNS, Act
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.engines.memory import Row, fold, known_rows
from zhicheng.storage.log import Batch
from zhicheng.storage.series import concat

ROOT = Path(__file__).resolve().parents[3]
SLOWEST_START = 2.0
CHAIN = 10
"""Trials on one folder."""


@dataclass
class Outcome:
    """What one trial showed; times in seconds."""

    trial: int
    killed_after: float
    acknowledged: int
    unacknowledged: int
    position: int
    segments: int
    start: float


@dataclass
class Folder:
    """What is known of a folder from the ledgers of all trials on it."""

    path: Path
    seed: int
    next: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(workload.THREADS), 0))
    positions: dict[tuple[int, int], int] = field(default_factory=dict)
    verified: int = 1
    blobs: set[str] = field(default_factory=set)
    tables: dict[int, int] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)
    """Snapshots that the trials themselves damaged."""


def run_writer(folder: Folder, trial: int, dice: random.Random) -> tuple[list[list[object]], float]:
    """Start a writer, kill it, give its ledger."""
    command = [sys.executable, "-m", "tests.storage.faults.writer", str(folder.path), str(folder.seed), str(trial)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        lines: list[bytes] = []
        begun = threading.Event()

        def listen() -> None:
            for line in child.stdout or ():
                lines.append(line)
                begun.set()

        listener = threading.Thread(target=listen)
        listener.start()
        assert begun.wait(60), "the writer did not start"
        # one in five is killed while it opens the folder
        delay = dice.uniform(0, 0.05) if dice.random() < 0.2 else dice.uniform(0.05, 1.2)
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        status = child.wait()
        listener.join()
    assert status == -signal.SIGKILL, (status, lines[-3:])
    return [json.loads(line) for line in lines if line.endswith(b"\n")], delay


def check(folder: Folder, ledger: list[list[object]], trial: int, delay: float) -> Outcome:
    """Reopen, and hold what is there against what was acknowledged and what was to be written."""
    commits = {(int(f[1]), int(f[2])): (int(f[3]), int(f[4])) for f in ledger if f[0] == "commit"}  # type: ignore[call-overload]  # JSON has no types
    folder.blobs |= {str(fact[1]) for fact in ledger if fact[0] == "blob"}
    folder.tables |= {int(f[1]): int(f[2]) for f in ledger if f[0] == "table"}  # type: ignore[call-overload]  # JSON has no types
    sound = not any((folder.path / "snapshots" / name).exists() for name in folder.spoilt)
    begun = time.perf_counter()
    store = EmbeddedStore(folder.path, SETTINGS)
    start = time.perf_counter() - begun
    try:
        # without a snapshot the whole log is folded anew, which has its own price
        assert start < SLOWEST_START or not sound, f"restart took {start:.2f} s"
        before = len(folder.positions)
        rows = whole_log(store)
        check_log(folder, rows)
        for (thread, sequence), (position, _) in commits.items():
            assert folder.positions.get((thread, sequence)) == position, f"lost {thread}/{sequence} at {position}"
        check_cursors(folder, store)
        check_repetition(folder, store, commits)
        check_objects(folder, store)
        state = plain(objects(store.state))
        assert state == plain(fold(model_rows(rows), None)), "the live table is not the fold of the log"
        damage = [error for error in store.verify() if not any(name in error.en for name in folder.spoilt)]
        assert not damage, damage
        check_from_scratch(folder, state)
        fresh = len(folder.positions) - before
        figures = store.figures()
        return Outcome(trial, delay, len(commits), fresh - len(commits), store.state.position, figures.segments, start)
    finally:
        store.close()
        if trial % 3:
            spoil(folder)


def spoil(folder: Folder) -> None:
    """Damage the snapshot that a proper end writes, so that the next start has something to replay."""
    newest = max((folder.path / "snapshots").glob("*.state"))
    newest.write_bytes(newest.read_bytes()[:-1])
    folder.spoilt.add(newest.name)


def whole_log(store: EmbeddedStore) -> Batch:
    """All rows, read as a follower reads them."""
    parts, after = [], 0
    while len(part := store.tail(after, 5_000)):
        parts.append(part)
        after = int(part.position[-1])
    assert parts, "the log is empty"
    return concat(parts)


def check_log(folder: Folder, rows: Batch) -> None:
    """Positions without a gap; each thread's commits in its order, each once, each with its content."""
    assert rows.position[0] == 1
    assert set(np.diff(rows.position).tolist()) <= {0, 1}, "positions have gaps"
    assert (np.diff(rows.recorded_at) >= 0).all(), "recorded_at went back"
    fresh = rows.take(rows.position > folder.verified)
    erased = {}
    for position, (source, found, part) in workload.by_position(fresh).items():
        thread = int(str(source).rpartition("-")[2])
        sequence = folder.next[thread]
        wanted = workload.rows_of(workload.batch(folder.seed, thread, sequence).build())
        if len(found) != len(wanted):  # a later erasure took the secret; checked below
            wanted = [row for row in wanted if row[1] != repr(workload.SECRET)]
        assert found == wanted, f"position {position} is not batch {thread}/{sequence}"
        folder.next[thread] += 1
        folder.positions[thread, sequence] = position
        if (part.changes.act == Act.ERASE).any():
            erased[workload.entity(thread, 1)] = position
        folder.verified = position
    secrets = [code for code, name in enumerate(rows.changes.attribute.values) if name == workload.SECRET]
    for name, position in erased.items():
        mine = np.isin(rows.changes.attribute.codes, secrets) & (rows.position < position)
        mine &= rows.changes.act != Act.ERASE
        left = {rows.changes.entity[row] for row in np.flatnonzero(mine).tolist()}
        assert name not in left, f"an erasure at {position} left something of {name}"


def check_cursors(folder: Folder, store: EmbeddedStore) -> None:
    """A cursor moves with the commit it came with."""
    for thread, following in folder.next.items():
        cursor = store.cursor(workload.source(thread), thread)
        assert (-1 if cursor is None else int(cursor.position)) == following - 1
        assert cursor is None or cursor.state == b"state of %d" % (following - 1)


def check_repetition(folder: Folder, store: EmbeddedStore, commits: dict[tuple[int, int], tuple[int, int]]) -> None:
    """The same sequence again gives the first receipt and stores nothing."""
    position = store.state.position
    some = [*list(commits)[-100:], *list(commits)[:20]]
    futures = {key: store.submit(workload.commit(store, folder.seed, *key)) for key in some}
    for key, future in futures.items():
        receipt = future.result()
        assert (receipt.position, receipt.recorded_at, receipt.repeated) == (*commits[key], True)
    assert store.state.position == position


def check_objects(folder: Folder, store: EmbeddedStore) -> None:
    """Acknowledged blobs and tables are there."""
    for digest in folder.blobs:
        store.blob(digest)
    for version, number in folder.tables.items():
        assert store.tables("numbers", version)["only"].column("number").to_pylist() == [number]


def model_rows(rows: Batch) -> list[Row]:
    """The log as the model folds it."""
    columns = [getattr(rows.changes, name) for name in COLUMNS]
    listed = [column.list() if hasattr(column, "list") else column.tolist() for column in columns]
    heads = zip(
        rows.position.tolist(), rows.ordinal.tolist(), rows.recorded_at.tolist(), rows.source.list(), strict=True
    )
    found = [
        Row(*head, **dict(zip(COLUMNS, values, strict=True)), modified_at=head[2])  # type: ignore[arg-type]  # columns have the fields' types
        for head, values in zip(heads, zip(*listed, strict=True), strict=True)
    ]
    return known_rows(found, 2**62)


def check_from_scratch(folder: Folder, state: dict[str, object]) -> None:
    """Without any snapshot the same state comes out."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "copy"
        copy_unlocked(folder.path, copy)
        shutil.rmtree(copy / "snapshots", ignore_errors=True)
        again = EmbeddedStore(copy, SETTINGS)
        try:
            assert plain(objects(again.state)) == state, "a start without snapshots gives another state"
        finally:
            again.close()


def copy_unlocked(source: Path, target: Path) -> None:
    """The files as they lie there, with the write-ahead log."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*-shm", "lock", "*.partial"))


def new_folder(path: Path, seed: int) -> Folder:
    """A folder with the entity that all threads share."""
    store = EmbeddedStore(path, SETTINGS)
    store.commit(workload.first_commit())
    store.close()
    return Folder(path, seed)


def trials(count: int, seed: int, place: Path, show: bool = False) -> list[Outcome]:
    """Run them; the first that finds something wrong raises AssertionError and leaves its folder."""
    dice = random.Random(seed)
    outcomes: list[Outcome] = []
    folder = None
    for trial in range(count):
        if trial % CHAIN == 0:
            if folder is not None:
                shutil.rmtree(folder.path)
            folder = new_folder(place / f"folder-{trial}", seed + trial)
        assert folder is not None
        ledger, delay = run_writer(folder, trial, dice)
        outcomes.append(check(folder, ledger, trial, delay))
        if show:
            print("  ".join(f"{name}={_short(value)}" for name, value in vars(outcomes[-1]).items()), flush=True)
    return outcomes


def _short(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def main() -> None:
    """A line a trial, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"seed {options.seed}")
    place = Path(tempfile.mkdtemp(prefix="kill-"))
    outcomes = trials(options.trials, options.seed, place, show=True)
    sums = Counter[str]()
    for outcome in outcomes:
        sums["acknowledged"] += outcome.acknowledged
        sums["stored but not acknowledged"] += outcome.unacknowledged
    slowest = max(outcome.start for outcome in outcomes)
    print(f"{len(outcomes)} trials: {dict(sums)}, lost 0, slowest start {slowest:.3f} s")
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
