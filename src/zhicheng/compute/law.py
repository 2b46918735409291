"""The law of applications, as checks: on random logs for any application, or on a log of one's own.

    def test_law() -> None:
        for seed in range(20):
            law.check(APP, seed)

`AssertionError` says what differs. The logs have late, repeated, changed, withdrawn and timeless readings, and entities
that are removed and come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import orjson

from zhicheng.compute import graph
from zhicheng.compute.app import AnyApp, Tables
from zhicheng.compute.pipeline import Pipeline, parts
from zhicheng.compute.state import pack, unpack
from zhicheng.compute.terms import iri
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.model import AttributeModel
from zhicheng.standards.ngsild.changes import add_life, add_types
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import Batch

Written: TypeAlias = dict[tuple[str | None, ...], list[tuple[Any, ...]]]
"""What was written, by series: entity, attribute, datasetId."""
_START = 1_760_000_000 * SECOND
_STEPS = (0, 1, 20, 60, 60, 300, 900, 3600)
_DELAYS = (0, 0, 0, 1, 30, 300, 1200, 7200)


def check(app: AnyApp, seed: int, *, params: object = None, tables: Tables | None = None, commits: int = 40) -> None:
    """All of it on one random log, cut at random places."""
    draw = np.random.default_rng(seed)
    log = random_log(app, draw, commits)
    cuts = np.flatnonzero(draw.random(len(log)) < draw.choice([0.02, 0.1, 0.5])).tolist()
    check_cuts(app, log, cuts, params=params, tables=tables)


def check_cuts(
    app: AnyApp, log: Batch, cuts: Sequence[int], *, params: object = None, tables: Tables | None = None
) -> None:
    """One batch and many give the same, twice; and so does a state that was written and read again at each cut."""
    plain = _plain(app)
    pieces = _pieces(log, cuts)
    whole, state = run(plain, [log], params, tables)
    again, same = run(plain, [log], params, tables)
    assert whole == again, f"{app.name}: the same rows gave different values: {_difference(whole, again)}"
    assert state == same, f"{app.name}: the same rows gave different states"
    cut, _ = run(plain, pieces, params, tables)
    assert whole == cut, f"{app.name}: batch borders matter: {_difference(whole, cut)}"
    resumed, _ = run(plain, pieces, params, tables, resume=True)
    assert whole == resumed, f"{app.name}: something is not in the state: {_difference(whole, resumed)}"


def check_declaration(app: AnyApp) -> None:
    """Names that are known or labelled, no circle, parameters and state that can be written; raises what is wrong."""
    graph.check([app], Catalogue.builtin().terms())
    state = app.state(app.params)
    assert pack(unpack(pack(state), app.state(app.params))) == pack(state), (
        f"{app.name}: the state changes in its bytes"
    )


def run(
    app: AnyApp, batches: Sequence[Batch], params: object = None, tables: Tables | None = None, *, resume: bool = False
) -> tuple[Written, bytes]:
    """What is written, and the state at the end; `resume` writes and reads all memory after each batch."""
    pipeline = Pipeline(app, params)
    written: Written = {}
    try:
        pipeline.begin(None, tables or {})
        for batch in batches:
            for part in parts(batch):
                changes = pipeline.feed(part)
                if changes is not None:
                    note(changes, written)
            if resume:
                pipeline.begin(pipeline.state(), tables or {})
        return written, pack(pipeline.host.state())
    finally:
        pipeline.host.close()


def _plain(app: AnyApp) -> AnyApp:
    """The application with nothing left to the size of batches, which outputs of history "latest" leave to it."""
    writes = tuple(
        replace(
            one,
            outputs=tuple(replace(o, history="changes" if o.history == "latest" else o.history) for o in one.outputs),
        )
        for one in app.writes
    )
    return replace(app, writes=writes)


def note(changes: Changes, written: Written) -> None:
    """Add rows to what was written."""
    columns = (changes.form, changes.act, changes.observed_at, np.nan_to_num(changes.number, nan=-1e300))
    rows = zip(
        *(column.list() for column in (changes.entity, changes.attribute, changes.dataset)),
        *(column.tolist() for column in columns),
        *(column.list() for column in (changes.text, changes.unit, changes.sub)),
        strict=True,
    )
    for row in rows:
        written.setdefault(row[:3], []).append(row[3:])


def _difference(one: Written, other: Written) -> str:
    for key in [*one, *other]:
        if one.get(key) != other.get(key):
            return f"{key}: {one.get(key, [])[-3:]} and {other.get(key, [])[-3:]}"
    return "nothing"


def _pieces(log: Batch, cuts: Sequence[int]) -> list[Batch]:
    """The log cut between commits, at the first border from each row on."""
    borders = {int(np.searchsorted(log.position, log.position[cut])) for cut in cuts} | {0, len(log)}
    ends = sorted(borders)
    return [log.take(np.arange(start, end)) for start, end in pairwise(ends)]


def random_log(app: AnyApp, draw: np.random.Generator, commits: int = 40, *, mortal: bool = True) -> Batch:
    """Rows for what an application reads: a few entities of each type, reported in mixed order, some removed."""
    known = _attributes()
    things = [(one, f"urn:ngsi-ld:{one.type.rpartition('/')[2]}:{number}") for one in app.reads for number in range(3)]
    log = Log()
    now = _START
    for _ in range(commits):
        now += int(draw.choice(_STEPS)) * SECOND
        rows = ChangesBuilder()
        for place in draw.permutation(len(things))[: draw.integers(1, 4)].tolist():
            reads, entity = things[place]
            if entity not in log.lives:
                add_life(rows, entity)
                add_types(rows, entity, (iri(reads.type),))
            elif draw.random() < 0.03 and mortal:
                add_life(rows, entity, Act.REMOVE)
                continue
            for name in reads.attributes:
                if draw.random() < 0.7:
                    _reading(rows, entity, name, known.get(iri(name)), now, draw)
        log.commit(rows.build(), now)
    return log.batch()


def _reading(
    rows: ChangesBuilder, entity: str, name: str, model: AttributeModel | None, now: int, draw: np.random.Generator
) -> None:
    at = now - int(draw.choice(_DELAYS)) * SECOND
    odd = draw.random()
    if odd < 0.03:
        rows.add(entity, iri(name), act=Act.REMOVE, observed_at=at)
        return
    act, observed = (Act.SET, None) if odd < 0.08 else (Act.OBSERVE, at // MINUTE * MINUTE if odd < 0.5 else at)
    kind, form, number, text = _value(model, draw)
    for _ in range(2 if odd > 0.9 else 1):
        rows.add(entity, iri(name), kind=kind, act=act, form=form, number=number, text=text, observed_at=observed)


def _value(model: AttributeModel | None, draw: np.random.Generator) -> tuple[int, int, float, str | None]:
    if model is not None and model.kind == Kind.GEO:
        place = [round(108.3 + float(draw.random()) / 10, 5), round(22.8 + float(draw.random()) / 10, 5)]
        return Kind.GEO, Form.JSON, np.nan, orjson.dumps({"type": "Point", "coordinates": place}).decode()
    if model is not None and model.kind == Kind.RELATIONSHIP:
        return Kind.RELATIONSHIP, Form.TEXT, np.nan, f"urn:ngsi-ld:Thing:{draw.integers(4)}"
    if model is not None and not model.numeric and "boolean" not in model.range:
        words = [word for word in model.choices if isinstance(word, str)] or ["a", "b", "丙"]
        return Kind.PROPERTY, Form.TEXT, np.nan, words[int(draw.integers(len(words)))]
    most = min(model.highest, 100.0) if model is not None else 100.0
    return Kind.PROPERTY, Form.NUMBER, float(np.round(draw.random() * max(most, 1.0), 1)), None


def _attributes() -> Mapping[str, AttributeModel]:
    return {name: model for one in Catalogue.builtin().models() for name, model in one.attributes.items()}


class Log:
    """Commits, numbered as a store would: position, lives, time of recording."""

    def __init__(self) -> None:
        self.lives: dict[str, int] = {}
        self._parts: list[tuple[Changes, int]] = []

    def commit(self, changes: Changes, recorded_at: int) -> None:
        """Append a commit; rows of one entity after its removal in the same commit are not for this log."""
        if not len(changes):
            return
        position = len(self._parts) + 1
        births = (changes.kind == Kind.LIFE) & (changes.act == Act.SET)
        for row in np.flatnonzero(births).tolist():
            self.lives[changes.entity[row] or ""] = position
        changes.life = np.array([self.lives.get(one or "", 0) for one in changes.entity.list()], np.int64)
        for row in np.flatnonzero((changes.kind == Kind.LIFE) & ~births).tolist():
            self.lives.pop(changes.entity[row] or "", None)
        self._parts.append((changes, recorded_at))

    def batch(self) -> Batch:
        """The whole log."""
        counts = [len(changes) for changes, _ in self._parts]
        recorded = np.repeat(np.array([at for _, at in self._parts], np.int64), counts)
        position = np.repeat(np.arange(1, len(counts) + 1), counts)
        ordinal = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
        whole = Changes.concat([changes for changes, _ in self._parts])
        source = Coded.constant("law", len(position))
        return Batch(whole, position, ordinal, recorded, source, source, recorded)
