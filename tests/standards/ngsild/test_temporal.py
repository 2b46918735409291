"""Entities over time in their three representations."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.standards.ngsild.entities import BY_KIND, CONTEXT
from zhicheng.kernel import instants
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.encode import instance_id
from zhicheng.standards.ngsild.kinds import PLURALS, TYPE_NAMES
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.representation import Form, Projection, Representation, Times
from zhicheng.standards.ngsild.temporal import (
    SCOPE,
    Aggregated,
    Series,
    encode_aggregated,
    encode_series,
    encode_temporal,
    format_many,
)

CORE = Contexts().default
HOUR = 3_600_000_000
FIRST = instance_id(1 << 20)
VALUES = Representation(times=Times.VALUES)


def history(**attributes: list[Attribute]) -> Entity:
    """A thing with instances of its attributes."""
    return Entity("urn:a", (CORE.expand("T"),), {CORE.expand(name): items for name, items in attributes.items()})


def speed(hour: int, value: Json, **members: Any) -> Attribute:
    """A speed, observed at an hour."""
    return Attribute(Kind.PROPERTY, value, hour * HOUR, instance=hour << 20, **members)


def test_instances_with_their_ids() -> None:
    document: Any = encode_temporal(history(speed=[speed(1, 10, unit="KMH"), speed(2, 20)]), CORE)
    assert document["speed"] == [
        {"type": "Property", "value": 10, "unitCode": "KMH", "observedAt": "1970-01-01T01:00:00Z", "instanceId": FIRST},
        {"type": "Property", "value": 20, "observedAt": "1970-01-01T02:00:00Z", "instanceId": instance_id(2 << 20)},
    ]  # fmt: skip
    concise: Any = encode_temporal(
        history(a=[Attribute(Kind.PROPERTY, {"x": 1}, instance=1)]), CORE, Representation(Form.CONCISE)
    )
    assert concise["a"] == [{"value": {"x": 1}, "instanceId": "urn:ngsi-ld:Instance:0-1"}]


def test_values_with_times_apart_by_dataset() -> None:
    plain = [Attribute(Kind.PROPERTY, "x", modified_at=0)]
    entity = history(speed=[speed(1, 10.0), speed(2, 20.5), speed(3, 5, dataset="urn:d")], name=plain)
    document: Any = encode_temporal(entity, CORE, VALUES)
    assert document["speed"] == [
        {"type": "Property", "values": [[10, "1970-01-01T01:00:00Z"], [20.5, "1970-01-01T02:00:00Z"]]},
        {"type": "Property", "datasetId": "urn:d", "values": [[5, "1970-01-01T03:00:00Z"]]},
    ]
    assert document["name"] == {"type": "Property", "values": [["x", "1970-01-01T00:00:00Z"]]}


@given(st.sampled_from(list(BY_KIND)).flatmap(lambda kind: st.tuples(st.just(kind), BY_KIND[kind])))
def test_values_of_every_kind(case: tuple[Kind, Json]) -> None:
    kind, value = case
    entity = Entity("urn:a", ("urn:T",), {"urn:x": [Attribute(kind, value, 0)]})
    document: Any = encode_temporal(entity, CONTEXT, VALUES)
    assert list(document["urn:x"]) == ["type", PLURALS[kind]]
    assert document["urn:x"]["type"] == TYPE_NAMES[kind]
    [[_, time]] = document["urn:x"][PLURALS[kind]]
    assert time == "1970-01-01T00:00:00Z"
    series = Series(kind, [value], np.array([0]))
    assert encode_series("urn:a", ["urn:T"], {"urn:x": [series]}, CONTEXT) == document


def test_what_was_deleted_keeps_its_kind() -> None:
    gone: Any = {"deleted_at": 2 * HOUR}
    entity = history(
        p=[Attribute(Kind.PROPERTY, NULL, **gone)], r=[Attribute(Kind.RELATIONSHIP, NULL, **gone)],
        l=[Attribute(Kind.LANGUAGE, NULL, **gone)], li=[Attribute(Kind.LIST, NULL, **gone)],
    )  # fmt: skip
    document: Any = encode_temporal(entity, CORE)
    when = "1970-01-01T02:00:00Z"
    assert document["p"] == [{"type": "Property", "value": NULL, "deletedAt": when}]
    assert document["r"] == [{"type": "Relationship", "object": NULL, "deletedAt": when}]
    assert document["l"] == [{"type": "LanguageProperty", "languageMap": {"@none": NULL}, "deletedAt": when}]
    assert document["li"] == [{"type": "ListProperty", "valueList": [NULL], "deletedAt": when}]
    pairs: Any = encode_temporal(entity, CORE, VALUES)
    assert pairs["l"]["languageMaps"] == [[{"languageMap": {"@none": NULL}}, when]]


def test_languages_system_times_scope_and_projection() -> None:
    entity = history(
        says=[Attribute(Kind.LANGUAGE, {"en": "yes", "zh": "是"}, HOUR)],
        a=[Attribute(Kind.PROPERTY, 1, HOUR, created_at=0)],
    )
    entity.scope = ("/now",)
    entity.attributes[SCOPE] = [Attribute(Kind.PROPERTY, ["/a", "/b"], modified_at=HOUR)]
    document: Any = encode_temporal(
        entity, CORE, Representation(times=Times.VALUES, lang="zh", time_property="createdAt")
    )
    assert document["says"] == {"type": "Property", "values": [["是", "1970-01-01T01:00:00Z"]]}
    assert document["a"]["values"] == [[1, "1970-01-01T00:00:00Z"]]
    assert document["scope"] == {"type": "Property", "values": [[["/a", "/b"], "1970-01-01T01:00:00Z"]]}
    assert list(encode_temporal(entity, CORE, Representation(pick=Projection.parse("id,a", CORE)))) == ["id", "a"]


def test_a_history_is_read_with_instances_that_share_a_dataset() -> None:
    entity = decode_entity(
        {"id": "urn:a", "type": "T", "speed": [{"value": 1, "observedAt": "1970-01-01T01:00:00Z"}, {"value": 2}]},
        CORE,
        temporal=True,
    )
    assert [item.value for item in entity.attributes[CORE.expand("speed")]] == [1, 2]


def test_aggregates() -> None:
    groups = [
        Aggregated(Kind.PROPERTY, {"avg": [(1.5, 0, HOUR)], "max": [(2, 0, HOUR)]}),
        Aggregated(Kind.PROPERTY, {}, "urn:d"),
    ]
    document: Any = encode_aggregated("urn:a", ["urn:T", "urn:U"], {"urn:x": groups}, CORE)
    period = ["1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"]
    assert document["type"] == ["urn:T", "urn:U"]
    assert document["urn:x"] == [
        {"type": "Property", "avg": [[1.5, *period]], "max": [[2, *period]]},
        {"type": "Property", "datasetId": "urn:d"},
    ]


@given(st.lists(st.integers(-(10**16), 10**17)))
def test_many_instants_are_printed_as_one(times: list[int]) -> None:
    assert format_many(np.array(times, np.int64)) == [instants.format(time) for time in times]
