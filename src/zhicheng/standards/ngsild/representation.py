"""What of an entity is shown and how: the options of a request, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import LOCATION

_TOKEN = re.compile(r"[^,|{}]+|[,|{}]")
_RANGE = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*"
)
_KEPT_NAMES = frozenset(("id", "type", "scope"))


class Form(StrEnum):
    """The lossless forms and the one that shows values only."""

    NORMALIZED = "normalized"
    CONCISE = "concise"
    SIMPLIFIED = "simplified"


class Times(StrEnum):
    """How the temporal evolution of an entity is written (clauses 4.5.6 and 4.5.9)."""

    INSTANCES = "instances"
    VALUES = "temporalValues"


@dataclass(frozen=True, slots=True)
class Projection:
    """Names to show or leave out (clause 4.21): attributes by IRI, "id", "type", "scope"; `inside`: of linked ones."""

    names: frozenset[str]
    inside: Mapping[str, Projection]

    @classmethod
    def parse(cls, text: str, context: Context) -> Projection:
        """From `temperature,owner{name|phone}`.

        >>> from zhicheng.standards.ngsild.context import Contexts
        >>> found = Projection.parse("id,location{type}", Contexts().default)
        >>> sorted(found.names), list(found.inside)
        (['https://uri.etsi.org/ngsi-ld/location', 'id'], ['https://uri.etsi.org/ngsi-ld/location'])
        """
        tokens = [token.strip() for token in _TOKEN.findall(text)]
        found, end = cls._list(tokens, 0, context, text, 0)
        if end != len(tokens):
            raise _bad_projection(text)
        return found

    @classmethod
    def _list(cls, tokens: list[str], at: int, context: Context, text: str, depth: int) -> tuple[Projection, int]:
        names: list[str] = []
        inside: dict[str, Projection] = {}
        while depth < 10:
            if at >= len(tokens) or tokens[at] in ",|{}" or not tokens[at]:
                raise _bad_projection(text)
            name = tokens[at] if tokens[at] in _KEPT_NAMES else context.expand(tokens[at])
            names.append(name)
            at += 1
            if at < len(tokens) and tokens[at] == "{":
                inside[name], at = cls._list(tokens, at + 1, context, text, depth + 1)
                if at >= len(tokens) or tokens[at] != "}":
                    raise _bad_projection(text)
                at += 1
            if at >= len(tokens) or tokens[at] not in (",", "|"):
                return cls(frozenset(names), inside), at
            at += 1
        raise _bad_projection(text)


@dataclass(frozen=True, slots=True)
class Representation:
    """How to write entities down; names are IRIs (`Projection.parse`, `Context.expand` make them).

    sys_attrs: createdAt, modifiedAt, deletedAt, and in history instanceId
    lang: the natural languages wanted, as in Accept-Language; language properties become one text each
    attrs: keep only these attributes; pick, omit: the same for all members, and inside linked entities
    datasets: keep only instances with these datasetIds; "@none" is the default instance
    extras: owner, classification, quality and source of every value, which are not of the standard
    join: "inline" or "flat" linked entities, `join_level` steps far
    geometry, geometry_dataset: which GeoProperty is a GeoJSON feature's geometry
    times, time_property: how history is written, and by which time
    """

    form: Form = Form.NORMALIZED
    sys_attrs: bool = False
    lang: str | None = None
    attrs: frozenset[str] | None = None
    pick: Projection | None = None
    omit: Projection | None = None
    datasets: frozenset[str] | None = None
    extras: bool = False
    join: str | None = None
    join_level: int = 1
    geometry: str = LOCATION
    geometry_dataset: str | None = None
    times: Times = Times.INSTANCES
    time_property: str = "observedAt"

    def shows(self, name: str) -> bool:
        """Whether a member (attribute IRI, "id", "type" or "scope") is shown."""
        if self.pick is not None and name not in self.pick.names:
            return False
        if self.attrs is not None and name not in self.attrs and name not in ("id", "type"):
            return False
        return self.omit is None or name not in self.omit.names or name in self.omit.inside

    def inside(self, name: str) -> Representation:
        """How entities are shown that a relationship of this name links to."""
        pick = None if self.pick is None else self.pick.inside.get(name)
        omit = None if self.omit is None else self.omit.inside.get(name)
        return replace(self, pick=pick, omit=omit, attrs=None, join_level=self.join_level - 1)


def _bad_projection(text: str) -> Invalid:
    return Invalid(
        f"{text[:80]!r} is not a list of attribute names, such as temperature,owner{{name}}",
        f"{text[:80]!r} 不是属性名列表，例如 temperature,owner{{name}}",
    )


@lru_cache(maxsize=256)
def language_ranges(text: str) -> tuple[str, ...]:
    """The languages wanted, best first, in lower case (RFC 3282).

    >>> language_ranges("en;q=0.8, zh-CN, *;q=0.1")
    ('zh-cn', 'en', '*')
    """
    found: list[tuple[float, int, str]] = []
    for at, item in enumerate(text.split(",")):
        match = _RANGE.fullmatch(item)
        if not match:
            raise Invalid(
                f"{text[:80]!r} is no list of languages, such as zh,en;q=0.5",
                f"{text[:80]!r} 不是语言列表，例如 zh,en;q=0.5",
            )
        weight = float(match[2] or 1)
        if weight:
            found.append((-weight, at, match[1].lower()))
    return tuple(tag for _, _, tag in sorted(found))


def choose_language(texts: Mapping[str, Json], lang: str) -> tuple[str, Json]:
    """The text to show and its tag: the best match wanted, else the default, else English, else the first.

    >>> choose_language({"en": "Nanning", "zh": "南宁"}, "zh-CN,en;q=0.5")
    ('zh', '南宁')
    >>> choose_language({"en-GB": "Lift", "fr": "Ascenseur"}, "de,en;q=0.5")
    ('en-GB', 'Lift')
    >>> choose_language({"fr": "Oui", "@none": "Yes"}, "*")
    ('@none', 'Yes')
    """
    tags = {tag.lower(): tag for tag in texts}
    for wanted in language_ranges(lang):
        tag = None if wanted == "*" else _match(tags, wanted)
        if tag is not None:
            return tag, texts[tag]
    tag = tags.get("@none") or _match(tags, "en") or next(iter(texts))
    return tag, texts[tag]


def _match(tags: Mapping[str, str], wanted: str) -> str | None:
    """A tag that is the wanted one, then one more general (RFC 4647 lookup), then one more special."""
    parts = wanted.split("-")
    for count in range(len(parts), 0, -1):
        shorter = "-".join(parts[:count])
        if shorter in tags:
            return tags[shorter]
    return next((tag for low, tag in tags.items() if low.startswith(parts[0] + "-")), None)
