"""What applications write as a part of the city's models: terms, labels and units come with the declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from zhicheng.compute.app import AnyApp, Output, Writes
from zhicheng.compute.terms import iri
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.model import AttributeModel, Label, Model
from zhicheng.standards.models.names import MODEL

SUBJECT = "Applications"
"""The subject of the models that applications bring."""
_COLOUR = "#0b7285"


def with_apps(catalogue: Catalogue, apps: Iterable[AnyApp]) -> Catalogue:
    """The catalogue, with the types and attributes that applications write and no model has."""
    models = {model.iri: model for model in catalogue.models()}
    terms = dict(catalogue.terms())
    for app in apps:
        for writes in app.writes:
            _add_terms(writes, terms)
            kind = iri(writes.type, terms)
            known = models.get(kind) or _model(app, writes, terms)
            models[kind] = replace(known, attributes=_attributes(known, writes, terms, catalogue))
    return Catalogue(models.values(), terms)


def _add_terms(writes: Writes, terms: dict[str, str]) -> None:
    names = [writes.type]
    for output in writes.outputs:
        names += [output.attribute, *(output.subs or ())]
    for name in names:
        if ":" not in name:
            terms.setdefault(name, iri(name, terms))


def _attributes(
    model: Model, writes: Writes, terms: Mapping[str, str], catalogue: Catalogue
) -> Mapping[str, AttributeModel]:
    """The model's attributes with those that are written."""
    found = dict(model.attributes)
    for output in writes.outputs:
        name = iri(output.attribute, terms)
        if name not in found:
            found[name] = catalogue.attribute(name) or _attribute(output, name)
    return MappingProxyType(found)


def _attribute(output: Output, name: str) -> AttributeModel:
    label = output.label or Label(output.attribute, output.attribute)
    return AttributeModel(output.attribute, name, label, output.kind, unit=output.unit)


def _model(app: AnyApp, writes: Writes, terms: Mapping[str, str]) -> Model:
    label = writes.label or Label(writes.type, writes.type)
    schema = {"$id": f"{MODEL}{SUBJECT}:{writes.type}", "type": "object"}
    return Model(
        name=writes.type, iri=iri(writes.type, terms), subject=SUBJECT, label=label, description=app.description,
        version="1.0.0", attributes={}, required=(), label_attribute=iri("name", terms),
        location_attribute=iri("location", terms), colour=_COLOUR, schema={**schema},
    )  # fmt: skip
