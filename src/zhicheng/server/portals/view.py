"""What a person sees of an entity: its label, its attributes with names, ages and quality; types and where they lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zhicheng.compute.terms import iri
from zhicheng.hub.query import TypeFigures
from zhicheng.hub.shown import shown_of
from zhicheng.kernel import instants
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.errors import Language
from zhicheng.server.space import Space
from zhicheng.standards.ngsild.kinds import TYPE_NAMES
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind, Quality
from zhicheng.storage.cells import Cells
from zhicheng.storage.live import State, Table

OTHER_NAMES = tuple(
    iri(name) for name in ("name", "alternateName", "shortName", "code", "description", "stop_desc", "qrCode")
)
"""Attributes by which a search finds what it does not call by them."""
SHORT_NAMES = (iri("shortName"), iri("code"))


def label_of(space: Space, entity: Entity, language: Language) -> str | None:
    """What to call an entity; None where nothing names it."""
    for name in shown_of(space.models, entity.types).labels:
        for instance in entity.attributes.get(name, ()):
            text = _text(instance.value, language)
            if text:
                return text
    return None


def _text(value: Json, language: Language) -> str | None:
    if isinstance(value, dict):
        found = value.get(language, value.get("@none", next(iter(value.values()), None)))
        return found if isinstance(found, str) else None
    return value if isinstance(value, str) else None


def labels_at(space: Space, table: Table, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Coded:
    """The labels of some rows of a table, column-wise: of the first attribute that names any of them."""
    for name in shown_of(space.models, table.types).labels:
        cells = table.columns.get((name, None))
        if cells is not None and (cells.arrays["kind"][rows] == Kind.PROPERTY).any():
            return cells.coded("text").take(rows)
    return Coded.constant(None, len(rows))


def other_names_at(space: Space, table: Table, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[Coded]:
    """What else some rows of a table are known by: short and other names, codes, descriptions; column-wise."""
    found = (table.columns.get((name, None)) for name in OTHER_NAMES)
    return [cells.coded("text").take(rows) for cells in found if cells is not None]


def short_names_at(space: Space, table: Table, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Coded:
    """The number of a line, the code of a stop: what some rows are called where there is little room."""
    found = (table.columns.get((name, None)) for name in SHORT_NAMES)
    cells = next((cells for cells in found if cells is not None), None)
    return Coded.constant(None, len(rows)) if cells is None else cells.coded("text").take(rows)


def located(space: Space, table: Table) -> Cells | None:
    """The geometries of a table; None where there are none."""
    return table.columns.get((shown_of(space.models, table.types).location, None))


def type_document(space: Space, figures: TypeFigures) -> dict[str, object]:
    """A type for the list of layers."""
    model = space.models.model(figures.type)
    name = space.contexts.default.compact(figures.type)
    document: dict[str, object] = {
        "name": name,
        "iri": figures.type,
        "label_zh": model.label.zh if model else name,
        "label_en": model.label.en if model else name,
        "count": figures.count,
        "located": figures.located,
    }
    if model is not None:
        document["color"] = model.colour
    return document


def entity_document(space: Space, entity: Entity, now: int, language: Language, stale: bool) -> dict[str, object]:
    """An entity with all its values as the page shows them."""
    model = space.models.first(entity.types)
    attributes = []
    for name, instances in entity.attributes.items():
        own = None if model is None else model.attributes.get(name)
        known = own or space.models.attribute(name)
        label = known.label if known else None
        for instance in instances:
            attributes.append(
                {
                    "name": space.contexts.default.compact(name),
                    "iri": name,
                    "label_zh": label.zh if label else None,
                    "label_en": label.en if label else None,
                    **_instance_document(space, instance, now),
                }
            )
    return {
        "id": entity.id,
        "types": [space.contexts.default.compact(name) for name in entity.types],
        "label": label_of(space, entity, language),
        "source": entity.source,
        "stale": stale,
        "created_at": _when(entity.created_at),
        "modified_at": _when(entity.modified_at),
        "attributes": attributes,
    }


def _instance_document(space: Space, instance: Attribute, now: int) -> dict[str, object]:
    at = instance.observed_at if instance.observed_at is not None else instance.modified_at
    value = instance.value
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    sub = {
        space.contexts.default.compact(name): [one.value for one in inner] if len(inner) > 1 else inner[0].value
        for name, inner in instance.sub.items()
    }
    return {
        "kind": TYPE_NAMES[instance.kind],
        "value": value,
        "unit": instance.unit,
        "observed_at": _when(instance.observed_at),
        "age_s": None if at is None else max(0.0, (now - at) / instants.SECOND),
        "source": instance.source,
        "owner": instance.owner,
        "classification": instance.classification,
        "quality": [flag.name.lower() for flag in Quality if flag in instance.quality and flag.name],
        "dataset": instance.dataset,
        "sub": sub or None,
        "numeric": numeric,
    }


def _when(instant: int | None) -> str | None:
    return None if instant is None else instants.format(instant)


def extent_of(space: Space, state: State, iri: str) -> Mapping[str, float] | None:
    """The box that holds all entities of a type; None where none has a place."""
    boxes = []
    with state.lock:
        for table in state.tables_of([iri]):
            cells = located(space, table)
            if cells is not None and cells.boxes is not None and table.living:
                west, south, east, north = cells.bounds()
                if not np.isnan(west).all():
                    boxes.append((np.nanmin(west), np.nanmin(south), np.nanmax(east), np.nanmax(north)))
    if not boxes:
        return None
    west, south, east, north = np.array(boxes).T
    return {
        "west": float(west.min()), "south": float(south.min()), "east": float(east.max()), "north": float(north.max()),
    }  # fmt: skip
