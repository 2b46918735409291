"""Readings that come late change no value, but they do change the entity: the past says so, sealed or not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.entities import entity_of
from zhicheng.storage.log import Commit

NAMES = ("urn:x:1", "urn:x:2")


def reading(name: str, attribute: str, at: int, value: float) -> Changes:
    return Changes.of_readings(Coded.of([name]), Coded.of([attribute]), np.array([at]), np.array([value]))


def test_the_past_of_late_readings_is_what_was_live(tmp_path: Path) -> None:
    now = 1_700_000_000 * SECOND
    store = EmbeddedStore(tmp_path / "late", clock=lambda: now)
    chance = random.Random(5)
    born = ChangesBuilder()
    for name in NAMES:
        add_life(born, name, Act.SET)
        add_types(born, name, ("https://x/T",))
    store.commit(Commit(born.build(), "p", "s"))
    live: dict[int, list[Entity | None]] = {}
    for value in range(60):
        now += SECOND
        at = now - chance.randrange(600) * SECOND
        row = reading(chance.choice(NAMES), chance.choice(("https://x/a", "https://x/b")), at, float(value))
        store.commit(Commit(row, "p", "s"))
        live[now] = [entity_of(store.state, name) for name in NAMES]
    for _ in ("open", "sealed"):
        for instant, entities in live.items():
            past = store.as_of(instant, instant)
            assert [entity_of(past, name) for name in NAMES] == entities
        store.seal()
    store.close()
