"""`zhicheng demo`: a made-up city that lives, and the platform that shows it; needs nothing from outside."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from zhicheng.cli.words import Words
from zhicheng.server.folder import DataFolder

_PATIENCE = 10.0
"""Seconds in which the child ends when it is told to."""


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ZHICHENG_DATA", "data/demo"), metavar="DIR",
        help=say("数据文件夹（默认 data/demo）", "the data folder (data/demo)"),
    )  # fmt: skip
    parser.add_argument("--port", type=int, help=say("端口（默认 8800）", "port (8800)"))
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help=say("随机种子：同一种子得同一城市（默认 1）", "the same seed gives the same city (1)"),
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="N",
        help=say("倍速：从一天前开始，追上现在后按实时运行", "N times as fast, from a day ago until it is now"),
    )  # fmt: skip
    parser.add_argument(
        "--history", metavar="TIME",
        help=say('先生成并导入过去一段时间的历史，例如 "365 d"', 'first make and import the past, such as "365 d"'),
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE",
        help=say("覆盖配置项，例如 storage.seal_rows=100000", "override a setting, such as storage.seal_rows=100000"),
    )  # fmt: skip
    parser.add_argument("--no-open", action="store_true", help=say("不打开浏览器", "do not open a browser"))


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Until SIGTERM or SIGINT."""
    DataFolder(arguments.data).make()
    if arguments.history:
        failed = int(import_module("zhicheng.cli.demo_history").build(arguments, say))
        if failed:
            return failed
    child = start(Path(arguments.data), arguments.seed, arguments.speed)
    try:
        # the platform's own modules take a second to load; meanwhile the child makes the city
        return int(import_module("zhicheng.cli.demo_platform").serve_demo(arguments, say, child))
    finally:
        end(child)


def start(data: Path, seed: int, speed: float) -> subprocess.Popen[str]:
    """The child that is the city; it waits to be told where the platform is, with a token."""
    command = [
        sys.executable, "-m", "zhicheng.demo", "--tied", "--keep", str(data / "demo"), "--seed", str(seed),
        "--speed", str(speed),
    ]  # fmt: skip
    environ = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environ, start_new_session=True)


def tell(child: subprocess.Popen[str], url: str, token: str) -> None:
    """Where the platform is."""
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it ended; why, it has said
            child.stdin.write(f"{url} {token}\n")
            child.stdin.flush()


def end(child: subprocess.Popen[str]) -> None:
    """Tell it to end, and see that it does."""
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
    child.terminate()
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
