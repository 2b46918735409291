"""How entities are shown: what names them and what places them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.names import builtin_terms
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY, LOCATION, NAMESPACE

_FALLBACK = ("name", "title", "alternateName", "shortName")
_TITLES = (NAMESPACE + "title", DEFAULT_VOCABULARY + "title", DEFAULT_VOCABULARY + "name", "https://schema.org/name")


@dataclass(frozen=True, slots=True)
class Shown:
    """Which attributes name an entity of a type, the best first, and which one places it."""

    labels: tuple[str, ...]
    location: str


def shown_of(models: Catalogue, types: Iterable[str]) -> Shown:
    """How entities of some types are shown on a map."""
    model = models.first(types)
    terms = builtin_terms()
    usual = tuple(terms[name] for name in _FALLBACK if name in terms)
    if model is None:
        return Shown((*usual, *_TITLES), LOCATION)
    return Shown((model.label_attribute, *usual, *_TITLES), model.location_attribute)
