"""The ETSI NGSI-LD core @contexts, version by version: their URLs, terms and documents."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import orjson

from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9")
NEWEST = VERSIONS[-1]

_URL = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/ngsi-ld-core-context(?:-v(\d+\.\d+)(?:\.\d+)?)?\.jsonld")
_COERCIONS: dict[str, dict[str, Json]] = {
    "": {},
    "id": {"@type": "@id"},
    "vocab": {"@type": "@vocab"},
    "json": {"@type": "@json"},
    "DateTime": {"@type": "DateTime"},
    "list": {"@container": "@list"},
    "id list": {"@type": "@id", "@container": "@list"},
    "set": {"@container": "@set"},
    "index": {"@container": "@index"},
    "language": {"@container": "@language"},
}


def core_url(version: str = NEWEST) -> str:
    """Where ETSI publishes a version.

    >>> core_url("1.8")
    'https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld'
    """
    return f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v{version}.jsonld"


def core_version(url: str) -> str | None:
    """Which core context a URL names, None for another context; the one without a number is the first.

    >>> core_version(core_url("1.6")), core_version("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld")
    ('1.6', '1.0')
    >>> core_version("https://example.org/context.jsonld") is None
    True
    """
    found = _URL.fullmatch(url)
    if not found:
        return None
    version = found[1] or VERSIONS[0]
    return version if version in VERSIONS else None


@cache
def core_terms(version: str = NEWEST) -> dict[str, dict[str, Json]]:
    """Each term's definition: `@id` with its IRI written out, and `@type` or `@container`.

    >>> core_terms("1.9")["observedAt"]
    {'@id': 'https://uri.etsi.org/ngsi-ld/observedAt', '@type': 'DateTime'}
    >>> "languageMap" in core_terms("1.4"), "languageMap" in core_terms("1.5")
    (False, True)
    """
    at = VERSIONS.index(version)
    prefixes, rows = _table()
    terms: dict[str, dict[str, Json]] = {"id": {"@id": "@id"}, "type": {"@id": "@type"}}
    terms["ngsi-ld"] = {"@id": prefixes["ngsi-ld"]}
    if at >= VERSIONS.index("1.3"):
        terms["geojson"] = {"@id": prefixes["geojson"]}
    for term, iri, coercion, first, last in rows:
        if VERSIONS.index(first) <= at <= (VERSIONS.index(last) if last else at):
            prefix, _, rest = (iri or f"ngsi-ld:{term}").partition(":")
            terms[term] = {"@id": prefixes[prefix] + rest, **_COERCIONS[coercion]}
    return terms


@cache
def core_document(version: str = NEWEST) -> dict[str, Json]:
    """The context as a JSON-LD document, as we serve it and process it."""
    body: dict[str, Json] = {
        term: rule["@id"] if len(rule) == 1 else dict(rule) for term, rule in core_terms(version).items()
    }
    body["@vocab"] = DEFAULT_VOCABULARY
    return {"@context": body}


@cache
def _table() -> tuple[dict[str, str], list[tuple[str, str, str, str, str]]]:
    text = resources.files("zhicheng.standards.ngsild").joinpath("data/core_terms.json").read_bytes()
    table = orjson.loads(text)
    return table["prefixes"], [tuple(row) for row in table["terms"]]
