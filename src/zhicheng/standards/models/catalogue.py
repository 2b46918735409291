"""The catalogue of data models a city uses: the built-in ones and its own."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.standards.models.reading import builtin_subjects, read, subject_terms
from zhicheng.standards.ngsild.core import core_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zhicheng.kernel.errors import Language
    from zhicheng.standards.models.model import AttributeModel, Label, Model
    from zhicheng.standards.models.reading import Subject


class Catalogue:
    """Models by the IRI of their type, and the one table of terms they are written with.

    >>> catalogue = Catalogue.builtin()
    >>> catalogue.label("https://smartdatamodels.org/dataModel.Parking/OffStreetParking", "zh")
    '路外停车场'
    >>> catalogue.terms()["availableSpotNumber"]
    'https://smartdatamodels.org/dataModel.Parking/availableSpotNumber'
    """

    def __init__(self, models: Iterable[Model], terms: Mapping[str, str]) -> None:
        self._models = {model.iri: model for model in models}
        self._terms = MappingProxyType(dict(sorted(terms.items())))
        self._attributes: dict[str, AttributeModel] = {}
        for model in self._models.values():
            for iri, attribute in model.attributes.items():
                self._attributes.setdefault(iri, attribute)

    @staticmethod
    def builtin() -> Catalogue:
        """The models of this package."""
        return _builtin()

    def adding(self, subjects: Iterable[Subject]) -> Catalogue:
        """This catalogue with a city's own models; a model of a known type takes the place of the built-in one.

        BadConfiguration where a term would mean something else than in the NGSI-LD core @context
        or in a model already here: one word has one meaning in a city.
        """
        models, terms = dict(self._models), dict(self._terms)
        core = {term: str(definition["@id"]) for term, definition in core_terms().items()}
        for subject in subjects:
            for term, iri in subject_terms(subject).items():
                _agree(subject.name, term, iri, core)
                _agree(subject.name, term, iri, terms)
                terms[term] = iri
            models.update({model.iri: model for model in read(subject)})
        return Catalogue(models.values(), terms)

    def model(self, iri: str) -> Model | None:
        """The model of a type."""
        return self._models.get(iri)

    def first(self, types: Iterable[str]) -> Model | None:
        """The model of the first of an entity's types that has one."""
        return next((self._models[iri] for iri in types if iri in self._models), None)

    def models(self) -> tuple[Model, ...]:
        """All models, by subject and name."""
        return tuple(sorted(self._models.values(), key=lambda model: (model.subject, model.name)))

    def attribute(self, iri: str) -> AttributeModel | None:
        """An attribute, as the first model that has it describes it."""
        return self._attributes.get(iri)

    def terms(self) -> Mapping[str, str]:
        """Short name -> IRI for the city's default @context."""
        return self._terms

    def context(self) -> dict[str, dict[str, str]]:
        """The terms as a JSON-LD document."""
        return {"@context": dict(self._terms)}

    def label(self, iri: str, language: Language) -> str | None:
        """What people call a type or an attribute; None for one no model knows."""
        found = self._models.get(iri) or self._attributes.get(iri)
        label: Label | None = found.label if found else None
        return label.text(language) if label else None


@cache
def _builtin() -> Catalogue:
    subjects = list(builtin_subjects())
    terms = {term: iri for subject in subjects for term, iri in subject_terms(subject).items()}
    return Catalogue([model for subject in subjects for model in read(subject)], terms)


def _agree(subject: str, term: str, iri: str, known: Mapping[str, str]) -> None:
    if known.get(term, iri) != iri:
        raise BadConfiguration(
            f"The @context of {subject} gives {term!r} the meaning {iri}, but it already means {known[term]}; "
            f"use that meaning or another word",
            f"{subject} 的 @context 将 {term!r} 定义为 {iri}，但它已表示 {known[term]}；请沿用该含义或换用其他词",
            term=term,
            iri=iri,
            known=known[term],
        )
