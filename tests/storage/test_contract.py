"""What every store promises, tried on each engine alike; docs/semantics.md has the rules in words."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.test_semantics import Clock, objects, plain
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Entity, Kind, Quality
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.engines.memory import MemoryStore
from zhicheng.storage.log import Commit, Cursor, Producer, VersionConflict

Engine = EmbeddedStore | MemoryStore
BUS, SPEED = "urn:ngsi-ld:Vehicle:1", "https://x/speed"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "embedded", "embedded, sealed at once"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    rows = 1 if "sealed" in request.param else 10**9
    engine = EmbeddedStore(tmp_path / "tenant", EmbeddedSettings(seal_rows=rows, snapshot_rows=1), clock)
    yield engine
    engine.close()


def entities(store: Engine) -> dict[str, Entity]:
    return store.entities() if isinstance(store, MemoryStore) else objects(store.state)


def position(store: Engine) -> int:
    return store.position if isinstance(store, MemoryStore) else store.state.position


def speed(store: Engine, entity: str = BUS) -> object:
    found = entities(store)[entity].attributes.get(SPEED)
    return None if found is None else found[0].value


def rows(*fill: Callable[[ChangesBuilder], object]) -> Changes:
    builder = ChangesBuilder()
    for add in fill:
        add(builder)
    return builder.build()


def born(entity: str = BUS) -> Callable[[ChangesBuilder], object]:
    def add(builder: ChangesBuilder) -> None:
        builder.add(entity, None, kind=Kind.LIFE, act=Act.SET)
        builder.add(entity, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text='["https://x/Vehicle"]')

    return add


def died(entity: str = BUS) -> Callable[[ChangesBuilder], object]:
    return lambda builder: builder.add(entity, None, kind=Kind.LIFE, act=Act.REMOVE)


def read(
    number: float, observed_at: int | None = None, act: Act = Act.OBSERVE, entity: str = BUS
) -> Callable[[ChangesBuilder], object]:
    return lambda builder: builder.add(entity, SPEED, act=act, form=Form.NUMBER, number=number, observed_at=observed_at)


def gone(observed_at: int | None = None) -> Callable[[ChangesBuilder], object]:
    return lambda builder: builder.add(BUS, SPEED, act=Act.REMOVE, observed_at=observed_at)


def of(*fill: Callable[[ChangesBuilder], object], **facts: object) -> Commit:
    return Commit(rows(*fill), "tester", "test", **facts)  # type: ignore[arg-type]  # facts are the commit's fields


# commits and receipts -----------------------------------------------------------------------------------------


def test_positions_follow_each_other_and_a_receipt_is_visible(store: Engine, clock: Clock) -> None:
    for number in range(1, 6):
        clock.now += SECOND
        receipt = store.commit(of(*([born()] if number == 1 else []), read(number)))
        assert (receipt.position, receipt.recorded_at, receipt.repeated) == (number, clock.now, False)
        assert speed(store) == number


def test_recorded_at_never_goes_back_when_the_clock_jumps(store: Engine, clock: Clock) -> None:
    seen = [store.commit(of(born())).recorded_at]
    for jump in (60, -3600, 5, -(10**6), 10**6, -1):
        clock.now += jump * SECOND
        seen.append(store.commit(of(read(jump))).recorded_at)
        assert speed(store) == jump
    assert seen == sorted(seen)


def test_a_commit_without_changes_moves_only_its_cursor(store: Engine) -> None:
    store.commit(of(born()))
    for place in ("7", "8"):
        receipt = store.commit(of(cursor=Cursor("app", 3, place, b"state " + place.encode())))
        assert receipt.position == 1 and position(store) == 1
    assert store.cursor("app", 3) == Cursor("app", 3, "8", b"state 8")
    assert store.cursor("app", 0) is None and store.cursor("other", 3) is None


def test_a_cursor_moves_with_its_commit_or_not_at_all(store: Engine) -> None:
    store.commit(of(born(), cursor=Cursor("app", 0, "1")))
    with pytest.raises(VersionConflict):
        store.commit(of(born(), cursor=Cursor("app", 0, "2")))
    assert store.cursor("app") == Cursor("app", 0, "1")


# producers ----------------------------------------------------------------------------------------------------


def test_a_repeated_sequence_gives_the_first_receipt_and_stores_nothing(store: Engine, clock: Clock) -> None:
    first = store.commit(of(born(), read(1), producer=Producer("feed", 1, 0)))
    second = store.commit(of(read(2), producer=Producer("feed", 1, 5)))
    clock.now += 60 * SECOND
    cursor = Cursor("app", 0, "never")
    assert store.commit(of(read(9), producer=Producer("feed", 1, 5), cursor=cursor)) == replace(second, repeated=True)
    assert store.commit(of(born(), producer=Producer("feed", 1, 0))) == replace(first, repeated=True)
    assert speed(store) == 2 and position(store) == 2
    assert store.cursor("app") is None


def test_an_older_sequence_that_was_never_stored_is_refused(store: Engine) -> None:
    store.commit(of(born(), producer=Producer("feed", 1, 5)))
    with pytest.raises(Invalid, match="sequence"):
        store.commit(of(read(1), producer=Producer("feed", 1, 4)))


def test_epochs_and_names_of_producers_are_apart(store: Engine) -> None:
    store.commit(of(born(), producer=Producer("feed", 1, 5)))
    assert not store.commit(of(read(1), producer=Producer("feed", 2, 0))).repeated
    assert not store.commit(of(read(2), producer=Producer("other", 1, 0))).repeated


def test_a_refused_commit_leaves_its_sequence_free(store: Engine) -> None:
    with pytest.raises(VersionConflict):
        store.commit(of(read(1), producer=Producer("feed", 1, 0)))
    receipt = store.commit(of(born(), read(1), producer=Producer("feed", 1, 0)))
    assert (receipt.position, receipt.repeated) == (1, False)


def test_a_producer_counts_also_where_only_the_cursor_moves(store: Engine) -> None:
    store.commit(of(born()))
    facts = {"producer": Producer("feed", 1, 0), "cursor": Cursor("app", 0, "1")}
    assert not store.commit(of(**facts)).repeated
    assert store.commit(of(**facts)).repeated


# versions and lives -------------------------------------------------------------------------------------------


def test_expected_versions(store: Engine) -> None:
    created = store.commit(of(born(), expected={BUS: 0}))
    changed = store.commit(of(read(1), expected={BUS: created.position}))
    for version in (0, created.position, changed.position + 1):
        with pytest.raises(VersionConflict):
            store.commit(of(read(2), expected={BUS: version}))
    store.commit(of(read(3), expected={BUS: changed.position, "urn:ngsi-ld:Vehicle:none": 0}))
    assert speed(store) == 3


def test_expected_versions_count_where_only_the_cursor_moves(store: Engine) -> None:
    with pytest.raises(VersionConflict):
        store.commit(of(cursor=Cursor("app", 0, "1"), expected={BUS: 7}))
    assert store.cursor("app") is None


def test_what_does_not_exist_takes_no_readings_and_what_exists_is_not_created(store: Engine) -> None:
    for refused in (read(1), gone(), died()):
        with pytest.raises(VersionConflict):
            store.commit(of(refused))
    store.commit(of(born()))
    with pytest.raises(VersionConflict):
        store.commit(of(born()))
    store.commit(of(died()))
    with pytest.raises(VersionConflict):
        store.commit(of(read(1)))


def test_a_recreated_id_inherits_nothing(store: Engine, clock: Clock) -> None:
    scope = lambda b: b.add(BUS, None, kind=Kind.SCOPE, act=Act.SET, form=Form.JSON, text='["/a"]')  # noqa: E731  (one line of a table)
    store.commit(of(born(), scope, read(50)))
    clock.now += SECOND
    store.commit(of(died()))
    assert BUS not in entities(store)
    clock.now += SECOND
    created = store.commit(of(born()))
    entity = entities(store)[BUS]
    assert not entity.attributes and not entity.scope and entity.created_at == created.recorded_at
    store.commit(of(read(7, clock.now - 3600 * SECOND)))
    assert speed(store) == 7


# what takes effect --------------------------------------------------------------------------------------------


def test_a_late_observation_changes_nothing_live(store: Engine, clock: Clock) -> None:
    store.commit(of(born(), read(1, clock.now)))
    store.commit(of(read(2, clock.now - SECOND)))
    assert speed(store) == 1
    store.commit(of(read(3, clock.now)))
    assert speed(store) == 3, "at equal times the later in the log counts"


def test_set_and_remove_take_effect_whatever_their_time(store: Engine, clock: Clock) -> None:
    store.commit(of(born(), read(1, clock.now)))
    store.commit(of(read(2, clock.now - 3600 * SECOND, Act.SET)))
    assert speed(store) == 2
    store.commit(of(gone(clock.now - 7200 * SECOND)))
    assert speed(store) is None


def test_an_observation_older_than_a_removal_revives_nothing(store: Engine, clock: Clock) -> None:
    store.commit(of(born(), read(1, clock.now - 60 * SECOND)))
    store.commit(of(gone(clock.now)))
    store.commit(of(read(2, clock.now - SECOND)))
    assert speed(store) is None
    store.commit(of(read(3, clock.now + SECOND)))
    assert speed(store) == 3


@pytest.mark.parametrize(("ahead", "live"), [(4 * MINUTE, True), (5 * MINUTE, True), (5 * MINUTE + 1, False)])
def test_what_is_more_than_five_minutes_ahead_is_flagged_and_never_live(
    store: Engine, clock: Clock, ahead: int, live: bool
) -> None:
    store.commit(of(born(), read(1, clock.now)))
    for act in (Act.OBSERVE, Act.SET):
        store.commit(of(read(2, clock.now + ahead, act)))
        assert speed(store) == (2 if live else 1)
    stored = _qualities(store)
    assert stored[-2:] == ([0, 0] if live else [Quality.FUTURE, Quality.FUTURE])
    clock.now += 3600 * SECOND
    store.commit(of(born("urn:ngsi-ld:Vehicle:2")))
    assert speed(store) == (2 if live else 1), "time passing does not make it live"


def _qualities(store: Engine) -> list[int]:
    if isinstance(store, MemoryStore):
        return [row.quality for row in store.rows]
    found: list[int] = store.tail(0).changes.quality.tolist()
    return found


observations = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=1, max_size=8, unique_by=lambda o: o[0]
)


@given(observations, st.data())
@settings(max_examples=60)
def test_order_and_repetition_of_observations_give_one_result(made: list[tuple[int, int]], data: st.DataObject) -> None:
    """Readings with times of their own: whatever order they come in, however often, together or apart."""
    arrived = data.draw(st.permutations(made + data.draw(st.lists(st.sampled_from(made), max_size=5))))
    cuts = data.draw(st.lists(st.integers(0, len(arrived)), max_size=3).map(sorted))
    latest = max(made)[1]
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        embedded = EmbeddedStore(Path(folder), EmbeddedSettings(seal_rows=3), clock)
        try:
            for store in (MemoryStore(clock), embedded):
                store.commit(of(born()))
                for start, end in zip([0, *cuts], [*cuts, len(arrived)], strict=True):
                    if start < end:
                        store.commit(
                            of(*(read(v, clock.now - 60 * SECOND + t * SECOND) for t, v in arrived[start:end]))
                        )
                assert speed(store) == latest
        finally:
            embedded.close()


# refusals -----------------------------------------------------------------------------------------------------


def _column(name: str, values: object) -> Callable[[Changes], Changes]:
    def change(changes: Changes) -> Changes:
        setattr(changes, name, values)
        return changes

    return change


def _row(**fields: object) -> Callable[[Changes], Changes]:
    def change(_: Changes) -> Changes:
        merged = {"entity": BUS, "attribute": SPEED, "form": Form.NUMBER, "number": 1.0} | fields
        builder = ChangesBuilder()
        builder.add(merged.pop("entity"), merged.pop("attribute"), **merged)  # type: ignore[arg-type]  # a row is the builder's arguments
        return builder.build()

    return change


BROKEN: dict[str, Callable[[Changes], Changes]] = {
    "kind": _column("kind", np.array([99], np.uint8)),
    "kind of an erased row": _column("kind", np.array([0], np.uint8)),
    "act": _column("act", np.array([0], np.uint8)),
    "form": _column("form", np.array([9], np.uint8)),
    "no entity": _column("entity", Coded.of([None])),
    "no attribute": _row(attribute=None),
    "an attribute of the whole entity": _row(kind=Kind.LIFE, act=Act.REMOVE),
    "observed life": _row(kind=Kind.LIFE, act=Act.OBSERVE, attribute=None),
    "corrected types": _row(kind=Kind.TYPES, act=Act.CORRECT, attribute=None, target=1, form=Form.JSON, text="[]"),
    "a column too short": _column("number", np.zeros(0)),
    "a code beyond the values": _column("attribute", Coded(["https://x/a"], np.array([1], np.int32))),
    "a code below nothing": _column("unit", Coded([], np.array([-2], np.int32))),
    "types that are no JSON": _row(kind=Kind.TYPES, act=Act.SET, attribute=None, form=Form.JSON, text="bus"),
    "types that are no list": _row(kind=Kind.TYPES, act=Act.SET, attribute=None, form=Form.JSON, text='{"a":1}'),
    "a scope of numbers": _row(kind=Kind.SCOPE, act=Act.SET, attribute=None, form=Form.JSON, text="[1]"),
    "a scope that is no text": _row(kind=Kind.SCOPE, act=Act.SET, attribute=None),
    "not a number": _row(number=float("nan")),
    "infinity": _row(number=float("inf")),
    "a text that is not there": _row(form=Form.TEXT),
    "a correction of nothing": _row(act=Act.CORRECT),
    "a reading with a target": _row(target=7),
    "before the year 1": _row(observed_at=-(2**63) + 1),
    "after the year 9999": _row(observed_at=2**62),
}


@pytest.mark.parametrize("name", BROKEN)
def test_rows_that_nobody_could_read_are_refused_whole(store: Engine, name: str) -> None:
    store.commit(of(born(), read(1)))
    before = plain(entities(store))
    with pytest.raises(Invalid) as caught:
        store.commit(replace(of(read(5)), changes=BROKEN[name](rows(read(5))), cursor=Cursor("app", 0, "1")))
    assert caught.value.zh != caught.value.en
    assert plain(entities(store)) == before and position(store) == 1 and store.cursor("app") is None
    store.commit(of(read(2)))
    assert speed(store) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"producer": Producer("feed", 0, 2**63)},
        {"producer": Producer("feed", -1, 0)},
        {"cursor": Cursor("app", 2**63, "1")},
    ],
)
def test_numbers_that_no_column_holds_are_refused(store: Engine, facts: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        store.commit(of(born(), **facts))
    assert position(store) == 0


def test_a_commit_of_nothing_or_too_much_is_refused(store: Engine) -> None:
    many = Changes.of_readings(
        Coded.constant(BUS, 2**20 + 1),
        Coded.constant(SPEED, 2**20 + 1),
        np.zeros(2**20 + 1, np.int64),
        np.zeros(2**20 + 1),
    )
    store.commit(of(born()))
    for changes, cursor in ((rows(), None), (many, None), (many, Cursor("app", 0, "1"))):
        with pytest.raises(Invalid, match="1 to"):
            store.commit(Commit(changes, "tester", "test", cursor=cursor))
    assert position(store) == 1 and store.cursor("app") is None


def test_one_bad_row_keeps_the_good_ones_out(store: Engine) -> None:
    store.commit(of(born(), read(1)))
    other = "urn:ngsi-ld:Vehicle:2"
    for bad in (read(3, entity="urn:ngsi-ld:Vehicle:none"), born(), died("urn:ngsi-ld:Vehicle:none")):
        with pytest.raises(ZhichengError):
            store.commit(of(born(other), read(2), bad))
        assert speed(store) == 1 and other not in entities(store) and position(store) == 1
    store.commit(of(born(other), read(2)))
    assert speed(store) == 2
