"""control.db: what belongs to no tenant's city. Opened by the server and the command line at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import apsw

from zhicheng.kernel.errors import BadConfiguration, Corrupt

Row: TypeAlias = tuple[Any, ...]
_FIRST = """
CREATE TABLE tenants (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL, tenant TEXT NOT NULL,
    roles TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER) WITHOUT ROWID;
CREATE TABLE contexts (tenant TEXT, id TEXT, url TEXT NOT NULL, body BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)) WITHOUT ROWID;
"""
_PEOPLE = """
CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, shown TEXT NOT NULL,
    tenant TEXT NOT NULL, roles TEXT NOT NULL, departments TEXT NOT NULL, password TEXT, totp TEXT, totp_step INTEGER,
    recovery TEXT NOT NULL, disabled INTEGER NOT NULL, external TEXT UNIQUE, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE passkeys (id BLOB PRIMARY KEY, person TEXT NOT NULL, public_key BLOB NOT NULL, used INTEGER NOT NULL,
    name TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE links (digest BLOB PRIMARY KEY, purpose TEXT NOT NULL, person TEXT, expires_at INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE sessions (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person TEXT NOT NULL, methods TEXT NOT NULL,
    agent TEXT NOT NULL, network TEXT NOT NULL, created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (person);
CREATE TABLE clients (id TEXT PRIMARY KEY, name TEXT NOT NULL, secret BLOB, redirects TEXT NOT NULL,
    after_logout TEXT NOT NULL, scopes TEXT NOT NULL, grants TEXT NOT NULL, trusted INTEGER NOT NULL,
    tenant TEXT NOT NULL, roles TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE codes (digest BLOB PRIMARY KEY, family TEXT NOT NULL, client TEXT NOT NULL, person TEXT NOT NULL,
    session TEXT NOT NULL, redirect TEXT NOT NULL, scope TEXT NOT NULL, nonce TEXT, challenge TEXT,
    expires_at INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE refreshes (digest BLOB PRIMARY KEY, family TEXT NOT NULL, client TEXT NOT NULL, person TEXT NOT NULL,
    session TEXT NOT NULL, scope TEXT NOT NULL, expires_at INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX refreshes_family ON refreshes (family);
CREATE TABLE families (id TEXT PRIMARY KEY, session TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE consents (person TEXT, client TEXT, scope TEXT NOT NULL, given_at INTEGER NOT NULL,
    PRIMARY KEY (person, client)) WITHOUT ROWID;
CREATE TABLE keys (id TEXT PRIMARY KEY, private TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
"""
_DEVICES = "ALTER TABLE tokens ADD COLUMN entities TEXT;"
_DEVELOPERS = """
CREATE TABLE access_keys (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person TEXT NOT NULL, name TEXT NOT NULL,
    role TEXT NOT NULL, place TEXT NOT NULL, per_minute INTEGER NOT NULL, per_day INTEGER NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER) WITHOUT ROWID;
CREATE INDEX access_keys_person ON access_keys (person);
CREATE TABLE usage (account TEXT, day TEXT, requests INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sql_ms INTEGER NOT NULL, refused INTEGER NOT NULL, PRIMARY KEY (account, day)) WITHOUT ROWID;
"""
STEPS = (_FIRST, _PEOPLE, _DEVICES, _DEVELOPERS)
"""What brings the file from each format to the next; a new file takes them all."""
FORMAT = len(STEPS)


class Control:
    """The file; every statement is a transaction of its own unless it stands in `transaction`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "control.db"
        self._lock = threading.RLock()
        try:
            self._database = apsw.Connection(str(self.path))
            self._database.set_busy_timeout(10_000)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                self._database.execute(f"PRAGMA {pragma}")  # apart: one that answers hides those behind it
            self._migrate()
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise Corrupt(f"{self.path} is damaged: {error}", f"{self.path} 已损坏：{error}") from None
        self.path.chmod(0o600)

    def _migrate(self) -> None:
        version = self.number("PRAGMA user_version")
        if version > FORMAT:
            raise BadConfiguration(
                f"{self.path} has format {version}; this version reads up to {FORMAT}: install a newer version",
                f"{self.path} 的格式为 {version}，本版本最高支持 {FORMAT}：请安装更新的版本",
            )
        if version < FORMAT:
            with self.transaction():
                for step in STEPS[self.number("PRAGMA user_version") :]:
                    self._database.execute(step)
                self._database.execute(f"PRAGMA user_version={FORMAT}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within, or nothing."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """What a statement gives."""
        with self._lock:
            return list(self._database.execute(sql, tuple(values)))

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Its first row."""
        return next(iter(self.rows(sql, values)), None)

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Do it; gives how many rows it changed."""
        with self._lock:
            self._database.execute(sql, tuple(values))
            return int(self._database.changes())

    def number(self, sql: str) -> int:
        """The one number that a statement gives."""
        return int(self.rows(sql)[0][0])

    def version(self) -> int:
        """Changes when another process has written to the file."""
        return self.number("PRAGMA data_version")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()
