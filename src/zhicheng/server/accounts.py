"""What control.db knows of tenants, of tokens (digests only) and of uploaded contexts."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import SECOND, Clock, system_clock
from zhicheng.security.actions import roles_of
from zhicheng.security.decision import Principal
from zhicheng.security.tokens import RANDOM_BYTES, digest_of, tenant_name, token_of
from zhicheng.server.control import Control

_AGAIN = SECOND
"""How long the list of tokens is used before it is looked whether another process changed it."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; instants in microseconds."""

    id: str
    name: str
    tenant: str
    roles: tuple[str, ...]
    created_at: int
    expires_at: int | None
    entities: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class HostedContext:
    """An @context that a client uploaded."""

    id: str
    url: str
    body: bytes
    created_at: int


def _roles(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _entities(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


class Accounts:
    """Safe to be used by the server and the command line at once."""

    def __init__(self, folder: Path, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._by_digest: dict[bytes, Principal] = {}
        self._by_id: dict[str, Principal] = {}
        self._version = -1
        self._looked_at = 0
        self.control = Control(folder)

    # tenants

    def add_tenant(self, name: str) -> bool:
        """Make room for a tenant; False where it is there already."""
        tenant_name(name)
        return self.control.run("INSERT OR IGNORE INTO tenants VALUES (?, ?)", (name, self._clock())) > 0

    def tenants(self) -> list[str]:
        """All tenants."""
        return [name for (name,) in self.control.rows("SELECT name FROM tenants ORDER BY name")]

    # tokens

    def create(
        self, name: str, tenant: str, roles: list[str], lasts: int | None = None, entities: list[str] | None = None
    ) -> str:
        """A new token: its text, which cannot be had again. `lasts`: microseconds it is valid, None for ever.

        entities: of a device, those that it may write; it has no roles
        """
        token = token_of(secrets.token_bytes(RANDOM_BYTES))
        now = self._clock()
        self.add_tenant(tenant)
        row = (
            secrets.token_hex(4), digest_of(token), name, tenant, "" if entities else ",".join(roles_of(roles)), now,
            None if lasts is None else now + lasts, json.dumps(entities) if entities else None,
        )  # fmt: skip
        self.control.run("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._version = -1
        return token

    def tokens(self) -> list[Token]:
        """All tokens, oldest first; never their text."""
        sql = "SELECT id, name, tenant, roles, created_at, expires_at, entities FROM tokens ORDER BY created_at, id"
        return [
            Token(identifier, name, tenant, _roles(roles), created, expires, _entities(entities))
            for identifier, name, tenant, roles, created, expires, entities in self.control.rows(sql)
        ]

    def revoke(self, identifier: str) -> None:
        """Make a token worthless."""
        if not self.control.run("DELETE FROM tokens WHERE id = ?", (identifier,)):
            raise NotFound(
                f"There is no token {identifier!r}; zhicheng token list shows them",
                f"没有令牌 {identifier!r}；用 zhicheng token list 查看",
            )
        self._version = -1

    def principal(self, token: str) -> Principal | None:
        """Who a token stands for; one that another process made counts at once, one that it revoked within a second."""
        digest = digest_of(token)
        self._look()
        if digest not in self._by_digest:
            self._refresh()
        return self._by_digest.get(digest)

    def of_credential(self, credential: str) -> Principal | None:
        """The same by what the principal calls its credential."""
        self._look()
        return self._by_id.get(credential)

    def _look(self) -> None:
        now = self._clock()
        if self._version < 0 or abs(now - self._looked_at) > _AGAIN:
            self._refresh()
            self._looked_at = now

    def _refresh(self) -> None:
        version = self.control.version()
        if version == self._version:
            return
        self._by_digest = {
            digest: Principal(
                name,
                tenant,
                _roles(roles),
                expires,
                kind="Service" if entities is None else "Device",
                entities=_entities(entities),
                credential=f"token:{identifier}",
            )
            for identifier, digest, name, tenant, roles, expires, entities in self.control.rows(
                "SELECT id, digest, name, tenant, roles, expires_at, entities FROM tokens"
            )
        }
        self._by_id = {one.credential: one for one in self._by_digest.values()}
        self._version = version

    # contexts

    def keep_context(self, tenant: str, identifier: str, url: str, body: bytes) -> None:
        """Keep an uploaded context."""
        row = (tenant, identifier, url, body, self._clock())
        self.control.run("INSERT OR REPLACE INTO contexts VALUES (?, ?, ?, ?, ?)", row)

    def drop_context(self, tenant: str, identifier: str) -> None:
        """Forget one."""
        self.control.run("DELETE FROM contexts WHERE tenant = ? AND id = ?", (tenant, identifier))

    def contexts(self, tenant: str) -> list[HostedContext]:
        """A tenant's uploaded contexts."""
        sql = "SELECT id, url, body, created_at FROM contexts WHERE tenant = ? ORDER BY created_at, id"
        return [HostedContext(*row) for row in self.control.rows(sql, (tenant,))]

    def close(self) -> None:
        """Let go of the file."""
        self.control.close()
