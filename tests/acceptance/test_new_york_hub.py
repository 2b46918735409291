"""Forty recorded feeds of the New York subway through decoder, hub and store: the end, and every instant before it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.live import City, city_of, short
from tests.acceptance.subway import ESTIMATED, FOLDER, STATIC, Told, arrivals_told, told, trains_at, without
from zhicheng.hub.intake import Intake, Origin
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.readings import Readings, Snapshot
from zhicheng.hub.temporal import Temporal, Window
from zhicheng.kernel.instants import SECOND
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.decoders import decoder
from zhicheng.sensing.transit_names import iri
from zhicheng.standards.gtfs import static
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.model import Quality
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Cursor

SMALL = EmbeddedSettings(seal_rows=12_000, snapshot_rows=36_000, snapshots_kept=4)
"""So small that forty feeds are sealed many times and make more snapshots than are kept."""
pytestmark = pytest.mark.slow
LATEST = (iri("ArrivalEstimation"),)
TYPES = {"Vehicle", "GtfsTrip", "ArrivalEstimation"}


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
