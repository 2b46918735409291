"""Filters made of policies against Cedar itself: an entity passes the filter exactly where Cedar allows it."""

from __future__ import annotations

import random
from typing import Any

import cedarpy
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from zhicheng.kernel.errors import Invalid
from zhicheng.security.cedar.entities import Entities
from zhicheng.security.cedar.entities import Entity as Held
from zhicheng.security.cedar.filters import NotAFilter, Vocabulary, bears_on_entities, check, filter_of
from zhicheng.security.cedar.masks import mask_of
from zhicheng.security.cedar.parse import parse
from zhicheng.security.cedar.table import Table
from zhicheng.security.cedar.values import Uid, Value, quoted, set_of
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.document import matches
from zhicheng.standards.filter.q import parse as parse_q
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import LOCATION

AREAS = {"north": shapely.box(0, 0, 2, 2), "south": shapely.box(0, -2, 2, 0.5)}
DEPARTMENTS = {"roads": ["city"], "water": ["city"], "city": []}
IDS = ["urn:a:1", "urn:a:2", "urn:b:1", "2026-11-28T08:00:00Z:x"]
TEXTS = ["", "a", "abc", "a*c", "x\ny", "张三", "2026-11-28", "2026-11-28T00:00:00Z", "12:00:00", "public", "internal"]
NUMBERS = [0, 1, -5, 7, 100, 2**40]
VALUES = ["n", "m", "name", "kind", "flag"]


def shortened(iri: str) -> str:
    return iri.removeprefix("urn:")


def words(tenant: str = "t") -> Vocabulary:
    below = {"city": {"city", "roads", "water"}}
    return Vocabulary(
        "urn:".__add__,
        shortened,
        tenant,
        AREAS.get,
        lambda uid: frozenset(below.get(uid.id, {uid.id})),
        "urn:owner",
        "urn:class",
    )


def held_entities() -> Entities:
    people = [
        Held(Uid("Person", "li"), {"n": 1, "department": Uid("Department", "roads"), "ids": set_of(IDS[:2])},
             frozenset((Uid("Department", "roads"), Uid("Role", "reader")))),
        Held(Uid("Person", "wang"), {"n": 7, "department": Uid("Department", "city"), "flag": True},
             frozenset((Uid("Department", "city"),))),
    ]  # fmt: skip
    departments = [
        Held(Uid("Department", name), {}, frozenset(Uid("Department", parent) for parent in parents))
        for name, parents in DEPARTMENTS.items()
    ]
    return Entities([*people, *departments])


PEOPLE_JSON: list[dict[str, Any]] = [
    {"uid": {"type": "Person", "id": "li"}, "attrs": {
        "n": 1, "department": {"__entity": {"type": "Department", "id": "roads"}}, "ids": IDS[:2],
    }, "parents": [{"type": "Department", "id": "roads"}, {"type": "Role", "id": "reader"}]},
    {"uid": {"type": "Person", "id": "wang"}, "attrs": {
        "n": 7, "department": {"__entity": {"type": "Department", "id": "city"}}, "flag": True,
    }, "parents": [{"type": "Department", "id": "city"}]},
    *(
        {"uid": {"type": "Department", "id": name}, "attrs": {},
         "parents": [{"type": "Department", "id": parent} for parent in parents]}
        for name, parents in DEPARTMENTS.items()
    ),
]  # fmt: skip


class Chance:
    """Draws conditions that can be filters."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.dice.choice(choices)

    def condition(self, depth: int) -> str:
        if depth > 0 and self.dice.random() < 0.6:
            one, two = self.condition(depth - 1), self.condition(depth - 1)
            return self.pick(
                f"({one} && {two})",
                f"({one} || {two})",
                f"!({one})",
                f"(if {one} then {two} else {self.condition(depth - 1)})",
            )
        return self.term()

    def term(self) -> str:
        value, other = f"resource.values.{self.dice.choice(VALUES)}", self.other()
        text, sign = quoted(self.dice.choice(TEXTS)), self.pick("<", "<=", ">", ">=", "==", "!=")
        some = ", ".join(self.other() for _ in range(self.dice.randrange(3)))
        uid = self.pick(
            'Tenant::"t"', 'Tenant::"u"', 'Type::"Car"', 'Scope::"/s"', 'Scope::"/s/t"', 'Area::"north"',
            'Area::"south"', 'Department::"city"', 'Department::"roads"', f"Entity::{quoted(self.dice.choice(IDS))}",
            "principal.department", "principal", 'Other::"x"',
        )  # fmt: skip
        car, bus, one_scope, two_scopes = map(quoted, ("Car", "Bus", "/s", "/s/t"))
        return self.dice.choice(
            [
                f"{value} {sign} {other}",
                f"{other} {sign} {value}",
                f"{value} == {text}",
                f"{value} like {self.pattern()}",
                f"resource.values has {self.dice.choice(VALUES)}",
                f"resource has {self.pick('owner', 'classification', 'id', 'foo')}",
                f"[{some}].contains({value})",
                f"resource in {uid}",
                f"resource in [{uid}, {Uid('Tenant', 'u')}]",
                f"resource is {self.pick('Entity', 'Attribute')}",
                f"resource == Entity::{quoted(self.dice.choice(IDS))}",
                f"resource.id {self.pick('==', '!=')} {quoted(self.dice.choice(IDS))}",
                f"resource.id like {self.pattern()}",
                "principal.ids.contains(resource.id)",
                f"resource.types.contains({self.pick(car, bus, '1')})",
                f"resource.types.{self.pick('containsAll', 'containsAny')}([{self.pick(car, '')}])",
                f"resource.scopes.contains({self.pick(one_scope, two_scopes)})",
                f"resource.owner {self.pick('==', '!=')} {self.pick('principal.department', 'principal', '1')}",
                "principal in resource.owner",
                f"resource.classification {self.pick('==', '!=')} {text}",
                f"{self.pick('[', '[1, ')}{text}].contains(resource.classification)",
                "resource.values.flag",
                "context.flag",
                "context.n == principal.n",
                'principal in Role::"reader"',
                "context has n",
                'Department::"gone" has x',
            ]
        )

    def other(self) -> str:
        return self.pick(str(self.dice.choice(NUMBERS)), quoted(self.dice.choice(TEXTS)), "true", "principal.n",
                         "context.n", "principal.flag", "context.name", "context.n + 1")  # fmt: skip

    def pattern(self) -> str:
        return (
            '"'
            + "".join(self.pick("*", "a", "c", "\\*", ":", "1", "张", "\\n") for _ in range(self.dice.randrange(4)))
            + '"'
        )

    def policies(self) -> str:
        return "\n".join(self.policy(number) for number in range(self.dice.randrange(1, 4)))

    def policy(self, number: int) -> str:
        principal = self.pick("principal", "principal is Person")
        resource = self.pick("resource", "resource", "resource is Entity", "resource is Attribute")
        head = f'@id("p{number}") {self.pick("permit", "permit", "forbid")}({principal}, action, {resource})'
        return f"{head} {self.pick('when', 'unless')} {{ {self.condition(self.dice.randrange(4))} }};"

    def entity(self) -> tuple[Entity, dict[str, Any], list[dict[str, str]]]:
        """An entity, and what Cedar is to know of it: attributes and parents."""
        dice = self.dice
        types = tuple(dice.sample(("Car", "Bus", "Van"), dice.randrange(1, 3)))
        scopes = tuple(dice.sample(("/s", "/s/t", "/u"), dice.randrange(3)))
        entity = Entity(dice.choice(IDS), tuple("urn:" + name for name in types), scope=scopes)
        values: dict[str, Json] = {}
        for name in VALUES:
            if dice.random() < 0.7:
                values[name] = dice.choice([dice.choice(NUMBERS), dice.choice(TEXTS), dice.random() < 0.5])
                entity.attributes[f"urn:{name}"] = [Attribute(Kind.PROPERTY, values[name])]
        seen: dict[str, Any] = {"id": entity.id, "types": list(types), "scopes": list(scopes), "values": values}
        parents = [("Tenant", "t"), *(("Type", name) for name in types)]
        parents += [
            ("Scope", above)
            for scope in scopes
            for above in ("/s", "/s/t", "/u")
            if f"{scope}/".startswith(f"{above}/")
        ]
        if dice.random() < 0.7:
            owner = dice.choice(list(DEPARTMENTS))
            entity.attributes["urn:owner"] = [Attribute(Kind.RELATIONSHIP, owner)]
            seen["owner"] = {"__entity": {"type": "Department", "id": owner}}
            parents += [("Department", owner), *(("Department", above) for above in DEPARTMENTS[owner])]
        if dice.random() < 0.7:
            seen["classification"] = dice.choice(TEXTS)
            entity.attributes["urn:class"] = [Attribute(Kind.PROPERTY, seen["classification"])]
        if dice.random() < 0.8:
            x, y = dice.choice([0.5, 1.5, 3.0]), dice.choice([-1.0, 0.25, 1.0])
            entity.attributes[LOCATION] = [Attribute(Kind.GEO, {"type": "Point", "coordinates": [x, y]})]
            parents += [("Area", name) for name, shape in AREAS.items() if shape.contains(shapely.Point(x, y))]
        return entity, seen, [{"type": kind, "id": name} for kind, name in dict.fromkeys(parents)]


@given(st.integers(0, 2**40))
@settings(max_examples=150, deadline=None)
def test_an_entity_passes_exactly_where_cedar_allows_it(seed: int) -> None:
    chance = Chance(seed)
    text = chance.policies()
    policies = parse(text)
    for policy in policies:
        check(policy, words())
    table = Table(policies, held_entities())
    context: dict[str, Value] = {"n": chance.dice.choice(NUMBERS), "name": chance.dice.choice(TEXTS)}
    if chance.dice.random() < 0.5:
        context["flag"] = chance.dice.random() < 0.5
    for person in ("li", "wang", "nobody"):
        where = filter_of(table, Uid("Person", person), Uid("Action", "read"), context, words())
        for _ in range(5):
            entity, seen, parents = chance.entity()
            document = [*PEOPLE_JSON, {"uid": {"type": "Entity", "id": entity.id}, "attrs": seen, "parents": parents}]
            asked = {"principal": f'Person::"{person}"', "action": 'Action::"read"',
                     "resource": {"type": "Entity", "id": entity.id}, "context": dict(context)}  # fmt: skip
            found = cedarpy.is_authorized(asked, text, document)
            assert found.decision is not cedarpy.Decision.NoDecision, found.diagnostics.errors
            assert matches(where, entity) == found.allowed, (text, asked, entity, where, found.diagnostics.errors)


@pytest.mark.parametrize(("condition", "word"), [
    ("resource.foo == 1", "foo"), ("resource.values.n == resource.values.m", "does not depend"),
    ("resource.values.n + 1 == 2", "does not depend"), ("resource in resource.owner", "does not depend"),
    ("resource.values.a.b == 1", "does not depend"), ('ip(resource.values.a).isIpv4()', "isIpv4"),
    ('resource.owner.name == "x"', "does not depend"), ('resource in Area::"nowhere"', "nowhere"),
    ("resource.values.tags.contains(1)", "types and scopes"), ("[1].containsAny(resource.types)", "first"),
    ("resource.values in principal", "'in'"), ("resource.owner has name", "looks at"),
    ("principal == resource.values", "values"),
    ("true && (false || resource.bar)", "bar"), ("if context.a then resource.x else true", "x"),
    (f'resource.id like "{"a" * 600}*"', "512"),
])  # fmt: skip
def test_what_cannot_be_looked_for_is_refused_when_it_is_loaded(condition: str, word: str) -> None:
    [policy] = parse(f'@id("odd") permit(principal, action, resource) when {{ {condition} }};')
    with pytest.raises(NotAFilter) as refused:
        check(policy, words())
    assert word in refused.value.en and "'odd'" in refused.value.en and "策略" in refused.value.zh
    [other] = parse(f"permit(principal, action, resource is Attribute) when {{ {condition} }};")
    check(other, words())
    assert not bears_on_entities(other.resource)


def test_a_filter_is_what_one_would_have_written() -> None:
    text = """
    permit(principal in Role::"reader", action, resource) when { resource in principal.department };
    forbid(principal, action, resource) when { resource.values has secret };
    """
    table = Table(parse(text), held_entities())
    where = filter_of(table, Uid("Person", "li"), Uid("Action", "read"), {}, words())
    path = tree.Path("urn:secret", dataset="@none")
    owner = tree.In(tree.Path("urn:owner", dataset="@none"), (tree.Operand("text", "roads"),))
    assert where == tree.And((owner, tree.Not(tree.Exists(path))))
    assert filter_of(table, Uid("Person", "wang"), Uid("Action", "read"), {}, words()) == tree.NOTHING


def test_a_mask_hides_by_name_owner_and_classification_and_tells_what_may_not_be_asked() -> None:
    text = """
    permit(principal, action, resource);
    forbid(principal, action, resource is Attribute)
    when { resource has classification && resource.classification != "public" }
    unless { resource has owner && principal in resource.owner };
    forbid(principal, action, resource == Attribute::"salary");
    """
    table = Table(parse(text), held_entities())
    mask = mask_of(table, Uid("Person", "li"), Uid("Action", "read"), {}, shortened, "t")
    assert mask.shows("urn:name") and mask.shows("urn:name", "water", "public")
    assert mask.shows("urn:name", "roads", "secret") and mask.shows("urn:name", "city", "secret")
    assert not mask.shows("urn:name", "water", "secret") and not mask.shows("urn:name", None, "secret")
    assert not mask.shows("urn:salary")
    asked = parse_q('salary>5000|name=="x";!height', "urn:".__add__)
    assert mask.hides_from(asked, lambda _: ()) == {"urn:salary"}
    assert mask.hides_from(asked, lambda _: ((None, None), ("water", "secret"))) == {
        "urn:salary",
        "urn:name",
        "urn:height",
    }
    with pytest.raises(Invalid):
        parse("permit(principal, action, resource) when { ?resource };")
