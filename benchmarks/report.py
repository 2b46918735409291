"""The table on the terminal and build/bench.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.catalogue import OWNER
from benchmarks.figure import Result
from benchmarks.machine import Machine

_WIDTHS = (24, 22, 10, 7, 8, 32, 0)


@dataclass(frozen=True, slots=True)
class Missing:
    """A benchmark that gave no figures, and why; broken: it should have."""

    name: str
    reason: str
    broken: bool = False


Line = Result | Missing


def number(value: float) -> str:
    """A number with three significant digits, thousands apart.

    >>> number(152_345.0), number(4.567), number(0.0123)
    ('152,000', '4.57', '0.0123')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def bars(result: Result) -> str:
    """What is to be reached, in words."""
    figure = result.figure
    sign = "<=" if figure.lower else ">="
    parts = [f"{sign} {number(figure.bar)}"] if figure.bar is not None else []
    if figure.ratio is not None:
        parts.append(f"{sign} {figure.ratio:g} of floor")
    return ", ".join(parts)


def verdict(result: Result) -> str:
    """yes, no, or which of the two bars is met."""
    reached = result.reached
    if not reached:
        return ""
    if all(reached.values()):
        return "yes"
    met = [name for name, fine in reached.items() if fine]
    return f"{met[0]} only" if met else "NO"


def head(machine: Machine) -> str:
    """Above the table."""
    told = (
        f"{machine.cores} cores, Python {machine.python}, load {machine.load:.1f}; "
        f"a fixed loop takes {machine.loop_ms:.0f} ms (spread {machine.loop_spread:.0%}), "
        f"a durable write {machine.fsync_ms:.1f} ms (spread {machine.fsync_spread:.0%})"
    )
    return told + "\n\n" + _aligned("figure", "value", "floor", "ratio", "spread", "bar", "met")


def row(line: Line) -> str:
    """One line of the table."""
    if isinstance(line, Missing):
        told = line.reason.strip().splitlines() or [""]
        return f"{line.name:<{_WIDTHS[0]}}{'BROKEN' if line.broken else 'skipped'}: {told[-1]}"
    return _aligned(
        line.figure.name,
        f"{number(line.value)} {line.figure.unit}",
        "" if line.floor is None else number(line.floor),
        "" if line.ratio is None else f"{line.ratio:.2f}",
        f"{line.spread:.0%}",
        bars(line),
        verdict(line),
    )


def foot(before: Machine, after: Machine) -> str:
    """Below the table: how far the figures can be trusted."""
    drift = after.loop_ms / before.loop_ms - 1
    quiet = before.quiet and after.quiet and abs(drift) < 0.15
    said = (
        "the machine was quiet"
        if quiet
        else "the machine was noisy: trust the ratios; figures alone may be half of what a quiet one gives"
    )
    return f"\n{said} (the fixed loop after the run: {drift:+.0%}, spread {after.loop_spread:.0%})"


def write(path: Path, lines: list[Line], before: Machine, after: Machine) -> None:
    """The same as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_record(line) for line in lines], indent=1) + "\n", "utf-8")
    noise = {"before": asdict(before), "after": asdict(after), "quiet": before.quiet and after.quiet}
    path.with_name(path.stem + "-machine.json").write_text(json.dumps(noise, indent=1) + "\n", "utf-8")


def _record(line: Line) -> dict[str, object]:
    if isinstance(line, Missing):
        return {"name": line.name, "broken" if line.broken else "skipped": line.reason, "command": command(line.name)}
    figure, reached = line.figure, line.reached
    return {
        "name": figure.name, "value": line.value, "unit": figure.unit, "floor": line.floor, "ratio": line.ratio,
        "bar": figure.bar, "ratio_bar": figure.ratio, "aim": figure.aim, "lower_is_better": figure.lower,
        "met": all(reached.values()) if reached else None, "reached": reached, "spread": line.spread,
        "rounds": line.rounds, "floor_is": figure.floor, "command": command(OWNER[figure.name]),
    }  # fmt: skip


def command(name: str) -> str:
    """How to run it alone."""
    return f"python -m benchmarks {name}"


def _aligned(*cells: str) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()
