"""Snapshots: what came by a source is made equal to what it now says, and nothing else is touched."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.making import (
    FACILITIES,
    ID,
    NOBODY,
    NOW,
    ROOM,
    VOCABULARY,
    Clock,
    fragment,
    iri,
    is_,
    one,
    present,
    room,
    values,
)
from zhicheng.hub.intake import Intake, Origin
from zhicheng.hub.readings import Observed, Readings, Snapshot
from zhicheng.kernel.instants import HOUR, MINUTE, SECOND
from zhicheng.standards.ngsild.model import Attribute, Entity
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import HistoryQuery

OTHER, THIRD = "urn:ngsi-ld:Room:2", "urn:ngsi-ld:Room:3"
FEED, ELSE = Origin("feed", "feed:a"), Origin("feed", "feed:b")
Counts = tuple[int, int, int, int]


def counts(done: Observed) -> Counts:
    return done.rows, done.created, done.removed, done.repeated


def at(time: int, *entities: Entity, full: bool = False, whole: bool = False) -> Snapshot:
    """All that is there at a time, which stands on every value."""
    for entity in entities:
        for instances in entity.attributes.values():
            for instance in instances:
                instance.observed_at = time
    return Snapshot(entities, full, whole, time)


async def test_a_snapshot_makes_updates_and_leaves(readings: Readings, store: EmbeddedStore) -> None:
    done = await readings.sync(at(NOW, room(warm=1, dry=2), room(OTHER, warm=3)), FACILITIES)
    assert counts(done) == (7, 2, 0, 0) and one(store, "warm").owner == FACILITIES.owner
    done = await readings.sync(at(NOW + SECOND, room(warm=4)), FACILITIES)
    assert counts(done) == (1, 0, 0, 0)
    assert (values(store), values(store, OTHER)) == ({"warm": 4, "dry": 2}, {"warm": 3})


@pytest.mark.parametrize("time", [NOW, None])
async def test_the_same_again_stores_nothing(readings: Readings, store: EmbeddedStore, time: int | None) -> None:
    def told() -> Snapshot:
        sub = {iri("by"): [is_("me")]}
        full = room(scope=("/a",), warm=[is_(1, observed_at=time, sub=sub), is_(2, dataset="urn:d:a")], tags=["a", "b"])
        return Snapshot([full, room(OTHER)], full=True, whole=True, issued_at=NOW)

    await readings.sync(told(), FEED)
    before = store.state.position
    done = await readings.sync(told(), FEED)
    assert counts(done) == (0, 0, 0, 3) and store.state.position == before


async def test_a_full_snapshot_ends_what_it_does_not_name(
    readings: Readings, intake: Intake, store: EmbeddedStore
) -> None:
    await intake.create(room(THIRD, warm=1), NOBODY)
    await readings.sync(at(NOW, room(warm=1), room(OTHER, warm=1)), FEED)
    done = await readings.sync(at(NOW + SECOND, room(OTHER, warm=1), full=True), ELSE)
    assert counts(done)[2] == 0, "what came by another source stays"
    done = await readings.sync(at(NOW + 2 * SECOND, room(OTHER, warm=1), full=True), FEED)
    assert counts(done)[1:3] == (0, 1)
    assert store.entity(ID) is None and values(store, OTHER) == values(store, THIRD) == {"warm": 1}
    done = await readings.sync(at(NOW + 3 * SECOND, full=True), FEED)
    assert counts(done) == (1, 0, 1, 0) and store.entity(OTHER) is None


async def test_what_comes_back_is_a_new_life(readings: Readings, store: EmbeddedStore, clock: Clock) -> None:
    await readings.sync(at(clock.now, room(warm=1, dry=2), full=True), FEED)
    first = clock.now
    await readings.sync(at(clock.forward(), full=True), FEED)
    gone = clock.now
    await readings.sync(at(clock.forward(), room(warm=3), full=True), FEED)
    assert values(store) == {"warm": 3} and present(store).created_at == clock.now
    assert store.as_of(first).find(ID) is not None
    assert store.as_of(gone + SECOND).find(ID) is None
    assert len(store.history(HistoryQuery((ID,), (iri("warm"),)))) == 2


async def test_a_snapshot_from_before_the_removal_revives_nothing(
    readings: Readings, intake: Intake, store: EmbeddedStore, clock: Clock
) -> None:
    await readings.sync(at(NOW, room(warm=1)), FEED)
    removed = clock.forward()
    await intake.remove(ID, NOBODY)
    assert counts(await readings.sync(at(removed - SECOND, room(warm=2), room(OTHER)), FEED)) == (2, 1, 0, 0)
    assert store.entity(ID) is None
    await readings.sync(at(removed + SECOND, room(warm=3)), FEED)
    assert values(store) == {"warm": 3}


async def test_a_source_names_what_is_gone(readings: Readings, intake: Intake, store: EmbeddedStore) -> None:
    await readings.sync(at(NOW, room(), room(OTHER)), FEED)
    done = await readings.sync(Snapshot([], removed=[ID, "urn:ngsi-ld:Room:never"]), FEED)
    assert counts(done) == (1, 0, 1, 0) and store.entity(ID) is None and store.entity(OTHER) is not None
    done = await readings.sync(Snapshot([], removed=[ID]), FEED)
    assert done.receipt is None


async def test_a_whole_entity_has_no_other_attributes_of_its_source(
    readings: Readings, intake: Intake, store: EmbeddedStore, clock: Clock
) -> None:
    await readings.sync(at(NOW, room(warm=[is_(1), is_(2, dataset="urn:d:a")], dry=3, wet=4)), FEED)
    await readings.sync(at(NOW, room(height=5)), ELSE)
    await intake.append(fragment(note="by hand", wet=6), NOBODY)
    issued = clock.forward()
    done = await readings.sync(at(issued, room(warm=1), whole=True), FEED)
    assert counts(done) == (3, 0, 0, 0)
    assert values(store) == {"warm": 1, "height": 5, "note": "by hand", "wet": 6}
    removal = store.history(HistoryQuery((ID,), (iri("dry"),), time="effective"))
    assert removal.effective.tolist() == [NOW, issued]
    assert counts(await readings.sync(at(issued, room(warm=1), whole=True), FEED)) == (0, 0, 0, 1)


async def test_whole_spares_the_entities_that_are_not_here(readings: Readings, store: EmbeddedStore) -> None:
    await readings.sync(at(NOW, room(warm=1), room(OTHER, warm=1, dry=2)), FEED)
    await readings.sync(at(NOW + 1, room(dry=1), whole=True), FEED)
    assert (values(store), values(store, OTHER)) == ({"dry": 1}, {"warm": 1, "dry": 2})


async def test_of_latest_types_only_changed_values_count(readings: Readings, store: EmbeddedStore) -> None:
    ward = iri("Ward")
    told = (room(warm=1), room(OTHER, types=(ward,), warm=1))
    await readings.sync(at(NOW, *told), FEED)
    done = await readings.sync(Snapshot(at(NOW + SECOND, *told).entities, latest=[ward]), FEED)
    assert counts(done) == (1, 0, 0, 1)
    assert one(store, "warm").observed_at == NOW + SECOND and one(store, "warm", None, OTHER).observed_at == NOW
    await readings.sync(Snapshot(at(NOW + MINUTE, room(OTHER, warm=2)).entities, latest=[ROOM]), FEED)
    assert values(store, OTHER) == {"warm": 2} and one(store, "warm", None, OTHER).observed_at == NOW + MINUTE


async def test_late_values_of_a_snapshot_go_to_history_only(readings: Readings, store: EmbeddedStore) -> None:
    await readings.sync(at(NOW, room(warm=1)), FEED)
    await readings.sync(at(NOW - HOUR, room(warm=2)), FEED)
    assert values(store) == {"warm": 1}
    assert len(store.history(HistoryQuery((ID,)))) == 2


async def test_an_entity_named_twice_is_one(readings: Readings, store: EmbeddedStore) -> None:
    drafts = [room(warm=is_(1, observed_at=NOW)), room(warm=is_(2, observed_at=NOW + 1), dry=3)]
    done = await readings.sync(Snapshot(drafts), FEED)
    assert done.created == 1 and values(store) == {"warm": 2, "dry": 3}


async def test_new_types_are_added_and_the_own_scope_follows(
    readings: Readings, intake: Intake, store: EmbeddedStore
) -> None:
    await readings.sync(Snapshot([room(scope=("/a",), warm=1)]), FEED)
    await intake.append(fragment(types=(iri("Sauna"),)), NOBODY)
    await readings.sync(Snapshot([room(types=(iri("Ward"),), scope=("/b",), warm=1)]), FEED)
    assert set(present(store).types) == {ROOM, iri("Sauna"), iri("Ward")} and present(store).scope == ("/b",)
    assert values(store) == {"warm": 1}
    await readings.sync(Snapshot([room(scope=("/else",))]), ELSE)
    await readings.sync(Snapshot([room(warm=1)]), FEED)
    assert present(store).scope == ("/b",)


# any sequence of snapshots -----------------------------------------------------------------------------------

names = st.sampled_from(["warm", "dry"])
drafts = st.dictionaries(
    st.sampled_from([ID, OTHER, THIRD]), st.dictionaries(names, st.integers(0, 2), max_size=2), max_size=3
)


@given(st.lists(st.tuples(st.sampled_from([FEED, ELSE]), drafts, st.booleans(), st.booleans()), max_size=8))
@settings(max_examples=40)
def test_a_source_that_is_alone_is_always_mirrored(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[tuple[Origin, dict[str, dict[str, int]], bool, bool]],
) -> None:
    """Two sources, each with its own entities: after each snapshot the hub holds what they said."""
    folder: Path = tmp_path_factory.mktemp("mirror")
    clock = Clock()
    store = EmbeddedStore(folder, clock=clock)
    readings = Readings(Intake(store))
    mirrors: dict[str, dict[str, dict[str, int]]] = {FEED.source: {}, ELSE.source: {}}
    try:
        for origin, entities, full, whole in told:
            time, mirror = clock.forward(), mirrors[origin.source]
            own = {f"{identifier}:{origin.source}": named for identifier, named in entities.items()}
            drafted = [_draft(identifier, named) for identifier, named in own.items()]
            snapshot = at(time, *drafted, full=full, whole=whole)
            asyncio.run(readings.sync(snapshot, origin))
            if full:
                mirrors[origin.source] = mirror = {name: mirror[name] for name in mirror.keys() & own.keys()}
            for identifier, named in own.items():
                mirror[identifier] = dict(named) if whole else {**mirror.get(identifier, {}), **named}
            assert asyncio.run(readings.sync(snapshot, origin)).receipt is None
            assert _all(store) == {**mirrors[FEED.source], **mirrors[ELSE.source]}
    finally:
        store.close()


def _draft(identifier: str, named: dict[str, int]) -> Entity:
    return Entity(identifier, (ROOM,), {iri(name): [is_(value)] for name, value in named.items()})


def _all(store: EmbeddedStore) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for identifier in store.state.directory.ids:
        entity = store.entity(identifier)
        if entity is not None:
            found[identifier] = {
                name.removeprefix(VOCABULARY): _value(each) for name, each in entity.attributes.items()
            }
    return found


def _value(instances: list[Attribute]) -> object:
    return instances[0].value
