"""Any sequence of operations on the embedded store gives what the plain model of NGSI-LD entities says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.hub.making import NOBODY, VOCABULARY, Clock, iri
from tests.hub.model import City, Document, Key, Refused, Said
from zhicheng.hub.intake import How, Intake
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.kernel.errors import ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.standards.ngsild.names import NULL
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.live import State

IDS = st.sampled_from([f"urn:ngsi-ld:Room:{letter}" for letter in "abc"])
KEYS: st.SearchStrategy[Key] = st.tuples(st.sampled_from(["warm", "dry"]), st.sampled_from([None, None, "urn:d:a"]))
TYPES = st.lists(st.sampled_from(["Room", "Hall"]), min_size=1, max_size=2, unique=True).map(tuple)
SCOPES = st.sampled_from([(), (), ("/a",), ("/a", "/b/c")])
TIMES = st.sampled_from([None, None, -3600, -60, -1, 0, 0, 60, 299, 301])
VALUES: st.SearchStrategy[Json] = st.sampled_from(
    [1, 2.5, True, "text", "", ["a", 1], {"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}]
)
PATCHES: st.SearchStrategy[Json] = st.sampled_from(
    [{"a": NULL}, {"b": {"c": NULL, "e": 4}}, {"b": NULL, "a": {"f": 5}}]
)
SUBS = st.sampled_from([(), (), (("by", "me"),), (("by", 7), ("near", False))])
NO_MORE = st.sampled_from([(), (("by", NULL),), (("near", NULL), ("by", "you"))])
UNITS = st.sampled_from([None, "CEL"])


def said(values: st.SearchStrategy[Json], subs: st.SearchStrategy[Any] = SUBS) -> st.SearchStrategy[Said]:
    return st.builds(Said, values, TIMES, UNITS, subs)


def documents(
    said: st.SearchStrategy[Said], types: st.SearchStrategy[tuple[str, ...]], *, least: int = 0, most: int = 3
) -> st.SearchStrategy[Document]:
    attributes = st.dictionaries(KEYS, said, min_size=least, max_size=most).map(lambda found: tuple(found.items()))
    return st.builds(Document, IDS, types, SCOPES, attributes)


SOME = st.one_of(st.just(()), TYPES)
NULLS: st.SearchStrategy[Json] = st.just(NULL)
ABSENT: st.SearchStrategy[Json] = st.none()
WHOLE = documents(said(VALUES), TYPES)
PART = documents(said(VALUES), SOME)
REMOVING = documents(said(VALUES | NULLS), SOME)
MERGING = documents(said(st.one_of(VALUES, PATCHES, NULLS, ABSENT), SUBS | NO_MORE), SOME)
HOW: dict[How, tuple[str, st.SearchStrategy[Document]]] = {
    "create": ("create", WHOLE),
    "replace": ("upsert", WHOLE),
    "update": ("upsert_part", WHOLE),
    "only-update": ("append", PART),
    "only-update-no-overwrite": ("append_new", PART),
    "merge": ("merge", MERGING),
}


class Operations(RuleBasedStateMachine):
    """Operations one after another, with time passing, the log being sealed and the store opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.city = City()
        self.loop = asyncio.new_event_loop()
        self.open()

    def open(self) -> None:
        self.store = EmbeddedStore(Path(self.folder.name), clock=self.clock)
        self.intake = Intake(self.store)

    def teardown(self) -> None:
        self.store.close()
        self.loop.close()
        self.folder.cleanup()

    def agree(self, operation: str, document: Document, work: Coroutine[Any, Any, Any]) -> None:
        """Both do it, or both refuse it."""
        document = self.timed(document)
        try:
            self.city.operate(operation, document, self.clock.now)
        except Refused:
            refused = True
        else:
            refused = False
        with pytest.raises(ZhichengError) if refused else nullcontext():
            self.loop.run_until_complete(work)

    def timed(self, document: Document) -> Document:
        """Times are drawn as seconds from now."""
        attributes = tuple(
            (key, Said(one.value, None if one.at is None else self.clock.now + one.at * SECOND, one.unit, one.sub))
            for key, one in document.attributes
        )
        return Document(document.id, document.types, document.scope, attributes)

    def entity(self, document: Document) -> Entity:
        return self.timed(document).entity()

    @rule(document=documents(said(VALUES | NULLS), TYPES))
    def create(self, document: Document) -> None:
        self.agree("create", document, self.intake.create(self.entity(document), NOBODY))

    @rule(document=REMOVING)
    def put(self, document: Document) -> None:
        self.agree("put", document, self.intake.replace(self.entity(document), NOBODY))

    @rule(document=PART)
    def append(self, document: Document) -> None:
        self.agree("append", document, self.intake.append(self.entity(document), NOBODY))

    @rule(document=PART)
    def append_new(self, document: Document) -> None:
        self.agree("append_new", document, self.intake.append(self.entity(document), NOBODY, overwrite=False))

    @rule(document=REMOVING)
    def update(self, document: Document) -> None:
        self.agree("update", document, self.intake.update(self.entity(document), NOBODY))

    @rule(document=MERGING)
    def merge(self, document: Document) -> None:
        self.agree("merge", document, self.intake.merge(self.entity(document), NOBODY))

    @rule(document=documents(said(st.one_of(VALUES, NULLS, ABSENT), SUBS | NO_MORE), SOME, least=1, most=1))
    def update_members(self, document: Document) -> None:
        [(name, changes)] = self.entity(document).attributes.items()
        work = self.intake.update_attribute(document.id, name, changes, NOBODY, whole=False)
        self.agree("update_members", document, work)

    @rule(document=documents(said(VALUES), SOME, least=1, most=1))
    def replace_attribute(self, document: Document) -> None:
        [(name, changes)] = self.entity(document).attributes.items()
        work = self.intake.update_attribute(document.id, name, changes, NOBODY, whole=True)
        self.agree("replace_attribute", document, work)

    @rule(document=documents(said(VALUES), SOME, least=1, most=1))
    def remove_attribute(self, document: Document) -> None:
        [((name, dataset), _)] = document.attributes
        work = self.intake.remove_attribute(document.id, iri(name), NOBODY, dataset=dataset)
        self.agree("remove_attribute", document, work)

    @rule(document=PART)
    def remove(self, document: Document) -> None:
        self.agree("remove", document, self.intake.remove(document.id, NOBODY))

    @rule(data=st.data(), how=st.sampled_from(sorted(HOW)))
    def batch(self, data: st.DataObject, how: How) -> None:
        operation, strategy = HOW[how]
        given = [self.timed(document) for document in data.draw(st.lists(strategy, max_size=4))]
        outcomes = self.loop.run_until_complete(self.intake.batch([one.entity() for one in given], NOBODY, how))
        taken: set[str] = set()
        for document, outcome in zip(given, outcomes, strict=True):
            created = document.id not in self.city.things
            try:
                if document.id in taken:
                    raise Refused
                self.city.operate(operation, document, self.clock.now)
            except Refused:
                assert outcome.error is not None
            else:
                assert outcome.error is None and outcome.created == created
                taken.add(document.id)

    @rule(identifiers=st.lists(IDS, max_size=3))
    def batch_remove(self, identifiers: list[str]) -> None:
        outcomes = self.loop.run_until_complete(self.intake.batch_remove(identifiers, NOBODY))
        for identifier, outcome in zip(identifiers, outcomes, strict=True):
            assert (outcome.error is None) == (self.city.things.pop(identifier, None) is not None)

    @rule(seconds=st.sampled_from([0, 1, 30, 120, 4000]))
    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds * SECOND)

    @rule()
    def seal(self) -> None:
        self.store.seal()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open()

    @rule()
    def look_back(self) -> None:
        """As of now by what is known now is what is."""
        assert self.seen(self.store.as_of(self.clock.now, self.clock.now)) == self.modelled()

    @invariant()
    def is_what_the_model_says(self) -> None:
        assert self.seen() == self.modelled()

    def seen(self, state: State | None = None) -> dict[str, object]:
        page = Query(self.store).select(EntityQuery(limit=100, count=True), state)
        assert page.total == len(page.entities)
        found: dict[str, object] = {}
        for entity in page.entities:
            cells = {
                (name.removeprefix(VOCABULARY), each.dataset): Said(
                    each.value, each.observed_at, each.unit,
                    tuple(sorted((inner.removeprefix(VOCABULARY), sub[0].value) for inner, sub in each.sub.items())),
                )
                for name, instances in entity.attributes.items() for each in instances
            }  # fmt: skip
            found[entity.id] = ({name.removeprefix(VOCABULARY) for name in entity.types}, entity.scope, cells)
        return found

    def modelled(self) -> dict[str, object]:
        return {name: (set(thing.types), thing.scope, thing.present()) for name, thing in self.city.things.items()}


TestOperations = Operations.TestCase
TestOperations.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
