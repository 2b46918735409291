"""The endpoints of the OpenID provider: requests become Authlib's, answers stay as the standards say."""

from __future__ import annotations

import contextlib
from base64 import b64decode
from urllib.parse import parse_qsl, unquote_plus, urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from joserfc import jwt
from joserfc.errors import JoseError

from zhicheng.kernel.errors import Invalid, Unauthenticated
from zhicheng.kernel.instants import SECOND
from zhicheng.security.tokens import bearer_of
from zhicheng.server.http import Answer, Headers, json_answer
from zhicheng.server.identity.clients import Client
from zhicheng.server.identity.cookies import signed_out
from zhicheng.server.identity.keys import ALGORITHM
from zhicheng.server.identity.provider import ProviderRequest, SignedIn, claims_of, discovery
from zhicheng.server.request import Request

_MOST_PARAMETERS = 50
_FORM = "application/x-www-form-urlencoded"
_NO_STORE = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
_SHARED = ((b"access-control-allow-origin", b"*"), (b"cache-control", b"public, max-age=300"))
_SEEN_AGAIN = 5 * SECOND
"""A sign-in so young answers a request for a fresh one."""


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=False, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Invalid("There are too many parameters", "参数过多") from None
    if any(not value.isprintable() or "\x00" in name for name, value in pairs):
        raise Invalid("A parameter holds control characters", "参数中含有控制字符")
    return pairs


async def _asked(request: Request) -> ProviderRequest:
    """The request with the parameters of its query string and, of a POST, of its body."""
    scope = request.scope
    pairs = _pairs(scope["query_string"].decode("latin-1"))
    if scope["method"] == "POST":
        request.check_media((_FORM,))
        pairs = _pairs((await request.body()).decode("utf-8", "replace"))
    headers = {"Authorization": request.header(b"authorization") or ""}
    return ProviderRequest(scope["method"], scope["path"], headers, pairs)


def _failed(request: Request, error: Exception) -> Answer:
    """An error as OAuth says it; Authlib itself stumbles over letters beyond ASCII in what it quotes."""
    provider = request.city.identity.provider
    if not isinstance(error, OAuth2Error):
        error = InvalidRequestError("The request cannot be read.")
    answer: Answer = provider.handle_error_response(None, error)
    return Answer(answer.status, answer.body, answer.media, (*answer.headers, *_NO_STORE))


async def configuration(request: Request) -> Answer:
    """GET /.well-known/openid-configuration."""
    return json_answer(discovery(request.city.identity.issuer), headers=_SHARED)


async def jwks(request: Request) -> Answer:
    """GET /oauth/jwks."""
    return json_answer(request.city.identity.keys.published(), headers=_SHARED)


async def authorize(request: Request) -> Answer:
    """GET and POST /oauth/authorize: to sign in, to the question of consent, or back to the client with a code."""
    asked = await _asked(request)
    identity = request.city.identity
    said = asked.payload.data
    if unsupported := next((name for name in ("request", "request_uri") if name in said), None):
        error = InvalidRequestError(f"'{unsupported}' is not supported.")
        error.error = f"{unsupported}_not_supported"
        return _to_client(request, asked, error)
    session = request.session
    person = None if session is None else identity.people.find(session.person)
    try:
        grant = identity.provider.get_consent_grant(asked, person)
    except (OAuth2Error, ValueError) as error:
        return _failed(request, error)
    client: Client = asked.client
    prompts = said.get("prompt", "").split()
    if session is None or person is None or _stale(request, said, prompts):
        if "none" in prompts:
            return _to_client(request, asked, _named("login_required"))
        return _sign_in(said)
    scopes = client.get_allowed_scope(said.get("scope")).split()
    agreed = client.trusted or set(scopes) <= identity.clients.agreed(person.id, client.id)
    if not agreed or "consent" in prompts:
        if "none" in prompts:
            return _to_client(request, asked, _named("consent_required"))
        return Answer(302, headers=((b"location", b"/consent?" + urlencode(said).encode()), *_NO_STORE))
    return _granted(request, asked, SignedIn(person, session), grant)


def _stale(request: Request, said: dict[str, str], prompts: list[str]) -> bool:
    """Whether the person has to sign in anew, though there is a session."""
    session = request.session
    age = request.city.clock() - (0 if session is None else session.created_at)
    longest = said.get("max_age", "")
    old = longest.isascii() and longest.isdecimal() and age > int(longest) * SECOND
    return (old or "login" in prompts) and age > _SEEN_AGAIN


def _sign_in(said: dict[str, str]) -> Answer:
    after = "/oauth/authorize?" + urlencode(said)
    query = urlencode({"next": after, **({"name": said["login_hint"]} if said.get("login_hint") else {})})
    return Answer(302, headers=((b"location", b"/sign-in?" + query.encode()), *_NO_STORE))


def _named(error: str) -> InvalidRequestError:
    made = InvalidRequestError()
    made.error, made.description = error, ""
    return made


def _to_client(request: Request, asked: ProviderRequest, error: OAuth2Error) -> Answer:
    """Tell the client, at an address that is its own; else tell the person."""
    said = asked.payload.data
    client = request.city.identity.clients.find(said.get("client_id", ""))
    redirect = said.get("redirect_uri", "")
    if client is not None and client.check_redirect_uri(redirect):
        error.redirect_uri = redirect
        error.state = said.get("state")
    return _failed(request, error)


def _granted(request: Request, asked: ProviderRequest, who: SignedIn | None, grant: object) -> Answer:
    provider = request.city.identity.provider
    request.tell(
        resource=f"client:{asked.payload.data.get('client_id', '')}", scope=asked.payload.data.get("scope", "")
    )
    try:
        answer: Answer = provider.create_authorization_response(asked, who, grant=grant)
    except (OAuth2Error, ValueError) as error:
        return _failed(request, error)
    return Answer(answer.status, answer.body, answer.media, (*answer.headers, *_NO_STORE))


async def ask_consent(request: Request) -> Answer:
    """GET /api/v1/consent: which client asks for what, for the page that asks the person."""
    asked = await _asked(request)
    identity = request.city.identity
    person = identity.person_of(request.session)
    try:
        identity.provider.get_consent_grant(asked, person)
    except (OAuth2Error, ValueError):
        raise Invalid("This request for access is not valid", "该授权请求无效") from None
    client: Client = asked.client
    scopes = client.get_allowed_scope(asked.payload.data.get("scope")).split()
    return json_answer({"client": client.name, "redirect": asked.payload.data["redirect_uri"], "scopes": scopes})


async def consent(request: Request) -> Answer:
    """POST /api/v1/consent: the person agrees or does not; gives the address to go on to."""
    said = await request.json("application/json")
    if not isinstance(said, dict) or not isinstance(said.get("request"), str):
        raise Invalid("Send request (the query string) and agree", "请发送 request（查询字符串）和 agree")
    identity = request.city.identity
    person = identity.person_of(request.session)
    asked = ProviderRequest("GET", "/oauth/authorize", {}, _pairs(said["request"]))
    try:
        grant = identity.provider.get_consent_grant(asked, person)
    except (OAuth2Error, ValueError):
        raise Invalid("This request for access is not valid", "该授权请求无效") from None
    client: Client = asked.client
    agreed = said.get("agree") is True
    if agreed:
        identity.clients.agree(person.id, client.id, client.get_allowed_scope(asked.payload.data.get("scope")).split())
    who = SignedIn(person, request.session) if agreed and request.session is not None else None
    answer = _granted(request, asked, who, grant)
    location = next((value.decode() for name, value in answer.headers if name == b"location"), None)
    if location is None:
        raise Invalid("This request for access is not valid", "该授权请求无效")
    return json_answer({"location": location})


async def token(request: Request) -> Answer:
    """POST /oauth/token."""
    asked = await _asked(request)
    identity = request.city.identity
    network = request.network
    _tell(request, asked)
    identity.check_waits("oauth", network)
    try:
        answer: Answer = identity.provider.create_token_response(asked)
    except (OAuth2Error, ValueError) as error:
        answer = _failed(request, error)
    if answer.status == 401:
        identity.failed("oauth", network)
    known = {name for name, _ in answer.headers}
    extra = tuple(pair for pair in _NO_STORE if pair[0] not in known)
    return Answer(answer.status, answer.body, answer.media, (*answer.headers, *extra))


async def userinfo(request: Request) -> Answer:
    """GET and POST /oauth/userinfo."""
    identity = request.city.identity
    header = request.header(b"authorization")
    text = None if header is None else bearer_of(header)
    said = None if text is None else identity.provider.claims(text)
    person = None if said is None or "family" not in said else identity.provider.person(said["sub"])
    if said is None or person is None or "openid" not in said["scope"].split():
        raise Unauthenticated("An access token with the scope openid is needed", "需要具有 openid 范围的访问令牌")
    return json_answer(claims_of(person, said["scope"]), headers=_NO_STORE)


async def _client_of(request: Request, asked: ProviderRequest) -> Client | Answer:
    provider = request.city.identity.provider
    try:
        methods = ("none", "client_secret_basic", "client_secret_post")
        client: Client = provider.authenticate_client(asked, methods)
        return client
    except (OAuth2Error, ValueError) as error:
        request.city.identity.failed("oauth", request.network)
        _tell(request, asked)
        return _failed(request, error)


def _tell(request: Request, asked: ProviderRequest) -> None:
    """Tell the log which client came, as it says of itself, and with what; never with which token or code."""
    client = _client_id(asked)
    request.tell(principal=f"client:{client}" if client else "anonymous", grant=asked.form.get("grant_type", ""))
    known = request.city.identity.clients.find(client)
    if known is not None:
        request.tell(tenant=known.tenant)


def _client_id(asked: ProviderRequest) -> str:
    said = asked.form.get("client_id")
    if said:
        return str(said)
    scheme, _, secret = asked.headers.get("Authorization", "").partition(" ")
    with contextlib.suppress(ValueError):
        if scheme.lower() == "basic":
            return unquote_plus(b64decode(secret).decode("utf-8", "replace").partition(":")[0])
    return ""


async def revoke(request: Request) -> Answer:
    """POST /oauth/revoke (RFC 7009): a token, and all that came of the same sign-in, counts no more."""
    asked = await _asked(request)
    _tell(request, asked)
    client = await _client_of(request, asked)
    if isinstance(client, Answer):
        return client
    family = _family(request, asked.form.get("token", ""), client)
    if family is not None:
        request.city.identity.granted.end(family)
    return json_answer({}, headers=_NO_STORE)


def _family(request: Request, token: str, client: Client) -> str | None:
    """The family of a client's own token."""
    identity = request.city.identity
    found = identity.granted.family_of(token)
    if found is None:
        said = identity.provider.claims(token)
        found = None if said is None or "family" not in said else (said["family"], said["client_id"])
    return found[0] if found is not None and found[1] == client.id else None


async def introspect(request: Request) -> Answer:
    """POST /oauth/introspect (RFC 7662): for clients that keep a secret."""
    asked = await _asked(request)
    client = await _client_of(request, asked)
    if isinstance(client, Answer):
        return client
    provider = request.city.identity.provider
    said = provider.claims(asked.form.get("token", "")) if client.secret is not None else None
    if said is None or said["client_id"] != client.id:
        return json_answer({"active": False}, headers=_NO_STORE)
    told = {name: said[name] for name in ("scope", "client_id", "sub", "exp", "iat", "iss", "aud")}
    return json_answer({"active": True, "token_type": "Bearer", **told}, headers=_NO_STORE)


async def end_session(request: Request) -> Answer:
    """GET and POST /oauth/end-session (RP-initiated logout): with a hint of ours at once, else the person is asked."""
    asked = await _asked(request)
    identity = request.city.identity
    said = asked.payload.data
    hint = _hint(request, said.get("id_token_hint", ""))
    client = identity.clients.find(said.get("client_id") or (hint or {}).get("aud", ""))
    session = request.session
    if session is not None and (hint is None or hint.get("sub") != session.person):
        return Answer(302, headers=((b"location", b"/sign-out?" + urlencode(said).encode()), *_NO_STORE))
    headers: Headers = _NO_STORE
    if session is not None:
        request.tell(resource=f"session:{session.id}")
        identity.sessions.end(session.id)
        headers = (*headers, signed_out(identity.issuer))
    target = said.get("post_logout_redirect_uri", "")
    if client is not None and hint is not None and hint.get("aud") == client.id and target in client.after_logout:
        if said.get("state"):
            target = add_params_to_uri(target, [("state", said["state"])])
        return Answer(302, headers=((b"location", target.encode()), *headers))
    return Answer(302, headers=((b"location", b"/sign-in?out=1"), *headers))


def _hint(request: Request, token: str) -> dict[str, str] | None:
    """The claims of an ID token of ours, however old; None for anything else."""
    identity = request.city.identity
    try:
        found = jwt.decode(token, identity.keys.known, algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        return None
    own = found.claims.get("iss") == identity.issuer and found.header.get("typ") != "at+jwt"
    return dict(found.claims) if own else None
