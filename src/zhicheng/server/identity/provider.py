"""The OpenID provider: Authlib's protocol over our accounts, sessions, clients and keys.

Only what is safe today: authorization code with PKCE (S256), refresh with rotation, client credentials. Access tokens
are signed (RFC 9068) and end with their family, so that signing out counts at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Payload, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.errors import JoseError

from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.security.decision import Principal
from zhicheng.security.scopes import SCOPES, opened
from zhicheng.server.http import JSON, Answer, json_answer
from zhicheng.server.identity.clients import Client, Clients, principal_of_client
from zhicheng.server.identity.granted import Grant, Granted, family_of
from zhicheng.server.identity.keys import ALGORITHM, Keys
from zhicheng.server.identity.people import People, Person
from zhicheng.server.identity.sessions import Session, Sessions, principal_of

ACCESS_LASTS = 600
"""Seconds that an access token is valid."""
ID_LASTS = 600
_TYPE = "at+jwt"
_SECURE = "https://provider"
"""Authlib takes no request over plain HTTP; whether this one came over TLS is for the proxy in front to see to."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who agrees to an authorization: the person and the session in which it happens."""

    person: Person
    session: Session


class _Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib carries no types
    """The parameters of a request: the last of each name, and all of them."""

    data: Any = None  # plain fields in the place of properties
    datalist: Any = None

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.data = dict(pairs)
        self.datalist = defaultdict(list)
        for name, value in pairs:
            self.datalist[name].append(value)


class ProviderRequest(OAuth2Request):  # type: ignore[misc]  # Authlib carries no types
    """A request as Authlib sees it."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str], pairs: list[tuple[str, str]]) -> None:
        super().__init__(method, _SECURE + path, headers=headers)
        self.payload = _Payload(pairs)

    @property
    def form(self) -> dict[str, str]:
        found: dict[str, str] = self.payload.data
        return found

    @property
    def args(self) -> dict[str, str]:
        return self.form


class _Tokens:
    """Where a grant's tokens come from."""

    request: ProviderRequest
    server: Provider

    def generate_token(self, user: Person | None = None, scope: str | None = None, **more: object) -> dict[str, object]:
        client: Client = self.request.client
        grant: Grant | None = self.request.authorization_code or self.request.refresh_token
        allowed = client.get_allowed_scope(" ".join(client.scopes) if scope is None else scope)
        return self.server.tokens(client, user, allowed, grant)


class _Code(_Tokens, grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib carries no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code: str, request: ProviderRequest) -> None:
        who: SignedIn = request.user
        said = request.payload.data
        grant = Grant(
            family_of(who.session), request.client.id, who.person.id, who.session.id,
            request.client.get_allowed_scope(said.get("scope")), self.redirect_uri or said["redirect_uri"],
            said.get("nonce"), said.get("code_challenge"),
        )  # fmt: skip
        self.server.granted.keep_code(code, grant)

    def query_authorization_code(self, code: str, client: Client) -> Grant | None:
        grant: Grant | None = self.server.granted.take_code(code)
        if grant is None or grant.client != client.id:
            return None
        session: Session | None = self.server.sessions.alive(grant.session)
        if session is None:
            return None
        return replace(grant, auth_time=session.created_at // SECOND, methods=session.methods)

    def delete_authorization_code(self, authorization_code: Grant) -> None:
        """It counts no more since it was read."""

    def authenticate_user(self, authorization_code: Grant) -> Person | None:
        found: Person | None = self.server.person(authorization_code.person)
        return found


class _Refresh(_Tokens, grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib carries no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Grant | None:
        found: Grant | None = self.server.granted.take_refresh(refresh_token)
        return found

    def authenticate_user(self, refresh_token: Grant) -> Person | None:
        found: Person | None = self.server.person(refresh_token.person)
        return found

    def revoke_old_credential(self, refresh_token: Grant) -> None:
        """It counts no more since it was read."""


class _Credentials(_Tokens, grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib carries no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class _Challenge(CodeChallenge):  # type: ignore[misc]  # Authlib carries no types
    """PKCE with SHA-256, which clients that keep no secret have to use (RFC 9700 2.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: _Code, redirect_uri: str) -> None:
        said = grant.request.payload.data
        if grant.request.client.secret is None and not said.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge' in request.", redirect_uri=redirect_uri)
        if said.get("code_challenge") and said.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge_method' is S256 here.", redirect_uri=redirect_uri)
        super().validate_code_challenge(grant, redirect_uri)


class _OpenID(OpenIDCode):  # type: ignore[misc]  # Authlib carries no types
    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=False)
        self._provider = provider

    def exists_nonce(self, nonce: str, request: ProviderRequest) -> bool:
        return False  # a code works once, which is what a repeated nonce would be for

    def resolve_client_private_key(self, client: Client) -> object:
        return self._provider.keys.signing

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": ALGORITHM, "kid": str(self._provider.keys.signing.kid)}

    def get_client_claims(self, client: Client) -> dict[str, object]:
        now = self._provider.seconds
        return {"iss": self._provider.issuer, "aud": client.id, "iat": now, "exp": now + ID_LASTS}

    def generate_user_info(self, user: Person, scope: str) -> dict[str, object]:
        return claims_of(user, scope)


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib carries no types
    """One city's provider; `issuer` is the address by which clients know it."""

    def __init__(
        self, issuer: str, people: People, sessions: Sessions, clients: Clients, granted: Granted, keys: Keys,
        clock: Clock,
    ) -> None:  # fmt: skip
        super().__init__(scopes_supported=list(SCOPES))
        self.issuer = issuer
        self.people, self.sessions, self.clients, self.granted, self.keys = people, sessions, clients, granted, keys
        self._clock = clock
        self.register_grant(_Code, [_Challenge(required=True), _OpenID(self)])
        self.register_grant(_Refresh)
        self.register_grant(_Credentials)

    @property
    def seconds(self) -> int:
        """Now."""
        return self._clock() // SECOND

    # what Authlib asks of us

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.find(client_id)

    def create_oauth2_request(self, request: ProviderRequest) -> ProviderRequest:
        return request

    def save_token(self, token: dict[str, object], request: ProviderRequest) -> None:
        """Tokens are signed, refresh tokens kept when they are made."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: object, headers: list[tuple[str, str]]) -> Answer:
        """An answer as Authlib wants it."""
        kept = tuple(
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in headers
            if name.lower() != "content-type"
        )
        if isinstance(body, dict):
            return json_answer(body, status, headers=kept)
        return Answer(status, str(body).encode(), JSON, kept)

    # tokens

    def tokens(self, client: Client, person: Person | None, scope: str, grant: Grant | None) -> dict[str, object]:
        """The tokens of a grant; of a client that acts for itself, without a grant, an access token."""
        now = self.seconds
        claims: dict[str, object] = {
            "iss": self.issuer, "aud": self.issuer, "iat": now, "exp": now + ACCESS_LASTS, "client_id": client.id,
            "sub": client.id if person is None else person.id, "scope": scope,
        }  # fmt: skip
        made: dict[str, object] = {"token_type": "Bearer", "expires_in": ACCESS_LASTS, "scope": scope}
        if grant is not None:
            offline = "offline_access" in scope.split()
            grant = replace(grant, session="" if offline else grant.session, scope=scope)
            self.granted.begin(grant.family, grant.session)
            claims["family"] = grant.family
            made["refresh_token"] = self.granted.refresh_token(grant)
        key = self.keys.signing
        header = {"alg": ALGORITHM, "kid": str(key.kid), "typ": _TYPE}
        return {"access_token": jwt.encode(header, claims, key, [ALGORITHM]), **made}

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of an access token of ours that still counts; no other algorithm, type or key is taken."""
        try:
            found = jwt.decode(token, self.keys.known, algorithms=[ALGORITHM])
            said: dict[str, Any] = dict(found.claims)
            valid = found.header.get("typ") == _TYPE and said["iss"] == self.issuer and said["aud"] == self.issuer
            valid = valid and isinstance(said["exp"], int) and said["exp"] > self.seconds
        except (JoseError, ValueError, KeyError, TypeError):
            return None
        family = said.get("family")
        return said if valid and (family is None or self.granted.alive(family)) else None

    def principal(self, token: str) -> Principal | None:
        """Who an access token stands for, and how much of what that one may do."""
        said = self.claims(token)
        if said is None:
            return None
        client = self.clients.find(said["client_id"])
        until = said["exp"] * SECOND
        if client is None:
            return None
        if "family" not in said:
            return replace(principal_of_client(client), expires_at=until)
        person = self.person(said["sub"])
        if person is None:
            return None
        return replace(principal_of(person, until), within=opened(said["scope"].split()))

    def person(self, identifier: str) -> Person | None:
        """A person who may sign in."""
        return self.people.able(identifier)


def claims_of(person: Person, scope: str) -> dict[str, object]:
    """What a client is told of a person (OpenID Connect Core 5.4)."""
    scopes = scope.split()
    told: dict[str, object] = {"sub": person.id}
    if "profile" in scopes:
        told |= {"name": person.shown, "preferred_username": person.name}
    if "groups" in scopes:
        told |= {"groups": list(person.departments), "roles": list(person.roles)}
    return told


def discovery(issuer: str) -> dict[str, object]:
    """/.well-known/openid-configuration (OpenID Connect Discovery 3)."""
    at = {name: f"{issuer}/oauth/{path}" for name, path in ENDPOINTS.items()}
    return {
        "issuer": issuer,
        **at,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "name",
                             "preferred_username", "groups", "roles"],
        "prompt_values_supported": ["none", "login", "consent"],
        "ui_locales_supported": ["zh-CN", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }  # fmt: skip


ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "userinfo_endpoint": "userinfo",
    "jwks_uri": "jwks",
    "revocation_endpoint": "revoke",
    "introspection_endpoint": "introspect",
    "end_session_endpoint": "end-session",
}
