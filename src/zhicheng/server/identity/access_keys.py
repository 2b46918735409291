"""Access keys: what a person hands to a program of theirs, so that it acts for them and may do no more than they.

Kept in control.db as digests. A key names a role; what it opens is what the person may do and that role may do as well,
looked up anew at each request, so that a key never outlives or exceeds its owner.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Literal

from zhicheng.kernel.errors import Invalid, NotFound, TooMany
from zhicheng.kernel.instants import DAY, SECOND, Clock
from zhicheng.security.actions import ROLES, permitted
from zhicheng.security.decision import Principal
from zhicheng.security.tokens import KEY_PREFIX, RANDOM_BYTES, digest_of, token_of
from zhicheng.server.control import Control, Row
from zhicheng.server.identity.people import People, shown_name
from zhicheng.server.identity.sessions import principal_of

Place = Literal["city", "sandbox"]
SANDBOX = "sandbox"
"""The tenant of the sandbox; no city may be called so."""
LONGEST = 366 * DAY
MOST = 50
"""Keys of a person."""
GUEST = "guest"
"""Whose keys are that are made where everyone may do everything (--no-auth); they count nowhere else."""
_AGAIN = SECOND
_NOTED = 60 * SECOND
"""How exactly it is noted when a key was last used."""
_COLUMNS = "id, person, name, role, place, per_minute, per_day, created_at, expires_at, used_at"
IN_SANDBOX = frozenset((
    "city:read", "entities:read", "entities:write", "history:read", "history:write", "sql:run",
    "contexts:read", "contexts:write", "subscriptions:read", "subscriptions:write", "sandbox:use",
))  # fmt: skip
"""What a sandbox key may do, in the sandbox's tenant: nothing that touches what belongs to no tenant."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What is known of a key; its text is known to nobody but who made it. Instants in microseconds.

    role: what it may do of what its person may; place: the city, or the sandbox
    per_minute, per_day: requests that it may make; 0 for as many as the city lets every key
    """

    id: str
    person: str
    name: str
    role: str
    place: Place
    per_minute: int
    per_day: int
    created_at: int
    expires_at: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of a new key; `lasts` in microseconds."""

    name: str
    role: str
    place: Place = "city"
    lasts: int = 90 * DAY
    per_minute: int = 0
    per_day: int = 0


def offered(roles: tuple[str, ...]) -> list[str]:
    """The roles that a key of somebody with these roles may have: those that open nothing more, each act of its own.

    >>> offered(("writer",))
    ['reader', 'citizen', 'writer']
    """
    own = permitted(roles)
    first: dict[frozenset[str], str] = {}
    for role, actions in ROLES.items():
        first.setdefault(actions, role)
    return [role for actions, role in first.items() if actions <= own and not _only_own(actions)]


def _only_own(actions: frozenset[str]) -> bool:
    return not any(action.startswith(("city:", "entities:")) for action in actions)


class AccessKeys:
    """The keys of all people; one that another process revokes counts no more within a second."""

    def __init__(self, control: Control, people: People, clock: Clock, guest: Principal | None) -> None:
        self._control = control
        self._people = people
        self._clock = clock
        self._guest = guest
        self._known: dict[bytes, tuple[AccessKey, Principal] | None] = {}
        self._by_id: dict[str, AccessKey] = {}
        self._version = -1
        self._looked_at = 0

    def make(self, person: str, roles: tuple[str, ...], wish: Wish) -> tuple[str, AccessKey]:
        """A new key of a person who has these roles: its text, which cannot be had again, and what is known of it."""
        if wish.role not in offered(roles):
            raise Invalid(
                f"A key of yours may be {', '.join(offered(roles))}; not {wish.role[:40]!r}",
                f"您的密钥可选角色：{'、'.join(offered(roles))}；不可为 {wish.role[:40]!r}",
                parameter="role",
            )
        if not 0 < wish.lasts <= LONGEST:
            raise Invalid("A key is valid for 1 to 366 days", "密钥有效期为 1 到 366 天", parameter="days")
        if min(wish.per_minute, wish.per_day) < 0:
            raise Invalid("A quota is a number from 0 on", "配额应为不小于 0 的整数", parameter="per_minute")
        if len(self.of(person)) >= MOST:
            raise TooMany(f"You have {MOST} keys; revoke one first", f"您已有 {MOST} 个密钥；请先吊销一个")
        text = token_of(secrets.token_bytes(RANDOM_BYTES), KEY_PREFIX)
        now = self._clock()
        made = AccessKey(
            "key-" + secrets.token_hex(6), person, shown_name(wish.name), wish.role, wish.place, wish.per_minute,
            wish.per_day, now, now + wish.lasts, None,
        )  # fmt: skip
        row = (
            made.id, digest_of(text), person, made.name, made.role, made.place, made.per_minute, made.per_day,
            made.created_at, made.expires_at, None,
        )  # fmt: skip
        self._control.run("INSERT INTO access_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._known.clear()
        return text, made

    def of(self, person: str) -> list[AccessKey]:
        """Those of a person, newest first; the expired ones too, for a month, so that one sees what happened."""
        self._control.run("DELETE FROM access_keys WHERE expires_at < ?", (self._clock() - 30 * DAY,))
        sql = f"SELECT {_COLUMNS} FROM access_keys WHERE person = ? ORDER BY created_at DESC, id"
        return [_key(row) for row in self._control.rows(sql, (person,))]

    def revoke(self, person: str, identifier: str) -> None:
        """Make a key of a person worthless, at once."""
        if not self._control.run("DELETE FROM access_keys WHERE id = ? AND person = ?", (identifier, person)):
            raise NotFound("You have no such key", "您没有该密钥")
        self._known.clear()

    def seen(self, identifier: str | None) -> AccessKey | None:
        """A key by which somebody was let in."""
        return None if identifier is None else self._by_id.get(identifier)

    def forget(self) -> None:
        """Something about people changed: look their keys up anew."""
        self._known.clear()

    def principal(self, text: str) -> Principal | None:
        """Who a key stands for: its person as they are now, within the key's role. None for a worthless one."""
        self._look()
        digest = digest_of(text)
        if digest not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
                self._by_id.clear()
            self._known[digest] = self._found("digest", digest)
        found = self._known[digest]
        if found is None or found[0].expires_at <= self._clock():
            return None
        self._note(digest, *found)
        return found[1]

    def named(self, identifier: str) -> Principal | None:
        """The same of a key by its id."""
        found = self._found("id", identifier)
        return None if found is None else found[1]

    def _found(self, column: Literal["id", "digest"], value: str | bytes) -> tuple[AccessKey, Principal] | None:
        row = self._control.row(f"SELECT {_COLUMNS} FROM access_keys WHERE {column} = ?", (value,))
        key = None if row is None else _key(row)
        owner = None if key is None else self._owner(key.person)
        if key is None or owner is None:
            return None
        self._by_id[key.id] = key
        if key.place == "sandbox":
            name, until = owner.name, key.expires_at
            return key, Principal(
                name, SANDBOX, ("writer",), until, IN_SANDBOX, kind="Person", key=key.id, credential=f"key:{key.id}"
            )
        within = permitted((key.role,))
        return key, replace(
            owner, expires_at=key.expires_at, within=within, kind="Person", key=key.id, credential=f"key:{key.id}"
        )

    def _owner(self, person: str) -> Principal | None:
        if person == GUEST:
            return self._guest
        found = self._people.find(person)
        return None if found is None or found.disabled else principal_of(found)

    def _note(self, digest: bytes, key: AccessKey, principal: Principal) -> None:
        now = self._clock()
        if key.used_at is None or now - key.used_at > _NOTED:
            self._known[digest] = replace(key, used_at=now), principal
            self._control.run("UPDATE access_keys SET used_at = ? WHERE id = ?", (now, key.id))

    def _look(self) -> None:
        now = self._clock()
        if abs(now - self._looked_at) > _AGAIN:
            self._looked_at = now
            version = self._control.version()
            if version != self._version:
                self._version = version
                self._known.clear()


def _key(row: Row) -> AccessKey:
    return AccessKey(*row)
