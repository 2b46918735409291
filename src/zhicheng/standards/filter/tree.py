"""The predicate tree: what q, geoQ, scopeQ and type selections, policies and other dialects are parsed into.

Names are IRIs. Trees are values: equal trees mean the same and may be used as keys. An evaluator gives one boolean
an entity; there is no third value, a term about something absent is false.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shapely.geometry.base import BaseGeometry

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.filter import patterns
from zhicheng.standards.ngsild.names import NAMESPACE

ENTITY_MEMBERS = {NAMESPACE + name: name for name in ("createdAt", "modifiedAt")}
"""Members of the entity that stand where an attribute may stand."""
ATTRIBUTE_MEMBERS = {
    NAMESPACE + name: name for name in ("observedAt", "createdAt", "modifiedAt", "unitCode", "datasetId")
}
"""Members of an attribute that stand where a sub-attribute may stand."""
DEFAULT_INSTANCE = "@none"
ANY = "*"

Order = Literal["==", "!=", "<", "<=", ">", ">="]
ORDERS: tuple[Order, ...] = ("==", "!=", "<=", ">=", "<", ">")
Relation = Literal["near", "within", "contains", "intersects", "disjoint", "equals", "overlaps"]
RELATIONS: tuple[Relation, ...] = ("near", "within", "contains", "intersects", "disjoint", "equals", "overlaps")


@dataclass(frozen=True, slots=True)
class Operand:
    """A literal to compare with. instant: microseconds since 1970; time: microseconds since midnight.

    >>> Operand("number", 1) == Operand("boolean", True)
    False
    """

    kind: Literal["number", "text", "boolean", "instant", "time"]
    value: int | float | str


@dataclass(frozen=True, slots=True)
class Path:
    """Where to look: an attribute, then sub-attributes or members of it, then a way into the value.

    trail: member names (list positions as digits) in a JSON value; for a language map its first is a tag or "*"
    dataset: None for every instance, "@none" for the default one, else a datasetId
    """

    attribute: str
    sub: tuple[str, ...] = ()
    trail: tuple[str, ...] = ()
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """The value compares so with the operand. "!=" wants a value that is there, and different or of another type."""

    path: Path
    order: Order
    operand: Operand


@dataclass(frozen=True, slots=True)
class In:
    """The value is one of these; negated: it is there and none of these."""

    path: Path
    operands: tuple[Operand, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """The value lies in the closed range; negated: it is there and does not."""

    path: Path
    low: Operand
    high: Operand
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """The value is text in which the pattern occurs; negated: it is text and the pattern does not."""

    path: Path
    pattern: str
    negated: bool = False

    def __post_init__(self) -> None:
        patterns.check(self.pattern)


@dataclass(frozen=True, slots=True)
class Exists:
    """There is such a thing."""

    path: Path


@dataclass(frozen=True, slots=True)
class Geo:
    """A geometry of the attribute stands so to the shape (target first: "within" says it lies in the shape).

    least, most: metres, for "near" only: farther than `least`, not farther than `most`
    """

    attribute: str
    relation: Relation
    shape: BaseGeometry
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope of the entity has these levels, "+" standing for any one; with `below`, these first, or more.

    No levels and `below`: the entity has a scope.
    """

    levels: tuple[str, ...]
    below: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """The entity is of this type, perhaps among others."""

    type: str


@dataclass(frozen=True, slots=True)
class Ids:
    """The entity is one of these."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdPattern:
    """The pattern occurs in the entity's id."""

    pattern: str

    def __post_init__(self) -> None:
        patterns.check(self.pattern)


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none, everything."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them; of none, nothing."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: Node


Term: TypeAlias = Compare | In | Between | Matches | Exists
"""A node about the value a path leads to."""
Node: TypeAlias = And | Or | Not | Term | Geo | Scope | Type | Ids | IdPattern
TERMS = (Compare, In, Between, Matches, Exists)

EVERYTHING = And(())
NOTHING = Or(())


def all_of(nodes: Iterable[Node | None]) -> Node:
    """All of what is given, as flat as can be; None counts for nothing.

    >>> all_of([None, Type("a")])
    Type(type='a')
    """
    parts: list[Node] = []
    for node in nodes:
        if isinstance(node, And):
            parts.extend(node.parts)
        elif node is not None:
            parts.append(node)
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def any_of(nodes: Iterable[Node]) -> Node:
    """Any of what is given, as flat as can be."""
    parts: list[Node] = []
    for node in nodes:
        parts.extend(node.parts if isinstance(node, Or) else (node,))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def ids(wanted: Iterable[str]) -> Ids:
    """The entities of these ids; no id at all is a mistake of the caller's."""
    chosen = frozenset(wanted)
    if not chosen:
        raise Invalid("Name at least one id", "请至少给出一个 id")
    return Ids(chosen)


def walk(tree: Node) -> Iterator[Node]:
    """Every node of the tree."""
    yield tree
    if isinstance(tree, And | Or):
        for part in tree.parts:
            yield from walk(part)
    elif isinstance(tree, Not):
        yield from walk(tree.part)


def attributes(tree: Node) -> frozenset[str]:
    """The attributes (IRIs) that deciding the tree needs.

    >>> sorted(attributes(And((Exists(Path("urn:speed")), Type("urn:Vehicle")))))
    ['urn:speed']
    """
    found = {node.path.attribute for node in walk(tree) if isinstance(node, TERMS)}
    found |= {node.attribute for node in walk(tree) if isinstance(node, Geo)}
    return frozenset(found - ENTITY_MEMBERS.keys())


def types(tree: Node) -> frozenset[str] | None:
    """Types of which every match has at least one; None where the tree does not say.

    >>> sorted(types(And((Or((Type("a"), Type("b"))), Scope(("x",))))))
    ['a', 'b']
    """
    if isinstance(tree, Type):
        return frozenset((tree.type,))
    if isinstance(tree, And):
        known = [found for part in tree.parts if (found := types(part)) is not None]
        return min(known, key=len, default=None)
    if isinstance(tree, Or):
        sets = [found for part in tree.parts if (found := types(part)) is not None]
        return frozenset().union(*sets) if len(sets) == len(tree.parts) else None
    return None


def possible(tree: Node, of: Iterable[str]) -> bool:
    """Whether an entity of exactly these types could match: False spares looking at any.

    >>> possible(And((Type("a"), Not(Type("b")))), ("a", "b"))
    False
    """
    return _decide(tree, frozenset(of)) is not False


def _decide(tree: Node, of: frozenset[str]) -> bool | None:
    """True, False or, where the types do not settle it, None."""
    if isinstance(tree, Type):
        return tree.type in of
    if isinstance(tree, Not):
        inner = _decide(tree.part, of)
        return None if inner is None else not inner
    if not isinstance(tree, And | Or):
        return None
    settled = isinstance(tree, Or)
    results = [_decide(part, of) for part in tree.parts]
    if settled in results:
        return settled
    return None if None in results else not settled
