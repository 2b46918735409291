"""Servers as processes of their own: ours, and the bare one that is its floor; each until the block ends."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import city
from zhicheng.server.folder import DataFolder

PROGRAM = str(Path(sys.executable).with_name("zhicheng"))
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers. started: seconds from the start of the process to its first answer"""

    port: int
    process: int
    started: float

    @property
    def memory(self) -> float:
        """Megabytes it holds (RSS)."""
        for line in Path(f"/proc/{self.process}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1000
        raise RuntimeError("no VmRSS")

    @property
    def busy(self) -> float:
        """Seconds of processor time it has used."""
        fields = Path(f"/proc/{self.process}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def get(self, path: str) -> bytes:
        """A body, asked for once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"GET {path} gives {answer.status}: {body[:300]!r}")
        return body


def ours(folder: Path, settings: Sequence[str] = ()) -> contextlib.AbstractContextManager[Server]:
    """`zhicheng run` over a data folder; everyone may do everything, from this machine only.

    settings: for --set
    """
    port = free_port()
    told = [word for one in settings for word in ("--set", one)]
    return running([PROGRAM, "run", "--data", str(folder), "--port", str(port), "--no-auth", *told], port, "/health")


def audited(folder: Path) -> contextlib.AbstractContextManager[Server]:
    """The same where everything is protected: an entry in the log of acts before each answer."""
    port = free_port()
    return running([sys.executable, "-m", "benchmarks.audited", str(folder), str(port)], port, "/health")


def echo(body: bytes, folder: Path) -> contextlib.AbstractContextManager[Server]:
    """The bare server: echoes the JSON of a POST with 201, answers GET with these bytes."""
    answer = folder / "answer"
    answer.write_bytes(body)
    port = free_port()
    return running([sys.executable, "-m", "benchmarks.echo", str(port), str(answer)], port, "/")


def empty(folder: Path) -> Path:
    """A new data folder."""
    DataFolder(folder).make()
    return folder


def populated(folder: Path) -> Path:
    """The data folder with 100,000 stations, which the benchmarks of a run share; they only read it."""
    shared = folder.parent / "hundred-thousand"
    data = DataFolder(shared)
    data.make()
    city.populated(data.tenant("default"))
    return shared


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], port: int, path: str) -> Iterator[Server]:
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            while not _answers(port, path):
                if process.poll() is not None or time.perf_counter() - began > _PATIENCE:
                    process.kill()
                    said = (process.stderr.read() if process.stderr else b"")[-1000:]
                    raise RuntimeError(f"{' '.join(command)} does not answer: {said.decode(errors='replace')}")
                time.sleep(0.005)
            yield Server(port, process.pid, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
