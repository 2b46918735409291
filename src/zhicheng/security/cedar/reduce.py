"""Partial evaluation: an expression with what is known filled in. What remains means the same for every rest.

An error that is sure is kept in its place, since `false && error` is false and `true && error` fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zhicheng.security.cedar.entities import Entities
from zhicheng.security.cedar.evaluate import Request, function_of
from zhicheng.security.cedar.syntax import (
    And,
    Attr,
    Binary,
    Call,
    Error,
    Expr,
    Has,
    If,
    Is,
    Like,
    Lit,
    Or,
    RecordOf,
    SetOf,
    Unary,
    Var,
    children,
)
from zhicheng.security.cedar.values import Failed, Uid, Value

_NOWHERE = Uid("", "")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request; None is not.

    entities: those that stay; closed: there are no others, so that what is not said of one is not so
    """

    entities: Entities
    principal: Uid | None = None
    action: Uid | None = None
    context: Mapping[str, Value] | None = None
    closed: bool = False

    def value(self, name: str) -> Value | None:
        """A variable's value."""
        if name == "context":
            return None if self.context is None else dict(self.context)
        found: Uid | None = getattr(self, name) if name != "resource" else None
        return found


def reduced(expr: Expr, known: Known) -> Expr:
    """The expression with everything worked out that can be.

    >>> from zhicheng.security.cedar.parse import parse_expression
    >>> expr = parse_expression('principal == P::"a" && resource.n < 1 + 2')
    >>> reduced(expr, Known(Entities(), Uid("P", "b"))).value
    False
    """
    match expr:
        case Lit() | Error():
            return expr
        case Var(name):
            found = known.value(name)
            return expr if found is None else Lit(found)
        case And(left, right):
            return _and(reduced(left, known), right, known)
        case Or(left, right):
            return _or(reduced(left, known), right, known)
        case If(test, yes, no):
            return _if(reduced(test, known), yes, no, known)
        case Unary(sign, of):
            return _worked_out(Unary(sign, reduced(of, known)), known)
        case Binary(sign, left, right):
            return _binary(Binary(sign, reduced(left, known), reduced(right, known)), known)
        case Attr(of, name):
            return _attribute(reduced(of, known), name, known)
        case Has(of, name):
            return _has(reduced(of, known), name, known)
        case Like(of, pattern):
            return _worked_out(Like(reduced(of, known), pattern), known)
        case Is(of, kind):
            return _worked_out(Is(reduced(of, known), kind), known)
        case SetOf(members):
            return _worked_out(SetOf(tuple(reduced(member, known) for member in members)), known)
        case RecordOf(pairs):
            return _worked_out(RecordOf(tuple((name, reduced(each, known)) for name, each in pairs)), known)
        case Call(name, arguments):
            return _call(Call(name, tuple(reduced(argument, known) for argument in arguments)), known)


def _and(left: Expr, right: Expr, known: Known) -> Expr:
    if isinstance(left, Lit):
        if left.value is False:
            return left
        if left.value is True:
            return _boolean(reduced(right, known))
        return Error("expected bool")
    return left if isinstance(left, Error) else And(left, reduced(right, known))


def _or(left: Expr, right: Expr, known: Known) -> Expr:
    if isinstance(left, Lit):
        if left.value is True:
            return left
        if left.value is False:
            return _boolean(reduced(right, known))
        return Error("expected bool")
    return left if isinstance(left, Error) else Or(left, reduced(right, known))


def _boolean(expr: Expr) -> Expr:
    """What must be a boolean: kept as `true && expr` where that is not sure."""
    if isinstance(expr, Lit):
        return expr if isinstance(expr.value, bool) else Error("expected bool")
    sure = isinstance(expr, Error | And | Or | Has | Like | Is) or (isinstance(expr, Unary) and expr.operator == "!")
    if sure or (isinstance(expr, Binary) and expr.operator not in ("+", "-", "*")):
        return expr
    return And(Lit(True), expr)


def _if(test: Expr, yes: Expr, no: Expr, known: Known) -> Expr:
    if isinstance(test, Lit):
        if isinstance(test.value, bool):
            return reduced(yes if test.value else no, known)
        return Error("expected bool")
    return test if isinstance(test, Error) else If(test, reduced(yes, known), reduced(no, known))


def _worked_out(expr: Expr, known: Known) -> Expr:
    """An expression all of whose parts are needed: its value, its error, or itself."""
    for part in children(expr):
        if isinstance(part, Error):
            return part
        if not isinstance(part, Lit):
            return expr
    return _value(expr, known)


def _value(expr: Expr, known: Known) -> Expr:
    request = Request(known.principal or _NOWHERE, known.action or _NOWHERE, _NOWHERE, {}, known.entities)
    try:
        return Lit(function_of(expr)(request))
    except Failed as error:
        return Error(str(error))


def _sure(value: Value, known: Known) -> bool:
    """Whether all is known of an entity: what it has and what it is in."""
    return (
        known.closed
        or not isinstance(value, Uid)
        or value in (known.principal, known.action)
        or value in known.entities.by_uid
    )


def _binary(expr: Binary, known: Known) -> Expr:
    """As all others, but what an entity is in is known only where the entity is."""
    left = expr.left
    if expr.operator == "in" and isinstance(left, Lit) and isinstance(expr.right, Lit):
        right = expr.right.value
        if not _sure(left.value, known) and left.value != right:
            return expr
    return _worked_out(expr, known)


def _attribute(of: Expr, name: str, known: Known) -> Expr:
    if isinstance(of, Lit) and not _sure(of.value, known):
        return Attr(of, name)
    return _worked_out(Attr(of, name), known)


def _has(of: Expr, name: str, known: Known) -> Expr:
    if isinstance(of, Lit) and not _sure(of.value, known):
        return Has(of, name)
    return _worked_out(Has(of, name), known)


def _call(expr: Call, known: Known) -> Expr:
    first = expr.arguments[0]
    if expr.name in ("hasTag", "getTag") and isinstance(first, Lit) and not _sure(first.value, known):
        return expr
    return _worked_out(expr, known)
