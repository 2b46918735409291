"""The kinds of attribute in tables: what each is called, which member holds its value, which members it may have."""

from __future__ import annotations

from zhicheng.standards.ngsild.model import Kind
from zhicheng.standards.ngsild.names import NAMESPACE

TYPE_NAMES: dict[Kind, str] = {
    Kind.PROPERTY: "Property",
    Kind.RELATIONSHIP: "Relationship",
    Kind.GEO: "GeoProperty",
    Kind.LANGUAGE: "LanguageProperty",
    Kind.VOCABULARY: "VocabProperty",
    Kind.JSON: "JsonProperty",
    Kind.LIST: "ListProperty",
    Kind.LIST_RELATIONSHIP: "ListRelationship",
}
KINDS: dict[str, Kind] = {
    **{name: kind for kind, name in TYPE_NAMES.items()},
    **{NAMESPACE + name: kind for kind, name in TYPE_NAMES.items()},
    "VocabularyProperty": Kind.VOCABULARY,
}
"""By short name and IRI; the last is what core contexts 1.6 and 1.7 called a VocabProperty."""

VALUE_MEMBERS: dict[Kind, str] = {
    Kind.PROPERTY: "value",
    Kind.RELATIONSHIP: "object",
    Kind.GEO: "value",
    Kind.LANGUAGE: "languageMap",
    Kind.VOCABULARY: "vocab",
    Kind.JSON: "json",
    Kind.LIST: "valueList",
    Kind.LIST_RELATIONSHIP: "objectList",
}
MEMBER_KINDS: dict[str, Kind] = {member: kind for kind, member in VALUE_MEMBERS.items() if kind is not Kind.GEO}
"""The kind that a member gives away in the concise representation."""

PLURALS: dict[Kind, str] = {
    Kind.PROPERTY: "values",
    Kind.RELATIONSHIP: "objects",
    Kind.GEO: "values",
    Kind.LANGUAGE: "languageMaps",
    Kind.VOCABULARY: "vocabs",
    Kind.JSON: "jsons",
    Kind.LIST: "valueLists",
    Kind.LIST_RELATIONSHIP: "objectLists",
}
"""The members of the simplified temporal representation (clause 4.5.9)."""

WRAPPED = frozenset((Kind.LANGUAGE, Kind.VOCABULARY, Kind.JSON))
"""Kinds that keep their member's name around the value even when simplified."""

RELATIONS = frozenset((Kind.RELATIONSHIP, Kind.LIST_RELATIONSHIP))
UNITLESS = frozenset((Kind.LANGUAGE, Kind.VOCABULARY, Kind.JSON, *RELATIONS))

OUTPUT_ONLY = frozenset(
    (
        "createdAt", "modifiedAt", "deletedAt", "instanceId", "entity", "entityList", "previousValue", "previousObject",
        "previousLanguageMap", "previousVocab", "previousJson", "previousValueList", "previousObjectList",
    )
)  # fmt: skip
"""Members that only answers have; read over on input."""

DETAILS = frozenset(("observedAt", "unitCode", "datasetId", "objectType", "valueType", "expiresAt"))
"""Members of an attribute besides its value that are not attributes themselves."""

STRUCTURE = DETAILS | OUTPUT_ONLY | MEMBER_KINDS.keys()
"""Names that can never be those of attributes."""

GEO_NAMES = frozenset(NAMESPACE + name for name in ("location", "observationSpace", "operationSpace"))
"""Attributes that must be GeoProperties (clause 4.7)."""
