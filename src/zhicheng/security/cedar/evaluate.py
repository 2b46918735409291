"""Expressions evaluated with Cedar's semantics: made into functions once, called for each request."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zhicheng.security.cedar import values
from zhicheng.security.cedar.entities import Entities
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
)
from zhicheng.security.cedar.values import (
    Datetime,
    Decimal,
    Duration,
    Failed,
    Ip,
    Set,
    Uid,
    Value,
    bounded,
    name_of,
    same,
    set_of,
)


@dataclass(slots=True)
class Request:
    """What is asked, and the entities it is asked among."""

    principal: Uid
    action: Uid
    resource: Uid
    context: Mapping[str, Value]
    entities: Entities


Run = Callable[[Request], Value]


def wanted(value: Value, *kinds: type) -> Failed:
    """The error of a value of another type than is wanted."""
    names = " or ".join(values.NAMES[kind] for kind in kinds)
    return Failed(f"expected {names}, got {name_of(value)}")


def function_of(expr: Expr) -> Run:
    """The expression as a function; it raises Failed where Cedar errs.

    >>> from zhicheng.security.cedar.parse import parse_expression
    >>> request = Request(Uid("P", "p"), Uid("Action", "a"), Uid("R", "r"), {"n": 4}, Entities())
    >>> function_of(parse_expression('context.n < 5 && context has "m" == false'.replace(" == false", "")))(request)
    False
    """
    match expr:
        case Lit(value):
            return lambda _: value
        case Error(text):
            return lambda _: _fail(text)
        case Var(name):
            return operator.attrgetter(name)
        case And(left, right):
            return _and(function_of(left), function_of(right))
        case Or(left, right):
            return _or(function_of(left), function_of(right))
        case If(test, yes, no):
            return _if(function_of(test), function_of(yes), function_of(no))
        case Unary("!", of):
            return _not(function_of(of))
        case Unary(_, of):
            inner = function_of(of)
            return lambda request: bounded(-long(inner(request)))
        case Binary():
            return _binary(expr)
        case Attr(Var("context"), name):
            return _of_context(name)
        case Attr(of, name):
            return _attribute(function_of(of), name)
        case Has(of, name):
            return _has(function_of(of), name)
        case Like(of, pattern):
            inner, match = function_of(of), matcher(pattern)
            return lambda request: match(text_of(inner(request)))
        case Is(of, kind):
            inner = function_of(of)
            return lambda request: entity(inner(request)).type == kind
        case SetOf(members):
            runs = [function_of(member) for member in members]
            return lambda request: set_of(run(request) for run in runs)
        case RecordOf(pairs):
            named = [(name, function_of(each)) for name, each in pairs]
            return lambda request: {name: run(request) for name, run in named}
        case Call(name, arguments):
            return _call(name, [function_of(argument) for argument in arguments])


def _fail(text: str) -> Value:
    raise Failed(text)


def truth(value: Value) -> bool:
    """A boolean, or Failed."""
    if value is True or value is False:
        return value
    raise wanted(value, bool)


def long(value: Value) -> int:
    """An integer, or Failed."""
    if type(value) is int:
        return value
    raise wanted(value, int)


def text_of(value: Value) -> str:
    """A string, or Failed."""
    if isinstance(value, str):
        return value
    raise wanted(value, str)


def entity(value: Value) -> Uid:
    """An entity, or Failed."""
    if type(value) is Uid:
        return value
    raise wanted(value, Uid)


def members(value: Value) -> Set:
    """A set, or Failed."""
    if type(value) is Set:
        return value
    raise wanted(value, Set)


def _and(left: Run, right: Run) -> Run:
    def run(request: Request) -> Value:
        value = left(request)
        return truth(right(request)) if value is True else truth(value)

    return run


def _or(left: Run, right: Run) -> Run:
    def run(request: Request) -> Value:
        value = left(request)
        return truth(right(request)) if value is False else truth(value)

    return run


def _not(of: Run) -> Run:
    return lambda request: not truth(of(request))


def _if(test: Run, yes: Run, no: Run) -> Run:
    return lambda request: yes(request) if truth(test(request)) else no(request)


# comparisons and arithmetic ------------------------------------------------------------------------------------

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _binary(expr: Binary) -> Run:
    left, right, sign = function_of(expr.left), function_of(expr.right), expr.operator
    if isinstance(expr.right, Lit) and type(expr.right.value) in _SIMPLE and (sign == "==" or sign in _ORDER):
        return _with_constant(sign, left, expr.right.value)
    if sign == "==":
        return lambda request: same(left(request), right(request))
    if sign == "!=":
        return lambda request: not same(left(request), right(request))
    if sign == "in":
        return lambda request: within(entity(left(request)), right(request), request.entities)
    if sign in _ORDER:
        order = _ORDER[sign]
        return lambda request: ordered(order, left(request), right(request))
    compute = _ARITHMETIC[sign]

    def run(request: Request) -> Value:
        one, two = left(request), right(request)
        return bounded(compute(long(one), long(two)))

    return run


_SIMPLE = (str, int, bool, Uid)


def _with_constant(sign: str, left: Run, constant: Value) -> Run:
    """A comparison with a constant whose type is looked at once."""
    kind = type(constant)
    if sign == "==":

        def equal(request: Request) -> Value:
            value = left(request)
            return type(value) is kind and value == constant

        return equal
    order, number = _ORDER[sign], constant
    if type(number) is not int:
        return lambda request: ordered(order, left(request), number)

    def compared(request: Request) -> Value:
        value = left(request)
        return order(value, number) if type(value) is int else ordered(order, value, number)

    return compared


def ordered(order: Callable[[int, int], bool], left: Value, right: Value) -> bool:
    """Integers, datetimes or durations compared; both of one type."""
    if type(left) is int:
        return order(left, long(right))
    if isinstance(left, Datetime | Duration):
        if type(right) is not type(left):
            raise wanted(right, type(left))
        return order(left.millis, right.millis)
    raise wanted(left, int, Datetime, Duration)


def within(inner: Uid, outer: Value, entities: Entities) -> bool:
    """`inner in outer`, where outer is an entity or a set of them."""
    if type(outer) is Uid:
        return inner == outer or outer in entities.above(inner)
    if type(outer) is not Set:
        raise wanted(outer, Uid, Set)
    wanted_ones = [entity(member) for member in outer.members]
    above = entities.above(inner)
    return any(one == inner or one in above for one in wanted_ones)


# attributes ----------------------------------------------------------------------------------------------------


def _of_context(name: str) -> Run:
    """`context.name`, the most frequent of all."""

    def run(request: Request) -> Value:
        try:
            return request.context[name]
        except KeyError:
            raise Failed(f"the record has no attribute {name!r}") from None

    return run


def _attribute(of: Run, name: str) -> Run:
    def run(request: Request) -> Value:
        return attribute(of(request), name, request.entities)

    return run


def attribute(value: Value, name: str, entities: Entities) -> Value:
    """`value.name`."""
    if isinstance(value, dict):
        if name not in value:
            raise Failed(f"the record has no attribute {name!r}")
        return value[name]
    found = entities.get(entity_or_record(value))
    if found is None:
        raise Failed(f"there is no entity {value}")
    if name not in found.attributes:
        raise Failed(f"{value} has no attribute {name!r}")
    return found.attributes[name]


def entity_or_record(value: Value) -> Uid:
    """An entity, where records were dealt with already."""
    if type(value) is Uid:
        return value
    raise wanted(value, Uid, dict)


def _has(of: Run, name: str) -> Run:
    return lambda request: has(of(request), name, request.entities)


def has(value: Value, name: str, entities: Entities) -> bool:
    """`value has name`."""
    if isinstance(value, dict):
        return name in value
    found = entities.get(entity_or_record(value))
    return found is not None and name in found.attributes


def matcher(pattern: tuple[str | None, ...]) -> Callable[[str], bool]:
    """A test for `like`: pieces between wildcards are found from the left, in linear time a piece.

    >>> matcher(("a", None, "c"))("abbc")
    True
    """
    pieces = pieces_of(pattern)
    if len(pieces) == 1:
        return lambda text: text == pieces[0]
    first, middle, last = pieces[0], pieces[1:-1], pieces[-1]

    def match(text: str) -> bool:
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return match


def pieces_of(pattern: tuple[str | None, ...]) -> list[str]:
    """The texts between a pattern's wildcards."""
    pieces = [""]
    for each in pattern:
        if each is None:
            pieces.append("")
        else:
            pieces[-1] += each
    return pieces


# functions and methods -----------------------------------------------------------------------------------------


def _call(name: str, arguments: list[Run]) -> Run:
    if len(arguments) == 1:
        (only,) = arguments
        alone = _ALONE[name]
        return lambda request: alone(only(request))
    one, two = arguments
    if name in _TAGS:
        return lambda request: _TAGS[name](entity(one(request)), two(request), request.entities)
    both = _BOTH[name]
    return lambda request: both(one(request), two(request))


def _has_tag(uid: Uid, name: Value, entities: Entities) -> bool:
    found = entities.get(uid)
    return text_of(name) in (found.tags if found is not None else ())


def _get_tag(uid: Uid, name: Value, entities: Entities) -> Value:
    found = entities.get(uid)
    if found is None or text_of(name) not in found.tags:
        raise Failed(f"{uid} has no tag {text_of(name)!r}")
    return found.tags[text_of(name)]


_TAGS: Mapping[str, Callable[[Uid, Value, Entities], Value]] = {"hasTag": _has_tag, "getTag": _get_tag}


def _address(value: Value) -> Ip:
    if type(value) is Ip:
        return value
    raise wanted(value, Ip)


def _moment(value: Value) -> Datetime:
    if type(value) is Datetime:
        return value
    raise wanted(value, Datetime)


def _span(value: Value) -> Duration:
    if type(value) is Duration:
        return value
    raise wanted(value, Duration)


def _units(value: Value) -> int:
    if type(value) is Decimal:
        return value.units
    raise wanted(value, Decimal)


_DAY = 86_400_000


def _toward_zero(value: Value, size: int) -> int:
    millis = _span(value).millis
    return millis // size if millis >= 0 else -(-millis // size)


def _special(value: Value, ranges: Mapping[int, Ip]) -> bool:
    address = _address(value)
    return values.in_range(address, ranges[address.version])


_ALONE: Mapping[str, Callable[[Value], Value]] = {
    "ip": lambda value: values.ip(text_of(value)),
    "decimal": lambda value: values.decimal(text_of(value)),
    "datetime": lambda value: values.datetime(text_of(value)),
    "duration": lambda value: values.duration(text_of(value)),
    "isEmpty": lambda value: not members(value).keys,
    "isIpv4": lambda value: _address(value).version == 4,
    "isIpv6": lambda value: _address(value).version == 6,
    "isLoopback": lambda value: _special(value, values.LOOPBACK),
    "isMulticast": lambda value: _special(value, values.MULTICAST),
    "toDate": lambda value: Datetime(bounded(_moment(value).millis // _DAY * _DAY)),
    "toTime": lambda value: Duration(_moment(value).millis % _DAY),
    "toMilliseconds": lambda value: _toward_zero(value, 1),
    "toSeconds": lambda value: _toward_zero(value, 1000),
    "toMinutes": lambda value: _toward_zero(value, 60_000),
    "toHours": lambda value: _toward_zero(value, 3_600_000),
    "toDays": lambda value: _toward_zero(value, _DAY),
}


def _decimals(order: Callable[[int, int], bool]) -> Callable[[Value, Value], Value]:
    return lambda left, right: order(_units(left), _units(right))


_BOTH: Mapping[str, Callable[[Value, Value], Value]] = {
    "contains": lambda left, right: values.key(right) in members(left).keys,
    "containsAll": lambda left, right: members(left).keys >= members(right).keys,
    "containsAny": lambda left, right: not members(left).keys.isdisjoint(members(right).keys),
    "isInRange": lambda left, right: values.in_range(_address(left), _address(right)),
    "lessThan": _decimals(operator.lt),
    "lessThanOrEqual": _decimals(operator.le),
    "greaterThan": _decimals(operator.gt),
    "greaterThanOrEqual": _decimals(operator.ge),
    "offset": lambda left, right: Datetime(bounded(_moment(left).millis + _span(right).millis)),
    "durationSince": lambda left, right: Duration(bounded(_moment(left).millis - _moment(right).millis)),
}
