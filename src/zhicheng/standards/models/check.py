"""The model check of an entity: its simplified form against the schema, and what the schema cannot see."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import jsonschema_rs

from zhicheng.standards import units
from zhicheng.standards.models.reading import registry
from zhicheng.standards.models.violations import Violation, of_schema, wrong_kind, wrong_unit
from zhicheng.standards.ngsild.model import Attribute, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zhicheng.standards.models.model import AttributeModel, Model
    from zhicheng.standards.ngsild.model import Entity, Json


class Compiled(NamedTuple):
    """The validators of a model: of a whole entity, and of any part of one (nothing is required)."""

    whole: jsonschema_rs.Draft202012Validator
    part: jsonschema_rs.Draft202012Validator


@lru_cache(maxsize=1024)
def compiled(model: Model) -> Compiled:
    """The validators of a model, made once."""
    part = {key: value for key, value in model.schema.items() if key != "required"}

    def make(schema: dict[str, Json]) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            schema, registry=registry(model.schema), validate_formats=True, offline=True
        )

    return Compiled(make(model.schema), make(part))


def check(entity: Entity, model: Model, *, partial: bool = False) -> list[Violation]:
    """What in an entity breaks a model of one of its types; attributes the model does not have are free.

    Every instance of an attribute is checked. `partial`: the entity is a fragment, so nothing is missing.

    >>> from zhicheng.standards.models.catalogue import Catalogue
    >>> from zhicheng.standards.ngsild.model import Entity
    >>> spot = Catalogue.builtin().first(["https://smartdatamodels.org/dataModel.Parking/ParkingSpot"])
    >>> [found.zh for found in check(Entity("urn:x:1", (spot.iri,)), spot)]
    ['缺少 status（状态）']
    """
    found: list[Violation] = []
    # one document an ordinal: the first instances of all attributes, the second ones, and so on
    documents: list[dict[str, Json]] = [{"id": entity.id, "type": model.name}]
    told: set[str] = set()
    for attribute, ordinal, instance in _instances(entity, model):
        breaches = list(_beside_schema(instance, attribute))
        found += breaches
        told |= {breach.path for breach in breaches}
        if ordinal == len(documents):
            documents.append({})
        if not breaches:
            documents[ordinal][attribute.name] = simplified(instance, attribute)
    for ordinal, document in enumerate(documents):
        breaches = _by_schema(document, model, whole=ordinal == 0 and not partial)
        # what was told above is not in the document, and must not be told again as missing
        found += [breach for breach in breaches if breach.path not in told]
    return found


def _instances(entity: Entity, model: Model) -> Iterator[tuple[AttributeModel, int, Attribute]]:
    """The instances of the attributes the model knows, each with its ordinal."""
    for iri, instances in entity.attributes.items():
        if iri in model.attributes:
            for ordinal, instance in enumerate(instances):
                yield model.attributes[iri], ordinal, instance


def check_value(instance: Attribute, attribute: AttributeModel, model: Model) -> list[Violation]:
    """What in one instance of an attribute breaks the model."""
    beside = list(_beside_schema(instance, attribute))
    return beside or _by_schema({attribute.name: simplified(instance, attribute)}, model, whole=False)


def _by_schema(document: dict[str, Json], model: Model, *, whole: bool) -> list[Violation]:
    validator = compiled(model).whole if whole else compiled(model).part
    # nearly all documents are valid, and that is told ten times faster than why one is not
    if validator.is_valid(document):
        return []
    return [of_schema(error, model) for error in validator.iter_errors(document)]


def _beside_schema(instance: Attribute, attribute: AttributeModel) -> Iterator[Violation]:
    """Kind and unit, which the simplified form does not show."""
    if instance.kind not in allowed_kinds(attribute):
        yield wrong_kind(attribute, instance.kind)
    elif instance.unit and attribute.unit and not units.comparable(instance.unit, attribute.unit):
        yield wrong_unit(attribute, instance.unit)


@lru_cache(maxsize=8192)
def allowed_kinds(attribute: AttributeModel) -> frozenset[Kind]:
    """The NGSI-LD kinds in which a value may come: a model's text also in several languages or as a word, and so on."""
    if attribute.kind is Kind.GEO:
        return frozenset({Kind.GEO})
    if attribute.kind is Kind.RELATIONSHIP:
        return frozenset({Kind.RELATIONSHIP, Kind.LIST_RELATIONSHIP})
    types = attribute.range | attribute.items
    kinds = {Kind.PROPERTY}
    if not types or "string" in types:
        kinds |= {Kind.LANGUAGE, Kind.VOCABULARY}
    if not types or types & {"object", "array"}:
        kinds |= {Kind.JSON, Kind.LIST}
    return frozenset(kinds)


def simplified(instance: Attribute, attribute: AttributeModel) -> Json:
    """The value as the schema sees it: lists where the model has lists, numbers in the model's unit."""
    value = instance.value
    if instance.kind is Kind.LANGUAGE and isinstance(value, dict):
        value = next(iter(value.values()), "")
    elif instance.kind is Kind.VOCABULARY:
        value = [_word(member) for member in value] if isinstance(value, list) else _word(value)
    if attribute.many:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list) and len(value) == 1 and instance.kind is not Kind.PROPERTY:
        return value[0]
    if instance.unit and attribute.unit and isinstance(value, int | float) and not isinstance(value, bool):
        # units of different quantities have been found before
        return units.convert(value, instance.unit, attribute.unit) if instance.unit != attribute.unit else value
    return value


def _word(value: Json) -> Json:
    """The last part of a vocabulary IRI, as models list their words."""
    return value.rpartition("#")[2].rpartition("/")[2].rpartition(":")[2] if isinstance(value, str) else value
