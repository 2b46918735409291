"""What is written can be read again, in every representation."""

from __future__ import annotations

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.standards.ngsild.entities import BY_KIND, CONTEXT, attributes, entities, instances
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.ngsild.changes import (
    add_entity,
    attribute_of,
    list_of,
    sub_of,
    sub_text,
    value_fields,
    value_of,
)
from zhicheng.standards.ngsild.decode import decode_attribute, decode_entity
from zhicheng.standards.ngsild.encode import encode_attribute, encode_entity
from zhicheng.standards.ngsild.geojson import decode_feature, encode_feature
from zhicheng.standards.ngsild.kinds import WRAPPED
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.representation import Form, Representation
from zhicheng.standards.ngsild.temporal import encode_temporal
from zhicheng.standards.ngsild.values import is_geometry


def sent(document: Json | dict[str, Json]) -> Json:
    """The document as the other side reads it."""
    again: Json = orjson.loads(orjson.dumps(document))
    return again


@given(entities)
def test_normalized_is_exact(entity: Entity) -> None:
    assert decode_entity(sent(encode_entity(entity, CONTEXT)), CONTEXT) == entity


@given(entities)
def test_concise_is_exact(entity: Entity) -> None:
    document = sent(encode_entity(entity, CONTEXT, Representation(Form.CONCISE)))
    assert decode_entity(document, CONTEXT) == entity


@given(instances())
def test_an_attribute_alone_is_exact(given: list[Attribute]) -> None:
    for form in (Form.NORMALIZED, Form.CONCISE):
        document = sent(encode_attribute("https://x.org/a", given, CONTEXT, Representation(form)))
        assert decode_attribute("https://x.org/a", document, CONTEXT) == given


@given(attributes(plain=True))
def test_simplified_keeps_values_and_kinds_where_they_are_known(attribute: Attribute) -> None:
    """Lossy by design: a Relationship reads back as a Property unless its kind is known, members are gone."""
    document = sent(encode_attribute("https://x.org/a", [attribute], CONTEXT, Representation(Form.SIMPLIFIED)))
    assume(attribute.kind in WRAPPED or not (isinstance(document, dict) and len(document) == 1))  # may look wrapped
    [known] = decode_attribute("https://x.org/a", document, CONTEXT, simplified=True, kind=attribute.kind)
    assert known.value == attribute.value
    if attribute.kind is not Kind.PROPERTY and attribute.value != []:
        assert known.kind is attribute.kind


@given(entities)
def test_geojson_is_exact_but_for_the_geometry(entity: Entity) -> None:
    feature = sent(encode_feature(entity, CONTEXT))
    assert isinstance(feature, dict)
    assert feature["geometry"] is None
    assert decode_feature(feature, CONTEXT) == entity


@given(entities)
def test_history_keeps_every_instance(entity: Entity) -> None:
    document = sent(encode_temporal(entity, CONTEXT))
    assert decode_entity(document, CONTEXT, temporal=True) == entity


@given(entities)
def test_rows_are_exact(entity: Entity) -> None:
    builder = ChangesBuilder()
    add_entity(builder, entity)
    rows = builder.build()
    again = Entity(entity.id, ())
    for at in range(len(rows)):
        kind, name = rows.kind[at], rows.attribute[at]
        if kind == Kind.TYPES:
            again.types = list_of(rows.text[at])
        elif kind == Kind.SCOPE:
            again.scope = list_of(rows.text[at])
        elif name is not None:
            instance = attribute_of(
                int(kind),
                int(rows.form[at]),
                float(rows.number[at]),
                rows.text[at],
                observed_at=int(rows.observed_at[at]),
                dataset=rows.dataset[at],
                unit=rows.unit[at],
                sub=rows.sub[at],
                quality=int(rows.quality[at]),
            )
            again.attributes.setdefault(name, []).append(instance)
    assert again == entity
    assert set(rows.act.tolist()) == {Act.SET}
    assert ABSENT in rows.observed_at


@given(st.sampled_from(list(BY_KIND)).flatmap(lambda kind: st.tuples(st.just(kind), BY_KIND[kind])))
def test_a_value_survives_a_row(case: tuple[Kind, Json]) -> None:
    kind, value = case
    form, number, text = value_fields(kind, value)
    assert value_of(kind, form, number, text) == value


@given(attributes())
def test_sub_text_is_canonical(attribute: Attribute) -> None:
    text = sub_text(attribute)
    sub, extra = sub_of(text)
    assert (sub, extra) == (attribute.sub, attribute.extra)
    shuffled = Attribute(attribute.kind, attribute.value, sub=dict(reversed(sub.items())), extra=dict(extra))
    assert sub_text(shuffled) == text


@given(BY_KIND[Kind.GEO])
def test_generated_geometries_are_recognised(geometry: Json) -> None:
    assert is_geometry(geometry)
