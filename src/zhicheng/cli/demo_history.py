"""`zhicheng demo --history`: the past of the made-up city, made span by span and brought in by `zhicheng import`."""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

from zhicheng.cli import imports
from zhicheng.cli.demo_platform import prepare
from zhicheng.cli.words import Words
from zhicheng.demo.history import BUSES, Span, mappings, spans, write
from zhicheng.demo.plan import Plan
from zhicheng.demo.shelf import Shelf
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.instants import DAY, SECOND
from zhicheng.kernel.settings import duration

_LONGEST = 10 * 366 * DAY


@dataclass(slots=True)
class Progress:
    """What was asked for, and which spans are in; kept beside the city, so that it goes on after a break."""

    seconds: float
    now: float
    done: list[str] = field(default_factory=list)
    values: int = 0


def build(arguments: argparse.Namespace, say: Words) -> int:
    """Make and import what is not in yet; 0 when all of it is."""
    prepare(arguments)
    keep = Path(arguments.data) / "demo"
    keep.mkdir(parents=True, exist_ok=True)
    note = keep / "past.json"
    progress = _begun(note, _asked(arguments.history))
    coming = spans(progress.now, progress.seconds)
    left = [span for span in coming if span.name not in progress.done]
    if not left:
        return 0
    (keep / "since").write_text(f"{coming[0].after}\n", "ascii")
    mapping = keep / "past.toml"
    mapping.write_text(mappings(), "utf-8")
    Shelf(keep, Plan(seed=arguments.seed)).living()
    began = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(make, keep, arguments.seed, span, progress.now - BUSES) for span in left[:2]]
        for number, span in enumerate(left):
            paths, values = futures.pop(0).result()
            if number + 2 < len(left):
                futures.append(pool.submit(make, keep, arguments.seed, left[number + 2], progress.now - BUSES))
            failed = _import(arguments, [mapping, *paths], say)
            if failed:
                _drop(futures)
                return failed
            progress.done.append(span.name)
            progress.values += values
            note.write_text(json.dumps(asdict(progress)), "utf-8")
            for path in paths:
                path.unlink()
            _tell(len(left), number + 1, progress.values, time.monotonic() - began, say)
    (keep / "told").write_text(f"{progress.now:.0f}\n", "ascii")
    return 0


def make(keep: Path, seed: int, span: Span, buses: float) -> tuple[list[Path], int]:
    """The files of a span, in a process of its own, and how many values they hold."""
    found = list(write(Shelf(keep, Plan(seed=seed)).living(), span, keep / "past", buses))
    return [path for path, _ in found], sum(count for _, count in found)


def _asked(text: str) -> float:
    """Seconds."""
    length = duration(text)
    if not 0 < length <= _LONGEST:
        raise BadConfiguration(
            f'--history {text!r}: name a time of up to ten years, such as "365 d"',
            f'--history {text!r}：请给出不超过十年的时长，例如 "365 d"',
        )
    return length / SECOND


def _begun(note: Path, seconds: float) -> Progress:
    """Where an earlier start left off, if it asked for the same; else a new beginning."""
    if note.is_file():
        found = Progress(**json.loads(note.read_text("utf-8")))
        if found.seconds == seconds:
            return found
    return Progress(seconds, float(int(time.time())))


def _import(arguments: argparse.Namespace, files: list[Path], say: Words) -> int:
    """As a person would: zhicheng import past.toml FILES."""
    told = argparse.Namespace(
        files=files, data=arguments.data, city=None, set=arguments.set, tenant=None, mapping=[], owner=None,
        again=False, report=None,
    )  # fmt: skip
    return imports.run(told, say)


def _drop(futures: list[Future[tuple[list[Path], int]]]) -> None:
    for future in futures:
        future.cancel()


def _tell(total: int, done: int, values: int, seconds: float, say: Words) -> None:
    left = seconds / done * (total - done) / 60
    print(
        say(
            f"历史 {done}/{total}：共 {values:,} 个数值，约剩 {left:.0f} 分钟；中断后可继续",
            f"past {done}/{total}: {values:,} values so far, about {left:.0f} min left; it goes on after a break",
        ),
        flush=True,
    )
