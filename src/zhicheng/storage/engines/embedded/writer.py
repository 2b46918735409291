"""The one thread that writes: commits in groups, and whatever else changes the database, one after the other."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from zhicheng.kernel.errors import StorageFailed, Unavailable, ZhichengError
from zhicheng.storage.engines.embedded.short import Waiting
from zhicheng.storage.log import Commit, Receipt

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    """Work other than a commit."""

    run: Callable[[], object]
    done: Future[object]


class Writer:
    """Commits that wait become one group, stored together; jobs run between groups.

    folder: what it writes to
    group_rows: most rows of one group
    store: makes a group durable and acknowledges it
    stored: called after each group
    """

    def __init__(
        self, folder: Path, group_rows: int, store: Callable[[list[Waiting]], None], stored: Callable[[], None]
    ) -> None:
        self.folder = folder
        self.failure: ZhichengError | None = None
        """Why nothing is written any more; None while all is well."""
        self.closed = False
        self._group_rows = group_rows
        self._store = store
        self._stored = stored
        self._queue: queue.SimpleQueue[Waiting | _Job | None] = queue.SimpleQueue()
        self._entrance = threading.Lock()
        self._thread = threading.Thread(target=self._write, name=f"store-{folder.name}", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit) -> Future[Receipt]:
        """A commit into the next group."""
        future: Future[Receipt] = Future()
        self._enqueue((commit, future))
        return future

    def run(self, job: Callable[[], object]) -> object:
        """What a job gives, run on the writer's thread, where nothing else writes."""
        waiting = _Job(job, Future())
        self._enqueue(waiting)
        return waiting.done.result()

    def check(self) -> None:
        """Raises what keeps it from writing."""
        if self.failure is not None:
            raise self.failure
        if self.closed:
            raise Unavailable("The store is closed", "存储已关闭")

    @contextlib.contextmanager
    def stopping(self) -> Iterator[None]:
        """The first failure of the disk ends all writing, loudly: what follows it could be lost unseen."""
        try:
            yield
        except StorageFailed as error:
            self.stop(error)
            raise

    def stop(self, error: ZhichengError) -> None:
        """Write nothing more, for this reason."""
        if self.failure is None:
            self.failure = error
            logger.critical("%s: writing stopped; %s", self.folder, error)

    def close(self) -> None:
        """End when all that waits is done."""
        with self._entrance:
            self.closed = True
            self._queue.put(None)
        self._thread.join()

    def _enqueue(self, item: Waiting | _Job) -> None:
        """What is in the queue before it is closed is done."""
        with self._entrance:
            self.check()
            self._queue.put(item)

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, _Job):
                self._run(item)
                continue
            group = [item]
            rows = len(item[0].changes)
            job: _Job | None = None
            while rows < self._group_rows and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                if isinstance(following, _Job):
                    job = following
                    break
                group.append(following)
                rows += len(following[0].changes)
            self._write_group(group)
            if job is not None:
                self._run(job)

    def _run(self, job: _Job) -> None:
        try:
            if self.failure is not None:
                raise self.failure
            with self.stopping():
                job.done.set_result(job.run())
        except BaseException as error:  # noqa: BLE001  (it goes to whoever waits for the job)
            job.done.set_exception(error)

    def _write_group(self, waiting: list[Waiting]) -> None:
        """Store the commits that nobody took back; one that meets a defect of ours does not take the others along."""
        waiting = [item for item in waiting if item[1].set_running_or_notify_cancel()]
        try:
            self._store(waiting)
        except ZhichengError as error:
            _refuse(waiting, error)
        except Exception:
            logger.exception("a group of commits failed")
            for item in waiting:
                if not item[1].done():
                    self._store_alone(item)
        self._stored()

    def _store_alone(self, item: Waiting) -> None:
        try:
            self._store([item])
        except ZhichengError as error:
            _refuse([item], error)
        except Exception as error:  # noqa: BLE001  (it goes to whoever waits for the commit)
            en, zh = f"A defect kept this commit out: {error!r}", f"因程序缺陷，本次提交未保存：{error!r}"
            _refuse([item], ZhichengError(en, zh))


def _refuse(waiting: list[Waiting], error: ZhichengError) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
