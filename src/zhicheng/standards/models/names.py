"""Names as IRIs: whose vocabulary a type or attribute is from, and the IRI of a short name of the city's models.

Names of Smart Data Models keep their IRIs. Our own begin with `NAMESPACE`, a urn: JSON-LD needs absolute IRIs,
not ones that can be fetched, and a urn claims no internet domain. `zhicheng` is not a registered URN namespace;
should one be needed, this constant and the stored names change together, by a migration.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from zhicheng.kernel.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "urn:zhicheng:ns:"
"""Types and attributes of our own."""
SMART_DATA_MODELS = "https://smartdatamodels.org/"
"""Types and attributes of Smart Data Models: theirs of one subject lie under `dataModel.SUBJECT/`."""
MODEL = "urn:zhicheng:model:"
"""Identifiers of the schemas: `MODEL + subject + ":" + name`."""
COMMON = MODEL + "common"
"""Identifier of the schema that holds what several models share."""


@cache
def builtin_terms() -> Mapping[str, str]:
    """Short name -> IRI for every type and attribute of the built-in models (`context.jsonld` of this package)."""
    text = files("zhicheng.standards.models").joinpath("context.jsonld").read_text(encoding="utf-8")
    terms: dict[str, str] = json.loads(text)["@context"]
    return MappingProxyType(terms)


def term(name: str) -> str:
    """The IRI of a short name of the built-in models; for code that names a type or an attribute.

    >>> term("Vehicle")
    'https://smartdatamodels.org/dataModel.Transportation/Vehicle'
    >>> term("Feed")
    'urn:zhicheng:ns:Feed'
    """
    found = builtin_terms().get(name)
    if found is None:
        raise NotFound(f"No model of the city has the name {name!r}", f"城市数据模型中没有名称 {name!r}", name=name)
    return found


def canonical(iri: str) -> str:
    """The city's one IRI of a word for which Smart Data Models has one IRI per subject.

    Documents written with a subject's own context name `temperature` of Weather, Device or Environment
    differently; here one word is one attribute. Other IRIs come back as they are.

    >>> canonical("https://smartdatamodels.org/dataModel.Device/temperature") == term("temperature")
    True
    >>> canonical("https://example.org/temperature")
    'https://example.org/temperature'
    """
    home, _, name = iri.rpartition("/")
    known = builtin_terms().get(name)
    return known if known is not None and home in _homes() else iri


@cache
def _homes() -> frozenset[str]:
    """What stands before the name in the IRIs of the subjects whose models are built in."""
    homes = {iri.rpartition("/")[0] for iri in builtin_terms().values()}
    return frozenset(home for home in homes if home.startswith(SMART_DATA_MODELS[:-1]))
