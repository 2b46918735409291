"""Policies compiled to a table: for a principal and an action either the decision, or the few conditions it rests on.

Rows are worked out when they are first asked for, once for each class of principals: those whom no policy tells apart.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from zhicheng.security.cedar import values
from zhicheng.security.cedar.entities import Entities
from zhicheng.security.cedar.evaluate import Request, Run, function_of
from zhicheng.security.cedar.reduce import Known, reduced
from zhicheng.security.cedar.syntax import (
    Attr,
    Binary,
    Expr,
    Has,
    Is,
    Lit,
    Policy,
    SetOf,
    Var,
    children,
    mentions,
    walk,
)
from zhicheng.security.cedar.values import Failed, Uid, Value
from zhicheng.standards.ngsild.names import Memo

NO_CONTEXT: Mapping[str, Value] = MappingProxyType({})
_MOST_ROWS = 262_144


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy as far as it is settled for a row: always true, or what remains of it."""

    policy: Policy
    rest: Expr
    run: Run

    @property
    def always(self) -> bool:
        """Whether it applies to every resource in every context."""
        return isinstance(self.rest, Lit)


@dataclass(frozen=True, slots=True)
class Row:
    """decided: the decision, None where it rests on resource and context; always: some permit applies to all.

    asks_context: some rule looks at the context
    """

    decided: bool | None
    forbids: tuple[Run, ...]
    permits: tuple[Run, ...]
    always: bool
    asks_context: bool
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """A decision and what it rests on: the policies that decided, and those that failed, each with why."""

    allowed: bool
    policies: tuple[Policy, ...]
    failed: tuple[tuple[Policy, str], ...]


class Table:
    """Decides. `entities` are those that stay: people, departments, roles, actions; a resource comes with its request.

    >>> from zhicheng.security.cedar.parse import parse
    >>> text = 'permit(principal in Role::"reader", action, resource) when { context.n < 3 };'
    >>> table = Table(parse(text), Entities())
    >>> table.allows(Uid("Role", "reader"), Uid("Action", "read"), Uid("Tenant", "t"), {"n": 2})
    True
    """

    def __init__(self, policies: Sequence[Policy], entities: Entities) -> None:
        self.policies = tuple(policies)
        self.entities = entities
        self._parts = [(policy, policy.expression()) for policy in self.policies]
        self._by_name = any(_told_apart(expr) for _, expr in self._parts)
        self._named = {
            each.value
            for _, expr in self._parts
            for each in walk(expr)
            if isinstance(each, Lit) and isinstance(each.value, Uid)
        }
        self._by_class: dict[tuple[Hashable, Uid], Row] = {}
        self._rows: Memo[tuple[Uid, Uid], Row] = Memo(self._find, _MOST_ROWS)

    def allows(
        self,
        principal: Uid,
        action: Uid,
        resource: Uid,
        context: Mapping[str, Value] = NO_CONTEXT,
        entities: Entities | None = None,
    ) -> bool:
        """The decision. entities: the table's own, with the resource's over them (`Overlay`)"""
        row = self._rows[principal, action]
        if row.decided is not None:
            return row.decided
        request = Request(principal, action, resource, context, self.entities if entities is None else entities)
        if row.forbids and _any(row.forbids, request):
            return False
        return row.always or _any(row.permits, request)

    def class_of(self, principal: Uid) -> Hashable:
        """What the policies can know of a principal: whom they do not tell apart are of one class."""
        return self._class(principal)

    def row(self, principal: Uid, action: Uid) -> Row:
        """The row of a principal and an action."""
        return self._rows[principal, action]

    def reasons(
        self,
        principal: Uid,
        action: Uid,
        resource: Uid,
        context: Mapping[str, Value] = NO_CONTEXT,
        entities: Entities | None = None,
    ) -> Reasons:
        """The decision with all that it rests on."""
        request = Request(principal, action, resource, context, self.entities if entities is None else entities)
        true: list[Policy] = []
        failed = []
        for policy, expr in self._parts:
            try:
                if function_of(expr)(request) is True:
                    true.append(policy)
            except Failed as error:
                failed.append((policy, str(error)))
        forbids = tuple(policy for policy in true if not policy.permits)
        permits = tuple(policy for policy in true if policy.permits)
        return Reasons(bool(permits) and not forbids, forbids or permits, tuple(failed))

    @property
    def classes(self) -> int:
        """How many rows were worked out."""
        return len(self._by_class)

    # rows --------------------------------------------------------------------------------------------------

    def _find(self, pair: tuple[Uid, Uid]) -> Row:
        principal, action = pair
        held = (self._class(principal), action)
        row = self._by_class.get(held)
        if row is None:
            if len(self._by_class) >= _MOST_ROWS:
                self._by_class.clear()
            row = self._by_class[held] = self._row(principal, action)
        return row

    def _class(self, principal: Uid) -> Hashable:
        """What the policies can know of a principal; its name only where one of them asks for it."""
        entity = self.entities.get(principal)
        named = principal if self._by_name or principal in self._named else principal.type
        if entity is None:
            return named, None, None, None
        return (
            named,
            self.entities.above(principal),
            values.key(dict(entity.attributes)),
            values.key(dict(entity.tags)),
        )

    def _row(self, principal: Uid, action: Uid) -> Row:
        known = Known(self.entities, principal, action)
        rules = tuple(self._rules(known))
        forbids = [rule for rule in rules if not rule.policy.permits]
        permits = [rule for rule in rules if rule.policy.permits]
        always = any(rule.always for rule in permits)
        decided: bool | None = None
        if not permits or any(rule.always for rule in forbids):
            decided = False
        elif always and not forbids:
            decided = True
        return Row(
            decided,
            tuple(rule.run for rule in forbids),
            () if always else tuple(rule.run for rule in permits),
            always,
            any(mentions(rule.rest, "context") for rule in rules),
            rules,
        )

    def _rules(self, known: Known) -> Iterator[Rule]:
        for policy, expr in self._parts:
            rest = reduced(expr, known)
            if not isinstance(rest, Lit):
                if sure_to_fail(rest):
                    continue
                yield Rule(policy, rest, function_of(rest))
            elif rest.value is True:
                yield Rule(policy, rest, function_of(rest))


def sure_to_fail(expr: Expr) -> bool:
    """Whether it can only fail: it needs, first of all, what fails."""
    while children(expr):
        expr = children(expr)[0]
    return type(expr).__name__ == "Error"


def _any(runs: tuple[Run, ...], request: Request) -> bool:
    for run in runs:
        try:
            if run(request) is True:
                return True
        except Failed:
            continue
    return False


def _told_apart(expr: Expr) -> bool:
    """Whether the principal's name matters beyond what it is in, what type it is of and what it has."""
    match expr:
        case Var(name):
            return name == "principal"
        case Attr(Var("principal"), _) | Has(Var("principal"), _) | Is(Var("principal"), _):
            return False
        case Binary("in", Var("principal"), right) if _constant(right):
            return False
        case Binary("==", Var("principal"), right) if _constant(right):
            return False
        case _:
            return any(_told_apart(child) for child in children(expr))


def _constant(expr: Expr) -> bool:
    return isinstance(expr, Lit) or (isinstance(expr, SetOf) and all(isinstance(each, Lit) for each in expr.members))
