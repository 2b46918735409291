"""Which values are protected is known as long as history may hold one."""

from __future__ import annotations

from pathlib import Path

from zhicheng.hub.classified import Classified
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.records import EmbeddedRecords
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

LOT, NOTE = "urn:ngsi-ld:Lot:1", "https://x/note"


def commit(store: EmbeddedStore, act: Act, classification: str | None) -> None:
    rows = ChangesBuilder()
    form = Form.NUMBER if act == Act.SET else Form.NOTHING
    rows.add(LOT, NOTE, act=act, form=form, number=1, owner="urn:x:roads", classification=classification)
    store.commit(Commit(rows.build(), "t", "t"))


def test_a_value_that_was_removed_is_still_known_to_be_in_history_after_a_restart(tmp_path: Path) -> None:
    store, records = EmbeddedStore(tmp_path), EmbeddedRecords(tmp_path)
    classified = Classified(store, records)
    begun = ChangesBuilder()
    begun.add(LOT, None, kind=Kind.LIFE, act=Act.SET)
    begun.add(LOT, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text='["https://x/Lot"]')
    store.commit(Commit(begun.build(), "t", "t"))
    commit(store, Act.SET, "public")
    assert not classified.may_be_in(store)
    commit(store, Act.SET, "internal")
    commit(store, Act.REMOVE, None)
    assert classified.may_be_in(store) and not classified.may_be_in(store, LOT)
    store.close()
    records.close()
    store, records = EmbeddedStore(tmp_path), EmbeddedRecords(tmp_path)
    assert (NOTE, "urn:x:roads", "internal") in Classified(store, records).kinds
    store.close()
    records.close()
