"""Vector tiles of 3,500 live points, from the live table and through HTTP; the floor is the encoder alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson

from benchmarks import city, serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from benchmarks.load import http_request, send
from zhicheng.hub.intake import IntakeSettings
from zhicheng.server.moment import Moment
from zhicheng.server.portals import tiles
from zhicheng.server.space import make_space
from zhicheng.server.stream.watch import look_of
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.mvt import EXTENT, encode_points
from zhicheng.storage.engines.embedded.records import EmbeddedRecords
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_ZOOM, _POINTS = 12, 3_500
_TILES, _SECONDS = 60, 2.0


def places() -> list[tuple[int, int, int]]:
    """The tiles that lie wholly in the city; each shows about 3,500 stations."""
    side = 2**_ZOOM

    def down(lat: float) -> float:
        return float(side * (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2)

    xs = range(int((city.WEST / 360 + 0.5) * side) + 1, int(((city.WEST + city.WIDE) / 360 + 0.5) * side))
    ys = range(int(down(city.SOUTH + city.HIGH)) + 1, int(down(city.SOUTH)))
    return [(_ZOOM, x, y) for x in xs for y in ys]


def rate(make: Callable[[int], bytes]) -> float:
    """Tiles a second."""
    began = time.perf_counter()
    for number in range(_TILES):
        make(number)
    return _TILES / (time.perf_counter() - began)


def encoder() -> Callable[[int], bytes]:
    """The bare encoder: as many points, with an id and one value."""
    draw = np.random.default_rng(0)
    x, y = draw.uniform(0, EXTENT, _POINTS), draw.uniform(0, EXTENT, _POINTS)
    values = {"value": draw.integers(0, 255, _POINTS).astype(np.float64)}
    numbers = np.arange(_POINTS, dtype=np.uint64)
    return lambda _: encode_points("points", x, y, numbers, values)


def run(folder: Path) -> Iterator[Round]:
    """Round by round: the live table's and the bare encoder's in turn, then through HTTP."""
    data = folder / "data"
    shutil.copytree(serving.populated(folder), data)
    chosen, bare = places(), encoder()
    tenant = data / "tenants" / "default"
    store, records = EmbeddedStore(tenant), EmbeddedRecords(tenant)
    space = make_space("default", store, records, Catalogue.builtin(), {}, IntakeSettings())
    look = look_of(city.TYPE, None, None, space.contexts.default)

    def live(number: int) -> bytes:
        return tiles.make(
            space, look, chosen[number % len(chosen)], Moment(store.state, city.START + number, frozenset())
        )

    pairs = [(rate(live), rate(bare)) for _ in range(ROUNDS)]
    store.close()
    records.close()
    with serving.ours(data) as server:
        for ours, floor in pairs:
            load = send(server.port, list(_requests(chosen)), folder, 1, _SECONDS)
            yield {"tiles": (ours, floor), "tiles http": (load.rate / 2, floor)}


def _requests(chosen: list[tuple[int, int, int]]) -> Iterator[bytes]:
    """Before each tile something in the city changes, so that none is answered from those made before."""
    for number, (zoom, x, y) in enumerate(chosen):
        body = orjson.dumps({"pm25": {"type": "Property", "value": number}})
        path = f"/ngsi-ld/v1/entities/{city.identifier(number)}/attrs"
        yield http_request("PATCH", path, body)
        yield http_request("GET", f"/tiles/{city.TYPE}/{zoom}/{x}/{y}")


BENCHMARK = Benchmark(
    "tiles",
    "Vector tiles of 3,500 live points out of 100,000 with id, label, age and marks; by HTTP with a change before each",
    (
        Figure("tiles", "/s", 200, 300, floor="the bare encoder: 3,500 points, each with an id and one value"),
        Figure("tiles http", "/s", floor="the bare encoder: 3,500 points, each with an id and one value"),
    ),
    run,
)
