"""Rows of the log from entities."""

from __future__ import annotations

from typing import cast

import pytest

from zhicheng.standards.changes import PROPERTY, Act, ChangesBuilder, Form
from zhicheng.standards.ngsild.changes import (
    add_attribute,
    add_entity,
    add_life,
    add_scope,
    sub_of,
    value_fields,
    value_of,
)
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind, Quality

FIELDS: list[tuple[Json, Form]] = [
    (1, Form.NUMBER), (-1.5, Form.NUMBER), (2**53, Form.NUMBER), (2**53 + 1, Form.JSON), (-(2**60), Form.JSON),
    (True, Form.BOOLEAN), (False, Form.BOOLEAN), ("", Form.TEXT), ('"x', Form.TEXT), ([], Form.JSON),
    ({"a": None}, Form.JSON),
]  # fmt: skip


@pytest.mark.parametrize(("value", "form"), FIELDS)
def test_forms(value: Json, form: Form) -> None:
    found, number, text = value_fields(Kind.PROPERTY, value)
    assert found is form
    again = value_of(Kind.PROPERTY, found, number, text)
    assert again == value
    assert type(again) is type(value)


def test_the_kind_a_row_has_by_itself() -> None:
    assert PROPERTY == Kind.PROPERTY


def test_a_row_of_nothing() -> None:
    assert value_of(Kind.PROPERTY, Form.NOTHING, float("nan"), None) is None


def test_rows_in_order() -> None:
    builder = ChangesBuilder()
    attribute = Attribute(
        Kind.PROPERTY, 5, 7, "CEL", "urn:d", owner="urn:o", classification="internal", quality=Quality.MODEL
    )
    add_entity(builder, Entity("urn:a", ("urn:T",), {"urn:x": [attribute]}, ("/a",)), Act.OBSERVE)
    add_scope(builder, "urn:a", ())
    add_life(builder, "urn:a", Act.REMOVE)
    rows = builder.build()
    assert [Kind(kind) for kind in rows.kind] == [
        Kind.LIFE,
        Kind.TYPES,
        Kind.SCOPE,
        Kind.PROPERTY,
        Kind.SCOPE,
        Kind.LIFE,
    ]
    assert [Act(act) for act in rows.act] == [Act.SET, Act.SET, Act.SET, Act.OBSERVE, Act.REMOVE, Act.REMOVE]
    assert rows.text.list() == [None, '["urn:T"]', '["/a"]', None, None, None]
    assert (rows.unit[3], rows.dataset[3], rows.owner[3], rows.classification[3]) == (
        "CEL",
        "urn:d",
        "urn:o",
        "internal",
    )
    assert (rows.observed_at[3], rows.quality[3], rows.number[3]) == (7, Quality.MODEL, 5.0)


def test_sub_attributes_as_text() -> None:
    sub = Attribute(Kind.RELATIONSHIP, "urn:p", 0, extra={"objectType": "urn:Person"})
    attribute = Attribute(
        Kind.PROPERTY,
        1,
        sub={"urn:z": [sub], "urn:a": [Attribute(Kind.PROPERTY, 2, unit="MTR")]},
        extra={"valueType": "urn:v"},
    )
    builder = ChangesBuilder()
    add_attribute(builder, "urn:e", "urn:x", attribute, Act.SET)
    text = cast(str, builder.build().sub[0])
    assert text == (
        '{"@valueType":"urn:v","urn:a":[{"type":"Property","unitCode":"MTR","value":2}],'
        '"urn:z":[{"@objectType":"urn:Person","observedAt":"1970-01-01T00:00:00Z","type":"Relationship","value":"urn:p"}]}'
    )
    assert sub_of(text) == (attribute.sub, attribute.extra)
    assert sub_of(None) == ({}, {})
