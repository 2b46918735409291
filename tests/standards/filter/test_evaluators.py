"""One contract: every evaluator gives what the document evaluator gives, on every entity and tree."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPoint, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from tests.standards.filter.tables import read_sub, table
from zhicheng.standards.filter import columns, document, tree
from zhicheng.standards.filter.tree import (
    And,
    Between,
    Compare,
    Exists,
    Geo,
    IdPattern,
    Ids,
    In,
    Matches,
    Node,
    Not,
    Operand,
    Or,
    Path,
    Scope,
    Type,
)
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import NAMESPACE

TYPES = ("urn:Bus", "urn:Vehicle")
ALL_NAMES = ("urn:a", "urn:b", "urn:c")
NAMES = st.sampled_from(ALL_NAMES)
TEXTS = st.sampled_from(
    [
        "",
        "red",
        "blue",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.000Z",
        "2024-01-02",
        "08:00:00Z",
        "公交",
        "urn:x:1",
    ]
)
NUMBERS = st.sampled_from([0, 1, -1, 1.5, 50, 2**53 + 1, 2**53, 1e300, 2**62 + 1, -0.0])
INSTANTS = st.sampled_from([0, 1_704_067_200_000_000, 1_704_153_600_000_000])
SCALARS: st.SearchStrategy[Json] = st.one_of(TEXTS, NUMBERS, st.booleans())
VALUES: st.SearchStrategy[Json] = st.one_of(
    SCALARS,
    SCALARS,
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.recursive(
        st.dictionaries(st.sampled_from(["x", "y", "@value"]), SCALARS, max_size=3),
        lambda inner: st.dictionaries(st.sampled_from(["x", "y"]), inner | st.lists(SCALARS, max_size=2), max_size=2),
        max_leaves=4,
    ),
)
TAGS = st.sampled_from(["en", "fr", "zh-Hans", "@none"])
URIS = st.sampled_from(["urn:x:1", "urn:x:2"])
GRID = st.integers(0, 3).map(float)
PLACES = st.tuples(GRID, GRID)


def _list(places: list[tuple[float, float]]) -> Json:
    return [list(place) for place in places]


def _ring(places: list[tuple[float, float]]) -> Json:
    return [_list([*places, places[0]])]


LINES = st.lists(PLACES, min_size=2, max_size=4, unique=True)
GEOMETRIES: st.SearchStrategy[Json] = st.one_of(
    PLACES.map(lambda place: {"type": "Point", "coordinates": list(place)}),
    LINES.map(lambda places: {"type": "LineString", "coordinates": _list(places)}),
    LINES.map(lambda places: {"type": "MultiPoint", "coordinates": _list(places)}),
    st.lists(PLACES, min_size=3, max_size=5, unique=True).map(
        lambda places: {"type": "Polygon", "coordinates": _ring(places)}
    ),
)


def values_of(kind: Kind) -> st.SearchStrategy[Json]:
    """What an attribute of the kind may hold."""
    match kind:
        case Kind.RELATIONSHIP | Kind.VOCABULARY:
            return URIS | st.lists(URIS, max_size=2)
        case Kind.LIST_RELATIONSHIP:
            return st.lists(URIS, max_size=2)
        case Kind.GEO:
            return GEOMETRIES
        case Kind.LANGUAGE:
            return st.dictionaries(TAGS, TEXTS | st.lists(TEXTS, max_size=2), max_size=2)
        case Kind.JSON:
            return VALUES | st.none()
        case Kind.LIST:
            return st.lists(VALUES, max_size=3)
    return VALUES


KINDS = st.sampled_from([kind for kind in Kind if kind < Kind.TYPES] + [Kind.PROPERTY] * 8)


@st.composite
def instances(draw: st.DrawFn, depth: int = 1) -> Attribute:
    kind = draw(KINDS)
    return Attribute(
        kind,
        draw(values_of(kind)),
        observed_at=draw(st.none() | INSTANTS),
        unit=draw(st.sampled_from([None, "KMH"])),
        sub=draw(st.dictionaries(NAMES, st.lists(instances(depth - 1), min_size=1, max_size=2), max_size=2))
        if depth
        else {},
        created_at=draw(INSTANTS) if depth else None,
        modified_at=draw(INSTANTS) if depth else None,
    )


@st.composite
def attributes(draw: st.DrawFn) -> list[Attribute]:
    found = []
    for dataset in draw(st.sampled_from([(None,), ("urn:d:1",), (None, "urn:d:1")])):
        instance = draw(instances())
        instance.dataset = dataset
        found.append(instance)
    return found


SCOPES = st.lists(st.sampled_from(["/A", "/A/B", "A/C/D", "/公园"]), max_size=2, unique=True).map(tuple)
ENTITIES = st.builds(
    Entity,
    st.integers(0, 30).map(lambda number: f"urn:ngsi-ld:Bus:{number}"),
    st.just(TYPES),
    st.dictionaries(NAMES, attributes(), max_size=3),
    SCOPES,
    st.none() | INSTANTS,
    st.none() | INSTANTS,
)

OPERANDS = st.one_of(
    TEXTS.map(lambda text: Operand("text", text)),
    NUMBERS.map(lambda number: Operand("number", number)),
    st.booleans().map(lambda truth: Operand("boolean", truth)),
    INSTANTS.map(lambda instant: Operand("instant", instant)),
    st.just(Operand("time", 8 * 3600 * 1_000_000)),
)
MEMBERS = st.sampled_from(
    [NAMESPACE + name for name in ("observedAt", "createdAt", "modifiedAt", "unitCode", "datasetId")]
)
SUBS = st.one_of(*[st.just(())] * 4, st.tuples(MEMBERS), st.tuples(NAMES), st.tuples(NAMES, MEMBERS))
TRAILS = st.sampled_from([*[()] * 8, ("x",), ("x", "y"), ("0",), ("en",), ("*",)])
PATHS = st.one_of(
    st.builds(
        lambda name, sub, trail, dataset: Path(
            name, sub, () if sub and sub[-1] in tree.ATTRIBUTE_MEMBERS else trail, dataset
        ),
        NAMES,
        SUBS,
        TRAILS,
        st.sampled_from([*[None] * 6, "@none", "urn:d:1"]),
    ),
    st.builds(Path, NAMES),
    st.sampled_from([Path(name) for name in tree.ENTITY_MEMBERS]),
)
PATTERNS = st.sampled_from(["^red$", "e", "^2024", "公", "(a+)+$", "[[:digit:]]"])
SHAPES: st.SearchStrategy[BaseGeometry] = st.one_of(
    PLACES.map(Point),
    st.tuples(PLACES, st.integers(1, 3), st.integers(1, 3)).map(
        lambda at: box(*at[0], at[0][0] + at[1], at[0][1] + at[2])
    ),
    st.sampled_from(
        [
            Polygon([(0, 0), (4, 0), (0, 4)]),
            Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 2), (1, 2)]]),
            LineString([(0, 0), (2, 2), (4, 2)]),
            MultiPoint([(1, 1), (2, 2)]),
        ]
    ),
)
METRES = st.none() | st.sampled_from([1.0, 120_000.0, 300_000.0, 30_000_000.0])
TERMS: st.SearchStrategy[Node] = st.one_of(
    st.builds(Compare, PATHS, st.sampled_from(tree.ORDERS), OPERANDS),
    st.builds(In, PATHS, st.lists(OPERANDS, min_size=2, max_size=3).map(tuple), st.booleans()),
    st.builds(Between, PATHS, OPERANDS, OPERANDS, st.booleans()),
    st.builds(Matches, PATHS, PATTERNS, st.booleans()),
    st.builds(Exists, PATHS),
)
GEOS: st.SearchStrategy[Node] = st.one_of(
    st.builds(Geo, NAMES, st.sampled_from([each for each in tree.RELATIONS if each != "near"]), SHAPES),
    st.builds(Geo, NAMES, st.just("near"), SHAPES, METRES, METRES),
)
LEAVES: st.SearchStrategy[Node] = st.one_of(
    TERMS,
    TERMS,
    GEOS,
    st.builds(Scope, st.lists(st.sampled_from(["A", "B", "+", "公园"]), max_size=3).map(tuple), st.booleans()),
    st.builds(Type, st.sampled_from(["urn:Bus", "urn:Car"])),
    st.builds(Ids, st.frozensets(st.integers(0, 30).map(lambda number: f"urn:ngsi-ld:Bus:{number}"))),
    st.builds(IdPattern, st.sampled_from([":1", "^urn:ngsi-ld:Bus:2$"])),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=4,
)


def agree(node: Node, entities: list[Entity]) -> None:
    expected = [document.matches(node, entity) for entity in entities]
    got = columns.compile(node, read_sub)(table(entities, TYPES))
    assert got.dtype == bool
    assert got.tolist() == expected


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.lists(ENTITIES, max_size=6))
def test_columns_agree_with_the_document(node: Node, entities: list[Entity]) -> None:
    agree(node, entities)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TERMS, st.lists(attributes(), min_size=1, max_size=5))
def test_terms_agree_on_one_attribute(node: Node, found: list[list[Attribute]]) -> None:
    agree(node, [Entity(f"urn:x:{at}", TYPES, dict.fromkeys(ALL_NAMES, each)) for at, each in enumerate(found)])


@settings(max_examples=250, deadline=None)
@given(GEOS, st.lists(GEOMETRIES, min_size=1, max_size=5))
def test_geo_agrees_on_geometries(node: Node, found: list[Json]) -> None:
    same = [Attribute(Kind.GEO, each) for each in found]
    agree(node, [Entity(f"urn:x:{at}", TYPES, {name: [each] for name in ALL_NAMES}) for at, each in enumerate(same)])


@settings(max_examples=200, deadline=None)
@given(TREES, ENTITIES)
def test_what_is_impossible_by_type_matches_nothing(node: Node, entity: Entity) -> None:
    found = document.matches(node, entity)
    assert tree.possible(node, entity.types) or not found
    wanted = tree.types(node)
    assert wanted is None or not found or wanted & set(entity.types)


@settings(max_examples=200, deadline=None)
@given(TREES, ENTITIES)
def test_only_the_named_attributes_decide(node: Node, entity: Entity) -> None:
    found = document.matches(node, entity)
    named = tree.attributes(node)
    entity.attributes = {name: each for name, each in entity.attributes.items() if name in named}
    assert document.matches(node, entity) is found
