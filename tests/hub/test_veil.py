"""A veiled state that is kept up to date shows what one made anew would, whatever happens behind it."""

from __future__ import annotations

import pathlib
import random
from itertools import count

import numpy as np
import pytest

from tests.hub.happening import NOTE, OPEN, SLOW, SPEED, STATE, TYPES, WEST, commit, happening, veil
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.veil import VeiledState
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.standards.changes import Act, ChangesBuilder
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.tree import Compare, Node, Operand, Path
from zhicheng.standards.ngsild.changes import add_attribute, add_entity
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.store import EmbeddedStore


def shown(state: VeiledState) -> dict[str, object]:
    """Everything that can be read of a state, through every array of it."""
    found: dict[str, object] = {}
    with state.lock:
        for table in state.tables:
            rows = np.flatnonzero(table.alive)
            found[str(table.types)] = table.living, table.alive.tolist(), table.entity[: table.count].tolist()
            for (name, dataset), cells in table.columns.items():
                key = f"{table.types} {name} {dataset}"
                arrays = {one: cells.arrays[one][: table.count].tolist() for one in cells.arrays}
                texts = {one: cells.coded(one).list() for one in cells.codes}
                there = [cells.holding(row) is not None for row in rows.tolist()]
                bounds = np.nan_to_num(np.array(cells.bounds()), nan=-1.0).tolist()
                found[key] = repr(arrays), texts, there, bounds
        directory = state.directory
        found["placed"] = {one: state.find(one) is not None for one in directory.ids if one}
        living = np.flatnonzero(directory.table >= 0)
        found["modified"] = directory.modified_at[living].tolist()
    return found


@pytest.mark.parametrize("where", [tree.EVERYTHING, OPEN, SLOW, WEST])
@pytest.mark.parametrize("seed", range(4))
def test_a_kept_veil_is_as_one_made_anew(store: EmbeddedStore, where: Node, seed: int) -> None:
    chance, living = random.Random(seed), set[str]()
    kept = VeiledState(store.state, veil(where))
    for step in range(60):
        happening(store, chance, living)
        if step % 20 == 19:
            with store.state.lock:
                store.state.compact()
        assert shown(kept) == shown(VeiledState(store.state, veil(where))), step


def test_when_an_entity_changed_does_not_tell_of_what_is_hidden(tmp_path: pathlib.Path) -> None:
    store = EmbeddedStore(tmp_path, clock=count(1_700_000_000_000_000).__next__)

    def write(name: str, classification: str, act: Act = Act.SET) -> int | None:
        rows = ChangesBuilder()
        value = Attribute(Kind.PROPERTY, 1, classification=classification)
        add_attribute(rows, "urn:x:1", name, value, act)
        commit(store, rows)
        seen = VeiledStore(store, veil(tree.EVERYTHING), LOCATION).entity("urn:x:1")
        assert seen is not None and seen.modified_at == kept.entity("urn:x:1").modified_at  # type: ignore[union-attr]  # it is there
        return seen.modified_at

    rows = ChangesBuilder()
    add_entity(rows, Entity("urn:x:1", (TYPES[0],), {}))
    commit(store, rows)
    kept = VeiledStore(store, veil(tree.EVERYTHING), LOCATION)
    first = write(SPEED, "public")
    assert write(STATE, "secret") == write(STATE, "secret") == write(STATE, "secret", Act.REMOVE) == first
    second = write(SPEED, "public")
    assert first is not None and second is not None and second > first
    store.close()


def test_texts_that_get_new_codes_are_not_mixed_up(store: EmbeddedStore) -> None:
    """An erasure recodes all texts once files are rewritten: of that no position tells."""
    rows = ChangesBuilder()
    for number in range(40):
        kept = {NOTE: [Attribute(Kind.PROPERTY, f"note {number}", classification="secret" if number % 2 else None)]}
        add_entity(rows, Entity(f"urn:x:{number:02}", (TYPES[0],), kept))
    commit(store, rows)
    again = ChangesBuilder()
    add_attribute(again, "urn:x:00", NOTE, Attribute(Kind.PROPERTY, "note 0, changed"), Act.SET)
    commit(store, again)
    query = Query(VeiledStore(store, veil(tree.EVERYTHING), LOCATION))
    asked = EntityQuery(Compare(Path(NOTE), "==", Operand("text", "note 38")))
    assert [one.id for one in query.select(asked).entities] == ["urn:x:38"]

    with store.state.lock:
        store.state.compact()

    assert [one.id for one in query.select(asked).entities] == ["urn:x:38"]
