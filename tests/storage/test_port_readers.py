"""Readers beside the writer, and beside each other."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from tests.storage.faults import flips, workload
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import HistoryQuery


def test_many_readers_of_one_segment_do_not_disturb_each_other(tmp_path: Path) -> None:
    flips.build(tmp_path / "store")
    store = EmbeddedStore(tmp_path / "store", flips.SETTINGS)
    queries = [HistoryQuery((workload.entity(0, number),), (workload.COUNT,)) for number in range(8)]
    alone = [workload.rows_of(store.history(query).batch.changes) for query in queries]
    outcomes: Counter[str] = Counter()

    def read(thread: int) -> None:
        for turn in range(100):
            number = (thread + turn) % 8
            try:
                found = workload.rows_of(store.history(queries[number]).batch.changes)
                outcomes["same" if found == alone[number] else "other"] += 1
            except Exception as error:  # noqa: BLE001  (told by the main thread)
                outcomes[repr(error)] += 1

    threads = [threading.Thread(target=read, args=(thread,)) for thread in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    store.close()
    assert outcomes == {"same": 600}


def test_a_reader_sees_whole_commits_while_the_log_is_written_and_sealed(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, flips.SETTINGS)
    store.commit(workload.first_commit())
    stop = threading.Event()
    faults: list[str] = []

    def follow() -> None:
        while not stop.is_set():
            after = 0
            while len(part := store.tail(after, 100)):
                for position, (_, found, _) in workload.by_position(part).items():
                    if position != after + 1:
                        faults.append(f"{position} came after {after}")
                    after = position
                    wanted = workload.rows_of(workload.batch(1, 0, position - 2).build()) if position > 1 else found
                    if found != wanted:
                        faults.append(f"position {position} is not whole")

    followers = [threading.Thread(target=follow) for _ in range(2)]
    for follower in followers:
        follower.start()
    for sequence in range(50):
        store.commit(workload.commit(store, 1, 0, sequence))
        if sequence % 10 == 9:
            store.seal()
    stop.set()
    for follower in followers:
        follower.join()
    store.close()
    assert not faults
