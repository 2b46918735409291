"""Readings in columns: what is created, what is dropped as known, what comes too late."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.hub.making import (
    FACILITIES,
    ID,
    NOBODY,
    NOW,
    ROOM,
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
from zhicheng.hub.readings import Readings
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT, HOUR, MINUTE, SECOND
from zhicheng.standards.changes import Act, Changes
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Cursor, HistoryQuery, Producer

OTHER = "urn:ngsi-ld:Room:2"
WARM = iri("warm")
Reading = tuple[str, str, int | None, float]


def rows(*given: Reading, types: dict[str, tuple[str, ...]] | None = None, act: Act = Act.OBSERVE) -> Changes:
    entity, name, time, number = zip(*given, strict=True)
    return Changes.of_readings(
        Coded.of(entity), Coded.of(map(iri, name)), np.array([ABSENT if t is None else t for t in time]),
        np.array(number, np.float64), act=act, types=dict.fromkeys(entity, (ROOM,)) if types is None else types,
    )  # fmt: skip


async def test_entities_are_made_as_their_types_say(readings: Readings, store: EmbeddedStore) -> None:
    done = await readings.observe(rows((ID, "warm", NOW, 1), (OTHER, "warm", NOW, 2), (ID, "dry", NOW, 3)), FACILITIES)
    assert (done.rows, done.created, done.removed, done.repeated, done.refused) == (7, 2, 0, 0, 0)
    assert done.receipt is not None and done.receipt.position == store.state.position
    assert values(store) == {"warm": 1, "dry": 3} and values(store, OTHER) == {"warm": 2}
    assert (present(store).types, present(store).source) == ((ROOM,), "test")
    assert (one(store, "warm").owner, one(store, "warm").classification) == (FACILITIES.owner, "internal")


async def test_own_owners_stay(readings: Readings, store: EmbeddedStore) -> None:
    changes = rows((ID, "warm", NOW, 1), (ID, "dry", NOW, 2), (ID, "wet", NOW, 3))
    changes.owner = Coded.of(["urn:me", None, FACILITIES.owner])
    await readings.observe(changes, FACILITIES)
    assert [one(store, name).owner for name in ("warm", "dry", "wet")] == ["urn:me", *[FACILITIES.owner] * 2]
    assert changes.owner.list() == ["urn:me", None, FACILITIES.owner], "what was handed in is left as it is"


async def test_an_entity_without_a_type_is_refused(readings: Readings, store: EmbeddedStore) -> None:
    with pytest.raises(Invalid, match=OTHER):
        await readings.observe(rows((ID, "warm", NOW, 1), (OTHER, "warm", NOW, 2), types={ID: (ROOM,)}), NOBODY)
    assert store.entity(ID) is None


async def test_repetitions_are_dropped(readings: Readings, store: EmbeddedStore) -> None:
    await readings.observe(rows((ID, "warm", NOW, 1), (ID, "dry", NOW, 2)), NOBODY)
    before = store.state.position
    done = await readings.observe(rows((ID, "warm", NOW, 1), (ID, "dry", NOW, 2)), NOBODY)
    assert (done.receipt, done.rows, done.repeated) == (None, 0, 2) and store.state.position == before
    done = await readings.observe(rows((ID, "warm", NOW + SECOND, 1), (ID, "dry", NOW, 2)), NOBODY)
    assert (done.rows, done.repeated) == (1, 1)
    assert one(store, "warm").observed_at == NOW + SECOND


async def test_readings_without_a_time_cannot_be_told_from_repetitions(
    readings: Readings, store: EmbeddedStore, clock: Clock
) -> None:
    """docs/semantics.md: they are kept. A decision without a time that changes nothing is not."""
    for repeated in (0, 0):
        clock.forward()
        assert (await readings.observe(rows((ID, "warm", None, 1)), NOBODY)).repeated == repeated
    assert len(store.history(HistoryQuery((ID,), (WARM,), time="effective"))) == 2
    for repeated in (0, 1):
        done = await readings.observe(rows((ID, "name", None, 1), act=Act.SET), NOBODY)
        assert done.repeated == repeated


async def test_any_order_gives_one_state_and_one_history(readings: Readings, store: EmbeddedStore) -> None:
    series = [(f"urn:ngsi-ld:Room:{order}", order) for order in range(4)]
    rng = np.random.default_rng(3)
    for identifier, _ in series:
        times = rng.permutation(20)
        for chosen in np.array_split(times, 5):
            given = [(identifier, "warm", NOW + int(t) * SECOND, float(t)) for t in chosen]
            await readings.observe(rows(*given, *given[:1]), NOBODY)
        assert one(store, "warm", identifier=identifier).value == 19
        history = store.history(HistoryQuery((identifier,), (WARM,)))
        assert history.batch.changes.number.tolist() == list(range(20))


async def test_a_late_reading_goes_to_history_only(readings: Readings, store: EmbeddedStore) -> None:
    await readings.observe(rows((ID, "warm", NOW, 1)), NOBODY)
    done = await readings.observe(rows((ID, "warm", NOW - HOUR, 9)), NOBODY)
    assert done.rows == 1 and values(store) == {"warm": 1}
    assert len(store.history(HistoryQuery((ID,)))) == 2


async def test_what_is_not_later_than_the_removal_revives_nothing(
    readings: Readings, intake: Intake, store: EmbeddedStore, clock: Clock
) -> None:
    await readings.observe(rows((ID, "warm", NOW, 1), (OTHER, "warm", NOW, 1)), NOBODY)
    removed = clock.forward()
    await intake.remove(ID, NOBODY)
    clock.forward()
    for late in (NOW, removed - SECOND, removed):
        done = await readings.observe(rows((ID, "warm", late, 2), (OTHER, "warm", late, 2)), NOBODY)
        assert store.entity(ID) is None and done.created == 0
    done = await readings.observe(rows((ID, "warm", removed + SECOND, 3)), NOBODY)
    assert done.created == 1 and values(store) == {"warm": 3}
    assert present(store).created_at == clock.now


async def test_a_reading_of_long_ago_is_taken_where_another_entity_is_dead(
    readings: Readings, intake: Intake, store: EmbeddedStore
) -> None:
    await readings.observe(rows((ID, "warm", NOW, 1)), NOBODY)
    await intake.remove(ID, NOBODY)
    done = await readings.observe(rows((ID, "warm", -HOUR, 1), (OTHER, "warm", -HOUR, 2)), NOBODY)
    assert done.created == 1 and values(store, OTHER) == {"warm": 2}


async def test_an_observation_revives_no_removed_attribute(
    readings: Readings, intake: Intake, store: EmbeddedStore, clock: Clock
) -> None:
    await readings.observe(rows((ID, "warm", NOW, 1), (ID, "dry", NOW, 1)), NOBODY)
    removed = clock.forward()
    await intake.remove_attribute(ID, WARM, NOBODY)
    await readings.observe(rows((ID, "warm", removed - SECOND, 2)), NOBODY)
    assert values(store) == {"dry": 1}
    await readings.observe(rows((ID, "warm", removed + SECOND, 3)), NOBODY)
    assert values(store) == {"dry": 1, "warm": 3}


async def test_values_beside_numbers(readings: Readings, store: EmbeddedStore) -> None:
    changes = Changes.of_readings(
        Coded.constant(ID, 2), Coded.of([iri("state"), WARM]), np.array([NOW, NOW]), np.array([np.nan, 2.5]),
        Coded.of(["open", None]), Coded.of([None, "CEL"]), types={ID: (ROOM,)},
    )  # fmt: skip
    await readings.observe(changes, NOBODY)
    assert values(store) == {"state": "open", "warm": 2.5} and one(store, "warm").unit == "CEL"


async def test_a_producers_repetition_is_stored_once(readings: Readings, store: EmbeddedStore) -> None:
    origin = Origin("feed", "feed", producer=Producer("feed", 0, 7))
    first = await readings.observe(rows((ID, "warm", None, 1)), origin)
    again = await readings.observe(rows((ID, "warm", None, 1)), origin)
    assert first.receipt is not None and again.receipt is not None
    assert again.receipt.repeated and again.receipt.position == first.receipt.position
    assert len(store.history(HistoryQuery((ID,), time="effective"))) == 1


async def test_the_cursor_moves_even_if_nothing_is_new(readings: Readings, store: EmbeddedStore) -> None:
    for position in ("1", "2"):
        origin = Origin("feed", "feed", cursor=Cursor("feed", 0, position))
        await readings.observe(rows((ID, "warm", NOW, 1)), origin)
        cursor = store.cursor("feed")
        assert cursor is not None and cursor.position == position
    assert store.state.position == 1


async def test_many_at_once(readings: Readings, intake: Intake, store: EmbeddedStore) -> None:
    """Readings that make the same entities and patches of them meet; nothing is lost."""
    ids = [f"urn:ngsi-ld:Room:{n}" for n in range(30)]
    parts = (readings.observe(rows(*((identifier, f"a{n}", NOW, n) for identifier in ids)), NOBODY) for n in range(10))
    done = await asyncio.gather(*parts)
    assert sum(each.created for each in done) == len(ids)
    await asyncio.gather(
        readings.observe(rows(*((identifier, "a0", NOW + SECOND, 7) for identifier in ids)), NOBODY),
        *(intake.merge(fragment(identifier, note="x"), NOBODY) for identifier in ids),
    )
    for identifier in ids:
        assert values(store, identifier) == {**{f"a{n}": n for n in range(10)}, "a0": 7, "note": "x"}


async def test_what_was_never_live_is_no_repetition(readings: Readings, store: EmbeddedStore, clock: Clock) -> None:
    """A reading of the future is kept and never live, also when it is said again."""
    ahead = NOW + 10 * MINUTE
    await readings.observe(rows((ID, "warm", NOW, 1), (ID, "warm", ahead, 2)), NOBODY)
    clock.forward(HOUR)
    assert values(store) == {"warm": 1}
    await readings.observe(rows((ID, "warm", ahead, 2)), NOBODY)
    assert values(store) == {"warm": 2}, "said in time, it counts"


async def test_types_of_entities_that_are_there_do_not_matter(
    readings: Readings, intake: Intake, store: EmbeddedStore
) -> None:
    await intake.create(room(warm=is_(0)), NOBODY)
    await readings.observe(rows((ID, "dry", NOW, 1), types={ID: (iri("Ward"),)}), NOBODY)
    await readings.observe(rows((ID, "dry", NOW + 1, 2), types={}), NOBODY)
    assert present(store).types == (ROOM,) and values(store) == {"warm": 0, "dry": 2}
