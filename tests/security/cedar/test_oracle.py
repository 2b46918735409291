"""Decisions by our tables beside Cedar's own; `python -m tests.security.cedar.chance 1000000` makes a million."""

from __future__ import annotations

import contextlib

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.cedar.chance import Chance, compared
from zhicheng.kernel.errors import Invalid
from zhicheng.security.cedar.entities import Entities, Entity, Overlay
from zhicheng.security.cedar.evaluate import Request, function_of
from zhicheng.security.cedar.parse import parse
from zhicheng.security.cedar.reduce import Known, reduced
from zhicheng.security.cedar.syntax import Expr
from zhicheng.security.cedar.table import Table
from zhicheng.security.cedar.values import Failed, Uid, quoted


@given(st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_tables_decide_as_cedar_does_for_the_same_reasons(seed: int) -> None:
    for asked, ours, theirs in compared(seed, 40, reasons=True):
        assert ours == theirs, asked


ACCEPTED = (
    "",
    "[1,2,].contains(1)",
    "if true then true else 1",
    "01 == 1",
    "-9223372036854775808 < 0",
    "- 9223372036854775808 == 1",
    "!!!!true",
    "1 + 2 * 3 - -4 == 11",
    'principal is User in Role::"x" || true',
    "if true then true else true && false",
    "context has a.b.c",
    'principal has "a b"',
    "{a: 1}.a == 1",
    '{"a b": 1}["a b"] == 1',
    '"\\u{41}\\x42\\n" == "AB\\n"',
    '"a*" like "a\\**"',
    'A::B::"c" == principal',
    "(if true then {a:1} else {b:1}).a == 1",
    "true // a comment\n",
    "context.principal.action == 1",
    "-(1) == -1",
    "!(1)",
    "[].isEmpty()",
    "true || 1",
    '"a\nb" == "b"',
)
REFUSED = (
    " ",
    "{a:1,a:2}.a == 1",
    "1 < 2 < 3",
    "!!!!!true",
    "-----1 == 1",
    '"a".foo()',
    "principal.in == 1",
    '{"in": 1}.in == 1',
    "'a' == 1",
    "context.ip(1)",
    'isIpv4(ip("1.1.1.1"))',
    "1 == 1,",
    "true && if true then true else false",
    "9223372036854775808 == 1",
    'context has "a".b',
    "1 / 2 == 0",
    "1 % 2 == 0",
    "unknown",
    "foo(1) == 1",
    '"\\q" == "a"',
    '"\\*" == "a"',
    "[1 2]",
    "{a 1}",
    "(true",
    "principal == ?principal",
    "a::b",
    "Role::x",
    "true == ",
    "[].contains()",
    '"\\xff" == "a"',
    '"\\u{d800}" == "a"',
    "if true then 1",
    "true) };",
    '"unclosed',
    "#",
    "principal is",
    "principal like principal",
    "1 in 2 in 3",
    "true has a has b",
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_cedar_reads_is_read(text: str) -> None:
    whole = "permit(principal, action, resource)" + (f" when {{ {text} }};" if text else ";")
    cedarpy.PolicySet.from_str(whole)
    assert len(parse(whole)) == 1


@pytest.mark.parametrize("text", REFUSED)
def test_what_cedar_refuses_is_refused_with_its_place(text: str) -> None:
    whole = f"permit(principal, action, resource) when {{ {text} }};"
    with pytest.raises(ValueError):
        cedarpy.PolicySet.from_str(whole)
    with pytest.raises(Invalid) as refused:
        parse(whole)
    assert refused.value.en.startswith("line ") and refused.value.zh.startswith("第 ")


@pytest.mark.parametrize("head", [
    "(principal, action is Action, resource)", '(principal in [User::"u"], action, resource)', "(principal, action)",
    "(resource, action, principal)", '(principal == "u", action, resource)', "(principal, action, resource, context)",
    '(principal, action in [Action::"a" Action::"b"], resource)', "(principal == ?principal, action, resource)",
])  # fmt: skip
def test_heads_that_are_none(head: str) -> None:
    with pytest.raises(Invalid):
        parse(f"permit{head};")


@pytest.mark.parametrize(
    "text",
    [
        "permit",
        "allow(principal, action, resource);",
        "@id(1) permit(principal, action, resource);",
        '@id("a") @id("b") permit(principal, action, resource);',
        '@id("a") permit(principal,action,resource); @id("a") forbid(principal,action,resource);',
        "permit(principal, action, resource)",
        "permit(principal, action, resource) when true;",
    ],
)
def test_texts_that_are_no_policies(text: str) -> None:
    with pytest.raises(Invalid):
        parse(text)


def test_nesting_without_end_is_refused_and_not_a_crash() -> None:
    for text in ("(" * 10_000, "[" * 10_000, "if " * 10_000, "{a:" * 10_000):
        with pytest.raises(Invalid):
            parse(f"permit(principal, action, resource) when {{ {text}")
    with pytest.raises(Invalid):
        parse(" " * 2_000_000)


@given(st.text(max_size=60))
def test_every_text_becomes_a_literal_and_itself_again(text: str) -> None:
    [policy] = parse(f"permit(principal == U::{quoted(text)}, action, resource);")
    assert policy.principal.equal == Uid("U", text)


@given(st.text(max_size=80))
def test_no_text_crashes_the_parser(text: str) -> None:
    with contextlib.suppress(Invalid):
        parse(text)


def test_principals_of_one_class_share_a_row() -> None:
    reader, action = Uid("Role", "reader"), Uid("Action", "read")
    people = [Entity(Uid("Person", str(number)), {"n": number % 3}, frozenset((reader,))) for number in range(100)]
    text = 'permit(principal in Role::"reader", action, resource) when { resource.n < principal.n };'
    table = Table(parse(text), Entities(people))
    for person in people:
        entities = Overlay(table.entities, [Entity(Uid("R", "r"), {"n": 1})])
        allowed = table.allows(person.uid, action, Uid("R", "r"), entities=entities)
        assert allowed == (person.attributes["n"] == 2)
    assert table.classes == 3
    by_name = Table(
        parse("permit(principal, action, resource) when { resource.owner == principal };"), Entities(people)
    )
    for person in people:
        entities = Overlay(by_name.entities, [Entity(Uid("R", "r"), {"owner": people[7].uid})])
        assert by_name.allows(person.uid, action, Uid("R", "r"), entities=entities) == (person is people[7])


@given(st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_filling_in_what_is_known_changes_nothing(seed: int) -> None:
    """Whichever parts of a request are known first, each policy is true of the same requests."""
    chance = Chance(seed)
    world = chance.world()
    stays = Entities([entity for entity in world.entities if entity.uid.type not in ("Entity", "Tenant", "Area")])
    entities = Overlay(stays, [entity for entity in world.entities if entity.uid.type in ("Entity", "Tenant", "Area")])
    for _ in range(10):
        principal, action, resource, context, _ = chance.request()
        request = Request(principal, action, resource, context, entities)
        for policy in parse(world.text):
            whole = policy.expression()
            known_first = reduced(whole, Known(stays, None, action, context))
            known_all = reduced(known_first, Known(stays, principal))
            results = {true_of(expr, request) for expr in (whole, known_first, known_all)}
            assert len(results) == 1, (policy, request)


def true_of(expr: Expr, request: Request) -> bool:
    try:
        return function_of(expr)(request) is True
    except Failed:
        return False
