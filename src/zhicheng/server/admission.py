"""Who is asking: the credential of a request becomes a principal, and for people the session they are in."""

from __future__ import annotations

from zhicheng.kernel.errors import Forbidden
from zhicheng.security.decision import Principal
from zhicheng.security.tokens import KEY_PREFIX, bearer_of
from zhicheng.server.city import City
from zhicheng.server.http import Scope, header_of
from zhicheng.server.identity.access_keys import SANDBOX
from zhicheng.server.identity.cookies import secret_of
from zhicheng.server.identity.sessions import Session

_PROTOCOL = "bearer."
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


def credential(city: City, scope: Scope) -> tuple[Principal | None, Session | None]:
    """Principal and session of a request: an Authorization header comes before a cookie.

    Forbidden where a page of another site makes a browser send its cookie along with something that changes things.
    """
    header = header_of(scope, b"authorization") or protocol_credential(scope)
    if city.guest is not None:
        return _of_guest(city, city.guest, header), None
    if header is not None:
        return _of_token(city, bearer_of(header)), None
    cookie = header_of(scope, b"cookie")
    secret = None if cookie is None else secret_of(city.identity.issuer, cookie)
    found = None if secret is None else city.identity.admitted(secret)
    if found is None:
        return None, None
    if scope.get("method", "GET") not in _SAFE:
        check_origin(city, scope)
    return found[1], found[0]


def protocol_credential(scope: Scope) -> str | None:
    """What browsers send instead of the header Authorization, which they cannot set: a subprotocol `bearer.TOKEN`.

    >>> protocol_credential({"subprotocols": ["zhicheng.v1", "bearer.zc_x"]})
    'Bearer zc_x'
    """
    offered = [one for one in scope.get("subprotocols", ()) if one.startswith(_PROTOCOL)]
    return "Bearer " + offered[0][len(_PROTOCOL) :] if offered else None


def _of_guest(city: City, guest: Principal, header: str | None) -> Principal | None:
    """Where everyone may do everything an access key still leads where it says: one of the sandbox not to the city."""
    token = None if header is None else bearer_of(header)
    return _of_token(city, token) if token is not None and token.startswith(KEY_PREFIX) else guest


def _of_token(city: City, token: str | None) -> Principal | None:
    if token is None:
        return None
    if token.startswith(KEY_PREFIX):
        found = city.identity.access_keys.principal(token)
        if found is not None and found.tenant == SANDBOX:
            city.sandbox.touch()
        return found
    return city.identity.provider.principal(token) if token.count(".") == 2 else city.accounts.principal(token)


def check_origin(city: City, scope: Scope) -> None:
    """Refuse what a page of another site made the browser send (cross-site request forgery)."""
    origin = header_of(scope, b"origin")
    site = header_of(scope, b"sec-fetch-site")
    own = origin == city.identity.issuer or (origin is not None and origin == _own(scope))
    if not own or site not in (None, "same-origin"):
        raise Forbidden(
            "This comes from a page of another site; programs use a token instead of a cookie",
            "该请求来自其他网站的页面；程序请使用令牌而不是 Cookie",
        )


def _own(scope: Scope) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "http"), scope.get("scheme", "http"))
    return f"{scheme}://{header_of(scope, b'host') or ''}"
