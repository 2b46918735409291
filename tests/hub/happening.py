"""Changes of any sort at random, of a few entities, and who may see which of them."""

from __future__ import annotations

import random

import shapely

from zhicheng.hub.veil import Veil
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.tree import Compare, Node, Operand, Path
from zhicheng.standards.ngsild.changes import add_attribute, add_entity, add_life, add_types
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

TYPES = ("https://example.org/Room", "https://example.org/Hall")
STATE, SPEED, NOTE = (f"https://example.org/{name}" for name in ("state", "speed", "note"))
OPEN: Node = tree.Not(Compare(Path(STATE, dataset=tree.DEFAULT_INSTANCE), "==", Operand("text", "closed")))
SLOW: Node = Compare(Path(SPEED, dataset=tree.DEFAULT_INSTANCE), "<", Operand("number", 50))
WEST: Node = tree.Geo(LOCATION, "within", shapely.box(-1, 0, 4.5, 3))


def veil(where: Node) -> Veil:
    return Veil(where, lambda attribute, owner, one: one != "secret" and (owner is None or attribute != NOTE))


def commit(store: EmbeddedStore, rows: ChangesBuilder) -> None:
    store.commit(Commit(rows.build(), "test", "test"))


def happening(store: EmbeddedStore, chance: random.Random, living: set[str]) -> None:
    """A few changes of any sort, in one commit."""
    rows = ChangesBuilder()
    touched: set[str] = set()
    for _ in range(chance.randrange(1, 6)):
        one = f"urn:x:{chance.randrange(60)}"
        if one in touched:
            continue
        touched.add(one)
        if one not in living:
            living.add(one)
            add_entity(rows, Entity(one, (chance.choice(TYPES),), {SPEED: [_value(chance)]}))
        elif chance.random() < 0.2:
            living.discard(one)
            add_life(rows, one, chance.choice((Act.REMOVE, Act.ERASE)))
        elif chance.random() < 0.2:
            add_types(rows, one, [chance.choice(TYPES)])
        else:
            name = chance.choice((STATE, SPEED, NOTE, LOCATION))
            add_attribute(rows, one, name, _value(chance, name), chance.choice((Act.SET, Act.SET, Act.REMOVE)))
    commit(store, rows)


def _value(chance: random.Random, name: str = SPEED) -> Attribute:
    values: dict[str, Json] = {
        STATE: chance.choice(("open", "closed")),
        SPEED: chance.randrange(100),
        NOTE: f"note {chance.random()}",
        LOCATION: {"type": "Point", "coordinates": [chance.randrange(10), 1.5]},
    }
    return Attribute(
        Kind.GEO if name == LOCATION else Kind.PROPERTY,
        values[name],
        owner=chance.choice((None, "urn:o:1")),
        classification=chance.choice((None, "public", "secret")),
    )
