"""One attribute's reading: its kind told by what is there, its value and members checked (clauses 4.5.2 to 4.5.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import cast

from zhicheng.kernel.errors import Invalid, NotSupported
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.kinds import (
    DETAILS,
    GEO_NAMES,
    KINDS,
    MEMBER_KINDS,
    OUTPUT_ONLY,
    RELATIONS,
    STRUCTURE,
    TYPE_NAMES,
    UNITLESS,
    VALUE_MEMBERS,
)
from zhicheng.standards.ngsild.model import Attribute, Json, Kind
from zhicheng.standards.ngsild.names import NAMESPACE, NULL
from zhicheng.standards.ngsild.shapes import could_be, is_instance
from zhicheng.standards.ngsild.values import (
    DEEPEST,
    Flaw,
    check_json,
    flaw_of,
    is_geometry,
    null_flaw,
    read_geometry,
    read_instant,
    read_language_map,
    read_object_list,
    read_objects,
    read_text,
    read_typed,
    read_uri,
    read_vocabulary,
)

_PROOF = NAMESPACE + "ngsildproof"
_ROUTINE = (KeyError, TypeError)


class AttributeDecoder:
    """What is allowed in a document, its names, and how its attributes are read."""

    __slots__ = ("context", "fragment", "kinds", "names", "nulls", "simplified", "temporal")

    def __init__(
        self,
        context: Context,
        nulls: bool,
        fragment: bool,
        simplified: bool,
        temporal: bool,
        kinds: Mapping[str, Kind],
    ) -> None:
        self.context = context
        self.names = context.names
        self.nulls = nulls
        self.fragment = fragment
        self.simplified = simplified
        self.temporal = temporal
        self.kinds = kinds

    def attribute(self, iri: str, value: object, depth: int) -> list[Attribute]:
        """All instances of an attribute, whichever way they are written."""
        if self.simplified and depth <= 1:
            instances = self._simplified(iri, value, depth)
        elif type(value) is list and (self.temporal or any(is_instance(item) for item in value)):
            instances = self._instances(iri, value, depth)
        elif type(value) is dict:
            if len(value) == 1 and type(value.get("dataset")) is dict:
                instances = self._datasets(iri, cast("dict[str, object]", value["dataset"]), depth)
            else:
                instances = [self.instance(iri, value, depth)]
        else:
            instances = [self._bare(iri, value, depth)]
        if iri in GEO_NAMES and depth <= 1:
            _check_geo(instances)
        return instances

    def _instances(self, iri: str, values: list[object], depth: int) -> list[Attribute]:
        instances: list[Attribute] = []
        known: set[str | None] = set()
        at = 0
        try:
            for at, item in enumerate(values):  # noqa: B007  (at is what the flaw below names)
                instance = (
                    self.instance(iri, item, depth + 1) if type(item) is dict else self._bare(iri, item, depth + 1)
                )
                if instance.dataset in known and not self.temporal:
                    raise _twice(instance.dataset)
                known.add(instance.dataset)
                instances.append(instance)
        except Flaw as flaw:
            raise flaw.at(at) from None
        if not instances:
            raise Flaw("there is no instance in the list", "列表中没有实例")
        return instances

    def _datasets(self, iri: str, values: dict[str, object], depth: int) -> list[Attribute]:
        """The simplified form of several instances: {"dataset": {"@none": value, datasetId: value}}."""
        instances = []
        dataset = ""
        try:
            for dataset, value in values.items():
                [instance] = self._simplified(iri, value, depth + 2)
                instance.dataset = None if dataset == "@none" else read_uri(dataset)
                instances.append(instance)
        except Flaw as flaw:
            raise flaw.at(dataset).at("dataset") from None
        if not instances:
            raise Flaw("there is no value in it", "其中没有值").at("dataset")
        return instances

    def _simplified(self, iri: str, value: object, depth: int) -> list[Attribute]:
        present = self.kinds.get(iri)
        if type(value) is dict and len(value) == 1:
            [(member, inner)] = value.items()
            kind = MEMBER_KINDS.get(member)
            if kind in (Kind.LANGUAGE, Kind.VOCABULARY, Kind.JSON):
                return [self.instance(iri, {"type": TYPE_NAMES[kind], member: inner}, depth)]
            if member == "dataset" and type(inner) is dict:
                return self._datasets(iri, inner, depth)
        if present is not None and could_be(present, value) and value != NULL:
            return [self.instance(iri, {"type": TYPE_NAMES[present], VALUE_MEMBERS[present]: value}, depth)]
        return [self._bare(iri, value, depth)]

    def _bare(self, iri: str, value: object, depth: int) -> Attribute:
        """An attribute written as its value alone: a GeoProperty where that is a geometry, else a Property."""
        if value == NULL and self.nulls:
            return Attribute(self.kinds.get(iri, Kind.PROPERTY), NULL)
        if is_geometry(value):
            return Attribute(Kind.GEO, read_geometry(value, depth))
        return Attribute(Kind.PROPERTY, self._property(value, depth))

    def instance(self, iri: str, value: dict[str, object], depth: int) -> Attribute:
        """An instance from an object: normalized where it says its type, else concise or a bare object."""
        try:
            kind = KINDS[value["type"]]  # type: ignore[index]  # anything else than a known name falls through
        except _ROUTINE:
            found = self._kind(iri, value, depth)
            if found is None:
                return self._bare(iri, value, depth)
            kind = found
        if depth > DEEPEST:
            raise Flaw(f"nested more than {DEEPEST} deep", f"嵌套超过 {DEEPEST} 层")
        member = VALUE_MEMBERS[kind]
        attribute = Attribute(kind, None)
        key = ""
        try:
            for key, item in value.items():
                if key == member:
                    if kind is Kind.PROPERTY and (type(item) is int or (type(item) is float and isfinite(item))):
                        attribute.value = item
                    else:
                        attribute.value = self.value(kind, item, depth)
                elif key == "observedAt" and item != NULL:
                    attribute.observed_at = read_instant(item)
                elif key == "unitCode" and type(item) is str and kind not in UNITLESS and item and item != NULL:
                    attribute.unit = item
                elif key == "type":
                    pass
                elif key in STRUCTURE or key[:1] == "@":
                    self._detail(attribute, key, item)
                else:
                    self._sub(attribute, iri, key, item, depth)
        except Flaw as flaw:
            raise flaw.at(key) from None
        except Invalid as error:
            raise flaw_of(error).at(key) from None
        if attribute.value is None and not self.fragment:
            raise Flaw(f"a {TYPE_NAMES[kind]} needs the member {member!r}", f"{TYPE_NAMES[kind]} 缺少成员 {member!r}")
        return attribute

    def _kind(self, iri: str, value: dict[str, object], depth: int) -> Kind | None:
        """What an object without a known type is; None for a bare value."""
        given = value.get("type", value.get("@type"))
        if is_geometry(value):
            return None
        if given is not None and not ("@value" in value and "@type" in value):
            return self._named_kind(given)
        members = [member for member in value if member in MEMBER_KINDS]
        if len(members) > 1:
            raise Flaw(f"has both {members[0]!r} and {members[1]!r}", f"同时有 {members[0]!r} 和 {members[1]!r}")
        if members:
            kind = MEMBER_KINDS[members[0]]
            return Kind.GEO if kind is Kind.PROPERTY and is_geometry(value["value"]) else kind
        if self.fragment and (depth == 0 or not DETAILS.isdisjoint(value)):
            return self.kinds.get(iri, Kind.PROPERTY)
        if not DETAILS.isdisjoint(value):
            raise Flaw(
                f"has no value: one of {', '.join(MEMBER_KINDS)} is needed",
                f"没有值：需要 {'、'.join(MEMBER_KINDS)} 之一",
            )
        return None

    def _named_kind(self, given: object) -> Kind:
        kind = None
        if type(given) is str:
            kind = KINDS.get(given) or KINDS.get(self.context.expand_value(given))
        if kind is None:
            names = ", ".join(TYPE_NAMES.values())
            raise Flaw(f"is no kind of attribute; the kinds are {names}", f"不是属性类型；属性类型有 {names}").at(
                "type"
            )
        return kind

    def value(self, kind: Kind, value: object, depth: int) -> Json:
        """A value of a kind, checked and expanded."""
        if value is None and kind is not Kind.JSON:
            check_json(value, depth)
        if value == NULL or (kind in (Kind.LIST, Kind.LIST_RELATIONSHIP) and value in ([NULL], [{"object": NULL}])):
            if not self.nulls:
                raise null_flaw()
            return NULL
        if kind is Kind.PROPERTY:
            return self._property(value, depth)
        if kind is Kind.RELATIONSHIP:
            return read_objects(value)
        if kind is Kind.GEO:
            return read_geometry(value, depth)
        return self._special(kind, value, depth)

    def _special(self, kind: Kind, value: object, depth: int) -> Json:
        if kind is Kind.LANGUAGE:
            texts = read_language_map(value, self.nulls)
            if texts == NULL and not self.nulls:
                raise null_flaw()
            return texts
        if kind is Kind.VOCABULARY:
            return read_vocabulary(value, self.context)
        if kind is Kind.LIST_RELATIONSHIP:
            return read_object_list(value)
        if kind is Kind.LIST and not isinstance(value, list):
            raise Flaw("must be a list", "必须是列表")
        if value is None:
            raise Flaw("must be an object or another value but null", "必须是对象或 null 以外的值")
        check_json(value, depth, self.nulls, raw=kind is Kind.JSON)
        return cast(Json, value)

    def _property(self, value: object, depth: int) -> Json:
        check_json(value, depth, self.nulls)
        if type(value) is dict and "@value" in value:
            return read_typed(cast("dict[str, Json]", value), self.context)
        return cast(Json, value)

    def _detail(self, attribute: Attribute, key: str, item: object) -> None:
        """A member that is neither the value nor an attribute: checked against the kind and put where it belongs."""
        if key in OUTPUT_ONLY or key == "@type":
            return
        if item == NULL and self.nulls and key in DETAILS and key != "datasetId":
            attribute.extra[key] = NULL
        elif key == "datasetId":
            attribute.dataset = None if item == "@none" else _dataset(item)
        elif key == "observedAt":
            attribute.observed_at = read_instant(item)
        elif key == "unitCode":
            if attribute.kind in UNITLESS:
                raise _not_for(attribute.kind)
            attribute.unit = read_text(item)
        elif key == "objectType" and attribute.kind in RELATIONS:
            attribute.extra[key] = read_vocabulary(item, self.context)
        elif key == "valueType" and attribute.kind in (Kind.PROPERTY, Kind.LIST):
            attribute.extra[key] = self.context.expand_value(read_text(item))
        elif key == "expiresAt":
            raise no_expiry()
        elif key[:1] == "@":
            raise Flaw("JSON-LD keywords have no place inside an attribute", "属性内部不允许 JSON-LD 关键字")
        else:
            raise _not_for(attribute.kind)

    def _sub(self, attribute: Attribute, iri: str, key: str, item: object, depth: int) -> None:
        if iri == _PROOF and key in ("entityIdSealed", "entityTypeSealed"):
            attribute.extra[key] = read_text(item)
            return
        name = self.names[key]
        if name in attribute.sub:
            raise Flaw(f"{name} is there twice under different names", f"{name} 以不同名称重复出现")
        attribute.sub[name] = self.attribute(name, item, depth + 1)


def _check_geo(instances: Sequence[Attribute]) -> None:
    for instance in instances:
        if instance.kind is not Kind.GEO and instance.value is not None and instance.value != NULL:
            raise Flaw("is always a GeoProperty with a GeoJSON geometry", "必须是含 GeoJSON 几何对象的 GeoProperty")


def _dataset(item: object) -> str:
    if item == NULL:
        raise Flaw("a datasetId cannot be taken away", "datasetId 不能删除")
    return read_uri(item)


def _twice(dataset: str | None) -> Flaw:
    en = "the default instance" if dataset is None else f"the instance with datasetId {dataset}"
    zh = "默认实例" if dataset is None else f"datasetId 为 {dataset} 的实例"
    return Flaw(f"{en} is there twice", f"{zh}重复")


def _not_for(kind: Kind) -> Flaw:
    return Flaw(f"has no place in a {TYPE_NAMES[kind]}", f"不能出现在 {TYPE_NAMES[kind]} 中")


def no_expiry() -> NotSupported:
    """The refusal of entities and attributes that expire by themselves (clause 4.22)."""
    return NotSupported(
        "expiresAt is not supported: nothing expires by itself here; delete it when its time comes",
        "不支持 expiresAt：此处不会自动过期；请在到期时删除",
    )
