"""The tree on columns: compiled once, then a boolean for every row of a table at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import orjson

from zhicheng.kernel.columns import Mask
from zhicheng.standards.filter import patterns, scope
from zhicheng.standards.filter.column_geo import geo_test
from zhicheng.standards.filter.column_terms import term_mask
from zhicheng.standards.filter.source import ReadSub, Source, by_text
from zhicheng.standards.filter.tree import And, Geo, IdPattern, Ids, Matches, Node, Not, Or, Scope, Type

Test = Callable[[Source], Mask]

_COSTS: tuple[tuple[type, int], ...] = ((Type, 0), (Scope, 2), (Geo, 3), (Ids, 5), (Matches, 6), (IdPattern, 7))


@lru_cache(maxsize=512)
def compile(tree: Node, read_sub: ReadSub) -> Test:
    """A function from a table to which of its rows fulfil the tree, the same as `document.matches` on each.

    read_sub: gives the sub-attributes that a text of the table's `sub` columns holds.
    """
    match tree:
        case And(parts):
            return _all([compile(part, read_sub) for part in sorted(parts, key=cost)])
        case Or(parts):
            return _any([compile(part, read_sub) for part in parts])
        case Not(part):
            inner = compile(part, read_sub)
            return lambda source: ~inner(source)
        case Type():
            return lambda source: np.full(source.count, tree.type in source.types)
        case Ids():
            return lambda source: np.fromiter(map(tree.ids.__contains__, source.ids), np.bool_, source.count)
        case IdPattern():
            return lambda source: patterns.search(tree.pattern, source.ids)
        case Scope():
            return lambda source: by_text(source.scope, np.ones(source.count, np.bool_), _scope_test(tree))
        case Geo():
            return geo_test(tree)
        case _:
            return lambda source: term_mask(tree, source, read_sub)


def cost(tree: Node) -> int:
    """A rank by which the parts of an And are tried, cheap ones first."""
    if isinstance(tree, And | Or):
        return max((cost(part) for part in tree.parts), default=0)
    if isinstance(tree, Not):
        return cost(tree.part)
    return next((rank for kind, rank in _COSTS if isinstance(tree, kind)), 1)


def _all(tests: list[Test]) -> Test:
    def mask(source: Source) -> Mask:
        found = np.ones(source.count, np.bool_)
        for test in tests:
            found &= test(source)
            if not found.any():
                break
        return found

    return mask


def _any(tests: list[Test]) -> Test:
    def mask(source: Source) -> Mask:
        found = np.zeros(source.count, np.bool_)
        for test in tests:
            found |= test(source)
        return found

    return mask


def _scope_test(node: Scope) -> Callable[[list[str]], list[bool]]:
    return lambda texts: [any(scope.covers(node, each) for each in orjson.loads(text)) for text in texts]
