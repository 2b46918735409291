"""What clients were granted: codes that work once, refresh tokens that rotate, families that end together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from zhicheng.kernel.instants import DAY, SECOND, Clock
from zhicheng.security.tokens import RANDOM_BYTES, digest_of
from zhicheng.server.control import Control
from zhicheng.server.identity.sessions import LASTS, Session

CODE_LASTS = 60 * SECOND
OFFLINE_LASTS = 30 * DAY


@dataclass(frozen=True, slots=True)
class Grant:
    """A code or a refresh token; its methods are what Authlib asks of one.

    family: all that came of one sign-in of one client; session: of the person, "" once it may go on without
    """

    family: str
    client: str
    person: str
    session: str
    scope: str
    redirect: str = ""
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str = "S256"
    auth_time: int | None = None
    methods: tuple[str, ...] = ()

    def get_redirect_uri(self) -> str:
        return self.redirect

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int | None:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> list[str]:
        return list(self.methods)

    def check_client(self, client: object) -> bool:
        return getattr(client, "id", None) == self.client


class Granted:
    """Codes, refresh tokens and families in control.db; secrets as digests only."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    def keep_code(self, code: str, grant: Grant) -> None:
        """A code that a client may turn into tokens within a minute."""
        now = self._clock()
        row = (
            digest_of(code), grant.family, grant.client, grant.person, grant.session, grant.redirect, grant.scope,
            grant.nonce, grant.code_challenge, now + CODE_LASTS, 0,
        )  # fmt: skip
        with self._control.transaction():
            self._control.run("DELETE FROM codes WHERE expires_at < ?", (now - DAY,))
            self._control.run("INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def take_code(self, code: str) -> Grant | None:
        """What a code stands for, once. A second time everything that came of it ends (RFC 6749 4.1.2)."""
        digest = digest_of(code)
        with self._control.transaction():
            row = self._control.row(
                "SELECT family, client, person, session, scope, redirect, nonce, challenge, expires_at, used "
                "FROM codes WHERE digest = ?",
                (digest,),
            )
            if row is None:
                return None
            *fields, expires_at, used = row
            if used:
                self._end(fields[0])
                return None
            self._control.run("UPDATE codes SET used = 1 WHERE digest = ?", (digest,))
        return Grant(*fields) if expires_at > self._clock() else None

    def begin(self, family: str, session: str) -> None:
        """A family of tokens begins, or goes on, to live."""
        expires_at = self._clock() + (LASTS if session else OFFLINE_LASTS)
        with self._control.transaction():
            for table in ("families", "refreshes"):
                self._control.run(f"DELETE FROM {table} WHERE expires_at < ?", (self._clock(),))
            self._control.run("INSERT OR REPLACE INTO families VALUES (?, ?, ?)", (family, session, expires_at))

    def refresh_token(self, grant: Grant) -> str:
        """A new refresh token of a family."""
        token = secrets.token_urlsafe(RANDOM_BYTES)
        expires_at = self._clock() + (LASTS if grant.session else OFFLINE_LASTS)
        row = (
            digest_of(token), grant.family, grant.client, grant.person, grant.session, grant.scope, expires_at, 0,
        )  # fmt: skip
        self._control.run("INSERT INTO refreshes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return token

    def take_refresh(self, token: str) -> Grant | None:
        """What a refresh token stands for, once; shown again, its whole family ends (RFC 9700 4.14.2)."""
        digest = digest_of(token)
        with self._control.transaction():
            row = self._control.row(
                "SELECT family, client, person, session, scope, expires_at, used FROM refreshes WHERE digest = ?",
                (digest,),
            )
            if row is None:
                return None
            *fields, expires_at, used = row
            if used:
                self._end(fields[0])
                return None
            self._control.run("UPDATE refreshes SET used = 1 WHERE digest = ?", (digest,))
        return Grant(*fields) if expires_at > self._clock() and self.alive(fields[0]) else None

    def family_of(self, token: str) -> tuple[str, str] | None:
        """Family and client of a refresh token."""
        row = self._control.row("SELECT family, client FROM refreshes WHERE digest = ?", (digest_of(token),))
        return None if row is None else (row[0], row[1])

    def alive(self, family: str) -> bool:
        """Whether tokens of a family still count."""
        row = self._control.row("SELECT expires_at FROM families WHERE id = ?", (family,))
        return row is not None and row[0] > self._clock()

    def end(self, family: str) -> None:
        """Let no token of a family count any more."""
        with self._control.transaction():
            self._end(family)

    def _end(self, family: str) -> None:
        self._control.run("DELETE FROM families WHERE id = ?", (family,))
        self._control.run("DELETE FROM refreshes WHERE family = ? AND NOT used", (family,))


def family_of(session: Session) -> str:
    """A name for a new family."""
    return f"{session.id}-{secrets.token_hex(8)}"
