"""What the city's own entities say that needs attention: alerts, and values against their model or range."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.operations.attention.matter import NAMED, SEVERITIES, Matter, Severity
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Entity, Quality
from zhicheng.storage.entities import entity_at
from zhicheng.storage.live import State, Table

ALERTS = ("Alert", "WeatherAlert")
_MOST_ALERTS = 100
_AGAINST = int(Quality.MODEL | Quality.RANGE)
_SERIOUS = 0.2
"""Share of a type's entities with odd values from which on something is wrong with the source, not with the things."""


def odd_values(state: State, models: Catalogue, compact: Callable[[str], str]) -> Iterator[Matter]:
    """A matter for each attribute of a type that holds values against its model or range. Call with the lock held."""
    found: dict[tuple[str, str], tuple[int, int, list[str]]] = {}
    for table in state.tables:
        if table.living and table.types:
            for (name, _), cells in table.columns.items():
                odd = (cells.arrays["quality"][: table.count] & _AGAINST > 0) & (cells.form > 0)
                if odd.any():
                    rows = np.flatnonzero(odd)
                    total, count, ids = found.get((table.types[0], name), (0, 0, []))
                    named = [*ids, *table.directory.names(table.entity[rows[: NAMED - len(ids)]])]
                    found[table.types[0], name] = total + table.living, count + len(rows), named
    for (kind, name), (total, count, ids) in sorted(found.items()):
        yield _odd(models, (kind, name), (compact(kind), compact(name)), count / total, count, tuple(ids))


def _odd(
    models: Catalogue, iris: tuple[str, str], names: tuple[str, str], share: float, count: int, ids: tuple[str, ...]
) -> Matter:
    model, attribute = models.model(iris[0]), models.attribute(iris[1])
    kind = model.label if model else Label(names[0], names[0])
    what = attribute.label if attribute else Label(names[1], names[1])
    return Matter(
        ("value", *names), "value", "medium" if share > _SERIOUS else "low",
        Label(f"{kind.en}: odd values of {what.en}", f"{kind.zh}：{what.zh}数值异常"),
        Label(f"{count} hold a value against the model or its range", f"{count} 个对象的取值不符合数据模型或超出范围"),
        None, ids,
    )  # fmt: skip


def alerts(state: State, now: int) -> Iterator[Matter]:
    """A matter for each alert that holds now, the newest first. Call with the lock held."""
    found = []
    for table in state.tables_of([iri(name) for name in ALERTS]):
        newest = np.flatnonzero(table.alive)
        newest = newest[np.argsort(-table.modified_at[newest], kind="stable")][: 4 * _MOST_ALERTS]
        found += [matter for row in newest.tolist() if (matter := _alert(table, row, now)) is not None]
    found.sort(key=lambda matter: -(matter.since or 0))
    yield from found[:_MOST_ALERTS]


_NAMES = "name", "description", "severity", "validFrom", "validTo", "dateIssued", "affects", "category", "status"
_SHOWN = frozenset(iri(name) for name in _NAMES)


def _alert(table: Table, row: int, now: int) -> Matter | None:
    entity = entity_at(table, row, _SHOWN)
    starts, ends, issued = (_instant(entity, name) for name in ("validFrom", "validTo", "dateIssued"))
    if (ends is not None and ends < now) or (starts is not None and starts > now):
        return None
    if _text(entity, "status").zh in ("closed", "resolved"):
        return None
    title, reason, severity = (_text(entity, name) for name in ("name", "description", "severity"))
    category = _text(entity, "category")
    named = title if title.zh else reason if reason.zh else Label(f"Alert {category.en}", f"告警 {category.zh}")
    bad: Severity = severity.en if severity.en in SEVERITIES else "medium"
    return Matter(
        ("alert", entity.id), "alert", bad, named, reason, starts or issued or entity.created_at,
        (entity.id, *_targets(entity))[:NAMED],
    )  # fmt: skip


def _text(entity: Entity, name: str) -> Label:
    value = next((one.value for one in entity.attributes.get(iri(name), ())), None)
    if isinstance(value, dict):
        texts = [text for text in value.values() if isinstance(text, str)]
        first = texts[0] if texts else ""
        zh, en = value.get("zh", first), value.get("en", first)
        return Label(en if isinstance(en, str) else first, zh if isinstance(zh, str) else first)
    text = value if isinstance(value, str) else ""
    return Label(text, text)


def _instant(entity: Entity, name: str) -> int | None:
    text = _text(entity, name).en
    try:
        return instants.parse(text) if text else None
    except Invalid:
        return None


def _targets(entity: Entity) -> list[str]:
    value = next((one.value for one in entity.attributes.get(iri("affects"), ())), None)
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, str)]
