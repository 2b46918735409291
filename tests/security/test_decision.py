"""Who may do what: the whole table, and what a header can and cannot change."""

from __future__ import annotations

import pytest

from zhicheng.kernel.errors import Invalid
from zhicheng.security.actions import ACTIONS, PUBLIC, ROLE_NAMES, ROLES, roles_of
from zhicheng.security.decision import Principal, refusal
from zhicheng.security.tokens import bearer, digest_of, tenant_name, token_of


def test_every_role_has_a_name_and_only_known_actions() -> None:
    assert set(ROLE_NAMES) == set(ROLES)
    assert all(actions <= set(ACTIONS) for actions in ROLES.values())
    assert ROLES["admin"] == set(ACTIONS)


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {PUBLIC}))
def test_nobody_may_nothing_but_the_public(action: str) -> None:
    refused = refusal(None, action, None, 0, allowed=False)
    assert refused is not None and refused.status == 401


def test_a_tenant_in_the_request_confirms_and_never_chooses() -> None:
    clerk = Principal("x", "nanning", ("admin",))
    assert refusal(clerk, "entities:read", "nanning", 0, allowed=True) is None
    other = refusal(clerk, "entities:read", "lagos", 0, allowed=True)
    assert other is not None and (other.status, other.code) == (404, "no-such-tenant")


def test_a_credential_ends_at_its_time() -> None:
    guest = Principal("x", "t", ("reader",), expires_at=100)
    assert refusal(guest, "entities:read", None, 99, allowed=True) is None
    late = refusal(guest, "entities:read", None, 100, allowed=True)
    assert late is not None and late.status == 401


def test_what_no_policy_allows_is_refused_and_a_visitor_is_asked_to_sign_in() -> None:
    refused = refusal(Principal("x", "t", ("gone",)), "entities:read", None, 0, allowed=False)
    assert refused is not None and refused.status == 403
    visitor = refusal(Principal("anonymous", "t", ("citizen",), kind="Guest"), "sql:run", None, 0, allowed=False)
    assert visitor is not None and visitor.status == 401


def test_a_program_does_for_a_person_only_what_it_was_given() -> None:
    given = Principal("x", "t", ("admin",), within=frozenset(("entities:read",)), kind="Person")
    assert refusal(given, "entities:read", None, 0, allowed=True) is None
    refused = refusal(given, "entities:write", None, 0, allowed=True)
    assert refused is not None and refused.status == 403


@pytest.mark.parametrize("names", [[], ["king"], ["reader", "king"]])
def test_roles_are_checked_when_a_token_is_made(names: list[str]) -> None:
    with pytest.raises(Invalid):
        roles_of(names)


def test_tokens_are_told_apart_and_kept_as_digests_only() -> None:
    one, two = token_of(bytes(32)), token_of(bytes(31) + b"\x01")
    assert one != two and digest_of(one) != digest_of(two)
    assert one.encode() not in digest_of(one) and len(digest_of(one)) == 32


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Bearer zc_short", "Basic " + token_of(bytes(32)), "\x00"]
)
def test_headers_that_hold_no_token(header: str) -> None:
    assert bearer(header) is None


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a" * 64, "-a", "a.", "南宁"])
def test_names_that_cannot_be_folders(name: str) -> None:
    with pytest.raises(Invalid):
        tenant_name(name)
