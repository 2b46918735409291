"""A guide is typed as it says, in an empty folder, by a person who reads it from top to bottom.

```sh           typed into a terminal; every command has to succeed. A line that starts the platform is left running in
                terminal of its own until the guide starts it again, and the next block is typed once it is up
```toml FILE    (or json, csv, python) the file is written as shown
```text         what the block before shows; ... stands for anything
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.running import ROOT, free_port

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
_STARTS = re.compile(r"zhicheng (run|demo)\b")
_NAMES = re.compile(r"^([A-Z][A-Z_]*)=", re.M)
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a guide: what language it is in, which file it is of, its text."""

    kind: str
    file: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """All blocks of a guide, in order."""
    return [Block(kind, file, text) for kind, file, text in _BLOCK.findall(page)]


class Terminal:
    """Types a guide's blocks. Port 8800 becomes one that is free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "home"
        self.folder.mkdir()
        self.port = free_port()
        self.said = ""
        self._state = folder / "state.sh"
        self._state.touch()
        self._log = folder / "platform.log"
        self._platform: subprocess.Popen[bytes] | None = None
        tools = folder / "bin"
        tools.mkdir()
        for name, line in (("zhicheng", '-m zhicheng.cli.main "$@"'), ("python", '"$@"')):
            (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {line}\n')
            (tools / name).chmod(0o755)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ZHICHENG_")}
        paths = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH", "")])])
        self._environ = {
            **plain, "PATH": f"{tools}{os.pathsep}{plain['PATH']}", "PYTHONPATH": paths, "ZHICHENG_LANG": "en",
            "COLUMNS": "120", "TERM": "dumb",
        }  # fmt: skip

    def do(self, block: Block) -> None:
        """One block."""
        text = block.text.replace("8800", str(self.port))
        if block.kind == "text":
            self.compare(text)
        elif block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif text.startswith("# Ctrl+C"):
            self.stop()
            self.type(text)
        elif _STARTS.match(text):
            self.start(text.strip())
        else:
            self.type(text)

    def type(self, text: str) -> None:
        """Commands; variables that they set stay."""
        kept = "".join(f"printf '%s=%q\\n' {name} \"${name}\" >>'{self._state}'\n" for name in _NAMES.findall(text))
        script = f". '{self._state}'\nset -e\n{text}\n{kept}"
        ran = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self._environ, capture_output=True, text=True,
            timeout=_PATIENCE, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}\n{self.log()[-3000:]}"
        self.said = ran.stdout

    def compare(self, shown: str) -> None:
        """What was said is what the guide shows, but for white space and where it has `...`."""
        words = [word for word in re.split(r"\s+|(\.\.\.)", shown.strip()) if word]
        pattern = r"\s*".join(".*?" if word == "..." else re.escape(word) for word in words)
        assert re.search(pattern, self.said, re.S), f"shown:\n{shown}\nsaid:\n{self.said}"

    def start(self, line: str) -> None:
        """The platform, in a terminal of its own; it is up when its port answers."""
        self.stop()
        words = f"{line} --port {self.port}"
        with self._log.open("wb") as log:
            self._platform = subprocess.Popen(
                ["bash", "-c", f"exec {words}"], cwd=self.folder, env=self._environ, stdout=log, stderr=log
            )
        until = time.monotonic() + _PATIENCE
        while " is up: " not in self.log():
            assert self._platform.poll() is None and time.monotonic() < until, self.log()
            time.sleep(0.1)
        self.said = self.log()

    def log(self) -> str:
        """What the platform printed."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def stop(self) -> None:
        """Ctrl+C."""
        if self._platform is not None:
            self._platform.send_signal(signal.SIGINT)
            self._platform.wait(30)
            self._platform = None
