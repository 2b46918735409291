"""Writing to the log of acts, searching it, proving what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

import orjson

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Corrupt, Invalid
from zhicheng.kernel.instants import DAY, MINUTE, Clock, system_clock
from zhicheng.security import merkle
from zhicheng.security.entries import Act, Entry, Outcome, entry_of
from zhicheng.security.heads import Head, SigningKey, endorsed_text
from zhicheng.storage.ledger import Ledger

SHORTEST = 180 * DAY
"""Entries are kept at least so long, whatever is configured: what graded protection asks for."""
MOST = 1000
_SECOND = len("2026-11-28T08:00:00")
_DISORDER = MINUTE
"""Entries of one moment may stand in another order than their times; none is further out of place."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which entries: those with all of what is named; `resource` matches from the beginning.

    start, end: half-open window in microseconds; before: only entries of smaller numbers, as a page's `next` says
    """

    start: int | None = None
    end: int | None = None
    tenant: str | None = None
    principal: str | None = None
    action: str | None = None
    kind: Act | None = None
    outcome: Outcome | None = None
    resource: str | None = None
    before: int | None = None
    limit: int = 100
    tenants: frozenset[str] | None = None
    """Only of these; None for all."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and its number."""

    number: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first; `next`: what to ask for as `before`, None where there are no more."""

    found: list[Found]
    next: int | None


class Journal:
    """The log of acts. An act counts as logged once `submit`'s future gives a number; without it the act is refused."""

    def __init__(self, ledger: Ledger, clock: Clock = system_clock) -> None:
        self.ledger = ledger
        self._clock = clock

    def submit(self, entry: Entry) -> Future[int]:
        """Hand an entry in; StorageFull or StorageFailed come at once or through the future."""
        return self.ledger.submit(entry.line())

    def log(self, entry: Entry) -> int:
        """`submit`, waited for."""
        return self.submit(entry).result()

    async def logged(self, entry: Entry) -> int:
        """The same on an event loop: come back once it is on disk."""
        return await asyncio.wrap_future(self.submit(entry))

    def now(self) -> int:
        """The clock entries are dated by."""
        return self._clock()

    # keys ---------------------------------------------------------------------------------------------------

    def announce(self, key: SigningKey, principal: str, previous: SigningKey | None = None) -> int:
        """Record that a key is used from now on; one that replaces another is endorsed by it."""
        facts = {"public": key.public.hex(), "key": key.id}
        if previous is not None:
            facts |= {
                "previous": previous.id,
                "endorsement": previous.sign(endorsed_text(self.ledger.origin, key.public)).hex(),
            }
        return self.log(Entry(self.now(), Act.KEY, "audit:key", Outcome.ALLOWED, principal, "*", facts=facts))

    # reading ------------------------------------------------------------------------------------------------

    def search(self, asked: Search) -> Page:
        """A page of entries, newest first."""
        if not 0 < asked.limit <= MOST:
            raise Invalid(f"A page has 1 to {MOST} entries", f"每页 1 至 {MOST} 条记录")
        found: list[Found] = []
        for one in self._matching(asked):
            if len(found) == asked.limit:
                return Page(found, found[-1].number)
            found.append(one)
        return Page(found, None)

    def _matching(self, asked: Search) -> Iterator[Found]:
        marks = _marks(asked)
        before = self.ledger.size if asked.before is None else asked.before
        earliest = b"" if asked.start is None else _second(asked.start - _DISORDER)
        latest = None if asked.end is None else _second(asked.end)
        for first, records in self.ledger.newest_first(before):
            for number in _marked(records, marks):
                line = records[number]
                second = _second_of(line)
                if second < earliest:
                    return
                if latest is None or second <= latest:
                    entry = entry_of(line)
                    if _fits(asked, entry):
                        self._check(first + number, line)
                        yield Found(first + number, entry)
            if records and _second_of(records[0]) < earliest:
                return

    def _check(self, number: int, line: bytes) -> None:
        """What is shown is what was written: disks rot, and files that are done with are read again only now."""
        if merkle.leaf_hash(line) != self.ledger.node(0, number):
            raise Corrupt(
                f"Entry {number} is not what was written: zhicheng audit verify says more",
                f"第 {number} 条记录与写入的内容不符：可用 zhicheng audit verify 查看",
            )

    def entry(self, number: int) -> Entry:
        """One entry; NotFound."""
        return entry_of(self.ledger.record(number))

    # proofs -------------------------------------------------------------------------------------------------

    def head(self) -> dict[str, object]:
        """A signed tree head over everything there is."""
        return {"origin": self.ledger.origin, **document_of(self.ledger.head())}

    def inclusion(self, number: int) -> dict[str, object]:
        """The proof that an entry is in the log, with the signed head it leads to and the entry itself."""
        head = self.ledger.head()
        proof = merkle.inclusion(number, head.size, self.ledger.node)
        return {
            "origin": self.ledger.origin,
            "index": number,
            "record": self.ledger.record(number).decode(),
            "proof": [step.hex() for step in proof],
            "head": document_of(head),
        }

    def consistency(self, first: int, second: int | None = None) -> dict[str, object]:
        """The proof that the log of `first` entries is the beginning of that of `second`, or of all there is."""
        head = self.ledger.head()
        size = head.size if second is None else second
        if size > head.size:
            raise Invalid(
                f"The log has {head.size} entries, not {size}", f"审计日志共有 {head.size} 条记录，没有 {size} 条"
            )
        proof = merkle.consistency(first, size, self.ledger.node)
        old, new = merkle.root_of(first, self.ledger.node), merkle.root_of(size, self.ledger.node)
        return {
            "origin": self.ledger.origin,
            "first": first,
            "second": size,
            "old": old.hex(),
            "new": new.hex(),
            "proof": [step.hex() for step in proof],
            "head": document_of(head),
        }

    # retention ----------------------------------------------------------------------------------------------

    def expire(self, keep: int, principal: str) -> int:
        """Let go of entries older than `keep` microseconds, never of younger ones than 180 days; that is logged too."""
        if keep < SHORTEST:
            raise Invalid("The log of acts is kept for at least 180 days", "审计日志至少保留 180 天")
        before = self.now() - keep
        facts = {"before": instants.format(before)}
        self.log(Entry(self.now(), Act.ADMINISTRATION, "audit:expire", Outcome.ALLOWED, principal, "*", facts=facts))
        return self.ledger.expire(before)


def document_of(head: Head) -> dict[str, object]:
    """A head as JSON."""
    return {"size": head.size, "root": head.root.hex(), "at": head.at, "key": head.key, "signature": head.signature}


def _marks(asked: Search) -> list[bytes]:
    """Bytes that the line of every match holds: looking for them costs a tenth of reading the line."""
    named: Mapping[str, str | None] = {
        "tenant": asked.tenant,
        "principal": asked.principal,
        "action": asked.action,
        "kind": asked.kind,
        "outcome": asked.outcome,
    }
    marks = [b'"%s":%s' % (name.encode(), orjson.dumps(text)) for name, text in named.items() if text is not None]
    if asked.resource is not None:
        marks.append(b'"resource":' + orjson.dumps(asked.resource)[:-1])
    return marks


def _marked(records: list[bytes], marks: list[bytes]) -> Iterator[int]:
    """The places of the records that hold every mark, from the last."""
    if not marks:
        return iter(range(len(records) - 1, -1, -1))
    places = [place for place, record in enumerate(records) if marks[0] in record]
    return (place for place in reversed(places) if all(mark in records[place] for mark in marks[1:]))


def _second(instant: int) -> bytes:
    """The beginning of an instant's text, as far as texts sort in time."""
    return instants.format(instant)[:_SECOND].encode()


def _second_of(line: bytes) -> bytes:
    """The same of an entry's line, without reading it: no text in it holds a quote that is not escaped."""
    at = line.find(b'"at":"') + 6
    return line[at : at + _SECOND]


def _fits(asked: Search, entry: Entry) -> bool:
    exact = (
        (asked.tenant, entry.tenant), (asked.principal, entry.principal), (asked.action, entry.action),
        (asked.kind, entry.kind), (asked.outcome, entry.outcome),
    )  # fmt: skip
    return (
        all(wanted is None or wanted == found for wanted, found in exact)
        and (asked.tenants is None or entry.tenant in asked.tenants)
        and (asked.resource is None or (entry.resource or "").startswith(asked.resource))
        and (asked.start is None or entry.at >= asked.start)
        and (asked.end is None or entry.at < asked.end)
    )
