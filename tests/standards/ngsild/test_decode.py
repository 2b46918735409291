"""What documents mean, and for every document that is wrong the place where it is."""

from __future__ import annotations

from typing import Any

import pytest

from zhicheng.kernel.errors import Invalid, NotSupported, ZhichengError
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.decode import decode_attribute, decode_batch, decode_entity
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY, LOCATION, NULL

CORE = Contexts().default
LONG = "/" + DEFAULT_VOCABULARY.replace("/", "~1")
MOMENT = {"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"}
POINT = {"type": "Point", "coordinates": [121.47, 31.23]}


def decode(attributes: dict[str, Any], **options: Any) -> Entity:
    """An entity with these attributes."""
    return decode_entity({"id": "urn:a", "type": "T", **attributes}, CORE, **options)


def one(value: object, **options: Any) -> Attribute:
    """The one instance of an attribute."""
    [instance] = decode_attribute("a", value, CORE, **options)
    return instance


def nest(levels: int, value: object = 1) -> object:
    """A value inside so many lists."""
    for _ in range(levels):
        value = [value]
    return value


def sub_attributes(levels: int) -> dict[str, Any]:
    """Attributes within attributes, so deep."""
    attribute: dict[str, Any] = {"type": "Property", "value": 1}
    for _ in range(levels):
        attribute = {"type": "Property", "value": 1, "s": attribute}
    return attribute


INFERRED: list[tuple[object, Kind, object]] = [
    (5, Kind.PROPERTY, 5),
    ("x", Kind.PROPERTY, "x"),
    (False, Kind.PROPERTY, False),
    ([1, "a"], Kind.PROPERTY, [1, "a"]),
    ([], Kind.PROPERTY, []),
    ({"street": "x"}, Kind.PROPERTY, {"street": "x"}),
    ([{"street": "x"}], Kind.PROPERTY, [{"street": "x"}]),
    ({"value": 5}, Kind.PROPERTY, 5),
    ({"@type": "Property", "value": 5}, Kind.PROPERTY, 5),
    ({"type": "https://uri.etsi.org/ngsi-ld/Property", "value": 5}, Kind.PROPERTY, 5),
    ({"type": "ngsi-ld:Property", "value": 5}, Kind.PROPERTY, 5),
    (POINT, Kind.GEO, POINT),
    ({"value": POINT}, Kind.GEO, POINT),
    ({"type": "Property", "value": POINT}, Kind.PROPERTY, POINT),
    ({"type": "GeoProperty", "value": '{"type":"Point","coordinates":[121.47,31.23]}'}, Kind.GEO, POINT),
    ({"object": "urn:b"}, Kind.RELATIONSHIP, "urn:b"),
    ({"object": ["urn:b", "urn:c"]}, Kind.RELATIONSHIP, ["urn:b", "urn:c"]),
    ({"object": ["urn:b"]}, Kind.RELATIONSHIP, "urn:b"),
    ({"languageMap": {"en": "yes", "zh": ["是"]}}, Kind.LANGUAGE, {"en": "yes", "zh": "是"}),
    ({"vocab": "high"}, Kind.VOCABULARY, DEFAULT_VOCABULARY + "high"),
    ({"type": "VocabularyProperty", "vocab": ["a b", "urn:c"]}, Kind.VOCABULARY, [DEFAULT_VOCABULARY + "a b", "urn:c"]),
    ({"json": {"id": None, "value": [None]}}, Kind.JSON, {"id": None, "value": [None]}),
    ({"valueList": [1, [2]]}, Kind.LIST, [1, [2]]),
    ({"objectList": ["urn:b", {"object": "urn:b"}]}, Kind.LIST_RELATIONSHIP, ["urn:b", "urn:b"]),
    (MOMENT, Kind.PROPERTY, MOMENT),
    ({"value": {"@type": "xsd:int", "@value": 3}}, Kind.PROPERTY, {"@type": "xsd:int", "@value": 3}),
    ({"value": {"@value": 3}}, Kind.PROPERTY, 3),
    ({"value": {"@type": "@json", "@value": None}}, Kind.PROPERTY, {"@type": "@json", "@value": None}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "kind", "value"), INFERRED)
def test_the_kind_is_told_from_what_is_there(document: object, kind: Kind, value: object) -> None:
    instance = one(document)
    assert (instance.kind, instance.value) == (kind, value)


def test_members_and_sub_attributes() -> None:
    speed = {
        "type": "Property", "value": 55, "unitCode": "KMH", "observedAt": "2026-11-20T08:00:00.5Z",
        "datasetId": "urn:d", "valueType": "xsd:integer", "createdAt": "ignored", "instanceId": 7,
        "previousValue": 5,
        "source": {"type": "Property", "value": "GPS", "by": {"object": "urn:p", "objectType": "Person"}},
        "providedBy": {"type": "Relationship", "object": "urn:b"}, "accuracy": 3,
    }  # fmt: skip
    instance = one(speed)
    assert (instance.unit, instance.observed_at, instance.dataset) == ("KMH", 1795161600500000, "urn:d")
    assert instance.extra == {"valueType": "xsd:integer"}
    names = [name.removeprefix(DEFAULT_VOCABULARY) for name in instance.sub]
    assert names == ["source", "providedBy", "accuracy"]
    [source] = instance.sub[DEFAULT_VOCABULARY + "source"]
    assert source.sub[DEFAULT_VOCABULARY + "by"][0].extra == {"objectType": DEFAULT_VOCABULARY + "Person"}


def test_several_instances() -> None:
    a, b, c = decode_attribute(
        "a", [{"value": 55, "datasetId": "urn:d:1"}, 54.5, {"value": 1, "datasetId": "urn:d:2"}], CORE
    )
    assert [(item.value, item.dataset) for item in (a, b, c)] == [(55, "urn:d:1"), (54.5, None), (1, "urn:d:2")]
    again = decode_attribute("a", {"dataset": {"urn:d:1": 55, "@none": 54.5, "urn:d:2": 1}}, CORE)
    assert again == [a, b, c]
    assert one({"value": 1, "datasetId": "@none"}).dataset is None


def test_types_scopes_and_ignored_members() -> None:
    entity = decode_entity(
        {
            "@id": "urn:a", "@type": ["T", "https://x.org/U", "T"], "scope": ["Madrid/Centro", "/Madrid/Centro"],
            "createdAt": "x", "@context": [], "location": POINT,
        },
        CORE,
    )  # fmt: skip
    assert entity.types == (DEFAULT_VOCABULARY + "T", "https://x.org/U")
    assert entity.scope == ("/Madrid/Centro",)
    assert list(entity.attributes) == [LOCATION]


ENTITIES: list[tuple[object, str]] = [
    (None, ""),
    ([], ""),
    ("x", ""),
    ({"type": "T"}, ""),
    ({"id": "urn:a"}, ""),
    ({"id": "nouri", "type": "T"}, "/id"),
    ({"id": "urn:a b", "type": "T"}, "/id"),
    ({"id": 5, "type": "T"}, "/id"),
    ({"id": NULL, "type": "T"}, "/id"),
    ({"id": "urn:a", "@id": "urn:b", "type": "T"}, "/@id"),
    ({"id": "urn:a", "type": 5}, "/type"),
    ({"id": "urn:a", "type": []}, "/type"),
    ({"id": "urn:a", "type": ["T", 5]}, "/type/1"),
    ({"id": "urn:a", "type": "T<script>"}, "/type"),
    ({"id": "urn:a", "type": NULL}, "/type"),
    ({"id": "urn:a", "type": "T", "scope": "/a b"}, "/scope"),
    ({"id": "urn:a", "type": "T", "scope": ["/a", 5]}, "/scope/1"),
    ({"id": "urn:a", "type": "T", "scope": NULL}, "/scope"),
    ({"id": "urn:a", "type": "T", "2nd": 5}, "/2nd"),
    ({"id": "urn:a", "type": "T", "a-b": 5}, "/a-b"),
    ({"id": "urn:a", "type": "T", "a/b": 5}, "/a~1b"),
    ({"id": "urn:a", "type": "T", "": 5}, "/"),
    ({"id": "urn:a", "type": "T", "observedAt": "2026-01-01T00:00:00Z"}, "/observedAt"),
    ({"id": "urn:a", "type": "T", "instanceId": {"type": "Property", "value": 1}}, "/instanceId"),
    ({"id": "urn:a", "type": "T", "value": 5}, "/value"),
    ({"id": "urn:a", "type": "T", "a": 5, DEFAULT_VOCABULARY + "a": 6}, LONG + "a"),
    ({"id": "urn:a", "type": "T", "location": 5}, "/location"),
    ({"id": "urn:a", "type": "T", "observationSpace": {"type": "Property", "value": POINT}}, "/observationSpace"),
]  # fmt: skip

ATTRIBUTES: list[tuple[object, str]] = [
    (None, ""),
    (NULL, ""),
    (float("nan"), ""),
    (float("-inf"), ""),
    (2**64, ""),
    (object(), ""),
    ({"type": "Property"}, ""),
    ({"type": "Property", "value": None}, "/value"),
    ({"type": "Property", "value": NULL}, "/value"),
    ({"type": "Property", "value": {"a": [1, {"b": None}]}}, "/value/a/1/b"),
    ({"type": "Property", "value": {"a": NULL}}, "/value/a"),
    ({"type": "Property", "value": float("inf")}, "/value"),
    ({"type": "Property", "value": [float("nan")]}, "/value/0"),
    ({"type": "Proprety", "value": 5}, "/type"),
    ({"type": ["Property"], "value": 5}, "/type"),
    ({"type": "PostalAddress", "street": "x"}, "/type"),
    ({"type": "Property", "object": "urn:b"}, "/object"),
    ({"type": "Property", "value": 1, "languageMap": {"en": "x"}}, "/languageMap"),
    ({"value": 5, "object": "urn:b"}, ""),
    ({"unitCode": "CEL"}, ""),
    ({"type": "Property", "value": 5, "observedAt": "yesterday"}, "/observedAt"),
    ({"type": "Property", "value": 5, "observedAt": 5}, "/observedAt"),
    ({"type": "Property", "value": 5, "observedAt": "2026-01-01"}, "/observedAt"),
    ({"type": "Property", "value": 5, "observedAt": "2026-02-30T00:00:00Z"}, "/observedAt"),
    ({"type": "Property", "value": 5, "observedAt": "2026-01-01T12:00:00+02:00"}, "/observedAt"),
    ({"type": "Property", "value": 5, "observedAt": {"value": "2026-01-01T00:00:00Z"}}, "/observedAt"),
    ({"type": "Property", "value": 5, "observedAt": NULL}, "/observedAt"),
    ({"type": "Property", "value": 5, "unitCode": 7}, "/unitCode"),
    ({"type": "Property", "value": 5, "unitCode": ""}, "/unitCode"),
    ({"type": "Property", "value": 5, "unitCode": NULL}, "/unitCode"),
    ({"type": "Relationship", "object": "urn:b", "unitCode": "CEL"}, "/unitCode"),
    ({"type": "Property", "value": 5, "datasetId": "x"}, "/datasetId"),
    ({"type": "Property", "value": 5, "datasetId": NULL}, "/datasetId"),
    ({"type": "Property", "value": 5, "objectType": "T"}, "/objectType"),
    ({"type": "Relationship", "object": "urn:b", "objectType": 5}, "/objectType"),
    ({"type": "Relationship", "object": "urn:b", "valueType": "T"}, "/valueType"),
    ({"type": "Property", "value": 5, "s": {"value": 1, "@context": {}}}, "/s/@context"),
    ({"type": "Property", "value": 5, "@id": "urn:x"}, "/@id"),
    ({"type": "Property", "value": 5, "": 5}, "/"),
    ({"type": "Property", "value": 5, "a b": 5}, "/a b"),
    ({"type": "Property", "value": 5, "s": {"type": "Relationship"}}, "/s"),
    ({"type": "Property", "value": 5, "s": 1, DEFAULT_VOCABULARY + "s": 2}, LONG + "s"),
    ({"type": "Relationship", "object": "nouri"}, "/object"),
    ({"type": "Relationship", "object": 5}, "/object"),
    ({"type": "Relationship", "object": []}, "/object"),
    ({"type": "Relationship", "object": ["urn:b", "x"]}, "/object/1"),
    ({"type": "Relationship", "object": ["urn:b", NULL]}, "/object/1"),
    ({"type": "Relationship", "value": "urn:b"}, "/value"),
    ({"type": "LanguageProperty", "languageMap": "x"}, "/languageMap"),
    ({"type": "LanguageProperty", "languageMap": {}}, "/languageMap"),
    ({"type": "LanguageProperty", "languageMap": {"": "x"}}, "/languageMap/"),
    ({"type": "LanguageProperty", "languageMap": {"e n": "x"}}, "/languageMap/e n"),
    ({"type": "LanguageProperty", "languageMap": {"en": 5}}, "/languageMap/en"),
    ({"type": "LanguageProperty", "languageMap": {"en": ["x", 5]}}, "/languageMap/en/1"),
    ({"type": "LanguageProperty", "languageMap": {"@none": NULL}}, "/languageMap/@none"),
    ({"type": "VocabProperty", "vocab": 5}, "/vocab"),
    ({"type": "VocabProperty", "vocab": ""}, "/vocab"),
    ({"type": "VocabProperty", "vocab": []}, "/vocab"),
    ({"type": "JsonProperty", "json": None}, "/json"),
    ({"type": "JsonProperty", "json": {"a": float("nan")}}, "/json/a"),
    ({"type": "ListProperty", "valueList": 5}, "/valueList"),
    ({"type": "ListProperty", "valueList": [None]}, "/valueList/0"),
    ({"type": "ListProperty", "valueList": [NULL]}, "/valueList"),
    ({"type": "ListRelationship", "objectList": "urn:b"}, "/objectList"),
    ({"type": "ListRelationship", "objectList": ["urn:b", {"object": 5}]}, "/objectList/1"),
    ({"type": "ListRelationship", "objectList": [{"object": "urn:b", "x": 1}]}, "/objectList/0"),
    ({"type": "GeoProperty", "value": 5}, "/value"),
    ({"type": "GeoProperty", "value": "{"}, "/value"),
    ({"type": "GeoProperty", "value": {"type": "GeometryCollection", "geometries": []}}, "/value/type"),
    ({"type": "GeoProperty", "value": {"type": "Point"}}, "/value/coordinates"),
    ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2], "crs": None}}, "/value/crs"),
    ({"type": "Point", "coordinates": [500, 0]}, "/coordinates"),
    ([{"value": 1}, {"value": 2}], "/1"),
    ([{"value": 1, "datasetId": "urn:d"}, {"value": 2, "datasetId": "urn:d"}], "/1"),
    ([{"value": 1, "datasetId": "urn:d"}, {"type": "Property"}], "/1"),
    ({"dataset": {}}, "/dataset"),
    ({"dataset": {"x": 1}}, "/dataset/x"),
    ({"value": {"@type": "DateTime", "@value": "x"}}, "/value/@value"),
    ({"value": {"@type": "Date", "@value": "2026-13-01"}}, "/value/@value"),
    ({"value": {"@type": 5, "@value": "x"}}, "/value/@type"),
    ({"value": nest(40)}, "/value" + "/0" * 32),
    (sub_attributes(40), "/s" * 33),
]  # fmt: skip


SHAPES: list[tuple[str, object, str]] = [
    ("Circle", [1, 2], "/type"),
    ("Point", [1], "/coordinates"),
    ("Point", [1, 2, 3, 4], "/coordinates"),
    ("Point", ["1", 2], "/coordinates"),
    ("Point", [True, 2], "/coordinates"),
    ("Point", [31.23, 121.47], "/coordinates"),
    ("Point", [181, 0], "/coordinates"),
    ("Point", [float("nan"), 0], "/coordinates"),
    ("LineString", [[1, 2]], "/coordinates"),
    ("LineString", [[1, 2], [1, 91]], "/coordinates/1"),
    ("MultiPoint", [], "/coordinates"),
    ("Polygon", [[[0, 0], [0, 1], [0, 0]]], "/coordinates/0"),
    ("Polygon", [[[0, 0], [0, 1], [1, 1], [1, 0]]], "/coordinates/0"),
    ("Polygon", [[[i, 0] for i in range(200)]], "/coordinates/0/181"),
]
GEOMETRIES: list[tuple[object, str]] = [
    ({"type": "GeoProperty", "value": {"type": shape, "coordinates": coordinates}}, "/value" + path)
    for shape, coordinates, path in SHAPES
]


@pytest.mark.parametrize(("document", "path"), ENTITIES)
def test_a_bad_entity_is_refused_with_its_place(document: object, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_entity(document, CORE)
    assert caught.value.facts["path"] == path
    assert caught.value.en != caught.value.zh


@pytest.mark.parametrize(("document", "path"), ATTRIBUTES + GEOMETRIES)
def test_a_bad_attribute_is_refused_with_its_place(document: object, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_attribute("a", document, CORE)
    assert caught.value.facts["path"] == path
    with pytest.raises(Invalid) as caught:
        decode({"a": document})
    assert str(caught.value.facts["path"]).startswith("/a" + path[:6])


def test_the_deepest_that_is_read() -> None:
    assert one({"value": nest(32)}).value == nest(32)
    assert one(sub_attributes(31)).value == 1


def test_a_long_sound_ring_is_read_at_once() -> None:
    ring = [[index / 10, 0.0] for index in range(1000)]
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    assert one(polygon).value == polygon


def test_expiry_is_refused_openly() -> None:
    for document in ({"expiresAt": "2027-01-01T00:00:00Z"}, {"a": {"value": 1, "expiresAt": "2027-01-01T00:00:00Z"}}):
        with pytest.raises(NotSupported):
            decode(document)


def test_fragments_may_lack_what_they_do_not_change() -> None:
    entity = decode_entity({"a": {"unitCode": "CEL"}}, CORE, fragment=True)
    assert (entity.id, entity.types) == ("", ())
    [instance] = entity.attributes[DEFAULT_VOCABULARY + "a"]
    assert (instance.value, instance.unit) == (None, "CEL")
    assert one({"observedAt": "2026-01-01T00:00:00Z"}, fragment=True, kind=Kind.RELATIONSHIP).kind is Kind.RELATIONSHIP
    assert one({"type": "Relationship"}, fragment=True).value is None


def test_null_in_updates() -> None:
    fragment: dict[str, Any] = {
        "a": NULL, "b": {"type": "Property", "value": NULL}, "c": {"object": NULL, "datasetId": "urn:d"},
        "d": {"languageMap": {"@none": NULL}}, "e": {"valueList": [NULL]}, "f": {"objectList": [NULL]},
        "g": {"vocab": NULL}, "h": {"json": NULL}, "location": {"type": "GeoProperty", "value": NULL},
        "scope": NULL,
        "i": {"value": {"x": NULL}, "unitCode": NULL, "observedAt": NULL, "s": NULL},
    }  # fmt: skip
    entity = decode_entity(fragment, CORE, fragment=True, nulls=True)
    gone = [instances[0].value for name, instances in entity.attributes.items() if not name.endswith("/i")]
    assert gone == [NULL] * 9
    assert entity.scope == (NULL,)
    [instance] = entity.attributes[DEFAULT_VOCABULARY + "i"]
    assert (instance.value, instance.extra) == ({"x": NULL}, {"unitCode": NULL, "observedAt": NULL})
    assert instance.sub[DEFAULT_VOCABULARY + "s"][0].value == NULL
    with pytest.raises(Invalid):
        decode_entity({"a": {"value": 1, "datasetId": NULL}}, CORE, fragment=True, nulls=True)


def test_simplified_values_are_values() -> None:
    entity = decode(
        {"a": [{"value": 1}], "b": {"languageMap": {"en": "x"}}, "c": {"x": 1}, "d": "urn:b"}, simplified=True
    )
    kinds = [instances[0].kind for instances in entity.attributes.values()]
    assert kinds == [Kind.PROPERTY, Kind.LANGUAGE, Kind.PROPERTY, Kind.PROPERTY]
    entity = decode({"d": "urn:b"}, simplified=True, kinds={DEFAULT_VOCABULARY + "d": Kind.RELATIONSHIP})
    assert entity.attributes[DEFAULT_VOCABULARY + "d"][0].kind is Kind.RELATIONSHIP


def test_a_batch_keeps_each_error_in_its_place() -> None:
    results = decode_batch([{"id": "urn:a", "type": "T"}, {"id": "x"}, 5], lambda document: CORE)
    assert isinstance(results[0], Entity)
    assert all(isinstance(result, ZhichengError) for result in results[1:])
    for bad in ({"id": "urn:a"}, list[Any]()):
        with pytest.raises(Invalid):
            decode_batch(bad, lambda document: CORE)
