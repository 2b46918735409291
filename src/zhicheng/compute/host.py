"""Where `derive` runs: in this process, or, for heavy applications, in one of its own, columns going over a pipe."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any, Protocol

from zhicheng.compute.app import AnyApp, Tables
from zhicheng.compute.rows import Rows
from zhicheng.compute.state import pack, unpack
from zhicheng.kernel.errors import Unavailable, ZhichengError
from zhicheng.standards.changes import Changes


class Host(Protocol):
    """Holds an application's state and runs its function."""

    cpu: float
    """CPU seconds that the function took so far."""

    def begin(self, state: bytes | None, tables: Tables) -> None:
        """Start from a state (None: the first), with these reference tables."""

    def derive(self, rows: Rows) -> Changes:
        """What the application makes of the rows; the state moves on."""

    def state(self) -> bytes:
        """The state now."""

    def close(self) -> None:
        """Let go."""


class Here:
    """In this process."""

    def __init__(self, app: AnyApp, params: object) -> None:
        self.app = app
        self.params = params
        self.cpu = 0.0
        self._state: Any = None
        self._tables: Tables = {}

    def begin(self, state: bytes | None, tables: Tables) -> None:
        self._tables = tables
        first = self.app.state(self.params)
        self._state = first if state is None else unpack(state, first)

    def derive(self, rows: Rows) -> Changes:
        began = time.thread_time()
        derived = self.app.derive(rows, self._state, self.params, self._tables)
        self.cpu += time.thread_time() - began
        self._state = derived.state
        return derived.changes

    def state(self) -> bytes:
        return pack(self._state)

    def close(self) -> None:
        self._state = None


class Apart:
    """In a process of its own. If that dies, `Unavailable` is raised, and `begin` starts another."""

    def __init__(self, app: AnyApp, params: object) -> None:
        self.app = app
        self.params = params
        self.cpu = 0.0
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def begin(self, state: bytes | None, tables: Tables) -> None:
        if self._process is None or not self._process.is_alive():
            self._start()
        self._ask("begin", state, tables)

    def _start(self) -> None:
        self.close()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(theirs, self.app, self.params), name=f"app-{self.app.name}", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._pipe = process, ours

    def derive(self, rows: Rows) -> Changes:
        changes, cpu = self._ask("derive", rows)
        self.cpu += cpu
        assert isinstance(changes, Changes)
        return changes

    def state(self) -> bytes:
        return bytes(self._ask("state"))

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join(2)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._process = self._pipe = None

    def _ask(self, *message: object) -> Any:
        pipe = self._pipe
        if pipe is None:
            raise _gone(self.app.name)
        try:
            pipe.send(message)
            error, answer = pipe.recv()
        except (EOFError, OSError) as lost:
            self.close()
            raise _gone(self.app.name) from lost
        if error is not None:
            raise ZhichengError(*error)
        return answer


def _gone(name: str) -> Unavailable:
    return Unavailable(f"The process of the application {name} ended", f"应用 {name} 的进程已结束")


def serve(pipe: Connection, app: AnyApp, params: object) -> None:
    """The other end: one answer a message, until the pipe closes."""
    here = Here(app, params)
    with contextlib.suppress(EOFError, OSError):
        while True:
            name, *arguments = pipe.recv()
            try:
                pipe.send((None, _answer(here, name, arguments)))
            except ZhichengError as error:
                pipe.send(((error.en, error.zh), None))
            except Exception as error:  # noqa: BLE001  (a defect of the application goes to whoever runs it)
                said = f"{type(error).__name__}: {error}"
                pipe.send(((f"{app.name}: {said}", f"{app.name}：{said}"), None))


def _answer(here: Here, name: str, arguments: list[Any]) -> object:
    if name == "begin":
        here.begin(*arguments)
        return None
    if name == "state":
        return here.state()
    before = here.cpu
    return here.derive(*arguments), here.cpu - before


def host_of(app: AnyApp, params: object) -> Host:
    """Where this application runs."""
    return Apart(app, params) if app.heavy else Here(app, params)
