"""The model: the log as a list and every view folded from scratch, as docs/semantics.md says it.

It is slow and plain on purpose. Tests hold the other engines against it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import orjson

from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT, Clock, system_clock
from zhicheng.standards.changes import COLUMNS, Act, Form
from zhicheng.standards.ngsild.changes import sub_of, value_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality
from zhicheng.storage import admission
from zhicheng.storage.log import FUTURE_LIMIT, ORDINAL_BITS, Commit, Cursor, Receipt, VersionConflict


@dataclass(frozen=True, slots=True)
class Row:
    """A change as the log holds it, one object."""

    position: int
    ordinal: int
    recorded_at: int
    source: str
    entity: str
    attribute: str | None
    dataset: str | None
    life: int
    kind: int
    form: int
    act: int
    target: int
    observed_at: int
    number: float
    text: str | None
    unit: str | None
    quality: int
    sub: str | None
    owner: str | None
    classification: str | None
    modified_at: int = 0
    retracted: bool = False

    @property
    def effective(self) -> int:
        return self.recorded_at if self.observed_at == ABSENT else self.observed_at

    @property
    def instance(self) -> int:
        return self.position << ORDINAL_BITS | self.ordinal

    @property
    def cell(self) -> tuple[str, int, str | None, str | None]:
        return (self.entity, self.life, self.attribute, self.dataset)


class MemoryStore:
    """Commits in a list; entities, series and past states computed on each call."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self.rows: list[Row] = []
        self.position = 0
        self.recorded_at = 0
        self._producers: dict[tuple[str, int, int], Receipt] = {}
        self._cursors: dict[tuple[str, int], Cursor] = {}

    def commit(self, commit: Commit) -> Receipt:
        """Append, or refuse as a whole."""
        commit = replace(commit, changes=commit.columns)
        admission.check(commit)
        producer = commit.producer
        if producer is not None:
            key = (producer.name, producer.epoch, producer.sequence)
            if key in self._producers:
                return replace(self._producers[key], repeated=True)
            if any(k[:2] == key[:2] and k[2] > key[2] for k in self._producers):
                raise Invalid("An older sequence came after a newer one", "较早的序号在较新的序号之后到达")
        alive = {row.entity: row.life for row in self._births()}
        for entity, version in commit.expected.items():
            current = max((row.position for row in self.rows if row.entity == entity), default=0)
            if (current if entity in alive else 0) != version:
                raise VersionConflict(f"{entity} changed", f"{entity} 已被修改")
        now = max(self._clock(), self.recorded_at)
        fresh = self._rows_of(commit, alive, now)
        if fresh:
            self.position, self.recorded_at = self.position + 1, now
        self.rows.extend(fresh)
        if commit.cursor is not None:
            self._cursors[commit.cursor.reader, commit.cursor.shard] = commit.cursor
        receipt = Receipt(self.position, now)
        if producer is not None:
            self._producers[producer.name, producer.epoch, producer.sequence] = receipt
        return receipt

    def _births(self) -> list[Row]:
        """The creation rows of living entities."""
        alive: dict[str, Row] = {}
        for row in self.rows:
            if row.kind == Kind.LIFE:
                if row.act == Act.SET:
                    alive[row.entity] = row
                else:
                    alive.pop(row.entity, None)
        return list(alive.values())

    def _rows_of(self, commit: Commit, alive: dict[str, int], now: int) -> list[Row]:
        position = self.position + 1
        columns = [getattr(commit.changes, name) for name in COLUMNS]
        listed = [column.list() if hasattr(column, "list") else column.tolist() for column in columns]
        rows = [
            Row(position, n, now, commit.source, **dict(zip(COLUMNS, values, strict=True)))
            for n, values in enumerate(zip(*listed, strict=True))
        ]
        for row in rows:
            if row.kind == Kind.LIFE and (row.act == Act.SET) == (row.entity in alive) and row.act != Act.ERASE:
                raise VersionConflict(f"{row.entity} exists or not", f"{row.entity} 的存在状态不符")
            if row.kind == Kind.LIFE and row.act == Act.SET:
                alive[row.entity] = position
        for row in rows:
            if row.entity not in alive and row.act < Act.CORRECT:
                raise VersionConflict(f"{row.entity} does not exist", f"{row.entity} 不存在")
        flagged = [
            replace(
                row,
                life=alive.get(row.entity, 0),
                modified_at=now,
                quality=row.quality | (Quality.FUTURE if row.effective - now > FUTURE_LIMIT else 0),
            )
            for row in rows
        ]
        return flagged

    # views ------------------------------------------------------------------------------------------------

    def entities(self) -> dict[str, Entity]:
        """All living entities."""
        return fold(known_rows(self.rows, self.recorded_at), None)

    def as_of(self, valid: int, known: int | None = None) -> dict[str, Entity]:
        """The entities as of an instant, by what was known then."""
        return fold(known_rows(self.rows, self.recorded_at if known is None else known), valid)

    def series(self, known: int | None = None) -> list[Row]:
        """All instances of attributes: by entity, attribute, dataset, effective time."""
        rows = known_rows(self.rows, self.recorded_at if known is None else known)
        chosen: dict[object, Row] = {}
        for row in rows:
            if row.kind < Kind.TYPES:
                key = (row.entity, row.attribute, row.dataset, row.effective, row.act == Act.OBSERVE or row.instance)
                chosen[key] = row
        return sorted(
            chosen.values(), key=lambda r: (r.entity, r.attribute or "", r.dataset or "", r.effective, r.instance)
        )

    def cursor(self, reader: str, shard: int = 0) -> Cursor | None:
        """Where a reader stands."""
        return self._cursors.get((reader, shard))


def known_rows(rows: Iterable[Row], known: int) -> list[Row]:
    """The log as known at an instant: corrections put in place; what was erased, whenever, is gone."""
    left: list[Row] = []
    for row in rows:
        if row.act == Act.ERASE:
            left = [old for old in left if not _erases(row, old)]
        else:
            left.append(row)
    kept: list[Row] = []
    for row in (row for row in left if row.recorded_at <= known):
        if row.act == Act.CORRECT:
            kept = [_corrected(old, row) for old in kept]
        else:
            kept.append(row)
    return [row for row in kept if not row.retracted]


def _erases(row: Row, old: Row) -> bool:
    if row.kind == Kind.LIFE:
        return old.entity == row.entity
    if row.target >= 0:
        return row.target in (old.instance, old.target)
    return old.entity == row.entity and old.attribute == row.attribute


def _corrected(old: Row, row: Row) -> Row:
    if old.instance != row.target:
        return old
    if row.form == Form.NOTHING:
        return replace(old, retracted=True)
    return replace(
        row, position=old.position, ordinal=old.ordinal, recorded_at=old.recorded_at, life=old.life, act=old.act,
        observed_at=old.observed_at if row.observed_at == ABSENT else row.observed_at, modified_at=row.recorded_at,
    )  # fmt: skip


def fold(rows: list[Row], valid: int | None) -> dict[str, Entity]:
    """The entities that stand after the rows, or at an instant."""
    deaths = {
        (r.entity, r.life): min(r.effective, r.recorded_at) for r in rows if r.kind == Kind.LIFE and r.act == Act.REMOVE
    }
    by_entity: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_entity[row.entity].append(row)
    found = {}
    for identifier, own in by_entity.items():
        lives = sorted({row.life for row in own})
        starts = {
            life: max([0, *(deaths[identifier, e] for e in lives if e < life and (identifier, e) in deaths)])
            for life in lives
        }

        def holds(row: Row, starts: dict[int, int] = starts) -> bool:
            return valid is None or max(min(row.effective, row.recorded_at), starts[row.life]) <= valid

        standing = [life for life in lives if any(row.life == life and holds(row) for row in own)]
        if not standing:
            continue
        life = standing[-1]
        if (identifier, life) in deaths and (valid is None or deaths[identifier, life] <= valid):
            continue
        mine = [row for row in own if row.life == life]
        found[identifier] = _entity(identifier, mine, [row for row in mine if holds(row)])
    return found


def _entity(identifier: str, life: list[Row], rows: list[Row]) -> Entity:
    birth = next(row for row in life if row.kind == Kind.LIFE)
    entity = Entity(identifier, (), created_at=birth.recorded_at, source=birth.source)
    for row in life:
        if row.kind == Kind.TYPES and (row.position == birth.position or row in rows):
            entity.types = tuple(orjson.loads(row.text or "[]"))
        if row.kind == Kind.SCOPE and (row.position == birth.position or row in rows):
            entity.scope = tuple(orjson.loads(row.text or "[]"))
    cells: dict[tuple[str | None, str | None], Row] = {}
    created: dict[tuple[str | None, str | None], int] = {}
    for row in sorted(rows, key=lambda r: r.instance):
        if row.kind >= Kind.TYPES or row.effective - row.recorded_at > FUTURE_LIMIT:
            continue
        key = (row.attribute, row.dataset)
        present = cells.get(key)
        if row.act == Act.OBSERVE and present is not None and row.effective < present.effective:
            continue
        if present is None or present.act == Act.REMOVE:
            created[key] = row.recorded_at
        cells[key] = row
    for key, row in cells.items():
        if row.act != Act.REMOVE:
            entity.attributes.setdefault(row.attribute or "", []).append(_attribute(row, created[key]))
    return entity


def _attribute(row: Row, created_at: int) -> Attribute:
    sub, extra = sub_of(row.sub)
    return Attribute(
        Kind(row.kind), value_of(Kind(row.kind), row.form, row.number, row.text),
        None if row.observed_at == ABSENT else row.observed_at,
        row.unit, row.dataset, sub, extra, row.owner, row.classification, Quality(row.quality),
        created_at, row.modified_at, None, row.instance, row.source,
    )  # fmt: skip
