"""Readers beside the writer, and beside each other."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Commit, HistoryQuery

START = 1_700_000_000 * SECOND
SPEED = "https://x/speed"
NAMES = [f"urn:ngsi-ld:Vehicle:{number:02d}" for number in range(50)]


def filled(folder: Path, readings: int) -> EmbeddedStore:
    """Fifty vehicles with so many readings each, sealed into several segments."""
    store = EmbeddedStore(folder, EmbeddedSettings(), lambda: START + 10**6 * SECOND)
    builder = ChangesBuilder()
    for name in NAMES:
        builder.add(name, None, kind=Kind.LIFE, act=Act.SET)
        builder.add(name, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text='["https://x/Vehicle"]')
    store.commit(Commit(builder.build(), "tester", "test"))
    for part in range(readings):
        entity = Coded.of(NAMES)
        times = np.full(len(NAMES), START + part * SECOND)
        changes = Changes.of_readings(entity, Coded.constant(SPEED, 50), times, np.arange(50.0) * 1000 + part)
        store.commit(Commit(changes, "tester", "test"))
        if part % 100 == 99:
            store.seal()
    return store


def test_many_readers_of_one_segment_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = filled(tmp_path, 400)
    wrong: list[object] = []

    def read(thread: int) -> None:
        for turn in range(30):
            number = (thread * 7 + turn) % 50
            series = store.history(HistoryQuery((NAMES[number],), (SPEED,)))
            if series.batch.changes.number.tolist() != [number * 1000 + part for part in range(400)]:
                wrong.append((thread, turn))

    def guarded(thread: int) -> None:
        try:
            read(thread)
        except Exception as error:  # noqa: BLE001  (told by the main thread)
            wrong.append(error)

    threads = [threading.Thread(target=guarded, args=(thread,)) for thread in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    store.close()
    assert not wrong
