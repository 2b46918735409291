"""Entries and a log to test with; run as a program, it appends to a folder until it is killed."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from zhicheng.hub.audit.journal import Journal
from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.server.audit_key import open_journal
from zhicheng.storage.engines.embedded.ledger import LedgerSettings

START = 1_764_000_000_000_000
SMALL = LedgerSettings(segment_bytes=3_000, sign_every=10**12, head_every=10**15)
"""Many small files, and heads signed only where something else asks for it."""


def entry(number: int, principal: str = "clerk", at: int | None = None) -> Entry:
    when = START + number * 1_000_000 if at is None else at
    return Entry(
        when, Act.DECISION, "entities:read", Outcome.ALLOWED, principal, "nanning",
        resource=f"urn:ngsi-ld:Person:{number}", network="10.0.0.7", request=f"r{number}", purpose="办理业务",
    )  # fmt: skip


def log_of(folder: Path, count: int, settings: LedgerSettings = SMALL) -> Journal:
    """A log of so many entries, in groups of one."""
    journal = open_journal(folder, settings)
    for number in range(count):
        journal.log(entry(number))
    return journal


def main() -> None:
    """Append for ever; tell each number once it is on disk."""
    journal = open_journal(Path(sys.argv[1]), LedgerSettings(segment_bytes=20_000, sign_every=20_000))
    for number in itertools.count():
        waiting = [journal.submit(entry(number)) for _ in range(1 + number % 5)]
        sys.stdout.write("".join(f"{future.result()}\n" for future in waiting))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
