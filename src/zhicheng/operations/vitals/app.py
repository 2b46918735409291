"""The course of every vital sign, as an application over the log: 20 entities whose history is the city's.

A reading counts from its instant until its entity says something else, or until it is too old; a figure is what counts
at the end of each quarter of an hour. So entities may come in any order, an import's one after another, and figures of
the past are written anew where that changes them. They are written when the log's own time of recording passes a tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zhicheng.compute.app import App, Derived, Reads, Tables
from zhicheng.compute.ordering import running_newest
from zhicheng.compute.rows import Rows, emit, nothing
from zhicheng.compute.state import Keyed
from zhicheng.compute.terms import iri
from zhicheng.compute.vital import Vital
from zhicheng.kernel.columns import F8, I8, Coded
from zhicheng.kernel.instants import ABSENT, DAY, SECOND
from zhicheng.operations.vitals import logic
from zhicheng.operations.vitals.carried import Lines, lines, remembered
from zhicheng.operations.vitals.ledger import Ledger
from zhicheng.operations.vitals.logic import Recipe
from zhicheng.operations.vitals.model import APPLICATION, EVERY, FIGURE, NAME, WRITES, Params, entity_of
from zhicheng.standards.changes import Changes
from zhicheng.standards.models.model import Label

_NEVER = np.iinfo(np.int64).max
"""The end of what stands until something else is said."""


@dataclass
class Course:
    """One vital sign. things: by entity what it last said, what it contributes, and until which interval; texts: that
    codes of it stand for; sums: by interval.
    """

    things: Keyed
    texts: list[str]
    sums: Ledger
    named: bool = False


@dataclass
class State:
    """courses: by name; newest: instant that any reading has reached; ticked: number of the last tick of recording"""

    courses: dict[str, Course]
    newest: int = ABSENT
    ticked: int = -1


def app_of(vitals: Sequence[Vital], terms: Mapping[str, str] | None = None) -> App[Params, State]:
    """The application that writes these vital signs."""
    vitals = [vital for vital in vitals if vital.aggregate != "told"]
    recipes = {vital.name: logic.recipe(vital, terms) for vital in vitals}
    work = _Work(recipes)
    reads: dict[str, dict[str, None]] = {}
    for vital in vitals:
        reads.setdefault(vital.type, {}).update(dict.fromkeys(recipes[vital.name].attributes))
    return App(
        name=APPLICATION,
        label=Label("Vital signs", "运行体征"),
        description=Label(
            "The city's vital signs: figures made of many entities, every quarter of an hour, with their past.",
            "城市运行体征：由众多实体汇总而成的指标，每15分钟一个值，并保留历史。",
        ),
        reads=tuple(Reads(kind, tuple(names)) for kind, names in reads.items()),
        writes=WRITES,
        derive=work.derive,
        state=work.fresh,
        params=Params(),
    )


@dataclass(frozen=True)
class _Work:
    """recipes: by vital sign how it is made."""

    recipes: Mapping[str, Recipe]

    def fresh(self, params: Params) -> State:
        """Nothing is known yet."""
        return State({name: self._course(made) for name, made in self.recipes.items()})

    def _course(self, made: Recipe) -> Course:
        own = {f"{part}_{what}": 0 for part in ("amount", "weight") for what in ("column", "sum", "end")}
        things = Keyed(**remembered(made.attributes), at=ABSENT, **own)
        return Course(things, [], Ledger(logic.width(made.vital)))

    def derive(self, rows: Rows, state: State, params: Params, tables: Tables) -> Derived[State]:
        """Rows between two ticks at a time."""
        made: list[Changes] = []
        ticks = rows.recorded_at // int(params.tick * SECOND)
        borders = np.flatnonzero(np.diff(ticks, prepend=state.ticked)).tolist()
        for start, end in pairwise((0, *borders, len(rows)) if borders[:1] != [0] else (*borders, len(rows))):
            if ticks[start] != state.ticked:
                made += self._told(state, params)
                state.ticked = int(ticks[start])
            self._take(rows.take(slice(start, end)), state)
        return Derived(Changes.concat(made) if made else nothing(), state)

    def _take(self, rows: Rows, state: State) -> None:
        """Readings into the sums."""
        kept = ~rows.late & (rows.dataset.codes < 0)
        if not kept.all():
            rows = rows.take(kept)
        if not len(rows):
            return
        state.newest = max(state.newest, int(np.minimum(rows.at, rows.recorded_at).max()))
        for name, made in self.recipes.items():
            own = rows.of_type(made.vital.type)
            own = own.take(own.has(*made.attributes) | own.gone)
            if len(own):
                _count(own, state.courses[name], made)

    def _told(self, state: State, params: Params) -> Iterator[Changes]:
        """Figures that may have changed, up to the interval that is over."""
        if state.newest == ABSENT:
            return
        until = state.newest // EVERY
        for name, made in self.recipes.items():
            course = state.courses[name]
            first, sums = course.sums.due(until)
            figure = logic.figures(made.vital, sums)
            known = np.flatnonzero(~np.isnan(figure))
            course.sums.forget(until - int(params.keep * DAY) // EVERY)
            if len(known):
                yield from _written(course, made.vital, (first + known) * EVERY, figure[known])


def _written(course: Course, vital: Vital, at: I8, figure: F8) -> Iterator[Changes]:
    entity = Coded.constant(entity_of(vital.name), len(at))
    if not course.named:
        course.named = True
        yield emit(entity.take(slice(0, 1)), NAME, at[:1], text=Coded.of([vital.label.zh]))
    yield emit(entity, FIGURE, at, np.round(figure, 4))


def _count(rows: Rows, course: Course, made: Recipe) -> None:
    """What rows of one vital sign change in its sums."""
    things, sums = course.things, course.sums
    line = lines(rows, things, course.texts, made.attributes, iri(made.vital.type))
    shares = logic.shares(made, line)
    own, first, last = line.slots, line.first, line.last
    anew = np.append(False, line.gone[:-1]) & ~first
    at = running_newest(rows.at[line.rows], first, anew, things["at"][own])
    things["at"][own[last]] = at[last]
    begins = -(-at // EVERY)
    ends = (at + made.vital.fresh) // EVERY + 1 if made.vital.fresh else np.full(len(own), _NEVER)
    rests = np.full(len(own), _NEVER) if made.vital.lasting else ends
    weights = np.full(len(own), sums.columns - 1)
    _settle(line, things, sums, begins, _Part("amount", shares.column, shares.amount, ends))
    _settle(line, things, sums, begins, _Part("weight", weights, shares.weight, rests))
    if line.gone.any():
        left = np.zeros(len(things), bool)
        left[own[last & line.gone]] = True
        things.forget(left)


@dataclass(frozen=True, slots=True)
class _Part:
    """What lines add to the sums: in which columns, how much, and before which interval it ends of itself.

    name: begins the names of the columns of `things` that hold it
    """

    name: str
    column: I8
    amount: I8
    end: I8


def _settle(line: Lines, things: Keyed, sums: Ledger, begins: I8, part: _Part) -> None:
    """Each line counts from where it begins to where the next one does, or to its end."""
    own, first, last = line.slots, line.first, line.last
    names = [f"{part.name}_{what}" for what in ("column", "sum", "end")]
    column, amount, end = (things[name][own[first]] for name in names)
    cut = begins[first] < end
    sums.add(begins[first][cut], column[cut], -amount[cut])
    ended = cut & (end != _NEVER)
    sums.add(end[ended], column[ended], amount[ended])
    sums.add(begins, part.column, part.amount)
    stop = np.where(last, part.end, np.minimum(part.end, np.append(begins[1:], _NEVER)))
    stops = stop != _NEVER
    sums.add(stop[stops], part.column[stops], -part.amount[stops])
    for name, values in zip(names, (part.column, part.amount, part.end), strict=True):
        things[name][own[last]] = values[last]
