"""One's own account: name, password, second factor, passkeys, where one is signed in."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.security import second_factor
from zhicheng.server.http import NO_CONTENT, Answer, json_answer
from zhicheng.server.identity.people import Person
from zhicheng.server.portals.accounts.bodies import object_of, text_of, texts_of
from zhicheng.server.portals.accounts.session import caller_of, person_document
from zhicheng.server.request import Request

_NO_STORE = ((b"cache-control", b"no-store"),)


def _person(request: Request) -> Person:
    return request.city.identity.person_of(request.session)


async def _proved(request: Request, password: str, code: str = "") -> Person:
    """The person, who has shown the password once more: a session left open must not be enough for this."""
    person = _person(request)
    if person.password is None:
        return person
    return await request.city.identity.prove(person.name, password, code, caller_of(request))


def _text_of(identifier: bytes) -> str:
    """A passkey's id as browsers write it (base64url without padding)."""
    return urlsafe_b64encode(identifier).rstrip(b"=").decode()


async def read(request: Request) -> Answer:
    """GET /api/v1/account."""
    identity, person = request.city.identity, _person(request)
    passkeys = [
        {"id": _text_of(one.id), "name": one.name, "created_at": instants.format(one.created_at)}
        for one in identity.people.passkeys(person)
    ]
    sessions = [
        {
            "id": one.id,
            "agent": one.agent,
            "network": one.network,
            "methods": list(one.methods),
            "created_at": instants.format(one.created_at),
            "seen_at": instants.format(one.seen_at),
            "this": request.session is not None and one.id == request.session.id,
        }
        for one in identity.sessions.of(person)
    ]
    return json_answer({**person_document(person), "passkeys": passkeys, "sessions": sessions}, headers=_NO_STORE)


async def rename(request: Request) -> Answer:
    """PATCH /api/v1/account: how one is called."""
    said = await texts_of(request, "shown")
    request.city.identity.people.rename(_person(request), said["shown"])
    return NO_CONTENT


async def set_password(request: Request) -> Answer:
    """PUT /api/v1/account/password: with the old one; all other sessions end."""
    said = await texts_of(request, "old", "new", "code")
    identity = request.city.identity
    person = await _proved(request, said["old"], said["code"])
    identity.people.set_password(person, said["new"])
    identity.sessions.end_all(person, None if request.session is None else request.session.id)
    return NO_CONTENT


async def new_secret(request: Request) -> Answer:
    """POST /api/v1/account/second-factor/secret: a secret for the phone, with its QR code; nothing is kept yet."""
    secret = second_factor.secret_of(secrets.token_bytes(second_factor.SECRET_BYTES))
    address = second_factor.address_of(secret, _person(request).name, request.city.settings.city.name.zh)
    import segno  # no start waits for it

    picture = segno.make(address, error="m").svg_inline(scale=5, border=3)
    return json_answer({"secret": secret, "address": address, "svg": picture}, headers=_NO_STORE)


async def set_second_factor(request: Request) -> Answer:
    """PUT /api/v1/account/second-factor: the secret, and a code that shows the phone has it; gives recovery codes."""
    said = await texts_of(request, "secret", "code", "password")
    identity = request.city.identity
    person = _person(request)
    if person.totp is not None:
        raise Invalid("There is a second factor already; take it away first", "已设置双因素；请先移除")
    await _proved(request, said["password"])
    if len(said["secret"]) < 32 or not _is_code(said["secret"], said["code"], request.city.clock() / 1e6):
        raise Invalid("The one-time password does not fit; look at the phone's clock", "动态口令不正确；请检查手机时间")
    codes = identity.people.set_totp(person, said["secret"])
    identity.sessions.end_all(person, None if request.session is None else request.session.id)
    return json_answer({"recovery_codes": list(codes)}, headers=_NO_STORE)


def _is_code(secret: str, code: str, seconds: float) -> bool:
    try:
        return second_factor.step_of(secret, code, seconds, -1) is not None
    except ValueError:  # not base 32
        return False


async def drop_second_factor(request: Request) -> Answer:
    """POST /api/v1/account/second-factor/drop: with password and a last code."""
    said = await texts_of(request, "password", "code")
    person = await _proved(request, said["password"], said["code"])
    request.city.identity.people.set_totp(person, None)
    return NO_CONTENT


async def passkey_options(request: Request) -> Answer:
    """POST /api/v1/account/passkeys/options."""
    return Answer(200, request.city.identity.passkeys.to_register(_person(request)), headers=_NO_STORE)


async def add_passkey(request: Request) -> Answer:
    """POST /api/v1/account/passkeys: what the browser made."""
    said = await object_of(request, "credential", "name")
    credential = said.get("credential")
    if not isinstance(credential, dict):
        raise Invalid("Send what the browser made", "请发送浏览器生成的凭据")
    request.city.identity.passkeys.register(_person(request), credential, text_of(said, "name"))
    return Answer(201)


async def drop_passkey(request: Request) -> Answer:
    """DELETE /api/v1/account/passkeys/{id}."""
    try:
        identifier = urlsafe_b64decode(request.path["id"] + "==")
    except ValueError:
        identifier = b""
    request.city.identity.people.drop_passkey(_person(request), identifier)
    return NO_CONTENT


async def end_session(request: Request) -> Answer:
    """DELETE /api/v1/account/sessions/{id}."""
    request.city.identity.sessions.end(request.path["id"], _person(request))
    return NO_CONTENT


async def end_others(request: Request) -> Answer:
    """DELETE /api/v1/account/sessions: all but this one."""
    kept = None if request.session is None else request.session.id
    return json_answer({"ended": request.city.identity.sessions.end_all(_person(request), kept)})
