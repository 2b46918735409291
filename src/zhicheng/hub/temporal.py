"""Temporal query: the evolution of entities, as instances, columns or aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from zhicheng.hub.plans import missing
from zhicheng.hub.query import EntityQuery, Query
from zhicheng.kernel.columns import F8, I8
from zhicheng.standards.changes import Act, Form
from zhicheng.standards.ngsild.changes import attribute_of, list_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.standards.ngsild.names import NULL
from zhicheng.storage.log import HistoryQuery, Series
from zhicheng.storage.port import Store
from zhicheng.storage.series import aggregate, in_log_order, series_keys

TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]
_TIMES = {"observedAt": "observed", "createdAt": "recorded", "modifiedAt": "modified", "deletedAt": "removed"}


@dataclass(frozen=True, slots=True)
class Window:
    """Which instances: half-open in microseconds, None for open ends; `last` keeps the newest of each series.

    attributes: IRIs, None for all; known: as the log stood then
    time: instances without an observedAt are in no window of it that has a start or an end; deletedAt: removals only
    """

    attributes: tuple[str, ...] | None = None
    start: int | None = None
    end: int | None = None
    time: TimeProperty = "observedAt"
    last: int | None = None
    known: int | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One attribute's aggregates: start of each period (microseconds) and a column for each method."""

    entity: str
    attribute: str
    dataset: str | None
    start: I8
    values: dict[str, F8]


class Temporal:
    """Reads history."""

    def __init__(self, store: Store, query: Query) -> None:
        self.store = store
        self.query = query

    def entity(self, identifier: str, window: Window) -> Entity:
        """An entity, living or removed, with its instances in the window; NotFound if it never was."""
        return self.instances([self.head(identifier)], window)[0]

    def head(self, identifier: str) -> Entity:
        """An entity, living or removed, without its attributes; NotFound if it never was."""
        return self.store.entity(identifier, ()) or self._past_head(identifier)

    def select(self, query: EntityQuery, window: Window) -> tuple[list[Entity], int | None]:
        """The living entities that fulfil the query, each with its instances in the window."""
        page = self.query.select(replace(query, attributes=frozenset()))
        return self.instances(page.entities, window), page.total

    def series(self, identifiers: Sequence[str], window: Window) -> Series:
        """The instances as columns."""
        unbound = window.time == "observedAt" and window.start is None and window.end is None
        return self.store.history(
            HistoryQuery(
                tuple(identifiers),
                window.attributes,
                window.start,
                window.end,
                "effective" if unbound else _TIMES[window.time],
                window.last,
                window.known,
            )
        )

    def aggregates(
        self, identifiers: Sequence[str], window: Window, methods: Sequence[str], period: int | None
    ) -> list[Aggregate]:
        """Aggregates of numbers by period of the window's time; periods start at the window's start, else at 1970."""
        series = _by_time(self.series(identifiers, window), window.time)
        origin = window.start if window.start is not None else 0
        if period is None and window.start is None and len(series):
            origin = int(series.effective.min())
        buckets = aggregate(series, period, origin, methods)
        keys = list(zip(buckets.entity.list(), buckets.attribute.list(), buckets.dataset.list(), strict=True))
        edges = [row for row in range(len(keys)) if row == 0 or keys[row] != keys[row - 1]]
        found = []
        for start, end in pairwise((*edges, len(keys))):
            entity, attribute, dataset = keys[start]
            values = {name: column[start:end] for name, column in buckets.number.items()}
            found.append(Aggregate(entity or "", attribute or "", dataset, buckets.start[start:end], values))
        return found

    def _past_head(self, identifier: str) -> Entity:
        """A removed entity without attributes: what it was in its last life, from the log."""
        rows = self.store.rows(HistoryQuery((identifier,), time="effective"))
        rows = in_log_order(rows.take((rows.changes.kind >= Kind.TYPES) & (rows.changes.act <= Act.REMOVE)))
        if not len(rows):
            raise missing(identifier)
        rows = rows.take(rows.changes.life == rows.changes.life[-1])
        told = {int(kind): row for row, kind in enumerate(rows.changes.kind.tolist())}
        if Kind.TYPES not in told:
            raise missing(identifier)
        scope = rows.changes.text[told[Kind.SCOPE]] if Kind.SCOPE in told else None
        created, ended = int(rows.recorded_at[0]), int(rows.recorded_at[told[Kind.LIFE]])
        types = list_of(rows.changes.text[told[Kind.TYPES]])
        return Entity(identifier, types, {}, list_of(scope), created, ended, ended, int(rows.position[-1]))

    def instances(self, heads: list[Entity], window: Window) -> list[Entity]:
        """The same entities with their instances in the window."""
        if not heads:
            return []
        series = self.series([head.id for head in heads], window)
        by_id = {head.id: head for head in heads}
        for identifier, name, attribute in _attributes(series):
            by_id[identifier].attributes.setdefault(name, []).append(attribute)
        return heads


def _by_time(series: Series, time: TimeProperty) -> Series:
    """The series in the order of the time that a window is on."""
    if time == "observedAt":
        return series
    batch = series.batch
    times = batch.modified_at if time == "modifiedAt" else batch.recorded_at
    order = np.lexsort((times, series_keys(batch.changes)))
    return Series(batch.take(order), times[order], series.instance[order])


def _attributes(series: Series) -> list[tuple[str, str, Attribute]]:
    """Every row as an instance; removals are instances with NGSI-LD Null and deletedAt."""
    batch = series.batch
    changes = batch.changes
    columns = zip(
        changes.entity.list(), changes.attribute.list(), changes.dataset.list(), changes.kind.tolist(),
        changes.form.tolist(), changes.act.tolist(), changes.number.tolist(), changes.text.list(), changes.unit.list(),
        changes.sub.list(), changes.quality.tolist(), changes.owner.list(), changes.classification.list(),
        changes.observed_at.tolist(), batch.recorded_at.tolist(), batch.modified_at.tolist(), series.instance.tolist(),
        batch.source.list(), strict=True,
    )  # fmt: skip
    found = []
    for (
        entity, name, dataset, kind, form, act, number, text, unit, sub, quality, owner, classification,
        observed, recorded, modified, instance, source,
    ) in columns:  # fmt: skip
        removed = act == Act.REMOVE or form == Form.NOTHING
        attribute = attribute_of(
            kind, form, number, text, observed_at=observed, dataset=dataset, unit=unit, sub=sub, quality=quality,
            owner=owner, classification=classification,
        )  # fmt: skip
        if removed:
            attribute.value = NULL
            attribute.deleted_at = recorded
        attribute.created_at, attribute.modified_at = recorded, modified
        attribute.instance, attribute.source = instance, source
        found.append((entity or "", name or "", attribute))
    return found
