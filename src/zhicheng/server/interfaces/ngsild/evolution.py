"""History read: one entity or many over time, as instances, as pairs of value and time, or aggregated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from zhicheng.hub.query import EntityQuery
from zhicheng.hub.temporal import Window
from zhicheng.server.http import Answer, Headers
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.documents import (
    body_of,
    document_answer,
    link_context,
    list_answer,
    wanted_media,
)
from zhicheng.server.interfaces.ngsild.entities import entity_id
from zhicheng.server.interfaces.ngsild.errors import TooManyResults
from zhicheng.server.interfaces.ngsild.query_document import query_of, selectors_of
from zhicheng.server.interfaces.ngsild.windows import WORDS, Aggregation, aggregation_of, temporal_members, window_of
from zhicheng.server.request import Request
from zhicheng.standards.changes import Act, Form
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.tree import Node
from zhicheng.standards.ngsild.changes import value_of
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Entity, Json, Kind
from zhicheng.standards.ngsild.representation import Representation, Times
from zhicheng.standards.ngsild.temporal import Aggregated, Series, encode_aggregated, encode_series, encode_temporal
from zhicheng.storage import log as storage
from zhicheng.storage.series import series_keys

_LIMIT = 20


class Reading:
    """One request to read history: its window, and how the answer is to be written."""

    def __init__(self, request: Request, query: Mapping[str, str], context: Context, *, many: bool) -> None:
        self.request = request
        self.context = context
        words = given.options(query, WORDS)
        shown = {name: value for name, value in query.items() if name != "format" or value in _PLAIN_FORMATS}
        self.values = "temporalValues" in words or query.get("format") in ("temporalValues", "simplified")
        self.aggregation = aggregation_of(query, words)
        self.window = window_of(query, context, needed=many)
        options = given.representation(shown, context, words - {"temporalValues", "aggregatedValues"})
        self.options = _timed(options, self.values, self.window)

    def documents(self, heads: Sequence[Entity]) -> list[dict[str, Json]]:
        """The documents of entities given without attributes. Reads the disk: not for the event loop."""
        if not heads:
            return []
        if self.aggregation is not None:
            return self._aggregated(heads, self.aggregation)
        if self.values and self.options.datasets is None and not self.options.sys_attrs:
            return self._columns(heads)
        found = self.request.space.temporal.instances(list(heads), self.window)
        self._check(sum(len(instances) for entity in found for instances in entity.attributes.values()))
        return [encode_temporal(entity, self.context, self.options) for entity in found]

    def _aggregated(self, heads: Sequence[Entity], wanted: Aggregation) -> list[dict[str, Json]]:
        ids = [head.id for head in heads]
        end = self.window.end if self.window.end is not None else self.request.city.now()
        parts: dict[str, dict[str, list[Aggregated]]] = {identifier: {} for identifier in ids}
        for one in self.request.space.temporal.aggregates(ids, self.window, wanted.methods, wanted.period):
            starts = one.start.tolist()
            ends = [start + wanted.period if wanted.period is not None else max(end, start) for start in starts]
            columns = {name: map(_number, column.tolist()) for name, column in one.values.items()}
            methods = {name: list(zip(values, starts, ends, strict=True)) for name, values in columns.items()}
            shown = Aggregated(Kind.PROPERTY, methods, one.dataset)
            parts[one.entity].setdefault(one.attribute, []).append(shown)
        return [encode_aggregated(head.id, head.types, parts[head.id], self.context) for head in heads]

    def _columns(self, heads: Sequence[Entity]) -> list[dict[str, Json]]:
        series = self.request.space.temporal.series([head.id for head in heads], self.window)
        self._check(len(series))
        parts: dict[str, dict[str, list[Series]]] = {head.id: {} for head in heads}
        if len(series):
            keys = series_keys(series.batch.changes)
            edges = [*np.flatnonzero(np.diff(keys, prepend=-1)).tolist(), len(keys)]
            for start, end in pairwise(edges):
                identifier, name, column = _column(series, start, end, self.window)
                if column is not None and self.options.shows(name):
                    parts[identifier].setdefault(name, []).append(column)
        lang = self.options.lang
        return [encode_series(head.id, head.types, parts[head.id], self.context, lang) for head in heads]

    def _check(self, count: int) -> None:
        most = self.request.city.settings.server.max_instances
        if count > most:
            raise TooManyResults(
                f"This would be {count} instances; at most {most} are given at once: ask for less time, or aggregate",
                f"结果含 {count} 个实例，一次最多 {most} 个：请缩短时间范围或使用聚合",
            )


_PLAIN_FORMATS = ("normalized", "concise")


def _timed(options: Representation, values: bool, window: Window) -> Representation:
    times = Times.VALUES if values else Times.INSTANCES
    return replace(options, times=times, time_property=window.time, attrs=None)


def _number(value: float) -> Json:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _column(series: storage.Series, start: int, end: int, window: Window) -> tuple[str, str, Series | None]:
    """One series of values: rows that are one (entity, attribute, dataset), without removals and of one kind."""
    changes = series.batch.changes
    rows = np.arange(start, end)
    kind = int(changes.kind[start])
    rows = rows[(changes.form[rows] != Form.NOTHING) & (changes.act[rows] != Act.REMOVE) & (changes.kind[rows] == kind)]
    identifier, name = changes.entity[start] or "", changes.attribute[start] or ""
    if not len(rows):
        return identifier, name, None
    if (changes.form[rows] == Form.NUMBER).all():
        values: list[Json] = list(changes.number[rows].tolist())
    else:
        forms, numbers = changes.form[rows].tolist(), changes.number[rows].tolist()
        texts = changes.text.take(rows).list()
        values = [value_of(Kind(kind), *row) for row in zip(forms, numbers, texts, strict=True)]
    recorded = window.time in ("createdAt", "modifiedAt", "deletedAt")
    times = series.batch.recorded_at[rows] if recorded else series.effective[rows]
    return identifier, name, Series(Kind(kind), values, times, changes.dataset[start])


async def read_evolution(request: Request) -> Answer:
    """GET temporal/entities/{id}."""
    query = given.parameters_of(request)
    context, media = link_context(request), wanted_media(request)
    reading = Reading(request, query, context, many=False)
    identifier = entity_id(request)

    def read() -> dict[str, Json]:
        head = request.space.temporal.head(identifier)
        return reading.documents([head])[0]

    return document_answer(request, await asyncio.to_thread(read), context, media)


async def query_evolution(request: Request) -> Answer:
    """GET temporal/entities."""
    query = given.parameters_of(request)
    context = link_context(request)
    return await _page(request, query, context, given.where_of(query, context))


async def post_evolution_query(request: Request) -> Answer:
    """POST temporal/entityOperations/query."""
    query = dict(given.parameters_of(request))
    document, context = await body_of(request)
    query |= query_of(document) | temporal_members(document)
    wanted = selectors_of(document, context)
    if wanted is not None:
        query.setdefault("type", "*")
    where = given.where_of(query, context)
    return await _page(request, query, context, tree.all_of([wanted, where]))


async def _page(request: Request, query: Mapping[str, str], context: Context, where: Node) -> Answer:
    given.needs_selection(where, query)
    media = wanted_media(request)
    reading = Reading(request, query, context, many=True)
    limit = given.number(query, "limit", _LIMIT, request.city.settings.server.max_results, least=1)
    offset = given.number(query, "offset", 0)
    counted = given.truth(query, "count") or "count" in query.get("options", "").split(",")
    asked = EntityQuery(where, limit, offset, given.order_of(query, context), counted, frozenset())
    page = request.space.query.select(asked)
    documents = await asyncio.to_thread(reading.documents, page.entities)
    request.tally.take(rows=len(documents))
    shown = [document for document in documents if document.keys() - {"id", "type", "scope", "createdAt", "modifiedAt"}]
    headers: Headers = () if page.total is None else ((b"NGSILD-Results-Count", b"%d" % page.total),)
    return list_answer(request, shown, context, media, headers)
