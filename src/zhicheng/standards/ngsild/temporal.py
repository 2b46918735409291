"""Entities over time: lists of instances, values with their times, aggregates (clauses 4.5.6 to 4.5.9 and 4.5.19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zhicheng.kernel import instants
from zhicheng.kernel.columns import I8, Mask
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.encode import NORMALIZED, Encoder, instance_id
from zhicheng.standards.ngsild.kinds import PLURALS, TYPE_NAMES, VALUE_MEMBERS
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import NAMESPACE, NULL
from zhicheng.standards.ngsild.representation import Representation, Times

SCOPE = NAMESPACE + "scope"
"""The name under which an entity's attributes hold how its scope changed, as Property instances."""

TIME_PROPERTIES = ("observedAt", "createdAt", "modifiedAt", "deletedAt")


@dataclass(frozen=True, slots=True)
class Aggregated:
    """An attribute's aggregates: for each method, (value, start, end) of each period, instants in microseconds."""

    kind: Kind
    methods: Mapping[str, Sequence[tuple[Json, int, int]]]
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """An attribute's values over time, column-wise: as many values as times (microseconds)."""

    kind: Kind
    values: Sequence[Json]
    times: I8
    dataset: str | None = None


def encode_temporal(entity: Entity, context: Context, options: Representation = NORMALIZED) -> dict[str, Json]:
    """An entity's evolution: each attribute with all its instances, in the order they have in the entity.

    Instances always show their instanceId, deleted ones (value NULL) their deletedAt; options.times says whether
    they are written whole or as pairs of value and time (`options.time_property`, else the next best time).
    """
    encoder = Encoder(context, options, {}, ())
    document = encoder.head(entity)
    if SCOPE in entity.attributes:
        document.pop("scope", None)
    for name, instances in entity.attributes.items():
        kept = encoder.kept(instances) if options.shows(name) or (name == SCOPE and options.shows("scope")) else ()
        if kept and options.times is Times.VALUES:
            document[context.shorts[name]] = _pairs(encoder, kept)
        elif kept:
            document[context.shorts[name]] = [_instance(encoder, name, item) for item in kept]
    if options.sys_attrs:
        for member, instant in (("createdAt", entity.created_at), ("modifiedAt", entity.modified_at)):
            if instant is not None:
                document[member] = instants.format(instant)
    return document


def _instance(encoder: Encoder, name: str, attribute: Attribute) -> Json:
    document = encoder.instance(name, attribute)
    if not isinstance(document, dict) or document is attribute.value:
        document = {VALUE_MEMBERS[attribute.kind]: document}
    if attribute.instance is not None:
        document["instanceId"] = instance_id(attribute.instance)
    if attribute.value == NULL and attribute.deleted_at is not None:
        document["deletedAt"] = instants.format(attribute.deleted_at)
    return document


def _pairs(encoder: Encoder, instances: Sequence[Attribute]) -> Json:
    """Values with their times, apart by datasetId."""
    by_dataset: dict[str | None, list[Attribute]] = {}
    for instance in instances:
        by_dataset.setdefault(instance.dataset, []).append(instance)
    items = [_pair_list(encoder, dataset, group) for dataset, group in by_dataset.items()]
    return items[0] if len(items) == 1 else items


def _pair_list(encoder: Encoder, dataset: str | None, group: Sequence[Attribute]) -> Json:
    kind = next((item.kind for item in group if item.value != NULL), group[0].kind)
    reduced = bool(encoder.options.lang) and kind is Kind.LANGUAGE
    pairs: list[Json] = [
        [encoder.simplified("", item), _time(item, encoder.options.time_property)]
        for item in group
        if item.kind is kind
    ]
    shown = Kind.PROPERTY if reduced else kind
    return _labelled(shown, dataset, {PLURALS[shown]: pairs})


def _time(attribute: Attribute, wanted: str) -> Json:
    times = {
        "observedAt": attribute.observed_at,
        "createdAt": attribute.created_at,
        "modifiedAt": attribute.modified_at,
        "deletedAt": attribute.deleted_at,
    }
    order = (
        (wanted, "deletedAt", *TIME_PROPERTIES)
        if attribute.value == NULL
        else (wanted, "observedAt", "modifiedAt", "createdAt")
    )
    instant = next((times[name] for name in order if times.get(name) is not None), None)
    return None if instant is None else instants.format(instant)


def _labelled(kind: Kind, dataset: str | None, members: dict[str, Json]) -> Json:
    label: dict[str, Json] = {"type": TYPE_NAMES[kind]}
    if dataset is not None:
        label["datasetId"] = dataset
    return {**label, **members}


def encode_series(
    entity_id: str,
    types: Sequence[str],
    series: Mapping[str, Sequence[Series]],
    context: Context,
    lang: str | None = None,
) -> dict[str, Json]:
    """The same as `encode_temporal` with pairs, straight from columns: for histories of many thousand values.

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> core = Contexts().default
    >>> column = Series(Kind.PROPERTY, [1.0, 2.5], np.array([0, 1_500_000]))
    >>> encode_series("urn:a", [core.expand("T")], {core.expand("x"): [column]}, core)["x"]["values"]
    [[1, '1970-01-01T00:00:00Z'], [2.5, '1970-01-01T00:00:01.500Z']]
    """
    document = _head(entity_id, types, context)
    for name, columns in series.items():
        items = [_column(column, context, lang) for column in columns]
        document[context.shorts[name]] = items[0] if len(items) == 1 else items
    return document


def _column(column: Series, context: Context, lang: str | None) -> Json:
    kind = column.kind
    encoder = Encoder(context, Representation(lang=lang), {}, ())
    bare = kind is Kind.PROPERTY
    shown = [
        int(value)
        if type(value) is float and value.is_integer() and abs(value) < 2**53
        else value
        if bare and type(value) is not dict
        else encoder.simplified("", Attribute(kind, value))
        for value in column.values
    ]
    if lang and kind is Kind.LANGUAGE:
        kind = Kind.PROPERTY
    pairs: list[Json] = [[value, time] for value, time in zip(shown, format_many(column.times), strict=True)]
    return _labelled(kind, column.dataset, {PLURALS[kind]: pairs})


def format_many(times: I8) -> list[str]:
    """`instants.format` of a whole column.

    >>> format_many(np.array([0, 250_000, 7]))
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.250Z', '1970-01-01T00:00:00.000007Z']
    """
    moments = np.asarray(times, np.int64).view("datetime64[us]")
    texts = np.empty(len(moments), object)
    whole = times % 1_000_000 == 0
    milli = ~whole & (times % 1000 == 0)
    units: tuple[tuple[Mask, Literal["s", "ms", "us"]], ...] = ((whole, "s"), (milli, "ms"), (~whole & ~milli, "us"))
    for rows, unit in units:
        texts[rows] = np.char.add(np.datetime_as_string(moments[rows], unit=unit), "Z")
    return list(texts.tolist())


def encode_aggregated(
    entity_id: str, types: Sequence[str], attributes: Mapping[str, Sequence[Aggregated]], context: Context
) -> dict[str, Json]:
    """An entity's aggregates over periods: for each attribute and method, [value, start, end] of each period.

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> core = Contexts().default
    >>> speed = Aggregated(Kind.PROPERTY, {"avg": [(3.5, 0, 3_600_000_000)]})
    >>> encode_aggregated("urn:a", [core.expand("T")], {core.expand("speed"): [speed]}, core)["speed"]
    {'type': 'Property', 'avg': [[3.5, '1970-01-01T00:00:00Z', '1970-01-01T01:00:00Z']]}
    """
    document = _head(entity_id, types, context)
    for name, groups in attributes.items():
        items = [_periods(group) for group in groups]
        document[context.shorts[name]] = items[0] if len(items) == 1 else items
    return document


def _periods(group: Aggregated) -> Json:
    members: dict[str, Json] = {}
    for method, periods in group.methods.items():
        rows: list[Json] = [[value, instants.format(start), instants.format(end)] for value, start, end in periods]
        members[method] = rows
    return _labelled(group.kind, group.dataset, members)


def _head(entity_id: str, types: Sequence[str], context: Context) -> dict[str, Json]:
    names: list[Json] = [context.shorts[iri] for iri in types]
    return {"id": entity_id, "type": names[0] if len(names) == 1 else names}
