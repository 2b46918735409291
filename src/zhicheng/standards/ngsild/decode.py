"""From JSON documents to entities: normalized, concise and simplified, told apart by what is there (clause 4.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.instances import AttributeDecoder, no_expiry
from zhicheng.standards.ngsild.kinds import STRUCTURE
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import NULL, scope_of
from zhicheng.standards.ngsild.values import Flaw, flaw_of, read_text, read_uri

_ENTITY_MEMBERS = frozenset(
    ("id", "@id", "type", "@type", "scope", "@context", "createdAt", "modifiedAt", "deletedAt", "expiresAt")
)


def decode_entity(
    document: object,
    context: Context,
    *,
    fragment: bool = False,
    nulls: bool = False,
    simplified: bool = False,
    temporal: bool = False,
    kinds: Mapping[str, Kind] | None = None,
) -> Entity:
    """An entity from its document; Invalid names the place of the first flaw.

    fragment: id and type may lack (then "" and ()), attributes may lack their value (then None)
    nulls: NGSI-LD Null is allowed, for updates and merges: an attribute to be removed has the value NULL, a member
    to be removed (unitCode, observedAt...) stands in `extra` with NULL, a scope to be removed is (NULL,)
    simplified: attributes are bare values, as a request with format=simplified declares
    temporal: attributes are lists of instances over time, which may share a datasetId
    kinds: what the attributes are now, by IRI, where a document does not say

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> bus = decode_entity({"id": "urn:ngsi-ld:Bus:7", "type": "Bus", "speed": 30.5}, Contexts().default)
    >>> bus.attributes["https://uri.etsi.org/ngsi-ld/default-context/speed"][0].value
    30.5
    """
    decoder = EntityDecoder(context, nulls, fragment, simplified, temporal, kinds or {})
    try:
        return decoder.entity(document)
    except Flaw as flaw:
        raise flaw.invalid() from None


def decode_attribute(
    name: str,
    value: object,
    context: Context,
    *,
    nulls: bool = False,
    fragment: bool = False,
    simplified: bool = False,
    kind: Kind | None = None,
) -> list[Attribute]:
    """The instances of one attribute from its fragment; arguments as for `decode_entity`, `kind` is its present one.

    With `fragment` an object without a value is the members to change, not a bare value.

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> decode_attribute("speed", {"value": 3, "unitCode": "KMH"}, Contexts().default)[0].unit
    'KMH'
    """
    try:
        iri = context.names[name]
        decoder = AttributeDecoder(context, nulls, fragment, simplified, False, {} if kind is None else {iri: kind})
        if type(value) is dict and "@context" in value:
            value = {key: item for key, item in value.items() if key != "@context"}
        return decoder.attribute(iri, value, 0)
    except Flaw as flaw:
        raise flaw.invalid() from None


def decode_batch(
    documents: object, context_for: Callable[[Json], Context], *, fragment: bool = False, nulls: bool = False
) -> list[Entity | ZhichengError]:
    """Each entity of a batch, or its error (its `id` a fact) in its place; `context_for` gives a document's context."""
    if not isinstance(documents, list) or not documents:
        raise Invalid("A batch is a list with at least one entity", "批量请求必须是非空的实体列表")
    results: list[Entity | ZhichengError] = []
    for document in documents:
        try:
            results.append(decode_entity(document, context_for(document), fragment=fragment, nulls=nulls))
        except ZhichengError as error:
            if isinstance(document, dict) and isinstance(identifier := document.get("id"), str):
                error.facts.setdefault("id", identifier)
            results.append(error)
    return results


class EntityDecoder(AttributeDecoder):
    """The reading of a whole entity."""

    __slots__ = ()

    def entity(self, document: object) -> Entity:
        """Everything of an entity."""
        if type(document) is not dict:
            raise Flaw("an entity is a JSON object", "实体必须是 JSON 对象")
        attributes: dict[str, list[Attribute]] = {}
        entity = Entity("", (), attributes)
        names = self.names
        key = ""
        try:
            for key, value in document.items():
                if key in _ENTITY_MEMBERS:
                    self._member(entity, key, value)
                elif key in STRUCTURE:
                    raise Flaw("is a word of the standard and cannot name an attribute", "是标准保留字，不能作为属性名")
                else:
                    iri = names[key]
                    if iri in attributes:
                        raise Flaw(f"{iri} is there twice under different names", f"{iri} 以不同名称重复出现")
                    attributes[iri] = self.attribute(iri, value, 1)
        except Flaw as flaw:
            raise flaw.at(key) from None
        except Invalid as error:
            raise flaw_of(error).at(key) from None
        if not self.fragment:
            _check_whole(entity)
        return entity

    def _member(self, entity: Entity, key: str, value: object) -> None:
        if key in ("id", "@id"):
            if entity.id:
                raise Flaw("the id is there twice", "id 重复")
            entity.id = read_uri(value)
        elif key in ("type", "@type"):
            if entity.types:
                raise Flaw("the type is there twice", "type 重复")
            entity.types = self._types(value)
        elif key == "scope":
            entity.scope = self._scope(value)
        elif key == "expiresAt":
            raise no_expiry()

    def _types(self, value: object) -> tuple[str, ...]:
        if type(value) is str:
            return (self.names[read_text(value)],)
        if not isinstance(value, list) or not value:
            raise Flaw("must be the name of a type, or a list of names", "必须是类型名称或名称列表")
        for at, item in enumerate(value):
            if type(item) is not str or item == NULL:
                raise Flaw("must be the name of a type", "必须是类型名称").at(at)
        return tuple(dict.fromkeys(self.names[item] for item in value))

    def _scope(self, value: object) -> tuple[str, ...]:
        if self.nulls and value in (NULL, [NULL]):
            return (NULL,)
        if self.temporal and isinstance(value, dict) and "value" in value:
            value = value["value"]
        scopes = []
        for at, item in enumerate(value if isinstance(value, list) else [value]):
            scope = scope_of(item)
            if scope is None:
                flaw = Flaw(
                    "a scope is like /City/District, of letters, numbers and _",
                    "scope 形如 /City/District，由字母、数字和 _ 组成",
                )
                raise flaw.at(at) if isinstance(value, list) else flaw
            scopes.append(scope)
        return tuple(dict.fromkeys(scopes))


def _check_whole(entity: Entity) -> None:
    if not entity.id:
        raise Flaw("an entity needs an id, a URI", "实体需要 id（URI）")
    if not entity.types:
        raise Flaw("an entity needs a type", "实体需要 type")
