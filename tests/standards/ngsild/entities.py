"""Entities of every shape, for the property tests of the codec."""

from __future__ import annotations

from hypothesis import strategies as st

from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY, NAMESPACE, NULL

VOCABULARY = "https://example.org/vocabulary/"
CONTEXTS = Contexts({"https://example.org/context.jsonld": {"@context": {"ex": VOCABULARY, "速度": "ex:speed"}}})
CONTEXT = CONTEXTS.of("https://example.org/context.jsonld")

names = st.sampled_from(
    [DEFAULT_VOCABULARY + name for name in ("temperature", "温度", "x_1", "status2")]
    + [VOCABULARY + name for name in ("speed", "level")]
    + ["urn:other:attribute", NAMESPACE + "description", DEFAULT_VOCABULARY + "速度"]
)
uris = st.sampled_from(
    [f"urn:ngsi-ld:Thing:{number}" for number in range(20)] + ["https://example.org/a?b#c", "urn:东:1"]
)
iris = st.sampled_from(
    [VOCABULARY + "high", DEFAULT_VOCABULARY + "semi-detached", DEFAULT_VOCABULARY + "低", "urn:x:y"]
)
instants = st.integers(-62_000_000_000_000_000, 250_000_000_000_000_000)
texts = st.text(max_size=8).filter(lambda text: text != NULL)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1)
scalars = st.booleans() | numbers | texts
keys = st.text(max_size=4).filter(lambda key: not key.startswith("@")) | st.sampled_from(
    ["value", "type", "observedAt"]
)
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2), max_leaves=3
)
positions = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
lines = st.lists(positions, min_size=2, max_size=4)
rings = st.lists(positions, min_size=3, max_size=6).map(lambda ring: [*ring, ring[0]])
geometries: st.SearchStrategy[Json] = st.one_of(
    positions.map(lambda item: {"type": "Point", "coordinates": item}),
    lines.map(lambda item: {"type": "LineString", "coordinates": item}),
    lines.map(lambda item: {"type": "MultiPoint", "coordinates": item}),
    st.lists(rings, min_size=1, max_size=2).map(lambda item: {"type": "Polygon", "coordinates": item}),
    st.lists(lines, min_size=1, max_size=2).map(lambda item: {"type": "MultiLineString", "coordinates": item}),
    st.lists(st.lists(rings, min_size=1, max_size=1), min_size=1, max_size=2).map(
        lambda item: {"type": "MultiPolygon", "coordinates": item}
    ),
)
languages: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    st.sampled_from(["en", "zh", "zh-Hant", "fr", "@none"]),
    texts.filter(bool) | st.lists(texts.filter(bool), min_size=2, max_size=3),
    min_size=1,
    max_size=3,
)
typed: st.SearchStrategy[Json] = st.sampled_from(
    [
        {"@type": "DateTime", "@value": "2026-11-20T00:00:00Z"},
        {"@type": "Time", "@value": "08:00:00Z"},
        {"@type": VOCABULARY + "Grade", "@value": 3},
        {"@type": "@json", "@value": None},
    ]
)


def several(items: st.SearchStrategy[str]) -> st.SearchStrategy[Json]:
    """One, or a list of at least two."""
    return items | st.lists(items, min_size=2, max_size=3)


BY_KIND: dict[Kind, st.SearchStrategy[Json]] = {
    Kind.PROPERTY: values | typed | geometries,
    Kind.RELATIONSHIP: several(uris),
    Kind.GEO: geometries,
    Kind.LANGUAGE: languages,
    Kind.VOCABULARY: several(iris),
    Kind.JSON: st.recursive(
        st.none() | scalars,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
        max_leaves=3,
    ).filter(lambda value: value is not None),
    Kind.LIST: st.lists(values, max_size=3),
    Kind.LIST_RELATIONSHIP: st.lists(uris, max_size=3),
}


@st.composite
def attributes(draw: st.DrawFn, depth: int = 1, dataset: str | None = None, plain: bool = False) -> Attribute:
    """An instance of any kind; `plain` without any member besides its value."""
    kind = draw(st.sampled_from(list(BY_KIND)))
    attribute = Attribute(kind, draw(BY_KIND[kind]), dataset=dataset)
    if plain:
        return attribute
    attribute.observed_at = draw(st.none() | instants)
    if kind in (Kind.PROPERTY, Kind.GEO, Kind.LIST):
        attribute.unit = draw(st.none() | st.sampled_from(["CEL", "KMH"]))
    if kind in (Kind.PROPERTY, Kind.LIST) and draw(st.booleans()):
        attribute.extra["valueType"] = draw(iris)
    if kind in (Kind.RELATIONSHIP, Kind.LIST_RELATIONSHIP) and draw(st.booleans()):
        attribute.extra["objectType"] = draw(several(iris))
    if depth:
        attribute.sub = draw(st.dictionaries(names, instances(depth - 1), max_size=1))
    return attribute


DATASETS: list[list[str | None]] = [[None], [None], ["urn:d:1"], [None, "urn:d:1"], ["urn:d:2", "urn:d:1", None]]


@st.composite
def instances(draw: st.DrawFn, depth: int = 1) -> list[Attribute]:
    """The instances of an attribute, told apart by datasetId."""
    datasets: list[str | None] = draw(st.sampled_from(DATASETS))
    return [draw(attributes(depth, dataset)) for dataset in datasets]


entities = st.builds(
    Entity,
    uris,
    st.lists(names, min_size=1, max_size=2, unique=True).map(tuple),
    st.dictionaries(names, instances(), max_size=2),
    st.lists(st.sampled_from(["/Madrid", "/上海/浦东", "/a/b_1"]), max_size=2, unique=True).map(tuple),
)
