"""Asking: lays the relations out that a question names, runs the child process, and says in words what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.kernel.errors import Corrupt, Forbidden, Invalid, TooLarge, TooMany, Unavailable, ZhichengError
from zhicheng.server.sql import relations
from zhicheng.server.sql.question import Asked
from zhicheng.storage.engines.embedded.shared import share, share_seen
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.port import Store

RELATIONS = ("entities", "history")
_PREFIX = ".query-"
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""What the child gets of our environment: tokens and passwords may stand in the rest."""
GRACE = 10.0
"""Seconds that a process has beside the time of its statement: to begin, and to end by itself."""
_LONGEST = 100_000
"""Characters of a statement."""


@dataclass(frozen=True, slots=True)
class Limits:
    """memory: bytes; time: microseconds; rows: most of an answer."""

    memory: int = 1_000_000_000
    time: int = 60_000_000
    rows: int = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """An answer in the asked form, and what is to be known of it: rows, truncated, columns, seconds."""

    body: bytes
    told: dict[str, object] = field(default_factory=dict)


def check(sql: str) -> None:
    """Invalid for a statement that cannot be one."""
    if not sql.strip():
        raise Invalid("Write a SELECT statement", "请输入 SELECT 语句")
    if len(sql) > _LONGEST:
        raise Invalid(f"The statement has more than {_LONGEST} characters", f"语句超过 {_LONGEST} 个字符")


@contextlib.contextmanager
def laid_out(store: EmbeddedStore, sql: str, short: Callable[[str], str], near: Path) -> Iterator[Path]:
    """A folder with those relations that the statement names, as of now; gone afterwards.

    near: a folder of the same file system, so that segments can be linked
    """
    place = made(near)
    try:
        lay_out(store, sql, short, place)
        yield place
    finally:
        cleared(place)


def made(near: Path) -> Path:
    """An empty folder for one question."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=near))


def cleared(place: Path) -> None:
    """The folder of a question is gone."""
    shutil.rmtree(place, ignore_errors=True)


def lay_out(store: Store, sql: str, short: Callable[[str], str], place: Path) -> None:
    """Write the relations that a statement names into a folder. A name that does not occur cannot be asked for.

    Of a store behind a veil there stands beside the files what of them is seen: the child reads no more of them.
    """
    named = sql.lower()
    if "entities" in named:
        write_entities(place / "entities.arrow", relations.entities(store.state, short))
    if "history" in named:
        if isinstance(store, VeiledStore):
            assert isinstance(store.behind, EmbeddedStore)  # the one engine whose log is files
            share_seen(store.behind, place, store.sight)
        else:
            assert isinstance(store, EmbeddedStore)
            share(store, place)


def write_entities(path: Path, parts: Iterator[pa.Table]) -> None:
    """The relation `entities`, part by part; an empty file where nothing lives."""
    writer: pa.RecordBatchStreamWriter | None = None
    with pa.OSFile(str(path), "wb") as sink:
        for part in parts:
            writer = writer or pa.ipc.new_stream(sink, part.schema)
            writer.write_table(part)
        if writer is not None:
            writer.close()


def names_of(store: Store, short: Callable[[str], str]) -> dict[str, str]:
    """Short names of all attributes that the live table or any model knows."""
    with store.state.lock:
        known = {name for table in store.state.tables for name, _ in table.columns}
    return {name: short(name) for name in sorted(known) if short(name) != name}


def environment() -> dict[str, str]:
    """What the child may know of ours."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"PYTHONDONTWRITEBYTECODE": "1"}


COMMAND = (sys.executable, "-m", "zhicheng.server.sql.child")


def ask(asked: Asked, limits: Limits) -> Found:
    """The answer of a child process, waited for."""
    try:
        child = subprocess.run(
            COMMAND, input=msgspec.json.encode(asked), capture_output=True, check=False,
            timeout=limits.time / 1e6 + GRACE, env=environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise too_long(limits) from None
    return _answer(child.returncode, child.stdout, child.stderr, limits)


class Desk:
    """Where questions wait their turn: `at_once` are answered at a time, and no more than `waiting` wait."""

    def __init__(self, at_once: int = 2, waiting: int = 8) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._here = 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn; TooMany where too many wait already."""
        if self._here >= self._most:
            raise TooMany("Too many questions are waiting; try again soon", "等待的查询过多，请稍后再试")
        self._here += 1
        try:
            async with self._turn:
                yield
        finally:
            self._here -= 1


async def answered(asked: Asked, limits: Limits, gone: asyncio.Future[None]) -> Found:
    """The answer of a child process; the process ends with its time, and when who asked is gone."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    talk = asyncio.create_task(child.communicate(msgspec.json.encode(asked)))
    both: set[asyncio.Future[Any]] = {talk, gone}
    try:
        done, _ = await asyncio.wait(both, timeout=limits.time / 1e6 + GRACE, return_when=asyncio.FIRST_COMPLETED)
        if talk not in done:
            raise too_long(limits) if gone not in done else Cancelled()
        out, said = talk.result()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.wait({talk}, timeout=5)
    return _answer(child.returncode or 0, out, said, limits)


class Cancelled(ZhichengError):
    """Who asked is gone, so nobody reads this."""

    code, status = "cancelled", 499
    title_en, title_zh = "Cancelled", "已取消"

    def __init__(self) -> None:
        super().__init__("The question was taken back", "查询已取消")


def too_long(limits: Limits) -> TooLarge:
    """The error of a question that outlived its time."""
    seconds = limits.time / 1e6
    return TooLarge(
        f"The query took longer than {seconds:g} s; ask for less",
        f"查询超过 {seconds:g} 秒时限；请缩小范围",
        kind="time",
    )


def _answer(status: int, out: bytes, said: bytes, limits: Limits) -> Found:
    told = _told(said)
    if status == 0:
        return Found(out, told)
    if status < 0 or "error" not in told:
        tail = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        told = {"error": "memory" if status < 0 or b"MemoryError" in said else "query", "message": " ".join(tail)}
    raise in_words(str(told["error"]), str(told.get("message", "")), limits)


def _told(said: bytes) -> dict[str, object]:
    for line in reversed(said.splitlines()):
        with contextlib.suppress(orjson.JSONDecodeError):
            found = orjson.loads(line)
            if isinstance(found, dict):
                return found
    return {}


_WORDS: dict[str, tuple[type[ZhichengError], str, str]] = {
    "syntax": (Invalid, "The query failed: the statement is not SQL", "查询失败：语句有语法错误"),
    "unknown": (Invalid, "The query failed: a table, column or function is not there", "查询失败：没有该表、列或函数"),
    "value": (Invalid, "The query failed: a value does not fit its type", "查询失败：数值与类型不符"),
    "reading": (
        Forbidden,
        "The query failed: one SELECT statement is wanted; nothing can be changed here",
        "查询失败：只接受一条 SELECT 语句，此处不能修改数据",
    ),
    "forbidden": (
        Forbidden,
        "The query failed: files, network and settings are out of reach here",
        "查询失败：此处不能访问文件、网络和设置",
    ),
    "unveiled": (Unavailable, "The query was not answered", "查询未执行"),
    "memory": (TooLarge, "The query needs more memory than it may have", "查询所需内存超过上限"),
    "size": (TooLarge, "The answer is too large; ask for less", "结果过大；请缩小范围"),
    "data": (Invalid, "The query failed", "查询失败"),
    "query": (Invalid, "The query failed", "查询失败"),
}


def in_words(kind: str, message: str, limits: Limits) -> ZhichengError:
    """What went wrong, in both languages; what the engine says of it comes after."""
    if kind == "damaged":
        return Corrupt(f"Stored data is damaged: {message}", f"存储数据已损坏：{message}")
    if kind == "time":
        return too_long(limits)
    known, en, zh = _WORDS.get(kind, _WORDS["query"])
    message = _shortened(message)
    if kind in ("reading", "size") or not message:
        return known(en, zh, kind=kind)
    if kind == "memory":
        en, zh = (f"{text} ({limits.memory // 1_000_000} MB)" for text in (en, zh))
        return known(en, zh, kind=kind)
    return known(f"{en}: {message}", f"{zh}：{message}", kind=kind, detail=message)


def _shortened(message: str) -> str:
    """The engine's own words without its advice to change settings, on one line."""
    message = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", message.strip())
    return " ".join(message.split("\n\n")[0].split())[:600]
