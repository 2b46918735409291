"""What a command loads: a verb that only looks starts in a moment, and no start waits for what it may never need."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

NEEDED_BY_FEW = frozenset((
    "authlib", "duckdb", "joserfc", "lxml", "markdown_it", "openpyxl", "pyld", "pyproj", "requests", "segno",
    "webauthn",
))  # fmt: skip
"""Packages that the platform uses once somebody asks for what they do."""
NEEDED_TO_SERVE = frozenset(("httpx", "numpy", "prometheus_client", "pyarrow", "shapely", "starlette", "uvicorn"))
"""Packages of the platform that no verb needs which keeps accounts, tokens or clients."""
_LOADED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\w+)", re.MULTILINE)


def command(*words: object) -> list[str]:
    return [sys.executable, "-X", "importtime", "-m", "zhicheng.cli.main", *(str(word) for word in words)]


def loaded(*words: object) -> frozenset[str]:
    """The packages that a command loads, by their first names."""
    done = subprocess.run(command(*words), capture_output=True, text=True, timeout=120, check=True)
    return frozenset(_LOADED.findall(done.stderr))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("loading") / "data"
    assert loaded("init", data) & (NEEDED_BY_FEW | NEEDED_TO_SERVE) == frozenset()
    return data


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("new-app", "--help"), ("demo", "--help")])
def test_what_says_what_there_is_loads_nothing_that_does_it(words: tuple[str, ...]) -> None:
    found = loaded(*words)
    assert "argparse" in found
    assert found & (NEEDED_BY_FEW | NEEDED_TO_SERVE | {"asyncio", "rich"}) == frozenset()


@pytest.mark.parametrize(
    "words",
    [
        ("token", "list"), ("token", "create", "someone", "--role", "reader"), ("account", "list"),
        ("client", "list"), ("audit", "search"),
    ],
)  # fmt: skip
def test_keeping_tokens_and_people_takes_no_platform(folder: Path, words: tuple[str, ...]) -> None:
    found = loaded(*words, "--data", folder)
    assert "apsw" in found
    assert found & (NEEDED_BY_FEW | NEEDED_TO_SERVE) == frozenset()


def test_the_platform_starts_without_what_few_need(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = command("run", "--data", folder, "--port", port, "--no-auth")
    with (folder / "loading.log").open("w+") as log:
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert child.stdout is not None and f":{port}" in child.stdout.readline()
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(60)
        log.seek(0)
        found = frozenset(_LOADED.findall(log.read()))
    assert found >= {"numpy", "pyarrow", "uvicorn"}
    assert found & NEEDED_BY_FEW == frozenset()
