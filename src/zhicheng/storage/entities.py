"""Entities as objects, from the columns of the live table."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from zhicheng.kernel.instants import ABSENT
from zhicheng.standards.changes import Form
from zhicheng.standards.ngsild.changes import sub_of, value_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind, Quality
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

_KINDS = {int(kind): kind for kind in Kind}


def entity_of(state: State, identifier: str, attributes: Collection[str] | None = None) -> Entity | None:
    """The entity, with some of its attributes or all. Call with the state's lock held."""
    found = state.find(identifier)
    return None if found is None else entity_at(found[0], found[1], attributes)


def entity_at(table: Table, row: int, attributes: Collection[str] | None = None) -> Entity:
    """The entity in a row of a table."""
    directory = table.directory
    code = table.entity[row]
    scope, source = directory.scope[code], directory.source[code]
    entity = Entity(
        directory.ids[code],
        table.types,
        {},
        () if scope < 0 else tuple(orjson.loads(directory.scopes.values[scope])),
        int(directory.created_at[code]),
        int(directory.modified_at[code]),
        None,
        int(directory.version[code]),
        None if source < 0 else directory.sources.values[source],
    )
    if attributes is not None and not attributes:
        return entity
    for (name, _), column in table.columns.items():
        cells = column.holding(row)
        if cells is not None and cells.arrays["form"].item(row) and (attributes is None or name in attributes):
            entity.attributes.setdefault(name, []).append(attribute_at(cells, row))
    return entity


def attribute_at(cells: Cells, row: int) -> Attribute:
    """The instance in a row of its cells."""
    arrays = cells.arrays
    kind, form = _KINDS[arrays["kind"].item(row)], arrays["form"].item(row)
    observed, quality = arrays["observed_at"].item(row), arrays["quality"].item(row)
    number = arrays["number"].item(row)
    text = None if form == Form.NUMBER else cells.text_at("text", row)
    sub = cells.text_at("sub", row)
    subs, extra = ({}, {}) if sub is None else sub_of(sub)
    return Attribute(
        kind,
        value_of(kind, form, number, text),
        None if observed == ABSENT else observed,
        cells.text_at("unit", row),
        cells.dataset,
        subs,
        extra,
        cells.text_at("owner", row),
        cells.text_at("classification", row),
        Quality(quality) if quality else Quality.NONE,
        arrays["created_at"].item(row),
        arrays["modified_at"].item(row),
        None,
        arrays["instance"].item(row),
        cells.text_at("source", row),
    )
