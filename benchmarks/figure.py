"""What a benchmark declares and what comes of it: figures, rounds, results against their bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 5
"""The least number of rounds a figure is the median of."""


class Skipped(Exception):
    """The benchmark cannot run here; its text says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number to reach.

    bar, aim: what must and what should be reached, None where only the ratio counts; lower: less is better
    ratio: the least (with `lower`, the most) share of the floor, None where there is no floor
    floor: what the floor is, in words
    """

    name: str
    unit: str
    bar: float | None = None
    aim: float | None = None
    ratio: float | None = None
    lower: bool = False
    floor: str = ""


Round = Mapping[str, "tuple[float, float | None]"]
"""One round: figure -> (ours, the floor beside it)."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One module's measure: `run` gets an empty folder and gives round after round, ours and the floor in turn."""

    name: str
    about: str
    figures: tuple[Figure, ...]
    run: Callable[[Path], Iterator[Round]]


@dataclass(frozen=True, slots=True)
class Result:
    """A figure as measured: medians over the rounds, and how far these lie apart (see `spread_of`)."""

    figure: Figure
    value: float
    floor: float | None
    ratio: float | None
    spread: float
    rounds: int

    @property
    def reached(self) -> dict[str, bool]:
        """Which of the figure's bars are met."""
        checks = (("value", self.value, self.figure.bar), ("ratio", self.ratio, self.figure.ratio))
        return {
            name: measured <= bar if self.figure.lower else measured >= bar
            for name, measured, bar in checks
            if measured is not None and bar is not None
        }


def result(figure: Figure, rounds: list[tuple[float, float | None]]) -> Result:
    """The medians of a figure's rounds; the ratio is the median of the rounds' own, which noise moves less.

    >>> found = result(Figure("f", "/s", 5.0, ratio=0.25), [(8.0, 10.0), (4.0, 5.0), (6.0, 12.0)])
    >>> found.value, found.floor, found.ratio, found.reached
    (6.0, 10.0, 0.8, {'value': True, 'ratio': True})
    """
    values = [value for value, _ in rounds]
    floors = [floor for _, floor in rounds if floor is not None]
    ratios = [value / floor for value, floor in rounds if floor]
    return Result(
        figure,
        median(values),
        median(floors) if floors else None,
        median(ratios) if ratios else None,
        spread_of(values),
        len(rounds),
    )


def spread_of(values: list[float]) -> float:
    """Widest less narrowest, by the median.

    >>> spread_of([1.0, 2.0, 3.0])
    1.0
    """
    return (max(values) - min(values)) / median(values)
