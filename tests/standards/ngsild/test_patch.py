"""Partial updates and merges of attributes (clauses 5.5.8 and 5.5.12, with the standard's own examples)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.standards.ngsild.entities import attributes
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.decode import decode_attribute
from zhicheng.standards.ngsild.encode import encode_attribute
from zhicheng.standards.ngsild.model import Attribute, Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.patch import merge_attribute, merge_instances, new_attribute, update_attribute
from zhicheng.standards.ngsild.representation import Form, Representation

CORE = Contexts().default
LATER = "2022-03-14T13:00:00Z"
BEFORE = {"value": 25, "unitCode": "CEL", "observedAt": "2022-03-14T01:59:26.535Z", "by": {"object": "urn:a"}, "n": 1}


def read(document: object, kind: Kind | None = None) -> Attribute:
    """A fragment."""
    [attribute] = decode_attribute("a", document, CORE, nulls=True, fragment=True, kind=kind)
    return attribute


def shown(attribute: Attribute | None) -> Any:
    """As a concise document."""
    return None if attribute is None else encode_attribute("urn:a", [attribute], CORE, Representation(Form.CONCISE))


CASES: list[tuple[object, dict[str, object]]] = [
    ({"type": "Property", "value": 100, "observedAt": LATER}, {"value": 100, "observedAt": LATER}),
    ({"unitCode": "FAH"}, {"unitCode": "FAH"}),
    ({"unitCode": NULL, "observedAt": NULL}, {"unitCode": None, "observedAt": None}),
    ({"n": NULL, "never": NULL}, {"n": None}),
    ({"n": 2, "m": {"value": 3}}, {"n": 2, "m": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("fragment", "changed"), CASES)
def test_members_are_replaced_added_and_removed(fragment: object, changed: dict[str, object]) -> None:
    expected = {key: value for key, value in {**BEFORE, **changed}.items() if value is not None}
    for apply in (update_attribute, merge_attribute):
        assert shown(apply(read(BEFORE), read(fragment))) == expected


@pytest.mark.parametrize("fragment", [NULL, {"value": NULL}, {"type": "Property", "value": NULL}])
def test_null_takes_the_attribute_away(fragment: object) -> None:
    assert update_attribute(read(BEFORE), read(fragment)) is None
    assert merge_attribute(read(BEFORE), read(fragment)) is None


def test_a_merge_goes_into_values_an_update_does_not() -> None:
    before, change = {"street": "A", "city": {"name": "B", "zip": 1}}, {"street": "C", "city": {"zip": NULL}}
    assert shown(merge_attribute(read({"value": before}), read({"value": change}))) == {
        "street": "C",
        "city": {"name": "B"},
    }
    assert shown(update_attribute(read({"value": before}), read({"value": {"street": "C"}}))) == {"street": "C"}
    with pytest.raises(Invalid):
        update_attribute(read({"value": before}), read({"value": change}))


def test_language_maps_merge_by_tag() -> None:
    before = read({"languageMap": {"en": "yes", "fr": "oui"}})
    assert shown(merge_attribute(before, read({"languageMap": {"fr": NULL, "zh": "是"}}))) == {
        "languageMap": {"en": "yes", "zh": "是"}
    }
    assert merge_attribute(before, read({"languageMap": {"fr": NULL, "en": NULL}})) is None


def test_geometries_typed_values_and_json_are_replaced_whole() -> None:
    point, typed = {"type": "Point", "coordinates": [1, 2]}, {"@type": "Date", "@value": "2026-01-01"}
    assert shown(merge_attribute(read({"type": "Point", "coordinates": [3, 4]}), read(point))) == point
    assert shown(merge_attribute(read({"value": {"a": 1}}), read({"value": typed})))["value"] == typed
    assert shown(merge_attribute(read({"json": {"a": 1}}), read({"json": {"b": 1}}))) == {"json": {"b": 1}}


def test_the_kind_cannot_change() -> None:
    for fragment in ({"object": "urn:b"}, {"type": "Relationship"}):
        with pytest.raises(Invalid):
            update_attribute(read(BEFORE), read(fragment))
    relationship = read({"object": "urn:b"})
    changed = update_attribute(relationship, read({"observedAt": "2026-01-01T00:00:00Z"}, Kind.RELATIONSHIP))
    assert changed is not None
    assert (changed.kind, changed.value) == (Kind.RELATIONSHIP, "urn:b")


def test_instances_are_matched_by_dataset() -> None:
    present = [Attribute(Kind.PROPERTY, 1), Attribute(Kind.PROPERTY, 2, dataset="urn:d")]
    changes = [
        Attribute(Kind.PROPERTY, NULL),
        Attribute(Kind.PROPERTY, 5, dataset="urn:d"),
        Attribute(Kind.PROPERTY, 6, dataset="urn:e"),
    ]
    merged = merge_instances(present, changes)
    assert [(item.value, item.dataset) for item in merged] == [(5, "urn:d"), (6, "urn:e")]
    assert merge_instances([], [Attribute(Kind.PROPERTY, NULL)]) == []
    with pytest.raises(Invalid):
        new_attribute(read({"unitCode": "CEL"}))


@given(attributes())
def test_an_attribute_over_itself_is_itself(attribute: Attribute) -> None:
    assert update_attribute(attribute, attribute) == attribute
    merged = merge_attribute(attribute, attribute)
    assert merged == attribute
    assert new_attribute(attribute) == attribute
