"""Identity at work: everything about who is who, opened once for a city."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from zhicheng.kernel.errors import Forbidden, Unauthenticated
from zhicheng.kernel.instants import Clock
from zhicheng.security import passwords
from zhicheng.security.actions import PUBLIC
from zhicheng.security.decision import Principal
from zhicheng.security.throttle import Throttle
from zhicheng.server.control import Control
from zhicheng.server.identity.access_keys import AccessKeys
from zhicheng.server.identity.clients import Clients
from zhicheng.server.identity.externals import Externals
from zhicheng.server.identity.granted import Granted
from zhicheng.server.identity.keys import Keys
from zhicheng.server.identity.people import People, Person
from zhicheng.server.identity.sessions import Session, Sessions
from zhicheng.server.identity.settings import ExternalSettings, IdentitySettings

if TYPE_CHECKING:
    from zhicheng.server.identity.external import External
    from zhicheng.server.identity.passkeys import Passkeys
    from zhicheng.server.identity.provider import Provider

_AT_ONCE = 2
"""Passwords that are tested side by side: each takes 19 MiB and a core for a moment."""
_OF_NETWORK, _OF_NAME = 40, 100
"""Failures of one address, and of one name from anywhere, before they are slowed down; of both together, five."""


class SecondFactorNeeded(Unauthenticated):
    """Name and password are right; the one-time password is still to come."""

    code = "second-factor"
    title_en, title_zh = "One-time password needed", "需要动态口令"


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody signs in."""

    agent: str
    network: str


class Identity:
    """Accounts, sessions, clients and the provider over one control.db."""

    def __init__(
        self,
        control: Control,
        issuer: str,
        settings: IdentitySettings,
        clock: Clock,
        environ: Mapping[str, str],
        guest: Principal | None = None,
    ) -> None:
        self.settings = settings
        self.issuer = issuer
        self._clock = clock
        self.people = People(control, clock)
        self.sessions = Sessions(control, self.people, clock)
        self.access_keys = AccessKeys(control, self.people, clock, guest)
        self.clients = Clients(control, clock)
        self.granted = Granted(control, clock)
        self.keys = Keys(control, clock)
        self.externals = Externals(
            {name: self._external(name, one, environ) for name, one in settings.external.items()}, clock
        )
        self._pairs, self._networks = Throttle(clock), Throttle(clock, free=_OF_NETWORK)
        self._names = Throttle(clock, free=_OF_NAME)
        self._tests = asyncio.Semaphore(_AT_ONCE)

    # WebAuthn and the protocols of OpenID take a third of a second to load: no start waits for what it may never need

    @cached_property
    def passkeys(self) -> Passkeys:
        """Passkeys of this city's address."""
        from zhicheng.server.identity.passkeys import Passkeys

        return Passkeys(self.people, self.issuer, self._clock)

    @cached_property
    def provider(self) -> Provider:
        """The OpenID provider."""
        from zhicheng.server.identity.provider import Provider

        return Provider(
            self.issuer, self.people, self.sessions, self.clients, self.granted, self.keys, self._clock
        )  # fmt: skip

    def _external(self, name: str, settings: ExternalSettings, environ: Mapping[str, str]) -> External:
        from zhicheng.server.identity.external import External

        back = f"{self.issuer}/oauth/external/{name}/callback"
        return External(name, settings, settings.secret(environ), back, self._clock)

    def forget(self) -> None:
        """Something about people changed: look them up anew."""
        self.sessions.forget()
        self.access_keys.forget()

    async def sign_in(self, name: str, password: str, code: str, caller: Caller) -> tuple[str, Session]:
        """A session for name, password and, where one is needed, one-time password; gives the cookie's secret."""
        person = await self.prove(name, password, code, caller)
        methods = ("pwd", "otp") if person.totp else ("pwd",)
        return self.sessions.begin(person, methods, caller.agent, caller.network)

    async def prove(self, name: str, password: str, code: str, caller: Caller) -> Person:
        """The person of a name and password. What is wrong is never said, and takes the same time."""
        key = name.casefold()[:64]
        self.check_waits(key, caller.network)
        person = self.people.named(name)
        kept = passwords.DECOY if person is None or person.password is None else person.password
        async with self._tests:
            right = await asyncio.to_thread(passwords.fits, kept, password)
        if person is None or not right or person.password is None or person.disabled:
            self.failed(key, caller.network)
            raise Unauthenticated("Name or password is wrong", "账号或密码错误")
        if person.totp is not None and not code:
            raise SecondFactorNeeded("Give the one-time password of your phone", "请输入手机上的动态口令")
        if person.totp is not None and not self.people.take_code(person, code):
            self.failed(key, caller.network)
            raise SecondFactorNeeded("The one-time password is wrong or was used", "动态口令错误或已使用")
        self._pairs.succeeded(f"{key} {caller.network}")
        return person

    def check_waits(self, name: str, network: str) -> None:
        """TooMany for who failed too often."""
        self._pairs.check(f"{name} {network}")
        self._networks.check(network)
        self._names.check(name)

    def failed(self, name: str, network: str) -> None:
        """Somebody was wrong."""
        self._pairs.failed(f"{name} {network}")
        self._networks.failed(network)
        self._names.failed(name)

    def lacks_second_factor(self, person: Person, session: Session) -> bool:
        """Whether the person has to set up a second factor before doing anything else."""
        asked = self.settings.second_factor
        concerned = asked == "all" or (asked == "administrators" and "admin" in person.roles)
        return concerned and person.totp is None and session.methods == ("pwd",)

    def admitted(self, secret: str) -> tuple[Session, Principal] | None:
        """The session of a cookie and who is in it; who still lacks a second factor may only set one up."""
        found = self.sessions.find(secret)
        if found is None or self.settings.second_factor == "optional":
            return found
        session, principal = found
        person = self.people.find(session.person)
        if person is not None and self.lacks_second_factor(person, session):
            return session, replace(principal, within=frozenset((PUBLIC, "account:own")))
        return found

    def person_of(self, session: Session | None) -> Person:
        """Who is in a session; Forbidden for programs, which have no account of their own."""
        person = None if session is None else self.people.find(session.person)
        if person is None:
            raise Forbidden(
                "This is for people who are signed in, not for programs", "此操作仅供已登录的人员使用，不适用于程序"
            )
        return person
