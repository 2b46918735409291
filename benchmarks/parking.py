"""Three months of 626 real car parks: import, hourly occupancy of one, the city at a past instant, SQL over all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson

from benchmarks import serving
from benchmarks.figure import ROUNDS, Benchmark, Figure, Round, Skipped
from benchmarks.load import http_request, send
from zhicheng.kernel.instants import HOUR
from zhicheng.server.folder import DataFolder
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_ROOT = Path(__file__).resolve().parent.parent
_ARCHIVE = "parking/germany_parking_2023-03..05.tar.xz"
_FIRST, _HOURS = 1_677_628_800_000_000, 92 * 24
_PARKS, _INSTANTS = 200, 5
_WHERE = "attribute = 'availableSpotNumber' GROUP BY entity ORDER BY entity"
SQL = f"SELECT entity, count(*), avg(number), max(number) FROM history WHERE {_WHERE}"
_BARE = """
import duckdb, sys
duckdb.sql(f"SELECT entity, count(*), avg(number), max(number) FROM read_parquet('{sys.argv[1]}/*.parquet') "
           "WHERE attribute LIKE '%/availableSpotNumber' GROUP BY entity ORDER BY entity").fetchall()
"""


def archive() -> Path:
    """The recorded data, which is not part of the project: below ZHICHENG_TEST_DATA, else ../shared/data."""
    folder = Path(os.environ.get("ZHICHENG_TEST_DATA") or _ROOT.parent / "shared" / "data")
    path = folder / _ARCHIVE
    if not path.exists():
        raise Skipped(f"there is no {path}; name the folder of recorded data in ZHICHENG_TEST_DATA")
    return path


def hourly(server: serving.Server) -> list[bytes]:
    """A request for each of many car parks: mean free places, hour by hour, over the whole time."""
    listed = server.get(
        "/ngsi-ld/v1/entities?type=OffStreetParking&attrs=availableSpotNumber&limit=1000&options=simplified"
    )
    window = "timerel=between&timeAt=2023-03-01T00:00:00Z&endTimeAt=2023-06-01T00:00:00Z"
    asked = f"attrs=availableSpotNumber&{window}&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=PT1H"
    parks = [park["id"] for park in orjson.loads(listed)]
    return [http_request("GET", f"/ngsi-ld/v1/temporal/entities/{park}?{asked}") for park in parks[:_PARKS]]


def seconds(*command: str) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, capture_output=True, check=True)
    return time.perf_counter() - began


def past(store: EmbeddedStore, draw: np.random.Generator) -> float:
    """The city as it was at a few instants, one after the other; milliseconds for each."""
    chosen = _FIRST + draw.integers(0, _HOURS, _INSTANTS) * HOUR
    began = time.perf_counter()
    for instant in chosen.tolist():
        store.as_of(instant)
    return 1000 * (time.perf_counter() - began) / _INSTANTS


def run(folder: Path) -> Iterator[Round]:
    """One import, then round by round."""
    data = folder / "data"
    rate = imported(archive(), data)
    tenant = DataFolder(data).tenant("default")
    draw = np.random.default_rng(0)
    rounds: list[dict[str, tuple[float, float | None]]] = []
    with serving.ours(data) as server:
        requests = hourly(server)
        for _ in range(ROUNDS):
            load = send(server.port, requests, folder, 1)
            rounds.append({"import": (rate, None), "hourly": (load.p95_ms, None)})
    store = EmbeddedStore(tenant)
    for one in rounds:
        one["as of"] = (past(store, draw), None)
    store.close()
    for one in rounds:
        ours = seconds(serving.PROGRAM, "query", SQL, "--data", str(data), "--format", "json")
        one["sql"] = (ours, seconds(sys.executable, "-c", _BARE, str(tenant / "segments")))
    yield from rounds


def imported(file: Path, data: Path) -> float:
    """Import everything by the one command; changes a second."""
    command: Sequence[str] = (serving.PROGRAM, "import", "examples/german-parking.toml", str(file), "--data", str(data))
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=_ROOT, env={**os.environ, "ZHICHENG_LANG": "en"}, capture_output=True, text=True, check=True
    )
    taken = time.perf_counter() - began
    found = re.search(r"([\d,]+) changes stored", done.stdout)
    if found is None:
        raise RuntimeError(f"the import does not say what it stored: {done.stdout[-500:]}")
    return int(found[1].replace(",", "")) / taken


BENCHMARK = Benchmark(
    "parking",
    "3.6 million readings of 626 car parks over three months: imported, hour by hour, as of an instant, by SQL",
    (
        Figure("import", "changes/s"),
        Figure("hourly", "ms p95", 50, lower=True),
        Figure("as of", "ms", 500, 100, lower=True),
        Figure("sql", "s", lower=True, floor="DuckDB alone on the same segments, start of its process included"),
    ),
    run,
)
