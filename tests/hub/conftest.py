"""A store in a folder, and the hub's parts on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.making import Clock
from zhicheng.hub.intake import Intake
from zhicheng.hub.query import Query
from zhicheng.hub.readings import Readings
from zhicheng.hub.temporal import Temporal
from zhicheng.storage.engines.embedded.store import EmbeddedStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "tenant", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def intake(store: EmbeddedStore) -> Intake:
    return Intake(store)


@pytest.fixture
def readings(intake: Intake) -> Readings:
    return Readings(intake)


@pytest.fixture
def query(store: EmbeddedStore) -> Query:
    return Query(store)


@pytest.fixture
def temporal(store: EmbeddedStore, query: Query) -> Temporal:
    return Temporal(store, query)
