"""People who sign in: their accounts, second factors and passkeys, as control.db keeps them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from zhicheng.kernel.errors import AlreadyExists, Conflict, Invalid, NotFound
from zhicheng.kernel.instants import Clock
from zhicheng.security import passwords, second_factor
from zhicheng.security.actions import roles_of
from zhicheng.security.tokens import tenant_name
from zhicheng.server.control import Control, Row

_COLUMNS = (
    "id, name, shown, tenant, roles, departments, password, totp, totp_step, recovery, disabled, external, created_at"
)
_NAME = re.compile(r"[\w.@-]{2,64}")
_SHOWN_AT_MOST = 80


@dataclass(frozen=True, slots=True)
class Person:
    """An account.

    name: what one signs in with; shown: what people see; departments: URNs of the organisations one works for
    password: argon2 hash; totp: secret of the one-time passwords; recovery: digests of the codes that are left
    external: issuer and subject at another provider that signs this person in
    """

    id: str
    name: str
    shown: str
    tenant: str
    roles: tuple[str, ...]
    departments: tuple[str, ...] = ()
    password: str | None = None
    totp: str | None = None
    totp_step: int = -1
    recovery: tuple[str, ...] = ()
    disabled: bool = False
    external: str | None = None
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of WebAuthn: `used` is its counter."""

    id: bytes
    person: str
    public_key: bytes
    used: int
    name: str
    created_at: int


def _person(row: Row) -> Person:
    identifier, name, shown, tenant, roles, departments, password, totp, step, recovery, disabled, external, at = row
    return Person(
        identifier, name, shown, tenant, tuple(roles.split(",")), tuple(json.loads(departments)), password, totp,
        -1 if step is None else step, tuple(json.loads(recovery)), bool(disabled), external, at,
    )  # fmt: skip


class People:
    """The accounts; every change is durable when it returns."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    def any(self) -> bool:
        """Whether there is an account at all."""
        return self._control.row("SELECT 1 FROM people LIMIT 1") is not None

    def all(self) -> list[Person]:
        """Everyone, by name."""
        return [_person(row) for row in self._control.rows(f"SELECT {_COLUMNS} FROM people ORDER BY name")]

    def find(self, identifier: str) -> Person | None:
        """The account of an id."""
        return self._one("id = ?", identifier)

    def able(self, identifier: str) -> Person | None:
        """A person who may sign in."""
        found = self.find(identifier)
        return None if found is None or found.disabled else found

    def named(self, name: str) -> Person | None:
        """The account of a name, in any case."""
        return self._one("name = ?", name)

    def of_external(self, external: str) -> Person | None:
        """The account that another provider signs in."""
        return self._one("external = ?", external)

    def _one(self, where: str, value: str) -> Person | None:
        row = self._control.row(f"SELECT {_COLUMNS} FROM people WHERE {where}", (value,))
        return None if row is None else _person(row)

    def get(self, identifier: str) -> Person:
        """The account of an id or a name; NotFound."""
        found = self.find(identifier) or self.named(identifier)
        if found is None:
            raise NotFound(f"There is no account {identifier[:80]!r}", f"没有账号 {identifier[:80]!r}")
        return found

    def add(
        self,
        name: str,
        tenant: str,
        roles: Sequence[str],
        *,
        shown: str = "",
        departments: Sequence[str] = (),
        password: str | None = None,
        external: str | None = None,
    ) -> Person:
        """A new account. Without a password one signs in by a link, a passkey or another provider."""
        if not _NAME.fullmatch(name):
            raise Invalid(
                "An account's name has 2 to 64 letters, digits, dots, hyphens or @",
                "账号名应为 2 到 64 个字母、数字、点、连字符或 @",
                parameter="name",
            )
        made = Person(
            "person-" + secrets.token_hex(8), name, shown_name(shown or name), tenant_name(tenant), roles_of(roles),
            tuple(departments), None if password is None else _hashed(password, name), external=external,
            created_at=self._clock(),
        )  # fmt: skip
        with self._control.transaction():
            if self.named(name) is not None:
                raise AlreadyExists(f"There is an account {name!r} already", f"账号 {name!r} 已存在")
            self._control.run("INSERT OR IGNORE INTO tenants VALUES (?, ?)", (tenant, made.created_at))
            row = (
                made.id, made.name, made.shown, made.tenant, ",".join(made.roles), json.dumps(made.departments),
                made.password, None, None, "[]", 0, external, made.created_at,
            )  # fmt: skip
            self._control.run(f"INSERT INTO people ({_COLUMNS}) VALUES ({', '.join('?' * 13)})", row)
        return made

    def _set(self, person: Person, **values: object) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        if not self._control.run(f"UPDATE people SET {names} WHERE id = ?", (*values.values(), person.id)):
            raise NotFound(f"The account {person.name!r} is gone", f"账号 {person.name!r} 已不存在")

    def allow(self, person: Person, roles: Sequence[str], departments: Sequence[str]) -> None:
        """What the account may do, and for which departments."""
        self._keep_an_administrator(person, roles_of(roles))
        self._set(person, roles=",".join(roles_of(roles)), departments=json.dumps(list(departments)))

    def rename(self, person: Person, shown: str) -> None:
        """What people see of it."""
        self._set(person, shown=shown_name(shown))

    def disable(self, person: Person, disabled: bool) -> None:
        """Let nobody sign in with it, and end its sessions."""
        if disabled:
            self._keep_an_administrator(person, ())
        self._set(person, disabled=int(disabled))
        if disabled:
            self._control.run("DELETE FROM sessions WHERE person = ?", (person.id,))

    def set_password(self, person: Person, password: str) -> None:
        """A new password."""
        self._set(person, password=_hashed(password, person.name))

    def set_totp(self, person: Person, secret: str | None) -> tuple[str, ...]:
        """Ask for one-time passwords from now on, or no more; gives new recovery codes, which cannot be had again."""
        if secret is None:
            self._set(person, totp=None, totp_step=None, recovery="[]")
            return ()
        random = (secrets.token_bytes(second_factor.RECOVERY_BYTES) for _ in range(second_factor.RECOVERY_CODES))
        codes = tuple(map(second_factor.recovery_of, random))
        kept = json.dumps([second_factor.recovery_digest(code) for code in codes])
        self._set(person, totp=secret, totp_step=None, recovery=kept)
        return codes

    def take_code(self, person: Person, code: str) -> bool:
        """Whether a one-time password or recovery code is right; each counts once, also for two at the same time."""
        with self._control.transaction():
            now = self.find(person.id)
            if now is None or now.totp is None:
                return False
            step = second_factor.step_of(now.totp, code, self._clock() / 1e6, now.totp_step)
            if step is not None:
                self._set(person, totp_step=step)
                return True
            digest = second_factor.recovery_digest(code)
            if digest not in now.recovery:
                return False
            self._set(person, recovery=json.dumps([one for one in now.recovery if one != digest]))
            return True

    def remove(self, person: Person) -> None:
        """Forget an account with everything that hangs on it."""
        self._keep_an_administrator(person, ())
        with self._control.transaction():
            own = "SELECT id FROM sessions WHERE person = ?"
            self._control.run(f"DELETE FROM families WHERE session IN ({own})", (person.id,))
            for table in ("passkeys", "sessions", "links", "codes", "refreshes", "consents", "access_keys"):
                self._control.run(f"DELETE FROM {table} WHERE person = ?", (person.id,))
            self._control.run("DELETE FROM people WHERE id = ?", (person.id,))

    def _keep_an_administrator(self, person: Person, roles: Sequence[str]) -> None:
        others = (one for one in self.all() if one.tenant == person.tenant and one.id != person.id)
        left = any("admin" in one.roles and not one.disabled for one in others)
        if "admin" in person.roles and "admin" not in roles and not left:
            raise Conflict(
                "This is the last administrator; make another one first", "这是最后一个管理员；请先设置另一个管理员"
            )

    # passkeys

    def passkeys(self, person: Person) -> list[Passkey]:
        """Those of a person, oldest first."""
        sql = "SELECT id, person, public_key, used, name, created_at FROM passkeys WHERE person = ? ORDER BY created_at"
        return [Passkey(*row) for row in self._control.rows(sql, (person.id,))]

    def passkey(self, identifier: bytes) -> Passkey | None:
        """The passkey of an id."""
        sql = "SELECT id, person, public_key, used, name, created_at FROM passkeys WHERE id = ?"
        row = self._control.row(sql, (identifier,))
        return None if row is None else Passkey(*row)

    def add_passkey(self, person: Person, identifier: bytes, public_key: bytes, used: int, name: str) -> None:
        """One more."""
        row = (identifier, person.id, public_key, used, shown_name(name or "passkey"), self._clock())
        self._control.run("INSERT INTO passkeys VALUES (?, ?, ?, ?, ?, ?)", row)

    def use_passkey(self, passkey: Passkey, used: int) -> None:
        """Its counter went on."""
        self._control.run("UPDATE passkeys SET used = ? WHERE id = ?", (used, passkey.id))

    def drop_passkey(self, person: Person, identifier: bytes) -> None:
        """Make a passkey worthless."""
        if not self._control.run("DELETE FROM passkeys WHERE id = ? AND person = ?", (identifier, person.id)):
            raise NotFound("There is no such passkey", "没有该通行密钥")


def shown_name(text: str) -> str:
    r"""A name for people to read: one line, no control characters, not long.

    >>> shown_name("  张  三\n")
    '张 三'
    """
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not 0 < len(plain) <= _SHOWN_AT_MOST:
        raise Invalid(
            f"A name has 1 to {_SHOWN_AT_MOST} characters", f"名称应为 1 到 {_SHOWN_AT_MOST} 个字符", parameter="shown"
        )
    return plain


def _hashed(password: str, name: str) -> str:
    passwords.check(password, name)
    return passwords.hashed(password, secrets.token_bytes(passwords.SALT_BYTES))
