"""`zhicheng run --city examples/new-york.toml`: forty recorded feeds played, then the same with kill -9 on the way."""

from __future__ import annotations

import logging
import math
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.acceptance.running import ROOT, Running, running
from tests.acceptance.subway import ESTIMATED, FOLDER, Facts, Told, iso, told, without
from tests.standards import vector_tiles
from zhicheng.sensing.transit_names import PLACEMENT
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Batch

CITY = ROOT / "examples/new-york.toml"
ZOOM = 13
TYPES = {"Vehicle", "GtfsTrip", "ArrivalEstimation", "GtfsStop", "GtfsRoute", "GtfsAgency"}
pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)
Row = tuple[object, ...]


@dataclass
class Played:
    """The platform at the end of the replay, still running, and what the last feed says."""

    platform: Running
    data: Path
    last: Told


def settings(recorded: Path) -> dict[str, object]:
    """Where the recordings lie, and segments so small that there are some; what comes by the feeds is asked for here,
    so no application adds to it."""
    where: dict[str, object] = {"feeds.timetable.folder": recorded, "feeds.ace.replay": recorded}
    feeds_only = {f"apps.{name}.enabled": "false" for name in ("arrival", "parking", "vitals")}
    return {**where, **feeds_only, "storage.seal_rows": 40_000}


def wait_for_the_end(platform: Running, seconds: float) -> None:
    platform.wait(lambda: platform.feed("ace")["status"] == "ended", seconds)


@pytest.fixture(scope="module")
def playing(data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The example city at its own speed, sixty times that of the record: forty minutes in forty seconds."""
    recorded, folder = data(FOLDER), tmp_path_factory.mktemp("new-york") / "data"
    with running(CITY, folder, settings(recorded)) as platform:
        yield Played(platform, folder, told(sorted(recorded.glob("*.pb"))[-1]))


@pytest.fixture(scope="module")
def killed(playing: Played, data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another folder, meanwhile, at five times the speed: killed twice at random, then played to the end."""
    folder = tmp_path_factory.mktemp("killed") / "data"
    given = {**settings(data(FOLDER)), "feeds.ace.speed": 300}
    chance = random.Random()
    for least in (chance.randrange(1, 15), chance.randrange(16, 36)):
        with running(CITY, folder, given) as platform:
            platform.wait(lambda: platform.get("/api/v1/state")["position"] >= least, 60)  # noqa: B023  (at once)
            pause = chance.uniform(0, 0.4)
            log.info("up after %.1f s, killed %.2f s after position %d", platform.seconds, pause, least)
            time.sleep(pause)
            assert platform.feed("ace")["status"] != "ended"
            platform.end(signal.SIGKILL)
    with running(CITY, folder, given) as platform:
        wait_for_the_end(platform, 60)
        log.info("up after %.1f s and played to the end", platform.seconds)
        check_against(platform, playing.last)
        platform.end(signal.SIGTERM)
    return folder


@pytest.fixture(scope="module")
def played(playing: Played) -> Played:
    wait_for_the_end(playing.platform, 120)
    return playing


def test_killed_twice_in_the_middle_it_ends_the_same(killed: Path) -> None:
    assert killed.is_dir()


def test_every_vehicle_trip_and_stop_time_is_what_the_last_feed_says(played: Played) -> None:
    check_against(played.platform, played.last)


def check_against(platform: Running, last: Told) -> None:
    """All of NGSI-LD's answers against the last feed, and nothing else is there."""
    assert set(platform.get("/ngsi-ld/v1/types")["typeList"]) == TYPES
    entities = {
        **platform.entities("Vehicle", 100),
        **platform.entities("GtfsTrip"),
        **platform.entities("ArrivalEstimation"),
    }
    found = {name: without(values_of(entity), ESTIMATED) for name, entity in entities.items()}
    assert found == last.everything
    for name, seconds in last.at.items():
        assert entities[name]["current_status"]["observedAt"] == iso(seconds)
        assert entities[name]["hasStop"]["observedAt"] == iso(seconds)
    assert len(platform.entities("GtfsStop")) == 3799
    assert len(platform.entities("GtfsRoute")) == 23


def values_of(entity: dict[str, Any]) -> dict[str, object]:
    """Values of a normalized entity."""
    members = {"Property": "value", "Relationship": "object", "GeoProperty": "value"}
    return {
        name: attribute[members[attribute["type"]]]
        for name, attribute in entity.items()
        if isinstance(attribute, dict) and name != "@context"
    }


def test_vehicles_are_on_the_map_marked_as_estimated(played: Played) -> None:
    vehicles = played.platform.entities("Vehicle")
    places = {
        name: values_of(entity)["location"]["coordinates"]  # type: ignore[index]  # a GeoJSON point
        for name, entity in vehicles.items()
        if "location" in entity
    }
    assert len(places) > 0.9 * len(vehicles)
    shown: Facts = {}
    for x, y in sorted({tuple(map(int, tile_of(*place))) for place in places.values()}):
        answer = played.platform.http.get(f"/tiles/Vehicle/{ZOOM}/{x}/{y}")
        assert answer.status_code == 200
        for feature in vector_tiles.read(answer.content)["entities"]:
            name = str(feature.properties["id"])
            left, top = feature.parts[0][0]
            if 0 <= left < 4096 and 0 <= top < 4096:
                assert name not in shown
                shown[name] = {"at": (x + left / 4096, y + top / 4096), **feature.properties}
    assert shown.keys() == places.keys()
    for name, facts in shown.items():
        assert facts["at"] == pytest.approx(tile_of(*places[name]), abs=1 / 4096)
        assert facts["estimated"] is True
        assert facts["stale"] is False


def tile_of(lon: float, lat: float) -> tuple[float, float]:
    """Web Mercator, in tiles."""
    across = (lon + 180) / 360 * 2**ZOOM
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**ZOOM
    return across, down


def test_estimates_are_told_from_what_was_measured(played: Played) -> None:
    for entity in played.platform.entities("Vehicle").values():
        for name, attribute in entity.items():
            if isinstance(attribute, dict):
                assert attribute.get("quality", []) == (["estimated"] if name in ESTIMATED else [])
                assert attribute["source"] == "feed:ace"
        if "location" in entity:
            assert entity["location"][PLACEMENT]["value"] in ("shape", "otherShape", "straightLine", "stop")


def test_the_page_and_the_history_of_a_train(played: Played) -> None:
    platform = played.platform
    assert "<html" in platform.http.get("/").text.lower()
    name = min(played.last.vehicles)
    rows = platform.get(f"/api/v1/entities/{quote(name, safe='')}/history", attribute="current_status")["rows"]
    assert rows[-1] == [iso(played.last.at[name]), played.last.vehicles[name]["current_status"]]
    feed = platform.feed("ace")
    assert (feed["payloads"], feed["refused_payloads"], feed["failures"]) == (40, 0, 0)


def rows_of(folder: Path) -> list[Row]:
    """All rows of the log in their order, without when they were recorded."""
    store = EmbeddedStore(folder / "tenants" / "default")
    found: list[Row] = []
    try:
        while len(batch := store.tail(int(str(found[-1][0])) if found else 0)):
            found += plain(batch)
    finally:
        store.close()
    return found


def plain(batch: Batch) -> Iterator[Row]:
    changes = batch.changes
    numbers = [None if number != number else number for number in changes.number.tolist()]
    coded = (getattr(changes, name).list() for name in ("entity", "attribute", "dataset", "text", "unit", "sub"))
    arrays = (getattr(changes, name).tolist() for name in ("kind", "act", "form", "observed_at", "life", "quality"))
    return zip(batch.position.tolist(), batch.ordinal.tolist(), *coded, *arrays, numbers, strict=True)


def check_rows(found: list[Row], expected: list[Row]) -> None:
    """Row for row the same, and none of a series, life and time with one value twice."""
    assert len(found) == len(expected)
    assert found == expected
    times = Counter(row[2:] for row in found if row[11] > 0)  # type: ignore[operator]  # 11 is observed_at
    assert max(times.values()) == 1


def test_killed_or_not_the_log_is_row_for_row_the_same(played: Played, killed: Path) -> None:
    """Cursor and data are one commit, so no change is stored twice and none is missing."""
    played.platform.end(signal.SIGTERM)
    check_rows(rows_of(killed), rows_of(played.data))
