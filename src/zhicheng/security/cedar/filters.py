"""Policies as filters: which entities of the city a principal may see, as a tree of `standards/filter`.

What a policy may say of a resource of type `Entity`, and what it becomes:

    resource is Entity, == Entity::"urn:..."      always; this id
    resource in Tenant::"t"                       whether that is the tenant asked
    resource in Type::"Vehicle"                   of this type
    resource in Scope::"/nanning/qingxiu"         has this scope or one below it
    resource in Area::"qingxiu"                   its location lies within the area's geometry
    resource in Department::"urn:..."             its owner is this department or one below it
    principal in resource.owner                   its owner is a department that the principal is in
    resource.id (==, !=, like, [..].contains)     the id
    resource.types.contains, resource.scopes.contains
    resource.owner, resource.classification       the entity's own, `has` included
    resource.values.NAME                          its attribute's default instance: ==, !=, <, <=, >, >=, like,
                                                  has, contains, [..].contains, or alone where it is a boolean

Cedar has three outcomes, true, false and error; a tree has two. So each expression becomes two trees: when it is true,
and when it is false. Where neither holds it fails, and a policy that fails does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from shapely.geometry.base import BaseGeometry

from zhicheng.kernel.errors import Invalid
from zhicheng.security.cedar.entities import Entities
from zhicheng.security.cedar.evaluate import pieces_of
from zhicheng.security.cedar.reduce import Known, reduced
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
    Policy,
    Scope,
    Unary,
    Var,
    mentions,
)
from zhicheng.security.cedar.table import Table
from zhicheng.security.cedar.values import Set, Uid, Value
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.moments import moment
from zhicheng.standards.filter.scope import levels_of
from zhicheng.standards.filter.tree import EVERYTHING, NOTHING, Node, Operand, Path
from zhicheng.standards.ngsild.names import LOCATION

ENTITY = "Entity"
"""The Cedar type of what the city's entities are."""
Sides = tuple[Node, Node]
"""When it is true, when it is false."""
_TRUE: Sides = (EVERYTHING, NOTHING)
_FALSE: Sides = (NOTHING, EVERYTHING)
_FAILS: Sides = (NOTHING, NOTHING)
_FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE: dict[str, tree.Order] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MEMBERS = ("id", "types", "scopes", "values", "owner", "classification")


class NotAFilter(Invalid):
    """A policy says something of entities that cannot be looked for."""

    code = "not-a-filter"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the names in policies mean in a tenant.

    expand: short name -> IRI; short: back again; tenant: the one that is asked
    area: name -> geometry, None where there is none
    below: a department -> the ids of it and all below it
    owner, classification, location: IRIs of the attributes that say so
    """

    expand: Callable[[str], str]
    short: Callable[[str], str]
    tenant: str
    area: Callable[[str], BaseGeometry | None]
    below: Callable[[Uid], frozenset[str]]
    owner: str
    classification: str
    location: str = LOCATION


@dataclass(frozen=True, slots=True)
class _Text:
    """Something of a resource that is compared; kind: what Cedar holds it for (an owner is a department)."""

    path: Path | None
    """None: the id."""
    department: bool = False


def filter_of(table: Table, principal: Uid, action: Uid, context: Mapping[str, Value], words: Vocabulary) -> Node:
    """The entities of a tenant on which a principal may take an action in a context."""
    known = Known(table.entities, principal, action, context, closed=True)
    permits: list[Node] = []
    forbids: list[Node] = []
    for rule in table.row(principal, action).rules:
        rest = reduced(rule.rest, known)
        where = Translator(words, rule.policy, table.entities).sides(rest)[0]
        (permits if rule.policy.permits else forbids).append(where)
    return both(either(permits), negation(either(forbids)))


def check(policy: Policy, words: Vocabulary) -> None:
    """Refuse a policy that bears on entities and cannot be made a filter, whoever asks in whatever context."""
    if not bears_on_entities(policy.resource):
        return
    Translator(words, policy, Entities(), checking=True).sides(policy.expression())


def bears_on_entities(scope: Scope) -> bool:
    """Whether a policy's head lets entities of the city through."""
    return scope.type in (None, ENTITY) and (scope.equal is None or scope.equal.type == ENTITY)


def both(*parts: Node) -> Node:
    """All of them, without what is sure.

    >>> both(EVERYTHING, tree.Type("a"))
    Type(type='a')
    """
    rest = [part for part in parts if part != EVERYTHING]
    if NOTHING in rest:
        return NOTHING
    return tree.all_of(dict.fromkeys(rest))


def either(parts: Iterable[Node]) -> Node:
    """Any of them, without what is sure."""
    rest = [part for part in parts if part != NOTHING]
    if EVERYTHING in rest:
        return EVERYTHING
    return tree.any_of(dict.fromkeys(rest))


def negation(part: Node) -> Node:
    """Not this."""
    if part in (EVERYTHING, NOTHING):
        return NOTHING if part == EVERYTHING else EVERYTHING
    return part.part if isinstance(part, tree.Not) else tree.Not(part)


@dataclass(slots=True)
class Translator:
    """Makes trees of a policy's expressions. checking: what does not speak of the resource may come out either way."""

    words: Vocabulary
    policy: Policy
    entities: Entities
    checking: bool = False
    _either_way: Sides = field(default=(EVERYTHING, EVERYTHING), init=False)

    def fail(self, en: str, zh: str) -> NoReturn:
        """Say which policy, and what of it."""
        name, line = self.policy.id, self.policy.line
        raise NotAFilter(
            f"policy {name!r} (line {line}) cannot be used on entities: {en}",
            f"策略 {name!r}（第 {line} 行）不能用于实体：{zh}", policy=name,
        )  # fmt: skip

    def sides(self, expr: Expr) -> Sides:
        """When a boolean expression is true, and when it is false."""
        match expr:
            case Lit(True):
                return _TRUE
            case Lit(False):
                return _FALSE
            case Lit() | Error():
                return _FAILS
            case _ if not mentions(expr, "resource"):
                return self._either_way if self.checking else _FAILS
            case And(left, right):
                (yes, no), (more, less) = self.sides(left), self.sides(right)
                return both(yes, more), either((no, both(yes, less)))
            case Or(left, right):
                (yes, no), (more, less) = self.sides(left), self.sides(right)
                return either((yes, both(no, more))), both(no, less)
            case Unary("!", of):
                yes, no = self.sides(of)
                return no, yes
            case If(test, then, otherwise):
                (yes, no), one, two = self.sides(test), self.sides(then), self.sides(otherwise)
                return (
                    either((both(yes, one[0]), both(no, two[0]))),
                    either((both(yes, one[1]), both(no, two[1]))),
                )
            case Is(Var("resource"), kind):
                return _TRUE if kind == ENTITY else _FALSE
            case Binary("in", Var("resource"), right):
                return self.membership(right)
            case Binary("in", left, Attr(Var("resource"), "owner")) if not mentions(left, "resource"):
                return self.owned(self.value(left))
            case Binary(operator, left, right):
                return self.comparison(operator, left, right)
            case Has(of, name):
                return self.presence(of, name)
            case Like(of, pattern):
                return self.pattern(self.subject(of), pattern)
            case Call(name, arguments):
                return self.call(name, arguments)
            case Attr():
                subject = self.subject(expr)
                return self.equals(subject, (True,)), self.equals(subject, (False,))
            case _:
                self.fail("this is no condition on a resource", "这不是对资源的条件")

    # what is spoken of -------------------------------------------------------------------------------------

    def subject(self, expr: Expr) -> _Text:
        """What of a resource an expression names."""
        match expr:
            case Attr(Var("resource"), "id"):
                return _Text(None)
            case Attr(Var("resource"), "owner"):
                return _Text(self.path(self.words.owner), department=True)
            case Attr(Var("resource"), "classification"):
                return _Text(self.path(self.words.classification))
            case Attr(Attr(Var("resource"), "values"), name):
                return _Text(self.path(self.words.expand(name)))
            case Attr(Var("resource"), name):
                known = ", ".join(_MEMBERS)
                self.fail(
                    f"a resource has no attribute {name!r}; it has {known}, and its own under values",
                    f"资源没有属性 {name!r}；可用 {known}，实体自身的属性在 values 下",
                )
        self.fail(
            "compare one attribute of the resource with something that does not depend on the resource",
            "请将资源的一个属性与不依赖该资源的值比较",
        )

    def path(self, attribute: str) -> Path:
        """The default instance of an attribute."""
        return Path(attribute, dataset=tree.DEFAULT_INSTANCE)

    def value(self, expr: Expr) -> Value | None:
        """What does not depend on the resource; None where only checking, or where it fails."""
        if mentions(expr, "resource"):
            self.fail(
                "compare one attribute of the resource with something that does not depend on the resource",
                "请将资源的一个属性与不依赖该资源的值比较",
            )
        return expr.value if isinstance(expr, Lit) else None

    def unknown(self) -> Sides:
        """The outcome of what has no value here: it fails, or, while checking, may be anything."""
        return self._either_way if self.checking else _FAILS

    def exists(self, subject: _Text) -> Node:
        """When it is there."""
        return EVERYTHING if subject.path is None else tree.Exists(subject.path)

    # comparisons -------------------------------------------------------------------------------------------

    def comparison(self, operator: str, left: Expr, right: Expr) -> Sides:
        """A comparison with the resource on one side."""
        if operator in ("+", "-", "*", "in"):
            self.fail(
                f"{operator!r} is not possible with an attribute of the resource", f"资源的属性不能用于 {operator!r}"
            )
        if mentions(left, "resource"):
            value = self.value(right)
            return self.placed(left, operator, value)
        return self.placed(right, _FLIPPED[operator], self.value(left))

    def placed(self, of: Expr, operator: str, value: Value | None) -> Sides:
        """`resource == value`, or a comparison of something of it."""
        if isinstance(of, Var):
            if operator not in ("==", "!="):
                return _FAILS
            if value is None:
                return self.unknown()
            yes = tree.Ids(frozenset((value.id,))) if isinstance(value, Uid) and value.type == ENTITY else NOTHING
            sides = (yes, negation(yes))
            return sides if operator == "==" else sides[::-1]
        subject = self.subject(of)
        return self.unknown() if value is None else self.compared(subject, operator, value)

    def compared(self, subject: _Text, operator: str, value: Value) -> Sides:
        """Something of a resource compared with a value."""
        if operator in ("==", "!="):
            yes = self.equals(subject, (value,))
            no = both(self.exists(subject), negation(yes))
            return (yes, no) if operator == "==" else (no, yes)
        if type(value) is not int or subject.path is None or subject.department:
            return _FAILS
        operand = Operand("number", value)
        order: tree.Order = operator  # type: ignore[assignment]  # one of the four
        return tree.Compare(subject.path, order, operand), tree.Compare(subject.path, _OPPOSITE[operator], operand)

    def equals(self, subject: _Text, wanted: Sequence[Value]) -> Node:
        """When it is one of these values; of another type it is none."""
        if subject.department:
            wanted = [each.id for each in wanted if isinstance(each, Uid) and each.type == "Department"]
        texts = [each for each in wanted if isinstance(each, str) and not isinstance(each, Uid)]
        if subject.path is None:
            return tree.Ids(frozenset(texts)) if texts else NOTHING
        path = subject.path
        operands = [Operand("text", each) for each in texts if moment(each) is None]
        operands += [Operand("boolean", each) for each in wanted if isinstance(each, bool)]
        operands += [Operand("number", each) for each in wanted if type(each) is int]
        # a text that tells a time would be compared in time: here it is the letters that count
        letters = [tree.Matches(path, whole(re.escape(each))) for each in texts if moment(each) is not None]
        one: list[Node] = []
        if len(operands) == 1:
            one.append(tree.Compare(path, "==", operands[0]))
        elif operands:
            one.append(tree.In(path, tuple(operands)))
        return either([*one, *letters])

    def pattern(self, subject: _Text, pattern: tuple[str | None, ...]) -> Sides:
        """`like`."""
        if subject.department:
            return _FAILS
        regex = whole(".*".join(re.escape(piece) for piece in pieces_of(pattern)))
        try:
            if subject.path is None:
                yes: Node = tree.IdPattern(regex)
                return yes, negation(yes)
            return tree.Matches(subject.path, regex), tree.Matches(subject.path, regex, negated=True)
        except Invalid as error:
            self.fail(error.en, error.zh)

    def presence(self, of: Expr, name: str) -> Sides:
        """`has`."""
        if isinstance(of, Var):
            if name not in _MEMBERS:
                return _FALSE
            if name not in ("owner", "classification"):
                return _TRUE
            yes = self.exists(self.subject(Attr(of, name)))
        elif isinstance(of, Attr) and of.name == "values" and isinstance(of.of, Var):
            yes = self.exists(self.subject(Attr(of, name)))
        else:
            self.fail("`has` looks at the resource and its values only", "has 只能用于资源及其 values")
        return yes, negation(yes)

    # being in something ------------------------------------------------------------------------------------

    def membership(self, right: Expr) -> Sides:
        """`resource in ...`."""
        if isinstance(right, Lit):
            wanted = right.value.members if isinstance(right.value, Set) else (right.value,)
            if not all(isinstance(each, Uid) for each in wanted):
                return _FAILS
            yes = either(self.inside(each) for each in wanted if isinstance(each, Uid))
            return yes, negation(yes)
        constants = getattr(right, "members", ())
        for each in constants:
            if isinstance(each, Lit) and isinstance(each.value, Uid):
                self.inside(each.value)
        self.value(right)
        return self.unknown()

    def owned(self, inner: Value | None) -> Sides:
        """`principal in resource.owner`."""
        if inner is None:
            return self.unknown()
        if type(inner) is not Uid:
            return _FAILS
        subject = self.subject(Attr(Var("resource"), "owner"))
        yes = self.equals(subject, (inner, *self.entities.above(inner)))
        return yes, both(self.exists(subject), negation(yes))

    def inside(self, outer: Uid) -> Node:
        """When an entity is in something."""
        kind, name = outer
        if kind == ENTITY:
            return tree.Ids(frozenset((name,)))
        if kind == "Tenant":
            return EVERYTHING if name == self.words.tenant else NOTHING
        if kind == "Type":
            return tree.Type(self.words.expand(name))
        if kind == "Scope":
            return tree.Scope(levels_of(name), below=True)
        if kind == "Department":
            path = self.path(self.words.owner)
            ids = sorted(self.words.below(outer) | {name})
            return tree.In(path, tuple(Operand("text", each) for each in ids))
        if kind == "Area":
            return self.area(name)
        return NOTHING

    def area(self, name: str) -> Node:
        """When its location lies in an area."""
        shape = self.words.area(name)
        if shape is None:
            self.fail(f"there is no area {name!r}", f"没有区域 {name!r}")
        return tree.Geo(self.words.location, "within", shape)

    # sets --------------------------------------------------------------------------------------------------

    def call(self, name: str, arguments: tuple[Expr, ...]) -> Sides:
        """`contains` and its kin."""
        if name not in ("contains", "containsAll", "containsAny"):
            self.fail(f"{name} cannot be looked for", f"无法用 {name} 检索")
        left, right = arguments
        if mentions(left, "resource"):
            return self.held(name, left, self.value(right), right)
        if name != "contains":
            self.fail(f"write {name} with the resource first", f"{name} 请将资源写在前面")
        known = self.value(left)
        if isinstance(right, Var):
            if known is None:
                return self.unknown()
            if not isinstance(known, Set):
                return _FAILS
            ids = frozenset(each.id for each in known.members if isinstance(each, Uid) and each.type == ENTITY)
            yes: Node = tree.Ids(ids) if ids else NOTHING
            return yes, negation(yes)
        subject = self.subject(right)
        if known is None:
            return self.unknown()
        if not isinstance(known, Set):
            return _FAILS
        yes = self.equals(subject, known.members)
        return yes, both(self.exists(subject), negation(yes))

    def held(self, name: str, left: Expr, known: Value | None, right: Expr) -> Sides:
        """A set of the resource's that contains a value, or all or any of some."""
        one = self.holder(left)
        if known is None:
            return self.unknown()
        if name == "contains":
            wanted: tuple[Value, ...] = (known,)
        elif isinstance(known, Set):
            wanted = known.members
        else:
            return _FAILS
        parts = [one(each) if type(each) is str else NOTHING for each in wanted]
        yes = either(parts) if name == "containsAny" else both(*parts)
        return yes, negation(yes)

    def holder(self, of: Expr) -> Callable[[str], Node]:
        """What tells that a set of the resource's holds a text."""
        match of:
            case Attr(Var("resource"), "types"):
                return lambda text: tree.Type(self.words.expand(text))
            case Attr(Var("resource"), "scopes"):
                return lambda text: tree.Scope(levels_of(text))
        self.fail(
            "only types and scopes of a resource are sets: write resource.values.NAME == ...",
            "资源只有 types 与 scopes 是集合：请写 resource.values.名称 == ...",
        )


def whole(pattern: str) -> str:
    """A regular expression for a whole text, line breaks included."""
    return f"^(?s:{pattern})$"
