"""Every model of the package keeps the layout, its examples and the one vocabulary."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs
import pytest

from tools import models as drawn
from zhicheng.standards.models import names
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check, compiled
from zhicheng.standards.models.model import Model
from zhicheng.standards.models.reading import builtin_subjects, common_schema, subject_terms
from zhicheng.standards.ngsild.context import Context, Contexts
from zhicheng.standards.ngsild.core import VERSIONS, core_terms
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.model import Kind
from zhicheng.standards.units import UNITS

CATALOGUE = Catalogue.builtin()
MODELS = CATALOGUE.models()
SUBJECTS = list(builtin_subjects())
CJK = re.compile(r"[\u4e00-\u9fff]")
EACH = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def example(model: Model, name: str) -> dict[str, Any]:
    folder: Traversable = files("zhicheng.standards.models").joinpath(model.subject, model.name, "examples")
    document: dict[str, Any] = json.loads(folder.joinpath(name).read_text("utf-8"))
    return document


@cache
def city() -> Context:
    return Contexts(models=CATALOGUE.context()).default  # type: ignore[arg-type]  # dict is invariant


def normalized(model: Model) -> dict[str, Any]:
    document = example(model, "example-normalized.jsonld")
    place, core = document.pop("@context")
    assert (place, core[:42]) == ("../../context.jsonld", "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-co")
    return document


@EACH
def test_the_schema_is_valid_json_schema(model: Model) -> None:
    assert jsonschema_rs.meta.is_valid(model.schema)
    assert jsonschema_rs.meta.is_valid(common_schema())
    assert model.schema["$id"] == f"{names.MODEL}{model.subject}:{model.name}"


@EACH
def test_the_simplified_example_is_valid(model: Model) -> None:
    document = example(model, "example.json")
    compiled(model).whole.validate(document)
    assert document["id"].startswith(f"urn:ngsi-ld:{model.name}:")
    assert len(document) >= 5


@EACH
def test_the_normalized_example_says_the_same_and_passes_the_check(model: Model) -> None:
    entity = decode_entity(normalized(model), city())
    simple = example(model, "example.json")
    assert (entity.id, entity.types) == (simple.pop("id"), (CATALOGUE.terms()[simple.pop("type")],))
    shown = {iri: instances[0].value for iri, instances in entity.attributes.items()}
    assert shown == {CATALOGUE.terms()[name]: value for name, value in simple.items()}
    assert check(entity, model) == []
    for iri, (instance,) in entity.attributes.items():
        assert instance.kind is model.attributes[iri].kind
        assert instance.unit in (None, model.attributes[iri].unit)


@EACH
def test_an_example_with_every_value_spoilt_fails_on_each(model: Model) -> None:
    entity = decode_entity(normalized(model), city())
    spoilt = set()
    for iri, (instance,) in entity.attributes.items():
        if model.attributes[iri].range:
            instance.value = {"no": "such value"} if model.attributes[iri].range != {"object"} else "no object"
            spoilt.add(model.attributes[iri].name)
    assert {found.path.split(".")[0] for found in check(entity, model)} >= spoilt


@EACH
def test_type_and_attributes_have_labels_in_both_languages(model: Model) -> None:
    for label in (model.label, model.description, *(attribute.label for attribute in model.attributes.values())):
        assert label.en.isascii()
        assert CJK.search(label.zh) or label.zh == label.en
    for attribute in model.attributes.values():
        assert all(CJK.search(label.zh) for label in attribute.choices.values()), attribute.name
        assert attribute.description is None or CJK.search(attribute.description.zh)


@EACH
def test_every_unit_is_known_and_only_numbers_have_one(model: Model) -> None:
    for attribute in model.attributes.values():
        assert attribute.unit is None or (attribute.unit in UNITS and attribute.numeric)
        assert attribute.lowest < attribute.highest


@EACH
def test_it_can_be_drawn(model: Model) -> None:
    assert model.attributes[model.location_attribute].kind is Kind.GEO
    assert model.attributes[model.label_attribute].range == {"string"}
    assert re.fullmatch("#[0-9a-f]{6}", model.colour)


@EACH
def test_the_subjects_context_has_its_words(model: Model) -> None:
    (subject,) = [subject for subject in SUBJECTS if subject.name == model.subject]
    terms = subject_terms(subject)
    assert terms[model.name] == model.iri
    assert {terms[attribute.name] for attribute in model.attributes.values()} == set(model.attributes)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_subjects_context_has_no_other_words(subject: Any) -> None:
    used = {
        attribute.name for model in MODELS for attribute in model.attributes.values() if model.subject == subject.name
    }
    assert set(subject_terms(subject)) == used | set(subject.schemas)


def test_the_models_the_first_applications_need_are_here() -> None:
    needed = """Vehicle TrafficFlowObserved RoadSegment BikeHireDockingStation EVChargingStation GtfsAgency GtfsStop
        GtfsRoute GtfsTrip ArrivalEstimation OffStreetParking OnStreetParking ParkingSpot ParkingGroup
        AirQualityObserved NoiseLevelObserved WaterObserved WeatherObserved WeatherForecast WeatherAlert Streetlight
        WasteContainer Building Device DeviceModel DeviceMeasurement Alert Organization PointOfInterest
        WaterConsumptionObserved KeyPerformanceIndicator Feed AdministrativeArea GridCell"""
    assert set(needed.split()) <= {model.name for model in MODELS}


def test_one_word_has_one_iri_and_the_merged_context_is_up_to_date() -> None:
    merged: dict[str, set[str]] = {}
    for subject in SUBJECTS:
        for term, iri in subject_terms(subject).items():
            merged.setdefault(term, set()).add(iri)
    assert {term: iris for term, iris in merged.items() if len(iris) > 1} == {}
    assert names.builtin_terms() == {term: next(iter(iris)) for term, iris in merged.items()} == CATALOGUE.terms()
    assert len(set(CATALOGUE.terms().values())) == len(CATALOGUE.terms())


def test_drawn_files_are_up_to_date() -> None:
    assert drawn.main(check=True) == 0


@pytest.mark.parametrize("version", VERSIONS[VERSIONS.index("1.3") :])  # before, `name` and `description` were its own
def test_no_term_means_something_else_than_in_the_core_context(version: str) -> None:
    core = core_terms(version)
    different = {
        term: (iri, core[term]["@id"])
        for term, iri in CATALOGUE.terms().items()
        if core.get(term, {"@id": iri})["@id"] != iri
    }
    assert different == {}


def test_our_words_expand_in_the_city_and_shrink_again() -> None:
    for term, iri in CATALOGUE.terms().items():
        assert city().expand(term) == iri
        assert city().compact(iri) == term


def test_iris_of_smart_data_models_of_any_subject_become_the_citys() -> None:
    theirs = "https://smartdatamodels.org/dataModel."
    assert names.canonical(f"{theirs}Device/temperature") == names.term("temperature")
    assert names.canonical("https://smartdatamodels.org/category") == names.term("category")
    for iri in (
        names.term("Vehicle"),
        names.term("delay"),
        f"{theirs}Hl7/Organization",
        "https://example.org/temperature",
    ):
        assert names.canonical(iri) == iri
