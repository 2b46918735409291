"""scopeQ (CIM 009 4.19): `/Madrid/Gardens`, `/Madrid/+/ParqueNorte`, `/Madrid/#`, `(/A;/B)|/C`."""

from __future__ import annotations

import re

from zhicheng.standards.filter.grammar import Reader
from zhicheng.standards.filter.grammar import parse as parse_logic
from zhicheng.standards.filter.tree import Node, Scope

_LEVEL = re.compile(r"[^\s/;|,()+#\"]+|[+ ](?=[/;|,)]|$)|#")


def parse(text: str) -> Node:
    """The tree of a scope query; the first slash of a scope may be missing, as in a scope itself.

    >>> parse("/Madrid/+/#")
    Scope(levels=('Madrid', '+'), below=True)
    """
    return parse_logic(text, "scopeQ", _scope, "|,")


def _scope(reader: Reader) -> Node:
    levels: list[str] = []
    if reader.sees("/"):
        reader.at += 1
    while True:
        level = reader.match(_LEVEL)
        if level is None:
            raise reader.fail(
                "expected a scope level: a name, + for any one, or # at the end for all below",
                "应为范围层级：名称、+（任意一级）或末尾的 #（其下全部）",
            )
        if level == "#":
            return Scope(tuple(levels), below=True)
        levels.append("+" if level == " " else level)  # a bare + in a URL arrives as a blank
        if not reader.sees("/"):
            return Scope(tuple(levels))
        reader.at += 1


def levels_of(scope: str) -> tuple[str, ...]:
    """The levels of an entity's scope.

    >>> levels_of("/Madrid/Gardens")
    ('Madrid', 'Gardens')
    """
    return tuple(level for level in scope.split("/") if level)


def covers(wanted: Scope, scope: str) -> bool:
    """Whether a scope of an entity is what is wanted.

    >>> covers(Scope(("Madrid", "G"), below=True), "/Madrid/Gardens")
    False
    """
    levels = levels_of(scope)
    if len(levels) < max(len(wanted.levels), 1) or (len(levels) > len(wanted.levels) and not wanted.below):
        return False
    return all(want in ("+", have) for want, have in zip(wanted.levels, levels, strict=False))
