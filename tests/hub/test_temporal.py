"""History: which instances a window holds, what shows of removals and corrections, and aggregates of them."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.making import FACILITIES, ID, NOBODY, NOW, ROOM, Clock, fragment, iri, is_, one, room
from zhicheng.hub.intake import Intake
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.readings import Readings, Snapshot
from zhicheng.hub.temporal import Temporal, Window
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import DAY, HOUR, MINUTE, SECOND
from zhicheng.standards.filter.tree import Type
from zhicheng.standards.ngsild.model import Attribute, Json
from zhicheng.standards.ngsild.names import NULL
from zhicheng.storage.engines.embedded.store import EmbeddedStore

OTHER = "urn:ngsi-ld:Room:2"
WARM = iri("warm")


def read(temporal: Temporal, window: Window | None = None, name: str = "warm") -> list[Attribute]:
    return temporal.entity(ID, window or Window()).attributes.get(iri(name), [])


def said(instances: Sequence[Attribute]) -> list[Json]:
    return [instance.value for instance in instances]


@pytest.fixture
async def hourly(intake: Intake) -> None:
    """A reading an hour before now: 0 just now, 1 an hour ago, ..."""
    await intake.add_instances(room(warm=[is_(hour, observed_at=NOW - hour * HOUR) for hour in range(24)]), FACILITIES)


# windows -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hourly")
@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        (Window(), range(23, -1, -1)),
        (Window(start=NOW - 3 * HOUR), [3, 2, 1, 0]),
        (Window(end=NOW - 21 * HOUR), [23, 22]),
        (Window(start=NOW - 5 * HOUR, end=NOW - 3 * HOUR), [5, 4]),
        (Window(start=NOW - 5 * HOUR + 1, end=NOW - 3 * HOUR + 1), [4, 3]),
        (Window(last=2), [1, 0]),
        (Window(end=NOW - 3 * HOUR, last=2), [5, 4]),
        (Window(start=NOW, end=NOW), []),
        (Window(attributes=(WARM,), last=1), [0]),
        (Window(attributes=(iri("never"),)), []),
        (Window(time="createdAt", start=NOW, last=1), [0]),
        (Window(time="createdAt", end=NOW), []),
        (Window(time="modifiedAt", end=NOW), []),
        (Window(time="deletedAt"), []),
    ],
)
def test_windows(temporal: Temporal, window: Window, wanted: Sequence[int]) -> None:
    assert said(read(temporal, window)) == list(wanted)


@pytest.mark.usefixtures("hourly")
def test_instances_say_everything(temporal: Temporal) -> None:
    [first] = read(temporal, Window(end=NOW - 22 * HOUR))
    assert (first.observed_at, first.created_at, first.modified_at) == (NOW - 23 * HOUR, NOW, NOW)
    assert (first.owner, first.classification, first.source) == (FACILITIES.owner, "internal", "test")
    assert first.instance is not None and first.deleted_at is None
    found = temporal.entity(ID, Window())
    assert (found.types, found.created_at, found.deleted_at) == ((ROOM,), NOW, None)


async def test_what_has_no_time_shows_where_no_time_is_asked(intake: Intake, temporal: Temporal, clock: Clock) -> None:
    await intake.create(room(warm=1), NOBODY)
    clock.forward()
    await intake.merge(fragment(warm=2), NOBODY)
    assert said(read(temporal)) == said(read(temporal, Window(last=5))) == [1, 2]
    assert said(read(temporal, Window(last=1))) == [2]
    assert said(read(temporal, Window(start=0))) == said(read(temporal, Window(end=2 * NOW))) == []
    assert said(read(temporal, Window(start=NOW + 1, time="createdAt"))) == [2]


async def test_the_last_of_each_series(intake: Intake, temporal: Temporal) -> None:
    named = {name: [is_(n, observed_at=NOW + n, dataset=d) for n in range(5) for d in (None, "urn:d:a")]
             for name in ("warm", "dry")}  # fmt: skip
    await intake.create(room(), NOBODY)
    await intake.add_instances(fragment(**named), NOBODY)  # type: ignore[arg-type]  # attributes by name
    found = temporal.entity(ID, Window(last=2)).attributes
    assert {name: [(each.dataset, each.value) for each in instances] for name, instances in found.items()} == {
        iri(name): [(None, 3), (None, 4), ("urn:d:a", 3), ("urn:d:a", 4)] for name in ("warm", "dry")
    }


async def test_many_entities_that_fulfil_a_query(intake: Intake, temporal: Temporal) -> None:
    for name in (ID, OTHER, "urn:ngsi-ld:Room:3"):
        series = [is_(n, observed_at=NOW + n) for n in range(3)]
        await intake.add_instances(room(name, warm=series, dry=is_(7, observed_at=NOW)), NOBODY)
    await intake.remove("urn:ngsi-ld:Room:3", NOBODY)
    window = Window((WARM,), NOW + 1, NOW + 3)
    entities, total = temporal.select(EntityQuery(Type(ROOM), count=True), window)
    assert total == 2 and {entity.id for entity in entities} == {ID, OTHER}
    assert all(said(entity.attributes[WARM]) == [1, 2] and len(entity.attributes) == 1 for entity in entities)
    page, total = temporal.select(EntityQuery(Type(ROOM), 1, 1, count=True), window)
    assert (len(page), total) == (1, 2)
    assert temporal.select(EntityQuery(Type(iri("Hall"))), window) == ([], None)


# removals ----------------------------------------------------------------------------------------------------


async def test_removals_are_tombstones(intake: Intake, temporal: Temporal, clock: Clock) -> None:
    await intake.create(room(warm=is_(1, observed_at=NOW), dry=2), FACILITIES)
    removed = clock.forward()
    await intake.remove_attribute(ID, WARM, NOBODY)
    clock.forward()
    await intake.merge(fragment(warm=is_(3, observed_at=clock.now)), NOBODY)
    found = read(temporal)
    assert said(found) == [1, NULL, 3]
    assert [each.deleted_at for each in found] == [None, removed, None]
    assert found[1].owner == FACILITIES.owner
    assert said(read(temporal, Window(time="deletedAt"))) == [NULL]
    assert said(read(temporal, Window(time="deletedAt", start=removed, end=removed + 1))) == [NULL]
    assert said(read(temporal, Window(time="deletedAt", start=removed + 1))) == []
    assert said(read(temporal, Window(time="deletedAt", end=removed))) == []
    assert list(temporal.entity(ID, Window(time="deletedAt", last=1)).attributes) == [WARM]


async def test_what_a_source_took_away_earlier_was_deleted_when_it_said_so(
    readings: Readings, temporal: Temporal, clock: Clock
) -> None:
    await readings.sync(Snapshot([room(warm=is_(1, observed_at=NOW))]), NOBODY)
    recorded = clock.forward(HOUR)
    await readings.sync(Snapshot([room()], whole=True, issued_at=NOW + MINUTE), NOBODY)
    [_, tombstone] = read(temporal)
    assert (tombstone.observed_at, tombstone.deleted_at) == (NOW + MINUTE, recorded)
    assert len(read(temporal, Window(time="deletedAt", start=recorded, end=recorded + 1))) == 1


async def test_a_removed_entity_has_its_history(intake: Intake, temporal: Temporal, clock: Clock) -> None:
    await intake.create(room(scope=("/a",), warm=1), NOBODY)
    clock.forward()
    await intake.remove(ID, NOBODY)
    born = clock.forward()
    await intake.create(room(types=(iri("Hall"),), scope=("/b",), warm=2), NOBODY)
    clock.forward()
    await intake.append(fragment(types=(iri("Spa"),)), NOBODY)
    ended = clock.forward()
    await intake.remove(ID, NOBODY)
    found = temporal.entity(ID, Window())
    assert (found.types, found.scope) == ((iri("Hall"), iri("Spa")), ("/b",)), "as it was in its last life"
    assert (found.created_at, found.deleted_at) == (born, ended)
    assert said(found.attributes[WARM]) == [1, 2]
    with pytest.raises(NotFound, match="never"):
        temporal.entity("urn:never", Window())
    await intake.erase(ID, NOBODY)
    with pytest.raises(NotFound):
        temporal.entity(ID, Window())


# corrections -------------------------------------------------------------------------------------------------


async def test_corrections_show_and_retracted_instances_do_not(
    intake: Intake, temporal: Temporal, store: EmbeddedStore, clock: Clock
) -> None:
    series = [is_(n, observed_at=NOW + n * SECOND) for n in range(4)]
    await intake.add_instances(room(warm=series), NOBODY)
    known = clock.now
    instances = [each.instance or 0 for each in read(temporal)]
    corrected = clock.forward()
    await intake.correct(ID, WARM, instances[0], is_(10, unit="CEL"), NOBODY)
    await intake.correct(ID, WARM, instances[1], is_(11, observed_at=NOW + 9 * SECOND), NOBODY)
    await intake.correct(ID, WARM, instances[3], None, NOBODY)
    found = read(temporal)
    assert [(each.value, each.instance) for each in found] == [
        (10, instances[0]), (2, instances[2]), (11, instances[1])
    ]  # fmt: skip
    assert [(each.created_at, each.modified_at) for each in found] == [
        (known, corrected), (known, known), (known, corrected)
    ]  # fmt: skip
    assert one(store, "warm").value == 11
    assert said(read(temporal, Window(time="modifiedAt", start=corrected))) == [10, 11]
    assert said(read(temporal, Window(time="createdAt", start=corrected))) == []
    assert said(read(temporal, Window(start=NOW + 5 * SECOND))) == [11]
    assert said(read(temporal, Window(known=known))) == [0, 1, 2, 3]


# aggregates --------------------------------------------------------------------------------------------------

METHODS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "avg": statistics.fmean,
    "min": min,
    "max": max,
    "sumsq": lambda values: sum(value * value for value in values),
    "stddev": statistics.pstdev,
    "totalCount": len,
    "distinctCount": lambda values: len(set(values)),
}


@dataclass(frozen=True)
class Told:
    """A reading of a drawn history: seconds before now and what it says."""

    before: int
    value: Json
    dataset: str | None
    entity: str


tells = st.builds(
    Told,
    st.integers(0, 5 * 3600),
    st.one_of(st.integers(-5, 5), st.floats(-100, 100), st.booleans(), st.just("text"), st.just({"a": 1})),
    st.sampled_from([None, "urn:d:a"]),
    st.sampled_from([ID, OTHER]),
)


@given(
    st.lists(tells, max_size=40, unique_by=lambda told: (told.entity, told.dataset, told.before)),
    st.sampled_from([None, HOUR, 40 * MINUTE, DAY, SECOND * 7]),
    st.sampled_from([None, 5 * 3600, 9000, 3601]),
    st.sampled_from([None, 100, 5000]),
)
@settings(max_examples=40)
def test_aggregates_are_those_of_plain_python(
    tmp_path_factory: pytest.TempPathFactory, told: list[Told], period: int | None, since: int | None, until: int | None
) -> None:
    store = EmbeddedStore(tmp_path_factory.mktemp("history"), clock=Clock())
    try:
        _tell(store, told)
        start = None if since is None else NOW - since * SECOND
        end = None if until is None else NOW - until * SECOND
        temporal = Temporal(store, Query(store))
        found = temporal.aggregates([ID, OTHER], Window(None, start, end), list(METHODS), period)
        got = {
            (each.entity, each.dataset, int(at)): {name: column[row] for name, column in each.values.items()}
            for each in found
            for row, at in enumerate(each.start)
        }
        wanted = _aggregated(told, period, start, end)
        assert got.keys() == wanted.keys()
        for key, values in wanted.items():
            plain = {name: method(values) for name, method in METHODS.items()}
            assert got[key] == pytest.approx(plain, rel=1e-9, abs=1e-9), key
    finally:
        store.close()


def _tell(store: EmbeddedStore, told: list[Told]) -> None:
    intake = Intake(store)

    async def tell() -> None:
        for name in (ID, OTHER):
            mine = [is_(each.value, dataset=each.dataset, observed_at=NOW - each.before * SECOND)
                    for each in told if each.entity == name]  # fmt: skip
            await intake.add_instances(room(name, warm=mine) if mine else room(name), NOBODY)

    asyncio.run(tell())


def _aggregated(
    told: list[Told], period: int | None, start: int | None, end: int | None
) -> dict[tuple[str, str | None, int], list[float]]:
    """Numbers by series and start of their period."""
    times = [(NOW - each.before * SECOND, each) for each in told]
    inside = [(at, each) for at, each in times if (start is None or at >= start) and (end is None or at < end)]
    origin = start if start is not None else min((at for at, _ in inside), default=0) if period is None else 0
    found: dict[tuple[str, str | None, int], list[float]] = {}
    for at, each in inside:
        if isinstance(each.value, bool | int | float):
            bucket = origin if period is None else origin + (at - origin) // period * period
            found.setdefault((each.entity, each.dataset, bucket), []).append(float(each.value))
    return found


@pytest.mark.usefixtures("hourly")
def test_periods_begin_where_the_window_does(temporal: Temporal) -> None:
    start = NOW - 9 * HOUR - 10 * MINUTE
    [found] = temporal.aggregates([ID], Window(start=start), ["sum", "totalCount"], 3 * HOUR)
    assert (found.entity, found.attribute, found.dataset) == (ID, WARM, None)
    assert found.start.tolist() == [start + step * 3 * HOUR for step in range(4)]
    assert found.values["sum"].tolist() == [9 + 8 + 7, 6 + 5 + 4, 3 + 2 + 1, 0]
    assert found.values["totalCount"].tolist() == [3, 3, 3, 1]


@pytest.mark.usefixtures("hourly")
def test_periods_of_an_open_window_begin_with_the_day(temporal: Temporal) -> None:
    [found] = temporal.aggregates([ID], Window(), ["totalCount"], DAY)
    assert (found.start % DAY == 0).all() and found.values["totalCount"].sum() == 24
    [whole] = temporal.aggregates([ID], Window(), ["min", "max"], None)
    assert whole.start.tolist() == [NOW - 23 * HOUR] and whole.values["max"].tolist() == [23]
    [last] = temporal.aggregates([ID], Window(last=3), ["sum"], None)
    assert last.values["sum"].tolist() == [3]


@pytest.mark.usefixtures("hourly")
async def test_aggregates_by_the_time_of_recording(temporal: Temporal, intake: Intake, clock: Clock) -> None:
    clock.forward(HOUR)
    await intake.merge(fragment(warm=is_(100, observed_at=NOW - 30 * HOUR)), NOBODY)
    await intake.add_instances(fragment(warm=is_(50, observed_at=NOW - 31 * HOUR)), NOBODY)
    [found] = temporal.aggregates([ID], Window(time="createdAt", start=NOW), ["totalCount", "max"], MINUTE)
    assert found.start.tolist() == [NOW, NOW + HOUR]
    assert (found.values["totalCount"].tolist(), found.values["max"].tolist()) == ([24, 2], [23, 100])


async def test_nothing_to_aggregate(temporal: Temporal, intake: Intake, clock: Clock) -> None:
    assert temporal.aggregates(["urn:never"], Window(), list(METHODS), HOUR) == []
    await intake.create(room(warm="text"), NOBODY)
    assert temporal.aggregates([ID], Window(), list(METHODS), None) == []
    await intake.merge(fragment(dry=1), NOBODY)
    clock.forward()
    await intake.remove_attribute(ID, iri("dry"), NOBODY)
    [found] = temporal.aggregates([ID], Window(), ["totalCount"], None)
    assert (found.attribute, found.values["totalCount"].tolist()) == (iri("dry"), [1]), "a removal is no value"


@pytest.mark.usefixtures("hourly")
async def test_corrections_count(temporal: Temporal, intake: Intake) -> None:
    first = read(temporal)[0]
    assert first.instance is not None
    await intake.correct(ID, WARM, first.instance, replace(first, value=1000), NOBODY)
    [found] = temporal.aggregates([ID], Window(), ["max", "totalCount"], None)
    assert {name: column.tolist() for name, column in found.values.items()} == {"max": [1000], "totalCount": [24]}
    assert np.isfinite(found.values["max"]).all()
