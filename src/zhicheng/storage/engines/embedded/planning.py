"""Planning a group: what each commit may do, which positions and lives it gets, and one set of columns of all."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from zhicheng.kernel.columns import I4, Coded, Index
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.kernel.instants import ABSENT, Clock
from zhicheng.standards.changes import Act, Changes
from zhicheng.standards.ngsild.model import Kind, Quality
from zhicheng.storage.engines.embedded.blocks import Commits
from zhicheng.storage.engines.embedded.database import Database
from zhicheng.storage.live import State
from zhicheng.storage.log import FUTURE_LIMIT, Batch, Commit, Receipt, VersionConflict

Waiting = tuple[Commit, "Future[Receipt]"]


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
        codes: list[I4] = []
        for commit, future in waiting:
            try:
                first = self._repeated(commit, group)
                if first is not None:
                    group.receipts.append((future, first))
                    continue
                self._check_versions(commit)
                if len(commit.changes):
                    codes.append(self._admit(commit, position + 1))
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
            self._assemble(group, accepted, codes, now)
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

    def _admit(self, commit: Commit, position: int) -> I4:
        """Check lives; plan those of the commit's rows."""
        changes, directory = commit.changes, self._state.directory
        codes = directory.codes(changes.entity)
        self._touched.append(codes)
        births = np.flatnonzero(changes.kind == Kind.LIFE)
        if len(births):
            _check_order(changes, births)
        before = directory.next_life[codes[births]]
        try:
            for row in births.tolist():
                self._live_or_die(changes, row, int(codes[row]), position)
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

    def _live_or_die(self, changes: Changes, row: int, code: int, position: int) -> None:
        directory = self._state.directory
        alive = bool(directory.next_life[code])
        act, entity = changes.act[row], changes.entity[row]
        if act == Act.SET and alive:
            raise VersionConflict(f"{entity} exists already", f"{entity} 已存在", entity=entity)
        if act == Act.REMOVE and not alive:
            raise VersionConflict(f"{entity} does not exist", f"{entity} 不存在", entity=entity)
        if act == Act.SET:
            directory.next_life[code] = position

    def _assemble(self, group: Group, accepted: list[Commit], codes: list[I4], now: int) -> None:
        changes = Changes.concat([commit.changes for commit in accepted])
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
        entity = changes.entity[int(late[0])]
        raise Invalid(f"The creation of {entity} must be its first change", f"{entity} 的创建必须是其第一条变更")
