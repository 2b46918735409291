"""@context: the core versions, the rules of expansion and compaction, and nothing from the internet."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.context import Contexts, LdContextNotAvailable, context_of, link_of
from zhicheng.standards.ngsild.core import VERSIONS, core_document, core_terms, core_url, core_version
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import DEFAULT_VOCABULARY, NAMESPACE

COUNTS = dict(zip(VERSIONS, (80, 80, 80, 108, 116, 123, 146, 151, 181, 209), strict=True))
"""Terms of each version; from 1.8 on the published documents also hold @version and @protected, which are no terms."""

FIRST = {
    "1.0": ("value", "object", "observedAt", "unitCode", "datasetId", "location"),
    "1.3": ("geojson", "Point", "timeAt", "expiresAt"),
    "1.4": ("avg", "distinctCount", "totalCount"),
    "1.5": ("LanguageProperty", "languageMap", "scope", "lang"),
    "1.6": ("previousValue", "deletedAt", "sysAttrs", "showChanges"),
    "1.7": ("vocab", "vocabs", "dataset"),
    "1.8": ("JsonProperty", "valueList", "objectList", "objectType", "pick", "omit", "join"),
    "1.9": ("valueType", "Snapshot", "objectLists", "orderBy", "lastN"),
}
ALIASES = Contexts().of({"ex": "https://ex.org/", "speed": "ex:speed", "x": "https://o.org/x"})
LINK = '<{}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@pytest.mark.parametrize("version", VERSIONS)
def test_every_core_context_is_built_in(version: str) -> None:
    context = Contexts().of(core_url(version))
    assert (context.version, context.source) == (version, core_url(version))
    assert len(core_terms(version)) == COUNTS[version]
    for term, rule in core_terms(version).items():
        assert context.terms[term].iri == rule["@id"]
    for first, terms in FIRST.items():
        for term in terms:
            assert (term in context.terms) == (VERSIONS.index(first) <= VERSIONS.index(version)), term
    assert context.coercion("observedAt") == NAMESPACE + "DateTime"
    assert context.expand("nobody_knows_me") == DEFAULT_VOCABULARY + "nobody_knows_me"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_core_context_served_is_the_one_used(version: str) -> None:
    other = Contexts({"https://example.org/copy": core_document(version)}, core=version)
    assert other.of("https://example.org/copy").terms == Contexts(core=version).default.terms


def test_terms_whose_meaning_changed() -> None:
    contexts = Contexts()
    first, third, last = (contexts.of(core_url(version)) for version in ("1.0", "1.3", "1.9"))
    assert first.expand("description") == NAMESPACE + "description"
    assert last.expand("description") == "http://purl.org/dc/terms/description"
    assert (first.expand("name"), third.expand("name")) == (NAMESPACE + "name", DEFAULT_VOCABULARY + "name")
    assert first.expand("coordinates") == NAMESPACE + "coordinates"
    assert third.expand("coordinates") == "https://purl.org/geojson/vocab#coordinates"


def test_core_urls() -> None:
    assert core_version("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.3.1.jsonld") == "1.3"
    assert core_version("http://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld") == "1.8"
    with pytest.raises(LdContextNotAvailable):
        Contexts().of("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v7.0.jsonld")


def test_one_core_for_all_when_asked() -> None:
    contexts = Contexts(core="1.9")
    assert contexts.of(core_url("1.0")).expand("name") == DEFAULT_VOCABULARY + "name"


def test_core_terms_cannot_be_overridden_wherever_the_core_stands() -> None:
    evil: Json = {
        "id": "https://evil.org/id", "type": "https://evil.org/type", "value": "https://evil.org/value",
        "Property": "https://evil.org/P", "location": "https://evil.org/l", "ngsi-ld": "https://evil.org/",
        "speed": "https://good.org/speed", "via": "ngsi-ld:via", "@vocab": "https://evil.org/v/",
    }  # fmt: skip
    for order in ([evil], [evil, core_url()], [core_url(), evil], evil):
        context = Contexts().of(order)
        assert context.expand("location") == NAMESPACE + "location"
        assert context.expand("speed") == "https://good.org/speed"
        assert context.expand("via") == NAMESPACE + "via"
        assert context.expand("unknown") == DEFAULT_VOCABULARY + "unknown"
        assert context.terms["id"].iri == "@id"
        assert isinstance(context.source, list) and context.source[-1] == core_url()


def test_nested_arrays_relative_order_and_prefixes() -> None:
    contexts = Contexts(
        {
            "https://x.org/prefixes": {"@context": {"ex": "https://ex.org/", "old": "https://x.org/old"}},
            "https://x.org/all": {
                "@context": ["https://x.org/prefixes", [{"a": "ex:a", "old": "ex:new"}], core_url("1.6")]
            },
        }
    )
    context = contexts.of(
        ["https://x.org/all", {"b": {"@id": "ex:b", "@type": "@id"}, "d": {"@id": "ex:d", "@type": "DateTime"}}]
    )
    assert context.version == "1.6"
    assert [context.expand(name) for name in ("a", "old", "b", "ex:z")] == [
        f"https://ex.org/{name}" for name in ("a", "new", "b", "z")
    ]
    assert (context.coercion("b"), context.coercion("d"), context.coercion("a")) == (
        "@id",
        NAMESPACE + "DateTime",
        None,
    )
    assert context.compact("https://ex.org/a") == "a"
    assert context.compact("https://ex.org/sub/path") == "ex:sub/path"
    assert context.compact("https://elsewhere.org/a") == "https://elsewhere.org/a"
    assert context.compact(NAMESPACE + "unheard") == "ngsi-ld:unheard"


def test_compaction_never_lies() -> None:
    """A short name that would expand to something else is not given."""
    context = Contexts().of({"speed": "https://x.org/speed", "v": "https://x.org/speed"})
    assert context.compact("https://x.org/speed") == "v"
    assert context.compact(DEFAULT_VOCABULARY + "speed") == "ngsi-ld:default-context/speed"
    assert context.compact(DEFAULT_VOCABULARY + "no-name") == "ngsi-ld:default-context/no-name"


@given(
    st.text(max_size=12), st.sampled_from([DEFAULT_VOCABULARY, NAMESPACE, "https://ex.org/", "urn:", "https://o.org/"])
)
def test_what_is_compacted_expands_to_itself(rest: str, start: str) -> None:
    context = ALIASES
    iri = start + rest
    short = context.compact(iri)
    try:
        assert context.expand(short) == iri
    except Invalid:
        assert short == iri or not re.fullmatch(r"[^\s<>\"{}|\\^`\x00-\x1f\x7f]+", rest)
    if rest:
        assert context.expand_value(context.compact_value(iri)) == iri


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("speed", True), ("空气质量", True), ("pm2_5", True), ("ex:speed", True), ("https://x.org/a", True),
        ("2nd", False), ("a-b", False), ("a b", False), ("", False), ("_a", False), ("a.b", False), ("x" * 3000, False),
        ("id", False), ("type", False), ("https://x.org/ a", False), ("@type", False),
    ],
)  # fmt: skip
def test_names(name: str, sound: bool) -> None:
    context = Contexts().default
    if sound:
        assert context.expand(name)
    else:
        with pytest.raises(Invalid):
            context.expand(name)


BAD: list[Json] = [
    True, 42, [{}, 7], "no url", {"a": 5}, {"a": "b", "b": "a"}, {"@vocab": 5}, {"@base": 5},
    {"a": {"@id": "https://x.org/a", "@context": {}}}, {"a": {"@id": "https://x.org/a", "@container": "@foo"}},
    {"@import": "https://x.org/c"}, {"a": {"@id": 7}}, [[[[[[[[[[{}]]]]]]]]]],
    {"a": {"@type": []}}, {"a": {"@nest": 5}},
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_context_is_refused(value: Json) -> None:
    with pytest.raises(Invalid):
        Contexts().of(value)


def test_a_context_that_names_itself_is_refused() -> None:
    contexts = Contexts({"https://x.org/c": {"@context": ["https://x.org/c", "https://x.org/c"]}})
    with pytest.raises(Invalid):
        contexts.of("https://x.org/c")


def test_an_unknown_context_says_how_to_map_it() -> None:
    with pytest.raises(LdContextNotAvailable) as caught:
        Contexts().of("https://nowhere.org/c.jsonld")
    assert (caught.value.status, caught.value.code) == (503, "context-not-available")
    for text in (caught.value.en, caught.value.zh):
        assert "[contexts]" in text
        assert "https://nowhere.org/c.jsonld" in text


def test_the_models_are_in_the_context_of_documents_that_name_none_but_the_core() -> None:
    contexts = Contexts(models={"@context": {"fillingLevel": "https://models.org/fillingLevel"}})
    alone: list[Json] = [None, core_url(), [core_url("1.3")], []]
    for core_alone in alone:
        assert contexts.of(core_alone).expand("fillingLevel") == "https://models.org/fillingLevel"
    own: Json = [{"a": "https://x.org/a"}, core_url()]
    assert contexts.of(own).expand("fillingLevel") == DEFAULT_VOCABULARY + "fillingLevel"


def test_hosted_contexts_come_and_go() -> None:
    contexts = Contexts()
    contexts.host("urn:c:1", {"@context": {"a": "https://x.org/a"}})
    assert contexts.of("urn:c:1").expand("a") == "https://x.org/a"
    contexts.host("urn:c:1", {"@context": {"a": "https://x.org/b"}})
    assert contexts.of("urn:c:1").expand("a") == "https://x.org/b"
    assert contexts.document("urn:c:1") == {"@context": {"a": "https://x.org/b"}}
    contexts.drop("urn:c:1")
    with pytest.raises(LdContextNotAvailable):
        contexts.of("urn:c:1")
    documents: list[Json] = [{"a": "https://x.org/a"}, [], {"@context": 7}]
    for bad in documents:
        with pytest.raises(Invalid):
            contexts.host("urn:c:2", bad)


def test_link_headers() -> None:
    assert link_of(LINK.format("https://x.org/c")) == "https://x.org/c"
    assert link_of("<https://x.org/c>;rel=http://www.w3.org/ns/json-ld#context") == "https://x.org/c"
    assert link_of('<https://x.org/n>; rel="next", ' + LINK.format("https://x.org/c")) == "https://x.org/c"
    assert link_of("") is None
    assert link_of("garbage") is None
    for bad in (
        LINK.format("no url"),
        LINK.format("https://x.org/a") + "," + LINK.format("https://x.org/b"),
        "x" * 9000,
    ):
        with pytest.raises(Invalid):
            link_of(bad)


def test_where_a_request_says_its_context() -> None:
    contexts = Contexts({"https://x.org/c": {"@context": {"a": "https://x.org/a"}}})
    link = LINK.format("https://x.org/c")
    own: Json = {"@context": "https://x.org/c"}
    assert context_of(contexts, {}, link, "application/json").expand("a") == "https://x.org/a"
    assert context_of(contexts, own, None, "application/ld+json").expand("a") == "https://x.org/a"
    assert context_of(contexts, {}, None, "application/json") is contexts.default
    for document, header, media in (
        (own, None, "application/json"),
        ({}, None, "application/ld+json"),
        (own, link, "application/ld+json"),
        ([], link, "application/ld+json"),
        (own, link, ""),
    ):
        with pytest.raises(Invalid):
            context_of(contexts, document, header, media)
