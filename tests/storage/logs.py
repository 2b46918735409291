"""Random but meaningful commits: births, deaths, readings early and late, corrections, erasures, odd clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind

START = 1_700_000_000 * SECOND
ENTITIES = ["urn:ngsi-ld:Thing:a", "urn:ngsi-ld:Thing:b", "urn:ngsi-ld:Thing:c"]
ATTRIBUTES = ["https://x/speed", "https://x/status"]
TYPES = ['["https://x/Bus"]', '["https://x/Tram"]', '["https://x/Bus","https://x/Tram"]']


@dataclass(frozen=True)
class Step:
    """One commit to try: what to do, when the clock says it is, and whether it is handed in twice."""

    rows: tuple[tuple[Any, ...], ...]
    clock: int
    twice: bool


Instances = list[tuple[int, str, str, str | None]]
"""(instance, entity, attribute, dataset) of what is stored so far."""

offsets = st.sampled_from([-3600, -600, -61, -60, -30, -1, 0, 0, 1, 60, 299, 301, 4000])
times = st.one_of(st.none(), offsets)
values = st.one_of(
    st.tuples(st.just(Form.NUMBER), st.sampled_from([0.0, 1.5, -7.0, 40.0])),
    st.tuples(st.just(Form.TEXT), st.sampled_from(["ok", "停运", ""])),
    st.tuples(st.just(Form.BOOLEAN), st.sampled_from([0.0, 1.0])),
)
datasets = st.sampled_from([None, None, "urn:d:1"])
entities = st.sampled_from(ENTITIES)
attributes = st.sampled_from(ATTRIBUTES)
reading = st.tuples(
    st.sampled_from(["observe", "observe", "observe", "set", "remove"]), entities, attributes, datasets, times, values
)
life = st.tuples(st.sampled_from(["create", "create", "delete", "types", "scope"]), entities, st.sampled_from(TYPES))
amend = st.tuples(
    st.sampled_from(["correct", "correct", "retract", "retract", "erase"]), st.integers(0, 200), times, values
)
steps = st.builds(
    Step,
    st.lists(st.one_of(reading, reading, reading, life, amend), min_size=1, max_size=6).map(tuple),
    st.sampled_from([0, 1, 5, 30, 60, 3600, -10, -4000]),
    st.booleans(),
)
logs = st.lists(steps, min_size=1, max_size=12)


def changes_of(step: Step, now: int, instances: Instances) -> Changes:
    """The step's rows; `instances` are those stored so far, for corrections to aim at."""
    builder = ChangesBuilder()
    lives: set[str] = set()
    for row in sorted(step.rows, key=lambda row: row[0] != "create"):
        action = row[0]
        if action in ("create", "delete"):
            entity = str(row[1])
            if entity in lives:
                continue
            lives.add(entity)
            builder.add(entity, None, kind=Kind.LIFE, act=Act.SET if action == "create" else Act.REMOVE)
            if action == "create":
                builder.add(entity, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text=str(row[2]))
        elif action in ("types", "scope"):
            kind = Kind.TYPES if action == "types" else Kind.SCOPE
            builder.add(str(row[1]), None, kind=kind, act=Act.SET, form=Form.JSON, text=str(row[2]))
        elif action in ("correct", "retract"):
            _amend(builder, row, now, instances)
        elif action == "erase":
            _erase(builder, row, instances)
        else:
            _reading(builder, row, now)
    erased = {row[0] for row in builder.rows if row[3] == Kind.LIFE and row[4] == Form.NOTHING and row[5] == Act.ERASE}
    builder.rows = [
        row for row in builder.rows if row[0] not in erased or (row[5] == Act.ERASE and row[3] == Kind.LIFE)
    ]
    return builder.build()


def _reading(builder: ChangesBuilder, row: tuple[Any, ...], now: int) -> None:
    action, entity, attribute, dataset, offset, (form, value) = row
    act = {"observe": Act.OBSERVE, "set": Act.SET, "remove": Act.REMOVE}[action]
    builder.add(
        entity, attribute, act=act, dataset=dataset,
        observed_at=None if offset is None else now + offset * SECOND,
        **_value(form if act != Act.REMOVE else Form.NOTHING, value),
    )  # fmt: skip


def _amend(builder: ChangesBuilder, row: tuple[Any, ...], now: int, instances: Instances) -> None:
    action, pick, offset, (form, value) = row
    if not instances:
        return
    instance, entity, attribute, dataset = instances[pick % len(instances)]
    when = None if offset is None else now + min(offset, 4) * MINUTE // 4
    builder.add(
        entity, attribute, act=Act.CORRECT, dataset=dataset, target=instance, observed_at=when,
        **_value(Form.NOTHING if action == "retract" else form, value),
    )  # fmt: skip


def _erase(builder: ChangesBuilder, row: tuple[Any, ...], instances: Instances) -> None:
    """Of an instance, its attribute, or its entity."""
    pick = row[1]
    if not instances:
        return
    instance, entity, attribute, _ = instances[pick % len(instances)]
    if pick % 3 == 0:
        builder.add(entity, attribute, act=Act.ERASE, target=instance)
    elif pick % 3 == 1:
        builder.add(entity, attribute, act=Act.ERASE)
    elif not any(kind[0] == entity and kind[3] == Kind.LIFE for kind in builder.rows):
        builder.add(entity, None, kind=Kind.LIFE, act=Act.ERASE)


def _value(form: int, value: object) -> dict[str, Any]:
    if form == Form.TEXT:
        return {"form": form, "text": value}
    return {"form": form, "number": value} if form != Form.NOTHING else {"form": form}
