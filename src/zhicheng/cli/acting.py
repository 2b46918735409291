"""Administrative acts from the command line: in the log of acts before anything is done, or not done at all."""

from __future__ import annotations

import getpass

from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.server.folder import DataFolder


def who() -> str:
    """Who acts: the user of the operating system, who may do whatever the data folder's owner may."""
    return f"cli:{getpass.getuser()}"


def log(folder: DataFolder, action: str, verb: str, resource: str, tenant: str = "*") -> None:
    """Note an act; where that cannot be written, its error ends the command."""
    from zhicheng.server.audit_key import open_journal  # with asyncio and its keys, which no verb that only looks needs

    journal = open_journal(folder.path)
    try:
        journal.log(
            Entry(
                journal.now(), Act.ADMINISTRATION, action, Outcome.ALLOWED, who(), tenant, resource,
                facts={"command": verb},
            )
        )  # fmt: skip
    finally:
        journal.ledger.close()
