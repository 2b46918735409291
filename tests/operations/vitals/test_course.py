"""The course of vital signs: the law of applications, and the same figures as asking every entity at every instant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhicheng.compute import law
from zhicheng.compute.terms import iri
from zhicheng.compute.vital import Vital
from zhicheng.kernel.instants import HOUR, MINUTE
from zhicheng.operations.vitals.app import app_of
from zhicheng.operations.vitals.model import EVERY, FIGURE, entity_of
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind

NAMED = Label("a", "甲")
PARK, FREE, TOTAL, STATUS = "OffStreetParking", "availableSpotNumber", "totalSpotNumber", "status"
SIGNS = (
    Vital("free", NAMED, PARK, "ratio", FREE, per=TOTAL, unit="P1", fresh=2 * HOUR),
    Vital("mean", NAMED, PARK, "mean", FREE, fresh=0),
    Vital("sum", NAMED, PARK, "sum", FREE, q='status=="open"', fresh=HOUR),
    Vital("full", NAMED, PARK, "share", FREE, q='availableSpotNumber<10|status=="closed"', unit="P1"),
    Vital("open", NAMED, PARK, "count", q='status=="open"', fresh=HOUR),
    Vital("heard", NAMED, PARK, "heard", FREE, unit="P1", fresh=20 * MINUTE),
    Vital("p90", NAMED, PARK, "percentile", FREE, low=0, high=64),
)
START = 1_772_409_600_000_000 // EVERY * EVERY


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), commits=st.integers(1, 60))
def test_batches_of_any_size_give_the_same(seed: int, commits: int) -> None:
    law.check(app_of(SIGNS), seed, commits=commits)


def test_its_declaration_can_be_kept() -> None:
    law.check_declaration(app_of(SIGNS))


Reading = tuple[str, str, int, float | str | None]


def course(readings: list[Reading], *, recorded: int, step: int, signs: tuple[Vital, ...] = SIGNS) -> law.Written:
    """What is written of readings (car park, attribute, instant, value; None: removed), one commit each."""
    log, app = law.Log(), app_of(signs)
    for number, (park, name, at, value) in enumerate(readings):
        rows = ChangesBuilder()
        if park not in log.lives:
            add_life(rows, park)
            add_types(rows, park, (iri(PARK),))
        if name == "":
            add_life(rows, park, Act.REMOVE)
        elif value is None:
            rows.add(park, iri(name), act=Act.REMOVE, observed_at=at)
        elif isinstance(value, str):
            rows.add(park, iri(name), kind=Kind.PROPERTY, form=Form.TEXT, text=value, observed_at=at)
        else:
            rows.add(park, iri(name), kind=Kind.PROPERTY, form=Form.NUMBER, number=value, observed_at=at)
        log.commit(rows.build(), recorded + number * step)
    return law.run(app, [log.batch()])[0]


def figures(written: law.Written, name: str) -> dict[int, float]:
    """The figures that stand at last, by instant."""
    rows = written.get((entity_of(name), iri(FIGURE), None), [])
    return {row[2]: row[3] for row in rows}


def drawn(draw: np.random.Generator, parks: int, hours: int) -> list[Reading]:
    """Readings of car parks over some hours, in order of time."""
    found: list[Reading] = []
    for park in range(parks):
        at = START + int(draw.integers(0, 30)) * MINUTE
        found.append((f"urn:ngsi-ld:OffStreetParking:{park}", TOTAL, at, float(draw.integers(50, 64))))
        while (at := at + int(draw.choice([1, 5, 7, 15, 200])) * MINUTE) < START + hours * HOUR:
            name = str(draw.choice([FREE, FREE, FREE, STATUS]))
            value: float | str | None = (
                float(draw.integers(0, 60)) if name == FREE else str(draw.choice(["open", "closed"]))
            )
            found.append((f"urn:ngsi-ld:OffStreetParking:{park}", name, at, None if draw.random() < 0.05 else value))
    return sorted(found, key=lambda reading: reading[2])


def asked(readings: list[Reading], vital: Vital, instant: int) -> float:
    """The figure at an instant, by asking every car park."""
    said: dict[str, dict[str, tuple[int, float | str | None]]] = {}
    for park, name, at, value in readings:
        if at <= instant:
            said.setdefault(park, {})[name] = at, value
    needed = {"free": (FREE, TOTAL), "mean": (FREE,), "sum": (FREE, STATUS), "full": (FREE, STATUS),
              "open": (STATUS,), "heard": (FREE,), "p90": (FREE,)}[vital.name]  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for values in said.values():
        own = {name: values[name] for name in needed if name in values}
        if not own:
            continue
        fresh = not vital.fresh or instant <= (max(at for at, _ in own.values()) + vital.fresh)
        rows.append((fresh, *(own.get(name, (0, None))[1] for name in (FREE, TOTAL, STATUS))))
    return _figure(vital.name, rows)


def _figure(name: str, rows: list[tuple[Any, ...]]) -> float:
    fresh = [row for row in rows if row[0]]
    free = [float(row[1]) for row in fresh if isinstance(row[1], float)]
    match name:
        case "free":
            both = [row for row in fresh if isinstance(row[1], float) and isinstance(row[2], float)]
            total = sum(float(row[2]) for row in both)
            return 100 * sum(float(row[1]) for row in both) / total if total else math.nan
        case "mean":
            return sum(free) / len(free) if free else math.nan
        case "sum":
            found = [float(row[1]) for row in fresh if isinstance(row[1], float) and row[3] == "open"]
            return sum(found) if found else math.nan
        case "full":
            known = [row for row in fresh if isinstance(row[1], float)]
            full = [row for row in known if float(row[1]) < 10 or row[3] == "closed"]
            return 100 * len(full) / len(known) if known else math.nan
        case "open":
            ever = [row for row in rows if row[3] == "open"]
            return float(len([row for row in fresh if row[3] == "open"])) if ever else math.nan
        case "heard":
            ever = [row for row in rows if isinstance(row[1], float)]
            return 100 * len(free) / len(ever) if ever else math.nan
    return float(np.percentile(free, 90, method="inverted_cdf")) if free else math.nan


def check(readings: list[Reading], written: law.Written, hours: int, *, unknown: bool = True) -> None:
    """unknown: whether instants of which nothing is known are compared too."""
    newest = max(at for _, _, at, _ in readings)
    for vital in SIGNS:
        found = figures(written, vital.name)
        for instant in range(START + EVERY, min(newest, START + hours * HOUR) - EVERY, EVERY):
            right, given = asked(readings, vital, instant), found.get(instant, math.nan)
            if math.isnan(right) and not unknown:
                continue
            near = 1.0 if vital.name == "p90" else 1e-3
            same = (math.isnan(right) and math.isnan(given)) or abs(right - given) <= near
            assert same, f"{vital.name} at {(instant - START) // MINUTE} min: {given}, not {right}"


@pytest.mark.parametrize("seed", range(6))
def test_the_figures_are_those_of_asking_every_entity(seed: int) -> None:
    readings = drawn(np.random.default_rng(seed), 5, 12)
    last = ("urn:ngsi-ld:OffStreetParking:0", FREE, readings[-1][2] + HOUR, 1.0)
    check(
        readings,
        course([*readings, *[(*last[:3], value) for value in map(float, range(7))]], recorded=last[2], step=MINUTE),
        12,
    )


@pytest.mark.parametrize("seed", range(3))
def test_one_entity_after_the_other_gives_the_same_as_all_in_order_of_time(seed: int) -> None:
    readings = drawn(np.random.default_rng(seed), 4, 12)
    by_park = sorted(readings, key=lambda reading: reading[0])
    last = (by_park[-1][0], FREE, readings[-1][2] + HOUR, 1.0)
    check(readings, course([*by_park, last, (*last[:3], 2.0)], recorded=last[2], step=20 * MINUTE), 12, unknown=False)


def test_who_is_removed_counts_no_more() -> None:
    one, two = "urn:ngsi-ld:OffStreetParking:1", "urn:ngsi-ld:OffStreetParking:2"
    at = START + MINUTE
    readings: list[Reading] = [(one, FREE, at, 10.0), (two, FREE, at, 30.0)]
    log_end: list[Reading] = [(two, FREE, at + minutes * MINUTE, float(minutes)) for minutes in (55, 75, 95)]
    written = course([*readings, (one, "", 0, None), *log_end], recorded=at, step=20 * MINUTE)
    found = figures(written, "mean")
    assert found[START + EVERY] == 20.0
    assert found[START + 3 * EVERY] == 30.0
