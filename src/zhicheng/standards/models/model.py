"""A data model: what a type of entity is called, which attributes it has and what values they may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from zhicheng.standards.ngsild.model import Json, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zhicheng.kernel.errors import Language


class Label(NamedTuple):
    """A text in both languages.

    >>> Label("Car park", "停车场").text("zh")
    '停车场'
    """

    en: str
    zh: str

    def text(self, language: Language) -> str:
        """The text in the asked language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True, eq=False)
class AttributeModel:
    """One attribute of a model.

    kind: PROPERTY, RELATIONSHIP or GEO, the three that models distinguish
    range: JSON types of the value ("number", "integer", "string", "boolean", "array", "object"); empty is any
    items: the same for the members where the value is an array
    unit: UN/CEFACT code of the numbers, None where they have none; lowest and highest are in that unit
    choices: allowed values with their labels; empty is no list
    worded: whether text values obey more than their type (a list, a pattern, a format)
    """

    name: str
    iri: str
    label: Label
    kind: Kind
    description: Label | None = None
    range: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    unit: str | None = None
    lowest: float = -inf
    highest: float = inf
    choices: Mapping[Json, Label] = field(default_factory=dict)
    worded: bool = False

    @property
    def many(self) -> bool:
        """Whether the value is a list."""
        return "array" in self.range

    @property
    def numeric(self) -> bool:
        """Whether the value is, or may be, a number."""
        return bool({"number", "integer"} & (self.range | self.items))


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The model of one type of entity.

    attributes: by IRI; required: IRIs of the attributes an entity of the type must have
    label_attribute, location_attribute: IRIs of what names it in a list and places it on a map
    colour: its colour on the map, #rrggbb
    schema: the JSON Schema of its simplified form, with the identifier `schema["$id"]`
    """

    name: str
    iri: str
    subject: str
    label: Label
    description: Label
    version: str
    attributes: Mapping[str, AttributeModel]
    required: tuple[str, ...]
    label_attribute: str
    location_attribute: str
    colour: str
    schema: dict[str, Json]

    def attribute(self, name: str) -> AttributeModel | None:
        """The attribute of a short name."""
        return next((found for found in self.attributes.values() if found.name == name), None)
