"""One entity at a time: what each operation of NGSI-LD makes of what is there."""

from __future__ import annotations

import pytest

from tests.hub.making import FACILITIES, ID, NOBODY, NOW, ROOM, Clock, fragment, iri, is_, one, present, room, values
from zhicheng.hub.intake import Intake, Origin
from zhicheng.kernel.errors import AlreadyExists, Invalid, NotFound
from zhicheng.kernel.instants import HOUR, MINUTE, SECOND
from zhicheng.standards.ngsild.model import Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import HistoryQuery

A, B = "urn:d:a", "urn:d:b"
WARD = iri("Ward")


# create -----------------------------------------------------------------------------------------------------


async def test_created_is_what_was_given(intake: Intake, store: EmbeddedStore) -> None:
    entity = room(
        scope=("/Floor/2",),
        warm=[is_(21.5, unit="CEL", observed_at=NOW), is_(20, dataset=A)],
        of=is_("urn:ngsi-ld:House:1", kind=Kind.RELATIONSHIP, extra={"objectType": iri("House")}),
        name=is_({"en": "Room", "zh": "房间"}, kind=Kind.LANGUAGE),
        tags=is_([1, "b", None], kind=Kind.LIST),
        open=is_(True, sub={iri("since"): [is_("08:00")]}),
    )
    outcome = await intake.create(entity, NOBODY)
    assert outcome.created and set(outcome.updated) == set(entity.attributes)
    assert outcome.receipt is not None and outcome.receipt.recorded_at == NOW
    found = present(store)
    assert (found.types, found.scope, found.source) == ((ROOM,), ("/Floor/2",), "test")
    assert found.created_at == found.modified_at == NOW and found.version == outcome.receipt.position
    for name, instances in entity.attributes.items():
        for given, kept in zip(instances, found.attributes[name], strict=True):
            for member in ("kind", "value", "observed_at", "unit", "dataset", "sub", "extra"):
                assert getattr(given, member) == getattr(kept, member), (name, member)


async def test_created_twice_is_refused(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=1), NOBODY)
    with pytest.raises(AlreadyExists, match=ID):
        await intake.create(room(warm=2), NOBODY)
    assert values(store) == {"warm": 1}


async def test_removed_and_created_again_inherits_nothing(intake: Intake, store: EmbeddedStore, clock: Clock) -> None:
    await intake.create(room(scope=("/a",), warm=is_(1, observed_at=NOW), old=2), NOBODY)
    clock.forward()
    await intake.remove(ID, NOBODY)
    assert store.entity(ID) is None
    with pytest.raises(NotFound):
        await intake.remove(ID, NOBODY)
    clock.forward()
    await intake.create(room(types=(WARD,), warm=is_(3, observed_at=NOW - HOUR)), NOBODY)
    assert values(store) == {"warm": 3}
    assert (present(store).types, present(store).scope, present(store).created_at) == ((WARD,), (), clock.now)


# whose it is ------------------------------------------------------------------------------------------------


async def test_every_value_has_an_owner_and_a_classification(intake: Intake, store: EmbeddedStore) -> None:
    other = Origin("bob", "test", "urn:ngsi-ld:Organization:other", "public")
    await intake.create(room(warm=[is_(1), is_(2, dataset=A)], mine=is_(3, owner="urn:me")), FACILITIES)
    assert {(i.owner, i.classification) for i in present(store).attributes[iri("warm")]} == {
        (FACILITIES.owner, "internal")
    }
    assert (one(store, "mine").owner, one(store, "mine").classification) == ("urn:me", "internal")
    await intake.merge(fragment(warm=5, new=6), other)
    assert (one(store, "warm").owner, one(store, "warm").classification) == (FACILITIES.owner, "internal")
    assert (one(store, "new").owner, one(store, "new").classification) == (other.owner, "public")
    await intake.update_attribute(ID, iri("warm"), [is_(None, unit="CEL")], other, whole=False)
    assert (one(store, "warm").owner, one(store, "warm").value) == (FACILITIES.owner, 5)
    await intake.append(fragment(warm=7), other)
    assert (one(store, "warm").owner, one(store, "warm").classification) == (other.owner, "public")
    await intake.update_attribute(ID, iri("mine"), [is_(8)], FACILITIES, whole=True)
    assert one(store, "mine").owner == FACILITIES.owner


# replace ----------------------------------------------------------------------------------------------------


async def test_replaced_is_exactly_what_was_given(intake: Intake, store: EmbeddedStore, clock: Clock) -> None:
    await intake.create(room(scope=("/a",), warm=[is_(1), is_(2, dataset=A)], gone=3), NOBODY)
    clock.forward()
    outcome = await intake.replace(room(types=(WARD,), warm=is_(4, dataset=A), new=5), NOBODY)
    assert not outcome.created
    assert values(store) == {f"warm {A}": 4, "new": 5}
    found = present(store)
    assert (found.types, found.scope, found.created_at, found.modified_at) == ((WARD,), (), NOW, clock.now)


async def test_replace_decides_whatever_the_time(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=is_(1, observed_at=NOW)), NOBODY)
    await intake.replace(fragment(warm=is_(2, observed_at=NOW - HOUR)), NOBODY)
    assert values(store) == {"warm": 2} and one(store, "warm").observed_at == NOW - HOUR
    assert present(store).types == (ROOM,)


async def test_replace_with_null_takes_away(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=1, dry=2), NOBODY)
    await intake.replace(room(warm=NULL, dry=3), NOBODY)
    assert values(store) == {"dry": 3}


async def test_replace_needs_an_entity(intake: Intake) -> None:
    with pytest.raises(NotFound):
        await intake.replace(room(warm=1), NOBODY)


# merge ------------------------------------------------------------------------------------------------------


async def test_merge_goes_into_values_and_sub_attributes(intake: Intake, store: EmbeddedStore) -> None:
    accuracy, by = iri("accuracy"), iri("by")
    await intake.create(
        room(
            place=is_({"street": "a", "city": {"name": "b", "code": 1}, "list": [1, 2]}, unit="X",
                      sub={accuracy: [is_(0.5)], by: [is_("me", sub={iri("role"): [is_("guard")]})]}),
            kept=1,
        ),
        NOBODY,
    )  # fmt: skip
    change = is_(
        {"street": NULL, "city": {"code": 2, "new": True}, "list": [3]},
        sub={accuracy: [is_(NULL)], by: [is_("you")], iri("more"): [is_(7)]},
    )
    outcome = await intake.merge(fragment(place=change), NOBODY)
    assert outcome.updated == (iri("place"),)
    found = one(store, "place")
    assert found.value == {"city": {"name": "b", "code": 2, "new": True}, "list": [3]}
    assert found.unit == "X"
    assert {name: each[0].value for name, each in found.sub.items()} == {by: "you", iri("more"): 7}
    assert found.sub[by][0].sub[iri("role")][0].value == "guard"
    assert values(store)["kept"] == 1


async def test_merge_null_removes_one_instance_only(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=[is_(1), is_(2, dataset=A)], dry=3), NOBODY)
    await intake.merge(fragment(warm=is_(NULL, dataset=A), dry=NULL, never=NULL), NOBODY)
    assert values(store) == {"warm": 1}


async def test_merge_adds_types_and_sets_or_removes_scope(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(scope=("/a",), warm=1), NOBODY)
    await intake.merge(fragment(types=(WARD,), scope=("/b", "/c")), NOBODY)
    assert (set(present(store).types), present(store).scope) == ({ROOM, WARD}, ("/b", "/c"))
    await intake.merge(fragment(types=(ROOM,), warm=2), NOBODY)
    assert (set(present(store).types), present(store).scope) == ({ROOM, WARD}, ("/b", "/c"))
    await intake.merge(fragment(scope=(NULL,)), NOBODY)
    assert present(store).scope == ()
    assert values(store) == {"warm": 2}


async def test_merge_of_a_language_map(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(name=is_({"en": "Room", "zh": "房间"}, kind=Kind.LANGUAGE)), NOBODY)
    await intake.merge(fragment(name=is_({"fr": "Salle", "en": NULL}, kind=Kind.LANGUAGE)), NOBODY)
    assert values(store) == {"name": {"zh": "房间", "fr": "Salle"}}
    await intake.merge(fragment(name=is_({"zh": NULL, "fr": NULL}, kind=Kind.LANGUAGE)), NOBODY)
    assert values(store) == {}


async def test_merge_keeps_kind_and_needs_values(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=1), NOBODY)
    with pytest.raises(Invalid, match="cannot become"):
        await intake.merge(fragment(warm=is_("urn:a", kind=Kind.RELATIONSHIP), dry=2), NOBODY)
    with pytest.raises(Invalid, match="needs a value"):
        await intake.merge(fragment(dry=is_(None, unit="P1")), NOBODY)
    with pytest.raises(NotFound):
        await intake.merge(fragment("urn:ngsi-ld:Room:2", warm=1), NOBODY)
    assert values(store) == {"warm": 1}


async def test_a_late_reading_is_kept_but_not_live(intake: Intake, store: EmbeddedStore, clock: Clock) -> None:
    await intake.create(room(warm=is_(1, observed_at=NOW)), NOBODY)
    clock.forward()
    for operation in (intake.merge, intake.append, intake.update):
        await operation(fragment(warm=is_(9, observed_at=NOW - MINUTE)), NOBODY)
        assert values(store) == {"warm": 1}
    await intake.update_attribute(ID, iri("warm"), [is_(9, observed_at=NOW - MINUTE)], NOBODY, whole=False)
    assert values(store) == {"warm": 1}
    await intake.merge(fragment(warm=is_(2, observed_at=NOW + SECOND)), NOBODY)
    assert values(store) == {"warm": 2}


async def test_a_change_without_a_time_decides_and_keeps_the_time(
    intake: Intake, store: EmbeddedStore, clock: Clock
) -> None:
    """A reading of before does not take effect over it, one of later does; history shows both values."""
    await intake.create(room(warm=is_(1, observed_at=NOW)), NOBODY)
    clock.forward()
    await intake.merge(fragment(warm=2), NOBODY)
    assert (one(store, "warm").value, one(store, "warm").observed_at) == (2, NOW)
    history = store.history(_all_of("warm"))
    assert history.batch.changes.number.tolist() == [1, 2]
    await intake.append(fragment(warm=is_(3, observed_at=NOW - SECOND)), NOBODY)
    assert values(store) == {"warm": 2}


async def test_replacing_an_attribute_decides_whatever_the_time(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=is_(1, observed_at=NOW)), NOBODY)
    await intake.update_attribute(ID, iri("warm"), [is_(2, observed_at=NOW - HOUR)], NOBODY, whole=True)
    assert (one(store, "warm").value, one(store, "warm").observed_at) == (2, NOW - HOUR)


async def test_a_value_of_the_future_is_never_live(intake: Intake, store: EmbeddedStore, clock: Clock) -> None:
    await intake.create(room(warm=is_(1, observed_at=NOW), soon=is_(2, observed_at=NOW + 6 * MINUTE)), NOBODY)
    await intake.merge(fragment(warm=is_(3, observed_at=NOW + HOUR)), NOBODY)
    clock.forward(2 * HOUR)
    assert values(store) == {"warm": 1}


# append -----------------------------------------------------------------------------------------------------


async def test_append_adds_and_overwrites(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=[is_(1, unit="CEL"), is_(2, dataset=A)]), NOBODY)
    outcome = await intake.append(
        fragment(types=(WARD,), scope=("/b",), warm=[is_(3), is_(4, dataset=B)], dry=5), NOBODY
    )
    assert set(outcome.updated) == {iri("warm"), iri("dry")} and not outcome.not_updated
    assert values(store) == {"warm": 3, f"warm {A}": 2, f"warm {B}": 4, "dry": 5}
    assert one(store, "warm").unit is None
    assert (set(present(store).types), present(store).scope) == ({ROOM, WARD}, ("/b",))


async def test_append_may_change_the_kind(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=1), NOBODY)
    await intake.append(fragment(warm=is_("urn:a", kind=Kind.RELATIONSHIP)), NOBODY)
    assert one(store, "warm").kind is Kind.RELATIONSHIP


async def test_append_without_overwriting_tells_what_is_there(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(scope=("/a",), warm=1, cold=2), NOBODY)
    outcome = await intake.append(
        fragment(scope=("/b",), warm=[is_(3), is_(4, dataset=A)], cold=5, dry=6), NOBODY, overwrite=False
    )
    assert values(store) == {"warm": 1, f"warm {A}": 4, "cold": 2, "dry": 6}
    assert set(outcome.updated) == {iri("warm"), iri("dry")}
    assert [name for name, _ in outcome.not_updated] == ["scope", iri("warm"), iri("cold")]
    assert all(isinstance(error, AlreadyExists) for _, error in outcome.not_updated)
    assert present(store).scope == ("/a",)


async def test_append_of_what_is_all_there_stores_nothing(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=1), NOBODY)
    before = store.state.position
    outcome = await intake.append(fragment(warm=2), NOBODY, overwrite=False)
    assert outcome.receipt is None and outcome.updated == () and store.state.position == before


async def test_append_needs_an_entity(intake: Intake) -> None:
    with pytest.raises(NotFound):
        await intake.append(fragment(warm=1), NOBODY)


# update -----------------------------------------------------------------------------------------------------


async def test_update_changes_only_what_is_there(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=[is_(1, unit="CEL"), is_(2, dataset=A)], cold=3), NOBODY)
    outcome = await intake.update(fragment(warm=[is_(4), is_(5, dataset=B)], cold=NULL, dry=6), NOBODY)
    assert values(store) == {"warm": 4, f"warm {A}": 2}
    assert one(store, "warm").unit is None
    assert set(outcome.updated) == {iri("warm"), iri("cold")}
    assert [(name, type(error)) for name, error in outcome.not_updated] == [
        (iri("warm"), NotFound), (iri("dry"), NotFound)
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await intake.update(fragment("urn:ngsi-ld:Room:2", warm=1), NOBODY)


# one attribute ----------------------------------------------------------------------------------------------


async def test_partial_update_changes_members(intake: Intake, store: EmbeddedStore) -> None:
    near, by = iri("near"), iri("by")
    sub = {near: [is_(1)], by: [is_("me")]}
    await intake.create(room(warm=[is_({"a": 1}, unit="CEL", observed_at=NOW, sub=sub), is_(2, dataset=A)]), NOBODY)
    change = is_({"b": 2}, sub={near: [is_(NULL)]}, observed_at=NOW + SECOND, extra={"unitCode": NULL})
    await intake.update_attribute(ID, iri("warm"), [change], NOBODY, whole=False)
    found = one(store, "warm")
    assert (found.value, found.unit, found.observed_at) == ({"b": 2}, None, NOW + SECOND)
    assert list(found.sub) == [by]
    await intake.update_attribute(ID, iri("warm"), [is_(None, dataset=A, unit="FAH")], NOBODY, whole=False)
    assert (one(store, "warm", A).value, one(store, "warm", A).unit) == (2, "FAH")
    await intake.update_attribute(ID, iri("warm"), [is_(NULL)], NOBODY, whole=False)
    assert values(store) == {f"warm {A}": 2}


async def test_replaced_attribute_keeps_nothing(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=[is_(1, unit="CEL", sub={iri("by"): [is_("me")]}), is_(2, dataset=A)]), NOBODY)
    await intake.update_attribute(ID, iri("warm"), [is_("hot")], NOBODY, whole=True)
    assert values(store) == {"warm": "hot", f"warm {A}": 2}
    assert (one(store, "warm").unit, one(store, "warm").sub) == (None, {})


@pytest.mark.parametrize("whole", [True, False])
async def test_an_attribute_that_is_not_there_is_told(intake: Intake, store: EmbeddedStore, whole: bool) -> None:
    await intake.create(room(warm=1), NOBODY)
    for name, changes in ((iri("dry"), [is_(2)]), (iri("warm"), [is_(2), is_(3, dataset=A)])):
        with pytest.raises(NotFound, match=name):
            await intake.update_attribute(ID, name, changes, NOBODY, whole=whole)
    with pytest.raises(NotFound):
        await intake.update_attribute("urn:ngsi-ld:Room:2", iri("warm"), [is_(2)], NOBODY, whole=whole)
    assert values(store) == {"warm": 1}


async def test_removing_an_attribute(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=[is_(1), is_(2, dataset=A), is_(3, dataset=B)], dry=4), NOBODY)
    await intake.remove_attribute(ID, iri("warm"), NOBODY)
    assert values(store) == {f"warm {A}": 2, f"warm {B}": 3, "dry": 4}
    with pytest.raises(NotFound):
        await intake.remove_attribute(ID, iri("warm"), NOBODY)
    await intake.remove_attribute(ID, iri("warm"), NOBODY, dataset=A)
    assert values(store) == {f"warm {B}": 3, "dry": 4}
    await intake.append(fragment(warm=5), NOBODY)
    await intake.remove_attribute(ID, iri("warm"), NOBODY, every=True)
    assert values(store) == {"dry": 4}
    with pytest.raises(NotFound):
        await intake.remove_attribute(ID, iri("warm"), NOBODY, every=True)


async def test_a_removal_says_whose_value_it_took(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=1), FACILITIES)
    await intake.remove_attribute(ID, iri("warm"), NOBODY)
    changes = store.history(_all_of("warm")).batch.changes
    assert changes.owner.list() == [FACILITIES.owner] * 2 and changes.classification.list() == ["internal"] * 2


# history ----------------------------------------------------------------------------------------------------


async def test_instances_are_added_to_what_is_there_or_make_it(intake: Intake, store: EmbeddedStore) -> None:
    series = [is_(value, observed_at=NOW - value * MINUTE) for value in (3, 1, 2)]
    outcome = await intake.add_instances(room(warm=series, dry=is_(0)), FACILITIES)
    assert outcome.created and set(outcome.updated) == {iri("warm"), iri("dry")}
    assert values(store) == {"warm": 1, "dry": 0}
    assert one(store, "warm").owner == FACILITIES.owner
    outcome = await intake.add_instances(fragment(warm=is_(9, observed_at=NOW - HOUR)), NOBODY)
    assert not outcome.created and values(store)["warm"] == 1
    assert store.history(_all_of("warm")).batch.changes.number.tolist() == [9, 3, 2, 1]
    with pytest.raises(NotFound):
        await intake.add_instances(fragment("urn:ngsi-ld:Room:2", warm=1), NOBODY)


async def test_a_correction_keeps_what_it_does_not_name(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(warm=is_(1, dataset=A, observed_at=NOW)), FACILITIES)
    instance = one(store, "warm", A).instance
    assert instance is not None
    other = Origin("bob", "test", "urn:ngsi-ld:Organization:other", "public")
    change = is_(2, unit="CEL", sub={iri("by"): [is_("me")]})
    await intake.correct(ID, iri("warm"), instance, change, other)
    found = one(store, "warm", A)
    assert (found.value, found.unit, found.observed_at, found.instance) == (2, "CEL", NOW, instance)
    assert found.sub[iri("by")][0].value == "me"
    assert (found.owner, found.classification) == (FACILITIES.owner, "internal")
    await intake.correct(ID, iri("warm"), instance, None, NOBODY)
    assert values(store) == {}
    for wrong in (instance, instance + 1):
        with pytest.raises(NotFound):
            await intake.correct(ID, iri("warm"), wrong, is_(3), NOBODY)


def _all_of(name: str, identifier: str = ID) -> HistoryQuery:
    return HistoryQuery((identifier,), (iri(name),), time="effective")


async def test_an_unknown_entity_has_nothing_to_correct(intake: Intake) -> None:
    with pytest.raises(NotFound):
        await intake.correct(ID, iri("warm"), 1 << 20, is_(3), NOBODY)
