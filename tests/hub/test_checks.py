"""The city's models at the intake: off, warn, reject; requests and readings are judged alike."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.making import NOBODY, is_
from tests.standards.models.test_check import cases
from zhicheng.hub.intake import CheckPolicy, Intake, IntakeSettings
from zhicheng.hub.readings import Readings, Snapshot
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.names import term
from zhicheng.standards.ngsild.changes import add_attribute
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality
from zhicheng.standards.ngsild.names import NULL
from zhicheng.storage.engines.embedded.store import EmbeddedStore

BUS, SPOT = "urn:ngsi-ld:Vehicle:1", "urn:ngsi-ld:ParkingSpot:1"
SPEED = term("speed")


def hub(store: EmbeddedStore, default: CheckPolicy, **checks: CheckPolicy) -> Intake:
    by_type = {term(name): policy for name, policy in checks.items()}
    return Intake(store, Catalogue.builtin(), IntakeSettings(default, by_type))


def vehicle(**named: Attribute | list[Attribute]) -> Entity:
    attributes = {term(name): given if isinstance(given, list) else [given] for name, given in named.items()}
    return Entity(BUS, (term("Vehicle"),), attributes)


def part(**named: Attribute | list[Attribute]) -> Entity:
    found = vehicle(**named)
    found.types = ()
    return found


def quality(store: EmbeddedStore, name: str = "speed", dataset: str | None = None, identifier: str = BUS) -> Quality:
    found = store.entity(identifier)
    assert found is not None
    [instance] = [each for each in found.attributes[term(name)] if each.dataset == dataset]
    return instance.quality


async def test_off_lets_everything_pass_unmarked(store: EmbeddedStore) -> None:
    await hub(store, "off").create(vehicle(speed=is_("fast"), bearing=is_(400)), NOBODY)
    assert quality(store) == quality(store, "bearing") == Quality.NONE


async def test_warn_marks_the_instances_that_break_the_model(store: EmbeddedStore) -> None:
    speeds = [is_(-5), is_(30, dataset="urn:d:gps"), is_("fast", dataset="urn:d:radio")]
    await hub(store, "warn").create(vehicle(speed=speeds, bearing=is_(90)), NOBODY)
    assert quality(store) == Quality.RANGE
    assert quality(store, dataset="urn:d:gps") == Quality.NONE
    assert quality(store, dataset="urn:d:radio") == Quality.MODEL
    assert quality(store, "bearing") == Quality.NONE


async def test_reject_refuses_the_whole_entity_and_says_why(store: EmbeddedStore) -> None:
    intake = hub(store, "off", Vehicle="reject", ParkingSpot="reject")
    with pytest.raises(Invalid, match="speed: 'fast' is not of type number") as refused:
        await intake.create(vehicle(speed=is_("fast"), bearing=is_(90)), NOBODY)
    assert "speed：" in refused.value.zh and store.entity(BUS) is None
    with pytest.raises(Invalid, match="status"):
        await intake.create(Entity(SPOT, (term("ParkingSpot"),)), NOBODY)
    await intake.create(vehicle(speed=is_(30)), NOBODY)


async def test_what_a_type_says_goes_before_what_all_say(store: EmbeddedStore) -> None:
    intake = hub(store, "reject", Vehicle="off")
    await intake.create(vehicle(speed=is_("fast")), NOBODY)
    assert quality(store) == Quality.NONE


async def test_a_part_is_checked_against_the_type_that_is_there(store: EmbeddedStore) -> None:
    intake = hub(store, "off", Vehicle="reject")
    await intake.create(vehicle(speed=is_(30)), NOBODY)
    wrong = part(speed=is_("fast"))
    other = Entity(BUS, ("https://example.org/Tracked",), wrong.attributes)
    for operation in (intake.merge, intake.append, intake.update, intake.replace, intake.add_instances):
        with pytest.raises(Invalid):
            await operation(wrong, NOBODY)
        if operation != intake.replace:
            with pytest.raises(Invalid):
                await operation(other, NOBODY)
    for whole in (True, False):
        with pytest.raises(Invalid):
            await intake.update_attribute(BUS, SPEED, [is_("fast")], NOBODY, whole=whole)
    instance = store.entity(BUS).attributes[SPEED][0].instance  # type: ignore[union-attr]  # it is there
    assert instance is not None
    with pytest.raises(Invalid):
        await intake.correct(BUS, SPEED, instance, is_("fast"), NOBODY)
    [outcome] = await intake.batch([wrong], NOBODY, "merge")
    assert isinstance(outcome.error, Invalid)


async def test_a_patch_is_judged_by_what_it_makes(store: EmbeddedStore) -> None:
    """A fragment need not fit the model: members that only go, a unit alone, a part of an object."""
    intake = hub(store, "reject")
    address = is_({"streetAddress": "a", "postalCode": "1"})
    building = Entity("urn:ngsi-ld:Building:1", (term("Building"),), {term("address"): [address]})
    await hub(store, "off").create(building, NOBODY)
    change = {term("address"): [is_({"streetAddress": NULL, "addressLocality": "b"})]}
    await intake.merge(Entity(building.id, (), change), NOBODY)
    await intake.create(vehicle(speed=is_(30), bearing=is_(90)), NOBODY)
    await intake.merge(part(bearing=is_(NULL)), NOBODY)
    await intake.update_attribute(BUS, SPEED, [is_(None, unit="MTS")], NOBODY, whole=False)
    await intake.update(part(speed=is_(NULL)), NOBODY)
    assert store.entity(BUS).attributes == {}  # type: ignore[union-attr]  # it is there
    await intake.append(part(speed=is_(100, unit="MTS")), NOBODY)
    with pytest.raises(Invalid, match="CEL"):
        await intake.update_attribute(BUS, SPEED, [is_(None, unit="CEL")], NOBODY, whole=False)


async def test_marks_go_with_the_value_they_were_for(store: EmbeddedStore) -> None:
    intake = hub(store, "warn")
    await intake.create(vehicle(speed=is_(-5)), NOBODY)
    await intake.merge(part(speed=is_(30)), NOBODY)
    assert quality(store) == Quality.NONE
    await intake.merge(part(speed=is_("fast")), NOBODY)
    assert quality(store) == Quality.MODEL
    await intake.update_attribute(BUS, SPEED, [is_(None, unit="KMH")], NOBODY, whole=False)
    assert quality(store) == Quality.MODEL
    await intake.update_attribute(BUS, SPEED, [is_(20)], NOBODY, whole=False)
    assert quality(store) == Quality.NONE


async def test_an_estimate_stays_one_until_its_value_changes(store: EmbeddedStore) -> None:
    intake = hub(store, "warn")
    estimated = is_(30)
    estimated.quality = Quality.ESTIMATED
    await intake.create(vehicle(speed=estimated), NOBODY)
    await intake.merge(part(speed=is_(None, unit="KMH")), NOBODY)
    assert quality(store) == Quality.ESTIMATED
    await intake.merge(part(speed=is_(31)), NOBODY)
    assert quality(store) == Quality.NONE


async def test_rows_that_a_type_rejects_are_left_out(store: EmbeddedStore) -> None:
    readings = Readings(hub(store, "warn", Vehicle="reject"))
    rows = ChangesBuilder()
    spare = "urn:ngsi-ld:Vehicle:2"
    rows.types = {BUS: (term("Vehicle"),), SPOT: (term("ParkingSpot"),), spare: (term("Vehicle"),)}
    add_attribute(rows, BUS, SPEED, is_("fast"), Act.OBSERVE)
    add_attribute(rows, BUS, term("bearing"), is_(90), Act.OBSERVE)
    add_attribute(rows, SPOT, term("status"), is_("haunted"), Act.OBSERVE)
    add_attribute(rows, spare, SPEED, is_(-1), Act.OBSERVE)
    done = await readings.observe(rows.build(), NOBODY)
    assert (done.refused, done.created) == (2, 2)
    bus = store.entity(BUS)
    assert bus is not None and list(bus.attributes) == [term("bearing")]
    assert quality(store, "status", identifier=SPOT) == Quality.MODEL
    assert store.entity(spare) is None, "an entity of which nothing was taken is not made"


async def test_a_snapshot_is_checked_too(store: EmbeddedStore) -> None:
    warned = await Readings(hub(store, "warn")).sync(Snapshot([vehicle(speed=is_(-5))]), NOBODY)
    assert (warned.refused, quality(store)) == (0, Quality.RANGE)
    done = await Readings(hub(store, "reject")).sync(Snapshot([vehicle(speed=is_(-6), bearing=is_(5))]), NOBODY)
    assert done.refused == 1
    bus = store.entity(BUS)
    assert bus is not None and {name: each[0].value for name, each in bus.attributes.items()} == {
        SPEED: -5,
        term("bearing"): 5,
    }


_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """One store for all examples."""
    opened = EmbeddedStore(tmp_path_factory.mktemp("alike"))
    yield opened
    opened.close()


@given(st.lists(cases(), max_size=6))
@settings(max_examples=40)
def test_requests_readings_and_snapshots_are_marked_alike(
    shared: EmbeddedStore, drawn: list[tuple[str, str, Attribute]]
) -> None:
    readings = Readings(hub(shared, "warn"))
    entities, rows = [], ChangesBuilder()
    for name, attribute, instance in drawn:
        entity = Entity(f"urn:ngsi-ld:{name}:{next(_numbers)}", (term(name),), {term(attribute): [instance]})
        entities.append(entity)
        rows.types[entity.id + ":r"] = entity.types
        add_attribute(rows, entity.id + ":r", term(attribute), instance, Act.OBSERVE)

    async def run() -> None:
        await readings.intake.batch(entities, NOBODY, "create")
        await readings.observe(rows.build(), NOBODY)
        drafts = [Entity(entity.id + ":s", entity.types, entity.attributes) for entity in entities]
        await readings.sync(Snapshot(drafts), NOBODY)

    asyncio.run(run())
    for entity, (_, attribute, _) in zip(entities, drawn, strict=True):
        marks = {quality(shared, attribute, identifier=entity.id + way) for way in ("", ":r", ":s")}
        assert len(marks) == 1, (entity, marks)


async def test_a_removed_entity_is_not_patched(store: EmbeddedStore) -> None:
    intake = hub(store, "reject")
    await intake.create(vehicle(speed=is_(1)), NOBODY)
    await intake.remove(BUS, NOBODY)
    with pytest.raises(NotFound):
        await intake.merge(part(speed=is_("fast", kind=Kind.PROPERTY)), NOBODY)
