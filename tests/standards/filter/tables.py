"""Entities as a table of columns, laid out as `standards.changes.Form` says, for the contract of the evaluators."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhicheng.kernel import geometry
from zhicheng.kernel.columns import F8, I1, I8, Coded
from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.changes import sub_of, sub_text, value_fields
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind


@dataclass
class Column:
    """One (attribute, datasetId)."""

    dataset: str | None
    kind: I1
    form: I1
    number: F8
    text: Coded
    observed_at: I8
    created_at: I8
    modified_at: I8
    unit: Coded
    sub: Coded

    def bounds(self) -> tuple[F8, F8, F8, F8]:
        geo = (self.kind == Kind.GEO) & (self.form != Form.NOTHING)
        rows = [
            geometry.bounds(json.loads(text or "")) if is_geo else (np.nan,) * 4
            for is_geo, text in zip(geo, self.text.list(), strict=True)
        ]
        boxes = np.array(rows, np.float64).reshape(-1, 4)
        return boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]


@dataclass
class Table:
    """Entities of the same types."""

    count: int
    ids: Sequence[str]
    types: tuple[str, ...]
    scope: Coded
    created_at: I8
    modified_at: I8
    columns: dict[str, list[Column]]

    def cells(self, attribute: str) -> Sequence[Column]:
        return self.columns.get(attribute, [])


def table(entities: Sequence[Entity], types: tuple[str, ...]) -> Table:
    """The table of entities that all are of these types."""
    keys: dict[str, dict[str | None, None]] = {}
    for entity in entities:
        for name, instances in entity.attributes.items():
            keys.setdefault(name, {}).update({instance.dataset: None for instance in instances})
    return Table(
        count=len(entities),
        ids=[entity.id for entity in entities],
        types=types,
        scope=Coded.of([json.dumps(entity.scope) if entity.scope else None for entity in entities]),
        created_at=_instants([entity.created_at for entity in entities]),
        modified_at=_instants([entity.modified_at for entity in entities]),
        columns={name: [_column(entities, name, dataset) for dataset in sets] for name, sets in keys.items()},
    )


def _instants(values: Sequence[int | None]) -> I8:
    return np.array([ABSENT if value is None else value for value in values], np.int64)


def _column(entities: Sequence[Entity], name: str, dataset: str | None) -> Column:
    found = [
        next((each for each in entity.attributes.get(name, ()) if each.dataset == dataset), None) for entity in entities
    ]
    cells = [(Form.NOTHING, np.nan, None) if each is None else value_fields(each.kind, each.value) for each in found]
    return Column(
        dataset=dataset,
        kind=np.array([0 if each is None else each.kind for each in found], np.uint8),
        form=np.array([form for form, _, _ in cells], np.uint8),
        number=np.array([number for _, number, _ in cells], np.float64),
        text=Coded.of([text for _, _, text in cells]),
        observed_at=_instants([each.observed_at if each else None for each in found]),
        created_at=_instants([each.created_at if each else None for each in found]),
        modified_at=_instants([each.modified_at if each else None for each in found]),
        unit=Coded.of([each.unit if each else None for each in found]),
        sub=Coded.of([sub_text(each) if each else None for each in found]),
    )


def read_sub(text: str) -> Mapping[str, Sequence[Attribute]]:
    """The sub-attributes that a text of the column `sub` holds."""
    return sub_of(text)[0]
