"""Scopes, types, geoqueries and patterns: the specification's examples and bad input."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.filter import geo, patterns, scope, tree, types
from zhicheng.standards.filter.document import matches
from zhicheng.standards.filter.tree import And, Geo, Or, Scope, Type
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import LOCATION


def at(lon: float, lat: float, name: str = LOCATION) -> Entity:
    return placed({"type": "Point", "coordinates": [lon, lat]}, name)


def placed(geometry: Json, name: str = LOCATION) -> Entity:
    return Entity("urn:x:1", ("urn:T",), {name: [Attribute(Kind.GEO, geometry)]})


@pytest.mark.parametrize(
    ("text", "scopes", "found"),
    [
        ("/Madrid", ["/Madrid"], True),
        ("/Madrid", ["/Madrid/Gardens"], False),
        ("Madrid", ["/Madrid"], True),
        ("/Madrid", ["Madrid"], True),
        ("/Madrid/Gardens/#", ["/Madrid/Gardens"], True),
        ("/Madrid/Gardens/#", ["/Madrid/Gardens/ParqueNorte/Parterre1"], True),
        ("/Madrid/G/#", ["/Madrid/Gardens"], False),
        ("/Madrid/+/ParqueNorte", ["/Madrid/Sights/ParqueNorte"], True),
        ("/Madrid/ /ParqueNorte", ["/Madrid/Sights/ParqueNorte"], True),
        ("/+/#", ["/Madrid"], True),
        ("/+", ["/Madrid/Gardens"], False),
        ("/#", ["/x"], True),
        ("/#", [], False),
        ("(/Madrid/Districts;/CompanyA)", ["/CompanyA", "/Madrid/Districts"], True),
        ("(/Madrid/Districts;/CompanyA)", ["/CompanyA"], False),
        ("(/Madrid/#;/Madrid/Gardens)", ["/Madrid/Gardens"], True),
        ("(/Madrid/Districts;/CompanyA)|CompanyB", ["/CompanyB"], True),
        ("(/Madrid/Districts;/CompanyA),CompanyB", ["/CompanyB"], True),
        ("/朝阳区/+", ["/朝阳区/三里屯"], True),
    ],
)
def test_scopes(text: str, scopes: list[str], found: bool) -> None:
    assert matches(scope.parse(text), Entity("urn:x:1", ("urn:T",), scope=tuple(scopes))) is found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", Type("urn:A")),
        ("A,B", Or((Type("urn:A"), Type("urn:B")))),
        ("A|B", Or((Type("urn:A"), Type("urn:B")))),
        ("(A;B),C", Or((And((Type("urn:A"), Type("urn:B"))), Type("urn:C")))),
        ("(A;(B|C))", And((Type("urn:A"), Or((Type("urn:B"), Type("urn:C")))))),
        ("*", tree.EVERYTHING),
    ],
)
def test_types(text: str, expected: tree.Node) -> None:
    assert types.parse(text, "urn:".__add__) == expected


@pytest.mark.parametrize(
    "text", ["", "((/Madrid", "/Madrid)|/CompanyA", "/a//b", "/", "/#/a", "/a/b+", "/a;", "|", "(" * 99]
)
def test_bad_scopes(text: str) -> None:
    with pytest.raises(Invalid, match="scopeQ, character"):
        scope.parse(text)


@pytest.mark.parametrize("text", ["", "A,", "(A;B", "A)", ";", "A B", "(" * 99, "A" * 20_000])
def test_bad_types(text: str) -> None:
    with pytest.raises(Invalid, match="type"):
        types.parse(text, str)


@given(st.text(st.sampled_from("/ab+#;|,() 中"), max_size=20))
def test_any_text_is_a_selection_or_one_of_our_errors(text: str) -> None:
    for parse in (scope.parse, lambda each: types.parse(each, str)):
        try:
            node = parse(text)
        except Invalid:
            continue
        assert matches(node, Entity("urn:x:1", ("a",), scope=("/a/b",))) in (True, False)


SQUARE = "[[[2.0,48.5],[2.6,48.5],[2.6,49.2],[2.0,49.2],[2.0,48.5]]]"
HALF: Json = {"type": "Polygon", "coordinates": [[[2.5, 48.6], [3, 48.6], [3, 48.8], [2.5, 48.8], [2.5, 48.6]]]}
WIDE: Json = {"type": "Polygon", "coordinates": [[[1, 48], [3, 48], [3, 50], [1, 50], [1, 48]]]}


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "entity", "found"),
    [
        ("near;maxDistance==2000", "Point", "[8,40]", at(8.02, 40), True),
        ("near;maxDistance==2000", "Point", [8, 40], at(8.03, 40), False),
        ("near;minDistance==2000", "Point", "[8,40]", at(8.03, 40), True),
        ("near;minDistance==2000", "Point", "[8,40]", at(8.02, 40), False),
        ("near;maxDistance==3000;minDistance==2000", "Point", "[8,40]", at(8.03, 40), True),
        ("near;maxDistance==2e3", "Point", "[179.99,0]", at(-179.995, 0), True),
        ("near;maxDistance==1500", "LineString", "[[8,40],[9,40]]", at(8.5, 40.01), True),
        ("near;maxDistance==1000", "LineString", "[[8,40],[9,40]]", at(8.5, 40.01), False),
        ("near;maxDistance==1", "Polygon", SQUARE, at(2.3, 48.8), True),
        ("within", "Polygon", SQUARE, at(2.3, 48.8), True),
        ("within", "Polygon", SQUARE, at(2.0, 48.8), False),
        ("within", "Polygon", SQUARE, at(2.3, 48.8, "urn:other"), False),
        ("intersects", "Polygon", SQUARE, at(2.0, 48.8), True),
        ("intersects", "Polygon", SQUARE, placed(HALF), True),
        ("within", "Polygon", SQUARE, placed(HALF), False),
        ("overlaps", "Polygon", SQUARE, placed(HALF), True),
        ("contains", "Polygon", SQUARE, placed(WIDE), True),
        ("contains", "Point", "[2.6,48.7]", placed(HALF), True),
        ("disjoint", "Point", "[8,40]", placed(HALF), True),
        ("disjoint", "Point", "[2.6,48.7]", placed(HALF), False),
        ("disjoint", "Point", "[8,40]", at(8, 40, "urn:other"), False),
        ("equals", "Point", "[8,40]", at(8, 40), True),
        ("equals", "MultiPoint", "[[8,40],[8,40]]", at(8, 40), True),
    ],
)
def test_geoqueries(georel: str, geometry: str, coordinates: Json, entity: Entity, found: bool) -> None:
    assert matches(geo.parse(georel, geometry, coordinates), entity) is found


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates"),
    [
        ("touches", "Point", "[8,40]"),
        ("near", "Point", "[8,40]"),
        ("near;maxDistance==0", "Point", "[8,40]"),
        ("near;maxDistance==-5", "Point", "[8,40]"),
        ("near;maxDistance=5", "Point", "[8,40]"),
        ("near;maxDistance==1e999", "Point", "[8,40]"),
        ("near;maxDistance==1;maxDistance==2", "Point", "[8,40]"),
        ("near;distance==5", "Point", "[8,40]"),
        ("within;maxDistance==5", "Polygon", SQUARE),
        ("within", "Polygon", "[[[0,0],[1,0],[1,1]]]"),
        ("within", "Polygon", "[[[0,0],[1,1],[0,1],[1,0],[0,0]]]"),
        ("within", "Polygon", "[8,40]"),
        ("within", "GeometryCollection", "[8,40]"),
        ("within", "Circle", "[8,40]"),
        ("equals", "Point", "[8"),
        ("equals", "Point", "8,40"),
        ("equals", "Point", "[40,108]"),
        ("equals", "Point", '["8","40"]'),
        ("equals", "Point", "[NaN,40]"),
        ("equals", "Point", "[true,40]"),
        ("equals", "Point", "null"),
        ("equals", "Point", {"lon": 8}),
        ("equals", "Point", "[" * 5000),
        ("equals", "LineString", "[" + "[1,1]," * 200_000 + "[1,1]]"),
        ("equals", "LineString", "[[8,40]]"),
    ],
)
def test_bad_geoqueries(georel: str, geometry: str, coordinates: Json) -> None:
    with pytest.raises(Invalid) as caught:
        geo.parse(georel, geometry, coordinates)
    assert caught.value.facts["parameter"] in ("georel", "coordinates")
    assert caught.value.zh != caught.value.en


def test_trees_are_keys() -> None:
    near = geo.parse("near;maxDistance==2000", "Point", "[8,40]")
    assert {near: 1}[geo.parse("near;maxDistance==2000", "Point", [8, 40])] == 1
    assert isinstance(near, Geo)
    assert near != geo.parse("near;maxDistance==2000", "Point", "[8,41]")
    assert Scope(("a",)) != Scope(("a",), below=True)


def test_patterns_run_in_linear_time() -> None:
    start = time.process_time()
    assert not patterns.search("^(a+)+$", ["a" * 50_000 + "b"]).any()
    assert time.process_time() - start < 1


@pytest.mark.parametrize("pattern", ["(", "x" * 513, "\\1", "(?=a)", "((a{1000}){1000})", "[z-a]", "\ud800"])
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(Invalid):
        patterns.check(pattern)


def test_half_a_surrogate_pair_is_searched_all_the_same() -> None:
    assert patterns.search("b", ["a\ud800b", "a"]).tolist() == [True, False]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.lists(st.text(), max_size=3))
def test_any_pattern_is_run_or_refused(pattern: str, texts: list[str]) -> None:
    try:
        patterns.check(pattern)
    except Invalid:
        return
    assert len(patterns.search(pattern, texts)) == len(texts)
