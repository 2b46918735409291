"""Many at once: no change of one is lost to another's."""

from __future__ import annotations

import asyncio

from tests.hub.making import ID, NOBODY, fragment, iri, is_, one, room, values
from zhicheng.hub.intake import Intake, Outcome
from zhicheng.kernel.errors import AlreadyExists, NotFound
from zhicheng.standards.ngsild.model import Entity
from zhicheng.storage.engines.embedded.store import EmbeddedStore

MANY = 150


async def test_two_patches_of_one_value_both_arrive(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(place={"street": "a"}), NOBODY)
    await asyncio.gather(
        intake.merge(fragment(place={"city": "b"}), NOBODY), intake.merge(fragment(place={"code": "c"}), NOBODY)
    )
    assert values(store) == {"place": {"street": "a", "city": "b", "code": "c"}}


async def test_fifty_merges_of_one_entity_all_arrive(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(), NOBODY)
    await asyncio.gather(*(intake.merge(Entity(ID, (), {iri(f"a{n}"): [is_(n)]}), NOBODY) for n in range(50)))
    assert values(store) == {f"a{n}": n for n in range(50)}


async def test_however_many_want_the_same_value_all_get_their_turn(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(count={}), NOBODY)
    await asyncio.gather(*(intake.merge(fragment(count={str(n): n}), NOBODY) for n in range(MANY)))
    assert one(store, "count").value == {str(n): n for n in range(MANY)}


async def test_batches_and_single_changes_of_the_same_entities(intake: Intake, store: EmbeddedStore) -> None:
    ids = [f"urn:ngsi-ld:Room:{n}" for n in range(5)]
    await intake.batch([room(identifier, count={}) for identifier in ids], NOBODY, "create")
    batches = (
        intake.batch([fragment(identifier, count={f"b{n}": n}) for identifier in ids], NOBODY, "merge")
        for n in range(10)
    )
    singles = (intake.merge(fragment(ids[n % 5], count={f"s{n}": n}), NOBODY) for n in range(20))
    await asyncio.gather(*batches, *singles)
    for place, identifier in enumerate(ids):
        wanted = {f"b{n}": n for n in range(10)} | {f"s{n}": n for n in range(20) if n % 5 == place}
        assert one(store, "count", identifier=identifier).value == wanted


async def test_one_of_many_creations_takes_place(intake: Intake) -> None:
    results = await asyncio.gather(*(intake.create(room(n=n), NOBODY) for n in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Outcome) for result in results) == 1
    assert all(isinstance(result, Outcome | AlreadyExists) for result in results)


async def test_removed_once(intake: Intake) -> None:
    await intake.create(room(), NOBODY)
    results = await asyncio.gather(*(intake.remove(ID, NOBODY) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Outcome) for result in results) == 1
    assert all(isinstance(result, Outcome | NotFound) for result in results)


async def test_an_attribute_is_not_put_into_a_later_life(intake: Intake, store: EmbeddedStore) -> None:
    """Whatever the order, a partial update either comes before the removal or is refused."""
    await intake.create(room(warm=1), NOBODY)
    results = await asyncio.gather(
        intake.update_attribute(ID, iri("warm"), [is_(2)], NOBODY, whole=False),
        intake.remove(ID, NOBODY),
        intake.update_attribute(ID, iri("warm"), [is_(3)], NOBODY, whole=False),
        return_exceptions=True,
    )
    assert isinstance(results[1], Outcome) and store.entity(ID) is None
    assert all(isinstance(result, Outcome | NotFound) for result in results)
