"""A disk that is full, and a disk whose fsync fails: programs that the tests run apart.

`full FOLDER`: FOLDER is a small file system of its own; it is filled to within a few kilobytes, again and again.
`failing FOLDER`: works until a sync fails, which whoever started it arranges; acknowledgements go to standard output.
`sweep N`: lets the first, second, ... Nth sync of the work fail, each in a folder of its own, and prints a table.
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from tests.storage.faults import workload
from tests.storage.test_semantics import objects, plain
from zhicheng.kernel.errors import StorageFailed, StorageFull
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Commit

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = EmbeddedSettings(seal_rows=10**9, snapshot_rows=1, snapshots_kept=2)


def changes(number: int, size: int) -> Changes:
    """One row of so many random characters, which no compression makes small."""
    builder = ChangesBuilder()
    text = random.Random(number).randbytes(size // 2).hex()
    builder.add(workload.SHARED, workload.STATUS, act=Act.SET, form=Form.TEXT, text=f"{number} {text}")
    return builder.build()


def commit(store: EmbeddedStore, number: int, size: int) -> int:
    """The position of a commit that holds its number."""
    return store.commit(Commit(changes(number, size), "tester", "test")).position


def stored(store: EmbeddedStore) -> dict[int, int]:
    """Position and number of every commit in the log but the first."""
    rows, after, found = store.tail(0, 500), 0, {}
    while len(rows):
        texts = rows.changes.text.list()
        for position, text in zip(rows.position.tolist(), texts, strict=True):
            if position > 1:
                found[position] = int((text or "").split(" ")[0])
            after = position
        rows = store.tail(after, 500)
    return found


# a full disk --------------------------------------------------------------------------------------------------


def fill(mount: Path, left: int) -> Path:
    """Leave so many bytes on the file system."""
    ballast = mount / "ballast"
    usage = os.statvfs(mount)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(usage.f_bavail * usage.f_frsize - left, 4096))
    return ballast


def full(mount: Path) -> Counter[str]:
    """Meet the full disk in every act of the store, at many distances from the end; what was refused how often."""
    refused: Counter[str] = Counter()
    folder = mount / "tenant"
    store = EmbeddedStore(folder, SETTINGS)
    store.commit(workload.first_commit())
    acknowledged: dict[int, int] = {}
    number = 0
    works: dict[str, Callable[[], object]] = {
        "seal": store.seal,
        "snapshot": store.snapshot,
        "blob": lambda: store.put_blob(os.urandom(60_000)),
        "table": lambda: store.put_table("random", {"only": pa.table({"bytes": [os.urandom(60_000)]})}),
    }
    for left in [0, 4_096, 12_288, *range(20_000, 400_000, 40_000)]:
        ballast = fill(mount, left)
        for _ in range(40):
            number += 1
            before = plain(objects(store.state))
            try:
                acknowledged[commit(store, number, 16_000)] = number
            except StorageFull:
                refused["commit"] += 1
                assert plain(objects(store.state)) == before, "a refused commit shows"
        for name, work in works.items():
            try:
                work()
            except StorageFull:
                refused[name] += 1
        assert stored(store) == acknowledged
        ballast.unlink()
        number += 1
        acknowledged[commit(store, number, 16_000)] = number
        for work in works.values():
            work()
        assert stored(store) == acknowledged and not list(folder.rglob("*.partial"))
        shutil.rmtree(folder / "blobs")
    ballast = fill(mount, 0)
    store.close()
    ballast.unlink()
    store = EmbeddedStore(folder, SETTINGS)
    assert stored(store) == acknowledged and not store.verify()
    store.close()
    return refused


# a disk whose fsync fails -------------------------------------------------------------------------------------


def failing(folder: Path) -> None:
    """Work until the store stops; then nothing may be acknowledged any more, whatever the disk says."""
    try:
        store = EmbeddedStore(folder, SETTINGS)
        store.commit(workload.first_commit())
        say("open")
        for number in range(1, 40):
            say("ack", commit(store, number, 3_000), number)
            if number % 6 == 0:
                store.seal()
    except StorageFailed:
        say("stopped")
    else:
        store.close()
        say("untouched")
        return
    for number in range(100, 103):
        try:
            say("ack", commit(store, number, 3_000), number)
            say("went on")
        except (StorageFailed, UnboundLocalError):
            say("refused")


def say(*facts: object) -> None:
    """A line to whoever started this."""
    print(json.dumps(facts), flush=True)


def trial(folder: Path, number: int) -> str:
    """Let the Nth sync of each thread fail once; gives how it ended."""
    inject = f"inject=fsync,fdatasync:error=EIO:when={number}"
    strace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=fsync,fdatasync", "-e", inject]
    program = [sys.executable, "-m", "tests.storage.faults.disk", "failing", str(folder)]
    done = subprocess.run([*strace, *program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["went on"] not in facts, "the store acknowledged after a failed sync"
    acknowledged = {fact[1]: fact[2] for fact in facts if fact[0] == "ack"}
    store = EmbeddedStore(folder, SETTINGS)
    found = stored(store)
    assert acknowledged.items() <= found.items(), f"lost {acknowledged.items() - found.items()}"
    assert not store.verify()
    following = max(found, default=store.state.position) + 1
    if ["open"] in facts:
        assert commit(store, 200, 100) == following
    store.close()
    return str(facts[-1][0])


def sweep(count: int) -> None:
    """A line for each sync."""
    ends: Counter[str] = Counter()
    for number in range(1, count + 1):
        with tempfile.TemporaryDirectory() as folder:
            ends[trial(Path(folder), number)] += 1
            print(number, dict(ends), flush=True)


def main() -> None:
    """See the module."""
    logging.disable(logging.CRITICAL)
    what, where = sys.argv[1:]
    if what == "full":
        say("refused", full(Path(where)))
    elif what == "failing":
        failing(Path(where))
    else:
        sweep(int(where))


if __name__ == "__main__":
    main()
