"""What a veil adds to SQL: statements as the server answers them, of who sees all and of who does not, in turn."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely

from benchmarks import parking
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.hub.veil import Veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.server.folder import DataFolder
from zhicheng.server.sql import asking
from zhicheng.server.sql.asking import Limits
from zhicheng.server.sql.question import Asked
from zhicheng.standards.filter import tree
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.port import Store

_STATEMENTS = {
    "over all": parking.SQL,
    "a count by type": "SELECT type, count(DISTINCT entity) FROM entities GROUP BY type",
    "a day": "SELECT count(*), avg(number) FROM history WHERE attribute = 'availableSpotNumber' "
    "AND observed_at >= '2023-04-10' AND observed_at < '2023-04-11'",
    "by day of storing": "SELECT recorded_at::DATE, source, count(*) FROM history GROUP BY ALL",
}
_LIMITS = Limits(512_000_000, 120_000_000, 100_000)


def veils(store: EmbeddedStore) -> dict[str, Veil]:
    """Who sees nine of ten car parks and not how many places these have; who sees those in the eastern half."""
    (table,) = store.state.tables
    names = table.directory.names(table.entity[: table.count])
    (places,) = table.cells(LOCATION)
    middle = float(np.nanmedian(places.bounds()[0]))
    east = tree.Geo(LOCATION, "within", shapely.box(middle, -90, 180, 90))
    return {
        "citizen": Veil(
            tree.Not(tree.Ids(frozenset(names[::10]))), lambda name, *_: not name.endswith("/totalSpotNumber")
        ),
        "district": Veil(east, lambda *_: True),
    }


def seconds(store: Store, sql: str, near: Path) -> float:
    """Processor time of a statement: what is laid out for the child, and the child itself."""
    began = _processor()
    place = asking.made(near)
    try:
        asking.lay_out(store, sql, _short, place)
        asked = Asked(
            sql, str(place), _LIMITS.memory, _LIMITS.time / 1e6, _LIMITS.rows, names=asking.names_of(store, _short)
        )
        asking.ask(asked, _LIMITS)
    finally:
        asking.cleared(place)
    return _processor() - began


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _processor() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(folder: Path) -> Iterator[Round]:
    """Round by round; each statement of each in turn."""
    data = folder / "data"
    parking.imported(parking.archive(), data)
    store = EmbeddedStore(DataFolder(data).tenant("default"))
    seen = {name: VeiledStore(store, veil, LOCATION) for name, veil in veils(store).items()}
    try:
        for _ in range(ROUNDS):
            found: dict[str, tuple[float, float | None]] = {}
            for words, sql in _STATEMENTS.items():
                whole = seconds(store, sql, folder)
                found |= {f"sql of a {name}, {words}": (seconds(one, sql, folder), whole) for name, one in seen.items()}
            yield found
    finally:
        store.close()


BENCHMARK = Benchmark(
    "filtered-sql",
    "SQL over 3.6 million readings of 626 car parks through a veil, with the start of its process",
    tuple(
        Figure(f"sql of a {who}, {words}", "s CPU", ratio=3.0, lower=True, floor="the same statement of who sees all")
        for words in _STATEMENTS
        for who in ("citizen", "district")
    ),
    run,
)
