"""system.db beside a tenant's state.db: its system space."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import apsw

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.storage.engines.embedded.database import translated
from zhicheng.storage.engines.embedded.files import make_folder
from zhicheng.storage.records import Key, Record

FORMAT = 1
_SCHEMA = "CREATE TABLE records (kind TEXT, id TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;"


class EmbeddedRecords:
    """See the port. The file's bytes are checked as those of state.db are."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        make_folder(folder)
        path = folder / "system.db"
        with translated():
            self._database = apsw.Connection(str(path), vfs="cksmvfs")
            self._database.reserve_bytes("main", 8)
            self._database.set_busy_timeout(10_000)
            for pragma in ("journal_mode=WAL", "secure_delete=ON"):
                self._database.execute(f"PRAGMA {pragma}")
            version = int(next(iter(self._database.execute("PRAGMA user_version")))[0])
            if version == 0:
                self._database.execute(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={FORMAT}; COMMIT")
        if version > FORMAT:
            self._database.close()
            raise BadConfiguration(
                f"{path} has format {version}; this version reads up to {FORMAT}: install a newer version",
                f"{path} 的格式为 {version}，本版本最高支持 {FORMAT}：请安装更新的版本",
            )
        path.chmod(0o600)

    def get(self, kind: str, identifier: str) -> bytes | None:
        with self._lock, translated():
            found = list(
                self._database.execute("SELECT body FROM records WHERE kind = ? AND id = ?", (kind, identifier))
            )
        return found[0][0] if found else None

    def all(self, kind: str) -> list[Record]:
        with self._lock, translated():
            found = self._database.execute("SELECT id, body FROM records WHERE kind = ? ORDER BY id", (kind,))
            return [Record(kind, identifier, body) for identifier, body in found]

    def write(self, put: Iterable[Record] = (), drop: Iterable[Key] = (), *, durable: bool = True) -> None:
        with self._lock, translated():
            self._database.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with self._database:
                self._database.executemany("DELETE FROM records WHERE kind = ? AND id = ?", list(drop))
                self._database.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", list(put))

    def close(self) -> None:
        with self._lock, translated():
            self._database.close()
