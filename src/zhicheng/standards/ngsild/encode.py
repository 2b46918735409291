"""From entities to JSON documents: normalized, concise and simplified, with linked entities inline or flat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.kinds import RELATIONS, TYPE_NAMES, VALUE_MEMBERS, WRAPPED
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind, Quality
from zhicheng.standards.ngsild.names import NULL
from zhicheng.standards.ngsild.representation import Form, Representation, choose_language
from zhicheng.standards.ngsild.shapes import is_plain
from zhicheng.standards.ngsild.values import is_geometry

ORDINALS = 1 << 20
NORMALIZED = Representation()
_INSTANCE = "urn:ngsi-ld:Instance:"
_EXACT = 2.0**53

Linked = Mapping[str, Entity]
"""Entities by id, for relationships that are to be followed."""


def instance_id(instance: int) -> str:
    """The URI of an instance in history, made from the position and ordinal of its change.

    >>> instance_id(7 * 2**20 + 3)
    'urn:ngsi-ld:Instance:7-3'
    """
    return f"{_INSTANCE}{instance // ORDINALS}-{instance % ORDINALS}"


def parse_instance_id(text: str) -> int:
    """The instance a URI names; Invalid for a URI that none of ours can be.

    >>> parse_instance_id("urn:ngsi-ld:Instance:7-3") == 7 * 2**20 + 3
    True
    """
    position, dash, ordinal = text.removeprefix(_INSTANCE).partition("-")
    if (
        text.startswith(_INSTANCE)
        and dash
        and (position + ordinal).isascii()
        and position.isdigit()
        and ordinal.isdigit()
    ):
        if int(position) < 2**43 and int(ordinal) < ORDINALS:
            return int(position) * ORDINALS + int(ordinal)
    raise Invalid(f"{text[:80]!r} is not an instanceId", f"{text[:80]!r} 不是 instanceId")


def encode_entity(
    entity: Entity, context: Context, options: Representation = NORMALIZED, linked: Linked | None = None
) -> dict[str, Json]:
    """An entity's document, without @context; `linked` are the entities that options.join may reach.

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> core = Contexts().default
    >>> speed = {core.expand("speed"): [Attribute(Kind.PROPERTY, 30.0)]}
    >>> bus = Entity("urn:ngsi-ld:Bus:7", (core.expand("Bus"),), speed)
    >>> encode_entity(bus, core, Representation(Form.SIMPLIFIED))
    {'id': 'urn:ngsi-ld:Bus:7', 'type': 'Bus', 'speed': 30}
    """
    return Encoder(context, options, linked or {}, (entity.id,)).entity(entity)


def encode_attribute(
    name: str,
    instances: Sequence[Attribute],
    context: Context,
    options: Representation = NORMALIZED,
    linked: Linked | None = None,
) -> Json:
    """One attribute's document, for a request of that attribute alone; `name` is its IRI."""
    return Encoder(context, options, linked or {}, ()).attribute(name, instances)


def encode_entities(
    entities: Sequence[Entity], context: Context, options: Representation = NORMALIZED, linked: Linked | None = None
) -> list[dict[str, Json]]:
    """A list of entities; with a flat join also the entities they link to, each once, after them (clause 4.5.23.3)."""
    documents = [encode_entity(entity, context, options, linked) for entity in entities]
    if options.join == "flat" and linked:
        shown = {entity.id for entity in entities}
        for reached, way in _reachable(entities, options, linked):
            if reached.id not in shown:
                shown.add(reached.id)
                documents.append(encode_entity(reached, context, way))
    return documents


def _reachable(
    entities: Iterable[Entity], options: Representation, linked: Linked
) -> Iterable[tuple[Entity, Representation]]:
    """Entities that relationships lead to, nearest first, with how each is to be shown."""
    level = [(entity, options) for entity in entities]
    while level:
        further = []
        for entity, way in level:
            if way.join_level <= 0:
                continue
            for name, instances in entity.attributes.items():
                if way.shows(name):
                    targets = (target for instance in instances for target in targets_of(instance))
                    further += [(linked[target], way.inside(name)) for target in targets if target in linked]
        yield from further
        level = further


def targets_of(attribute: Attribute) -> list[str]:
    """The URIs a relationship points to; none for other kinds."""
    if attribute.kind not in RELATIONS or attribute.value == NULL:
        return []
    return cast("list[str]", attribute.value if isinstance(attribute.value, list) else [attribute.value])


class Encoder:
    """One document's writing: how, with which names, and on the way from which entities."""

    __slots__ = ("bare", "context", "linked", "options", "path", "plain", "shorts", "words")

    def __init__(self, context: Context, options: Representation, linked: Linked, path: tuple[str, ...]) -> None:
        self.context = context
        self.shorts = context.shorts
        self.words = context.words
        self.options = options
        self.linked = linked
        self.path = path
        everything = (
            options.pick is None and options.attrs is None and options.omit is None and options.datasets is None
        )
        self.bare = everything
        self.plain = not (options.sys_attrs or options.extras or options.lang or options.join == "inline")

    def entity(self, entity: Entity) -> dict[str, Json]:
        """Everything of an entity that the options let through."""
        document = self.head(entity)
        if self.options.form is Form.NORMALIZED and self.plain and self.bare:
            shorts = self.shorts
            for name, instances in entity.attributes.items():
                if len(instances) == 1:
                    document[shorts[name]] = self._normalized(instances[0])
                else:
                    document[shorts[name]] = [self._normalized(instance) for instance in instances]
        else:
            document.update(self.attributes(entity))
        if self.options.sys_attrs:
            _times(document, entity.created_at, entity.modified_at, entity.deleted_at)
        if self.options.extras and entity.source is not None:
            document.setdefault("source", entity.source)
        return document

    def head(self, entity: Entity) -> dict[str, Json]:
        """id, type and scope."""
        shows = self.options.shows
        document: dict[str, Json] = {}
        if self.bare or shows("id"):
            document["id"] = entity.id
        if self.bare or shows("type"):
            document["type"] = _one(tuple(self.shorts[iri] for iri in entity.types))
        if entity.scope and (self.bare or shows("scope")):
            document["scope"] = _one(entity.scope)
        return document

    def attributes(self, entity: Entity) -> dict[str, Json]:
        """The attributes that are shown."""
        document = {}
        for name, instances in entity.attributes.items():
            if self.bare or self.options.shows(name):
                kept = self.kept(instances)
                if kept:
                    document[self.shorts[name]] = self.attribute(name, kept)
        return document

    def kept(self, instances: Sequence[Attribute]) -> Sequence[Attribute]:
        """The instances of the wanted datasets."""
        wanted = self.options.datasets
        return instances if wanted is None else [item for item in instances if (item.dataset or "@none") in wanted]

    def attribute(self, name: str, instances: Sequence[Attribute]) -> Json:
        """An attribute in the form asked for, one instance as itself, several as a list or by dataset."""
        if self.options.form is Form.SIMPLIFIED:
            if len(instances) == 1 and instances[0].dataset is None:
                return self.simplified(name, instances[0])
            if len(instances) == 1:
                return self.simplified(name, instances[0])
            return {"dataset": {item.dataset or "@none": self.simplified(name, item) for item in instances}}
        items = [self.instance(name, item) for item in instances]
        return items[0] if len(items) == 1 else items

    def instance(self, name: str, attribute: Attribute) -> Json:
        """One instance, normalized or concise."""
        concise = self.options.form is Form.CONCISE
        if self.options.lang and attribute.kind is Kind.LANGUAGE and isinstance(attribute.value, dict):
            tag, text = choose_language(attribute.value, self.options.lang)
            document: dict[str, Json] = {} if concise else {"type": "Property"}
            document["value"] = text
            document["lang"] = tag
        else:
            document = self._value(attribute, concise)
        self._members(document, attribute, name)
        if concise and len(document) == 1:
            return self._shortest(attribute, document)
        return document

    def simplified(self, name: str, attribute: Attribute) -> Json:
        """The value alone, in the wrapping its kind keeps (clause 4.5.4)."""
        value = attribute.value
        kind = attribute.kind
        if kind is Kind.LANGUAGE and self.options.lang and isinstance(value, dict):
            return choose_language(value, self.options.lang)[1]
        if kind in RELATIONS and self._joins():
            return self._entities(name, attribute, value)
        shown = self._shown_value(attribute)
        return {VALUE_MEMBERS[kind]: shown} if kind in WRAPPED else shown

    def _normalized(self, attribute: Attribute) -> dict[str, Json]:
        """The common case, without options that change a value."""
        kind = attribute.kind
        value = attribute.value
        if kind is Kind.PROPERTY:
            if type(value) is float and value.is_integer() and -_EXACT < value < _EXACT:
                value = int(value)
            document: dict[str, Json] = {"type": "Property", "value": value}
            if type(value) is dict:
                document["value"] = self._shown_value(attribute)
        else:
            document = self._value(attribute, False)
        if attribute.unit is not None:
            document["unitCode"] = attribute.unit
        if attribute.observed_at is not None:
            document["observedAt"] = instants.format(attribute.observed_at)
        if attribute.dataset is not None:
            document["datasetId"] = attribute.dataset
        if attribute.extra or attribute.sub:
            self._more(document, attribute)
        return document

    def _value(self, attribute: Attribute, concise: bool) -> dict[str, Json]:
        kind = attribute.kind
        document: dict[str, Json] = {} if concise else {"type": TYPE_NAMES[kind]}
        if concise and kind is Kind.PROPERTY and is_geometry(attribute.value):
            document["type"] = TYPE_NAMES[kind]
        if concise and kind is Kind.GEO and not is_geometry(attribute.value):
            document["type"] = TYPE_NAMES[kind]
        shown = self._shown_value(attribute)
        if kind is Kind.LIST_RELATIONSHIP and not concise and shown != [NULL]:
            shown = [{"object": uri} for uri in cast("list[Json]", shown)]
        document[VALUE_MEMBERS[kind]] = shown
        return document

    def _shown_value(self, attribute: Attribute) -> Json:
        """A value as documents hold it: vocabulary IRIs compacted, whole numbers whole, NULL in its kind's form."""
        value = attribute.value
        kind = attribute.kind
        if value == NULL:
            if kind is Kind.LANGUAGE:
                return {"@none": NULL}
            return [NULL] if kind in (Kind.LIST, Kind.LIST_RELATIONSHIP) else NULL
        if type(value) is float and value.is_integer() and -_EXACT < value < _EXACT:
            return int(value)
        if kind is Kind.VOCABULARY:
            return self._compact(value)
        if kind is Kind.PROPERTY and type(value) is dict and "@value" in value and type(value.get("@type")) is str:
            return {**value, "@type": self._compact(value["@type"])}
        return value

    def _compact(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self.words[cast(str, item)] for item in value]
        return self.words[cast(str, value)]

    def _shortest(self, attribute: Attribute, document: dict[str, Json]) -> Json:
        """A concise attribute with nothing but its value is that value, where it would be read back as the same."""
        if attribute.kind is Kind.GEO and "value" in document:
            return document["value"]
        if attribute.kind is Kind.PROPERTY and "value" in document and is_plain(document["value"]):
            return document["value"]
        return document

    def _members(self, document: dict[str, Json], attribute: Attribute, name: str) -> None:
        if attribute.unit is not None:
            document["unitCode"] = attribute.unit
        if attribute.observed_at is not None:
            document["observedAt"] = instants.format(attribute.observed_at)
        if attribute.dataset is not None:
            document["datasetId"] = attribute.dataset
        if self.options.sys_attrs:
            _times(document, attribute.created_at, attribute.modified_at, attribute.deleted_at)
        if attribute.extra or attribute.sub:
            self._more(document, attribute)
        if attribute.kind in RELATIONS and self._joins():
            self._inline(document, name, attribute)
        if self.options.extras:
            _extras(document, attribute)

    def _more(self, document: dict[str, Json], attribute: Attribute) -> None:
        """objectType, valueType and the like, and the sub-attributes."""
        for member, value in attribute.extra.items():
            document[member] = (
                self._compact(value) if member in ("objectType", "valueType") and value != NULL else value
            )
        for name, instances in attribute.sub.items():
            items = [self.instance(name, item) for item in instances]
            document[self.shorts[name]] = items[0] if len(items) == 1 else items

    def _joins(self) -> bool:
        return self.options.join == "inline" and self.options.join_level > 0 and bool(self.linked)

    def _inline(self, document: dict[str, Json], name: str, attribute: Attribute) -> None:
        found = [self._entity(name, target) for target in targets_of(attribute)]
        entities: list[Json] = [entity for entity in found if entity is not None]
        if entities:
            if attribute.kind is Kind.LIST_RELATIONSHIP:
                document["entityList"] = entities
            else:
                document["entity"] = entities if isinstance(attribute.value, list) else entities[0]

    def _entities(self, name: str, attribute: Attribute, value: Json) -> Json:
        """Simplified and inline: the entity in the place of its URI, the URI where it is not known."""
        items: list[Json] = [self._entity(name, target) or target for target in targets_of(attribute)]
        return items if isinstance(value, list) else (items[0] if items else value)

    def _entity(self, name: str, target: str) -> dict[str, Json] | None:
        entity = self.linked.get(target)
        if entity is None or target in self.path:
            return None
        return Encoder(self.context, self.options.inside(name), self.linked, (*self.path, target)).entity(entity)


def _one(items: tuple[str, ...]) -> Json:
    return items[0] if len(items) == 1 else list(items)


def _times(document: dict[str, Json], created: int | None, modified: int | None, deleted: int | None) -> None:
    for member, instant in (("createdAt", created), ("modifiedAt", modified), ("deletedAt", deleted)):
        if instant is not None:
            document[member] = instants.format(instant)


def _extras(document: dict[str, Json], attribute: Attribute) -> None:
    """Our own knowledge of a value; a sub-attribute of the same name is not hidden by it."""
    if attribute.owner is not None:
        document.setdefault("owner", attribute.owner)
    if attribute.classification is not None:
        document.setdefault("classification", attribute.classification)
    if attribute.quality:
        names: list[Json] = [str(flag.name).lower() for flag in Quality if flag in attribute.quality]
        document.setdefault("quality", names)
    if attribute.source is not None:
        document.setdefault("source", attribute.source)
