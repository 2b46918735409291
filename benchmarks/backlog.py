"""A long history that applications meet while the city is in use: memory, answers and the stop meanwhile.

A month of 200 car parks, every five minutes, in one sealed segment. The floor is the same server once all is read.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks import serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import DAY, MINUTE
from zhicheng.server.folder import DataFolder
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

_PARKS, _DAYS, _EVERY = 200, 30, 5 * MINUTE
_TYPE = "OffStreetParking"
_IDS = [f"urn:ngsi-ld:{_TYPE}:{number}" for number in range(_PARKS)]
_MEAN = f"/ngsi-ld/v1/temporal/entities/{_IDS[7]}?attrs=availableSpotNumber&timerel=after&timeAt=2020-01-01T00:00:00Z"
_ASKED = (f"{_MEAN}&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P1D", "/api/v1/apps", "/api/v1/vitals")
_PATIENCE = 300.0


def run(folder: Path) -> Iterator[Round]:
    """The history is made once; each round begins with it as it was."""
    _make(DataFolder(folder / "made"))
    for number in range(ROUNDS):
        data = folder / f"round-{number}"
        shutil.copytree(folder / "made", data)
        yield _round(data)
        shutil.rmtree(data)


def _make(data: DataFolder) -> None:
    """The month, imported today."""
    data.make()
    store = EmbeddedStore(data.tenant("default"))
    draw = np.random.default_rng(11)
    store.commit(Commit(_born(), "b", "import"))
    steps = int(DAY // _EVERY)
    start = time.time_ns() // 1000 - _DAYS * DAY
    for day in range(_DAYS):
        at = start + day * DAY + np.repeat(np.arange(steps) * _EVERY, _PARKS)
        parks = np.tile(np.arange(_PARKS, dtype=np.int32), steps)
        free = Coded.constant(iri("availableSpotNumber"), len(at))
        values = draw.integers(0, 400, len(at)).astype(float)
        store.commit(Commit(Changes.of_readings(Coded(_IDS, parks), free, at, values), "b", "import"))
    store.compact()
    store.close()


def _born() -> Changes:
    rows = ChangesBuilder()
    for identifier in _IDS:
        add_life(rows, identifier)
        add_types(rows, identifier, (iri(_TYPE),))
    return rows.build()


def _round(data: Path) -> dict[str, tuple[float, float | None]]:
    with ExitStack() as stack:
        server = stack.enter_context(serving.ours(data))
        began, busy, most, slowest, behind = time.monotonic(), server.busy, 0.0, 0.0, True
        while behind:
            slowest = max(slowest, *(_asked(server, path) for path in _ASKED))
            most = max(most, server.memory)
            behind = any(app["figures"]["position"] < app["figures"]["end"] for app in _apps(server))
            if time.monotonic() - began > _PATIENCE:
                raise TimeoutError("the history was not worked off")
            time.sleep(0.05)
        cores = (server.busy - busy) / (time.monotonic() - began)
        time.sleep(1)
        quiet = max(_asked(server, path) for path in _ASKED for _ in range(20))
        after = server.memory
    shutil.rmtree(data)
    shutil.copytree(data.parent / "made", data)
    with ExitStack() as stack:
        stack.enter_context(serving.ours(data))
        time.sleep(1)
        ended = time.monotonic()
    return {
        "backlog memory": (most, after),
        "backlog answer": (1000 * slowest, 1000 * quiet),
        "backlog processor": (cores, None),
        "backlog stop": (time.monotonic() - ended, None),
    }


def _asked(server: serving.Server, path: str) -> float:
    began = time.perf_counter()
    server.get(path)
    return time.perf_counter() - began


def _apps(server: serving.Server) -> list[dict[str, dict[str, int]]]:
    found: list[dict[str, dict[str, int]]] = json.loads(server.get("/api/v1/apps"))
    return found


BENCHMARK = Benchmark(
    "backlog",
    "1.7 million readings that applications have yet to read in a city in use: memory, slowest answer, processor, stop",
    (
        Figure("backlog memory", "MB", 700, 400, 2.0, lower=True, floor="the same server once all is read"),
        Figure("backlog answer", "ms", 1000, 300, lower=True, floor="the slowest of 20 once all is read"),
        Figure("backlog processor", "cores", 1, 0.6, lower=True),
        Figure("backlog stop", "s", 2, 1, lower=True),
    ),
    run,
)
