"""The follower against a plain model, log by random log, however the log is cut and wherever it begins."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.subscriptions.model import Snap, Told, snap, told
from tests.storage.logs import ENTITIES, START, TYPES, Instances, Step, changes_of, logs
from zhicheng.hub.subscriptions.follow import Follower
from zhicheng.hub.subscriptions.model import Endpoint, Notice, Subscription, Trigger
from zhicheng.hub.subscriptions.watch import Watch
from zhicheng.hub.veil import Veil
from zhicheng.kernel.columns import Mask
from zhicheng.kernel.errors import ZhichengError
from zhicheng.kernel.instants import SECOND
from zhicheng.network.post import target
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.filter import q, tree
from zhicheng.standards.filter.tree import EVERYTHING, Node
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Kind
from zhicheng.standards.ngsild.representation import Projection, Representation
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import ORDINAL_BITS, Commit

BUS, TRAM = tree.Type("https://x/Bus"), tree.Type("https://x/Tram")
SPEED, STATUS = "https://x/speed", "https://x/status"
WHERE: list[Node] = [
    EVERYTHING,
    BUS,
    tree.all_of([TRAM, tree.Not(BUS)]),
    tree.any_of([tree.ids(ENTITIES[:1]), tree.IdPattern("b$")]),
    q.parse("https://x/speed>1", str),
    tree.all_of([BUS, q.parse("https://x/status", str)]),
    tree.all_of([BUS, q.parse("!https://x/speed", str)]),
]
EVERY = Trigger(63)
triggers = st.one_of(
    st.just(EVERY),
    st.sampled_from([Trigger.ENTITY_CREATED, Trigger.ENTITY_DELETED, Trigger(4 | 8), Trigger.ATTRIBUTE_DELETED]),
)
watched = st.sampled_from([None, frozenset((SPEED,)), frozenset((SPEED, STATUS))])


def made(number: int, where: Node, watched: frozenset[str] | None, triggers: Trigger) -> Subscription:
    return Subscription(
        f"urn:ngsi-ld:Subscription:{number}", where, tree.types(where), watched, triggers, Representation(),
        Contexts().default, None, None, Endpoint(target("http://a.example/"), "application/json", SECOND),
    )  # fmt: skip


subscriptions = st.lists(st.tuples(st.sampled_from(WHERE), watched, triggers), min_size=1, max_size=5).map(
    lambda many: [made(number, *one) for number, one in enumerate(many)]
)


def plain(notices: list[Notice]) -> set[tuple[int, str, str]]:
    return {(one.position, one.subscription, entity) for one in notices for entity, _ in one.data}


class Log:
    """A store, and what each commit means by the model."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.store = EmbeddedStore(folder, clock=lambda: self.now)
        self.instances: Instances = []
        self.expected: set[Told] = set()
        self.before = Snap({})
        begun = ChangesBuilder()
        for name, types in zip(ENTITIES[:2], TYPES, strict=False):
            begun.add(name, None, kind=Kind.LIFE, act=Act.SET)
            begun.add(name, None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text=types)
        self.store.commit(Commit(begun.build(), "t", "t"))
        self.before = snap(self.store)

    def commit(self, step: Step, asked: list[Subscription], *, erase: bool = True) -> None:
        self.now += step.clock * SECOND
        changes = self.accepted(changes_of(step, self.now, self.instances))
        if not erase:
            changes = changes.take(changes.act != Act.ERASE)
        if not len(changes):
            return
        try:
            position = self.store.commit(Commit(changes, "t", "t")).position
        except ZhichengError:
            return
        batch = self.store.tail(position - 1)
        after = snap(self.store)
        self.expected |= told(self.before, after, batch, asked)
        self.before = after
        for row in range(len(batch)):
            if batch.changes.kind[row] < Kind.TYPES and batch.changes.act[row] < Act.CORRECT:
                names = (batch.changes.entity[row], batch.changes.attribute[row], batch.changes.dataset[row])
                self.instances.append((position << ORDINAL_BITS | int(batch.ordinal[row]), *names))  # type: ignore[arg-type]  # rows of attributes name both

    def accepted(self, changes: Changes) -> Changes:
        """The rows that the store takes: most random ones are about entities that do not live, or live already."""
        living = self.before.entities
        names = changes.entity.list()
        births = (changes.kind == Kind.LIFE) & (changes.act == Act.SET)
        born = {name for name, birth in zip(names, births, strict=True) if birth and name not in living}
        types = changes.kind == Kind.TYPES
        kept = [
            name in born or (name in living and not birth and not (kind and name in reborn(names, births)))
            for name, birth, kind in zip(names, births, types, strict=True)
        ]
        return changes.take(np.array(kept, bool))


def reborn(names: list[str | None], births: Mask) -> set[str | None]:
    return {name for name, birth in zip(names, births, strict=True) if birth}


def followed(follower: Follower, limit: int) -> list[Notice]:
    found: list[Notice] = []
    while follower.position < follower.store.state.position:
        found += follower.step(limit).notices
    return found


@settings(max_examples=30)
@given(logs, subscriptions, st.integers(1, 40))
def test_what_is_told_is_what_the_model_tells_however_the_log_is_cut(
    log: list[Step], asked: list[Subscription], limit: int
) -> None:
    with TemporaryDirectory() as folder:
        one = Log(Path(folder))
        follower = Follower.present(one.store, Watch(asked))
        for step in log:
            one.commit(step, asked, erase=False)
        notices = followed(follower, limit)
        words = {
            (notice.position, notice.subscription): frozenset(
                each.name or "" for each in Trigger if each in notice.triggers
            )
            for notice in notices
        }
        assert plain(notices) == {told[:3] for told in one.expected}
        for key, group in itertools.groupby(sorted(one.expected, key=lambda told: told[:2]), key=lambda told: told[:2]):
            assert words[key] == frozenset().union(*(told[3] for told in group))
        assert [notice.position for notice in notices] == sorted(notice.position for notice in notices)
        one.store.close()


@settings(max_examples=30)
@given(logs, subscriptions, st.integers(1, 13), st.integers(1, 40), st.booleans())
def test_it_may_begin_anywhere_in_the_past(
    log: list[Step], asked: list[Subscription], at: int, limit: int, sealed: bool
) -> None:
    with TemporaryDirectory() as folder:
        one = Log(Path(folder))
        for number, step in enumerate(log):
            one.commit(step, asked, erase=False)
            if sealed and number == len(log) // 2:
                one.store.seal()
        at = min(at, one.store.state.position)
        notices = followed(Follower.past(one.store, at, Watch(asked)), limit)
        assert plain(notices) == {told[:3] for told in one.expected if told[0] > at}
        one.store.close()


@settings(max_examples=30)
@given(logs, subscriptions)
def test_one_that_keeps_up_agrees_while_things_are_erased(log: list[Step], asked: list[Subscription]) -> None:
    with TemporaryDirectory() as folder:
        one = Log(Path(folder))
        follower = Follower.present(one.store, Watch(asked))
        notices: list[Notice] = []
        for step in log:
            one.commit(step, asked)
            notices += followed(follower, 1000)
        assert plain(notices) == {told[:3] for told in one.expected}
        one.store.close()


UNSEEN = ENTITIES[1]
VEIL = Veil(tree.Not(tree.ids([UNSEEN])), lambda attribute, owner, classification: attribute != SPEED)
ANY_BUT_ITS_KIND = EVERY & ~Trigger.ENTITY_CHANGED
NEVER, ALWAYS = tree.Not(EVERYTHING), EVERYTHING
ASKED: list[tuple[Node, Node]] = [
    *((where, where) for where in WHERE[:4]),
    (q.parse("https://x/speed>1", str), NEVER),
    (tree.all_of([BUS, q.parse("https://x/status", str)]), tree.all_of([BUS, q.parse("https://x/status", str)])),
    (tree.all_of([BUS, q.parse("!https://x/speed", str)]), BUS),
    (tree.any_of([BUS, q.parse("https://x/speed<5", str)]), BUS),
]
"""What is asked, and what that comes to for who sees no speed."""
without_kind = st.sampled_from([ANY_BUT_ITS_KIND, Trigger.ENTITY_CREATED, Trigger.ENTITY_DELETED, Trigger(4 | 8 | 16)])


@settings(max_examples=40)
@given(
    logs, st.lists(st.tuples(st.sampled_from(ASKED), watched, without_kind), min_size=1, max_size=4), st.integers(1, 40)
)
def test_behind_a_veil_it_is_as_if_what_is_hidden_were_not_there(
    log: list[Step], asked: list[tuple[tuple[Node, Node], frozenset[str] | None, Trigger]], limit: int
) -> None:
    veiled, narrow = [], []
    for number, ((where, left), names, triggers) in enumerate(asked):
        veiled.append(replace(made(number, where, names, triggers), veil=VEIL))
        seen = frozenset((STATUS,)) if names is None else names - {SPEED}
        less = made(number, tree.all_of([left, VEIL.where]), seen, triggers)
        narrow.append(replace(less, options=Representation(omit=Projection.parse(SPEED, Contexts().default))))
    with TemporaryDirectory() as folder:
        one = Log(Path(folder))
        followers = [Follower.present(one.store, Watch(each)) for each in (veiled, narrow)]
        for step in log:
            one.commit(step, [], erase=False)
        told = [
            sorted((each.position, each.subscription, each.triggers, each.data) for each in followed(follower, limit))
            for follower in followers
        ]
        assert told[0] == told[1]
        one.store.close()


def test_no_condition_no_trigger_and_no_earlier_value_tells_of_what_is_hidden(tmp_path: Path) -> None:
    one = Log(tmp_path)

    def commit(act: Act, **values: float) -> None:
        rows = ChangesBuilder()
        form = Form.NUMBER if act == Act.SET else Form.NOTHING
        for name, number in values.items():
            rows.add(ENTITIES[0], f"https://x/{name}", act=act, form=form, number=number)
        one.store.commit(Commit(rows.build(), "t", "t"))

    commit(Act.SET, speed=5)
    conditions = (q.parse("https://x/speed>1", str), q.parse("!https://x/speed", str))
    asked = [
        replace(made(number, where, None, EVERY), veil=VEIL, changes=True) for number, where in enumerate(conditions)
    ]
    follower = Follower.present(one.store, Watch(asked))
    commit(Act.SET, status=1)
    commit(Act.SET, speed=6)
    commit(Act.REMOVE, speed=0)
    commit(Act.SET, speed=7)
    commit(Act.REMOVE, speed=0, status=0)
    notices = followed(follower, 100)
    assert [(notice.subscription, notice.triggers) for notice in notices] == [
        (asked[1].id, Trigger.ATTRIBUTE_CREATED), (asked[1].id, Trigger.ATTRIBUTE_DELETED)
    ]  # fmt: skip
    assert not any(b"speed" in document for notice in notices for _, document in notice.data)
    one.store.close()


@pytest.mark.parametrize("kinds", [None, frozenset(("https://x/Bus",))])
def test_more_is_followed_only_where_more_is_watched(tmp_path: Path, kinds: frozenset[str] | None) -> None:
    store = EmbeddedStore(tmp_path)
    follower = Follower.present(store, Watch([made(0, EVERYTHING if kinds is None else BUS, None, EVERY)]))
    assert follower.covers(Watch([made(1, BUS, None, EVERY)]))
    assert follower.covers(Watch([made(1, TRAM, None, EVERY)])) == (kinds is None)
    assert follower.covers(Watch([made(1, EVERYTHING, None, EVERY)])) == (kinds is None)
    store.close()
