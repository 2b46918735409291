"""Departments' records: they conform to the city's models, and what links them is what docs/demo.md says."""

from __future__ import annotations

from collections import Counter

import pytest

from zhicheng.demo import records
from zhicheng.demo.city import City
from zhicheng.demo.documents import Document
from zhicheng.demo.forecasts import forecasts, warnings
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.decode import decode_entity

MODELS = Catalogue.builtin()
CONTEXT = Contexts({}, models=MODELS.context()).default  # type: ignore[arg-type]  # a dict of dicts of str is Json


@pytest.fixture(scope="module")
def kept(made: City) -> dict[str, list[Document]]:
    return records.records(made)


def conforms(document: Document, *, partial: bool) -> list[str]:
    entity = decode_entity(document, CONTEXT)
    model = MODELS.first(entity.types)
    assert model is not None, document["type"]
    return [f"{found.path}: {found.en}" for found in check(entity, model, partial=partial)]


def test_every_record_conforms_to_its_model(kept: dict[str, list[Document]]) -> None:
    known: set[object] = set()
    for documents in kept.values():
        for document in documents:
            assert conforms(document, partial=document["id"] in known) == [], document
            known.add(document["id"])


def test_forecasts_and_warnings_conform(made: City) -> None:
    place = list(made.plan.centre)
    hours = range(1_781_000_000, 1_781_000_000 + 60 * 86_400, 3 * 3_600)
    told = [*forecasts(7, hours[0], place), *(one for hour in hours for one in warnings(7, hour, place))]
    assert len(told) > 6
    assert [conforms(one, partial=False) for one in told if conforms(one, partial=False)] == []


def test_several_departments_describe_the_same_things(kept: dict[str, list[Document]]) -> None:
    writers = Counter(document["id"] for documents in kept.values() for document in documents)
    shared = Counter(str(name).split(":")[2] for name, count in writers.items() if count > 1)
    assert shared["Building"] > 500 and shared["AdministrativeArea"] > 100 and shared["Organization"] > 100


def test_links_lead_to_what_they_are_about_and_some_are_missing(made: City, kept: dict[str, list[Document]]) -> None:
    everything = {document["id"] for documents in kept.values() for document in documents}
    for department in ("fire", "health", "hotline", "tax"):
        linked = [document[records.SAME] for document in kept[department] if records.SAME in document]
        assert 0 < len(linked) < len(kept[department])
        assert {link["object"] for link in linked} <= everything  # type: ignore[index]  # a relationship is a dict
    assert not any(records.SAME in document for document in kept["supply"])


def test_nothing_names_a_person(kept: dict[str, list[Document]]) -> None:
    assert not any("Person" in str(document["type"]) for documents in kept.values() for document in documents)
