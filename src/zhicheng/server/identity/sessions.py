"""Sessions of people who signed in, and links that open one door once: set-up, invitation, reset of a password."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Literal

from zhicheng.kernel.errors import NotFound, Unauthenticated
from zhicheng.kernel.instants import DAY, HOUR, SECOND, Clock
from zhicheng.security.decision import Principal
from zhicheng.security.tokens import RANDOM_BYTES, digest_of
from zhicheng.server.control import Control, Row
from zhicheng.server.identity.people import People, Person

Purpose = Literal["setup", "invite", "reset"]
LASTS = 12 * HOUR
"""A session ends so long after signing in, whatever happens."""
IDLE = 2 * HOUR
"""And so long after it was last used."""
LINK_LASTS = DAY
_NOTED = 60 * SECOND
"""How exactly it is noted when a session was last used."""
_AGAIN = SECOND
_MOST = 20
"""Sessions of a person; the oldest ends when there is one more."""
_COLUMNS = "id, digest, person, methods, agent, network, created_at, seen_at, expires_at"


@dataclass(slots=True)
class Session:
    """One sign-in. methods: how (RFC 8176: pwd, otp, hwk...); agent, network: from where, for the person to see."""

    id: str
    digest: bytes
    person: str
    methods: tuple[str, ...]
    agent: str
    network: str
    created_at: int
    seen_at: int
    expires_at: int


def _session(row: Row) -> Session:
    identifier, digest, person, methods, *rest = row
    return Session(identifier, digest, person, tuple(json.loads(methods)), *rest)


class Sessions:
    """Sessions, found by the secret in a cookie; a session ended by another process is noticed within a second."""

    def __init__(self, control: Control, people: People, clock: Clock) -> None:
        self._control = control
        self._people = people
        self._clock = clock
        self._known: dict[bytes, tuple[Session, Principal]] = {}
        self._version = -1
        self._looked_at = 0

    def begin(self, person: Person, methods: tuple[str, ...], agent: str, network: str) -> tuple[str, Session]:
        """Sign somebody in; gives the secret for the cookie, which cannot be had again."""
        secret = secrets.token_urlsafe(RANDOM_BYTES)
        now = self._clock()
        made = Session(
            "session-" + secrets.token_hex(8), digest_of(secret), person.id, methods, agent[:200], network[:64],
            now, now, now + LASTS,
        )  # fmt: skip
        row = (made.id, made.digest, made.person, json.dumps(methods), made.agent, made.network, now, now, now + LASTS)
        with self._control.transaction():
            self._control.run("DELETE FROM sessions WHERE expires_at < ? OR seen_at < ?", (now, now - IDLE))
            self._control.run(
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE person = ? "
                "ORDER BY created_at DESC LIMIT -1 OFFSET ?)",
                (person.id, _MOST - 1),
            )
            self._control.run(f"INSERT INTO sessions ({_COLUMNS}) VALUES ({', '.join('?' * 9)})", row)
        self._known.clear()
        return secret, made

    def find(self, secret: str) -> tuple[Session, Principal] | None:
        """The session of a cookie, if it goes on, and who is in it."""
        self._look()
        digest = digest_of(secret)
        found = self._known.get(digest)
        if found is None:
            row = self._control.row(f"SELECT {_COLUMNS} FROM sessions WHERE digest = ?", (digest,))
            found = None if row is None else self._with_principal(_session(row))
            if found is None:
                return None
            self._known[digest] = found
        return found if self._goes_on(found[0]) else None

    def alive(self, identifier: str) -> Session | None:
        """The session of an id, if it goes on."""
        row = self._control.row(f"SELECT {_COLUMNS} FROM sessions WHERE id = ?", (identifier,))
        found = None if row is None else _session(row)
        return found if found is not None and self._fresh(found) else None

    def _with_principal(self, session: Session) -> tuple[Session, Principal] | None:
        person = self._people.find(session.person)
        if person is None or person.disabled:
            return None
        return session, principal_of(person, session.expires_at)

    def _fresh(self, session: Session) -> bool:
        now = self._clock()
        return now < session.expires_at and now - session.seen_at < IDLE

    def _goes_on(self, session: Session) -> bool:
        if not self._fresh(session):
            self._known.pop(session.digest, None)
            return False
        now = self._clock()
        if now - session.seen_at > _NOTED:
            session.seen_at = now
            self._control.run("UPDATE sessions SET seen_at = ? WHERE id = ?", (now, session.id))
        return True

    def _look(self) -> None:
        """Forget what is known once anything was changed elsewhere; what is changed here says so itself."""
        now = self._clock()
        if abs(now - self._looked_at) > _AGAIN:
            self._looked_at = now
            version = self._control.version()
            if version != self._version:
                self._version = version
                self._known.clear()

    def forget(self) -> None:
        """Something about people changed: look them up anew."""
        self._known.clear()

    def of(self, person: Person) -> list[Session]:
        """Where a person is signed in, newest first."""
        sql = f"SELECT {_COLUMNS} FROM sessions WHERE person = ? ORDER BY created_at DESC"
        return [one for row in self._control.rows(sql, (person.id,)) if self._fresh(one := _session(row))]

    def end(self, identifier: str, person: Person | None = None) -> None:
        """Sign out; with a person only one of its own."""
        found = self._control.row("SELECT person FROM sessions WHERE id = ?", (identifier,))
        if found is None or (person is not None and found[0] != person.id):
            raise NotFound("There is no such session", "没有该会话")
        with self._control.transaction():
            self._control.run("DELETE FROM sessions WHERE id = ?", (identifier,))
            self._control.run("DELETE FROM families WHERE session = ?", (identifier,))
            self._control.run("DELETE FROM refreshes WHERE session = ?", (identifier,))
        self._known.clear()

    def end_all(self, person: Person, kept: str | None = None) -> int:
        """Sign a person out everywhere, but for one session; gives how many there were."""
        ended = [one.id for one in self.of(person) if one.id != kept]
        for identifier in ended:
            self.end(identifier)
        return len(ended)

    # links

    def link(self, purpose: Purpose, person: Person | None = None, lasts: int = LINK_LASTS) -> str:
        """A secret that works once; of a purpose and person the newest only."""
        secret = secrets.token_urlsafe(RANDOM_BYTES)
        whose = None if person is None else person.id
        with self._control.transaction():
            self._control.run("DELETE FROM links WHERE purpose = ? AND person IS ?", (purpose, whose))
            row = (digest_of(secret), purpose, whose, self._clock() + lasts)
            self._control.run("INSERT INTO links VALUES (?, ?, ?, ?)", row)
        return secret

    def linked(self, secret: str) -> tuple[Purpose, Person | None]:
        """What a link is for; Unauthenticated for one that was used, is too old or never was."""
        sql = "SELECT purpose, person, expires_at FROM links WHERE digest = ?"
        row = self._control.row(sql, (digest_of(secret),))
        person = None if row is None or row[1] is None else self._people.find(row[1])
        if row is None or row[2] < self._clock() or (row[1] is not None and person is None):
            raise Unauthenticated(
                "This link was used or is too old; ask for a new one", "该链接已使用或已过期；请重新获取"
            )
        return row[0], person

    def use_link(self, secret: str) -> tuple[Purpose, Person | None]:
        """The same, and from now on it is used: of two at the same time one gets it."""
        found = self.linked(secret)
        if not self._control.run("DELETE FROM links WHERE digest = ?", (digest_of(secret),)):
            raise Unauthenticated("This link was used already", "该链接已使用")
        return found


def principal_of(person: Person, expires_at: int | None = None) -> Principal:
    """Who acts, of an account."""
    return Principal(
        person.name, person.tenant, person.roles, expires_at, kind="Person", departments=person.departments,
        credential=f"person:{person.id}",
    )  # fmt: skip
