"""Everything that is live in a state, present or past, as plain rows that compare equal only if nothing differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import orjson

from zhicheng.standards.changes import Form
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State

HEAD = ("life", "version", "created_at", "modified_at", "scope")
ARRAYS = ("form", "observed_at", "kind", "quality", "effective", "instance", "created_at", "modified_at")
CODED = ("text", "unit", "sub", "owner", "classification", "source")
Row = tuple[object, ...]
Facts = dict[str, dict[str, object]]
"""Values by entity and short name of the attribute."""


@dataclass(frozen=True)
class City:
    """What is live: of each entity its types and HEAD, of each instance its number, text, ARRAYS and CODED."""

    entities: dict[str, Row]
    instances: dict[tuple[str, str], Row]

    @cached_property
    def values(self) -> Facts:
        """The values alone, by entity and short name of the attribute."""
        found: Facts = {name: {} for name in self.entities}
        for (name, attribute), (number, text, form, *_) in self.instances.items():
            whole = orjson.loads(str(text)) if form == Form.JSON else text
            found[name][attribute] = whole if number is None else number
        return found


def city_of(state: State) -> City:
    """All that is live, column by column: a hundred cities of 3,000 entities are compared here."""
    entities: dict[str, Row] = {}
    instances: dict[tuple[str, str], Row] = {}
    with state.lock:
        for table in state.tables:
            rows = np.flatnonzero(table.alive)
            heads = [getattr(state.directory, name)[table.entity[rows]].tolist() for name in HEAD]
            ids = table.ids
            for name, *head in zip([ids[row] for row in rows.tolist()], *heads, strict=True):
                entities[name] = (table.types, *head)
            for (name, dataset), cells in table.columns.items():
                assert dataset is None
                instances.update(zip(*instances_of(cells, name, ids), strict=True))
    return City(entities, instances)


def instances_of(cells: Cells, name: str, ids: Sequence[str]) -> tuple[list[tuple[str, str]], list[Row]]:
    rows = np.flatnonzero(cells.form > 0)
    numbers = [None if number != number else number for number in cells.number[rows].tolist()]
    arrays = [cells.arrays[part][rows].tolist() for part in ARRAYS]
    text, *coded = (cells.coded(part).take(rows).list() for part in CODED)
    key = short(name)
    return [(ids[row], key) for row in rows.tolist()], list(zip(numbers, text, *arrays, *coded, strict=True))


def short(name: str) -> str:
    """The short name of an IRI."""
    return name.rpartition("/")[2].rpartition(":")[2]
