"""Arrivals: predictions of a recorded hour beside the agency's own, and what predicting for 600 vehicles costs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figure import ROUNDS, Benchmark, Figure, Round, Skipped
from tests.apps.arrival.fleet import fleet_log
from tests.apps.arrival.replay import ZONE, Compared, commits, compare, nyct
from zhicheng.analysis.eta_accuracy import accuracy, lean
from zhicheng.apps.arrival.app import APP
from zhicheng.apps.arrival.model import Params
from zhicheng.compute.app import Tables
from zhicheng.compute.pipeline import Pipeline
from zhicheng.kernel.columns import F8
from zhicheng.storage.log import Batch

_ROOT = Path(__file__).resolve().parent.parent
_VEHICLES, _EVERY, _REPORTS = 600, 10, 60


def recorded(name: str) -> Path:
    """A recorded data set, which is not part of the project: below ZHICHENG_TEST_DATA, else ../shared/data."""
    path = Path(os.environ.get("ZHICHENG_TEST_DATA") or _ROOT.parent / "shared" / "data") / name
    if not path.exists():
        raise Skipped(f"there is no {path}; name the folder of recorded data in ZHICHENG_TEST_DATA")
    return path


def run(folder: Path) -> Iterator[Round]:
    """The recording is played once; the fleet's quarter of an hour, `ROUNDS` times."""
    play = nyct(recorded("gtfs_rt/nyct_ace_20240208"))
    figures = _scores(compare(play))
    tables = play.tables
    logs = [commits(fleet_log(play.static, _VEHICLES, _REPORTS, _EVERY))]
    logs.append(commits(fleet_log(play.static, _VEHICLES, _REPORTS // 6, _EVERY, together=False)))
    for _ in range(ROUNDS):
        cpu, rows, given = _fleet(logs[0], tables)
        alone, _, _ = _fleet(logs[1], tables)
        yield figures | {
            "cpu": (100 * cpu / (_REPORTS * _EVERY), None),
            "cpu, one by one": (100 * alone / (_REPORTS // 6 * _EVERY), None),
            "rows per report": (rows / (_VEHICLES * _REPORTS), None),
            "rows per row in": (rows / given, None),
        }


def _fleet(batches: list[Batch], tables: Tables) -> tuple[float, int, int]:
    """CPU seconds, rows written, rows given."""
    pipeline = Pipeline(APP, Params(time_zone=ZONE, networks=("nyct",)))
    pipeline.begin(None, tables)
    pipeline.feed(batches[0])  # the timetable is read once
    rows, began = 0, time.process_time()
    for batch in batches[1:]:
        changes = pipeline.feed(batch)
        rows += 0 if changes is None else len(changes)
    return time.process_time() - began, rows, pipeline.counts.given


def _scores(found: Compared) -> dict[str, tuple[float, float | None]]:
    """The scores, and how much of the lead is that we announce a little early (`lean`), which the score rewards.

    So both are also compared with neither doing so (our median), and with the agency's doing so too.
    """
    led = np.maximum(found.agency - lean(found.agency), 0)
    shared = ~np.isnan(found.ours)
    figures: dict[str, tuple[float, float | None]] = {}
    for name, actual in (("", found.actual), (", feed's time", found.by_feed)):
        scores = {}
        columns = {"ours": found.ours, "agency": found.agency, "our median": found.median, "agency led": led}
        for who, predicted in columns.items():
            scores[who] = _told(f"all{name}: {who}", predicted, actual)
            _told(f"those that both have{name}: {who}", predicted[shared], actual[shared])
        figures[f"reliable{name}"] = (scores["ours"], None)
        figures[f"over agency{name}"] = (scores["ours"] - scores["agency"], None)
        figures[f"both plain{name}"] = (scores["our median"] - scores["agency"], None)
        figures[f"both led{name}"] = (scores["ours"] - scores["agency led"], None)
    soon = shared & (found.actual >= 0) & (found.actual < 900)
    inside = (found.actual >= found.low) & (found.actual <= found.high)
    figures["range holds"] = (float(100 * inside[soon].mean()), None)
    figures["predicted"] = (float(100 * shared[found.actual < 900].mean()), None)
    return figures


def _told(name: str, predicted: F8, actual: F8) -> float:
    """Print a line of the table of buckets; gives the score in percent."""
    one = accuracy(predicted, actual)
    shares = " ".join(f"{100 * share:5.1f} ({count})" for share, count in zip(one.shares, one.counts, strict=True))
    print(f"arrival: {name:46} {shares} mean {100 * one.score:.1f} %")
    return 100 * one.score


BENCHMARK = Benchmark(
    "arrival",
    "Arrivals from vehicle reports alone: reliable by the ETA accuracy benchmark (no prediction counts as unreliable), "
    "and 600 vehicles that report every 10 s",
    (
        Figure("reliable", "%"),
        Figure("over agency", "points", -10, 0),
        Figure("reliable, feed's time", "%"),
        Figure("over agency, feed's time", "points", -10, 0),
        *(Figure(f"{how}{name}", "points") for how in ("both plain", "both led") for name in ("", ", feed's time")),
        Figure("range holds", "% (of 80)"),
        Figure("predicted", "% of the agency's"),
        Figure("cpu", "% of a core", 25, 10, lower=True),
        Figure("cpu, one by one", "% of a core", 25, 10, lower=True),
        Figure("rows per report", "rows", 3, 1, lower=True),
        Figure("rows per row in", "rows", 3, 1, lower=True),
    ),
    run,
)
