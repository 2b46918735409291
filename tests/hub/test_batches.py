"""Many entities in one request: each is taken or refused by itself, all that are taken in one commit."""

from __future__ import annotations

import pytest

from tests.hub.making import FACILITIES, NOBODY, ROOM, fragment, iri, is_, one, present, room, values
from zhicheng.hub.intake import How, Intake, Outcome
from zhicheng.kernel.errors import AlreadyExists, Invalid, NotFound
from zhicheng.standards.ngsild.model import Entity, Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.storage.engines.embedded.store import EmbeddedStore

OLD, NEW, SPOILT = (f"urn:ngsi-ld:Room:{name}" for name in ("old", "new", "spoilt"))


@pytest.fixture(autouse=True)
async def _old(intake: Intake) -> None:
    await intake.create(room(OLD, warm=1, cold=[is_(2), is_(3, dataset="urn:d:a")]), NOBODY)


def told(outcomes: list[Outcome]) -> list[tuple[str, bool, type[Exception] | None]]:
    return [(outcome.id, outcome.created, type(outcome.error) if outcome.error else None) for outcome in outcomes]


async def batch(intake: Intake, how: How, *entities: Entity) -> list[Outcome]:
    """Run, and see that everything taken is in one commit."""
    before = intake.store.state.position
    outcomes = await intake.batch(entities, FACILITIES, how)
    taken = [outcome.receipt.position for outcome in outcomes if outcome.receipt is not None]
    assert set(taken) <= {before + 1} and intake.store.state.position <= before + 1
    assert all(outcome.receipt is None for outcome in outcomes if outcome.error)
    return outcomes


async def test_create(intake: Intake, store: EmbeddedStore) -> None:
    outcomes = await batch(intake, "create", room(NEW, a=1), room(OLD, a=1), room(SPOILT, a=1))
    assert told(outcomes) == [(NEW, True, None), (OLD, False, AlreadyExists), (SPOILT, True, None)]
    assert values(store, OLD) == {"warm": 1, "cold": 2, "cold urn:d:a": 3}
    assert one(store, "a", identifier=NEW).owner == FACILITIES.owner


async def test_upsert_replaces(intake: Intake, store: EmbeddedStore) -> None:
    outcomes = await batch(intake, "replace", room(OLD, warm=5), room(NEW, a=1))
    assert told(outcomes) == [(OLD, False, None), (NEW, True, None)]
    assert (values(store, OLD), values(store, NEW)) == ({"warm": 5}, {"a": 1})


async def test_upsert_updates(intake: Intake, store: EmbeddedStore) -> None:
    outcomes = await batch(intake, "update", room(OLD, types=(iri("Ward"),), warm=5), room(NEW, a=1))
    assert told(outcomes) == [(OLD, False, None), (NEW, True, None)]
    assert (values(store, OLD), values(store, NEW)) == ({"warm": 5, "cold": 2, "cold urn:d:a": 3}, {"a": 1})
    assert set(present(store, OLD).types) == {ROOM, iri("Ward")}


async def test_update(intake: Intake, store: EmbeddedStore) -> None:
    outcomes = await batch(intake, "only-update", fragment(NEW, a=1), fragment(OLD, warm=5, a=6))
    assert told(outcomes) == [(NEW, False, NotFound), (OLD, False, None)]
    assert values(store, OLD) == {"warm": 5, "cold": 2, "cold urn:d:a": 3, "a": 6}


async def test_update_without_overwriting(intake: Intake, store: EmbeddedStore) -> None:
    [outcome, refused] = await batch(intake, "only-update-no-overwrite", fragment(OLD, warm=5, a=6), fragment(NEW, a=1))
    assert (outcome.updated, [name for name, _ in outcome.not_updated]) == ((iri("a"),), [iri("warm")])
    assert isinstance(refused.error, NotFound)
    assert values(store, OLD) == {"warm": 1, "cold": 2, "cold urn:d:a": 3, "a": 6}


async def test_merge(intake: Intake, store: EmbeddedStore) -> None:
    spoilt = fragment(OLD, warm=is_("urn:a", kind=Kind.RELATIONSHIP), new=1)
    outcomes = await batch(intake, "merge", spoilt, fragment(NEW, a=1), fragment(OLD, warm=5, cold=NULL))
    assert told(outcomes) == [(OLD, False, Invalid), (NEW, False, NotFound), (OLD, False, None)]
    assert values(store, OLD) == {"warm": 5, "cold urn:d:a": 3}


async def test_delete(intake: Intake, store: EmbeddedStore) -> None:
    await intake.create(room(NEW), NOBODY)
    outcomes = await intake.batch_remove([OLD, SPOILT, NEW, OLD], NOBODY)
    assert told(outcomes) == [(OLD, False, None), (SPOILT, False, NotFound), (NEW, False, None), (OLD, False, Invalid)]
    assert store.entity(OLD) is None and store.entity(NEW) is None


@pytest.mark.parametrize("how", ["create", "replace", "update"])
async def test_of_two_with_one_id_the_first_counts(intake: Intake, store: EmbeddedStore, how: How) -> None:
    outcomes = await batch(intake, how, room(NEW, a=1), room(NEW, a=2, b=3), room(SPOILT, a=4))
    assert told(outcomes) == [(NEW, True, None), (NEW, False, Invalid), (SPOILT, True, None)]
    assert (values(store, NEW), values(store, SPOILT)) == ({"a": 1}, {"a": 4})


async def test_a_batch_of_nothing_but_errors_stores_nothing(intake: Intake, store: EmbeddedStore) -> None:
    before = store.state.position
    outcomes = await intake.batch([room(OLD), fragment(OLD)], NOBODY, "create")
    assert [type(outcome.error) for outcome in outcomes] == [AlreadyExists, AlreadyExists]
    assert await intake.batch([], NOBODY, "merge") == [] and store.state.position == before
