"""The key that signs the heads of the log of acts: a file of its own in the data folder, readable by nobody else."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from zhicheng.hub.audit.journal import Journal
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.instants import Clock, system_clock
from zhicheng.security.heads import SigningKey
from zhicheng.storage.engines.embedded.files import make_folder, sync_folder
from zhicheng.storage.engines.embedded.ledger import EmbeddedLedger, LedgerSettings

_LENGTH = 32


class KeyFile:
    """The key in use; a key put in its place by another process counts from the next signature on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._key: SigningKey | None = None

    def current(self) -> SigningKey:
        """The key; BadConfiguration where others could read it."""
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if self._key is None or stamp != self._seen:
                if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise BadConfiguration(
                        f"{self.path} can be read by others: chmod 600, then zhicheng audit rotate",
                        f"其他用户可以读取 {self.path}：请执行 chmod 600，然后运行 zhicheng audit rotate",
                    )
                secret = self.path.read_bytes()
                if len(secret) != _LENGTH:
                    raise ValueError(f"{len(secret)} bytes")
                self._key, self._seen = SigningKey(secret), stamp
        except (OSError, ValueError) as error:
            raise BadConfiguration(
                f"The key of the log of acts cannot be read ({self.path}: {error})",
                f"无法读取审计日志的密钥（{self.path}：{error}）",
            ) from None
        return self._key

    def make(self, announce: Callable[[SigningKey], object] | None = None) -> SigningKey:
        """Put a new key in place, whole or not at all; `announce` tells of it before anybody can sign with it."""
        secret = secrets.token_bytes(_LENGTH)
        partial = self.path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secret)
            os.fsync(handle)
        finally:
            os.close(handle)
        key = SigningKey(secret)
        if announce is not None:
            announce(key)
        partial.rename(self.path)
        sync_folder(self.path.parent)
        return key


def open_journal(folder: Path, settings: LedgerSettings | None = None, clock: Clock = system_clock) -> Journal:
    """The log of acts of a data folder; the first start makes its key and names it in the first entry."""
    make_folder(folder)
    file = KeyFile(folder / "audit.key")
    with (folder / "audit.lock").open("w") as lock:  # two first starts at once would name two keys
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.path.exists():
            if (folder / "audit").exists():
                raise BadConfiguration(
                    f"{file.path} is gone, but its log is here: restore it, or move {folder / 'audit'} away",
                    f"{file.path} 丢失，但审计日志仍在：请恢复密钥，或移走 {folder / 'audit'} 以重新开始",
                )
            file.make()
        journal = Journal(EmbeddedLedger(folder / "audit", file.current, settings, clock), clock)
        if journal.ledger.size == 0:
            journal.announce(file.current(), "zhicheng")
    return journal


def rotate(journal: Journal, file: KeyFile, principal: str) -> SigningKey:
    """Replace the key: a head by the old one, then the new one, endorsed by the old one, in the log; then it counts."""
    old = file.current()
    journal.ledger.head()
    return file.make(lambda new: journal.announce(new, principal, old))
