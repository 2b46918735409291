"""Run the benchmarks: `python -m benchmarks`, or some of them by name; prints a table, writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import machine, report
from benchmarks.catalogue import BENCHMARKS
from benchmarks.figure import Benchmark, Result, Skipped, result


def measure(benchmark: Benchmark, folder: Path) -> list[Result]:
    """All rounds of a benchmark, as its figures."""
    own = folder / benchmark.name
    own.mkdir()
    rounds = list(benchmark.run(own))
    return [result(figure, [one[figure.name] for one in rounds]) for figure in benchmark.figures]


def main() -> int:
    """0 if everything ran, whatever came of it; 1 if a benchmark broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    lines: list[report.Line] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        before = machine.measured(Path(folder))
        print(report.head(before), flush=True)
        for name in asked.names or BENCHMARKS:
            found = _one(BENCHMARKS[name], Path(folder))
            lines += found
            print(*map(report.row, found), sep="\n", flush=True)
        after = machine.measured(Path(folder))
    print(report.foot(before, after))
    report.write(asked.output, lines, before, after)
    return 1 if any(isinstance(line, report.Missing) and line.broken for line in lines) else 0


def _one(benchmark: Benchmark, folder: Path) -> list[report.Line]:
    try:
        return list(measure(benchmark, folder))
    except Skipped as reason:
        return [report.Missing(benchmark.name, str(reason))]
    except Exception as error:  # noqa: BLE001  (the edge of the run: one broken benchmark is told, the others still run)
        return [report.Missing(benchmark.name, f"{type(error).__name__}: {error}", broken=True)]


if __name__ == "__main__":
    sys.exit(main())
