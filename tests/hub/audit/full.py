"""Appends on a small file system of its own while it is full, and while there is room again: run by the tests."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.hub.audit.acts import entry
from tests.storage.faults.disk import fill
from zhicheng.hub.audit import verifier
from zhicheng.kernel.errors import StorageFull
from zhicheng.server.audit_key import open_journal


def main() -> None:
    """Print how many entries were taken, refused, and found by the verifier."""
    mount = Path(sys.argv[1])
    journal, told, refused = open_journal(mount / "city"), [], 0
    for left in (0, 4_096, 8_192, 20_000):
        ballast = fill(mount, left)
        for number in range(60):
            try:
                told.append(journal.log(entry(number)))
            except StorageFull:
                refused += 1
        ballast.unlink()
        told.append(journal.log(entry(0)))
    journal.ledger.close()
    log = verifier.Log()
    verifier.read(mount / "city" / "audit", log)
    sys.stdout.write(f"{told == list(range(1, len(told) + 1))} {len(told)} {refused} {log.size}\n")


if __name__ == "__main__":
    main()
