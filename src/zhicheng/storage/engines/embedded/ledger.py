"""The embedded ledger: one thread gathers what is handed in, and writes each group with one synced write.

Several processes may append: whoever writes holds the folder's lock and first reads what others added. The write
and its sync are one system call (O_DSYNC): a writer beside a busy event loop waits for the interpreter's lock after
each call. A disk that is full refuses the group and nothing else; after any other failure nothing is taken any more,
since what a disk says after a failed sync cannot be believed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid, NotFound, StorageFailed, Unavailable, ZhichengError
from zhicheng.kernel.instants import MINUTE, SECOND, Clock, system_clock
from zhicheng.security import entries, heads, merkle
from zhicheng.security.heads import Head, Opening, Signer
from zhicheng.security.merkle import Frontier
from zhicheng.storage.engines.embedded import ledger_files as files
from zhicheng.storage.engines.embedded.files import make_folder

logger = logging.getLogger(__name__)
Waiting = tuple[bytes, "Future[int]"]


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """segment_bytes: size at which the next file is begun; group: most records of one write
    sign_every: microseconds between signed heads while records come; head_every: the same while none come
    """

    segment_bytes: int = 64 * 1024 * 1024
    group: int = 4096
    sign_every: int = 10 * SECOND
    head_every: int = MINUTE


class EmbeddedLedger:
    """A folder of segments. `signer` is asked each time, so that a key can be replaced while this runs."""

    def __init__(
        self,
        folder: Path,
        signer: Callable[[], Signer],
        settings: LedgerSettings | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.folder = folder
        self.settings = settings or LedgerSettings()
        self._signer, self._clock = signer, clock
        make_folder(folder)
        folder.chmod(0o700)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False
        self._handle = -1
        self._nodes = files.Nodes(folder / "nodes")
        self._failure: ZhichengError | None = None
        self._closed = False
        with self._locked():
            self._open()
            if self._replay.closed < self._size:  # a crash came between the entries of a group and its head
                self._append([], sign=True)
        self._queue: queue.SimpleQueue[Waiting | Future[Head] | None] = queue.SimpleQueue()
        self._entrance = threading.Lock()
        self._writer = threading.Thread(target=self._write, name="audit", daemon=True)
        self._writer.start()

    # opening and catching up --------------------------------------------------------------------------------

    def _open(self) -> None:
        known = files.numbers(self.folder)
        if not known:
            files.create(self.folder, 1, Opening(secrets.token_hex(16), Frontier()))
            known = [1]
        self._take_over(known)

    def _take_over(self, known: list[int]) -> None:
        """Stand at the end of the last segment; what a crash cut off there is removed."""
        replay = files.replayed(self.folder, known, self._nodes)
        path = self.folder / files.name_of(known[-1])
        if self._handle >= 0:
            os.close(self._handle)
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_DSYNC | os.O_CLOEXEC)
            if os.fstat(self._handle).st_size > replay.good:
                logger.warning("%s: an unfinished write was cut off", path)
                os.ftruncate(self._handle, replay.good)
                os.fsync(self._handle)
        except OSError as error:
            raise files.translated(error, path) from error
        self.origin, self._number, self._replay = replay.origin, known[-1], replay
        self._signed_at = 0 if replay.signed is None else instants.parse(replay.signed.at or "")
        self._size = replay.frontier.size
        replay.nodes = []

    def _catch_up(self) -> None:
        """Read what another process added since we last held the lock."""
        following = self.folder / files.name_of(self._number + 1)
        if following.exists():
            self._take_over(files.numbers(self.folder))
            return
        end = os.fstat(self._handle).st_size
        if end == self._replay.good:
            return
        if end < self._replay.good:
            raise files.damaged(self.folder / files.name_of(self._number), self._replay.lines)
        first = merkle.complete_nodes(self._replay.frontier.size)
        more = os.pread(self._handle, end - self._replay.good, self._replay.good)
        self._replay.take(self.folder / files.name_of(self._number), more)
        self._nodes.write(first, self._replay.nodes)
        self._replay.nodes = []
        self._size = self._replay.frontier.size
        if end > self._replay.good:
            os.ftruncate(self._handle, self._replay.good)

    def _locked(self) -> _Held:
        return _Held(self._lock)

    # the port -----------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """See the port."""
        return self._size

    @property
    def first(self) -> int:
        """See the port."""
        return files.first_of(self.folder / files.name_of(files.numbers(self.folder)[0]))

    @property
    def failure(self) -> ZhichengError | None:
        """See the port."""
        return self._failure

    def submit(self, record: bytes) -> Future[int]:
        """See the port."""
        if not record.startswith(entries.BEGINNING) or b"\n" in record or not record.endswith(b"}"):
            raise Invalid("This is no entry of the log of acts", "这不是有效的审计记录")
        future: Future[int] = Future()
        self._enqueue((record, future))
        return future

    def append(self, record: bytes) -> int:
        """See the port."""
        return self.submit(record).result()

    def head(self) -> Head:
        """See the port."""
        future: Future[Head] = Future()
        self._enqueue(future)
        return future.result()

    def record(self, number: int) -> bytes:
        """See the port."""
        for segment in reversed(files.numbers(self.folder)):
            path = self.folder / files.name_of(segment)
            if files.first_of(path) > number:
                continue
            first, records = files.records_of(path)
            if number < first + len(records):
                found = records[number - first]
                if merkle.leaf_hash(found) != self.node(0, number):
                    raise files.damaged(path)
                return found
            break
        raise NotFound(f"There is no entry {number} in the log of acts", f"审计日志中没有第 {number} 条记录")

    def newest_first(self, before: int) -> Iterator[tuple[int, list[bytes]]]:
        """See the port."""
        before = min(before, self._size)
        for segment in reversed(files.numbers(self.folder)):
            path = self.folder / files.name_of(segment)
            if files.first_of(path) < before:
                first, records = files.records_of(path)
                yield first, records[: before - first]

    def node(self, level: int, number: int) -> bytes:
        """See the port."""
        return self._nodes.node(level, number)

    def expire(self, before: int) -> int:
        """See the port."""
        old = self.first
        for number, head in files.ends(self.folder):
            if instants.parse(head.at or "") >= before:
                break
            (self.folder / files.name_of(number)).unlink()
        return self.first - old

    def close(self) -> None:
        """See the port."""
        with self._entrance:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        os.close(self._handle)
        os.close(self._lock)
        self._nodes.close()

    # the writer ---------------------------------------------------------------------------------------------

    def _enqueue(self, item: Waiting | Future[Head]) -> None:
        with self._entrance:
            if self._failure is not None:
                raise self._failure
            if self._closed:
                raise Unavailable("The log of acts is closed", "审计日志已关闭")
            self._queue.put(item)

    def _write(self) -> None:
        while True:
            group, asked, over = self._gathered()
            # who stopped waiting in time takes the record back; after this nobody can
            group = [item for item in group if item[1].set_running_or_notify_cancel()]
            asked = [one for one in asked if one.set_running_or_notify_cancel()]
            try:
                with self._locked():
                    self._catch_up()
                    self._append([record for record, _ in group], sign=bool(asked) or (over and self._size > 0))
            except ZhichengError as error:
                self._refuse(group, asked, error)
            except Exception as error:
                logger.exception("the log of acts failed")
                self._refuse(
                    group, asked, StorageFailed(f"The log of acts failed: {error!r}", f"审计日志故障：{error!r}")
                )
            else:
                first = self._size - len(group)
                for number, (_, future) in enumerate(group, first):
                    future.set_result(number)
                for one in asked:
                    one.set_result(self._last_signed())
            if over:
                return

    def _gathered(self) -> tuple[list[Waiting], list[Future[Head]], bool]:
        """What waits: records, wishes for a head, and whether it is over. Nothing at all: a head is due."""
        group: list[Waiting] = []
        asked: list[Future[Head]] = []
        try:
            item = self._queue.get(timeout=self._patience())
            while item is not None:
                if isinstance(item, Future):
                    asked.append(item)
                else:
                    group.append(item)
                if len(group) >= self.settings.group or self._queue.empty():
                    return group, asked, False
                item = self._queue.get()
        except queue.Empty:
            return group, asked, False
        return group, asked, True

    def _patience(self) -> float:
        """Seconds until a signed head is due."""
        signed = self._replay.signed
        every = self.settings.head_every if signed and signed.size == self._size else self.settings.sign_every
        return min(max((self._signed_at + every - self._clock()) / SECOND, 0.001), every / SECOND)

    def _refuse(self, group: list[Waiting], asked: list[Future[Head]], error: ZhichengError) -> None:
        if isinstance(error, StorageFailed) or error.status == 500:
            self._failure = error
            logger.critical("%s: writing stopped; %s", self.folder, error)
        for _, future in group:
            future.set_exception(error)
        for one in asked:
            one.set_exception(error)

    def _append(self, records: list[bytes], *, sign: bool) -> None:
        """One group: nodes, then lines and a head in one synced write. Only then does our tree grow."""
        frontier = self._replay.frontier.copy()
        nodes = frontier.extend(records)
        now = self._clock()
        signed = self._replay.signed
        if not sign and not frontier.size:
            return  # the first entry names the key: no head is signed before it
        due = sign or now - self._signed_at >= self.settings.sign_every
        if not records and signed is not None and signed.size == frontier.size and not self._stale(now):
            return
        full = self._replay.good >= self.settings.segment_bytes
        head = self._head(frontier, now) if due or full or not records else Head(frontier.size, frontier.root)
        self._nodes.write(merkle.complete_nodes(self._replay.frontier.size), nodes)
        self._put(b"".join(line + b"\n" for line in (*records, head.line())))
        self._replay.frontier, self._size = frontier, frontier.size
        if head.signature is not None:
            self._replay.signed, self._signed_at = head, now
        if full:
            files.create(self.folder, self._number + 1, Opening(self.origin, frontier))
            self._take_over([self._number + 1])

    def _stale(self, now: int) -> bool:
        return now - self._signed_at >= self.settings.head_every

    def _head(self, frontier: Frontier, now: int) -> Head:
        return heads.signed(self._signer(), self.origin, frontier.size, frontier.root, instants.format(now))

    def _last_signed(self) -> Head:
        found = self._replay.signed
        assert found is not None, "a head was asked for and signed"
        return found

    def _put(self, content: bytes) -> None:
        path, view = self.folder / files.name_of(self._number), memoryview(content)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            failed = files.translated(error, path)
            if not isinstance(failed, StorageFailed):
                os.ftruncate(self._handle, self._replay.good)
            raise failed from error
        self._replay.good += len(content)
        self._replay.lines += content.count(b"\n")


class _Held:
    """The folder's lock, waited for."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_UN)
