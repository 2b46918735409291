"""Entities as lines of a list."""

from __future__ import annotations

from collections.abc import Iterable

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Language
from zhicheng.server.portals import view
from zhicheng.server.portals.named import Json, type_named
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.model import Entity


def entity_line(space: Space, entity: Entity, language: Language) -> Json:
    """Its id, type, label, when it was last changed, by which source it first came."""
    kind = type_named(space, entity.types[0]) if entity.types else {"name": "", "label_zh": "", "label_en": ""}
    return {
        "id": entity.id,
        "type": kind["name"],
        "type_zh": kind["label_zh"],
        "type_en": kind["label_en"],
        "label": view.label_of(space, entity, language),
        "modified_at": None if entity.modified_at is None else instants.format(entity.modified_at),
        "source": entity.source,
    }


def ids_of(space: Space, codes: Iterable[int]) -> list[str]:
    """The ids of entities by their codes in the directory."""
    ids = space.store.state.directory.ids
    return [ids[code] for code in codes]


def entity_lines(space: Space, ids: Iterable[str], language: Language) -> list[Json]:
    """Those of the entities that exist."""
    ids = list(ids)
    known = space.query.entities(ids)
    return [entity_line(space, known[one], language) for one in ids if one in known]
