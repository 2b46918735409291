"""A city adds models of its own; documents that break the layout are refused with where and what."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check
from zhicheng.standards.models.names import COMMON, term
from zhicheng.standards.models.reading import Subject
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind

NS = "https://city.example/ns/"


def schema(name: str = "ParcelLocker", **changed: Any) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:zhicheng:model:Logistics:{name}",
        "title": "Parcel locker",
        "x-title-zh": "智能快件箱",
        "type": "object",
        "allOf": [{"$ref": f"{COMMON}#/$defs/commons"}],
        "properties": {
            "type": {"const": name},
            "temperature": {"$ref": f"{COMMON}#/$defs/temperature", "maximum": 60},
            "freeBoxes": {"$ref": "#/$defs/boxes", "title": "free boxes", "x-title-zh": "空余格口"},
        },
        "$defs": {"boxes": {"type": "integer", "minimum": 0, "maximum": 200, "x-ngsi": {"type": "Property"}}},
        "required": ["id", "type", "freeBoxes"],
        **changed,
    }


def context(**changed: str) -> dict[str, Any]:
    terms = Catalogue.builtin().terms()
    names = ("temperature", *(name for name in terms if terms[name] in common_iris()))
    return {
        "@context": {
            **{name: terms[name] for name in names},
            "ParcelLocker": NS + "ParcelLocker",
            "freeBoxes": NS + "freeBoxes",
            **changed,
        }
    }


def common_iris() -> set[str]:
    return set.intersection(*(set(model.attributes) for model in Catalogue.builtin().models()))


def added(schema: dict[str, Any], context: dict[str, Any]) -> Catalogue:
    return Catalogue.builtin().adding([Subject("Logistics", context, {"ParcelLocker": schema})])


def test_an_own_model_is_used_like_the_built_in_ones() -> None:
    catalogue = added(schema(), context())
    model = catalogue.model(NS + "ParcelLocker")
    assert model
    assert model.attributes[term("temperature")].highest == 60
    assert model.attributes[term("temperature")].unit == "CEL"
    assert catalogue.label(NS + "freeBoxes", "zh") == "空余格口"
    assert catalogue.terms()["freeBoxes"] == NS + "freeBoxes"
    assert len(catalogue.models()) == len(Catalogue.builtin().models()) + 1
    locker = Entity("urn:ngsi-ld:ParcelLocker:1", (model.iri,), {NS + "freeBoxes": [Attribute(Kind.PROPERTY, 900)]})
    assert [found.path for found in check(locker, model)] == ["freeBoxes"]
    assert Catalogue.builtin().model(NS + "ParcelLocker") is None


def test_a_stricter_model_of_a_known_type_takes_its_place() -> None:
    stricter = schema("Vehicle") | {"required": ["id", "type", "location"]}
    terms = context(Vehicle=term("Vehicle"))
    catalogue = Catalogue.builtin().adding([Subject("Logistics", terms, {"Vehicle": stricter})])
    model = catalogue.model(term("Vehicle"))
    assert model
    assert model.required == (term("location"),)
    assert len(catalogue.models()) == len(Catalogue.builtin().models())


WITHOUT_LABEL = {
    "type": {"const": "ParcelLocker"},
    "freeBoxes": {"title": "free boxes", "x-ngsi": {"type": "Property"}},
}
WITHOUT_KIND = {"freeBoxes": {"title": "free boxes", "x-title-zh": "空余格口", "x-ngsi": {"type": "Thing"}}}
ELSEWHERE = {"freeBoxes": {"$ref": "https://example.org/schema.json#/x"}}


@pytest.mark.parametrize(
    ("schema", "context", "words"),
    [
        (schema(**{"x-title-zh": ""}), context(), "Logistics/ParcelLocker: title or x-title-zh is missing"),
        (schema(properties=WITHOUT_LABEL), context(), "freeBoxes: title or x-title-zh is missing"),
        (schema(properties=WITHOUT_KIND), context(), "x-ngsi.type is not one of Property, Relationship, GeoProperty"),
        (schema(properties=ELSEWHERE), context(), "its schema cannot be used"),
        (schema(type="thing"), context(), "its schema cannot be used"),
        ({"type": "object"}, context(), "its schema cannot be used"),
        (schema(), {"@context": {}}, "address is not in the subject's @context"),
        (schema(), {"@context": "https://example.org/c.jsonld"}, "its @context is not an object of terms"),
        (schema(), context(freeBoxes="freeBoxes"), "a term stands for one absolute IRI"),
        (schema(), context(temperature=NS + "temperature"), "gives 'temperature' the meaning"),
        (schema(), context(observedAt=NS + "seen"), "gives 'observedAt' the meaning"),
    ],
)
def test_documents_that_break_the_layout_are_refused(
    schema: dict[str, Any], context: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadConfiguration) as caught:
        added(schema, context)
    assert words in caught.value.en
    assert caught.value.zh != caught.value.en


SPOILT = [1, "x", None, [1], {"a": 1}, True, {"type": [1]}]
MEMBERS = [
    "$id",
    "title",
    "x-title-zh",
    "description",
    "x-map",
    "x-version",
    "allOf",
    "properties",
    "$defs",
    "required",
]
OF_ATTRIBUTE = ["title", "x-title-zh", "x-ngsi", "x-enum-zh", "enum", "minimum", "items", "type", "$ref"]


@pytest.mark.parametrize("spoilt", SPOILT, ids=str)
@pytest.mark.parametrize("member", MEMBERS)
def test_a_spoilt_member_never_ends_in_a_bare_exception(member: str, spoilt: Any) -> None:
    with contextlib.suppress(BadConfiguration):
        added(schema(**{member: spoilt}), context())


@pytest.mark.parametrize("spoilt", SPOILT, ids=str)
@pytest.mark.parametrize("member", OF_ATTRIBUTE)
def test_a_spoilt_attribute_never_ends_in_a_bare_exception(member: str, spoilt: Any) -> None:
    attribute = {"title": "boxes", "x-title-zh": "格口", "type": "string", "x-ngsi": {"type": "Property"}}
    with contextlib.suppress(BadConfiguration):
        added(schema(properties={"freeBoxes": {**attribute, member: spoilt}}), context())


@pytest.mark.parametrize("spoilt", SPOILT, ids=str)
def test_documents_that_are_none_are_refused(spoilt: Any) -> None:
    for subject in (Subject("L", spoilt, {}), Subject("L", context(), {"ParcelLocker": spoilt})):
        with pytest.raises(BadConfiguration):
            Catalogue.builtin().adding([subject])
