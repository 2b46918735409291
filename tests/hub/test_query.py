"""Queries: who is found, in which order, page by page; now and in the past."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import box

from tests.hub.making import ID, NOBODY, NOW, ROOM, Clock, fragment, iri, is_, room
from tests.standards.filter.test_evaluators import ENTITIES, PATHS, TREES, TYPES
from zhicheng.hub.intake import Intake
from zhicheng.hub.ordering import ID as ID_PATH
from zhicheng.hub.ordering import Order
from zhicheng.hub.query import EntityQuery, Page, Query
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import HOUR, MINUTE, SECOND
from zhicheng.standards.filter import document, q, scope, tree
from zhicheng.standards.filter.moments import moment
from zhicheng.standards.filter.tree import And, Compare, Geo, IdPattern, Node, Operand, Path, Type
from zhicheng.standards.ngsild.model import Entity, Json, Kind
from zhicheng.standards.ngsild.names import NAMESPACE
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.live import State

LIVING = 40
HALL = iri("Hall")
GEOD = Geod(ellps="WGS84")


def identifier(number: int) -> str:
    return f"urn:ngsi-ld:Room:{number:02d}"


def building() -> list[Entity]:
    """Rooms and halls, some of them both; some lack what others have."""
    found = []
    for number in range(LIVING):
        entity = room(identifier(number), (ROOM, HALL) if number % 5 == 0 else (HALL,) if number % 5 == 1 else (ROOM,))
        entity.scope = (f"/floor/{number % 3}",) if number % 4 else ()
        entity.attributes[iri("number")] = [is_(number * 7 % LIVING)]
        if number % 3:
            entity.attributes[iri("name")] = [is_(f"n{number % 7}"), is_("alias", dataset="urn:d:alias")]
        if number % 2:
            point: Json = {"type": "Point", "coordinates": [116 + number * 17 % 40 / 100, 39.9]}
            entity.attributes[iri("place")] = [is_(point, kind=Kind.GEO)]
        if number % 6 == 0:
            entity.attributes[iri("mixed")] = [is_(number if number % 4 else "text", observed_at=NOW - number * SECOND)]
        found.append(entity)
    return found


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """The building, after some building work: rows of the tables have been freed, reused and moved."""
    clock = Clock()
    store = EmbeddedStore(tmp_path_factory.mktemp("building"), clock=clock)
    intake = Intake(store)

    async def build() -> None:
        for number in range(0, LIVING, 3):
            await intake.create(room(identifier(number), (ROOM,), ("/old",), number=-1, name="old", old=1), NOBODY)
        await intake.batch_remove([identifier(number) for number in range(0, LIVING, 3)], NOBODY)
        clock.forward()
        for entity in building():
            clock.forward(SECOND)
            types, entity.types = entity.types, (ROOM,)
            await intake.create(entity, NOBODY)
            if types != (ROOM,):
                await intake.replace(Entity(entity.id, types, entity.attributes, entity.scope), NOBODY)

    asyncio.run(build())
    yield store
    store.close()


@pytest.fixture(scope="module")
def wanted(stored: EmbeddedStore) -> dict[str, Entity]:
    found = {identifier(number): stored.entity(identifier(number)) for number in range(LIVING)}
    return {name: entity for name, entity in found.items() if entity is not None}


def ids(page: Page) -> list[str]:
    return [entity.id for entity in page.entities]


def everyone(where: Node = tree.EVERYTHING, *order: Order, state: State | None = None) -> Callable[[Query], list[str]]:
    return lambda query: ids(query.select(EntityQuery(where, 1000, order=order), state))


WHERE: list[tuple[str, Node, Callable[[Entity], bool]]] = [
    ("everything", tree.EVERYTHING, lambda e: True),
    ("nothing", tree.NOTHING, lambda e: False),
    ("type", Type(ROOM), lambda e: ROOM in e.types),
    ("both types", And((Type(ROOM), Type(HALL))), lambda e: len(e.types) == 2),
    ("ids", tree.ids([identifier(3), identifier(4), "urn:never"]), lambda e: e.id[-2:] in ("03", "04")),
    ("ids and type", And((tree.ids([identifier(3), identifier(1)]), Type(ROOM))), lambda e: e.id[-2:] == "03"),
    (
        "two lists of ids",
        And((tree.ids([identifier(1), identifier(2)]), tree.ids([identifier(2), identifier(3)]))),
        lambda e: e.id[-2:] == "02",
    ),
    ("id pattern", IdPattern(":1.$"), lambda e: e.id[-2] == "1"),
    ("q", q.parse("number>=20;number<30", iri), lambda e: 20 <= e.attributes[iri("number")][0].value < 30),  # type: ignore[operator]  # a number
    ("q of any instance", q.parse('name=="alias"', iri), lambda e: iri("name") in e.attributes),
    ("q absent", q.parse("!place", iri), lambda e: iri("place") not in e.attributes),
    ("what is no more", q.parse("old", iri), lambda e: False),
    (
        "georel",
        Geo(iri("place"), "within", box(116.1, 39, 116.2, 41)),
        lambda e: iri("place") in e.attributes
        and 10 <= int(e.id[-2:]) * 17 % 40 <= 20,
    ),
    ("scope", scope.parse("/floor/1"), lambda e: e.scope == ("/floor/1",)),
    ("scopes below", scope.parse("/floor/#"), lambda e: bool(e.scope)),
    (
        "all of it",
        tree.all_of([Type(ROOM), q.parse("number<20|mixed", iri), scope.parse("/floor/2"), IdPattern("[02468]$")]),
        lambda e: (
            ROOM in e.types
            and (int(e.id[-2:]) * 7 % LIVING < 20 or int(e.id[-2:]) % 6 == 0)
            and e.scope == ("/floor/2",)
            and int(e.id[-2:]) % 2 == 0
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("where", "fits"), [case[1:] for case in WHERE], ids=[case[0] for case in WHERE])
def test_who_is_found(
    stored: EmbeddedStore, wanted: dict[str, Entity], where: Node, fits: Callable[[Entity], bool]
) -> None:
    page = Query(stored).select(EntityQuery(where, 1000, count=True))
    assert {entity.id: entity for entity in page.entities} == {e.id: e for e in wanted.values() if fits(e)}
    assert page.total == len(page.entities)
    assert Query(stored).select(EntityQuery(where)).total is None


@pytest.mark.parametrize("where", [case[1] for case in WHERE], ids=[case[0] for case in WHERE])
@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("order", [(), (Order(Path(iri("name")), descending=True),)], ids=["plain", "ordered"])
@pytest.mark.parametrize("past", [False, True])
def test_pages_are_everything_once(
    stored: EmbeddedStore, where: Node, limit: int, order: tuple[Order, ...], past: bool
) -> None:
    state = stored.as_of(stored.state.recorded_at) if past else None
    query = Query(stored)
    found: list[str] = []
    while page := ids(query.select(EntityQuery(where, limit, len(found), order), state)):
        found += page
    assert found == everyone(where, *order, state=state)(query)
    assert len(set(found)) == len(found)
    assert query.select(EntityQuery(where, 0, 0, order, count=True), state).total == len(found)
    assert ids(query.select(EntityQuery(where, 5, len(found) + 3, order), state)) == []


def test_the_chosen_attributes_come(stored: EmbeddedStore) -> None:
    query = Query(stored)
    chosen = query.select(EntityQuery(Type(ROOM), 3, attributes=frozenset([iri("number"), iri("never")])))
    assert [list(entity.attributes) for entity in chosen.entities] == [[iri("number")]] * 3
    none = query.select(EntityQuery(Type(ROOM), 3, attributes=frozenset()))
    assert [entity.attributes for entity in none.entities] == [{}] * 3


# order -------------------------------------------------------------------------------------------------------


def by(key: Callable[[Entity], object], entities: Sequence[Entity], *, down: bool = False) -> list[object]:
    """The keys in order, without those that are nothing, which come last."""
    keys = [key(entity) for entity in entities]
    there = sorted((each for each in keys if each is not None), reverse=down)  # type: ignore[type-var]  # of one type
    return [*there, *[None] * (len(keys) - len(there))]


def value(name: str, dataset: str | None = None) -> Callable[[Entity], Json]:
    def read(entity: Entity) -> Json:
        found = [each.value for each in entity.attributes.get(iri(name), ()) if each.dataset == dataset]
        return found[0] if found else None

    return read


def far(entity: Entity) -> float | None:
    place = value("place")(entity)
    if not isinstance(place, dict):
        return None
    lon = _longitude(entity)
    return round(float(GEOD.inv(116.203, 39.9, lon, 39.9)[2]))


ORDERS: list[tuple[str, Order, Callable[[Entity], object]]] = [
    ("number", Order(Path(iri("number"))), value("number")),
    ("text", Order(Path(iri("name"))), value("name")),
    ("an instance", Order(Path(iri("name"), dataset="urn:d:alias")), value("name", "urn:d:alias")),
    ("id", Order(ID_PATH), lambda entity: entity.id),
    ("created", Order(Path(NAMESPACE + "createdAt")), lambda entity: entity.created_at),
    ("modified", Order(Path(NAMESPACE + "modifiedAt")), lambda entity: entity.modified_at),
    ("distance", Order(Path(iri("place")), near=(116.203, 39.9)), far),
    ("a member", Order(Path(iri("mixed"), (NAMESPACE + "observedAt",))), lambda e: _observed(e)),
    ("a way into the value", Order(Path(iri("place"), (), ("coordinates", "0"))), lambda e: _longitude(e)),
    ("nobody has it", Order(Path(iri("never"))), value("never")),
]


def _observed(entity: Entity) -> int | None:
    found = entity.attributes.get(iri("mixed"))
    return found[0].observed_at if found else None


def _longitude(entity: Entity) -> Json:
    place = value("place")(entity)
    return place["coordinates"][0] if isinstance(place, dict) else None  # type: ignore[index]  # a point


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize(("order", "key"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
def test_in_order(stored: EmbeddedStore, order: Order, key: Callable[[Entity], object], down: bool) -> None:
    order = Order(order.path, down, order.near)
    page = Query(stored).select(EntityQuery(tree.EVERYTHING, 1000, order=(order,)))
    assert len(page.entities) == LIVING
    assert [key(entity) for entity in page.entities] == by(key, page.entities, down=down)
    plain = everyone()(Query(stored))
    for one, following in zip(page.entities, page.entities[1:], strict=False):
        if key(one) == key(following):
            assert plain.index(one.id) < plain.index(following.id), "equal ones stay in the table's order"


def test_numbers_before_instants_before_text_before_nothing(stored: EmbeddedStore) -> None:
    order = Order(Path(iri("mixed")))
    found = [
        value("mixed")(entity) for entity in Query(stored).select(EntityQuery(limit=1000, order=(order,))).entities
    ]
    assert found[:7] == [6, 18, 30, "text", "text", "text", "text"] and set(found[7:]) == {None}


def test_several_orders_decide_one_after_another(stored: EmbeddedStore) -> None:
    orders = (Order(Path(iri("name")), descending=True), Order(Path(iri("number"))))
    found = Query(stored).select(EntityQuery(q.parse("name", iri), 1000, order=orders)).entities
    keys = [(str(value("name")(entity)), value("number")(entity)) for entity in found]
    assert keys == sorted(keys, key=lambda key: ([-ord(letter) for letter in key[0]], key[1]))


def test_an_attribute_whose_name_ends_in_id_is_an_attribute(stored: EmbeddedStore) -> None:
    page = Query(stored).select(EntityQuery(limit=1000, order=(Order(Path("https://x/id"), descending=True),)))
    assert ids(page) == everyone()(Query(stored))


# the past ----------------------------------------------------------------------------------------------------


async def test_the_past_is_asked_like_the_present(intake: Intake, query: Query, clock: Clock) -> None:
    await intake.create(room(warm=is_(20, observed_at=NOW)), NOBODY)
    first = clock.now
    clock.forward()
    await intake.merge(fragment(warm=is_(30, observed_at=clock.now)), NOBODY)
    second = clock.now
    clock.forward()
    await intake.remove(ID, NOBODY)
    third = clock.now
    clock.forward()
    late = is_(25, observed_at=first + 30 * SECOND)
    assert query.as_of(third + SECOND).find(ID) is None
    hot = Compare(Path(iri("warm")), ">", Operand("number", 22))
    for at, number in ((first - HOUR, 0), (first, 0), (second - SECOND, 0), (second, 1), (third - 1, 1), (third, 0)):
        assert query.select(EntityQuery(hot, count=True), query.as_of(at)).total == number, at - NOW
    await intake.create(room(warm=late), NOBODY)
    assert query.select(EntityQuery(hot, count=True), query.as_of(second - SECOND)).total == 0, "another life"
    assert query.select(EntityQuery(hot, count=True)).total == 1


async def test_what_was_known_is_told_from_what_is_known(intake: Intake, query: Query, clock: Clock) -> None:
    await intake.create(room(warm=is_(20, observed_at=NOW)), NOBODY)
    clock.forward()
    await intake.merge(fragment(warm=is_(30, observed_at=NOW + MINUTE // 2)), NOBODY)
    at = NOW + MINUTE // 2 + SECOND

    def warm(known: int | None) -> list[Json]:
        return [value("warm")(entity) for entity in query.select(EntityQuery(), query.as_of(at, known)).entities]

    assert (warm(at), warm(None)) == ([20], [30])
    state = query.as_of(at)
    assert value("warm")(query.entities([ID, "urn:never"], state)[ID]) == 30
    assert [figures.count for figures in query.types(state)] == [1]
    assert query.types(query.as_of(NOW - HOUR)) == [] and query.entities([ID], query.as_of(NOW - HOUR)) == {}


# what there is -----------------------------------------------------------------------------------------------


def test_one_entity(stored: EmbeddedStore, wanted: dict[str, Entity]) -> None:
    query = Query(stored)
    assert query.entity(identifier(7)) == wanted[identifier(7)]
    with pytest.raises(NotFound, match="never"):
        query.entity("urn:never")
    assert list(query.entities([identifier(2), "urn:never"])) == [identifier(2)]


def test_types_have_figures(stored: EmbeddedStore, wanted: dict[str, Entity]) -> None:
    figures = {one.type: one for one in Query(stored).types()}
    assert set(figures) == {ROOM, HALL}
    for name, one in figures.items():
        mine = [entity for entity in wanted.values() if name in entity.types]
        assert one.count == len(mine)
        assert one.located == sum(iri("place") in entity.attributes for entity in mine)
        kinds = {(key, each.kind) for entity in mine for key, found in entity.attributes.items() for each in found}
        assert {(key, kind) for key, found in one.attributes.items() for kind in found} == kinds


# any entities, any question ------------------------------------------------------------------------------------


@st.composite
def cities(draw: st.DrawFn) -> list[tuple[str, list[Entity]]]:
    """Steps that make a city: batches of creations, replacements, removals."""
    types = st.sampled_from([TYPES, TYPES[:1], ("urn:Car",)])
    batches = []
    for how in draw(st.lists(st.sampled_from(["replace", "replace", "update", "remove"]), min_size=1, max_size=4)):
        entities = draw(st.lists(ENTITIES, max_size=5, unique_by=lambda entity: entity.id))
        for entity in entities:
            entity.types = draw(types)
        batches.append((how, entities))
    return batches


def made(store: EmbeddedStore, clock: Clock, steps: list[tuple[str, list[Entity]]]) -> list[Entity]:
    intake = Intake(store)

    async def make() -> None:
        for how, entities in steps:
            clock.forward()
            if how == "remove":
                await intake.batch_remove([entity.id for entity in entities], NOBODY)
            elif how == "update":
                await intake.batch(entities, NOBODY, "update")
            else:
                await intake.batch(entities, NOBODY, "replace")

    asyncio.run(make())
    living = (store.entity(name) for name in store.state.directory.ids)
    return [entity for entity in living if entity is not None]


@given(cities(), st.lists(TREES, min_size=1, max_size=8))
@settings(max_examples=50)
def test_who_is_found_is_who_matches(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[Entity]]], questions: list[Node]
) -> None:
    clock = Clock()
    store = EmbeddedStore(tmp_path_factory.mktemp("city"), clock=clock)
    try:
        living = made(store, clock, steps)
        query = Query(store)
        past = store.as_of(clock.now)
        for where in questions:
            expected = {entity.id for entity in living if document.matches(where, entity)}
            for state in (None, past):
                found = everyone(where, state=state)(query)
                assert set(found) == expected and len(found) == len(expected)
    finally:
        store.close()


@given(cities(), st.lists(st.tuples(PATHS, st.booleans()), min_size=1, max_size=3))
@settings(max_examples=30)
def test_any_order_is_that_of_the_plain_keys(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[Entity]]], paths: list[tuple[Path, bool]]
) -> None:
    clock = Clock()
    store = EmbeddedStore(tmp_path_factory.mktemp("city"), clock=clock)
    try:
        living = {entity.id: entity for entity in made(store, clock, steps)}
        query = Query(store)
        expected = everyone()(query)
        for path, down in reversed(paths):
            keys = {name: _key(entity, path) for name, entity in living.items()}
            there = sorted(filter(keys.__getitem__, expected), key=keys.__getitem__, reverse=down)
            expected = there + [name for name in expected if not keys[name]]
        assert everyone(tree.EVERYTHING, *(Order(path, down) for path, down in paths))(query) == expected
    finally:
        store.close()


def _key(entity: Entity, path: Path) -> tuple[int, float, str] | tuple[()]:
    """What an entity is compared by, said plainly; () for nothing."""
    instances = entity.attributes.get(path.attribute, [])
    ordered = sorted(instances, key=lambda each: each.dataset or "")
    for each in [[one] for one in ordered] or [[]]:
        alone = Entity(entity.id, entity.types, {path.attribute: each}, (), entity.created_at, entity.modified_at)
        for found in document.targets(path, alone):
            if found.atoms and (key := _atom(found.atoms[0])):
                return key
    return ()


def _atom(atom: Json) -> tuple[int, float, str] | tuple[()]:
    if atom is None:
        return ()
    if isinstance(atom, bool | int | float):
        return 0, float(atom), ""
    if not isinstance(atom, str):
        return 2, 0.0, orjson.dumps(atom).decode()
    told = moment(atom)
    return (1, float(told[1]), "") if told and told[0] == "instant" else (2, 0.0, atom)
