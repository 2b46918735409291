"""The shipped policies: the roles as they are, three administrators apart, clerks, citizens, devices, applications."""

from __future__ import annotations

import cedarpy
import pytest

from tests.security.cedar.test_filters import words
from zhicheng.kernel.errors import Invalid
from zhicheng.security import principals
from zhicheng.security.actions import ACTIONS, PUBLIC, ROLES, permitted
from zhicheng.security.cedar.entities import Entity as Held
from zhicheng.security.cedar.values import Uid
from zhicheng.security.defaults import POLICIES
from zhicheng.security.policies import Policies, check, findings
from zhicheng.security.principals import principal, tenant
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.document import matches
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind

HERE = tenant("t")
DEPARTMENTS = list(principals.departments({"city": None, "roads": "city", "water": "city"}))


def policies(*subjects: Held) -> Policies:
    return Policies(POLICIES, [*DEPARTMENTS, *subjects, principals.guest("t")], words())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_roles_may_what_they_may_now_and_nothing_in_another_tenant(role: str, action: str) -> None:
    one = principal("x", "t", [role])
    loaded = policies(one)
    assert loaded.allows(one.uid, action, HERE) == (action in permitted([role]))
    assert not loaded.allows(one.uid, action, tenant("u"))
    where = loaded.filter(one.uid, action, {}, words("u"))
    assert where == tree.NOTHING
    if role != "citizen":  # whose entities are those that are public
        everything = tree.EVERYTHING if action in permitted([role]) else tree.NOTHING
        assert loaded.filter(one.uid, action, {}, words()) == everything


def test_cedar_reads_them_and_nothing_is_odd() -> None:
    assert len(cedarpy.PolicySet.from_str(POLICIES)) == POLICIES.count("@id(")
    assert check(POLICIES, words()) == []


def test_who_is_nobody_may_nothing() -> None:
    loaded = policies()
    for action in set(ACTIONS) - {PUBLIC}:
        assert not loaded.allows(Uid("Person", "nobody"), action, HERE)
        assert not loaded.may_ever(principal("x", "t").uid, action)


ADMINISTRATORS = ("system-administrator", "security-administrator", "audit-administrator")


@pytest.mark.parametrize("first", ADMINISTRATORS)
@pytest.mark.parametrize("second", ADMINISTRATORS)
def test_one_person_cannot_be_two_of_the_three(first: str, second: str) -> None:
    one = principal("x", "t", [first, second])
    loaded = policies(one)
    taken = [action for action in set(ACTIONS) - {PUBLIC, "account:own"} if loaded.allows(one.uid, action, HERE)]
    assert bool(taken) == (first == second)


def test_a_clerk_sees_what_is_public_and_what_the_own_department_owns() -> None:
    clerk = principal("li", "t", ["clerk"], kind="Person", department="roads")
    loaded = policies(clerk)
    mask = loaded.mask(clerk.uid, "entities:read", {}, words())
    assert mask.shows("urn:name") and mask.shows("urn:name", "water", "public")
    assert mask.shows("urn:phone", "roads", "internal") and mask.shows("urn:phone", "city", "internal")
    assert not mask.shows("urn:phone", "water", "internal") and not mask.shows("urn:phone", None, "secret")
    assert loaded.filter(clerk.uid, "entities:read", {}, words()) == tree.EVERYTHING
    assert not loaded.allows(clerk.uid, "entities:write", HERE)


def test_a_citizen_needs_no_account_and_sees_what_is_public() -> None:
    loaded = policies()
    where = loaded.filter(principals.GUEST, "entities:read", {}, words())
    shown = Entity("urn:a", ("urn:T",))
    hidden = Entity("urn:b", ("urn:T",), {"urn:class": [Attribute(Kind.PROPERTY, "internal")]})
    assert matches(where, shown) and not matches(where, hidden)
    mask = loaded.mask(principals.GUEST, "entities:read", {}, words())
    assert mask.shows("urn:name", "roads", "public") and not mask.shows("urn:phone", "roads", "internal")
    assert not loaded.may_ever(principals.GUEST, "history:read")


def test_a_device_writes_its_own_entities_only() -> None:
    device = principal("lamp-7", "t", kind="Device", entities=["urn:lamp:7"])
    loaded = policies(device)
    assert loaded.may_ever(device.uid, "entities:write") and not loaded.may_ever(device.uid, "entities:read")
    assert loaded.filter(device.uid, "entities:write", {}, words()) == tree.Ids(frozenset(("urn:lamp:7",)))
    assert not loaded.allows(device.uid, "entities:write", HERE)


def test_an_application_reads_and_writes_what_it_declares() -> None:
    app = principal("parking", "t", kind="Application", reads=["Car"], writes=["Forecast", "Car"])
    loaded = policies(app)
    assert loaded.filter(app.uid, "entities:read", {}, words()) == tree.Type("urn:Car")
    written = loaded.filter(app.uid, "entities:write", {}, words())
    assert written == tree.Or((tree.Type("urn:Forecast"), tree.Type("urn:Car")))


def test_a_decision_is_explained_in_both_languages() -> None:
    reader = principal("li", "t", ["reader"])
    loaded = policies(reader)
    [first, *_] = loaded.explained(reader.uid, "entities:read", HERE)
    assert first[0].startswith("Allowed by 'reader' (line ") and first[1].startswith("允许，依据 'reader'")
    [first, second, *_] = loaded.explained(reader.uid, "entities:read", tenant("u"))
    assert first[0].startswith("Denied by 'own-tenant'") and "another tenant" in second[0] and "其他租户" in second[1]
    lines = loaded.explained(reader.uid, "entities:write", HERE)
    assert lines[0] == ("Denied: no policy permits it", "拒绝：没有策略允许")
    assert ("  'writer': what it asks of the principal does not hold", "  'writer'：对主体的要求不满足") in lines


def test_what_is_odd_is_said() -> None:
    text = """
    @id("a") permit(principal in Role::"wirter", action == Action::"entities:raed", resource);
    @id("b") @zh("乙") @en("b") permit(principal is Persn, action, resource) when { 1 == 2 };
    @id("c") @zh("丙") @en("c") forbid(principal, action, resource);
    @id("d") @zh("丁") @en("d") forbid(principal, action, resource);
    @id("e") @zh("戊") @en("e") permit(principal, action, resource) when { resource.speed > 3 };
    """
    found = {(each.policy, each.en.split(":")[0].split(";")[0]) for each in findings(text, words())}
    for wanted in (
        ("a", "there is no role 'wirter' that we know"), ("a", "there is no action 'entities"),
        ("a", "it does not say what it is for"), ("b", "there is no type of principals 'Persn' that we know"),
        ("b", "it never applies"), ("c", "it forbids everything to everyone"), ("d", "it says the same as 'c'"),
        ("e", "policy 'e' (line 6) cannot be used on entities"),
    ):  # fmt: skip
        assert wanted in found
    with pytest.raises(Invalid):
        check(text, words())
    with pytest.raises(Invalid):
        Policies(text, [], words())
