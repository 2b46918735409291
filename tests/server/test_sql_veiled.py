"""SQL of who does not see all: the rows that are seen, of sealed segments too, and nothing else by any name."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.hub.happening import OPEN, SLOW, WEST, happening, veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.server.sql import asking, seen
from zhicheng.server.sql.asking import Limits
from zhicheng.server.sql.question import Asked
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.port import Store

_VEILS = {"all entities": tree.EVERYTHING, "open": OPEN, "slow": SLOW, "west": WEST, "none": tree.NOTHING}
_LIMITS = Limits(512_000_000, 60_000_000, 100_000)
_OWN = "position, ordinal, entity, attribute, number, text, owner, classification, recorded_at, source, principal"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """Two sealed segments and an open end, of commits by several sources."""
    opened = EmbeddedStore(tmp_path_factory.mktemp("veiled") / "tenant")
    chance, living = random.Random(11), set[str]()
    for step in range(240):
        happening(opened, chance, living)
        if step in (80, 170):
            opened.seal()
    yield opened
    opened.close()


def asked(store: Store, sql: str, near: Path) -> list[tuple[object, ...]]:
    """The rows of an answer."""
    place = asking.made(near)
    try:
        asking.lay_out(store, sql, str, place)
        question = Asked(sql, str(place), _LIMITS.memory, _LIMITS.time / 1e6, _LIMITS.rows, "arrow")
        found = pa.ipc.open_stream(asking.ask(question, _LIMITS).body).read_all()
    finally:
        asking.cleared(place)
    return [tuple(row.values()) for row in found.to_pylist()]


@pytest.mark.parametrize("where", _VEILS.values(), ids=list(_VEILS))
def test_history_is_the_rows_that_are_seen(store: EmbeddedStore, tmp_path: Path, where: Node) -> None:
    veiled = VeiledStore(store, veil(where), LOCATION)
    wanted = [
        tuple(row.values()) for _, part in veiled.relations() for row in part.select(_OWN.split(", ")).to_pylist()
    ]
    assert 0 < len(wanted) < sum(len(part) for _, part in store.relations()) or where is tree.NOTHING

    assert sorted(asked(veiled, f"SELECT {_OWN} FROM history", tmp_path), key=repr) == sorted(wanted, key=repr)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sealed --history",
        "SELECT * FROM open_end --history",
        "SELECT * FROM temp.main.sealed --history",
        "SELECT s.* FROM history RIGHT JOIN sealed s USING (position, ordinal)",
        "FROM sealed ANTI JOIN history USING (position, ordinal)",
    ],
)
def test_what_the_history_is_made_of_holds_no_more(store: EmbeddedStore, tmp_path: Path, sql: str) -> None:
    """Of the entities, and of the values, that are named by any relation, all are seen."""
    veiled = VeiledStore(store, veil(OPEN), LOCATION)
    seen_rows = {
        (row["entity"], row["attribute"], row["text"]) for _, part in veiled.relations() for row in part.to_pylist()
    }
    texts = {one for row in seen_rows for one in row}
    every = {
        one for _, part in store.relations() for row in part.select(["entity", "text"]).to_pylist()
        for one in row.values() if one is not None
    }  # fmt: skip

    found = {value for row in asked(veiled, sql, tmp_path) for value in row}

    assert found & every <= texts


def test_commits_of_which_nothing_is_seen_say_nothing(store: EmbeddedStore, tmp_path: Path) -> None:
    veiled = VeiledStore(store, veil(WEST), LOCATION)
    own = {row for _, part in veiled.relations() for row in part.column("recorded_at").to_pylist()}
    sql = "SELECT unnest(recorded_at) FROM commit_facts --history"

    found = {row[0] for row in asked(veiled, sql, tmp_path)} - {None}

    assert found == own


def test_what_commits_say_is_not_worked_out_where_nobody_asks(store: EmbeddedStore, tmp_path: Path) -> None:
    veiled = VeiledStore(store, veil(WEST), LOCATION)
    assert asked(veiled, "SELECT count(*) FROM history WHERE position > 0", tmp_path)[0][0]
    (when,) = asked(veiled, "SELECT max(coalesce(recorded_at, now())) < now() FROM history", tmp_path)
    assert when == (True,)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT recorded_at FROM history",
        "SELECT (h).recorded_at FROM (SELECT h FROM history h)",
        "SELECT COLUMNS('^recorded') FROM history",
        "WITH h AS MATERIALIZED (FROM history) SELECT recorded_at FROM h",
        "SELECT recorded_at FROM query('FROM history')",
        "SELECT effective_at FROM history WHERE observed_at IS NULL",
        "SELECT recorded_at FROM history WHERE source = 'test' AND principal = 'test'",
    ],
)
def test_what_commits_say_is_there_however_it_is_asked_for(store: EmbeddedStore, tmp_path: Path, sql: str) -> None:
    veiled = VeiledStore(store, veil(OPEN), LOCATION)
    wanted = [when for _, part in veiled.relations() for when in part.column("recorded_at").to_pylist()]

    assert sorted(asked(veiled, sql, tmp_path), key=repr) == sorted([(when,) for when in wanted], key=repr)


def test_rows_without_a_time_of_observation_are_found_by_that(store: EmbeddedStore, tmp_path: Path) -> None:
    """What is known of a segment's times must not leave them out."""
    every = sum(len(part) for _, part in store.relations())

    assert asked(store, "SELECT count(*) FROM history WHERE observed_at IS NULL", tmp_path) == [(every,)]


class _Careless:
    """An engine that does not heed filters."""

    def __init__(self) -> None:
        self._inner = duckdb.connect()
        self.execute = self._inner.execute

    def register(self, name: str, _: object) -> None:
        self._inner.register(name, pa.table({"place": [1, 2, 3, 4], "hidden": ["yes", "no", "no", "yes"]}))


def test_an_engine_that_reads_past_the_filter_answers_nothing() -> None:
    seen.tried(duckdb.connect())

    with pytest.raises(seen.Unveiled):
        seen.tried(_Careless())  # type: ignore[arg-type]  # as much of a connection as is used


def test_triples_are_told_apart(tmp_path: Path) -> None:
    """A value is shown by attribute, owner and classification together, none of them alone."""
    triples = [(a, o, c) for a in ("a", "b", None) for o in ("x", None) for c in ("k", "l", None)]
    rows = ds.dataset(
        pa.table({n: [t[i] for t in triples] for i, n in enumerate(("attribute", "owner", "classification"))})
    )
    chance = random.Random(3)
    for _ in range(60):
        shown = [triple for triple in triples if chance.random() < 0.5]
        (tmp_path / seen.SHOWN).write_text(json.dumps([[t, t in shown] for t in triples]))
        found = seen.veiled(rows, tmp_path).to_table().to_pylist()
        assert [tuple(row.values()) for row in found] == shown
