"""The process that is killed: opens a folder and commits from several threads as fast as it can.

Every acknowledgement is written to the pipe that stands as its standard output, one line of JSON: what was
acknowledged, by which thread, its sequence and where it stands. Lines after the last newline do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path

import pyarrow as pa

from tests.storage.faults import workload
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Receipt

SETTINGS = EmbeddedSettings(seal_rows=400, snapshot_rows=700, snapshots_kept=3)
"""Sealing and snapshots all the time."""
_WINDOW = 4
_pen = threading.Lock()


def say(*facts: object) -> None:
    """One line of the ledger, whole."""
    line = json.dumps(facts).encode() + b"\n"
    with _pen:
        os.write(sys.stdout.fileno(), line)


def write(store: EmbeddedStore, seed: int, thread: int) -> None:
    """One thread's commits, a few ahead of their acknowledgements, from where the log ends."""
    cursor = store.cursor(workload.source(thread), thread)
    sequence = 0 if cursor is None else int(cursor.position) + 1
    waiting: deque[tuple[int, Future[Receipt]]] = deque()
    while True:
        while waiting and (len(waiting) >= _WINDOW or _needs_all(sequence)):
            number, future = waiting.popleft()
            receipt = future.result()
            say("commit", thread, number, receipt.position, receipt.recorded_at)
        waiting.append((sequence, store.submit(workload.commit(store, seed, thread, sequence))))
        sequence += 1


def _needs_all(sequence: int) -> bool:
    """A correction must find what it corrects."""
    return sequence % workload.PERIOD in (30, 40)


def keep(store: EmbeddedStore, seed: int) -> None:
    """Blobs and reference tables, one after the other."""
    dice = random.Random(seed)
    while True:
        content = dice.randbytes(dice.randint(1, 20_000))
        say("blob", store.put_blob(content))
        number = dice.randrange(2**31)
        table = pa.table({"number": [number]})
        say("table", store.put_table("numbers", {"only": table}), number)


def main() -> None:
    """Runs until it is killed; a thread that fails ends the process with status 3."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("trial", type=int)
    options = parser.parse_args()
    say("begin")
    store = EmbeddedStore(options.folder, SETTINGS)
    say("open", store.state.position)
    jobs = [(write, (store, options.seed, thread)) for thread in range(workload.THREADS)]
    jobs.append((keep, (store, options.seed * 1000 + options.trial)))  # type: ignore[arg-type]  # jobs differ in their arguments
    for run, arguments in jobs:
        threading.Thread(target=_guarded, args=(run, arguments)).start()


def _guarded(run: object, arguments: tuple[object, ...]) -> None:
    try:
        run(*arguments)  # type: ignore[operator]  # jobs differ in their arguments
    except BaseException as error:  # noqa: BLE001  (whatever it is, the parent must hear of it)
        say("failed", repr(error))
        os._exit(3)


if __name__ == "__main__":
    main()
