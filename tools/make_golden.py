"""Makes the golden folder of the present format: a small store with something of everything, and what it must say.

`python tools/make_golden.py tests/storage/golden` writes format-N.tar.xz and format-N.json. Every released format
keeps its pair; later versions must open it and say the same. Never make one anew after its release.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import lzma
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zhicheng.kernel.instants import HOUR, SECOND
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.ngsild.changes import add_entity, add_life, add_scope, add_types
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.engines.embedded.database import FORMAT
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.entities import entity_at
from zhicheng.storage.live import State
from zhicheng.storage.log import Commit, Cursor, HistoryQuery, Producer

START = 1_750_000_000 * SECOND
LAMP, BUS, BIN = (f"urn:ngsi-ld:{name}" for name in ("Streetlight:1", "Vehicle:7", "WasteContainer:3"))
IRI = "https://smartdatamodels.org/"
BLOB = "路灯照片".encode() * 50
MOMENTS = [START + hours * HOUR for hours in (1, 5, 9, 12, 30)]


def lamp() -> Entity:
    """An attribute of every kind."""
    attributes = {
        "name": Attribute(Kind.PROPERTY, "民族大道 12"),
        "powerState": Attribute(Kind.PROPERTY, "on", START, owner="urn:ngsi-ld:Organization:lighting"),
        "illuminanceLevel": Attribute(Kind.PROPERTY, 0.5, START, "P1", quality=8),  # type: ignore[arg-type]  # a flag
        "big": Attribute(Kind.PROPERTY, 2**60),
        "working": Attribute(Kind.PROPERTY, True, classification="internal"),
        "refStreetlightGroup": Attribute(Kind.RELATIONSHIP, "urn:ngsi-ld:Group:1", extra={"objectType": f"{IRI}Group"}),
        "location": Attribute(Kind.GEO, {"type": "Point", "coordinates": [108.37, 22.82]}),
        "label": Attribute(Kind.LANGUAGE, {"zh": "路灯", "en": "lamp"}),
        "category": Attribute(Kind.VOCABULARY, f"{IRI}led"),
        "config": Attribute(Kind.JSON, {"dim": [1, 2, {"a": None}]}),
        "schedule": Attribute(Kind.LIST, [18, "dusk"]),
        "neighbours": Attribute(Kind.LIST_RELATIONSHIP, ["urn:ngsi-ld:Streetlight:2"]),
    }
    sub = {f"{IRI}accuracy": [Attribute(Kind.PROPERTY, 0.1)]}
    named = {f"{IRI}{name}": [attribute] for name, attribute in attributes.items()}
    named[f"{IRI}temperature"] = [
        Attribute(Kind.PROPERTY, 21.5, START, "CEL", sub=sub),
        Attribute(Kind.PROPERTY, 22.5, START, "CEL", "urn:ngsi-ld:Dataset:inside"),
    ]
    return Entity(LAMP, (f"{IRI}Streetlight", f"{IRI}Device"), named, ("/nanning/qingxiu",))


class Script:
    """Commits at a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.sequence = 0
        self.store = EmbeddedStore(folder, EmbeddedSettings(), lambda: self.now)

    def __call__(self, fill: Callable[[ChangesBuilder], object], *, hours: float = 1) -> int:
        """One commit, so many hours after the last."""
        self.now += int(hours * HOUR)
        self.sequence += 1
        builder = ChangesBuilder()
        fill(builder)
        producer, cursor = Producer("golden", 1, self.sequence), Cursor("app", 0, str(self.sequence), b"state")
        return self.store.commit(Commit(builder.build(), "maker", "golden", producer, cursor, "urn:x:in")).position


def read(name: str, number: float, at: int | None, **more: Any) -> Callable[[ChangesBuilder], object]:
    """An observation of a number."""
    facts: dict[str, Any] = {"form": Form.NUMBER, "number": number, "observed_at": at, **more}
    return lambda builder: builder.add(BUS, f"{IRI}{name}", **facts)


def life(name: str, act: Act, kind: str = "Vehicle") -> Callable[[ChangesBuilder], object]:
    """A birth or a death."""

    def fill(builder: ChangesBuilder) -> None:
        add_life(builder, name, act)
        if act == Act.SET:
            add_types(builder, name, [f"{IRI}{kind}"])

    return fill


def play(folder: Path) -> None:
    """Births, deaths, lives anew, readings early, late and of the future, corrections, erasure; sealed in between."""
    script = Script(folder)
    store = script.store
    script(lambda builder: add_entity(builder, lamp()))
    script(life(BUS, Act.SET))
    script(read("speed", 30, START))
    target = script(read("speed", 35, START + 3 * HOUR, unit="KMH"))
    store.seal()
    script(read("speed", 10, START + HOUR))
    script(read("speed", 99, START + 10_000 * HOUR))
    script(lambda builder: add_scope(builder, LAMP, ["/nanning/xixiangtang"]))
    script(read("speed", 36, None, act=Act.CORRECT, target=target << 20))
    store.snapshot()
    script(life(BIN, Act.SET, "WasteContainer"))
    script(lambda builder: builder.add(BIN, f"{IRI}storedWasteCode", act=Act.SET, form=Form.TEXT, text="secret"))
    script(lambda builder: builder.add(BIN, f"{IRI}storedWasteCode", act=Act.ERASE))
    script(life(BUS, Act.REMOVE))
    script(life(BUS, Act.SET))
    store.seal()
    script(read("speed", 5, START + 20 * HOUR))
    script(lambda builder: builder.add(LAMP, f"{IRI}name", act=Act.REMOVE))
    script(lambda builder: add_types(builder, LAMP, [f"{IRI}Streetlight"]))
    store.put_blob(BLOB)
    store.put_table("stops", {"stops": pa.table({"id": np.arange(5), "name": ["东站", "B", "C", "D", "E"]})})
    store.put_table("stops", {"stops": pa.table({"id": np.arange(3)})})
    store.close()


def said(store: EmbeddedStore) -> dict[str, Any]:
    """All that the store says, as JSON."""
    series = store.history(HistoryQuery(None, time="effective"))
    changes = series.batch.changes
    columns = {
        name: getattr(changes, name) for name in ("entity", "attribute", "dataset", "text", "unit", "sub", "owner")
    }
    history = {name: column.list() for name, column in columns.items()}
    history |= {name: getattr(changes, name).tolist() for name in ("kind", "form", "act", "life", "quality")}
    history["number"] = [None if np.isnan(number) else number for number in changes.number.tolist()]
    history |= {"effective": series.effective.tolist(), "instance": series.instance.tolist()}
    history["recorded_at"] = series.batch.recorded_at.tolist()
    cursor = store.cursor("app")
    return {
        "position": store.state.position,
        "live": entities(store.state),
        "as_of": {str(moment): entities(store.as_of(moment)) for moment in MOMENTS},
        "known": {str(moment): entities(store.as_of(moment, moment)) for moment in MOMENTS},
        "history": history,
        "sources": sorted({str(name) for name in series.batch.source.list()}),
        "principals": sorted({str(name) for name in series.batch.principal.list()}),
        "cursor": None if cursor is None else [cursor.position, cursor.state.decode()],
        "blob": store.blob(hashlib.sha256(BLOB).hexdigest()).decode(),
        "tables": [store.tables("stops", version)["stops"].to_pydict() for version in (1, 2)],
    }


def entities(state: State) -> dict[str, Any]:
    """The living entities as JSON, attributes and their instances in the order of their names."""
    found = {}
    for table in state.tables:
        for row in np.flatnonzero(table.alive).tolist():
            entity = dataclasses.asdict(entity_at(table, row))
            for instances in entity["attributes"].values():
                instances.sort(key=lambda instance: instance["dataset"] or "")
            found[entity["id"]] = entity
    return json.loads(json.dumps(found, sort_keys=True))  # type: ignore[no-any-return]  # as it is read back


def packed(folder: Path) -> bytes:
    """The folder as tar.xz, names in order, without owners and times of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock"):
            info = tarfile.TarInfo(str(path.relative_to(folder)))
            info.size = path.stat().st_size
            archive.addfile(info, io.BytesIO(path.read_bytes()))
    return lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def main(target: Path) -> None:
    """Write the pair."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tenant"
        play(folder)
        archive = packed(folder)
        store = EmbeddedStore(folder)
        found = said(store)
        store.close()
    (target / f"format-{FORMAT}.tar.xz").write_bytes(archive)
    (target / f"format-{FORMAT}.json").write_text(
        json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8"
    )
    print(f"format {FORMAT}: {len(archive):,} bytes, {found['position']} commits")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
