"""The contract of an application: a pure function from tables to tables, with a declaration of what it is.

The law (docs/applications.md): for rows R = A + B in log order, cut between commits, `derive` over R gives what
`derive` over A and then over B with the state carried gives. So what an application writes follows from the
sequence of rows alone: never from batch borders, the clock or the speed of arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import pyarrow as pa

from zhicheng.compute.rows import Rows
from zhicheng.compute.views import View
from zhicheng.compute.vital import Vital
from zhicheng.standards.changes import Changes
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Kind

P = TypeVar("P")
S = TypeVar("S")

History = Literal["all", "changes", "latest"]
Tables: TypeAlias = Mapping[str, Mapping[str, pa.Table]]
"""Reference tables by the name of their set and their own."""


@dataclass(frozen=True, slots=True)
class Reads:
    """A type of entity and its attributes that are read; short names of the city's models, or IRIs."""

    type: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """An attribute that is written.

    history: "all" rows; only "changes" of the value; or only the "latest" of each batch, where the past is not needed
    least: the smallest change of a number that is worth a row, measured from the last row written
    refresh: write an unchanged value anew once the last row is so old (microseconds of event time); 0 never
    label: what people call it; needed where no model of the city has the attribute
    subs: names of its sub-attributes that no model has, with what people call them
    """

    attribute: str
    kind: Kind = Kind.PROPERTY
    unit: str | None = None
    history: History = "changes"
    least: float = 0.0
    refresh: int = 0
    label: Label | None = None
    subs: Mapping[str, Label] | None = None


@dataclass(frozen=True, slots=True)
class Writes:
    """A type of entity and its attributes that are written.

    The entities are those that are read, which get attributes more, or (of a type that is not read) the
    application's own, which are made when they are first written.
    label: what people call the type; needed where no model of the city has it
    """

    type: str
    outputs: tuple[Output, ...]
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a legend: numbers from `least` on, or the text `value`, are drawn in `colour` (#rrggbb)."""

    colour: str
    label: Label
    least: float = -inf
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the map: entities of a type, coloured by an attribute."""

    type: str
    attribute: str
    label: Label
    legend: tuple[Step, ...]
    kind: Literal["points", "lines", "areas", "heat"] = "points"
    visible: bool = True


@dataclass(frozen=True, slots=True)
class Derived(Generic[S]):
    """What came of some rows: values to write (see `emit`), by short names, and the state to carry on with."""

    changes: Changes
    state: S


def no_tables(params: object) -> tuple[str, ...]:
    """No reference tables."""
    return ()


@dataclass(frozen=True, slots=True)
class App(Generic[P, S]):
    """An application.

    derive: (rows, state, params, tables) -> Derived; it may change the state it is given, and nothing else
    state: makes the state of the beginning, a dataclass (`compute/state.py` says of what)
    params: a frozen dataclass with every default; the city's file changes them under [apps.NAME.params].
        A field `time_zone: str = ""` is filled with the city's.
    tables: names of the reference table sets it reads, from its parameters
    views: what it shows of its own over HTTP (`compute/views.py`)
    heavy: derive runs in a process of its own
    vitals: figures of the whole city that its subject offers to operators
    """

    name: str
    label: Label
    description: Label
    reads: tuple[Reads, ...]
    writes: tuple[Writes, ...]
    derive: Callable[[Rows, S, P, Tables], Derived[S]]
    state: Callable[[P], S]
    params: P
    layers: tuple[Layer, ...] = ()
    tables: Callable[[P], tuple[str, ...]] = no_tables
    views: tuple[View, ...] = ()
    heavy: bool = False
    vitals: tuple[Vital, ...] = ()


AnyApp: TypeAlias = App[Any, Any]
