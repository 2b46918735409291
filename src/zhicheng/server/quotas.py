"""Quotas at work: each request is entered in the accounts it counts for, and each answer is put on them.

Who has several keys has one account beside those of the keys, so that more keys give nothing more. Counted in memory;
what was had on a day is noted in control.db, so that a restart gives nothing back.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from zhicheng.kernel import zones
from zhicheng.kernel.errors import TooMany
from zhicheng.kernel.instants import DAY, HOUR, MINUTE, Clock
from zhicheng.kernel.settings import Duration, Size
from zhicheng.security.decision import Principal
from zhicheng.security.quotas import Account, Allowance, Spent
from zhicheng.server.control import Control
from zhicheng.server.http import Answer, Headers, Send
from zhicheng.server.identity.access_keys import AccessKey, AccessKeys

_EVERY = 30.0
"""Seconds from noting to noting."""
_KEPT = 400 * DAY
_MOST = 20_000
"""Accounts in memory; who was not seen for longest is noted and forgotten."""
_MADE_UP = "visitor:"
"""Accounts by address of the network: not noted, an address is nobody's."""


@dataclass(frozen=True, slots=True)
class PersonAllowance(Allowance):
    """[quotas.person]: of a person, in the browser and by all keys and applications together."""

    per_minute: int = 6000
    per_day: int = 1_000_000
    rows: int = 50_000_000
    out: Size = 20_000_000_000
    sql: Duration = HOUR


@dataclass(frozen=True, slots=True)
class KeyAllowance(Allowance):
    """[quotas.key]: of one access key."""

    per_minute: int = 600
    per_day: int = 100_000
    rows: int = 5_000_000
    out: Size = 2_000_000_000
    sql: Duration = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class VisitorAllowance(Allowance):
    """[quotas.visitor]: of one address of the network, without a credential."""

    per_minute: int = 1200
    per_day: int = 200_000
    rows: int = 2_000_000
    out: Size = 5_000_000_000
    sql: Duration = MINUTE


@dataclass(frozen=True, slots=True)
class QuotaSettings:
    """[quotas]: what each kind may have; services are the city's own programs, with tokens."""

    person: PersonAllowance = field(default_factory=PersonAllowance)
    key: KeyAllowance = field(default_factory=KeyAllowance)
    service: Allowance = field(default_factory=Allowance)
    visitor: VisitorAllowance = field(default_factory=VisitorAllowance)


class Tally:
    """One request's place in its accounts: what it takes is put on them as it is known."""

    __slots__ = ("_accounts", "_quotas")

    NONE: ClassVar[Tally]
    """Of who has no quota."""

    def __init__(self, quotas: Quotas | None, accounts: tuple[Account, ...]) -> None:
        self._quotas = quotas
        self._accounts = accounts

    def take(self, *, out: int = 0, rows: int = 0, sql: int = 0) -> None:
        """Bytes and rows of an answer, microseconds of a question."""
        for account in self._accounts:
            spent = account.spent
            spent.out += out
            spent.rows += rows
            spent.sql += sql
            account.changed = True

    def sql_left(self, most: int) -> int:
        """How long a question may take, of at most so many microseconds."""
        return min([most, *(left for one in self._accounts if (left := one.sql_left()) is not None)])

    def exhausted(self) -> bool:
        """Whether a quota of the day is used up: connections that stay open end."""
        return self._quotas is not None and any(one.used_up() for one in self._accounts)

    def told(self, answer: Answer) -> Answer:
        """The answer with what is left of the narrowest account in its headers; its body is counted."""
        if self._quotas is None:
            return answer
        self.take(out=len(answer.body))
        headers = self._quotas.headers(self._accounts)
        return replace(answer, headers=(*answer.headers, *headers)) if headers else answer

    def counted(self, send: Send) -> Send:
        """A way out that counts what goes through it: for connections that stay open."""
        if self._quotas is None:
            return send

        async def sent(message: MutableMapping[str, Any]) -> None:
            part = message.get("body") or message.get("bytes") or message.get("text") or b""
            self.take(out=len(part))
            await send(message)

        return sent


Tally.NONE = Tally(None, ())


class Quotas:
    """All accounts of a city. Of the event loop; only noting goes to a thread."""

    source = "quotas"

    def __init__(
        self, settings: QuotaSettings, control: Control, keys: AccessKeys, clock: Clock, zone: ZoneInfo
    ) -> None:
        self.settings = settings
        self._keys = keys
        self._control = control
        self._clock = clock
        self._zone = zone
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._day = ""
        self._ends = 0

    def enter(self, principal: Principal | None, network: str) -> Tally:
        """One request of a principal; TooMany where it is one too many for any account that it counts for."""
        now = self._today()
        accounts = self._of(principal, network)
        entered: list[Account] = []
        try:
            for account in accounts:
                account.enter(now, self._ends)
                entered.append(account)
        except TooMany as error:
            for account in entered:
                account.give_back()
            error.facts |= {name.decode(): value.decode() for name, value in self.headers(accounts)}
            raise
        return Tally(self, accounts)

    def _of(self, principal: Principal | None, network: str) -> tuple[Account, ...]:
        kinds = self.settings
        if principal is None or principal.kind == "Guest":
            return (self._account(f"{_MADE_UP}{network}", kinds.visitor),)
        if principal.kind != "Person":
            return (self._account(f"service:{principal.tenant}:{principal.name}", kinds.service),)
        person = self._account(person_account(principal.name), kinds.person)
        key = self._keys.seen(principal.key)
        if key is None:
            return (person,)
        return person, self._account(key_account(key.id), allowance_of(kinds.key, key))

    def _account(self, name: str, allowance: Allowance) -> Account:
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = Account(name, allowance, self._noted(name))
            if len(self._accounts) > _MOST:
                oldest = next(iter(self._accounts.values()))
                self._note([oldest], self._day)
                del self._accounts[oldest.name]
        else:
            self._accounts.move_to_end(name)
        return found

    def _today(self) -> int:
        """Now; at the first look of a new day of the city all days' amounts begin anew."""
        now = self._clock()
        if not self._ends - DAY - 2 * HOUR <= now < self._ends:
            self.note()
            day = zones.local_date(self._zone, now)
            self._day, self._ends = day.isoformat(), zones.day_bounds(self._zone, day)[1]
            for account in self._accounts.values():
                account.spent = Spent()
        return now

    def headers(self, accounts: tuple[Account, ...]) -> Headers:
        """RateLimit-Policy and RateLimit of the account that has least left."""
        limited = [one for one in accounts if one.allowance.per_minute or one.allowance.per_day]
        if not limited:
            return ()
        account = min(limited, key=lambda one: one.left if one.allowance.per_minute else float("inf"))
        left = account.remaining(self._clock(), self._ends)
        return (b"ratelimit-policy", account.policies().encode()), (b"ratelimit", left.encode())

    # what is remembered ----------------------------------------------------------------------------------------

    def spent(self, name: str, days: int = 14) -> list[tuple[str, Spent]]:
        """What an account had on each of the last days, newest first."""
        self._today()
        sql = (
            "SELECT day, requests, rows, bytes, sql_ms, refused FROM usage WHERE account = ? ORDER BY day DESC LIMIT ?"
        )
        found = {day: _spent(*rest) for day, *rest in self._control.rows(sql, (name, days))}
        if (known := self._accounts.get(name)) is not None:
            found[self._day] = known.spent
        return sorted(found.items(), reverse=True)[:days]

    def today(self, name: str) -> tuple[str, Spent]:
        """The city's day, and what an account had on it."""
        self._today()
        known = self._accounts.get(name)
        return self._day, self._noted(name) if known is None else known.spent

    def _noted(self, name: str) -> Spent:
        if name.startswith(_MADE_UP):
            return Spent()
        sql = "SELECT requests, rows, bytes, sql_ms, refused FROM usage WHERE account = ? AND day = ?"
        row = self._control.row(sql, (name, self._day))
        return Spent() if row is None else _spent(*row)

    def note(self) -> None:
        """Write down what was had since."""
        self._note([one for one in self._accounts.values() if one.changed], self._day)

    def _note(self, accounts: list[Account], day: str) -> None:
        rows = [
            (one.name, day, one.spent.requests, one.spent.rows, one.spent.out, one.spent.sql // 1000, one.spent.refused)
            for one in accounts
            if not one.name.startswith(_MADE_UP)
        ]
        for account in accounts:
            account.changed = False
        if rows and day:
            with self._control.transaction():
                for row in rows:
                    self._control.run("INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    async def run(self) -> None:
        """Note now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            now = self._today()
            self.note()
            first = zones.local_date(self._zone, now - _KEPT).isoformat()
            self._control.run("DELETE FROM usage WHERE day < ?", (first,))


def allowance_of(every: Allowance, key: AccessKey) -> Allowance:
    """What a key may have: its owner may set it tighter than the city does, not wider."""
    if not key.per_minute and not key.per_day:
        return every

    def tighter(city: int, own: int) -> int:
        return min(one for one in (city, own) if one) if city or own else 0

    return Allowance(
        tighter(every.per_minute, key.per_minute), tighter(every.per_day, key.per_day), every.rows, every.out, every.sql
    )


def person_account(name: str) -> str:
    """The account of a person, by the name one signs in with."""
    return f"person:{name.casefold()}"


def key_account(identifier: str) -> str:
    """The account of an access key."""
    return f"key:{identifier}"


def _spent(requests: int, rows: int, out: int, sql_ms: int, refused: int) -> Spent:
    return Spent(requests, rows, out, sql_ms * 1000, refused)
