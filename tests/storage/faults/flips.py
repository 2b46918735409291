"""Single-bit flips in everything that is stored: found, or without consequence; never served wrong.

`python -m tests.storage.faults.flips --count 2000 --seed 7` prints how many of each kind of file ended how.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pyarrow as pa

from tests.storage.faults import workload
from tests.storage.test_semantics import objects, plain
from zhicheng.kernel.errors import Corrupt, ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import HistoryQuery

SETTINGS = EmbeddedSettings(seal_rows=10**9, snapshot_rows=10**9)
KINDS = ("segment", "segment footer", "segment while open", "snapshot", "blob", "table", "state.db", "block")


def build(folder: Path, seed: int = 1) -> list[str]:
    """A folder with three segments, three snapshots, an open end, a blob, tables; gives the blobs' digests."""
    now = workload.START
    store = EmbeddedStore(folder, SETTINGS, lambda: now)
    store.commit(workload.first_commit())
    for sequence in range(120):
        now = workload.START + sequence * SECOND
        store.commit(workload.commit(store, seed, 0, sequence))
        if sequence in (30, 60, 90):
            store.seal()
            store.snapshot()
    blobs = [store.put_blob(random.Random(seed).randbytes(3_000))]
    numbers = {"stops": pa.table({"id": list(range(2_000)), "name": [f"stop {n}" for n in range(2_000)]})}
    store.put_table("timetable", numbers)
    store.close()
    return blobs


def served(store: EmbeddedStore, blobs: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that a store serves, by name, each as one reading."""
    moments = [workload.START + seconds * SECOND for seconds in (20, 75, 110)]
    yield "state", lambda: repr(sorted(plain(objects(store.state)).items()))
    yield (
        "log",
        lambda: repr(workload.by_position(store.tail(0)).keys()) + repr(workload.rows_of(store.tail(0).changes)),
    )
    yield "history", lambda: _history(store, HistoryQuery(None, time="effective"))
    yield "entity history", lambda: _history(store, HistoryQuery((workload.SHARED,), time="effective"))
    for moment in moments:
        yield f"as of {moment}", lambda at=moment: repr(sorted(plain(objects(store.as_of(at, at))).items()))  # type: ignore[misc]  # mypy infers no type for defaults
    yield "cursor", lambda: repr(store.cursor(workload.source(0), 0))
    yield "relations", lambda: repr([table.sort_by("position").to_pydict() for _, table in store.relations()])
    for digest in blobs:
        yield f"blob {digest}", lambda name=digest: store.blob(name)  # type: ignore[misc]  # mypy infers no type for defaults
    yield "tables", lambda: repr(store.tables("timetable")["stops"].to_pydict())
    yield "repeated", lambda: repr(store.commit(workload.commit(store, 1, 0, 100)))


def _history(store: EmbeddedStore, query: HistoryQuery) -> str:
    series = store.history(query)
    return repr((workload.rows_of(series.batch.changes), series.effective.tolist(), series.instance.tolist()))


def reading(folder: Path, blobs: list[str], then: Callable[[], None] | None = None) -> dict[str, object]:
    """What each reading gives: its content, or the damage that was found. `then` is done once the store is open and
    has been read.
    """
    try:
        store = EmbeddedStore(folder, SETTINGS, lambda: workload.START + 1000 * SECOND)
    except Corrupt as error:
        return {"open": error}
    found: dict[str, object] = {}
    try:
        if then is not None:
            for _, read in served(store, blobs):
                read()
            then()
        for name, read in served(store, blobs):
            try:
                found[name] = read()
            except Corrupt as error:
                found[name] = error
    finally:
        store.close()
    return found


def flip(path: Path, dice: random.Random, start: int = 0) -> None:
    """Turn one bit over, in place: those who have the file open meet it too."""
    with path.open("r+b") as file:
        place = dice.randrange(start, file.seek(0, os.SEEK_END))
        file.seek(place)
        byte = file.read(1)[0] ^ 1 << dice.randrange(8)
        file.seek(place)
        file.write(bytes([byte]))


def damage(folder: Path, kind: str, dice: random.Random) -> Callable[[], None]:
    """Gives what flips one bit of a kind of file."""
    if kind.startswith("segment"):
        path = dice.choice(sorted((folder / "segments").iterdir()))
        size = path.stat().st_size
        return lambda: flip(path, dice, size - 1_500 if kind == "segment footer" else 0)
    if kind == "block":
        return lambda: flip_block(folder, dice)
    places = {"snapshot": "snapshots/*.state", "blob": "blobs/*/*", "table": "tables/*/*", "state.db": "state.db"}
    path = dice.choice(sorted(folder.glob(places[kind])))
    return lambda: flip(path, dice)


def flip_block(folder: Path, dice: random.Random) -> None:
    """A bit of a block that SQLite itself wrote so: memory that failed before the page got its checksum."""
    with apsw.Connection(str(folder / "state.db"), vfs="cksmvfs") as database:
        rows = list(database.execute("SELECT first, block FROM log"))
        first, block = dice.choice(rows)
        content = bytearray(block)
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        database.execute("UPDATE log SET block = ? WHERE first = ?", (bytes(content), first))


def trial(source: Path, blobs: list[str], sound: dict[str, object], kind: str, dice: random.Random) -> str:
    """Flip one bit: "found", "harmless" or "SERVED WRONG: ..."."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("lock"))
        harm = damage(folder, kind, dice)
        if kind == "segment while open":
            found = reading(folder, blobs, harm)
        else:
            harm()
            found = reading(folder, blobs)
    wrong = [what for what, content in found.items() if content != sound.get(what) and not isinstance(content, Corrupt)]
    if wrong:
        return "SERVED WRONG: " + ", ".join(wrong)
    return "found" if any(isinstance(content, Corrupt) for content in found.values()) else "harmless"


def trials(count: int, seed: int, kinds: tuple[str, ...] = KINDS) -> dict[str, Counter[str]]:
    """So many flips, shared out among the kinds; how each kind ended."""
    dice = random.Random(seed)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "sound"
        blobs = build(folder)
        sound = reading(folder, blobs)
        assert not any(isinstance(content, ZhichengError) for content in sound.values())
        for number in range(count):
            kind = kinds[number % len(kinds)]
            counts[kind][trial(folder, blobs, sound, kind, dice)] += 1
    return counts


def wal_trials(count: int, seed: int) -> Counter[str]:
    """Flips in the write-ahead log that a killed process left: "found", "harmless", "last commit lost" or worse.

    A damaged last transaction cannot be told from one that a power cut tore before it was acknowledged.
    """
    dice = random.Random(seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "killed"
        store = EmbeddedStore(Path(name) / "store", SETTINGS)
        store.commit(workload.first_commit())
        for sequence in range(50):
            store.commit(workload.commit(store, seed, 0, sequence))
        shutil.copytree(store.folder, source, ignore=shutil.ignore_patterns("lock", "*-shm"))
        store.close()
        shutil.copytree(source, Path(name) / "sound")
        sound = _log(Path(name) / "sound")
        for number in range(count):
            folder = Path(name) / str(number)
            shutil.copytree(source, folder)
            flip(folder / "state.db-wal", dice)
            counts[_wal_outcome(folder, sound)] += 1
            shutil.rmtree(folder)
    return counts


def _wal_outcome(folder: Path, sound: list[list[workload.Row]]) -> str:
    before = (folder / "state.db-wal").read_bytes()
    try:
        found = _log(folder)
    except Corrupt:
        return "found" if (folder / "state.db-wal").read_bytes() == before else "found, and the evidence destroyed"
    if found != sound[: len(found)]:
        return "SERVED WRONG"
    lost = len(sound) - len(found)
    return {0: "harmless", 1: "last commit lost"}.get(lost, f"LOST {lost}")


def _log(folder: Path) -> list[list[workload.Row]]:
    store = EmbeddedStore(folder, SETTINGS)
    found = [part[1] for part in workload.by_position(store.tail(0)).values()]
    store.close()
    return found


def main() -> None:
    """A line a kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=800)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"seed {options.seed}")
    for kind, counts in trials(options.count, options.seed).items():
        print(f"{kind:20} {dict(counts)}", flush=True)
    print(f"{'write-ahead log':20} {dict(wal_trials(options.count // len(KINDS), options.seed))}")


if __name__ == "__main__":
    main()
