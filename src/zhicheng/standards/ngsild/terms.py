"""Contexts that only name things, turned into a table of terms without a JSON-LD processor.

The core context and those of data models map plain names to IRIs that are written out, and nothing more; the processor
takes a fifth of a second to load and is kept for the contexts that do more. Both give the same table.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY


@dataclass(frozen=True, slots=True)
class Term:
    """What a context says of a term: its IRI (or JSON-LD keyword), how values are read, if it can be a prefix."""

    iri: str
    type: str | None = None
    container: tuple[str, ...] = ()
    prefix: bool = False


_NAME = re.compile(r"[^\W\d][\w-]*")
_IRI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?\S*")
_READ_AS = ("@id", "@vocab", "@json", "@none")
_HELD_IN = ("@list", "@set", "@index", "@language")
_ENDS_A_PREFIX = tuple(":/?#[]@")


def plain_terms(rules: Mapping[str, Json], known: Mapping[str, Term]) -> dict[str, Term] | None:
    """The terms that the rules of a context add to those known; None where they take a processor to be read.

    >>> plain_terms({"ex": "https://ex.org/", "at": {"@id": "https://ex.org/at", "@type": "@id"}}, {})["ex"].prefix
    True
    >>> plain_terms({"ex": "https://ex.org/", "speed": "ex:speed"}, {}) is None
    True
    """
    iris: dict[str, str] = {}
    for name, rule in rules.items():
        iri = rule.get("@id") if isinstance(rule, dict) else rule
        if not _NAME.fullmatch(name) or not isinstance(iri, str) or not _written_out(iri, rules, known):
            return None
        iris[name] = iri
    # a data type may be named by a term; one with details of its own could lead back to where it is named
    named = {name: term.iri for name, term in known.items()} | {
        name: iri if isinstance(rules[name], str) else "" for name, iri in iris.items()
    }
    found: dict[str, Term] = {}
    for name, rule in rules.items():
        term = _simple(iris[name]) if isinstance(rule, str) else _detailed(iris[name], rule, named)
        if term is None:
            return None
        found[name] = term
    return found


def _written_out(iri: str, *names: Container[str]) -> bool:
    """Whether it is an IRI, and no name stands for what is before its colon."""
    parts = _IRI.fullmatch(iri)
    return parts is not None and (parts[2] is not None or not any(parts[1] in one for one in names))


def _simple(iri: str) -> Term:
    return Term(iri, prefix=iri.endswith(_ENDS_A_PREFIX))


def _detailed(iri: str, rule: Json, named: Mapping[str, str]) -> Term | None:
    if not isinstance(rule, dict) or not rule.keys() <= {"@id", "@type", "@container"}:
        return None
    kind, container = rule.get("@type"), rule.get("@container")
    if "@container" in rule and container not in _HELD_IN:
        return None
    if "@type" in rule:
        kind = _kind(kind, named)
        if kind is None:
            return None
    return Term(iri, str(kind) if kind else None, (str(container),) if container else ())


def _kind(kind: Json, named: Mapping[str, str]) -> str | None:
    """How values are read: a keyword, or the IRI of a data type."""
    if not isinstance(kind, str):
        return None
    if kind in _READ_AS or _written_out(kind, named):
        return kind
    if not _NAME.fullmatch(kind):
        return None
    iri = named.get(kind, DEFAULT_VOCABULARY + kind)
    return iri if _IRI.fullmatch(iri) else None
