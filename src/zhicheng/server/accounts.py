"""control.db: what belongs to no tenant's city: which tenants there are, tokens (digests only), uploaded contexts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import apsw

from zhicheng.kernel.errors import BadConfiguration, Corrupt, NotFound
from zhicheng.kernel.instants import SECOND, Clock, system_clock
from zhicheng.security.actions import roles_of
from zhicheng.security.decision import Principal
from zhicheng.security.tokens import RANDOM_BYTES, digest_of, tenant_name, token_of

FORMAT = 1
_SCHEMA = """
CREATE TABLE tenants (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL, tenant TEXT NOT NULL,
    roles TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER) WITHOUT ROWID;
CREATE TABLE contexts (tenant TEXT, id TEXT, url TEXT NOT NULL, body BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)) WITHOUT ROWID;
"""
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


@dataclass(frozen=True, slots=True)
class HostedContext:
    """An @context that a client uploaded."""

    id: str
    url: str
    body: bytes
    created_at: int


class Accounts:
    """The file control.db, safe to be used by the server and the command line at once."""

    def __init__(self, folder: Path, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._by_digest: dict[bytes, Principal] = {}
        self._version = -1
        self._looked_at = 0
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "control.db"
        try:
            self._database = apsw.Connection(str(path))
            self._database.set_busy_timeout(10_000)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                self._database.execute(f"PRAGMA {pragma}")  # apart: one that answers hides those behind it
            version = self._number("PRAGMA user_version")
            if version == 0:
                self._database.execute(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={FORMAT}; COMMIT")
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise Corrupt(f"{path} is damaged: {error}", f"{path} 已损坏：{error}") from None
        if version > FORMAT:
            raise BadConfiguration(
                f"{path} has format {version}; this version reads up to {FORMAT}: install a newer version",
                f"{path} 的格式为 {version}，本版本最高支持 {FORMAT}：请安装更新的版本",
            )
        path.chmod(0o600)

    def _number(self, sql: str) -> int:
        return int(next(iter(self._database.execute(sql)))[0])

    # tenants

    def add_tenant(self, name: str) -> bool:
        """Make room for a tenant; False where it is there already."""
        tenant_name(name)
        self._database.execute("INSERT OR IGNORE INTO tenants VALUES (?, ?)", (name, self._clock()))
        return self._database.changes() > 0

    def tenants(self) -> list[str]:
        """All tenants."""
        return [name for (name,) in self._database.execute("SELECT name FROM tenants ORDER BY name")]

    # tokens

    def create(self, name: str, tenant: str, roles: list[str], lasts: int | None = None) -> str:
        """A new token: its text, which cannot be had again. `lasts`: microseconds it is valid, None for ever."""
        token = token_of(secrets.token_bytes(RANDOM_BYTES))
        now = self._clock()
        self.add_tenant(tenant)
        row = (
            secrets.token_hex(4), digest_of(token), name, tenant, ",".join(roles_of(roles)), now,
            None if lasts is None else now + lasts,
        )  # fmt: skip
        self._database.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self._version = -1
        return token

    def tokens(self) -> list[Token]:
        """All tokens, oldest first; never their text."""
        sql = "SELECT id, name, tenant, roles, created_at, expires_at FROM tokens ORDER BY created_at, id"
        return [
            Token(identifier, name, tenant, tuple(roles.split(",")), created, expires)
            for identifier, name, tenant, roles, created, expires in self._database.execute(sql)
        ]

    def revoke(self, identifier: str) -> None:
        """Make a token worthless."""
        self._database.execute("DELETE FROM tokens WHERE id = ?", (identifier,))
        if not self._database.changes():
            raise NotFound(
                f"There is no token {identifier!r}; zhicheng token list shows them",
                f"没有令牌 {identifier!r}；用 zhicheng token list 查看",
            )
        self._version = -1

    def principal(self, token: str) -> Principal | None:
        """Who a token stands for; a change by another process counts within a second."""
        now = self._clock()
        if self._version < 0 or abs(now - self._looked_at) > _AGAIN:
            self._refresh()
            self._looked_at = now
        return self._by_digest.get(digest_of(token))

    def _refresh(self) -> None:
        version = self._number("PRAGMA data_version")
        if version == self._version:
            return
        self._by_digest = {
            digest: Principal(name, tenant, tuple(roles.split(",")), expires)
            for digest, name, tenant, roles, expires in self._database.execute(
                "SELECT digest, name, tenant, roles, expires_at FROM tokens"
            )
        }
        self._version = version

    # contexts

    def keep_context(self, tenant: str, identifier: str, url: str, body: bytes) -> None:
        """Keep an uploaded context."""
        row = (tenant, identifier, url, body, self._clock())
        self._database.execute("INSERT OR REPLACE INTO contexts VALUES (?, ?, ?, ?, ?)", row)

    def drop_context(self, tenant: str, identifier: str) -> None:
        """Forget one."""
        self._database.execute("DELETE FROM contexts WHERE tenant = ? AND id = ?", (tenant, identifier))

    def contexts(self, tenant: str) -> list[HostedContext]:
        """A tenant's uploaded contexts."""
        sql = "SELECT id, url, body, created_at FROM contexts WHERE tenant = ? ORDER BY created_at, id"
        return [HostedContext(*row) for row in self._database.execute(sql, (tenant,))]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
