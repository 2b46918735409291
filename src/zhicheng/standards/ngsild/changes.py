"""Between attributes and the log's rows: values as form, number and text, sub-attributes as one canonical text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson

from zhicheng.kernel import instants
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.ngsild.kinds import KINDS, TYPE_NAMES
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind, Quality

_NAN = float("nan")
_EXACT = 2**53

Fields = tuple[Form, float, str | None]


def value_fields(kind: Kind, value: Json) -> Fields:
    """How a row holds a value; numbers as numbers where that loses nothing.

    >>> value_fields(Kind.PROPERTY, 21.5), value_fields(Kind.RELATIONSHIP, "urn:a")[0].name
    ((<Form.NUMBER: 1>, 21.5, None), 'TEXT')
    >>> value_fields(Kind.LIST, [1, "a"])[2]
    '[1,"a"]'
    """
    found = type(value)
    if found is float:
        return Form.NUMBER, value, None  # type: ignore[return-value]  # found says it is a float
    if found is str:
        return Form.TEXT, _NAN, value  # type: ignore[return-value]  # found says it is a str
    if found is int and -_EXACT <= value <= _EXACT:  # type: ignore[operator]  # found says it is an int
        return Form.NUMBER, float(value), None  # type: ignore[arg-type]  # found says it is an int
    if found is bool:
        return Form.BOOLEAN, 1.0 if value else 0.0, None
    return Form.JSON, _NAN, orjson.dumps(value).decode()


def value_of(kind: Kind, form: int, number: float, text: str | None) -> Json:
    """The value a row holds; None where it holds nothing.

    >>> value_of(Kind.PROPERTY, Form.NUMBER, 20.0, None), value_of(Kind.GEO, Form.JSON, 0.0, '{"type":"Point"}')
    (20, {'type': 'Point'})
    """
    if form == Form.NUMBER:
        return int(number) if number.is_integer() and -_EXACT <= number <= _EXACT else number
    if form == Form.TEXT:
        return text
    if form == Form.BOOLEAN:
        return bool(number)
    return None if form == Form.NOTHING or text is None else orjson.loads(text)


def add_attribute(builder: ChangesBuilder, entity_id: str, name: str, attribute: Attribute, act: Act) -> None:
    """Add the row of an attribute's instance; `name` is its IRI."""
    form, number, text = value_fields(attribute.kind, attribute.value)
    builder.add(
        entity_id,
        name,
        kind=attribute.kind,
        act=act,
        form=form,
        number=number,
        text=text,
        observed_at=attribute.observed_at,
        dataset=attribute.dataset,
        unit=attribute.unit,
        quality=attribute.quality,
        sub=sub_text(attribute) if attribute.sub or attribute.extra else None,
        owner=attribute.owner,
        classification=attribute.classification,
    )


def add_life(builder: ChangesBuilder, entity_id: str, act: Act = Act.SET) -> None:
    """Add the row that makes an entity (SET), removes it (REMOVE) or erases it (ERASE)."""
    builder.add(entity_id, None, kind=Kind.LIFE, act=act)


def add_types(builder: ChangesBuilder, entity_id: str, types: Sequence[str]) -> None:
    """Add the row that says what an entity is, from now on."""
    builder.add(entity_id, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text=_list_text(types))


def add_scope(builder: ChangesBuilder, entity_id: str, scope: Sequence[str]) -> None:
    """Add the row that says which scopes an entity is in; with none of them, that it is in none."""
    if scope:
        builder.add(entity_id, None, kind=Kind.SCOPE, act=Act.SET, form=Form.JSON, text=_list_text(scope))
    else:
        builder.add(entity_id, None, kind=Kind.SCOPE, act=Act.REMOVE)


def add_entity(builder: ChangesBuilder, entity: Entity, act: Act = Act.SET) -> None:
    """Add the rows that create an entity: its life, types and scope, then each instance with `act`.

    >>> builder = ChangesBuilder()
    >>> add_entity(builder, Entity("urn:a", ("https://x/T",), {"https://x/s": [Attribute(Kind.PROPERTY, 1)]}))
    >>> [Kind(kind).name for kind in builder.build().kind]
    ['LIFE', 'TYPES', 'PROPERTY']
    """
    add_life(builder, entity.id)
    add_types(builder, entity.id, entity.types)
    if entity.scope:
        add_scope(builder, entity.id, entity.scope)
    for name, instances in entity.attributes.items():
        for instance in instances:
            add_attribute(builder, entity.id, name, instance, act)


@lru_cache(maxsize=1024)
def _list_text_of(items: tuple[str, ...]) -> str:
    return orjson.dumps(items).decode()


def _list_text(items: Sequence[str]) -> str:
    return _list_text_of(tuple(items))


@lru_cache(maxsize=1024)
def list_of(text: str | None) -> tuple[str, ...]:
    """The types or scopes of a TYPES or SCOPE row's text.

    >>> list_of('["https://x/T"]'), list_of(None)
    (('https://x/T',), ())
    """
    return () if text is None else tuple(orjson.loads(text))


def sub_text(attribute: Attribute) -> str | None:
    """Sub-attributes and further members as JSON with sorted keys, None where there are none.

    Sub-attributes stand by IRI as lists of normalized instances, other members behind "@".

    >>> sub_text(Attribute(Kind.RELATIONSHIP, "urn:a", extra={"objectType": "https://x/T"}))
    '{"@objectType":"https://x/T"}'
    """
    if not attribute.sub and not attribute.extra:
        return None
    document = _sub_document(attribute)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _sub_document(attribute: Attribute) -> dict[str, Json]:
    document: dict[str, Json] = {"@" + name: value for name, value in attribute.extra.items()}
    for name, instances in attribute.sub.items():
        document[name] = [_instance_document(instance) for instance in instances]
    return document


def _instance_document(attribute: Attribute) -> dict[str, Json]:
    document = _sub_document(attribute)
    document["type"] = TYPE_NAMES[attribute.kind]
    document["value"] = attribute.value
    if attribute.observed_at is not None:
        document["observedAt"] = instants.format(attribute.observed_at)
    if attribute.unit is not None:
        document["unitCode"] = attribute.unit
    if attribute.dataset is not None:
        document["datasetId"] = attribute.dataset
    return document


@lru_cache(maxsize=8192)
def sub_of(text: str | None) -> tuple[dict[str, list[Attribute]], dict[str, Json]]:
    """Sub-attributes and further members from their text; shared between callers, so not to be changed.

    >>> sub_of('{"@objectType":"https://x/T"}')
    ({}, {'objectType': 'https://x/T'})
    """
    return ({}, {}) if text is None else _sub_parts(orjson.loads(text))


def _sub_parts(document: Mapping[str, Json]) -> tuple[dict[str, list[Attribute]], dict[str, Json]]:
    sub: dict[str, list[Attribute]] = {}
    extra: dict[str, Json] = {}
    for name, item in document.items():
        if name[0] == "@":
            extra[name[1:]] = item
        elif isinstance(item, list) and ":" in name:
            sub[name] = [_instance_of(instance) for instance in item if isinstance(instance, dict)]
    return sub, extra


def _instance_of(document: dict[str, Json]) -> Attribute:
    sub, extra = _sub_parts(document)
    observed_at = document.get("observedAt")
    return Attribute(
        KINDS[str(document["type"])],
        document["value"],
        None if observed_at is None else instants.parse(str(observed_at)),
        _text(document.get("unitCode")),
        _text(document.get("datasetId")),
        sub,
        extra,
    )


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def attribute_of(
    kind: int,
    form: int,
    number: float,
    text: str | None,
    *,
    observed_at: int = instants.ABSENT,
    dataset: str | None = None,
    unit: str | None = None,
    sub: str | None = None,
    quality: int = 0,
    owner: str | None = None,
    classification: str | None = None,
) -> Attribute:
    """The attribute's instance a row holds, the way back from `add_attribute`.

    >>> attribute_of(Kind.PROPERTY, Form.NUMBER, 3.0, None, unit="KMH").value
    3
    """
    subs, extra = sub_of(sub)
    return Attribute(
        Kind(kind),
        value_of(Kind(kind), form, number, text),
        None if observed_at == instants.ABSENT else observed_at,
        unit,
        dataset,
        subs,
        extra,
        owner,
        classification,
        Quality(quality),
    )
