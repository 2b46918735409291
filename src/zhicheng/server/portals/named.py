"""Names as people read them: of types, attributes, departments, sources and quality flags; and links behind numbers."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from urllib.parse import urlencode

from zhicheng.kernel.errors import Language
from zhicheng.security.actions import Named
from zhicheng.server.portals.view import label_of
from zhicheng.server.request import Request
from zhicheng.server.space import Space
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Entity

FLAGS = MappingProxyType(
    {
        "future": Named("超前时间", "in the future"),
        "estimated": Named("推算", "estimated"),
        "model": Named("不合模型", "against its model"),
        "range": Named("超出范围", "out of range"),
        "simulated": Named("模拟", "simulated"),
    }
)
LIST = "/api/v1/catalogue/entities"
Json = dict[str, object]


def said(name: str, label: Label | Named | None, otherwise: str) -> Json:
    """A name in both languages."""
    if label is None:
        return {f"{name}_zh": otherwise, f"{name}_en": otherwise}
    return {f"{name}_zh": label.zh or otherwise, f"{name}_en": label.en or otherwise}


def type_named(space: Space, iri: str) -> Json:
    """A type's names."""
    model = space.models.model(iri)
    name = space.contexts.default.compact(iri)
    return {"name": name, "iri": iri, **said("label", model.label if model else None, name)}


def attribute_named(space: Space, iri: str, type_: str | None = None) -> Json:
    """An attribute's names, as the type's model or another has them."""
    model = space.models.model(type_) if type_ else None
    found = (model.attributes.get(iri) if model else None) or space.models.attribute(iri)
    name = space.contexts.default.compact(iri)
    return {"name": name, "iri": iri, **said("label", found.label if found else None, name)}


def owners_named(space: Space, owners: Iterable[str], language: Language) -> dict[str, str]:
    """What departments are called: as their own entities say, else the end of their URI."""
    owners = list(owners)
    known = space.query.entities([owner for owner in owners if owner])
    return {owner: _owner_named(space, known.get(owner), owner, language) for owner in owners}


def _owner_named(space: Space, entity: Entity | None, owner: str, language: Language) -> str:
    if not owner:
        return "未标明部门" if language == "zh" else "No department named"
    label = None if entity is None else label_of(space, entity, language)
    return label or owner.rpartition(":")[2] or owner


def source_named(request: Request, source: str) -> Json:
    """A source: which kind it is, its name, what it is called, and how a feed is doing."""
    kind, _, name = source.partition(":") if source.startswith(("feed:", "app:")) else ("interface", "", source)
    made: Json = {"id": source, "kind": kind, "name": name}
    city = request.city
    at_home = request.space.tenant == city.home.tenant
    if kind == "app" and at_home and (task := city.apps.get(name)) is not None:
        return {**made, **said("label", task.app.label, name), "status": "ok" if task.error is None else "failed"}
    if kind == "feed" and at_home and (feed := city.feeds.get(name)) is not None:
        return {**made, **said("label", None, name), "status": feed.health.status(city.clock())}
    return {**made, **said("label", None, source or "?")}


def figure(count: int | None, **asked: str | None) -> Json:
    """A number of entities, with the question that lists them."""
    query = {name: value for name, value in asked.items() if value is not None}
    return {"value": count, "list": f"{LIST}?{urlencode(query)}" if query else LIST}


def changes(count: int | None, where: str) -> Json:
    """A number of changes, with the question in SQL that lists them. where: a condition on `history`."""
    condition = f" WHERE {where}" if where else ""
    sql = (
        f"SELECT recorded_at, entity, attribute, act, number, text, source FROM history{condition}\n"
        "ORDER BY recorded_at DESC LIMIT 1000"
    )
    return {"value": count, "sql": sql, "count": f"SELECT count(*) FROM history{condition}"}


def quoted(text: str) -> str:
    """A text in SQL.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
