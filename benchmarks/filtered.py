"""What a veil adds to queries: the same questions through the store of who sees all and of who does not, in turn."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.veil import Veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.kernel.instants import MINUTE
from zhicheng.security import principals
from zhicheng.security.cedar.filters import Vocabulary, both
from zhicheng.security.defaults import POLICIES
from zhicheng.security.policies import Policies
from zhicheng.server.folder import DataFolder
from zhicheng.standards.changes import Act, Changes, ChangesBuilder
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.q import parse
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.changes import add_attribute
from zhicheng.standards.ngsild.model import Attribute, Json, Kind
from zhicheng.standards.ngsild.names import CLASSIFICATION, LOCATION, OWNER
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

_SIDE, _QUERIES, _STATIONS = 0.2, 100, 100_000
_BETWEEN, _CHANGED = 10, 100
"""Questions between two commits, and entities that one changes; every tenth of these moves."""
_OWN = """
permit(principal in Role::"district", action in Action::"reading", resource is Entity)
when { resource in Area::"east" };
permit(principal in Role::"district", action in Action::"reading", resource is Attribute)
unless { resource has classification && resource.classification == "internal" };
"""


def questions() -> list[Node]:
    """As the benchmark `query` asks: a type, two values, a box of 4 % of the city; all in its eastern half."""
    terms = city.context()
    found = []
    for number in range(_QUERIES):
        west = city.WEST + city.WIDE * (0.5 + (0.5 - _SIDE) * (number * 0.7548776662466927 % 1))
        south = city.SOUTH + city.HIGH * (1 - _SIDE) * (number * 0.5698402909980532 % 1)
        box = shapely.box(west, south, west + _SIDE * city.WIDE, south + _SIDE * city.HIGH)
        values = parse(f"pm25>{60 + number % 40};temperature<{20 + number % 10}", terms.expand)
        found.append(both(tree.Type(terms.expand(city.TYPE)), values, tree.Geo(LOCATION, "within", box)))
    return found


def veils() -> dict[str, Veil]:
    """What a citizen may see, by the shipped policies; and who may see what lies in the eastern half of the city."""
    terms = city.context()
    east = shapely.box(city.WEST + city.WIDE / 2, city.SOUTH, city.WEST + city.WIDE, city.SOUTH + city.HIGH)
    words = Vocabulary(
        terms.expand, terms.compact, "default", {"east": east}.get, lambda uid: frozenset((uid.id,)),
        OWNER, CLASSIFICATION,
    )  # fmt: skip
    officer = principals.principal("li", "default", ["district"], kind="Person")
    policies = Policies(POLICIES + _OWN, [officer, principals.guest("default")], words)
    asked = {"citizen": (principals.GUEST, "entities:read"), "district": (officer.uid, "entities:read")}
    return {
        name: Veil(policies.filter(*who, {}, words), policies.mask(*who, {}, words).shows)
        for name, who in asked.items()
    }


def classified() -> Changes:
    """Every tenth station is internal, and so are all values of ozone and every seventh of fine dust."""
    expand, rows = city.context().expand, ChangesBuilder()
    for number in range(_STATIONS):
        one = city.identifier(number)
        if number % 10 == 0:
            add_attribute(rows, one, CLASSIFICATION, Attribute(Kind.PROPERTY, "internal"), Act.SET)
        add_attribute(rows, one, expand("o3"), _reading(number % 160, "internal"), Act.SET)
        if number % 7 == 0:
            add_attribute(rows, one, expand("pm25"), _reading(number % 150, "internal"), Act.SET)
    return rows.build()


def _reading(value: float, classification: str | None, observed_at: int = city.START + MINUTE) -> Attribute:
    return Attribute(Kind.PROPERTY, value, observed_at=observed_at, classification=classification)


def changed(number: int, draw: np.random.Generator) -> Changes:
    """New readings of some stations, classified as before; every tenth of them moves."""
    expand, rows = city.context().expand, ChangesBuilder()
    now = city.START + (number + 2) * MINUTE
    for place, station in enumerate(draw.choice(_STATIONS, _CHANGED, replace=False).tolist()):
        one, value = city.identifier(station), float(draw.integers(0, 150))
        add_attribute(rows, one, expand("pm25"), _reading(value, None if station % 7 else "internal", now), Act.SET)
        if place % 10 == 0:
            point: Json = {"type": "Point", "coordinates": city.position(int(draw.integers(_STATIONS)))}
            add_attribute(rows, one, LOCATION, Attribute(Kind.GEO, point), Act.SET)
    return rows.build()


def seconds(query: Query, asked: Sequence[Node]) -> float:
    """Processor time of questions with a page of 20 and the count of all."""
    began = time.thread_time()
    for where in asked:
        query.select(EntityQuery(where, 20, count=True))
    return time.thread_time() - began


def measured(store: EmbeddedStore, queries: Mapping[str, Query], *, busy: bool, seed: int) -> dict[str, float]:
    """Processor time of all questions through each store, a few of them through each in turn.

    busy: changes come in before each of these turns
    """
    draw, plain = np.random.default_rng(seed), questions()
    taken = dict.fromkeys(queries, 0.0)
    for first in range(0, len(plain), _BETWEEN):
        if busy:
            store.commit(Commit(changed(seed * _QUERIES + first, draw), "bench", "bench"))
        for name, query in queries.items():
            taken[name] += seconds(query, plain[first : first + _BETWEEN])
    return taken


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    data = DataFolder(shutil.copytree(serving.populated(folder), folder / "data"))
    store = EmbeddedStore(data.tenant("default"))
    try:
        store.commit(Commit(classified(), "bench", "bench"))
        seen = {name: Query(VeiledStore(store, veil, LOCATION)) for name, veil in veils().items()}
        queries = {"all": Query(store), **seen}
        measured(store, queries, busy=False, seed=0)
        for number in range(ROUNDS):
            found: dict[str, tuple[float, float | None]] = {}
            for busy, words in (
                (False, ""),
                (True, ", changes"),
            ):
                taken = measured(store, queries, busy=busy, seed=number + 1)
                found |= {
                    f"query of a {name}{words}": (_QUERIES / taken[name], _QUERIES / taken["all"]) for name in seen
                }
            yield found
    finally:
        store.close()


_FLOOR = "the same questions of who sees all"
BENCHMARK = Benchmark(
    "filtered",
    "Queries by type, two values and a box over 100,000 entities through a veil, in the process: a quiet city, and one "
    "where 100 entities change before every 10 questions",
    tuple(
        Figure(f"query of a {who}{when}", "/s CPU", ratio=0.9, floor=_FLOOR)
        for when in ("", ", changes")
        for who in ("citizen", "district")
    ),
    run,
)
