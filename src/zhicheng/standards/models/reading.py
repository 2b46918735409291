"""Reads the documents of a subject (schemas and @context) into models, and says what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.standards.models import names
from zhicheng.standards.models.model import AttributeModel, Label, Model
from zhicheng.standards.ngsild.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS = MappingProxyType({"Property": Kind.PROPERTY, "Relationship": Kind.RELATIONSHIP, "GeoProperty": Kind.GEO})
_TEXT = {"type": "string"}
# the members that JSON Schema does not know or does not check, before anything reads them
_LAYOUT = {
    "type": "object",
    "properties": {
        "$id": _TEXT,
        "x-title-zh": _TEXT,
        "x-description-zh": _TEXT,
        "x-version": _TEXT,
        "x-map": {"type": "object", "additionalProperties": _TEXT},
        "x-ngsi": {"type": "object", "additionalProperties": _TEXT},
        "x-enum-zh": {"type": "object", "additionalProperties": _TEXT},
    },
}
_LAID_OUT = jsonschema_rs.Draft202012Validator(_LAYOUT)
_WORDING = ("enum", "const", "pattern", "format", "minLength", "maxLength")
_RESERVED = ("id", "type")


@dataclass(frozen=True, slots=True)
class Subject:
    """The documents of one subject: its name, its @context and the schema of each model by name."""

    name: str
    context: Mapping[str, Any]
    schemas: Mapping[str, dict[str, Any]]


@cache
def common_schema() -> dict[str, Any]:
    """The schema that holds what several models share (`common-schema.json`)."""
    return _load(files("zhicheng.standards.models").joinpath("common-schema.json").read_text("utf-8"))


def builtin_subjects() -> Iterator[Subject]:
    """The documents of this package, a folder a subject and in it a folder a model."""
    root = files("zhicheng.standards.models")
    for folder in sorted(root.iterdir(), key=lambda entry: entry.name):
        context = folder.joinpath("context.jsonld")
        if folder.is_dir() and context.is_file():
            models = (entry for entry in folder.iterdir() if entry.is_dir())
            schemas = {entry.name: _load(entry.joinpath("schema.json").read_text("utf-8")) for entry in models}
            yield Subject(folder.name, _load(context.read_text("utf-8")), schemas)


def read(subject: Subject) -> list[Model]:
    """The models of a subject; BadConfiguration says what breaks the layout, in which model and attribute."""
    terms = subject_terms(subject)
    return [_model(subject.name, name, schema, terms) for name, schema in sorted(subject.schemas.items())]


def subject_terms(subject: Subject) -> Mapping[str, str]:
    """Short name -> IRI, from the subject's @context: an object of plain terms."""
    context = subject.context.get("@context") if isinstance(subject.context, dict) else None
    if not isinstance(context, dict):
        raise _wrong(subject.name, "its @context is not an object of terms", "@context 不是由术语组成的对象")
    for term, iri in context.items():
        if not isinstance(iri, str) or ":" not in iri:
            raise _wrong(f"{subject.name}, {term}", "a term stands for one absolute IRI", "每个术语须对应一个绝对 IRI")
    return context


def _model(subject: str, name: str, schema: dict[str, Any], terms: Mapping[str, str]) -> Model:
    where = f"{subject}/{name}"
    _check_schema(where, schema)
    properties = dict(_properties(schema, registry(schema).resolver(schema["$id"])))
    attributes = [
        _attribute(f"{where}, {key}", key, _iri(where, key, terms), value)
        for key, value in properties.items()
        if key not in _RESERVED
    ]
    drawn = schema.get("x-map", {})
    return Model(
        name=name,
        iri=_iri(where, name, terms),
        subject=subject,
        label=_label(where, schema),
        description=Label(schema.get("description", ""), schema.get("x-description-zh", "")),
        version=schema.get("x-version", "1.0.0"),
        attributes=MappingProxyType({attribute.iri: attribute for attribute in attributes}),
        required=tuple(_iri(where, key, terms) for key in schema.get("required", ()) if key not in _RESERVED),
        label_attribute=_iri(where, drawn.get("label", "name"), terms),
        location_attribute=_iri(where, drawn.get("location", "location"), terms),
        colour=drawn.get("color", "#555555"),
        schema=schema,
    )


def _check_schema(where: str, schema: dict[str, Any]) -> None:
    """A valid schema with an identifier, whose references end in itself or in the common schema."""
    _check_layout(where, schema)
    try:
        jsonschema_rs.Draft202012Validator(schema, registry=registry(schema), offline=True)
    except (ValueError, KeyError, jsonschema_rs.ReferencingError) as problem:
        raise _wrong(where, f"its schema cannot be used: {problem}", f"其模式无法使用：{problem}") from None


def _check_layout(where: str, part: object) -> None:
    for error in _LAID_OUT.iter_errors(part):
        place = ".".join(str(step) for step in error.instance_path) or "it"
        raise _wrong(where, f"{place}: {error.message}", f"{place} 的形式不符合模型文件的约定")


def registry(schema: dict[str, Any]) -> jsonschema_rs.Registry:
    """All that a schema may refer to: itself and the common schema, never the network."""
    return jsonschema_rs.Registry([(names.COMMON, common_schema()), (schema["$id"], schema)])


def _properties(part: Mapping[str, Any], resolver: jsonschema_rs.Resolver) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The attributes of a schema with what they refer to put in their place, those of `allOf` first."""
    for shared in part.get("allOf", ()):
        yield from _properties(*_followed(shared, resolver))
    for name, value in part.get("properties", {}).items():
        yield name, _followed(value, resolver)[0]


def _followed(
    part: Mapping[str, Any], resolver: jsonschema_rs.Resolver
) -> tuple[Mapping[str, Any], jsonschema_rs.Resolver]:
    """A part of a schema with its `$ref` followed; what stands beside the reference goes first."""
    if "$ref" not in part:
        return part, resolver
    found = resolver.lookup(part["$ref"])
    contents = found.contents if isinstance(found.contents, dict) else {}
    target, resolver = _followed(contents, found.resolver)
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return {**target, **beside}, resolver


def _attribute(where: str, name: str, iri: str, schema: Mapping[str, Any]) -> AttributeModel:
    _check_layout(where, schema)
    ngsi = schema.get("x-ngsi", {})
    if ngsi.get("type") not in KINDS:
        raise _wrong(where, f"x-ngsi.type is not one of {', '.join(KINDS)}", f"x-ngsi.type 须为 {'、'.join(KINDS)}")
    items = schema.get("items")
    items = items if isinstance(items, dict) else {}
    values = schema.get("enum") or items.get("enum") or ()
    chinese = schema.get("x-enum-zh", {})
    return AttributeModel(
        name=name,
        iri=iri,
        label=_label(where, schema),
        kind=KINDS[ngsi["type"]],
        description=Label(schema["description"], schema.get("x-description-zh", ""))
        if "description" in schema
        else None,
        range=_types(schema),
        items=_types(items),
        unit=ngsi.get("units"),
        lowest=schema.get("minimum", -inf),
        highest=schema.get("maximum", inf),
        choices=MappingProxyType({value: Label(str(value), chinese.get(str(value), str(value))) for value in values}),
        worded=any(word in part for part in (schema, items) for word in _WORDING),
    )


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    types = schema.get("type", ())
    return frozenset([types] if isinstance(types, str) else types)


def _label(where: str, schema: Mapping[str, Any]) -> Label:
    if not schema.get("title") or not schema.get("x-title-zh"):
        raise _wrong(where, "title or x-title-zh is missing", "缺少 title 或 x-title-zh")
    return Label(schema["title"], schema["x-title-zh"])


def _iri(where: str, name: str, terms: Mapping[str, str]) -> str:
    if name not in terms:
        raise _wrong(where, f"{name} is not in the subject's @context", f"{name} 不在该主题的 @context 中")
    return terms[name]


def _load(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def _wrong(where: str, en: str, zh: str) -> BadConfiguration:
    return BadConfiguration(f"Model {where}: {en}", f"模型 {where}：{zh}", model=where)
