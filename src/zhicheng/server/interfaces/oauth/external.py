"""Signing in through another provider: to it, and back from it."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from zhicheng.kernel.errors import NotFound, PeerFailed, Unauthenticated, ZhichengError
from zhicheng.server.http import Answer, language_of
from zhicheng.server.identity.cookies import signed_in
from zhicheng.server.request import Request

_COOKIE = "zhicheng-external"
_SECONDS = 600
_NO_STORE = (b"cache-control", b"no-store")


def _cookie(request: Request, value: str, seconds: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if request.city.identity.issuer.startswith("https://") else ""
    text = f"{_COOKIE}={value}; Path=/oauth/external; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    return b"set-cookie", text.encode()


async def start(request: Request) -> Answer:
    """GET /oauth/external/{name}: to the other provider."""
    name = request.path["name"]
    if name not in request.city.identity.externals.providers:
        raise NotFound(f"There is no provider {name[:40]!r}", f"没有身份提供方 {name[:40]!r}")
    after = request.query().get("next", "/")
    try:
        address, browser = await request.city.identity.externals.begin(name, after if own_path(after) else "/")
    except PeerFailed as error:
        return _sorry(request, error)
    return Answer(302, headers=((b"location", address.encode()), _cookie(request, browser, _SECONDS), _NO_STORE))


async def back(request: Request) -> Answer:
    """GET /oauth/external/{name}/callback: from the other provider, into a session of ours."""
    query, identity = request.query(), request.city.identity
    try:
        if "code" not in query:
            raise Unauthenticated("The other provider did not sign you in", "身份提供方未完成登录")
        provider, claims, after = await identity.externals.finish(
            query.get("state", ""), _browser(request), query["code"]
        )
        person = provider.person(claims, identity.people, request.city.settings.city.tenant)
        identity.forget()
    except ZhichengError as error:
        return _sorry(request, error)
    request.tell(principal=person.name, tenant=person.tenant, provider=request.path["name"], methods="fed")
    agent = request.header(b"user-agent") or ""
    secret, _ = identity.sessions.begin(person, ("fed",), agent, request.network)
    headers = (
        (b"location", after.encode()), signed_in(identity.issuer, secret), _cookie(request, "", 0), _NO_STORE,
    )  # fmt: skip
    return Answer(302, headers=headers)


def _browser(request: Request) -> str:
    try:
        found = SimpleCookie(request.header(b"cookie") or "").get(_COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _sorry(request: Request, error: ZhichengError) -> Answer:
    """To the sign-in page, which says what was wrong."""
    request.tell(outcome="denied", why=error.code)
    said = error.text(language_of(request.header(b"accept-language")))
    return Answer(302, headers=((b"location", b"/sign-in?error=" + quote(said[:200]).encode()), _NO_STORE))


def own_path(address: str) -> bool:
    r"""Whether an address to go to after signing in is a path of this server, however a browser reads it.

    >>> own_path("/map?types=Vehicle"), own_path("//evil.example"), own_path("/\\evil.example"), own_path("https://x")
    (True, False, False, False)
    """
    parts = urlsplit(address)
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return plain and address.startswith("/") and not address.startswith("//") and not parts.scheme and not parts.netloc
