"""Planning a group: what each commit may do, which positions and lives it gets, and one set of columns of all."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from zhicheng.kernel.columns import I4, Coded, Index
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.kernel.instants import ABSENT, Clock
from zhicheng.standards.changes import ACT, ENTITY, KIND, Act, Changes, Row
from zhicheng.standards.ngsild.model import Kind, Quality
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.database import Database
from zhicheng.storage.engines.embedded.short import Short, Span, Waiting
from zhicheng.storage.live import State
from zhicheng.storage.log import FUTURE_LIMIT, Batch, Commit, Receipt, VersionConflict

_LIFE, _SET, _REMOVE, _CORRECT = int(Kind.LIFE), int(Act.SET), int(Act.REMOVE), int(Act.CORRECT)


@dataclass(slots=True)
class Group:
    """What one transaction stores; receipts are given once it is durable and visible."""

    commits: Commits | None = None
    changes: Changes | None = None
    batch: Batch | None = None
    codes: I4 = field(default_factory=lambda: np.zeros(0, np.int32))
    producers: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    cursors: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    receipts: list[tuple[Future[Receipt], Receipt]] = field(default_factory=list)


class Planner:
    """Knows the next position, the lives and versions to come, and the producers' last sequences."""

    def __init__(self, state: State, database: Database, clock: Clock) -> None:
        self._state = state
        self._database = database
        self._clock = clock
        self._touched: list[I4] = []
        self._sequences = self._last_sequences()

    def _last_sequences(self) -> dict[tuple[str, int], int]:
        rows = self._database.rows("SELECT name, epoch, max(sequence) FROM producers GROUP BY name, epoch")
        return {(name, epoch): sequence for name, epoch, sequence in rows}

    def plan(self, waiting: list[Waiting]) -> Group:
        """Check every commit, refuse those that may not be, and put the others together."""
        group = Group()
        self._touched = []
        now = max(self._clock(), self._state.recorded_at)
        position = self._state.position
        accepted: list[Commit] = []
        parts: list[Changes | Span] = []
        codes: list[I4] = []
        short = Short(waiting)
        for commit, future in waiting:
            if future.done():
                continue
            try:
                first = self._repeated(commit, group)
                if first is not None:
                    group.receipts.append((future, first))
                    continue
                self._check_versions(commit)
                if len(commit.changes):
                    parts.append(self._admitted(commit, position + 1, short, codes))
                    accepted.append(commit)
                    position += 1
            except ZhichengError as error:
                future.set_exception(error)
                continue
            if commit.cursor is not None:
                group.cursors.append(
                    (commit.cursor.reader, commit.cursor.shard, commit.cursor.position, commit.cursor.state)
                )
            if commit.producer is not None:
                producer = commit.producer
                self._sequences[producer.name, producer.epoch] = producer.sequence
                group.producers.append((producer.name, producer.epoch, producer.sequence, position, now))
            group.receipts.append((future, Receipt(position, now)))
        if accepted:
            self._assemble(group, accepted, short.taken(parts), codes, now)
        return group

    def forget(self) -> None:
        """The group was not stored: plan the next one from what is."""
        for codes in self._touched:
            self._state.directory.settle(codes)
        self._sequences = self._last_sequences()

    def _repeated(self, commit: Commit, group: Group) -> Receipt | None:
        producer = commit.producer
        if producer is None or self._sequences.get((producer.name, producer.epoch), -1) < producer.sequence:
            return None
        for name, epoch, sequence, position, recorded_at in group.producers:
            if (name, epoch, sequence) == (producer.name, producer.epoch, producer.sequence):
                return Receipt(position, recorded_at, repeated=True)
        rows = self._database.rows(
            "SELECT position, recorded_at FROM producers WHERE name = ? AND epoch = ? AND sequence = ?",
            (producer.name, producer.epoch, producer.sequence),
        )
        if not rows:
            raise Invalid(
                f"Producer {producer.name} sent sequence {producer.sequence} after a later one of its epoch",
                f"生产者 {producer.name} 在同一纪元的更晚序号之后发送了序号 {producer.sequence}",
            )
        return Receipt(rows[0][0], rows[0][1], repeated=True)

    def _check_versions(self, commit: Commit) -> None:
        directory = self._state.directory
        for entity, version in commit.expected.items():
            code = directory.index.get(entity)
            current = 0 if code is None or not directory.next_life[code] else int(directory.next_version[code])
            if current != version:
                raise VersionConflict(
                    f"{entity} changed since it was read", f"{entity} 在读取之后已被修改", entity=entity
                )

    def _admitted(self, commit: Commit, position: int, short: Short, codes: list[I4]) -> Changes | Span:
        """Check a commit's lives and note its entities' codes; gives its columns or where they are."""
        changes = commit.changes
        if isinstance(changes, Changes):
            codes.append(self._admit(changes, position))
            return changes
        own, lives = self._admit_short(changes.rows, position)
        start, end = short.spans[id(commit)]
        short.columns.life[start:end] = lives
        codes.append(np.array(own, np.int32))
        return start, end

    def _admit(self, changes: Changes, position: int) -> I4:
        """Check lives; plan those of the commit's rows."""
        directory = self._state.directory
        codes = directory.codes(changes.entity)
        self._touched.append(codes)
        births = np.flatnonzero(changes.kind == Kind.LIFE)
        if len(births):
            _check_order(changes, births)
        before = directory.next_life[codes[births]]
        try:
            for row in births.tolist():
                self._live_or_die(changes.entity[row], int(changes.act[row]), int(codes[row]), position)
            lives = directory.next_life[codes]
            plain = (changes.act < Act.CORRECT) & (lives == 0)
            if plain.any():
                entity = changes.entity[int(np.flatnonzero(plain)[0])]
                raise VersionConflict(f"{entity} does not exist", f"{entity} 不存在", entity=entity)
        except VersionConflict:
            directory.next_life[codes[births]] = before
            raise
        changes.life = lives
        directory.next_life[codes[births[changes.act[births] != Act.SET]]] = 0
        directory.next_version[codes] = position
        return codes

    def _admit_short(self, rows: list[Row], position: int) -> tuple[list[int], list[int]]:
        """The same of a few rows, one by one: columns would cost more than they save. Gives codes and lives."""
        directory = self._state.directory
        entities = [row[ENTITY] for row in rows]
        codes = [directory.code(entity) for entity in entities]
        next_life = directory.next_life  # not before: new codes may have made it grow
        self._touched.append(np.array(codes, np.int32))
        births = [place for place, row in enumerate(rows) if row[KIND] == _LIFE]
        before = [next_life.item(codes[place]) for place in births]
        try:
            for place in births:
                if rows[place][ACT] == _SET and entities.index(entities[place]) != place:
                    raise _late(entities[place])
                self._live_or_die(entities[place], rows[place][ACT], codes[place], position)
            lives = [next_life.item(code) for code in codes]
            for entity, row, life in zip(entities, rows, lives, strict=True):
                if not life and row[ACT] < _CORRECT:
                    raise VersionConflict(f"{entity} does not exist", f"{entity} 不存在", entity=entity)
        except ZhichengError:
            for place, life in zip(births, before, strict=True):
                next_life[codes[place]] = life
            raise
        for place in births:
            if rows[place][ACT] != _SET:
                next_life[codes[place]] = 0
        directory.next_version[codes] = position
        return codes, lives

    def _live_or_die(self, entity: str | None, act: int, code: int, position: int) -> None:
        directory = self._state.directory
        alive = bool(directory.next_life[code])
        if act == _SET and alive:
            raise VersionConflict(f"{entity} exists already", f"{entity} 已存在", entity=entity)
        if act == _REMOVE and not alive:
            raise VersionConflict(f"{entity} does not exist", f"{entity} 不存在", entity=entity)
        if act == _SET:
            directory.next_life[code] = position

    def _assemble(self, group: Group, accepted: list[Commit], changes: Changes, codes: list[I4], now: int) -> None:
        group.codes = codes[0] if len(codes) == 1 else np.concatenate(codes)
        ahead = (changes.observed_at != ABSENT) & (changes.observed_at - now > FUTURE_LIMIT)
        if ahead.any():
            changes.quality = changes.quality | np.where(ahead, np.uint8(Quality.FUTURE), np.uint8(0))
        group.commits = Commits(
            self._state.position + 1,
            np.array([len(commit.changes) for commit in accepted], np.int64),
            np.full(len(accepted), now, np.int64),
            Coded.of(commit.principal for commit in accepted),
            Coded.of(commit.source for commit in accepted),
            Coded.of(commit.derived_from for commit in accepted),
        )
        group.changes = changes
        group.batch = group.commits.batch(changes)


def _check_order(changes: Changes, births: Index) -> None:
    """A creation comes before the other rows of its entity, so that they belong to the new life."""
    first = np.full(len(changes.entity.values), len(changes))
    np.minimum.at(first, changes.entity.codes, np.arange(len(changes)))
    late = births[(changes.act[births] == Act.SET) & (first[changes.entity.codes[births]] != births)]
    if len(late):
        raise _late(changes.entity[int(late[0])])


def _late(entity: str | None) -> Invalid:
    return Invalid(f"The creation of {entity} must be its first change", f"{entity} 的创建必须是其第一条变更")
