"""Programs that sign people in with us (SSO), or themselves: registered clients of OAuth 2.0 and OpenID Connect."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.instants import Clock
from zhicheng.security.actions import roles_of
from zhicheng.security.decision import Principal
from zhicheng.security.scopes import SCOPES
from zhicheng.security.tokens import RANDOM_BYTES, digest_of, tenant_name
from zhicheng.server.control import Control, Row
from zhicheng.server.identity.people import shown_name

CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
_COLUMNS = "id, name, secret, redirects, after_logout, scopes, grants, trusted, tenant, roles, created_at"
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
"""Of programs on a phone: a domain turned round (RFC 8252 7.1)."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client; its methods are what Authlib asks of one.

    secret: digest, None for programs that can keep none (they must use PKCE); redirects, after_logout: exact addresses
    trusted: of the city itself, so that people are not asked for consent
    roles: of the program itself (client credentials); empty where it only signs people in
    """

    id: str
    name: str
    secret: bytes | None
    redirects: tuple[str, ...]
    after_logout: tuple[str, ...]
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    trusted: bool
    tenant: str
    roles: tuple[str, ...]
    created_at: int

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        return None  # OpenID Connect wants it said in every request

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(one for one in (scope or "").split() if one in self.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirects

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and hmac.compare_digest(self.secret, digest_of(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none" if self.secret is None else method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and CODE in self.grants

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants

    def check_post_logout_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.after_logout


def _client(row: Row) -> Client:
    identifier, name, secret, redirects, after, scopes, grants, trusted, tenant, roles, created_at = row
    return Client(
        identifier, name, secret, tuple(json.loads(redirects)), tuple(json.loads(after)), tuple(scopes.split()),
        tuple(grants.split()), bool(trusted), tenant, tuple(roles.split()), created_at,
    )  # fmt: skip


def principal_of_client(client: Client) -> Principal:
    """Who acts, of a client that acts for itself."""
    return Principal(client.name, client.tenant, client.roles, credential=f"client:{client.id}")


class Clients:
    """The registered clients."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    def find(self, identifier: str) -> Client | None:
        """The client of an id."""
        row = self._control.row(f"SELECT {_COLUMNS} FROM clients WHERE id = ?", (identifier,))
        return None if row is None else _client(row)

    def all(self) -> list[Client]:
        """Every client, by name."""
        return [_client(row) for row in self._control.rows(f"SELECT {_COLUMNS} FROM clients ORDER BY name, id")]

    def add(
        self,
        name: str,
        tenant: str,
        *,
        redirects: Sequence[str] = (),
        after_logout: Sequence[str] = (),
        scopes: Sequence[str] = ("openid", "profile"),
        roles: Sequence[str] = (),
        public: bool = False,
        trusted: bool = False,
    ) -> tuple[Client, str | None]:
        """Register a client: with redirects it signs people in, with roles it acts for itself.

        Gives its secret, which cannot be had again; public clients have none.
        """
        unknown = [one for one in scopes if one not in SCOPES]
        if unknown or (public and roles) or not (redirects or roles):
            raise Invalid(
                f"There is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}" if unknown
                else "A client has redirects (it signs people in) or roles (it acts for itself; never a public one)",
                f"没有范围 {unknown[0]!r}；可用范围：{', '.join(SCOPES)}" if unknown
                else "客户端应有回调地址（用于登录）或角色（自身操作；公开客户端不可有角色）",
            )  # fmt: skip
        for address in (*redirects, *after_logout):
            check_address(address)
        grants = [*((CODE, REFRESH) if redirects else ()), *((CREDENTIALS,) if roles else ())]
        secret = None if public else secrets.token_urlsafe(RANDOM_BYTES)
        made = Client(
            "client-" + secrets.token_hex(8), shown_name(name), None if secret is None else digest_of(secret),
            tuple(redirects), tuple(after_logout), tuple(dict.fromkeys(scopes)), tuple(grants), trusted,
            tenant_name(tenant), roles_of(roles) if roles else (), self._clock(),
        )  # fmt: skip
        row = (
            made.id, made.name, made.secret, json.dumps(made.redirects), json.dumps(made.after_logout),
            " ".join(made.scopes), " ".join(made.grants), int(trusted), tenant, " ".join(made.roles), made.created_at,
        )  # fmt: skip
        self._control.run(f"INSERT INTO clients ({_COLUMNS}) VALUES ({', '.join('?' * 11)})", row)
        return made, secret

    def remove(self, identifier: str) -> None:
        """Make a client and all it was given worthless."""
        with self._control.transaction():
            if not self._control.run("DELETE FROM clients WHERE id = ?", (identifier,)):
                raise NotFound(f"There is no client {identifier[:80]!r}", f"没有客户端 {identifier[:80]!r}")
            self._control.run(
                "DELETE FROM families WHERE id IN (SELECT family FROM refreshes WHERE client = ?)", (identifier,)
            )
            for table in ("codes", "refreshes", "consents"):
                self._control.run(f"DELETE FROM {table} WHERE client = ?", (identifier,))

    # what people agreed to

    def agreed(self, person: str, client: str) -> frozenset[str]:
        """The scopes that a person lets a client have."""
        row = self._control.row("SELECT scope FROM consents WHERE person = ? AND client = ?", (person, client))
        return frozenset() if row is None else frozenset(row[0].split())

    def agree(self, person: str, client: str, scopes: Sequence[str]) -> None:
        """Remember what a person lets a client have."""
        given = " ".join(sorted({*scopes, *self.agreed(person, client)}))
        self._control.run("INSERT OR REPLACE INTO consents VALUES (?, ?, ?, ?)", (person, client, given, self._clock()))


def check_address(address: str) -> None:
    """A redirect goes over TLS, to this machine, or to a program's own scheme, and has no fragment.

    >>> check_address("https://app.example/callback"), check_address("cn.example.app:/callback")
    (None, None)
    """
    parts = urlsplit(address)
    secure = parts.scheme == "https" and parts.hostname
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    own = _SCHEME.fullmatch(parts.scheme) and not parts.netloc
    odd = parts.fragment or "#" in address or not address.isascii() or not address.isprintable() or parts.username
    if odd or not (secure or local or own):
        raise Invalid(
            f"{address[:80]!r} cannot be a redirect: use https://, http://127.0.0.1 or a scheme of the program's own",
            f"{address[:80]!r} 不能作为回调地址：请使用 https://、http://127.0.0.1 或程序自有的协议",
            parameter="redirects",
        )
