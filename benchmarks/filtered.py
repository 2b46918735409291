"""What a policy's filter adds to a query: the same questions with and without it, in turn."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import shapely

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.security import principals
from zhicheng.security.cedar.filters import Vocabulary, both
from zhicheng.security.defaults import POLICIES
from zhicheng.security.policies import Policies
from zhicheng.server.folder import DataFolder
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.q import parse
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_SIDE, _QUERIES = 0.2, 100
_OWN = """
permit(principal in Role::"district", action in Action::"reading", resource) when { resource in Area::"east" };
"""


def questions() -> list[Node]:
    """As the benchmark `query` asks: a type, two values, a box of 4 % of the city."""
    terms = city.context()
    found = []
    for number in range(_QUERIES):
        west = city.WEST + city.WIDE * (1 - _SIDE) * (number * 0.7548776662466927 % 1)
        south = city.SOUTH + city.HIGH * (1 - _SIDE) * (number * 0.5698402909980532 % 1)
        box = shapely.box(west, south, west + _SIDE * city.WIDE, south + _SIDE * city.HIGH)
        values = parse(f"pm25>{60 + number % 40};temperature<{20 + number % 10}", terms.expand)
        found.append(both(tree.Type(terms.expand(city.TYPE)), values, tree.Geo(LOCATION, "within", box)))
    return found


def filters() -> dict[str, Node]:
    """What a citizen may see, by the shipped policies; and who may see the eastern half of the city."""
    terms = city.context()
    east = shapely.box(city.WEST + city.WIDE / 2, city.SOUTH, city.WEST + city.WIDE, city.SOUTH + city.HIGH)
    words = Vocabulary(
        terms.expand, str, "default", {"east": east}.get, lambda uid: frozenset((uid.id,)),
        terms.expand("owner"), terms.expand("classification"),
    )  # fmt: skip
    officer = principals.principal("li", "default", ["district"], kind="Person")
    policies = Policies(POLICIES + _OWN, [officer, principals.guest("default")], words)
    return {
        "citizen": policies.filter(principals.GUEST, "entities:read", {}, words),
        "district": policies.filter(officer.uid, "entities:read", {}, words),
    }


def rate(query: Query, asked: Sequence[Node]) -> float:
    """Questions a second, with a page of 20 and the count of all."""
    began = time.perf_counter()
    for where in asked:
        query.select(EntityQuery(where, 20, count=True))
    return len(asked) / (time.perf_counter() - began)


def run(folder: Path) -> Iterator[Round]:
    """Round by round."""
    store = EmbeddedStore(DataFolder(serving.populated(folder)).tenant("default"))
    query, plain = Query(store), questions()
    asked = {name: [both(where, more) for where in plain] for name, more in filters().items()}
    try:
        for each in (plain, *asked.values()):
            rate(query, each)
        for _ in range(ROUNDS):
            yield {f"query of a {name}": (rate(query, each), rate(query, plain)) for name, each in asked.items()}
    finally:
        store.close()


BENCHMARK = Benchmark(
    "filtered",
    "Queries by type, two values and a box over 100,000 entities with a policy's filter, in the process",
    (
        Figure("query of a citizen", "/s", ratio=0.9, floor="the same queries without the filter"),
        Figure("query of a district", "/s", ratio=0.9, floor="the same queries without the filter"),
    ),
    run,
)
