"""`python -m zhicheng.demo`: the made-up city, told to a platform that runs elsewhere; `zhicheng demo` starts both."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from zhicheng.demo.days import day_of
from zhicheng.demo.live import last_told, live
from zhicheng.demo.plan import Plan
from zhicheng.demo.sender import Refused, Sender, Stopped
from zhicheng.demo.shelf import Shelf
from zhicheng.demo.timekeeper import Timekeeper


def main() -> int:
    """Until SIGTERM or SIGINT, or until the standard input ends where `--tied` says that it is our parent's."""
    parser = argparse.ArgumentParser(prog="python -m zhicheng.demo", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8800", help="where the platform is")
    parser.add_argument("--keep", type=Path, required=True, help="folder for what is made of the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the city in one of ours")
    parser.add_argument("--since", type=float, default=0.0, help="begin so many seconds ago (with --speed)")
    parser.add_argument(
        "--tied", action="store_true", help="address and token on the first line of stdin; end when it ends"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s demo: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    token = os.environ.get("ZHICHENG_TOKEN", "")
    shelf = Shelf(arguments.keep, Plan(seed=arguments.seed))
    if arguments.tied:
        # what is made of the seed is made while the parent opens its folder; only then the token is waited for
        shelf.living()
        shelf.timetable(day_of(time.time()).year)
        arguments.url, _, token = sys.stdin.readline().strip().partition(" ")
        if not token:
            return 0
        threading.Thread(target=_watch, args=(stopped,), daemon=True).start()
    return _live(arguments, shelf, token, stopped)


def _watch(stopped: threading.Event) -> None:
    sys.stdin.read()
    stopped.set()


def _live(arguments: argparse.Namespace, shelf: Shelf, token: str, stopped: threading.Event) -> int:
    arguments.keep.mkdir(parents=True, exist_ok=True)
    sender = Sender(arguments.url, token, stopped.is_set, sleep=stopped.wait)
    start = None
    if arguments.speed > 1:
        start = max(last_told(arguments.keep / "told"), time.time() - (arguments.since or 86_400.0))
    clock = Timekeeper(time.time, arguments.speed, start)
    try:
        live(shelf, sender, clock, arguments.keep, stopped.is_set, stopped.wait)
    except Stopped:
        return 0
    except Refused as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    finally:
        sender.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
