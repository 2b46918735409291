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
    for (name, _), cells in table.columns.items():
        if cells.arrays["form"][row] and (attributes is None or name in attributes):
            entity.attributes.setdefault(name, []).append(attribute_at(cells, row))
    return entity


def attribute_at(cells: Cells, row: int) -> Attribute:
    """The instance in a row of its cells."""
    arrays, codes, pools = cells.arrays, cells.codes, cells.pools
    kind, form = arrays["kind"].item(row), arrays["form"].item(row)
    observed = arrays["observed_at"].item(row)
    quality = arrays["quality"].item(row)
    number = arrays["number"].item(row)

    def text(name: str) -> str | None:
        code = codes[name].item(row)
        return None if code < 0 else pools[name].values[code]

    sub, extra = sub_of(text("sub"))
    return Attribute(
        Kind(kind),
        value_of(kind, form, number, text("text") if form != Form.NUMBER else None),
        None if observed == ABSENT else observed,
        text("unit"),
        cells.dataset,
        sub,
        extra,
        text("owner"),
        text("classification"),
        Quality(quality) if quality else Quality.NONE,
        arrays["created_at"].item(row),
        arrays["modified_at"].item(row),
        None,
        arrays["instance"].item(row),
        text("source"),
    )
