"""Telling JSON pieces apart: an attribute's instance, a bare value, and what a bare value may stand for."""

from __future__ import annotations

from zhicheng.standards.ngsild.kinds import DETAILS, KINDS, MEMBER_KINDS
from zhicheng.standards.ngsild.model import Json, Kind
from zhicheng.standards.ngsild.names import is_uri

_TELLING = frozenset(("type", "@type", "dataset")) | DETAILS | MEMBER_KINDS.keys()
"""Members that make an object more than a bare value."""


def is_instance(item: object) -> bool:
    """Whether an element of a list is an attribute's instance, not just a value."""
    if type(item) is not dict:
        return False
    given = item.get("type")
    return (type(given) is str and given in KINDS) or not MEMBER_KINDS.keys().isdisjoint(item)


def could_be(kind: Kind, value: object) -> bool:
    """Whether a bare value can be one of a kind, so that a simplified merge keeps the kind."""
    if kind is Kind.RELATIONSHIP:
        return is_uri(value) or (isinstance(value, list) and bool(value) and all(is_uri(item) for item in value))
    if kind is Kind.VOCABULARY:
        return type(value) is str
    if kind is Kind.LIST:
        return isinstance(value, list)
    if kind is Kind.LIST_RELATIONSHIP:
        return isinstance(value, list) and all(is_uri(item) for item in value)
    return kind is Kind.JSON


def is_plain(value: Json) -> bool:
    """Whether a Property's value can stand for the Property in the concise representation and be read back as it.

    >>> is_plain(5), is_plain({"street": "x"}), is_plain({"type": "x"}), is_plain([{"value": 1}])
    (True, True, False, False)
    """
    if type(value) is dict:
        return _TELLING.isdisjoint(value) and "@context" not in value
    return not (type(value) is list and any(is_instance(item) for item in value))
