"""The key that signs the heads of the log of acts: a file of its own in the data folder, readable by nobody else."""

from __future__ import annotations

import os
import secrets
import stat
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

    def make(self) -> SigningKey:
        """Put a new key in place, whole or not at all."""
        secret = secrets.token_bytes(_LENGTH)
        partial = self.path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secret)
            os.fsync(handle)
        finally:
            os.close(handle)
        partial.rename(self.path)
        sync_folder(self.path.parent)
        return SigningKey(secret)


def open_journal(folder: Path, settings: LedgerSettings | None = None, clock: Clock = system_clock) -> Journal:
    """The log of acts of a data folder; the first start makes its key and names it in the first entry."""
    make_folder(folder)
    file = KeyFile(folder / "audit.key")
    made = None if file.path.exists() else file.make()
    journal = Journal(EmbeddedLedger(folder / "audit", file.current, settings, clock), clock)
    if made is not None or journal.ledger.size == 0:
        journal.announce(file.current(), "zhicheng")
    return journal


def rotate(journal: Journal, file: KeyFile, principal: str) -> SigningKey:
    """Replace the key: a last head by the old one, then the new one, endorsed by the old one, in the log."""
    old = file.current()
    journal.ledger.head()
    new = file.make()
    journal.announce(new, principal, old)
    return new
