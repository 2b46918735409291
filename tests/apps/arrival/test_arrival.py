from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.apps.arrival.fleet import fleet_log
from tests.apps.arrival.replay import ZONE, Board, Recording, commits, compare, log_of, nyct, recording
from zhicheng.analysis.eta_accuracy import accuracy
from zhicheng.apps.arrival.app import APP
from zhicheng.apps.arrival.model import Params
from zhicheng.compute import law
from zhicheng.compute.law import Log
from zhicheng.compute.pipeline import Pipeline
from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.ngsild.changes import add_attribute, add_life, add_types
from zhicheng.standards.ngsild.model import Attribute, Kind

Data = Callable[[str], Path]
START = instants.parse("2026-03-02T12:00:00Z")
STOPS = ("a", "b", "c", "d", "e")


@given(seed=st.integers(0, 2**32), commits=st.integers(1, 60))
def test_batches_of_any_size_give_the_same(seed: int, commits: int) -> None:
    law.check(APP, seed, commits=commits)


@pytest.fixture(scope="module")
def played(data_folder: Path) -> Recording:
    folder = data_folder / "gtfs_rt/nyct_ace_20240208"
    if not folder.exists():
        pytest.skip(f"no {folder}")
    return nyct(folder)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=3)
def test_a_recording_cut_anywhere_gives_the_same(played: Recording, seed: int) -> None:
    draw = np.random.default_rng(seed)
    log = log_of(played.feeds[:8])
    ends = np.flatnonzero(np.diff(log.position)) + 1
    cuts = ends[draw.random(len(ends)) < 0.5].tolist()
    law.check_cuts(APP, log, cuts, params=Params(time_zone=ZONE, networks=("nyct",)), tables=played.tables)


def test_arrivals_are_as_reliable_as_the_agency_s_own(played: Recording) -> None:
    found = compare(played)
    shared = ~np.isnan(found.ours)
    for actual in (found.actual, found.by_feed):
        agency = accuracy(found.agency, actual).score
        assert accuracy(found.ours, actual).score > agency + 0.02
        assert accuracy(found.median, actual).score > agency - 0.05  # without the lead that the score rewards
        assert accuracy(found.ours[shared], actual[shared]).score > 0.9
    soon = shared & (found.actual >= 0) & (found.actual < 900)
    assert 0.75 < ((found.actual >= found.low) & (found.actual <= found.high))[soon].mean() < 0.9
    assert found.rows_out < 3 * found.rows_in


def test_a_fleet_writes_few_rows(played: Recording) -> None:
    log = fleet_log(played.static, 60, 90, 10)
    pipeline = Pipeline(APP, Params(time_zone=ZONE, networks=("nyct",)))
    pipeline.begin(None, played.tables)
    rows = sum(len(changes) for batch in commits(log) if (changes := pipeline.feed(batch)) is not None)
    assert rows < 3 * 60 * 90


# by hand ------------------------------------------------------------------------------------------------------------


class Told:
    """Reports of buses by hand, and what stands on the board after each."""

    def __init__(self, params: Params | None = None) -> None:
        self.log = Log()
        self.pipeline = Pipeline(APP, params or Params())
        self.pipeline.begin(None, {})
        self.board = Board()
        self.living: set[str] = set()
        self._commits = 0

    def say(self, after: int, bus: str, **words: object) -> Told:
        """A report `after` so many seconds."""
        return self._say(f"urn:ngsi-ld:Vehicle:x:{bus}", "Vehicle", START + after * SECOND, words)

    def trip(self, after: int, trip: str, relation: str) -> Told:
        """What a trip update says of a trip."""
        words = {"schedule_relationship": relation}
        return self._say(f"urn:ngsi-ld:GtfsTrip:x:{trip}", "GtfsTrip", START + after * SECOND, words)

    def _say(self, entity: str, kind: str, at: int, words: Mapping[str, object]) -> Told:
        rows = ChangesBuilder()
        if entity not in self.living:
            add_life(rows, entity)
            add_types(rows, entity, (iri(kind),))
            self.living.add(entity)
        for name, value in words.items():
            text = str(value)
            relation = name.startswith("has")
            if relation:
                text = f"urn:ngsi-ld:Gtfs{name.removeprefix('has')}:x:{text}"
            add_attribute(
                rows,
                entity,
                iri(name),
                Attribute(Kind.RELATIONSHIP if relation else Kind.PROPERTY, text, at),
                Act.OBSERVE,
            )
        self.commit(rows, at + SECOND)
        return self

    def gone(self, after: int, bus: str) -> Told:
        """The bus was removed."""
        rows = ChangesBuilder()
        add_life(rows, f"urn:ngsi-ld:Vehicle:x:{bus}", Act.REMOVE)
        self.commit(rows, START + after * SECOND)
        return self

    def commit(self, rows: ChangesBuilder, recorded_at: int) -> None:
        self.log.commit(rows.build(), recorded_at)
        self.board.take(self.pipeline.feed(commits(self.log.batch())[-1]))

    def drive(self, bus: str, start: int, every: int = 100, stops: Sequence[str] = STOPS, trip: str = "t") -> Told:
        """A bus stands at one stop after another."""
        for turn, stop in enumerate(stops):
            words = {"hasStop": stop, "hasTrip": f"{trip}{bus}", "hasRoute": "7", "current_status": "STOPPED_AT"}
            self.say(start + turn * every, bus, **words)
        return self

    def minutes(self, bus: str, now: int) -> dict[str, float]:
        """Seconds to each stop that a bus is expected at."""
        found = {}
        for (vehicle, stop), times in self.board.times().items():
            if vehicle.endswith(f":{bus}"):
                found[stop.rpartition(":")[2]] = times[0] - (START / SECOND + now)
        return found


def test_ways_and_times_are_learnt_from_those_ahead() -> None:
    told = Told().drive("1", 0).drive("2", 600)
    told.say(1200, "3", hasStop="a", hasTrip="t3", hasRoute="7", current_status="STOPPED_AT")
    expected = told.minutes("3", 1200)
    assert list(expected) == ["b", "c", "d", "e"]
    assert 40 < expected["b"] < 100
    assert 230 < expected["e"] < 400
    told.say(1300, "3", hasStop="b", current_status="STOPPED_AT")
    assert list(told.minutes("3", 1300)) == ["c", "d", "e"]


def test_a_vehicle_that_is_removed_takes_its_arrivals_along() -> None:
    told = Told().drive("1", 0).say(600, "2", hasStop="a", hasTrip="t2", hasRoute="7", current_status="STOPPED_AT")
    assert told.minutes("2", 600)
    assert not told.gone(620, "2").minutes("2", 620)


def test_a_cancelled_trip_has_no_arrivals_until_it_runs_after_all() -> None:
    told = Told().drive("1", 0).say(600, "2", hasStop="a", hasTrip="t2", hasRoute="7", current_status="STOPPED_AT")
    told.trip(610, "t2", "CANCELED")
    assert not told.minutes("2", 610)
    told.say(620, "2", hasStop="b", current_status="STOPPED_AT")
    assert not told.minutes("2", 620)
    told.trip(630, "t2", "SCHEDULED").say(640, "2", hasStop="b", current_status="STOPPED_AT")
    assert list(told.minutes("2", 640)) == ["c", "d", "e"]


def test_silence_is_said_and_then_ends_the_arrivals() -> None:
    told = Told(Params(stale=300, forget=1800)).drive("1", 0)
    told.say(600, "2", hasStop="a", hasTrip="t2", hasRoute="7", current_status="STOPPED_AT")
    assert {str(one["stale"]) for name, one in told.board.ranges.items() if ":2:" in name} == {"False"}
    told.say(1000, "9", hasStop="z", hasTrip="t9", hasRoute="8", current_status="STOPPED_AT")
    assert {str(one["stale"]) for name, one in told.board.ranges.items() if ":2:" in name} == {"True"}
    told.say(600 + 1900, "9", hasStop="z", current_status="STOPPED_AT")
    assert not told.minutes("2", 2500)


def test_a_new_trip_of_the_same_vehicle_begins_anew() -> None:
    told = Told().drive("1", 0)
    told.say(500, "1", hasStop="a", hasTrip="u1", hasRoute="7", current_status="STOPPED_AT")
    assert list(told.minutes("1", 500)) == ["b", "c", "d", "e"]
    assert all(":u1:" in name for name in told.board.stands)


def test_a_waiting_vehicle_leaves_when_it_said() -> None:
    told = Told().drive("1", 0)
    leaves = instants.format(START + 700 * SECOND)
    told.say(
        600, "2", hasStop="a", hasTrip="t2", hasRoute="7", current_status="IN_TRANSIT_TO", observationDateTime=leaves
    )
    expected = told.minutes("2", 600)
    assert 65 < expected["a"] <= 100
    assert 140 < expected["b"] < 210


def test_duplicated_trips_have_arrivals_of_their_own(data: Data) -> None:
    folder = data("gtfs_rt/st_duplicated_trips")
    names = ("vehicle_position_1683740698.json", "vehicle_position_1683740798.json")
    played = recording(folder, "st", "40/st.zip", names)
    pipeline = Pipeline(APP, Params(time_zone="America/Los_Angeles", networks=("st",)))
    pipeline.begin(None, played.tables)
    board = Board()
    for batch in commits(log_of(played.feeds)):
        board.take(pipeline.feed(batch))
    twice = [one for one in played.feeds[-1].entities if _said(one, "schedule_relationship") == "DUPLICATED"]
    stopped = [one for one in twice if _said(one, "hasStop")]
    vehicles = {vehicle for vehicle, _ in board.times()}
    assert twice
    assert all(one.id in vehicles for one in stopped)
    assert len(vehicles) > 8


def _said(entity: object, name: str) -> object:
    found = entity.attributes.get(iri(name))  # type: ignore[attr-defined]  # what the application keeps
    return found[0].value if found else None


def test_what_is_late_or_odd_breaks_nothing() -> None:
    told = Told().drive("1", 0)
    told.say(150, "1", hasStop="b", current_status="STOPPED_AT")  # comes late: older than what stands
    told.say(600, "1", hasStop="nowhere", current_status="STOPPED_AT")
    told.say(700, "1", hasStop="a", current_status="?", current_stop_sequence="x", observationDateTime="soon")
    assert isinstance(told.minutes("1", 700), dict)


def test_import_of_one_vehicle_after_another_makes_nothing_stale() -> None:
    told = Told()
    for bus in ("1", "2"):
        told.log, rows = Log(), ChangesBuilder()
        name = f"urn:ngsi-ld:Vehicle:x:{bus}"
        add_life(rows, name)
        add_types(rows, name, (iri("Vehicle"),))
        for turn, stop in enumerate(STOPS):
            at = START + turn * MINUTE
            for attribute, text in (("hasStop", f"urn:ngsi-ld:GtfsStop:x:{stop}"), ("current_status", "STOPPED_AT")):
                kind = Kind.RELATIONSHIP if attribute == "hasStop" else Kind.PROPERTY
                add_attribute(rows, name, iri(attribute), Attribute(kind, text, at), Act.OBSERVE)
        told.commit(rows, START + 100 * MINUTE)
    assert not any(one.get("stale") is True for one in told.board.ranges.values())
