"""Forty recorded feeds of the New York subway through decoder, hub and store: the end, and every instant before it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson
import pytest

from tests.acceptance.subway import ESTIMATED, FOLDER, STATIC, Facts, Told, arrivals_told, told, trains_at, without
from zhicheng.hub.intake import Intake, Origin
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.readings import Readings, Snapshot
from zhicheng.hub.temporal import Temporal, Window
from zhicheng.kernel.instants import SECOND
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.decoders import decoder
from zhicheng.sensing.transit_names import iri
from zhicheng.standards.changes import Form
from zhicheng.standards.gtfs import static
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.model import Quality
from zhicheng.storage.cells import Cells
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.live import State
from zhicheng.storage.log import Cursor

SMALL = EmbeddedSettings(seal_rows=12_000, snapshot_rows=36_000, snapshots_kept=4)
"""So small that forty feeds are sealed many times and make more snapshots than are kept."""
LATEST = (iri("ArrivalEstimation"),)
TYPES = {"Vehicle", "GtfsTrip", "ArrivalEstimation"}
HEAD = ("life", "version", "created_at", "modified_at", "scope")
ARRAYS = ("form", "observed_at", "kind", "quality", "effective", "instance", "created_at", "modified_at")
CODED = ("text", "unit", "sub", "owner", "classification", "source")
Row = tuple[object, ...]


@dataclass(frozen=True)
class City:
    """What is live: of each entity its types and HEAD, of each instance its number, text, ARRAYS and CODED."""

    entities: dict[str, Row]
    instances: dict[tuple[str, str], Row]

    @cached_property
    def values(self) -> Facts:
        """The values alone, by entity and short name of the attribute."""
        found: Facts = {name: {} for name in self.entities}
        for (name, attribute), (number, text, form, *_) in self.instances.items():
            whole = orjson.loads(str(text)) if form == Form.JSON else text
            found[name][attribute] = whole if number is None else number
        return found


def city_of(state: State) -> City:
    """All that is live, column by column: a hundred cities of 3,000 entities are compared here."""
    entities: dict[str, Row] = {}
    instances: dict[tuple[str, str], Row] = {}
    with state.lock:
        for table in state.tables:
            rows = np.flatnonzero(table.alive)
            heads = [getattr(state.directory, name)[table.entity[rows]].tolist() for name in HEAD]
            ids = table.ids
            for name, *head in zip([ids[row] for row in rows.tolist()], *heads, strict=True):
                entities[name] = (table.types, *head)
            for (name, dataset), cells in table.columns.items():
                assert dataset is None
                instances.update(zip(*instances_of(cells, name, ids), strict=True))
    return City(entities, instances)


def instances_of(cells: Cells, name: str, ids: Sequence[str]) -> tuple[list[tuple[str, str]], list[Row]]:
    rows = np.flatnonzero(cells.form > 0)
    numbers = [None if number != number else number for number in cells.number[rows].tolist()]
    arrays = [cells.arrays[part][rows].tolist() for part in ARRAYS]
    text, *coded = (cells.coded(part).take(rows).list() for part in CODED)
    key = short(name)
    return [(ids[row], key) for row in rows.tolist()], list(zip(numbers, text, *arrays, *coded, strict=True))


def short(name: str) -> str:
    """The short name of an IRI."""
    return name.rpartition("/")[2].rpartition(":")[2]


class Clock:
    """Stands at the instant at which a feed was fetched, as its file is named."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@dataclass
class Replay:
    """The store after the replay, what each feed told, and what was live after it."""

    store: EmbeddedStore
    told: list[Told] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    live: list[City] = field(default_factory=list)

    def live_at(self, instant: int) -> City:
        """What was live: the state after the last commit recorded by then."""
        before = [city for at, city in zip(self.at, self.live, strict=True) if at <= instant]
        return before[-1] if before else City({}, {})

    def past(self, instant: int, known: int | None) -> City:
        return city_of(self.store.as_of(instant, known))


@pytest.fixture(scope="module")
def replay(data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    folder = data(FOLDER)
    clock = Clock()
    store = EmbeddedStore(tmp_path_factory.mktemp("subway"), SMALL, clock)
    settings = DecodeSettings("ace", "nyct", static.read((folder / STATIC).read_bytes()))
    readings = Readings(Intake(store, Catalogue.builtin()))
    done = Replay(store)
    for path in sorted(folder.glob("*.pb")):
        clock.now = int(path.name.partition(".")[0]) * SECOND
        found = decoder("gtfs-rt").decode(path.read_bytes(), settings)
        snapshot = Snapshot(found.entities, found.full, found.whole, found.issued_at, found.removed, LATEST)
        origin = Origin("system", "feed:ace", cursor=Cursor("feed:ace", 0, path.name))
        stored = asyncio.run(readings.sync(snapshot, origin))
        assert stored.receipt is not None
        done.told.append(told(path))
        done.at.append(stored.receipt.recorded_at)
        done.live.append(city_of(store.state))
    yield done
    done.store.close()


def test_after_every_feed_the_city_is_what_it_says_and_nothing_else(replay: Replay) -> None:
    assert len(replay.told) == 40
    for said, city in zip(replay.told, replay.live, strict=True):
        assert {name: without(values, ESTIMATED) for name, values in city.values.items()} == said.everything
        assert {short(str(row[0][0])) for row in city.entities.values()} == TYPES  # type: ignore[index]  # row[0]: types


def test_a_vehicles_values_are_of_its_time_and_an_arrivals_of_when_it_was_told(replay: Replay) -> None:
    for said, city in zip(replay.told, replay.live, strict=True):
        observed = {key: row[3] for key, row in city.instances.items()}
        for name, seconds in said.at.items():
            for attribute in ("current_status", "hasStop", "observationDateTime", "hasTrip"):
                assert observed[name, attribute] == seconds * SECOND
        for name in said.arrivals:
            assert 0 < observed[name, "arrivalTime"] <= said.issued_at * SECOND  # type: ignore[operator]  # an instant


def test_vehicles_are_placed_and_marked_as_estimated(replay: Replay) -> None:
    for said, city in zip(replay.told, replay.live, strict=True):
        places = [row for (_, attribute), row in city.instances.items() if attribute == "location"]
        assert len(places) > 0.9 * len(said.vehicles)
        assert {row[5] for row in places} == {int(Quality.ESTIMATED)}


def test_meanwhile_the_log_was_sealed_and_the_state_written_down(replay: Replay) -> None:
    figures = replay.store.figures()
    assert figures.rows_sealed > 100_000
    assert len(list((replay.store.folder / "snapshots").iterdir())) >= 2
    assert replay.store.verify() == []


def test_entities_as_objects_are_what_the_columns_hold(replay: Replay) -> None:
    page = Query(replay.store).select(EntityQuery(limit=10_000, count=True))
    assert page.total == len(page.entities) == len(replay.live[-1].entities)
    for entity in page.entities:
        values = {short(name): instances[0].value for name, instances in entity.attributes.items()}
        assert values == replay.live[-1].values[entity.id]


def test_as_of_a_reading_of_the_time_a_train_is_where_it_said_it_was_then(replay: Replay) -> None:
    """The time slider's question, by all that is known now; trains told of their time seconds to minutes later."""
    chance = random.Random(8)
    first, last = replay.told[0].issued_at, replay.told[-1].issued_at
    counts = []
    for seconds in [first - 7200, *(chance.randrange(first - 600, last + 60) for _ in range(15))]:
        past = replay.past(seconds * SECOND, None)
        found = {
            name: {key: values[key] for key in ("current_status", "hasStop", "observationDateTime")}
            for name, values in past.values.items()
            if ":Vehicle:" in name
        }
        assert found == trains_at(replay.told, seconds)
        counts.append(len(found))
    assert min(counts) < 20 < 100 < max(counts)


def test_history_holds_every_change_once(replay: Replay) -> None:
    temporal = Temporal(replay.store, Query(replay.store))
    trains: dict[str, dict[int, object]] = {}
    for said in replay.told:
        for name, seconds in said.at.items():
            trains.setdefault(name, {})[seconds * SECOND] = said.vehicles[name]["current_status"]
    found = history(temporal, list(trains), iri("current_status"))
    assert found == {name: sorted(times.items()) for name, times in trains.items()}
    arrivals = arrivals_told(replay.told)
    found = history(temporal, list(arrivals), iri("arrivalTime"))
    assert found == {name: [(at * SECOND, value) for at, value in told] for name, told in arrivals.items()}


def history(temporal: Temporal, names: list[str], attribute: str) -> dict[str, list[tuple[int, object]]]:
    series = temporal.series(names, Window((attribute,)))
    changes = series.batch.changes
    found: dict[str, list[tuple[int, object]]] = {}
    for name, at, value in zip(changes.entity.list(), series.effective.tolist(), changes.text.list(), strict=True):
        found.setdefault(str(name), []).append((at, value))
    return found


def test_at_a_hundred_random_instants_the_past_is_what_was_live(replay: Replay) -> None:
    """Half of them are asked after a restart."""
    chance = random.Random(39)
    instants = [chance.randrange(replay.at[0] - 60 * SECOND, replay.at[-1] + 60 * SECOND) for _ in range(60)]
    instants += [at + off for at in chance.sample(replay.at, 20) for off in (0, -1)]
    chance.shuffle(instants)
    for instant in instants[:50]:
        assert replay.past(instant, instant) == replay.live_at(instant)
    folder = replay.store.folder
    replay.store.close()
    replay.store = EmbeddedStore(folder, SMALL)
    assert city_of(replay.store.state) == replay.live[-1]
    for instant in instants[50:]:
        assert replay.past(instant, instant) == replay.live_at(instant)
