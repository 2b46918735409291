"""@context: from short names to IRIs and back, from contexts we hold ourselves; never from the internet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import orjson

from zhicheng.kernel.errors import Invalid, Unavailable
from zhicheng.standards.ngsild import core
from zhicheng.standards.ngsild.jsonld import term_table
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY, LONGEST, Memo, is_name, is_uri
from zhicheng.standards.ngsild.terms import Term

REL = "http://www.w3.org/ns/json-ld#context"
_DEEPEST = 8
_LONGEST_CHAIN = 64
_KEPT = 256
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:\"[^\"]*\"|[^\s;,]+))*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)


class LdContextNotAvailable(Unavailable):
    """A document names an @context that this installation has no copy of."""

    code: ClassVar[str] = "context-not-available"
    title_en: ClassVar[str] = "@context not available"
    title_zh: ClassVar[str] = "@context 不可用"


class Context:
    """A processed @context: a table of terms, with the core terms always on top.

    `names[short]` is the IRI of an attribute or type name, `shorts[iri]` the short name back, `words[iri]` the short
    form of a vocabulary's value; they are caches that check what they have not seen. `source` is the JSON to show as
    @context of an answer.
    """

    __slots__ = ("_inverse", "_prefixes", "names", "shorts", "source", "terms", "version", "words")

    def __init__(self, terms: Mapping[str, Term], source: Json, version: str = core.NEWEST) -> None:
        self.terms = dict(terms)
        self.source = source
        self.version = version
        self._prefixes = [(term.iri, name) for name, term in self.terms.items() if term.prefix]
        self._inverse = _inverse(self.terms)
        self.names: Memo[str, str] = Memo(self._expand)
        self.shorts: Memo[str, str] = Memo(self._compact)
        self.words: Memo[str, str] = Memo(self.compact_value)

    def expand(self, name: str) -> str:
        """The IRI of an attribute or type name; Invalid where it cannot be a name.

        >>> Contexts().default.expand("location"), Contexts().default.expand("几何")
        ('https://uri.etsi.org/ngsi-ld/location', 'https://uri.etsi.org/ngsi-ld/default-context/几何')
        """
        return self.names[name]

    def compact(self, iri: str) -> str:
        """The shortest name that expands to the IRI again; the IRI itself where there is none.

        >>> Contexts().default.compact("https://uri.etsi.org/ngsi-ld/default-context/speed")
        'speed'
        """
        return self.shorts[iri]

    def expand_value(self, text: str) -> str:
        """A vocabulary value or data type as IRI: unlike a name it may hold any character.

        >>> Contexts().default.expand_value("semi-detached")
        'https://uri.etsi.org/ngsi-ld/default-context/semi-detached'
        """
        term = self.terms.get(text)
        if term is not None and not term.iri.startswith("@"):
            return term.iri
        return self._expand_colon(text) if ":" in text else DEFAULT_VOCABULARY + text

    def compact_value(self, iri: str) -> str:
        """The short form of a vocabulary value or data type, the way back from `expand_value`.

        >>> Contexts().default.compact_value("https://uri.etsi.org/ngsi-ld/default-context/semi-detached")
        'semi-detached'
        """
        rest = iri.removeprefix(DEFAULT_VOCABULARY)
        if rest != iri and rest and ":" not in rest and rest not in self.terms and iri not in self._inverse:
            return rest
        return self._compact(iri)

    def coercion(self, name: str) -> str | None:
        """How the context says values of a term are to be read: "@id", "@vocab", "@json", a data type's IRI or None."""
        term = self.terms.get(name)
        return None if term is None else term.type

    def _expand(self, name: str) -> str:
        term = self.terms.get(name)
        if term is not None:
            if term.iri.startswith("@"):
                raise Invalid(
                    f"{name!r} stands for the JSON-LD keyword {term.iri} and cannot be a name here",
                    f"{name!r} 代表 JSON-LD 关键字 {term.iri}，不能在此用作名称",
                )
            return term.iri
        if ":" in name and is_uri(name):
            return self._expand_colon(name)
        if is_name(name):
            return DEFAULT_VOCABULARY + name
        raise Invalid(
            f"{name[:80]!r} is not a name: use a letter followed by letters, numbers and _, prefix:name, or a URI",
            f"{name[:80]!r} 不是有效名称：应以字母开头，后接字母、数字和 _，或使用 前缀:名称，或 URI",
        )

    def _expand_colon(self, name: str) -> str:
        prefix, _, suffix = name.partition(":")
        term = self.terms.get(prefix)
        if term is not None and term.prefix and not suffix.startswith("//"):
            return term.iri + suffix
        return name

    def _compact(self, iri: str) -> str:
        known = self._inverse.get(iri)
        if known is not None:
            return known
        if iri.startswith(DEFAULT_VOCABULARY):
            rest = iri[len(DEFAULT_VOCABULARY) :]
            if is_name(rest) and rest not in self.terms:
                return rest
        short = min(self._compact_iris(iri), key=lambda text: (len(text), text), default=iri)
        return short

    def _compact_iris(self, iri: str) -> Iterable[str]:
        for start, prefix in self._prefixes:
            if iri.startswith(start) and len(iri) > len(start) and not iri.startswith("//", len(start)):
                short = f"{prefix}:{iri[len(start) :]}"
                if short not in self.terms:
                    yield short


def _inverse(terms: Mapping[str, Term]) -> dict[str, str]:
    """Each IRI's best term: the shortest, then the first in order, as JSON-LD compaction chooses."""
    best: dict[str, str] = {}
    for name in sorted(terms, key=lambda name: (len(name), name)):
        best.setdefault(terms[name].iri, name)
    return best


class Contexts:
    """Every @context this installation knows: the core ones, the city's models, mapped and hosted documents.

    documents: URL -> JSON-LD document, from the city's `[contexts]`; models: the document of the city's own models,
    part of the default context only; core: a version to be used whatever a document names, None to follow documents.
    With models, a document that names the core context alone means the city's default, as one that names none does:
    a client that says "core" on writing and nothing on reading finds what it wrote.

    >>> contexts = Contexts({"https://example.org/c": {"@context": {"t": "https://example.org/temperature"}}})
    >>> contexts.of("https://example.org/c").expand("t")
    'https://example.org/temperature'
    """

    def __init__(
        self, documents: Mapping[str, Json] | None = None, *, models: Json = None, core: str | None = None
    ) -> None:
        self._documents: dict[str, Json] = dict(documents or {})
        self._core = core
        self._has_models = models is not None
        self._kept: dict[bytes, Context] = {}
        self.default = self._process(_body(models), "default")

    def of(self, value: Json) -> Context:
        """The context a document's `@context` (or a URL) means; None means the city's default.

        Raises LdContextNotAvailable for a URL we have no copy of, Invalid for what is no @context.
        """
        if value is None or (self._has_models and _only_core(value)):
            return self.default
        key = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        context = self._kept.get(key)
        if context is None:
            context = self._process(value, "@context")
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = context
        return context

    def host(self, url: str, document: Json) -> None:
        """Add or replace a document, for contexts that clients upload; Invalid where it cannot be processed."""
        if not isinstance(document, dict) or "@context" not in document:
            raise Invalid("A context document needs an @context member", "上下文文档必须有 @context 成员")
        self._process(document["@context"], url)
        self._documents[url] = document
        self._kept.clear()

    def drop(self, url: str) -> None:
        """Forget a hosted document; nothing happens where there is none."""
        self._documents.pop(url, None)
        self._kept.clear()

    def document(self, url: str) -> Json:
        """The document behind a URL: mapped, hosted or core."""
        if url in self._documents:
            return self._documents[url]
        version = core.core_version(url)
        if version is not None:
            return core.core_document(version)
        raise LdContextNotAvailable(
            f"The @context {url[:200]} is not on this installation, which never asks the internet: save the document "
            f'and map it in the city file under [contexts], "{url[:200]}" = "its file", or upload it to jsonldContexts',
            f"本系统没有 @context {url[:200]}，且从不访问互联网：请保存该文档，并在城市配置文件的 [contexts] 中写入 "
            f'"{url[:200]}" = "文件名"，或上传到 jsonldContexts',
            url=url,
        )

    def _process(self, value: Json, place: str) -> Context:
        named: list[str] = []
        parts = self._parts(value, place, named, 0)
        versions = [version for url in named if (version := core.core_version(url)) is not None]
        version = self._core or max(versions, key=core.VERSIONS.index, default=core.NEWEST)
        return Context(term_table(version, parts, place), _shown(value, version), version)

    def _parts(self, value: Json, place: str, named: list[str], depth: int) -> list[dict[str, Json]]:
        """The term definitions a context consists of, in order, without the core ones; `named` notes every URL."""
        if value is None:
            return []
        if depth > _DEEPEST:
            raise Invalid(
                f"{place} names contexts more than {_DEEPEST} deep", f"{place} 的上下文引用超过 {_DEEPEST} 层"
            )
        if isinstance(value, list):
            return [part for item in value for part in self._parts(item, place, named, depth + 1)]
        if isinstance(value, dict):
            return [value]
        if not isinstance(value, str) or not is_uri(value):
            raise Invalid(
                f"{place} must be a URL, an object or a list of these", f"{place} 必须是 URL、对象或它们的列表"
            )
        named.append(value)
        if len(named) > _LONGEST_CHAIN:
            raise Invalid(f"{place} names too many contexts", f"{place} 引用的上下文过多")
        if core.core_version(value) is not None and value not in self._documents:
            return []
        return self._parts(_body(self.document(value)), value, named, depth + 1)


def _only_core(value: Json) -> bool:
    urls = value if isinstance(value, list) else [value]
    return all(isinstance(url, str) and core.core_version(url) is not None for url in urls)


def _body(document: Json) -> Json:
    return document.get("@context") if isinstance(document, dict) and "@context" in document else document


def _shown(value: Json, version: str) -> Json:
    """What an answer shows as its @context: what was asked for, the core context last."""
    items: list[Json] = [item for item in (value if isinstance(value, list) else [value]) if item is not None]
    others = [item for item in items if not (isinstance(item, str) and core.core_version(item))]
    return [*others, core.core_url(version)] if others else core.core_url(version)


@dataclass(frozen=True, slots=True)
class ContextLink:
    """A Link header's target, if it is one of an @context."""

    url: str

    def __str__(self) -> str:
        return f'<{self.url}>; rel="{REL}"; type="application/ld+json"'


def link_of(header: str | None) -> str | None:
    """The @context a Link header names; other relations are none of ours, two contexts are an error.

    >>> link_of('<https://x.org/c>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"')
    'https://x.org/c'
    >>> link_of('<https://x.org/next>; rel="next"') is None
    True
    """
    if not header:
        return None
    if len(header) > 4 * LONGEST:
        raise Invalid("The Link header is too long", "Link 头过长")
    urls = []
    for url, parameters in _LINK.findall(header):
        found = _REL.search(parameters)
        if found and REL in (found[1] or found[2]).split():
            urls.append(url)
    if len(set(urls)) > 1:
        raise Invalid("The Link header names more than one @context", "Link 头包含多个 @context")
    if urls and not is_uri(urls[0]):
        raise Invalid(
            f"The @context in the Link header, {urls[0][:80]!r}, is not a URL", "Link 头中的 @context 不是 URL"
        )
    return urls[0] if urls else None


def context_of(contexts: Contexts, document: Json = None, link: str | None = None, media: str = "") -> Context:
    """The context of a request, by its body, Link header and media type (clause 6.3.5).

    JSON-LD bodies carry their own and no Link; JSON bodies carry none; with neither it is the city's default.
    `media` is the body's, without parameters; "" (no body, or not known) checks nothing but having both.

    >>> contexts = Contexts()
    >>> context_of(contexts, {"@context": {"t": "https://x.org/t"}}, media="application/ld+json").expand("t")
    'https://x.org/t'
    >>> context_of(contexts) is contexts.default
    True
    """
    own = isinstance(document, dict) and "@context" in document
    url = link_of(link)
    if own and url:
        raise Invalid(
            "Give the @context in the body or in the Link header, not both", "@context 只能在正文或 Link 头之一给出"
        )
    if media == "application/json" and own:
        raise Invalid(
            "A body of type application/json has no @context: send application/ld+json or a Link header",
            "application/json 正文不能包含 @context：请使用 application/ld+json 或 Link 头",
        )
    if media == "application/ld+json":
        if url:
            raise Invalid(
                "A body of type application/ld+json has its @context inside, not in a Link header",
                "application/ld+json 正文应在内部给出 @context，而不是 Link 头",
            )
        if isinstance(document, dict) and not own:
            raise Invalid(
                "A body of type application/ld+json needs an @context", "application/ld+json 正文必须包含 @context"
            )
    if isinstance(document, dict) and own:
        return contexts.of(document["@context"])
    return contexts.of(url)
