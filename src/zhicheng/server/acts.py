"""Which requests are acts that the log must hold, as tables; everything else may go unnoted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhicheng.security.actions import PUBLIC
from zhicheng.security.entries import Act
from zhicheng.server.routes import Route

When = Literal["first", "done", "protected", "told"]
"""When an entry is made: before anything is done; of what came of it; of that, where what is protected may be in it;
of that, where the handler tells of an act."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How requests of a route are logged."""

    kind: Act
    when: When


_CHANGES, _KNOWN = Rule(Act.ADMINISTRATION, "first"), Rule(Act.DECISION, "done")
_ENTRANCE, _MAYBE = Rule(Act.SIGN_IN, "done"), Rule(Act.SIGN_IN, "told")
_DATA = Rule(Act.DECISION, "protected")
BY_ACTION: dict[str, Rule | None] = {
    PUBLIC: None,
    "city:read": _DATA,
    "entities:read": _DATA,
    "entities:write": _DATA,
    "history:read": _DATA,
    "history:write": _DATA,
    "history:erase": _CHANGES,
    "sql:run": Rule(Act.EXPORT, "done"),
    "contexts:read": None,
    "contexts:write": _CHANGES,
    "subscriptions:read": None,
    "subscriptions:write": _CHANGES,
    "feeds:read": None,
    "feeds:push": _DATA,
    "attention:acknowledge": _KNOWN,
    "rooms:read": _DATA,
    "rooms:write": None,
    "metrics:read": None,
    "platform:run": None,
    "account:own": _CHANGES,
    "accounts:read": _KNOWN,
    "accounts:write": _CHANGES,
    "policies:read": _KNOWN,
    "policies:write": _CHANGES,
    "audit:read": _KNOWN,
    "sandbox:use": _CHANGES,
    "audit:export": Rule(Act.EXPORT, "first"),
}
"""Action -> how its requests are logged, None: only refusals and downloads. A test asks for every action."""
AT: dict[tuple[str, str], Rule | None] = {
    ("POST", "/api/v1/session"): _ENTRANCE,
    ("DELETE", "/api/v1/session"): _ENTRANCE,
    ("POST", "/api/v1/session/passkey/options"): None,
    ("POST", "/api/v1/session/passkey"): _ENTRANCE,
    ("POST", "/api/v1/links/read"): _ENTRANCE,
    ("POST", "/api/v1/links"): _ENTRANCE,
    ("GET", "/oauth/authorize"): _MAYBE,
    ("POST", "/oauth/authorize"): _MAYBE,
    ("POST", "/oauth/token"): _ENTRANCE,
    ("POST", "/oauth/revoke"): _ENTRANCE,
    ("POST", "/oauth/introspect"): _MAYBE,
    ("POST", "/oauth/userinfo"): None,
    ("GET", "/oauth/end-session"): _MAYBE,
    ("POST", "/oauth/end-session"): _MAYBE,
    ("GET", "/oauth/external/{name}/callback"): _ENTRANCE,
    ("GET", "/api/v1/account"): None,
    ("GET", "/api/v1/consent"): None,
    ("GET", "/api/v1/sql/relations"): None,
    ("GET", "/api/v1/developer"): None,
    ("GET", "/api/v1/developer/interfaces"): None,
    ("GET", "/api/v1/sandbox"): None,
    ("GET", "/ngsi-ld/v1/info/sourceIdentity"): None,
}
"""Routes that are not as their action; every one that is public and changes something is here."""


def rule_of(route: Route) -> Rule | None:
    """How requests of a route are logged."""
    key = route.method, route.path
    return AT[key] if key in AT else BY_ACTION[route.action]
