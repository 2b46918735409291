"""Blobs by their SHA-256, and versioned reference tables: what is large and is no entity."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from zhicheng.kernel.errors import Corrupt, Invalid, NotFound, ZhichengError
from zhicheng.storage.engines.embedded import files
from zhicheng.storage.engines.embedded.database import Database


class Objects:
    """blobs/ab/abcd... and tables/NAME/VERSION-PART.parquet; the tables' digests stand in state.db."""

    def __init__(self, folder: Path, database: Database, lock: threading.Lock) -> None:
        self._folder = folder
        self._database = database
        self._lock = lock
        self._putting = threading.Lock()
        for kept in ("blobs", "tables"):
            files.remove_strays(folder / kept)

    def put_blob(self, content: bytes) -> str:
        """See the port."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._blob_path(digest)
        try:
            self.blob(digest)
            files.sync_folder(path.parent)  # a crash may have come before this
        except (NotFound, Corrupt):
            files.write_durably(path, lambda file: _fill(file, content))
        return digest

    def blob(self, digest: str) -> bytes:
        """See the port."""
        path = self._blob_path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"There is no blob {digest}", f"没有数据块 {digest}") from None
        except OSError as error:
            raise Corrupt(f"Blob {digest} cannot be read", f"无法读取数据块 {digest}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise Corrupt(f"Blob {digest} is damaged", f"数据块 {digest} 已损坏")
        return content

    def _blob_path(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise Invalid(f"{digest!r} is not a SHA-256 in hex", f"{digest!r} 不是十六进制的 SHA-256")
        return self._folder / "blobs" / digest[:2] / digest

    def put_table(self, name: str, tables: Mapping[str, pa.Table]) -> int:
        """See the port."""
        if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise Invalid(
                f"{name!r} cannot name reference tables: use letters, digits, - and _",
                f"{name!r} 不能作为参考表名称：只能使用字母、数字、- 和 _",
            )
        if not tables:
            raise Invalid(f"{name!r} has no tables to keep", f"{name!r} 没有可保存的表")
        with self._putting:
            with self._lock:
                version = self._database.number("SELECT max(version) FROM tables WHERE name = ?", (name,)) + 1
            rows: list[object] = []
            for number, (part, table) in enumerate(tables.items()):
                path = self._folder / "tables" / name / f"{version:06d}-{number:02d}.parquet"
                size, digest = files.write_durably(path, partial(_fill_table, table=table))
                rows += [name, version, part, path.name, size, digest]
            with self._lock, self._database.transaction():
                marks = ",".join(["(?, ?, ?, ?, ?, ?)"] * len(tables))
                self._database.run(f"INSERT INTO tables VALUES {marks}", rows)
        return version

    def table_version(self, name: str) -> int:
        """See the port."""
        with self._lock:
            return self._database.number("SELECT max(version) FROM tables WHERE name = ?", (name,))

    def tables(self, name: str, version: int | None = None) -> dict[str, pa.Table]:
        """See the port."""
        with self._lock:
            rows = self._database.rows(
                "SELECT part, file, digest FROM tables WHERE name = ?1 AND version ="
                " coalesce(?2, (SELECT max(version) FROM tables WHERE name = ?1)) ORDER BY file",
                (name, version),
            )
        if not rows:
            raise NotFound(f"There are no reference tables {name!r}", f"没有参考表 {name!r}")
        found = {}
        for part, file, digest in rows:
            path = self._folder / "tables" / name / file
            files.check(path, digest)
            found[part] = pq.read_table(path)
        return found

    def verify(self) -> list[ZhichengError]:
        """What of it is damaged."""
        damage: list[ZhichengError] = []
        with self._lock:
            rows = self._database.rows("SELECT name, file, digest FROM tables")
        for name, file, digest in rows:
            try:
                files.check(self._folder / "tables" / name / file, digest)
            except Corrupt as error:
                damage.append(error)
        for path in (self._folder / "blobs").glob("*/[0-9a-f]*"):
            if path.name.endswith(files.PARTIAL):
                continue
            try:
                self.blob(path.name)
            except ZhichengError as error:
                damage.append(error)
        return damage


def _fill(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def _fill_table(file: BinaryIO, table: pa.Table) -> None:
    pq.write_table(table, file, compression="zstd", write_page_checksum=True)
