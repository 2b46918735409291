"""The data folder: its format number, who has it open, and a tenant's place in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO

import apsw

from zhicheng.kernel.errors import BadConfiguration, Conflict, Unavailable
from zhicheng.security.tokens import tenant_name

FORMAT = 1


class DataFolder:
    """A folder on disk; `check` or `make` it before use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tenant(self, name: str) -> Path:
        """The folder of a tenant."""
        return self.path / "tenants" / tenant_name(name)

    def make(self) -> bool:
        """Lay the folder out; False where that was done before. A folder with other things in it is refused."""
        if self.format() is not None:
            self.check()
            return False
        try:
            if self.path.exists() and any(self.path.iterdir()):
                raise BadConfiguration(
                    f"{self.path} holds other things; name an empty or a new folder",
                    f"{self.path} 中已有其他内容；请指定空文件夹或新文件夹",
                )
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "tenants").mkdir()
            (self.path / "format").write_text(f"{FORMAT}\n", "ascii")
        except OSError as error:
            raise BadConfiguration(
                f"{self.path} cannot be made: {error.strerror}", f"无法创建 {self.path}：{error.strerror}"
            ) from None
        return True

    def format(self) -> int | None:
        """The number of its layout; None where it is not a data folder."""
        try:
            return int((self.path / "format").read_text("ascii"))
        except (OSError, ValueError):
            return None

    def check(self) -> None:
        """Refuse what is not a data folder of ours, or one of a newer version."""
        found = self.format()
        if found is None:
            raise BadConfiguration(
                f"{self.path} is not a data folder; zhicheng init {self.path} makes one",
                f"{self.path} 不是数据文件夹；用 zhicheng init {self.path} 创建",
            )
        if found > FORMAT:
            raise BadConfiguration(
                f"{self.path} has format {found}; this version reads up to {FORMAT}: install a newer version",
                f"{self.path} 的格式为 {found}，本版本最高支持 {FORMAT}：请安装更新的版本",
            )

    def lock(self, said: str) -> Lock:
        """Have the folder for oneself; `said` tells others who has it. Conflict names who has it now."""
        return Lock(self.path / "lock", said)

    def holder(self) -> str | None:
        """Who has the folder open now; None where nobody has."""
        try:
            self.lock("").release()
        except Conflict as error:
            return str(error.facts["holder"])
        return None

    def copy_tenant(self, name: str, target: Path) -> Path:
        """A tenant as of now, to be read apart from the running server: sealed files are shared, the rest is copied."""
        source = self.tenant(name)
        target.mkdir(parents=True, exist_ok=True)
        try:
            _back_up(source / "state.db", target / "state.db")
            for part in ("segments", "snapshots", "tables", "blobs"):
                for file in (source / part).rglob("*") if (source / part).is_dir() else ():
                    if file.is_file():
                        _share(file, target / file.relative_to(source))
        except (OSError, apsw.Error) as error:
            raise Unavailable(f"{source} cannot be read now: {error}", f"暂时无法读取 {source}：{error}") from None
        return target


def _back_up(source: Path, target: Path) -> None:
    """One consistent copy of a database that another process may be writing to."""
    live, copy = apsw.Connection(str(source), vfs="cksmvfs"), apsw.Connection(str(target), vfs="cksmvfs")
    try:
        copy.reserve_bytes("main", 8)
        with copy.backup("main", live, "main") as backup:
            backup.step()
    finally:
        copy.close()
        live.close()


def _share(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except FileNotFoundError:
        return
    except OSError:  # another file system
        shutil.copyfile(file, target)


class Lock:
    """The folder is ours until `release`, or until this process ends, however it ends."""

    def __init__(self, path: Path, said: str) -> None:
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise Conflict(
                f"{path.parent} is in use by {holder}; stop that first", f"{path.parent} 正被 {holder} 使用；请先停止",
                holder=holder,
            ) from None  # fmt: skip
        if said:
            self._file.truncate(0)
            self._file.write(f"{said} (pid {os.getpid()})\n")
            self._file.flush()

    def release(self) -> None:
        """Give the folder back."""
        self._file.close()

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
