"""state.db: the open end of the log, the manifest of segments and snapshots, cursors and producers.

SQLite through apsw: WAL, synchronous=FULL, page checksums (cksumvfs) from creation. Each method is one or
a few SQLite calls, never one per row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import apsw.sqlite_extra

from zhicheng.kernel.errors import BadConfiguration, Corrupt, StorageFailed, StorageFull, Unavailable, ZhichengError
from zhicheng.storage.engines.embedded.files import sync_folder

FORMAT = 1
_SCHEMA = """
CREATE TABLE log (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, rows INTEGER NOT NULL, block BLOB NOT NULL);
CREATE TABLE producers (name TEXT, epoch INTEGER, sequence INTEGER,
    position INTEGER NOT NULL, recorded_at INTEGER NOT NULL, PRIMARY KEY (name, epoch, sequence)) WITHOUT ROWID;
CREATE TABLE cursors (reader TEXT, shard INTEGER, position TEXT NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (reader, shard)) WITHOUT ROWID;
CREATE TABLE segments (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, rows INTEGER NOT NULL, file TEXT NOT NULL,
    bytes INTEGER NOT NULL, digest BLOB NOT NULL, facts BLOB NOT NULL, commits BLOB NOT NULL);
CREATE TABLE snapshots (position INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, file TEXT NOT NULL,
    bytes INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE erasures (instance INTEGER, entity TEXT, attribute TEXT, target INTEGER, done INTEGER NOT NULL);
CREATE TABLE tables (name TEXT, version INTEGER, part TEXT,
    file TEXT NOT NULL, bytes INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (name, version, part)) WITHOUT ROWID;
"""

apsw.sqlite_extra.load(apsw.Connection(":memory:"), "cksumvfs")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except apsw.FullError as error:
        raise StorageFull("The disk is full: nothing was stored", "磁盘已满：数据未保存") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise _damaged() from error
    except apsw.ConnectionClosedError:
        raise Unavailable("The store is closed", "存储已关闭") from None
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Unavailable(
            "state.db is in use by another program; try again", "state.db 正被其他程序使用；请重试"
        ) from error
    except (apsw.SQLError, apsw.ConstraintError, apsw.MisuseError):
        raise
    except apsw.Error as error:
        if getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA:
            raise _damaged() from error
        raise StorageFailed(
            f"The disk failed ({error}): the store stopped so that nothing is lost unseen; check the disk and restart",
            f"磁盘故障（{error}）：存储已停止以免数据丢失；请检查磁盘后重启",
        ) from error


def _damaged() -> ZhichengError:
    return Corrupt("state.db is damaged: a page does not match its checksum", "state.db 已损坏：页面与校验和不符")


class Database:
    """One connection; the writer has its own, readers share another under their lock."""

    def __init__(self, path: Path) -> None:
        new = not path.exists() or not path.stat().st_size  # a crash may have come right after it was made
        with translated():
            self.connection = apsw.Connection(str(path), vfs="cksmvfs")
        try:
            with translated():
                self._set_up(path, new=new)
        except BaseException:
            self.connection.close()
            raise

    def _set_up(self, path: Path, *, new: bool) -> None:
        self.connection.set_busy_timeout(10_000)
        self.format = 0 if new else self.number("PRAGMA user_version")
        if self.format > FORMAT:
            raise BadConfiguration(
                f"{path} has format {self.format}; this version reads up to {FORMAT}: install a newer version",
                f"{path} 的格式为 {self.format}，本版本最高支持 {FORMAT}：请安装更新的版本",
            )
        if new:
            self.connection.reserve_bytes("main", 8)
            self.run("PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL")
        self.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA checksum_verification=ON")
        self.run("PRAGMA journal_size_limit=4194304; PRAGMA wal_autocheckpoint=2000; PRAGMA secure_delete=ON")
        if self.rows("PRAGMA checksum_verification") != [("1",)]:
            raise _damaged()  # the header says that its pages have none
        if not self.format:
            self.run(f"BEGIN; {_SCHEMA} PRAGMA user_version={FORMAT}; COMMIT")
            self.format = FORMAT
            sync_folder(path.parent)

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Statements whose answers nobody wants; read to the end, as SQLite stops at each row until it is fetched."""
        with translated():
            for _ in self.connection.execute(sql, values):
                pass

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with translated():
            return list(self.connection.execute(sql, values))

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """The one number of a query, 0 for none."""
        found = self.rows(sql, values)
        return int(found[0][0] or 0) if found else 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable when it ends."""
        with translated():
            self.run("BEGIN IMMEDIATE")
            try:
                yield
                self.run("COMMIT")
            except BaseException:
                with contextlib.suppress(apsw.Error):
                    self.run("ROLLBACK")
                raise

    def append(self, first: int, last: int, rows: int, block: bytes) -> None:
        """A group of commits at the end of the log."""
        self.run("INSERT INTO log VALUES (?, ?, ?, ?)", (first, last, rows, block))

    def note_producers(self, rows: list[tuple[str, int, int, int, int]]) -> None:
        """(name, epoch, sequence, position, recorded_at) of commits that came with a producer."""
        marks = ",".join(["(?, ?, ?, ?, ?)"] * len(rows))
        self.run(f"INSERT INTO producers VALUES {marks}", [value for row in rows for value in row])

    def note_erasures(self, orders: list[tuple[int, str, str | None, int]]) -> None:
        """(instance, entity, attribute, target) of erasures that are to be carried out."""
        for order in orders:
            self.run("INSERT INTO erasures VALUES (?, ?, ?, ?, 0)", order)

    def move_cursors(self, rows: list[tuple[str, int, str, bytes]]) -> None:
        """(reader, shard, position, state)."""
        marks = ",".join(["(?, ?, ?, ?)"] * len(rows))
        self.run(f"INSERT OR REPLACE INTO cursors VALUES {marks}", [value for row in rows for value in row])

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()
