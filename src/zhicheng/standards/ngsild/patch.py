"""Fragments applied to what is there: partial update (clause 5.5.8) and merge patch (clause 5.5.12)."""

from __future__ import annotations

from dataclasses import replace

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.kinds import TYPE_NAMES
from zhicheng.standards.ngsild.model import Attribute, Json, Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.values import Flaw, check_json


def update_attribute(present: Attribute, change: Attribute) -> Attribute | None:
    """A partial update: members of the fragment replace those present, NULL removes; None: the attribute goes.

    `change` is decoded with fragment=True and nulls=True. The kind cannot change.

    >>> update_attribute(Attribute(Kind.PROPERTY, 25, unit="CEL"), Attribute(Kind.PROPERTY, 100)).unit
    'CEL'
    """
    if change.value == NULL:
        return None
    _check_kind(present, change)
    try:
        if isinstance(change.value, dict | list) and change.kind is not Kind.JSON:
            check_json(change.value, 0)
    except Flaw as flaw:
        raise flaw.at("value").invalid() from None
    sub = {**present.sub, **change.sub}
    kept = {name: instances for name, instances in sub.items() if instances[0].value != NULL}
    return _with_members(present, change, present.value if change.value is None else change.value, kept)


def merge_attribute(present: Attribute, change: Attribute) -> Attribute | None:
    """A merge patch: as an update, but into objects within the value and into sub-attributes, to any depth.

    >>> address = Attribute(Kind.PROPERTY, {"street": "a", "country": "b"})
    >>> merge_attribute(address, Attribute(Kind.PROPERTY, {"street": "c", "country": NULL})).value
    {'street': 'c'}
    """
    if change.value == NULL:
        return None
    _check_kind(present, change)
    value = present.value if change.value is None else _merge_value(change.kind, present.value, change.value)
    if change.kind is Kind.LANGUAGE and value == {}:
        return None
    sub = dict(present.sub)
    for name, instances in change.sub.items():
        merged = merge_instances(sub.get(name, []), instances)
        if merged:
            sub[name] = merged
        else:
            sub.pop(name, None)
    return _with_members(present, change, value, sub)


def merge_instances(present: list[Attribute], changes: list[Attribute]) -> list[Attribute]:
    """A merge patch of an attribute's instances, matched by datasetId; empty: the attribute goes."""
    result: dict[str | None, Attribute] = {instance.dataset: instance for instance in present}
    for change in changes:
        before = result.pop(change.dataset, None)
        after = merge_attribute(before, change) if before is not None else new_attribute(change)
        if after is not None:
            result[change.dataset] = after
    return list(result.values())


def new_attribute(change: Attribute) -> Attribute | None:
    """A fragment where nothing was before: NULL in it removes nothing; Invalid where it has no value."""
    if change.value == NULL:
        return None
    if change.value is None:
        raise Invalid("The attribute is not there yet, so it needs a value", "该属性尚不存在，需要给出值")
    return merge_attribute(Attribute(change.kind, {} if isinstance(change.value, dict) else None), change)


def _check_kind(present: Attribute, change: Attribute) -> None:
    if change.kind is not present.kind and (change.value is not None or change.kind is not Kind.PROPERTY):
        before, after = TYPE_NAMES[present.kind], TYPE_NAMES[change.kind]
        raise Invalid(
            f"The attribute is a {before} and cannot become a {after}; replace it instead",
            f"该属性是 {before}，不能变为 {after}；请改用替换操作",
        )


def _with_members(present: Attribute, change: Attribute, value: Json, sub: dict[str, list[Attribute]]) -> Attribute:
    removed = {name for name, item in change.extra.items() if item == NULL}
    extra = {name: item for name, item in {**present.extra, **change.extra}.items() if name not in removed}
    observed_at = present.observed_at if change.observed_at is None else change.observed_at
    unit = present.unit if change.unit is None else change.unit
    return replace(
        present,
        value=value,
        sub=sub,
        extra=extra,
        dataset=change.dataset if present.dataset is None else present.dataset,
        observed_at=None if "observedAt" in removed else observed_at,
        unit=None if "unitCode" in removed else unit,
    )


def _merge_value(kind: Kind, present: Json, change: Json) -> Json:
    if kind not in (Kind.PROPERTY, Kind.LANGUAGE):
        return change
    return merge_json(present, change)


def merge_json(present: Json, change: Json) -> Json:
    """RFC 7396 with NGSI-LD Null for null; typed values (with @value) are replaced whole.

    >>> merge_json({"a": 1, "b": {"c": 2}}, {"a": NULL, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(change, dict) or "@value" in change:
        return change
    result: dict[str, Json] = dict(present) if isinstance(present, dict) and "@value" not in present else {}
    for key, item in change.items():
        if item == NULL:
            result.pop(key, None)
        else:
            result[key] = merge_json(result.get(key), item)
    return result
