"""Signing in and out, and the links that open the first door."""

from __future__ import annotations

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Forbidden, Invalid, Unauthenticated
from zhicheng.server.http import NO_CONTENT, Answer, json_answer
from zhicheng.server.identity.cookies import signed_in, signed_out
from zhicheng.server.identity.people import Person
from zhicheng.server.identity.service import Caller
from zhicheng.server.identity.sessions import Session
from zhicheng.server.portals.accounts.bodies import texts_of
from zhicheng.server.request import Request

_NO_STORE = ((b"cache-control", b"no-store"),)


def caller_of(request: Request) -> Caller:
    """From where a request comes."""
    return Caller(request.header(b"user-agent") or "", request.network)


def person_document(person: Person) -> dict[str, object]:
    """An account as its owner and administrators see it."""
    return {
        "id": person.id,
        "name": person.name,
        "shown": person.shown,
        "tenant": person.tenant,
        "roles": list(person.roles),
        "departments": list(person.departments),
        "second_factor": person.totp is not None,
        "recovery_codes": len(person.recovery),
        "password": person.password is not None,
        "disabled": person.disabled,
        "external": person.external is not None,
        "created_at": instants.format(person.created_at),
    }


def _begun(request: Request, person: Person, begun: tuple[str, Session]) -> Answer:
    identity = request.city.identity
    secret, session = begun
    request.tell(principal=person.name, tenant=person.tenant, methods=" ".join(session.methods))
    document = {
        "person": person_document(person),
        "expires_at": instants.format(session.expires_at),
        "second_factor_needed": identity.lacks_second_factor(person, session),
    }
    return json_answer(document, headers=(signed_in(identity.issuer, secret), *_NO_STORE))


async def sign_in(request: Request) -> Answer:
    """POST /api/v1/session: name, password and, where one is needed, code."""
    said = await texts_of(request, "name", "password", "code")
    request.tell(principal=said["name"] or "anonymous")
    identity = request.city.identity
    begun = await identity.sign_in(said["name"], said["password"], said["code"], caller_of(request))
    return _begun(request, identity.person_of(begun[1]), begun)


async def passkey_options(request: Request) -> Answer:
    """POST /api/v1/session/passkey/options: what the browser needs to answer with a passkey."""
    return Answer(200, request.city.identity.passkeys.to_sign_in(), headers=_NO_STORE)


async def passkey_sign_in(request: Request) -> Answer:
    """POST /api/v1/session/passkey: the browser's answer."""
    said = await request.json("application/json")
    if not isinstance(said, dict):
        raise Invalid("Send what the browser answered", "请发送浏览器的应答")
    identity, caller = request.city.identity, caller_of(request)
    request.tell(methods="hwk user")
    identity.check_waits("passkey", caller.network)
    try:
        person = identity.passkeys.sign_in(said)
    except (Invalid, Unauthenticated):
        identity.failed("passkey", caller.network)
        raise
    return _begun(request, person, identity.sessions.begin(person, ("hwk", "user"), caller.agent, caller.network))


async def who(request: Request) -> Answer:
    """GET /api/v1/session: who is asking, which providers sign in, and whether the platform waits for its set-up."""
    city, identity = request.city, request.city.identity
    principal, session = request.principal, request.session
    person = None if session is None else identity.people.find(session.person)
    document: dict[str, object] = {
        "signed_in": principal is not None and principal.kind != "Guest",
        "open": city.open,
        "name": None if principal is None else principal.name,
        "tenant": None if principal is None else principal.tenant,
        "roles": [] if principal is None else list(principal.roles),
        "actions": [] if principal is None else request.actions(),
        "person": None if person is None else person_document(person),
        "expires_at": None if session is None else instants.format(session.expires_at),
        "set_up": identity.people.any(),
        "providers": [
            {"name": name, "label": one.label or name} for name, one in identity.settings.external.items()
        ],
        "second_factor_needed": person is not None and session is not None
        and identity.lacks_second_factor(person, session),
    }  # fmt: skip
    return json_answer(document, headers=_NO_STORE)


async def sign_out(request: Request) -> Answer:
    """DELETE /api/v1/session."""
    identity = request.city.identity
    if request.session is not None:
        identity.sessions.end(request.session.id)
    return Answer(204, headers=(signed_out(identity.issuer), *_NO_STORE))


async def read_link(request: Request) -> Answer:
    """POST /api/v1/links/read: what a link is for. The secret is in the body, so that no log holds it."""
    said = await texts_of(request, "link")
    request.city.identity.check_waits("link", request.network)
    try:
        purpose, person = request.city.identity.sessions.linked(said["link"])
    except Unauthenticated:
        request.city.identity.failed("link", request.network)
        raise
    request.tell(principal="anonymous" if person is None else person.name, purpose=purpose)
    return json_answer({"purpose": purpose, "name": None if person is None else person.name}, headers=_NO_STORE)


async def use_link(request: Request) -> Answer:
    """POST /api/v1/links: set the platform up, accept an invitation or set a new password; signs in."""
    said = await texts_of(request, "link", "name", "shown", "password")
    identity, caller = request.city.identity, caller_of(request)
    identity.check_waits("link", caller.network)
    try:
        purpose, person = identity.sessions.linked(said["link"])
    except Unauthenticated:
        identity.failed("link", caller.network)
        raise
    request.tell(principal=said["name"] if person is None else person.name, purpose=purpose)
    if purpose == "setup":
        if identity.people.any():
            raise Forbidden("The platform is set up already", "平台已完成初始设置")
        tenant = request.city.settings.city.tenant
        person = identity.people.add(said["name"], tenant, ["admin"], shown=said["shown"], password=said["password"])
    elif person is not None:
        identity.people.set_password(person, said["password"])
        identity.sessions.end_all(person)
    identity.sessions.use_link(said["link"])
    found = identity.people.get(person.id if person is not None else said["name"])
    if found.totp is not None:
        return NO_CONTENT  # the second factor is asked for at the sign-in that follows
    return _begun(request, found, identity.sessions.begin(found, ("pwd",), caller.agent, caller.network))
