"""A part of the platform at work: what it is called, how it is doing, how fast it goes and how far behind it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from zhicheng.security.actions import Named

State = Literal["ok", "attention", "fault", "idle"]
ORDER: tuple[State, ...] = ("fault", "attention", "ok", "idle")
"""From what must be looked at first."""


@dataclass(frozen=True, slots=True)
class Part:
    """rate: changes (or what `unit` says) a minute; lag: seconds; note: what is wrong; link: where it is shown."""

    key: str
    name: Named
    state: State
    kind: Named
    rate: float | None = None
    lag: float | None = None
    note: Named | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name; unit: "bytes", "seconds" or nothing; link: where it comes from."""

    name: Named
    value: float | int | None
    unit: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs in a block now."""

    parts: tuple[Part, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[Named, ...] = field(default_factory=tuple)

    @property
    def state(self) -> State:
        """The worst state of its parts; idle where there are none."""
        states = {part.state for part in self.parts}
        return next((state for state in ORDER if state in states), "idle")
