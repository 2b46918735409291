"""The platform as a process of its own: started by its command, asked over HTTP, ended or killed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
logging.getLogger("httpx").setLevel(logging.WARNING)
_COMMAND = (sys.executable, "-m", "zhicheng.cli.main")


def command(*words: str | Path) -> tuple[list[str], dict[str, str]]:
    """A zhicheng command and the environment it runs in, which speaks English and sets nothing."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ZHICHENG_")}
    return [*_COMMAND, *map(str, words)], {**environ, "ZHICHENG_LANG": "en"}


class Running:
    """`zhicheng run` on a data folder; `settings` go to --set."""

    def __init__(self, city: Path, data: Path, settings: dict[str, object]) -> None:
        self.port = free_port()
        words: list[str | Path] = ["run", "--city", city, "--data", data, "--port", str(self.port), "--no-auth"]
        for name, value in settings.items():
            words += ["--set", f"{name}={value}"]
        line, environ = command(*words)
        self.log: IO[bytes] = (data.parent / f"run-{self.port}.log").open("wb")
        began = time.monotonic()
        self.process = subprocess.Popen(line, cwd=ROOT, env=environ, stdout=self.log, stderr=self.log)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.wait(lambda: self.get("/health") is not None, 30)
        self.seconds = time.monotonic() - began
        """From the command to the first answer."""

    def get(self, path: str, **parameters: object) -> Any:
        """The document at a path; None while nothing listens yet."""
        try:
            answer = self.http.get(path, params={name: str(value) for name, value in parameters.items()})
        except httpx.TransportError:
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, done: Callable[[], object], seconds: float, what: str = "") -> None:
        until = time.monotonic() + seconds
        while not done():
            assert self.process.poll() is None and time.monotonic() < until, f"{what}\n{self.said()}"
            time.sleep(0.05)

    def said(self) -> str:
        """What the process printed."""
        return Path(self.log.name).read_text("utf-8")

    def feed(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.get("/api/v1/feeds") if one["name"] == name)
        return found

    def entities(self, kind: str, page: int = 1000) -> dict[str, dict[str, Any]]:
        """All entities of a type, page by page; as many as the count says."""
        found: dict[str, dict[str, Any]] = {}
        total = None
        while total is None or len(found) < total:
            asked: dict[str, str | int] = {
                "type": kind,
                "limit": page,
                "offset": len(found),
                "count": "true",
                "options": "sysAttrs,extras",
            }
            answer = self.http.get("/ngsi-ld/v1/entities", params=asked)
            assert answer.status_code == 200, answer.text
            total = int(answer.headers["NGSILD-Results-Count"])
            entities = answer.json()
            assert entities
            found.update({entity["id"]: entity for entity in entities})
        assert len(found) == total
        return found

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        code = self.process.wait(30)
        assert code == (-how if how == signal.SIGKILL else 0), self.said()
        self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        self.http.close()
        self.log.close()


@contextlib.contextmanager
def running(city: Path, data: Path, settings: dict[str, object]) -> Iterator[Running]:
    platform = Running(city, data, settings)
    try:
        yield platform
    finally:
        platform.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
