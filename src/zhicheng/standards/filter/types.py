"""Type selection (CIM 009 4.17): `A`, `A,B`, `A|B`, `(A;B)|C`."""

from __future__ import annotations

import re
from collections.abc import Callable

from zhicheng.standards.filter.grammar import Reader
from zhicheng.standards.filter.grammar import parse as parse_logic
from zhicheng.standards.filter.tree import EVERYTHING, Node, Type

_NAME = re.compile(r"[^\s;|,()\"<>]+")


def parse(text: str, expand: Callable[[str], str]) -> Node:
    """The tree of a type selection; names are expanded by `expand`. `*` is any type.

    >>> parse("(Car;Taxi)|Bus", lambda name: "urn:" + name)
    Or(parts=(And(parts=(Type(type='urn:Car'), Type(type='urn:Taxi'))), Type(type='urn:Bus')))
    """

    def term(reader: Reader) -> Node:
        name = reader.match(_NAME)
        if name is None:
            raise reader.fail("expected the name of a type", "应为类型名称")
        return EVERYTHING if name == "*" else Type(expand(name))

    return parse_logic(text, "type", term, "|,")
