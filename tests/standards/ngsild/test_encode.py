"""What is shown of an entity, and how: options, languages, linked entities, GeoJSON."""

from __future__ import annotations

from typing import Any

import pytest

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.encode import encode_attribute, encode_entities, encode_entity, parse_instance_id
from zhicheng.standards.ngsild.geojson import (
    decode_collection_geojson,
    decode_feature,
    encode_collection_geojson,
    encode_feature,
    geometry_of,
)
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY, LOCATION, NAMESPACE
from zhicheng.standards.ngsild.representation import Form, Projection, Representation, choose_language, language_ranges

CORE = Contexts().default
POINT = {"type": "Point", "coordinates": [121.47, 31.23]}
SECOND = 1_000_000


def iri(name: str) -> str:
    """A name's IRI."""
    return CORE.expand(name)


def building(number: int = 1, **attributes: object) -> Entity:
    """A building with attributes."""
    return decode_entity({"id": f"urn:b:{number}", "type": "Building", **attributes}, CORE)


def shown(entity: Entity, linked: dict[str, Entity] | None = None, **options: Any) -> dict[str, Any]:
    """Its document, without the head."""
    document = encode_entity(entity, CORE, Representation(**options), linked)
    return {key: value for key, value in document.items() if key not in ("id", "type")}


def test_every_kind_normalized_concise_and_simplified() -> None:
    entity = building(
        p=5.0, q={"value": 1, "unitCode": "CEL"}, r={"object": "urn:x"}, l={"languageMap": {"en": "a"}},
        v={"vocab": "high"}, j={"json": {"id": 1}}, li={"valueList": [1]}, lr={"objectList": ["urn:x"]}, g=POINT,
    )  # fmt: skip
    assert shown(entity) == {
        "p": {"type": "Property", "value": 5},
        "q": {"type": "Property", "value": 1, "unitCode": "CEL"},
        "r": {"type": "Relationship", "object": "urn:x"},
        "l": {"type": "LanguageProperty", "languageMap": {"en": "a"}},
        "v": {"type": "VocabProperty", "vocab": "high"},
        "j": {"type": "JsonProperty", "json": {"id": 1}},
        "li": {"type": "ListProperty", "valueList": [1]},
        "lr": {"type": "ListRelationship", "objectList": [{"object": "urn:x"}]},
        "g": {"type": "GeoProperty", "value": POINT},
    }
    assert shown(entity, form=Form.CONCISE) == {
        "p": 5, "q": {"value": 1, "unitCode": "CEL"}, "r": {"object": "urn:x"}, "l": {"languageMap": {"en": "a"}},
        "v": {"vocab": "high"}, "j": {"json": {"id": 1}}, "li": {"valueList": [1]}, "lr": {"objectList": ["urn:x"]},
        "g": POINT,
    }  # fmt: skip
    assert shown(entity, form=Form.SIMPLIFIED) == {
        "p": 5, "q": 1, "r": "urn:x", "l": {"languageMap": {"en": "a"}}, "v": {"vocab": "high"},
        "j": {"json": {"id": 1}}, "li": [1], "lr": ["urn:x"], "g": POINT,
    }  # fmt: skip


def test_whole_numbers_are_printed_whole() -> None:
    entity = building(a=2.0**53, b=1e300, c=-0.0, d=2.5, e={"value": 1.0, "observedAt": "2026-01-01T00:00:00Z"})
    values = shown(entity, form=Form.SIMPLIFIED)
    assert [type(value) for value in values.values()] == [float, float, int, float, int]


def test_several_instances_and_datasets() -> None:
    entity = building(a=[{"value": 1}, {"value": 2, "datasetId": "urn:d"}], b={"value": 3, "datasetId": "urn:d"})
    assert shown(entity, form=Form.SIMPLIFIED) == {"a": {"dataset": {"@none": 1, "urn:d": 2}}, "b": 3}
    assert shown(entity, form=Form.CONCISE)["a"] == [1, {"value": 2, "datasetId": "urn:d"}]
    assert shown(entity, form=Form.SIMPLIFIED, datasets=frozenset(["@none"])) == {"a": 1}
    assert shown(entity, form=Form.SIMPLIFIED, datasets=frozenset(["urn:d", "urn:e"])) == {"a": 2, "b": 3}


def test_system_attributes_and_extras() -> None:
    value = Attribute(
        Kind.PROPERTY, 1, created_at=0, modified_at=SECOND, owner="urn:o", classification="internal",
        quality=Quality.ESTIMATED | Quality.RANGE, source="feed", sub={iri("owner"): [Attribute(Kind.PROPERTY, "me")]},
    )  # fmt: skip
    entity = Entity("urn:a", (iri("T"),), {iri("a"): [value]}, created_at=0, modified_at=2 * SECOND, source="api")
    assert "createdAt" not in str(encode_entity(entity, CORE))
    document: dict[str, Any] = encode_entity(entity, CORE, Representation(sys_attrs=True, extras=True))
    assert (document["createdAt"], document["modifiedAt"]) == ("1970-01-01T00:00:00Z", "1970-01-01T00:00:02Z")
    assert document["source"] == "api"
    assert document["a"] == {
        "type": "Property", "value": 1, "createdAt": "1970-01-01T00:00:00Z", "modifiedAt": "1970-01-01T00:00:01Z",
        "owner": {"type": "Property", "value": "me"}, "classification": "internal", "quality": ["estimated", "range"],
        "source": "feed",
    }  # fmt: skip


def test_pick_omit_and_attrs() -> None:
    entity = building(a=1, b=2, scope="/x")
    both = encode_entity(entity, CORE, Representation(pick=Projection.parse("id,a", CORE)))
    assert list(both) == ["id", "a"]
    assert list(encode_entity(entity, CORE, Representation(omit=Projection.parse("type|a", CORE)))) == [
        "id",
        "scope",
        "b",
    ]
    assert list(encode_entity(entity, CORE, Representation(attrs=frozenset([iri("b")])))) == ["id", "type", "b"]
    for bad in ("", "a,", "a{b", "a}b", "{a}", "a{}", "a b", "a" + "{a" * 20):
        with pytest.raises(Invalid):
            Projection.parse(bad, CORE)


LANGUAGES = [
    ("fr", "fr", "oui"), ("fr-CH", "fr", "oui"), ("en", "en-GB", "yes"), ("de", "@none", "ja"), ("*", "@none", "ja"),
    ("de;q=0.9,zh-Hans-CN;q=0.8,fr;q=0.1", "zh-Hans", "是"), ("fr;q=0,en", "en-GB", "yes"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "tag", "text"), LANGUAGES)
def test_natural_languages(wanted: str, tag: str, text: str) -> None:
    texts = {"fr": "oui", "en-GB": "yes", "zh-Hans": "是", "@none": "ja"}
    assert choose_language(texts, wanted) == (tag, text)
    entity = building(says={"languageMap": texts, "observedAt": "2026-01-01T00:00:00Z"}, n=5)
    assert shown(entity, lang=wanted)["says"] == {
        "type": "Property", "value": text, "lang": tag, "observedAt": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    assert shown(entity, lang=wanted, form=Form.SIMPLIFIED) == {"says": text, "n": 5}


def test_a_bad_language_is_refused() -> None:
    for bad in ("", "f r", "fr;q=2", "fr,,en", "fr;x=1"):
        with pytest.raises(Invalid):
            language_ranges(bad)


def linked_entities() -> tuple[Entity, dict[str, Entity]]:
    """A house in a city in a country, with two owners, one of them unknown, and a list."""
    country = building(3, name="China", capital={"object": "urn:b:2"})
    city = building(2, name="Nanning", isIn={"object": "urn:b:3"})
    house = building(
        1, isIn={"object": "urn:b:2"}, owners={"object": ["urn:b:3", "urn:no"]}, route={"objectList": ["urn:b:2"]}
    )
    return house, {entity.id: entity for entity in (house, city, country)}


def test_inline_join() -> None:
    house, linked = linked_entities()
    document = shown(house, linked, join="inline", join_level=2)
    assert document["isIn"]["entity"]["isIn"]["entity"]["name"] == {"type": "Property", "value": "China"}
    assert "entity" not in document["isIn"]["entity"]["isIn"]["entity"]["capital"]
    assert [entity["id"] for entity in document["owners"]["entity"]] == ["urn:b:3"]
    assert [entity["id"] for entity in document["route"]["entityList"]] == ["urn:b:2"]
    simple = shown(house, linked, join="inline", join_level=1, form=Form.SIMPLIFIED)
    assert simple["isIn"] == {"id": "urn:b:2", "type": "Building", "name": "Nanning", "isIn": "urn:b:3"}
    assert simple["owners"][1] == "urn:no"
    assert decode_entity({"id": "urn:b:1", "type": "Building", **document}, CORE) == house


def test_a_join_never_goes_round_in_circles() -> None:
    house, linked = linked_entities()
    document = shown(house, linked, join="inline", join_level=9)
    capital = document["isIn"]["entity"]["isIn"]["entity"]["capital"]
    assert capital == {"type": "Relationship", "object": "urn:b:2"}


def test_projection_inside_linked_entities() -> None:
    house, linked = linked_entities()
    pick = Projection.parse("isIn{name,isIn{name}}", CORE)
    assert shown(house, linked, join="inline", join_level=2, pick=pick, form=Form.SIMPLIFIED) == {
        "isIn": {"name": "Nanning", "isIn": {"name": "China"}}
    }
    omit = Projection.parse("owners,route,isIn{isIn}", CORE)
    assert shown(house, linked, join="inline", join_level=2, omit=omit, form=Form.SIMPLIFIED) == {
        "isIn": {"id": "urn:b:2", "type": "Building", "name": "Nanning"}
    }


def test_flat_join() -> None:
    house, linked = linked_entities()
    near = encode_entities([house], CORE, Representation(join="flat", join_level=1), linked)
    assert [document["id"] for document in near] == ["urn:b:1", "urn:b:2", "urn:b:3"]
    assert "entity" not in str(near[0])
    only = Representation(join="flat", join_level=2, pick=Projection.parse("id,isIn{id}", CORE))
    assert [document["id"] for document in encode_entities([house], CORE, only, linked)] == ["urn:b:1", "urn:b:2"]


def test_one_attribute() -> None:
    entity = building(a=[{"value": 1}, {"value": 2, "datasetId": "urn:d"}])
    instances = entity.attributes[iri("a")]
    assert encode_attribute(iri("a"), instances[:1], CORE) == {"type": "Property", "value": 1}
    assert encode_attribute(iri("a"), instances[:1], CORE, Representation(Form.CONCISE)) == 1


def test_another_context_gives_other_names() -> None:
    entity = building(a={"value": {"@type": "Date", "@value": "2026-01-01"}}, b={"vocab": "x"})
    context = Contexts().of({"haus": DEFAULT_VOCABULARY + "Building", "b": "https://x.org/b", "ex": "https://x.org/"})
    document = encode_entity(entity, context)
    assert list(document) == ["id", "type", "a", "ngsi-ld:default-context/b"]
    assert document["type"] == "haus"


def test_instance_ids() -> None:
    assert parse_instance_id("urn:ngsi-ld:Instance:12-5") == 12 * 2**20 + 5
    for bad in ("urn:ngsi-ld:Instance:12", "urn:ngsi-ld:Instance:-", "urn:x:1-1", "urn:ngsi-ld:Instance:1-1048576", "",
                "urn:ngsi-ld:Instance:²-1", "urn:ngsi-ld:Instance:" + "9" * 30 + "-1"):  # fmt: skip
        with pytest.raises(Invalid):
            parse_instance_id(bad)


def test_features() -> None:
    entity = building(location=POINT, observationSpace=[{"value": POINT, "datasetId": "urn:d"}], name="x")
    feature: dict[str, Any] = encode_feature(entity, CORE)
    assert (feature["id"], feature["type"], feature["geometry"]) == ("urn:b:1", "Feature", POINT)
    assert list(feature["properties"]) == ["type", "location", "observationSpace", "name"]
    space = NAMESPACE + "observationSpace"
    assert geometry_of(entity, Representation(geometry=space)) is None
    assert geometry_of(entity, Representation(geometry=space, geometry_dataset="urn:d")) == POINT
    only = Representation(Form.SIMPLIFIED, pick=Projection.parse("name", CORE))
    assert encode_feature(entity, CORE, only) == {"type": "Feature", "geometry": POINT, "properties": {"name": "x"}}
    assert encode_collection_geojson([], CORE) == {"type": "FeatureCollection", "features": []}
    collection = encode_collection_geojson([entity], CORE)
    assert decode_collection_geojson(collection, CORE) == [entity]


def test_bad_features() -> None:
    good = {"type": "Feature", "id": "urn:a", "geometry": POINT, "properties": {"type": "T"}}
    assert decode_feature(good, CORE).attributes[LOCATION][0].value == POINT
    for bad, path in (
        (None, ""), ({**good, "type": "F"}, ""), ({**good, "properties": None}, "/properties"),
        ({**good, "id": 5}, "/id"),
        ({**good, "geometry": {"type": "Point", "coordinates": [999, 0]}}, "/location/value/coordinates"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            decode_feature(bad, CORE)
        assert caught.value.facts["path"] == path
    with pytest.raises(Invalid):
        decode_collection_geojson({"features": 5}, CORE)
