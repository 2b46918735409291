"""Three months of German car parks by one command: every value at its time, every past instant, hourly figures."""

from __future__ import annotations

import logging
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from tests.acceptance.live import City, city_of
from tests.acceptance.parking import ARCHIVE, Archive, read_archive
from tests.server.conftest import engine_of
from zhicheng.hub.temporal import Temporal, Window
from zhicheng.kernel import instants
from zhicheng.kernel.instants import DAY, HOUR
from zhicheng.server.city import City as Platform
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city
from zhicheng.standards.models.names import term
from zhicheng.storage.engines.embedded.store import EmbeddedStore

ROOT = Path(__file__).resolve().parents[2]
FREE = term("availableSpotNumber")
FIRST, LAST = instants.parse("2023-03-01T00:00:00Z"), instants.parse("2023-06-01T00:00:00Z")
READINGS = 3_600_276
pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)
"""Figures measured: pytest --log-cli-level=INFO shows them."""


@dataclass
class Imported:
    """The data folder after one import, what the command printed, and the archive as an independent reader has it."""

    data: Path
    archive: Archive
    file: Path
    printed: str
    city: Platform

    @property
    def store(self) -> EmbeddedStore:
        return engine_of(self.city)

    @property
    def temporal(self) -> Temporal:
        return self.city.home.temporal


def run_import(data: Path, archive: Path) -> str:
    """The one command; what it prints."""
    command = [sys.executable, "-m", "zhicheng.cli.main", "import", "examples/german-parking.toml"]
    done = subprocess.run(
        [*command, str(archive), "--data", str(data)],
        cwd=ROOT, env={**os.environ, "ZHICHENG_LANG": "en"}, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def imported(data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    file = data(ARCHIVE)
    folder = tmp_path_factory.mktemp("parking") / "data"
    printed = run_import(folder, file)
    done = Imported(folder, read_archive(file), file, printed, opened(folder))
    yield done
    done.city.close()


def opened(folder: Path) -> Platform:
    """The platform on a data folder, without feeds."""
    return Platform(parse_city("", folder / "city.toml", {}), DataFolder(folder), open_to_all=True, environ={})


def urn(park: str) -> str:
    return f"urn:ngsi-ld:OffStreetParking:{park}"


def figure(printed: str, pattern: str) -> float:
    found = re.search(pattern, printed)
    assert found, printed
    return float(found[1].replace(",", ""))


def test_rows_refusals_and_seconds_are_printed(imported: Imported) -> None:
    archive, printed = imported.archive, imported.printed
    log.info("%s", printed)
    assert archive.cells == READINGS
    assert figure(printed, r"([\d,]+) rows, ") == archive.rows
    assert figure(printed, r"([\d,]+) entities created") == len(archive.readings.keys() | archive.places.keys())
    assert figure(printed, r"([\d,]+) changes stored") > READINGS
    assert figure(printed, r"([\d,]+) cells of 0 rows refused") == 0
    assert 0 < figure(printed, r"([\d.]+) s \(") < 120
    assert archive.other == ["README.md"]
    assert "1 files no mapping takes: README.md" in printed


def test_every_reading_of_every_car_park_at_its_time(imported: Imported) -> None:
    parks = sorted(imported.archive.readings)
    series = imported.temporal.series([urn(park) for park in parks], Window((FREE,)))
    assert len(series) == READINGS
    column = series.batch.changes.entity
    codes = {name: code for code, name in enumerate(column.values)}
    for park in parks:
        rows = np.flatnonzero(column.codes == codes[urn(park)])
        at, values = imported.archive.readings[park]
        assert (series.effective[rows] == at).all()
        assert (series.batch.changes.number[rows] == values).all()


def test_hourly_figures_over_the_whole_time_are_right_and_quick(imported: Imported) -> None:
    chance = random.Random(626)
    chosen = chance.sample(sorted(imported.archive.readings), 20)
    temporal = imported.temporal
    window = Window((FREE,), FIRST, LAST)
    passes: list[list[float]] = []
    for _ in ("cold", "warm", "warm"):
        passes.append([])
        for park in chosen:
            began = time.perf_counter()
            found = temporal.aggregates([urn(park)], window, ["avg", "min", "max"], HOUR)
            passes[-1].append((time.perf_counter() - began) * 1000)
            at, values = imported.archive.readings[park]
            hours, first, counts = np.unique(at // HOUR * HOUR, return_index=True, return_counts=True)
            assert len(found) == 1
            assert (found[0].start == hours).all()
            assert np.allclose(found[0].values["avg"], np.add.reduceat(values, first) / counts)
            assert (found[0].values["max"] == np.maximum.reduceat(values, first)).all()
    cold, *_, warm = (statistics.median(one) for one in passes)
    log.info(
        "hourly, three months, one car park: cold %.1f ms, warm %.1f ms, worst %.1f ms", cold, warm, max(passes[-1])
    )
    assert warm < 150, "50 ms on a quiet machine"


async def test_hourly_figures_over_http(imported: Imported) -> None:
    chosen = random.Random(1000).sample(sorted(imported.archive.readings), 20)
    asked = {
        "attrs": "availableSpotNumber", "timerel": "between", "timeAt": instants.format(FIRST),
        "endTimeAt": instants.format(LAST), "options": "aggregatedValues", "aggrMethods": "avg",
        "aggrPeriodDuration": "PT1H",
    }  # fmt: skip
    transport = httpx.ASGITransport(application(imported.city))
    times = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8800") as client:
        for park in chosen:
            began = time.perf_counter()
            answer = await client.get(f"/ngsi-ld/v1/temporal/entities/{quote(urn(park), safe='')}", params=asked)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
            figures = answer.json()["availableSpotNumber"]["avg"]
            at, values = imported.archive.readings[park]
            hours, first, counts = np.unique(at // HOUR * HOUR, return_index=True, return_counts=True)
            assert [instants.parse(start) for _, start, _ in figures] == hours.tolist()
            assert np.allclose([value for value, _, _ in figures], np.add.reduceat(values, first) / counts)
    log.info("the same over HTTP: median %.1f ms, worst %.1f ms", statistics.median(times), max(times))
    assert statistics.median(times) < 200


def static_of(place: dict[str, str]) -> dict[str, object]:
    """What the table of places says of one."""
    facts: dict[str, object] = {}
    if place["place_name"].strip():
        facts["name"] = place["place_name"].strip()
    if place["num_all"]:
        facts["totalSpotNumber"] = float(place["num_all"])
    if place["latitude"]:
        facts["location"] = pytest.approx((float(place["longitude"]), float(place["latitude"])), abs=1e-6)
    return facts


def shown(city: City, park: str) -> dict[str, object]:
    """The same, of a state."""
    values = city.values[urn(park)]
    found: dict[str, object] = {name: values[name] for name in ("name", "totalSpotNumber") if name in values}
    if isinstance(place := values.get("location"), dict):
        found["location"] = tuple(place["coordinates"])
    return found


def free_of(city: City) -> dict[str, object]:
    return {name: row[0] for (name, attribute), row in city.instances.items() if attribute == "availableSpotNumber"}


def said(archive: Archive, instant: int) -> dict[str, object]:
    """What each car park last said by an instant, of those that had said anything."""
    found = {urn(park): archive.at(park, instant) for park in archive.readings}
    return {name: value for name, value in found.items() if value is not None}


def test_any_past_instant_shows_that_instant(imported: Imported) -> None:
    """By all that is known now: the last value of each car park at or before the instant, and what the place is."""
    archive, chance = imported.archive, random.Random(31)
    times = []
    for instant in [FIRST, LAST, *(chance.randrange(FIRST, LAST) for _ in range(18))]:
        began = time.perf_counter()
        state = imported.store.as_of(instant)
        times.append(time.perf_counter() - began)
        city = city_of(state)
        assert free_of(city) == said(archive, instant)
        assert city.entities.keys() == {urn(park) for park in archive.places} | free_of(city).keys()
        for park, place in archive.places.items():
            assert shown(city, park) == static_of(place)
    log.info("as_of over three months: median %.2f s, worst %.2f s", statistics.median(times), max(times))
    assert statistics.median(times) < 6


def test_before_the_first_reading_there_is_nothing(imported: Imported) -> None:
    assert city_of(imported.store.as_of(FIRST - 1)) == City({}, {})
    assert city_of(imported.store.as_of(FIRST + DAY, FIRST + DAY)) == City({}, {}), "nothing was known then"


def test_importing_again_changes_nothing(imported: Imported) -> None:
    before = city_of(imported.store.state)
    imported.city.close()
    printed = run_import(imported.data, imported.file)
    log.info("again: %s", printed)
    imported.city = opened(imported.data)
    assert figure(printed, r"([\d,]+) entities created") == 0
    assert figure(printed, r"([\d,]+) changes stored") == 0
    after = city_of(imported.store.state)
    assert after.values == before.values
    instant = random.Random(3).randrange(FIRST, LAST)
    assert free_of(city_of(imported.store.as_of(instant))) == said(imported.archive, instant)
    parks = sorted(imported.archive.readings)[::10]
    series = imported.temporal.series([urn(park) for park in parks], Window((FREE,)))
    assert len(series) == sum(len(imported.archive.readings[park][0]) for park in parks)
