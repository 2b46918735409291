"""Erasure: afterwards nothing of what was erased is in any file of the folder, packed or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.hub.making import ID, NOBODY, ROOM, Clock, fragment, iri, is_, one, room, values
from zhicheng.hub.intake import Intake
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.temporal import Temporal, Window
from zhicheng.kernel.errors import NotFound
from zhicheng.standards.filter import q
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.store import EmbeddedStore

SECRET = "张三 450103-1990"
OTHER = "urn:ngsi-ld:Room:2"
_ZSTD = b"\x28\xb5\x2f\xfd"


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte of the folder: files as they are, what is packed in them, and what the database holds."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield path.name, content
            yield from ((path.name, part) for part in unpacked(content))
    with sqlite3.connect(f"file:{folder / 'state.db'}?mode=ro", uri=True) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in database.execute(f'SELECT * FROM "{name}"'):
                for cell in row:
                    content = cell if isinstance(cell, bytes) else str(cell).encode()
                    yield name, content
                    yield from ((name, part) for part in unpacked(content))
    database.close()


def unpacked(content: bytes) -> Iterator[bytes]:
    """What compressed parts hold, as far as they are whole."""
    start = content.find(_ZSTD)
    while start >= 0:
        stream = pa.CompressedInputStream(pa.BufferReader(content[start:]), "zstd")
        parts = []
        try:
            while part := stream.read(1 << 16):
                parts.append(part)
        except (OSError, pa.ArrowInvalid):
            pass  # what follows the part is something else
        yield b"".join(parts)
        start = content.find(_ZSTD, start + 1)


def places(folder: Path, secret: str = SECRET) -> set[str]:
    """Where it is found, in UTF-8 or as JSON may write it."""
    forms = [secret.encode(), secret.encode("ascii", "backslashreplace"), secret.encode("utf-16-le")]
    return {name for name, content in texts(folder) if any(form in content for form in forms)}


async def lived(store: EmbeddedStore, clock: Clock, identifier: str, secret: str) -> None:
    """A life with the secret in every kind of place: sealed, in snapshots and in the open end of the log."""
    intake = Intake(store)
    bulk = {f"bulk{n}": f"{n * 2654435761 % 2**64:x}" for n in range(200)}  # so much that blocks are packed
    sub = {iri("by"): [is_(secret)]}
    first = room(identifier, scope=(f"/{secret.split()[0]}",), name=is_(secret, sub=sub), kept="kept", **bulk)  # type: ignore[arg-type]  # by name
    await intake.create(first, NOBODY)
    clock.forward()
    name = one(store, "name", identifier=identifier)
    assert name.instance is not None
    await intake.correct(identifier, iri("name"), name.instance, is_(secret + " corrected"), NOBODY)
    store.seal()
    store.snapshot()
    clock.forward()
    await intake.append(
        fragment(identifier, name=[is_({"zh": secret}, kind=Kind.LANGUAGE), is_([secret], dataset="urn:d:a")]), NOBODY
    )
    store.seal()
    clock.forward()
    await intake.merge(fragment(identifier, name=is_({"en": secret}, kind=Kind.LANGUAGE)), NOBODY)
    await intake.remove_attribute(identifier, iri("name"), NOBODY)
    await intake.append(fragment(identifier, name=secret + " again", **{key: key for key in bulk}), NOBODY)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("living", [True, False])
async def test_nothing_of_an_erased_entity_is_left(tmp_path: Path, clock: Clock, living: bool) -> None:
    store = EmbeddedStore(tmp_path, clock=clock)
    await lived(store, clock, OTHER, "李四 440305-1980")
    await lived(store, clock, ID, SECRET)
    assert len(places(tmp_path)) >= 3, "it is in the log, segments and snapshots"
    query, known = Query(store), clock.now
    if not living:
        await Intake(store).remove(ID, NOBODY)
    await Intake(store).erase(ID, NOBODY)
    with pytest.raises(NotFound):
        Temporal(store, query).entity(ID, Window())
    state = query.as_of(known)
    assert [entity.id for entity in query.select(EntityQuery(), state).entities] == [OTHER]
    assert places(tmp_path) == set(), "before the store is closed"
    store.close()
    assert places(tmp_path) == set()
    store = EmbeddedStore(tmp_path, clock=clock)
    assert store.entity(ID) is None and values(store, OTHER)["name"] == "李四 440305-1980 again"
    assert len(Temporal(store, Query(store)).entity(OTHER, Window()).attributes[iri("name")]) == 6
    store.close()
    assert places(tmp_path) == places(tmp_path, "张三") == set(), "its scope neither"
    assert places(tmp_path, "李四 440305-1980")


async def test_of_an_erased_attribute_only_the_others_are_left(tmp_path: Path, clock: Clock) -> None:
    store = EmbeddedStore(tmp_path, clock=clock)
    await Intake(store).create(room(OTHER, name="someone"), NOBODY)
    await lived(store, clock, ID, SECRET)
    await Intake(store).replace(room(ID, name=SECRET, kept="kept"), NOBODY)
    assert places(tmp_path)
    await Intake(store).erase(ID, NOBODY, iri("name"))
    assert values(store) == {"kept": "kept"} and values(store, OTHER) == {"name": "someone"}
    history = Temporal(store, Query(store)).entity(ID, Window())
    assert iri("name") not in history.attributes and len(history.attributes[iri("kept")]) == 2
    store.close()
    assert places(tmp_path) == set()
    store = EmbeddedStore(tmp_path, clock=clock)
    await Intake(store).append(fragment(name="free again"), NOBODY)
    assert Query(store).select(EntityQuery(q.parse('name=="free again"', iri))).entities[0].types == (ROOM,)
    store.close()
