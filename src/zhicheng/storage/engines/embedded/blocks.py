"""Blocks: one group of commits as bytes. What a commit shares is stored once; rows hold only what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zhicheng.kernel.columns import I8, Coded, Mask
from zhicheng.standards.changes import COLUMNS, Changes
from zhicheng.storage.engines.embedded.pack import pack, unpack
from zhicheng.storage.log import Batch

ERASED = 0
"""Kind of a row whose content was destroyed; it keeps its place so that ordinals hold."""


@dataclass(slots=True)
class Commits:
    """What whole commits say, one row each: positions are first, first + 1, ...; rows is how many changes."""

    first: int
    rows: I8
    recorded_at: I8
    principal: Coded
    source: Coded
    derived_from: Coded

    def __len__(self) -> int:
        return len(self.rows)

    def packed(self) -> dict[str, object]:
        """As `pack` takes it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def concat(parts: list[Commits]) -> Commits:
        """Adjacent groups as one."""
        if len(parts) == 1:
            return parts[0]
        return Commits(
            parts[0].first,
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.recorded_at for part in parts]),
            Coded.concat([part.principal for part in parts]),
            Coded.concat([part.source for part in parts]),
            Coded.concat([part.derived_from for part in parts]),
        )

    def batch(self, changes: Changes) -> Batch:
        """The commits' changes with what they share spread over the rows."""
        number = np.repeat(np.arange(len(self.rows)), self.rows)
        starts = np.cumsum(self.rows) - self.rows
        return Batch(
            changes,
            self.first + number,
            (np.arange(len(number)) - starts[number]).astype(np.int32),
            self.recorded_at[number],
            self.source.take(number),
            self.principal.take(number),
            self.recorded_at[number],
        )


def encode(commits: Commits, changes: Changes) -> bytes:
    """The block of a group."""
    return pack({"commits": commits.packed(), "changes": {name: getattr(changes, name) for name in COLUMNS}})


def decode(block: bytes) -> tuple[Commits, Changes]:
    """The group of a block, erased rows included."""
    content = unpack(block)
    return Commits(**content["commits"]), Changes(**content["changes"])


def rows_of(commits: Commits, changes: Changes) -> Batch:
    """The group's rows, without the erased ones."""
    batch = commits.batch(changes)
    kept = changes.kind != ERASED
    return batch if kept.all() else batch.take(kept)


def blank(changes: Changes, rows: Mask) -> Changes:
    """The changes with the content of some rows destroyed; every column is compacted so that no text stays."""
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        column = getattr(changes, name)
        if isinstance(column, Coded):
            columns[name] = Coded(column.values, np.where(rows, -1, column.codes).astype(np.int32)).compact()
        elif column.dtype == np.float64:
            columns[name] = np.where(rows, np.nan, column)
        else:
            columns[name] = np.where(rows, 0, column).astype(column.dtype)
    return Changes(**columns)
