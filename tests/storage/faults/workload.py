"""What the writers of the fault tests store: each batch follows from (seed, thread, sequence) alone.

So the log can be checked row by row without asking the process that was killed. In a period of 64 batches a
thread creates eight entities, changes them in every way there is, and removes them again; the next period
creates the same ids anew.
"""

from __future__ import annotations

import random

from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import Batch, Commit, Cursor, HistoryQuery, Producer
from zhicheng.storage.port import Store

START = 1_700_000_000 * SECOND
FAR = 4_102_444_800 * SECOND
"""The year 2100: kept, flagged, never live."""
PERIOD, ENTITIES = 64, 8
SPEED, STATUS, PLACE, COUNT, SECRET = (
    f"https://example.org/{name}" for name in ("speed", "status", "location", "count", "secret")
)
SHARED = "urn:ngsi-ld:Vehicle:shared"
THREADS = 3

Row = tuple[object, ...]


def entity(thread: int, number: int) -> str:
    """The id of one of a thread's entities."""
    return f"urn:ngsi-ld:Vehicle:{thread}-{number}"


def first_commit() -> Commit:
    """Makes the entity that all threads write to."""
    builder = ChangesBuilder()
    _create(builder, SHARED)
    return Commit(builder.build(), "tester", "setup")


def _create(builder: ChangesBuilder, name: str) -> None:
    builder.add(name, None, kind=Kind.LIFE, act=Act.SET)
    builder.add(name, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text='["https://example.org/Vehicle"]')


def batch(seed: int, thread: int, sequence: int) -> ChangesBuilder:
    """The rows of one commit; a correction's target is filled in by `commit`."""
    dice = random.Random(f"{seed}-{thread}-{sequence}")
    builder = ChangesBuilder()
    phase = sequence % PERIOD
    if phase < ENTITIES:
        name = entity(thread, phase)
        _create(builder, name)
        if phase % 2:
            builder.add(name, None, kind=Kind.SCOPE, act=Act.SET, form=Form.JSON, text=f'["/district/{sequence}"]')
        builder.add(name, COUNT, act=Act.SET, form=Form.NUMBER, number=float(sequence))
        builder.add(name, SECRET, act=Act.SET, form=Form.TEXT, text=f"secret-{thread}-{sequence}")
    elif phase >= PERIOD - ENTITIES:
        builder.add(entity(thread, phase - PERIOD + ENTITIES), None, kind=Kind.LIFE, act=Act.REMOVE)
    elif phase in (30, 40):
        number = float(sequence * 10)
        builder.add(entity(thread, 0), COUNT, act=Act.CORRECT, form=Form.NUMBER, number=number, target=0)
    elif phase == 50 and sequence // PERIOD % 4 == thread:
        builder.add(entity(thread, 1), SECRET, act=Act.ERASE)
        builder.add(entity(thread, 2), COUNT, act=Act.SET, form=Form.NUMBER, number=float(sequence))
    else:
        for _ in range(dice.randint(1, 12)):
            _reading(builder, dice, thread, sequence)
    return builder


def _reading(builder: ChangesBuilder, dice: random.Random, thread: int, sequence: int) -> None:
    name = SHARED if dice.random() < 0.1 else entity(thread, dice.randrange(ENTITIES))
    when = dice.choice([None, *[START + (sequence + dice.randint(-30, 5)) * SECOND] * 6, FAR])
    act = dice.choices([Act.OBSERVE, Act.SET, Act.REMOVE], [8, 2, 1])[0]
    dataset = dice.choice([None, None, "urn:ngsi-ld:Dataset:second"])
    if act == Act.REMOVE:
        builder.add(name, SPEED, act=act, observed_at=when, dataset=dataset)
        return
    kind = dice.choice((SPEED, SPEED, STATUS, PLACE, COUNT))
    if kind == PLACE:
        where = f'{{"type":"Point","coordinates":[{dice.uniform(103, 105):.5f},{dice.uniform(30, 31):.5f}]}}'
        builder.add(name, kind, kind=Kind.GEO, act=act, form=Form.JSON, text=where, observed_at=when)
    elif kind == STATUS:
        text = dice.choice(["在线", "停运", "", f"note {sequence} " + "x" * dice.randint(0, 200)])
        builder.add(name, kind, act=act, form=Form.TEXT, text=text, observed_at=when, dataset=dataset, sub='{"a":1}')
    else:
        number = dice.choice([0.0, -1.5, dice.uniform(0, 90)])
        builder.add(name, kind, act=act, form=Form.NUMBER, number=number, observed_at=when, dataset=dataset, unit="KMH")


def source(thread: int) -> str:
    """What the log says a thread's rows came by."""
    return f"writer-{thread}"


def commit(store: Store, seed: int, thread: int, sequence: int) -> Commit:
    """The whole commit, with producer and cursor."""
    changes = batch(seed, thread, sequence).build()
    if (changes.act == Act.CORRECT).any():
        changes.target[:] = newest_count(store, thread)
    name = source(thread)
    cursor = Cursor(name, thread, str(sequence), b"state of %d" % sequence)
    return Commit(changes, "tester", name, Producer(name, 1, sequence), cursor)


def newest_count(store: Store, thread: int) -> int:
    """The newest instance that a thread's correction may aim at."""
    found = store.history(HistoryQuery((entity(thread, 0),), (COUNT,), time="effective"))
    return int(found.instance.max())


COMPARED = ("entity", "attribute", "dataset", "kind", "form", "act", "observed_at", "number", "text", "unit", "sub")


def rows_of(changes: Changes) -> list[Row]:
    """What must come back: everything but what the store fills in, and targets."""
    columns = [getattr(changes, name) for name in COMPARED]
    return [tuple(map(repr, row)) for row in zip(*(_listed(column) for column in columns), strict=True)]


def _listed(column: object) -> list[object]:
    return column.list() if hasattr(column, "list") else column.tolist()  # type: ignore[no-any-return,attr-defined]  # either kind of column


def by_position(rows: Batch) -> dict[int, tuple[str | None, list[Row], Batch]]:
    """Commits of the log: source, rows as `rows_of` gives them, and the rows themselves."""
    listed = rows_of(rows.changes)
    found: dict[int, tuple[str | None, list[Row], Batch]] = {}
    if not len(rows):
        return found
    positions = rows.position.tolist()
    start = 0
    for end in range(1, len(positions) + 1):
        if end == len(positions) or positions[end] != positions[start]:
            part = rows.take(slice(start, end))  # type: ignore[arg-type]  # a slice takes rows too
            found[positions[start]] = (rows.source[start], listed[start:end], part)
            start = end
    return found
