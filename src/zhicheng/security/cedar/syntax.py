"""What a policy's text is parsed into: expressions, scopes, policies. Trees are values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from zhicheng.security.cedar.values import Uid, Value

Variable = Literal["principal", "action", "resource", "context"]
VARIABLES: tuple[Variable, ...] = ("principal", "action", "resource", "context")
FUNCTIONS: Mapping[str, int] = {"ip": 1, "decimal": 1, "datetime": 1, "duration": 1}
"""Function -> how many arguments."""
METHODS: Mapping[str, int] = {
    "contains": 1, "containsAll": 1, "containsAny": 1, "isEmpty": 0, "hasTag": 1, "getTag": 1,
    "isIpv4": 0, "isIpv6": 0, "isLoopback": 0, "isMulticast": 0, "isInRange": 1,
    "lessThan": 1, "lessThanOrEqual": 1, "greaterThan": 1, "greaterThanOrEqual": 1,
    "offset": 1, "durationSince": 1, "toDate": 0, "toTime": 0,
    "toMilliseconds": 0, "toSeconds": 0, "toMinutes": 0, "toHours": 0, "toDays": 0,
}  # fmt: skip
"""Method -> how many arguments besides what stands before the dot."""


@dataclass(frozen=True, slots=True)
class Lit:
    """A value that is known."""

    value: Value


@dataclass(frozen=True, slots=True)
class Error:
    """What is known to fail."""

    text: str


@dataclass(frozen=True, slots=True)
class Var:
    """principal, action, resource or context."""

    name: Variable


@dataclass(frozen=True, slots=True)
class And:
    """`left && right`."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Or:
    """`left || right`."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class If:
    """`if test then yes else no`."""

    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True, slots=True)
class Unary:
    """`!of`, `-of`."""

    operator: Literal["!", "-"]
    of: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """`left == right` and the like; `in`."""

    operator: Literal["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Attr:
    """`of.name`."""

    of: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Has:
    """`of has name`."""

    of: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Like:
    """`of like "pattern"`; in the pattern None stands for `*`."""

    of: Expr
    pattern: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Is:
    """`of is type`."""

    of: Expr
    type: str


@dataclass(frozen=True, slots=True)
class SetOf:
    """`[a, b]`."""

    members: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class RecordOf:
    """`{a: b}`."""

    members: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or a method, whose first argument is what stands before the dot."""

    name: str
    arguments: tuple[Expr, ...]


Expr: TypeAlias = Lit | Error | Var | And | Or | If | Unary | Binary | Attr | Has | Like | Is | SetOf | RecordOf | Call


@dataclass(frozen=True, slots=True)
class Scope:
    """What a policy's head asks of principal, action or resource: a type, to be in one of these, to be this one."""

    type: str | None = None
    within: tuple[Uid, ...] | None = None
    equal: Uid | None = None

    def expression(self, variable: Variable) -> Expr:
        """The same as an expression."""
        var, found = Var(variable), Lit(True)
        parts: list[Expr] = []
        if self.type is not None:
            parts.append(Is(var, self.type))
        if self.equal is not None:
            parts.append(Binary("==", var, Lit(self.equal)))
        if self.within is not None:
            parts.append(Binary("in", var, SetOf(tuple(Lit(uid) for uid in self.within))))
        return all_of(parts) if parts else found

    @property
    def uids(self) -> tuple[Uid, ...]:
        """The entities it names."""
        return (*(self.within or ()), *(() if self.equal is None else (self.equal,)))


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. conditions: (whether it is `when`, the expression); line: where it begins in its text"""

    id: str
    permits: bool
    principal: Scope
    action: Scope
    resource: Scope
    conditions: tuple[tuple[bool, Expr], ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    line: int = 1

    def expression(self) -> Expr:
        """The whole policy as one expression: it applies where this is true."""
        heads: list[Expr] = [
            self.principal.expression("principal"),
            self.action.expression("action"),
            self.resource.expression("resource"),
        ]
        return all_of([*heads, *(each if when else Unary("!", each) for when, each in self.conditions)])


def all_of(parts: list[Expr]) -> Expr:
    """All of these, from the left."""
    found = parts[0]
    for part in parts[1:]:
        found = And(found, part)
    return found


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions right below one."""
    match expr:
        case And(left, right) | Or(left, right) | Binary(_, left, right):
            return left, right
        case If(test, yes, no):
            return test, yes, no
        case Unary(_, of) | Attr(of, _) | Has(of, _) | Like(of, _) | Is(of, _):
            return (of,)
        case SetOf(members):
            return members
        case RecordOf(pairs):
            return tuple(each for _, each in pairs)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all below it."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def mentions(expr: Expr, variable: Variable) -> bool:
    """Whether a variable stands anywhere in it."""
    return any(isinstance(each, Var) and each.name == variable for each in walk(expr))
